"""Protocol S18: the elections that a site hosts, open for writing by one thread each (docs/architecture.md).

A board has one writer. Requests come in many threads: they hand their entries to the election's own thread, which
writes what waits in one transaction, and get their answer when it is on the disk. Reading needs no turn: every request
opens its own reader, and `look` shows the record between two changes.

Where the board has witnesses, they are asked as long as the thread runs. What they have not signed yet is on the disk,
but not published: the live record shows it, a reader only if it is asked to.

It must not import flask: the pages are above it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Full, Queue
from traceback import format_tb
from typing import Any, NamedTuple, TypeVar

from bulletin_board.cosigning import Cosigner, start_cosigner
from bulletin_board.errors import FatalError
from bulletin_board.log import Submission
from bulletin_board.reader import Appended, BoardReader, open_reader
from bulletin_board.witness_settings import NO_WITNESSES, WitnessSettings
from voting.crypto.signatures import SigningKey
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry
from voting.election_folder import (
    MANIFEST,
    MakeManifest,
    OpenElection,
    RandomBytes,
    board_folder,
    create_election_folder,
    read_signing_key,
    writing,
)
from voting.protocol.errors import UnavailableError, UrneError, UsageError
from voting.protocol.manifest import Manifest

T = TypeVar("T")

MAX_WAITING = 1000
"""More submissions than this wait for no turn: the answer is "busy, try again", and memory stays bounded."""
MAX_BATCH = 32
"""Submissions written in one transaction."""
ANSWER_SECONDS = 300
"""Nobody waits longer than this for an answer. The entry may still be written: submitting it again tells."""
QUORUM_SECONDS = 4.0
"""So long an entry waits for the witnesses of its board before its sender is told that they are missing."""
MAX_AWAITING = 10
"""So many requests of one election wait for witnesses at a time, the others ask again: no witness takes all threads."""
SECONDS_BETWEEN_LOOKS = 0.25

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")

Make = Callable[[ElectionRecord, SigningKey, str], NewEntry | Sequence[NewEntry]]
"""Record, the signing key, the time of now -> what is to be appended."""
Gate = Callable[[Submission, str | None], None]
"""Looks at a submission and its token before it gets a turn. Raises UrneError to refuse it."""


class _Waiting(NamedTuple):
    """A submission whose turn has not come."""

    submission: Submission
    answer: Future[Appended]

    def refuse(self, error: UrneError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class _Job(NamedTuple):
    """Work that needs the open board."""

    work: Callable[[OpenElection], Any]
    answer: Future[Any]

    def run(self, election: OpenElection) -> None:
        """Do the work, and pass on what comes of it. Raises FatalError after a failed write."""
        try:
            self.answer.set_result(self.work(election))
        except Exception as error:
            self.answer.set_exception(error)
            if isinstance(error, FatalError):
                raise

    def refuse(self, error: UrneError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class HostedElection:
    """One election of the site. Every method may be called from any thread."""

    def __init__(self, name: str, folder: Path, *, allow_toy: bool = False, gate: Gate | None = None) -> None:
        self.name = name
        self.folder = folder
        self.gate = gate
        self._allow_toy = allow_toy
        self._waiting: Queue[_Waiting | _Job | None] = Queue(MAX_WAITING)
        self._pending: deque[_Waiting | _Job | None] = deque()
        """Taken from the queue and not done yet; the thread's own."""
        self._record: ElectionRecord | None = None
        self._changing = threading.RLock()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None
        self._cosigner: Cosigner | None = None
        self._awaiting = threading.BoundedSemaphore(MAX_AWAITING)

    # -- writing -------------------------------------------------------------------------------------------------------

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """Protocol S18a: append what somebody sent in. On return it is on the disk.

        Where a quorum of witnesses is demanded, they are given a moment to sign it, too.

        Raises:
            UrneError: as the rules refuse it, or UnavailableError if the board cannot take it now.
        """
        if self.gate is not None:
            self.gate(submission, token)
        answer: Future[Appended] = Future()
        self._hand_over(_Waiting(submission, answer))
        appended = _wait(answer)
        self._await_witnesses(appended.seq + 1)
        return appended

    def act(self, make: Make, key: str = "administrator") -> list[Appended]:
        """Protocol S18b: append an act of the administrator or the credential authority.

        Args:
            make: builds the entries from the live record.
            key: whose key signs: "administrator" or "authority".

        Raises:
            UrneError: if the act is not possible now, or the rules refuse it.
        """
        return self._run(partial(_act, make, key))

    def settle(self, seconds: float) -> bool:
        """Protocol S18c: wait until the witnesses have signed all that is on the board now.

        Returns:
            Whether the quorum has, at the latest after so many seconds; also True where none is demanded.
        """
        with self.reader(unpublished=True) as board:
            size = len(board)
        self._start()
        self._run(lambda _election: None)
        cosigner = self._cosigner
        if cosigner is None:
            return True
        deadline = time.monotonic() + seconds
        while not cosigner.wait(size, max(deadline - time.monotonic(), 0)):
            # Too many of them have just failed; they are asked again after a rest.
            if time.monotonic() >= deadline:
                return False
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return True

    def close(self) -> None:
        """End the thread after what waits was written, close the board, and ask no witness any more."""
        with self._started:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    # -- reading -------------------------------------------------------------------------------------------------------

    @contextmanager
    def reader(self, *, unpublished: bool = False) -> Iterator[BoardReader]:
        """The board, for the calling thread.

        Args:
            unpublished: show what its witnesses have not signed yet: to the administrator, never as a proof.

        Raises:
            UnavailableError: if it cannot be read.
        """
        with open_reader(board_folder(self.folder), unpublished=unpublished) as board:
            yield board

    def look(self, read: Callable[[ElectionRecord], T]) -> T:
        """Read the live record between two changes. `read` must be quick, and must not keep the record.

        Raises:
            UnavailableError: if the board cannot be opened.
        """
        self._start()
        record = self._record
        if record is None:
            self._run(lambda _election: None)
            record = self._record
        if record is None:
            raise UnavailableError("cannot be opened now", where=f"the board of {self.name}", remedy="try again later")
        with self._changing:
            return read(record)

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _await_witnesses(self, size: int) -> None:
        """Give the witnesses a moment; whether that was enough, the receipt tells."""
        cosigner = self._cosigner
        if cosigner is not None and self._awaiting.acquire(blocking=False):
            try:
                cosigner.wait(size, QUORUM_SECONDS)
            finally:
                self._awaiting.release()

    def _run(self, work: Callable[[OpenElection], T]) -> T:
        answer: Future[T] = Future()
        self._hand_over(_Job(work, answer))
        return _wait(answer)

    def _hand_over(self, item: _Waiting | _Job) -> None:
        self._start()
        try:
            self._waiting.put_nowait(item)
        except Full:
            raise UnavailableError(
                "has too many requests waiting", where=f"the board of {self.name}", remedy="try again in a moment"
            ) from None

    def _start(self) -> None:
        with self._started:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._serve, name=f"board {self.name}", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        """Open the board and write what comes; after a failed write open it again, since only the disk is certain."""
        try:
            self._serve_until_closed()
        finally:
            cosigner, self._cosigner = self._cosigner, None
            if cosigner is not None:
                cosigner.close()

    def _serve_until_closed(self) -> None:
        while (item := self._take()) is not None:
            try:
                if self._cosigner is None:
                    self._cosigner = start_cosigner(board_folder(self.folder))
                with writing(self.folder, allow_toy=self._allow_toy) as election:
                    election.admission.guard = self._changing
                    self._record = election.record
                    self._pending.appendleft(item)
                    self._write(election)
            except UrneError as error:
                item.refuse(error)
            except Exception as error:
                item.refuse(_fault(error))
            else:
                return
            finally:
                self._record = None

    def _write(self, election: OpenElection) -> None:
        """Write until the end of service. Raises FatalError after a failed write, which its senders were told of."""
        while (item := self._take()) is not None:
            if isinstance(item, _Job):
                item.run(election)
                self._tell_witnesses()
                continue
            batch = [item]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                following = self._waiting.get()
                if not isinstance(following, _Waiting):
                    self._pending.append(following)
                    break
                batch.append(following)
            _append(election, batch)
            self._tell_witnesses()

    def _tell_witnesses(self) -> None:
        if self._cosigner is not None:
            self._cosigner.notify()

    def _take(self) -> _Waiting | _Job | None:
        return self._pending.popleft() if self._pending else self._waiting.get()


