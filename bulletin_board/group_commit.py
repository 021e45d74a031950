"""Protocol L16: one thread that writes what many send at the same time (docs/spec/log.md, "Appending").

What waits is written in one transaction, so that all of it shares one flush of the disk. Each sender gets an answer of
its own when the transaction is on the disk, and at the end of service everything that was taken is written first.

This module must not know what entries mean, nor import any web code.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from bulletin_board.errors import BusyError, FatalError
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended
from voting.protocol.errors import UnavailableError, UrneError

MAX_WAITING = 1000
"""More submissions than this wait for no turn: the answer is "busy", and memory stays bounded."""
MAX_BATCH = 256
MAX_BATCH_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 300.0
"""Nobody waits longer than this for an answer. The entry may still be written: submitting it again tells."""

OpenBoard = Callable[[], Board]


class _Waiting(NamedTuple):
    submission: Submission
    answer: Future[Appended]

    @property
    def bytes(self) -> int:
        return len(self.submission.body) + len(self.submission.attachment or b"")


class GroupWriter:
    """The writer of one board. `submit` may be called from any thread at any time; `close` ends the thread."""

    def __init__(self, board: Board, reopen: OpenBoard, *, on_commit: Callable[[], None] = lambda: None) -> None:
        """Args:
        board: open; the writer's own from now on.
        reopen: opens it anew after a write that failed, since then only the disk is certain.
        on_commit: told after every transaction that added something.
        """
        self._board: Board | None = board
        self._reopen = reopen
        self._on_commit = on_commit
        self._changed = threading.Condition()
        """Guards what follows."""
        self._waiting: deque[_Waiting] = deque()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="board writer", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> Appended:
        """Protocol L16a: append an entry together with whatever else waits; on return it is on the disk.

        Raises:
            BusyError: if too many wait already: nothing was taken.
            FatalError: if writing failed: the entry may be there or not. Submitting it again tells.
            UnavailableError: if the board is closed, cannot be opened, or does not answer.
            UrneError: if the rules refuse it.
        """
        answer: Future[Appended] = Future()
        with self._changed:
            if self._is_closed:
                raise UnavailableError("is being closed: the entry was not taken", where="the board")
            if len(self._waiting) >= MAX_WAITING:
                raise BusyError("too many entries wait to be written", remedy="try again in a moment")
            self._waiting.append(_Waiting(submission, answer))
            self._changed.notify()
        try:
            return answer.result(timeout=ANSWER_SECONDS)
        except TimeoutError:
            raise UnavailableError(
                "did not answer in time", where="the board", remedy="send the same entry again"
            ) from None

    def close(self) -> None:
        """Write what waits, then close the board. What comes later is refused."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()
        board, self._board = self._board, None
        if board is not None:
            board.close()

    def _run(self) -> None:
        while batch := self._take():
            try:
                outcomes = self._write(batch)
            except UrneError as error:
                outcomes = [error] * len(batch)
            except Exception as error:  # e.g. a fault in what reopens it: the senders must not wait for ever
                outcomes = [FatalError(f"writing failed ({type(error).__name__})", where="the board")] * len(batch)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, Appended):
                    waiting.answer.set_result(outcome)
                else:
                    waiting.answer.set_exception(outcome)

    def _take(self) -> list[_Waiting]:
        """Protocol L16b: all that waits, up to the limits; nothing at the end of service."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            batch: list[_Waiting] = []
            room = MAX_BATCH_BYTES
            while self._waiting and len(batch) < MAX_BATCH and (not batch or self._waiting[0].bytes <= room):
                batch.append(self._waiting.popleft())
                room -= batch[-1].bytes
            return batch

    def _write(self, batch: list[_Waiting]) -> list[Appended | UrneError]:
        if self._board is None:
            self._board = self._reopen()
        try:
            outcomes = self._board.append_many([waiting.submission for waiting in batch])
        except FatalError:
            board, self._board = self._board, None
            board.close()
            raise
        if any(isinstance(outcome, Appended) and outcome.was_new for outcome in outcomes):
            self._on_commit()
        return outcomes
