"""Protocol S4: checking ballots before their turn, in processes of their own (docs/architecture.md, "The site").

The costly checks of ballots that wait at the same time are made together, beside the one thread that writes. What
waits is taken at once, nobody waits for a fuller batch. A ballot that fails in the batch, or lacks the hints that make
the check cheap, goes to the slow lane: there ballots are checked one by one, by one worker at most unless there is only
one, and who was sent there stays there for a while. So whoever sends bad ballots waits for others of that kind.

A worker that dies costs its batch: that is checked again by a fresh one. No verdict is ever guessed: what cannot be
checked here is left to the thread that writes. It must not import flask.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple, Protocol

from bulletin_board.errors import BusyError
from voting.election.ballot_verdicts import SubmittedBallot, Verdict, context_digest
from voting.election.ballots import BallotContext
from voting.protocol.errors import UnavailableError
from voting.site.ballot_messages import Answer, Task, setup_of
from voting.site.ballot_process import CannotStart, WorkerEnded

MAX_BATCH = 32
"""Ballots checked together: of more, the gain is small and the wait long."""
MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_WAITING = 1000
MAX_SLOW = 12
"""Ballots in the slow lane, waiting or being checked; more are told to come again."""
QUICK_TURNS = 4
"""After so many batches one slow ballot gets a turn, however many others wait."""
SUSPECT_SECONDS = 600.0
MAX_SUSPECTS = 10_000
SECONDS_BETWEEN_STARTS = 10.0
"""A worker that cannot be started is tried again after that; meanwhile the writer makes all checks."""

logger = logging.getLogger(__name__)


class Worker(Protocol):
    """A process that checks ballots."""

    def knows(self, context: bytes) -> bool:
        """Whether it has this election's setup."""

    def ask(self, task: Task) -> Answer:
        """Have ballots checked. Raises WorkerEnded."""

    def end(self) -> None:
        """End it."""


class _Waiting(NamedTuple):
    ballot: SubmittedBallot
    context: BallotContext
    digest: bytes
    """Of the context."""
    sender: str
    answer: Future[Verdict | None]


class _Batch(NamedTuple):
    ballots: list[_Waiting]
    is_slow: bool


