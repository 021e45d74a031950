"""Long work of the administrator's pages, each in a thread of its own, so that no page waits for it.

A job has a key: while one runs, starting it again does nothing. What it did is on the board or in a file; here is only
whether it runs, and why it failed. It must not import flask.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from traceback import format_tb
from typing import NamedTuple

from voting.protocol.errors import UrneError

_log = logging.getLogger(__name__)


class Failure(NamedTuple):
    """Why a job did not come to its end."""

    problem: str
    remedy: str


class Jobs:
    """Jobs that run now, and how the last of each key failed. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}
        self._failures: dict[str, Failure] = {}

    def start(self, key: str, work: Callable[[], object]) -> bool:
        """Begin a job; False if one with this key runs already."""
        with self._lock:
            if key in self._running:
                return False
            thread = threading.Thread(target=self._run, args=(key, work), name=f"job {key}", daemon=True)
            self._running[key] = thread
            self._failures.pop(key, None)
        thread.start()
        return True

    def is_running(self, key: str) -> bool:
        """Whether a job with this key runs."""
        with self._lock:
            return key in self._running

    def failure(self, key: str) -> Failure | None:
        """How the last job of this key failed; None if it did not, or runs again."""
        with self._lock:
            return self._failures.get(key)

    def wait(self, key: str, seconds: float) -> None:
        """Wait until a job has ended, at most so long."""
        with self._lock:
            thread = self._running.get(key)
        if thread is not None:
            thread.join(seconds)

    def _run(self, key: str, work: Callable[[], object]) -> None:
        failure: Failure | None = None
        try:
            work()
        except UrneError as error:
            failure = Failure(error.problem, error.remedy)
        except Exception as error:
            _log.error("job failed: %s\n%s", type(error).__name__, "".join(format_tb(error.__traceback__)))
            failure = Failure("failed for a reason that nobody foresaw", "try again; if it goes on, tell the operator")
        finally:
            with self._lock:
                self._running.pop(key, None)
                if failure is not None:
                    self._failures[key] = failure