def _append(election: OpenElection, batch: Sequence[_Waiting]) -> None:
    try:
        outcomes = election.board.append_many([waiting.submission for waiting in batch])
    except UrneError as error:
        for waiting in batch:
            waiting.answer.set_exception(error)
        raise
    except Exception as error:
        fault = _fault(error)
        for waiting in batch:
            waiting.answer.set_exception(fault)
        raise fault from None
    for waiting, outcome in zip(batch, outcomes, strict=True):
        if isinstance(outcome, Appended):
            waiting.answer.set_result(outcome)
        else:
            waiting.answer.set_exception(outcome)


def _fault(error: Exception) -> FatalError:
    """What nobody foresaw: whoever waits is told at once, and the board is opened anew."""
    logger.error("a board met %s\n%s", type(error).__name__, "".join(format_tb(error.__traceback__)))
    return FatalError(f"writing failed ({type(error).__name__})", where="the board")


def _act(make: Make, key: str, election: OpenElection) -> list[Appended]:
    made = make(election.record, read_signing_key(election.folder, key), election.now())
    entries = [made] if isinstance(made, NewEntry) else list(made)
    return [election.append(entry) for entry in entries]


def _wait(answer: Future[T]) -> T:
    try:
        return answer.result(timeout=ANSWER_SECONDS)
    except TimeoutError:
        raise UnavailableError(
            "did not answer in time", where="the board", remedy="send the same entry again"
        ) from None


