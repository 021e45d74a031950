"""Protocol S4: one process that checks ballots, as the site sees it (`voting.site.ballot_worker` is its other side).

It must not import flask.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from voting.site.ballot_messages import LENGTH_BYTES, MAX_ELECTIONS, Answer, Task, pack, unpack, write_all

SECONDS_TO_START = 60.0
SECONDS_TO_CHECK = 240.0
"""A batch that takes longer has met a fault. The plain check of the longest ballot takes a fraction of that."""
SECONDS_TO_END = 5.0
MAX_ANSWER_BYTES = 1024 * 1024
ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
"""All that a worker inherits: what else stands in the environment may be secret."""

WORKER = "voting.site.ballot_worker"


class WorkerEnded(Exception):
    """The process is no more, or does not answer as it should."""


class CannotStart(Exception):
    """No process can be started, or it ends at once."""


class WorkerProcess:
    """A running process. Use it from one thread at a time."""

    def __init__(self, command: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start it, and wait until it is ready.

        Raises:
            CannotStart: if that fails.
        """
        self._clock = clock
        self._known: dict[bytes, None] = {}
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            )
        except OSError as error:
            raise CannotStart from error
        try:
            self._receive(SECONDS_TO_START)
        except WorkerEnded as error:
            self.end(0)
            raise CannotStart from error

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def knows(self, context: bytes) -> bool:
        """Whether it was given this election's setup, and has it still."""
        return context in self._known

    def ask(self, task: Task) -> Answer:
        """Have ballots checked.

        Raises:
            WorkerEnded: if it ended, did not answer in time, or answered what is no answer.
        """
        if task.setup is not None:
            self._known[task.context] = None
            while len(self._known) > MAX_ELECTIONS:
                self._known.pop(next(iter(self._known)))
        assert self._process.stdin is not None  # noqa: S101 (a pipe was asked for)
        try:
            write_all(self._process.stdin.fileno(), pack(task))
            answer = unpack(self._receive(SECONDS_TO_CHECK), Answer)
        except (OSError, msgspec.MsgspecError) as error:
            raise WorkerEnded from error
        if any(not 0 <= position < len(task.ballots) for position in (*answer.verdicts, *answer.doubtful)):
            raise WorkerEnded
        return answer

    def end(self, seconds: float = SECONDS_TO_END) -> None:
        """Close its pipe, and kill it if it does not end by itself in time."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _receive(self, seconds: float) -> bytes:
        until = self._clock() + seconds
        length = int.from_bytes(self._read(LENGTH_BYTES, until), "big")
        if length > MAX_ANSWER_BYTES:
            raise WorkerEnded
        return self._read(length, until)

    def _read(self, length: int, until: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 (a pipe was asked for)
        pipe = self._process.stdout.fileno()
        waiting = select.poll()
        waiting.register(pipe, select.POLLIN)
        data = bytearray()
        while len(data) < length:
            left = until - self._clock()
            if left <= 0 or not waiting.poll(left * 1000):
                raise WorkerEnded
            part = os.read(pipe, length - len(data))
            if not part:
                raise WorkerEnded
            data += part
        return bytes(data)


def start_worker() -> WorkerProcess:
    """Protocol S4d: start a process that checks ballots: a fresh one, which has none of the site's secrets.

    Raises:
        CannotStart: if that fails.
    """
    return WorkerProcess([sys.executable, "-m", WORKER])