class BallotCheckers:
    """The processes that check the ballots of a site. `check` may be called from any thread; `close` ends them."""

    def __init__(
        self, workers: int, *, start_worker: Callable[[], Worker], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """No process is started before `start`, or the first ballot.

        Args:
            workers: how many processes, 1 or more.
            start_worker: starts one; raises CannotStart.
            clock: seconds that only grow.
        """
        self._workers = workers
        self._start_worker = start_worker
        self._clock = clock
        self._changed = threading.Condition()
        """Guards what follows."""
        self._quick: deque[_Waiting] = deque()
        self._slow: deque[_Waiting] = deque()
        self._slow_running = 0
        self._quick_turns = 0
        self._suspects: dict[str, float] = {}
        """Sender -> until when."""
        self._not_before = 0.0
        self._is_closed = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the processes, so that the first voter need not wait for them. They get ready meanwhile."""
        with self._changed:
            while len(self._threads) < self._workers and not self._is_closed:
                thread = threading.Thread(target=self._serve, name="ballot checker", daemon=True)
                self._threads.append(thread)
                thread.start()

    def check(self, context: BallotContext, ballot: SubmittedBallot, sender: str) -> Verdict | None:
        """Protocol S4c: what the checks 11 to 14 say of a ballot; None if the writer must make them.

        Args:
            sender: the ballot's credential. It is suspected only for ballots that it has signed.

        Raises:
            BusyError: if too many wait already.
            UnavailableError: if this is being closed, or the check did not come to an end.
        """
        answer: Future[Verdict | None] = Future()
        waiting = _Waiting(ballot, context, context_digest(context), sender, answer)
        with self._changed:
            if self._is_closed:
                raise _closing()
            if self._clock() < self._not_before:
                return None
            is_slow = ballot.hints is None or self._is_suspect(sender)
            if is_slow:
                self._to_slow_lane(waiting)
            elif len(self._quick) >= MAX_WAITING:
                raise BusyError("too many ballots wait to be checked", remedy="try again in a moment")
            else:
                self._quick.append(waiting)
            self._changed.notify()
        self.start()
        return answer.result()

    def close(self) -> None:
        """End the processes. Whoever still waits is told that the ballot was not taken."""
        with self._changed:
            self._is_closed = True
            left = [*self._quick, *self._slow]
            self._quick.clear()
            self._slow.clear()
            self._changed.notify_all()
        for waiting in left:
            waiting.answer.set_exception(_closing())
        for thread in self._threads:
            thread.join()

    # -- what waits ----------------------------------------------------------------------------------------------------

    def _is_suspect(self, sender: str) -> bool:
        until = self._suspects.get(sender)
        if until is not None and until <= self._clock():
            del self._suspects[sender]
            return False
        return until is not None

    def _suspect(self, sender: str) -> None:
        self._suspects.pop(sender, None)
        self._suspects[sender] = self._clock() + SUSPECT_SECONDS
        while len(self._suspects) > MAX_SUSPECTS:
            self._suspects.pop(next(iter(self._suspects)))

    def _to_slow_lane(self, waiting: _Waiting) -> None:
        if len(self._slow) + self._slow_running >= MAX_SLOW:
            raise BusyError("too many ballots of this kind wait to be checked", remedy="try again in a moment")
        self._slow.append(waiting)

    def _take(self) -> _Batch | None:
        """The next batch; None when this is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._quick or self._may_take_slow())
            if self._is_closed:
                return None
            if self._may_take_slow() and (not self._quick or self._quick_turns >= QUICK_TURNS):
                self._quick_turns = 0
                self._slow_running += 1
                return _Batch([self._slow.popleft()], is_slow=True)
            self._quick_turns += 1
            return _Batch(self._take_quick(), is_slow=False)

    def _may_take_slow(self) -> bool:
        return bool(self._slow) and self._slow_running < max(1, self._workers - 1)

    def _take_quick(self) -> list[_Waiting]:
        """The longest waiting and others of the same election, up to the limits; no batch mixes elections."""
        first = self._quick[0]
        batch: list[_Waiting] = []
        passed_over: list[_Waiting] = []
        room = MAX_BATCH_BYTES
        while self._quick and len(batch) < MAX_BATCH and len(passed_over) < MAX_BATCH:
            waiting = self._quick.popleft()
            if waiting.digest == first.digest and (not batch or waiting.ballot.size <= room):
                batch.append(waiting)
                room -= waiting.ballot.size
            else:
                passed_over.append(waiting)
        self._quick.extendleft(reversed(passed_over))
        if self._quick:
            self._changed.notify()
        return batch

    # -- the threads, one for each process -----------------------------------------------------------------------------

    def _serve(self) -> None:
        slot = _Slot(self._start_worker)
        try:
            with suppress(CannotStart):  # the first batch tries again, and tells
                slot.prepare()
            while (batch := self._take()) is not None:
                try:
                    self._check(slot, batch)
                except Exception as error:
                    logger.error("checking ballots met %s", type(error).__name__)  # noqa: TRY400 (its text may hold anything)
                    self._leave_to_writer(batch.ballots)
                finally:
                    if batch.is_slow:
                        with self._changed:
                            self._slow_running -= 1
                            self._changed.notify()
        finally:
            slot.end()

    def _check(self, slot: _Slot, batch: _Batch) -> None:
        try:
            answer = slot.ask(batch)
        except CannotStart:
            logger.error("no process can be started to check ballots: the writer checks them")  # noqa: TRY400
            with self._changed:
                self._not_before = self._clock() + SECONDS_BETWEEN_STARTS
            self._leave_to_writer(batch.ballots)
            return
        except WorkerEnded:
            if self._is_closed:
                _refuse(batch.ballots, _closing())
            elif len(batch.ballots) == 1:
                with self._changed:
                    self._suspect(batch.ballots[0].sender)
                _refuse(batch.ballots, UnavailableError("could not be checked", remedy="try again in a moment"))
            else:  # one of them may be what ends the workers: the others must not suffer
                for waiting in batch.ballots:
                    self._check(slot, _Batch([waiting], batch.is_slow))
            return
        self._deliver(batch.ballots, answer)

    def _deliver(self, ballots: Sequence[_Waiting], answer: Answer) -> None:
        doubtful = set(answer.doubtful)
        for position, waiting in enumerate(ballots):
            if position in doubtful:
                with self._changed:
                    self._suspect(waiting.sender)
                    try:
                        if self._is_closed:
                            raise _closing()
                        self._to_slow_lane(waiting)
                        self._changed.notify()
                    except UnavailableError as error:
                        waiting.answer.set_exception(error)
            elif (found := answer.verdicts.get(position)) is not None:
                waiting.answer.set_result(found)
            else:
                waiting.answer.set_result(None)

    def _leave_to_writer(self, ballots: Sequence[_Waiting]) -> None:
        for waiting in ballots:
            if not waiting.answer.done():
                waiting.answer.set_result(None)


class _Slot:
    """One process at a time, started when it is needed; the thread's own."""

    def __init__(self, start: Callable[[], Worker]) -> None:
        self._start = start
        self._process: Worker | None = None

    def prepare(self) -> Worker:
        """Start the process, if there is none. Raises CannotStart."""
        if self._process is None:
            self._process = self._start()
        return self._process

    def ask(self, batch: _Batch) -> Answer:
        """Have a batch checked, once more if the worker dies. Raises WorkerEnded, or CannotStart."""
        try:
            return self._ask(batch)
        except WorkerEnded:
            logger.warning("a process that checks ballots ended: another one takes its place")
            return self._ask(batch)

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _ask(self, batch: _Batch) -> Answer:
        process = self.prepare()
        first = batch.ballots[0]
        setup = None if process.knows(first.digest) else setup_of(first.context)
        ballots = [(waiting.ballot.body, waiting.ballot.hints) for waiting in batch.ballots]
        try:
            return process.ask(Task(first.digest, setup, ballots, batch.is_slow))
        except WorkerEnded:
            self.end()
            raise


def _refuse(ballots: Sequence[_Waiting], error: UnavailableError) -> None:
    for waiting in ballots:
        waiting.answer.set_exception(error)


def _closing() -> UnavailableError:
    return UnavailableError("is being closed: the ballot was not taken", remedy="try again in a minute")
