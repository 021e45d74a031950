"""Protocol S18: the elections that a site hosts, open for writing by one thread each (docs/architecture.md).

A board has one writer. Requests come in many threads: they hand their entries to the election's own thread, which
writes what waits in one transaction, and get their answer when it is on the disk. Reading needs no turn: every request
has a reader of its own, and `look` shows the record between two changes.

What a ballot's proofs say is found out before its turn, where there are checkers; the writer still makes every check
that depends on what is on the board, and those that nobody made for it.

Where the board has witnesses, they are asked as long as the thread runs. What they have not signed yet is on the disk,
but not published: the live record shows it, a reader only if it is asked to.

It must not import flask: the pages are above it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from bulletin_board.cosigning import Cosigner, start_cosigner
from bulletin_board.errors import BusyError
from bulletin_board.group_commit import GroupWriter
from bulletin_board.last_seen import seen_elsewhere
from bulletin_board.log import Board, Submission
from bulletin_board.outlived import Seen
from bulletin_board.reader import Appended, BoardReader, open_reader
from bulletin_board.reader_pool import ReaderPool
from bulletin_board.refusals import signed_refusal
from bulletin_board.witness_settings import NO_WITNESSES, WitnessSettings
from voting.crypto.signatures import SigningKey
from voting.election.ballot_verdicts import KnownVerdicts, SubmittedBallot
from voting.election.ballots import BALLOT, BallotContext
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry
from voting.election_folder import (
    MANIFEST,
    MakeManifest,
    OpenElection,
    RandomBytes,
    board_folder,
    create_election_folder,
    open_for_writing,
    read_signing_key,
)
from voting.protocol.entries import content_hash, parse_body
from voting.protocol.errors import DecodeError, UrneError, UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import Ballot
from voting.site.ballot_checkers import BallotCheckers

T = TypeVar("T")

MAX_BATCH = 64
"""Submissions written in one transaction."""
ANSWER_SECONDS = 300
"""Nobody waits longer than this for an answer. The entry may still be written: submitting it again tells."""
QUORUM_SECONDS = 4.0
"""So long an entry waits for the witnesses of its board before its sender is told that they are missing."""
MAX_AWAITING = 10
"""So many requests of one election wait for witnesses at a time, the others ask again: no witness takes all threads."""
SECONDS_BETWEEN_LOOKS = 0.25
MAX_IN_HAND = 60
"""So many entries of all elections are checked and written at a time; more are told to come again, and threads of the
web server are left to those who read."""

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?\Z")

Make = Callable[[ElectionRecord, SigningKey, str], NewEntry | Sequence[NewEntry]]
"""Record, the signing key, the time of now -> what is to be appended."""
Gate = Callable[[Submission, str | None], None]
"""Looks at a submission and its token before it gets a turn. Raises UrneError to refuse it."""


class HostedElection:
    """One election of the site. Every method may be called from any thread."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        allow_toy: bool = False,
        gate: Gate | None = None,
        checkers: BallotCheckers | None = None,
        in_hand: threading.BoundedSemaphore | None = None,
    ) -> None:
        """Args:
        gate: stands before the board.
        checkers: make the costly checks of ballots before their turn; without them, the writer does.
        in_hand: held while something that was sent in is checked and written; shared with other elections.
        """
        self.name = name
        self.folder = folder
        self.gate = gate
        self._allow_toy = allow_toy
        self._checkers = checkers
        self._in_hand = in_hand or threading.BoundedSemaphore(MAX_IN_HAND)
        self._known = KnownVerdicts()
        self._changing = threading.RLock()
        self._started = threading.Lock()
        """Guards which writer and which readers there are."""
        self._writer: GroupWriter | None = None
        self._readers: ReaderPool | None = None
        self._election: OpenElection | None = None
        """Open for the writer's thread, which alone may use it."""
        self._record: ElectionRecord | None = None
        self._cosigner: Cosigner | None = None
        self._cosigning = threading.Lock()
        """Held while the cosigner is started or replaced."""
        self._seen: tuple[Seen, ...] | None = None
        self._awaiting = threading.BoundedSemaphore(MAX_AWAITING)

    # -- writing -------------------------------------------------------------------------------------------------------

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """Protocol S18a: append what somebody sent in. On return it is on the disk.

        Where a quorum of witnesses is demanded, they are given a moment to sign it, too.

        Raises:
            BusyError: if too much is being checked and written already.
            UrneError: as the rules refuse it, or UnavailableError if the board cannot take it now.
        """
        if not self._in_hand.acquire(blocking=False):
            raise BusyError("too many entries were sent at once", remedy="try again in a moment")
        try:
            if self.gate is not None:
                self.gate(submission, token)
            if submission.type == BALLOT and self._checkers is not None:
                self._check_before_turn(self._checkers, SubmittedBallot(submission.body, submission.attachment))
            appended = self._started_writer().submit(submission)
        finally:
            self._in_hand.release()
        self._await_witnesses(appended.seq + 1)
        return appended

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        """Protocol S18e: the board's signed word (L24) that the rules refused what was sent in."""
        try:
            with self.reader() as board:
                origin = board.key.name
            return signed_refusal(submission, error, origin=origin, key=read_signing_key(self.folder, "board"))
        except UrneError as fault:
            logger.warning("a refusal could not be signed: %s", fault.problem)
            return None

    def act(self, make: Make, key: str = "administrator") -> list[Appended]:
        """Protocol S18b: append an act of the administrator or the credential authority.

        Args:
            make: builds the entries from the live record.
            key: whose key signs: "administrator" or "authority".

        Raises:
            UrneError: if the act is not possible now, or the rules refuse it.
        """

        def work(election: OpenElection) -> list[Appended]:
            made = make(election.record, read_signing_key(election.folder, key), election.now())
            entries = [made] if isinstance(made, NewEntry) else list(made)
            return [election.append(entry) for entry in entries]

        return self._run(work)

    def settle(self, seconds: float) -> bool:
        """Protocol S18c: wait until the witnesses have signed all that is on the board now.

        Returns:
            Whether the quorum has, at the latest after so many seconds; also True where none is demanded.
        """
        with self.reader(unpublished=True) as board:
            size = len(board)
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

    def ask_witnesses_anew(self) -> None:
        """Protocol S18d: ask the board's witnesses from now on where `witnesses.toml` says now."""
        self._run(lambda _election: None)
        with self._cosigning:
            if self._cosigner is not None:
                self._cosigner.close()
            self._cosigner = start_cosigner(board_folder(self.folder))

    def close(self) -> None:
        """End the thread after what waits was written, close the board, and ask no witness any more."""
        with self._started:
            writer, self._writer = self._writer, None
            readers, self._readers = self._readers, None
        if writer is not None:
            writer.close()
        if readers is not None:
            readers.close()
        cosigner, self._cosigner = self._cosigner, None
        if cosigner is not None:
            cosigner.close()

    # -- reading -------------------------------------------------------------------------------------------------------

    def reader(self, *, unpublished: bool = False) -> AbstractContextManager[BoardReader]:
        """The board, for the calling thread and the `with` block.

        Args:
            unpublished: show what its witnesses have not signed yet: to the administrator, never as a proof.

        Raises:
            UnavailableError: if it cannot be read.
        """
        if unpublished:
            return open_reader(board_folder(self.folder), unpublished=True)
        with self._started:
            if self._readers is None:
                self._readers = ReaderPool(board_folder(self.folder))
            return self._readers.reader()

    def look(self, read: Callable[[ElectionRecord], T]) -> T:
        """Read the live record between two changes. `read` must be quick, and must not keep the record.

        Raises:
            UnavailableError: if the board cannot be opened.
        """
        record = self._record
        if record is None:
            record = self._run(lambda election: election.record)
        with self._changing:
            return read(record)

    # -- before the turn -----------------------------------------------------------------------------------------------

    def _check_before_turn(self, checkers: BallotCheckers, ballot: SubmittedBallot) -> None:
        """Have the costly checks made, if the ballot may get that far; otherwise the rules refuse it at its turn."""
        try:
            content: Ballot = parse_body(BALLOT, ballot.body, what="the ballot").content
        except DecodeError:
            return
        hash_ = content_hash(ballot.body)

        def context_if_wanted(record: ElectionRecord) -> BallotContext | None:
            is_wanted = (
                record.phase is Phase.OPEN
                and content.election == record.election
                and content.credential in record.credentials
                and not record.register.has_content(hash_)
            )
            return record.ballot_context() if is_wanted else None

        context = self.look(context_if_wanted)
        if context is None or self._known.find(context, ballot) is not None:
            return
        verdict = checkers.check(context, ballot, content.credential)
        if verdict is not None:
            self._known.add(context, ballot, verdict)

    # -- the writer's thread -------------------------------------------------------------------------------------------

    def _await_witnesses(self, size: int) -> None:
        """Give the witnesses a moment; whether that was enough, the receipt tells."""
        cosigner = self._cosigner
        if cosigner is not None and self._awaiting.acquire(blocking=False):
            try:
                cosigner.wait(size, QUORUM_SECONDS)
            finally:
                self._awaiting.release()

    def _run(self, work: Callable[[OpenElection], T]) -> T:
        def with_election(_board: Board) -> T:
            election = self._election
            assert election is not None  # noqa: S101 (set when the board was opened)
            return work(election)

        return self._started_writer().run(with_election)

    def _started_writer(self) -> GroupWriter:
        with self._started:
            if self._writer is None:
                self._writer = GroupWriter(
                    self._open,
                    name=f"board {self.name}",
                    max_batch=MAX_BATCH,
                    answer_seconds=ANSWER_SECONDS,
                    on_commit=self._tell_witnesses,
                    on_lost=self._forget,
                )
            return self._writer

    def _open(self) -> Board:
        """In the writer's thread: open the board and replay it; after a fault anew, since only the disk is certain."""
        with self._cosigning:
            if self._cosigner is None:
                self._cosigner = start_cosigner(board_folder(self.folder))
        election = open_for_writing(self.folder, allow_toy=self._allow_toy, seen=self._seen_elsewhere())
        election.admission.guard = self._changing
        election.admission.known = self._known
        self._election, self._record = election, election.record
        return election.board

    def _seen_elsewhere(self) -> tuple[Seen, ...]:
        """What others have seen of the board; asked once, before this process writes to it for the first time."""
        if self._seen is None:
            self._seen = seen_elsewhere(
                board_folder(self.folder), on_silent=lambda text: logger.warning("not asked before opening: %s", text)
            )
        return self._seen

    def _forget(self) -> None:
        self._election = self._record = None

    def _tell_witnesses(self) -> None:
        if self._cosigner is not None:
            self._cosigner.notify()


class Elections:
    """All elections of a site: the folders under `folder`, by name."""

    def __init__(
        self,
        folder: Path,
        *,
        allow_toy: bool = False,
        gate: Callable[[str], Gate] | None = None,
        checkers: BallotCheckers | None = None,
    ) -> None:
        """Args:
        gate: gives the check that stands before an election's board, by the election's name.
        checkers: make the costly checks of ballots before their turn.
        """
        self.folder = folder
        self.allow_toy = allow_toy
        self._gate = gate
        self._checkers = checkers
        self._in_hand = threading.BoundedSemaphore(MAX_IN_HAND)
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
                hosted = HostedElection(
                    name,
                    self.folder / name,
                    allow_toy=self.allow_toy,
                    gate=gate,
                    checkers=self._checkers,
                    in_hand=self._in_hand,
                )
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