class Elections:
    """All elections of a site: the folders under `folder`, by name."""

    def __init__(self, folder: Path, *, allow_toy: bool = False, gate: Callable[[str], Gate] | None = None) -> None:
        """Args: `gate` gives the check that stands before an election's board, by the election's name."""
        self.folder = folder
        self.allow_toy = allow_toy
        self._gate = gate
        self._lock = threading.Lock()
        self._hosted: dict[str, HostedElection] = {}

    def names(self) -> list[str]:
        """The names of all elections, in order."""
        return sorted(path.name for path in self.folder.iterdir() if is_name(path.name) and (path / MANIFEST).is_file())

    def get(self, name: str) -> HostedElection:
        """One election. Raises UsageError if there is none of that name."""
        with self._lock:
            hosted = self._hosted.get(name)
            if hosted is None:
                if not is_name(name) or not (self.folder / name / MANIFEST).is_file():
                    raise UsageError("there is no such election here")
                gate = self._gate(name) if self._gate else None
                hosted = HostedElection(name, self.folder / name, allow_toy=self.allow_toy, gate=gate)
                self._hosted[name] = hosted
            return hosted

    def create(
        self,
        name: str,
        make_manifest: MakeManifest,
        *,
        origin: str | None = None,
        random_bytes: RandomBytes,
        witnesses: WitnessSettings = NO_WITNESSES,
    ) -> Manifest:
        """Define an election on a new board (S12).

        Args:
            witnesses: whom the board asks to sign; the manifest names the same.

        Raises:
            UsageError: if the name is taken or no name.
            UnavailableError: if it cannot be written.
        """
        require_name(name)
        return create_election_folder(
            self.folder / name, make_manifest, origin=origin, random_bytes=random_bytes, witnesses=witnesses
        )

    def close(self) -> None:
        """Close all boards."""
        with self._lock:
            hosted = list(self._hosted.values())
            self._hosted.clear()
        for election in hosted:
            election.close()


def is_name(text: str) -> bool:
    """Whether a text can be an election's name: 1 to 40 of a-z, 0-9 and hyphens between them."""
    return bool(_NAME.match(text))


def require_name(text: str) -> None:
    """Raises UsageError if a text cannot be an election's name."""
    if not is_name(text):
        raise UsageError(
            "cannot be the short name of an election",
            where="short name",
            remedy="use 1 to 40 of the letters a to z, digits, and hyphens between them",
        )
