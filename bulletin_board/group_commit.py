"""Protocol L16: one thread that writes what many send at the same time (docs/spec/log.md, "Appending").

What waits is written in one transaction, so that all of it shares one flush of the disk. Each sender gets an answer of
its own when the transaction is on the disk, and at the end of service everything that was taken is written first.
Work that needs the open board is done by the same thread, in its turn.

This module must not know what entries mean, nor import any web code.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from traceback import format_tb
from typing import Any, NamedTuple, TypeVar

from bulletin_board.errors import BusyError, FatalError
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended
from voting.protocol.errors import UnavailableError, UrneError

T = TypeVar("T")

MAX_WAITING = 1000
"""More submissions than this wait for no turn: the answer is "busy", and memory stays bounded."""
MAX_BATCH = 256
MAX_BATCH_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 300.0
"""Nobody waits longer than this for an answer. The entry may still be written: submitting it again tells."""

OpenBoard = Callable[[], Board]

logger = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A submission whose turn has not come."""

    submission: Submission
    answer: Future[Appended]

    @property
    def bytes(self) -> int:
        return len(self.submission.body) + len(self.submission.attachment or b"")


class _Job(NamedTuple):
    """Work that needs the open board."""

    work: Callable[[Board], Any]
    answer: Future[Any]


class GroupWriter:
    """The writer of one board. `submit` and `run` may be called from any thread at any time; `close` ends the thread.

    The board is opened when the first turn comes, unless it is given open, and again after anything that left it in
    doubt, since then only the disk is certain.
    """

    def __init__(
        self,
        open_board: OpenBoard,
        board: Board | None = None,
        *,
        name: str = "board",
        max_batch: int = MAX_BATCH,
        answer_seconds: float = ANSWER_SECONDS,
        on_commit: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Args:
        open_board: opens the board, in the writer's thread.
        board: the board, if it is open already; the writer's own from now on.
        name: of the thread.
        max_batch: so many submissions at most are written in one transaction.
        answer_seconds: nobody waits longer for an answer.
        on_commit: told, in the writer's thread, after every turn that may have added something.
        on_lost: told, in the writer's thread, when the board is closed after a fault, or at the end of service.
        """
        self._open = open_board
        self._board = board
        self._max_batch = max_batch
        self._answer_seconds = answer_seconds
        self._on_commit = on_commit
        self._on_lost = on_lost
        self._changed = threading.Condition()
        """Guards what follows."""
        self._waiting: deque[_Waiting | _Job] = deque()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=f"{name} writer", daemon=True)
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
        return self._hand_over(_Waiting(submission, answer), answer)

    def run(self, work: Callable[[Board], T]) -> T:
        """Protocol L16c: do work with the open board in the writer's thread, after all that was handed over before.

        Raises:
            BusyError, FatalError, UnavailableError: as `submit` does.
            Exception: whatever the work raises.
        """
        answer: Future[T] = Future()
        return self._hand_over(_Job(work, answer), answer)

    def close(self) -> None:
        """Write what waits, then close the board. What comes later is refused."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    # -- the senders' side ---------------------------------------------------------------------------------------------

    def _hand_over(self, item: _Waiting | _Job, answer: Future[T]) -> T:
        with self._changed:
            if self._is_closed:
                raise UnavailableError("is being closed: the entry was not taken", where="the board")
            if len(self._waiting) >= MAX_WAITING:
                raise BusyError("too many entries wait to be written", remedy="try again in a moment")
            self._waiting.append(item)
            self._changed.notify()
        try:
            return answer.result(timeout=self._answer_seconds)
        except TimeoutError:
            if answer.done():
                raise  # the work's own
            raise UnavailableError(
                "did not answer in time", where="the board", remedy="send the same entry again"
            ) from None

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while turn := self._take():
                if isinstance(turn, _Job):
                    self._do(turn)
                else:
                    self._write(turn)
        finally:
            self._lose_board()

    def _take(self) -> _Job | list[_Waiting] | None:
        """Protocol L16b: a job, or all submissions before the next one, up to the limits; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            batch: list[_Waiting] = []
            room = MAX_BATCH_BYTES
            while self._waiting and len(batch) < self._max_batch:
                item = self._waiting[0]
                if isinstance(item, _Job):
                    if not batch:
                        self._waiting.popleft()
                        return item
                    break
                if batch and item.bytes > room:
                    break
                batch.append(item)
                self._waiting.popleft()
                room -= item.bytes
            return batch or None

    def _do(self, job: _Job) -> None:
        try:
            board = self._opened()
        except Exception as error:
            job.answer.set_exception(_told(error))
            return
        try:
            result = job.work(board)
        except FatalError as error:
            self._lose_board()
            job.answer.set_exception(error)
        except Exception as error:
            self._on_commit()
            job.answer.set_exception(error)
        else:
            self._on_commit()
            job.answer.set_result(result)

    def _write(self, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Appended | UrneError]
        try:
            outcomes = self._opened().append_many([waiting.submission for waiting in batch])
        except Exception as error:
            self._lose_board()
            outcomes = [_told(error)] * len(batch)
        else:
            if any(isinstance(outcome, Appended) and outcome.was_new for outcome in outcomes):
                self._on_commit()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Appended):
                waiting.answer.set_result(outcome)
            else:
                waiting.answer.set_exception(outcome)

    def _opened(self) -> Board:
        if self._board is None:
            self._board = self._open()
        return self._board

    def _lose_board(self) -> None:
        board, self._board = self._board, None
        if board is not None:
            try:
                board.close()
            except Exception as error:  # the senders must not wait for ever; the next turn opens it, or says why not
                _told(error)
        self._on_lost()


def _told(error: Exception) -> UrneError:
    """What the senders are told. The text of a fault that nobody foresaw may hold anything: its place is logged."""
    if isinstance(error, UrneError):
        return error
    logger.error("a board met %s\n%s", type(error).__name__, "".join(format_tb(error.__traceback__)))
    return FatalError(f"writing failed ({type(error).__name__})", where="the board")
