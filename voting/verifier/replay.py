"""Protocol V3: replay a record's entries, in order, with the same `apply` as the server and the trustees.

One pass over the files. A fault never ends it: an entry that breaks a rule is noted and skipped, and the next is tried
on the unchanged record. What later fails only because that entry is missing is noted as a follow-up of it, so that the
report names the cause (docs/spec/verification.md, V3a).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from voting.election.ballots import BALLOT
from voting.election.phases import ALLOWED, LEADS_TO, Phase
from voting.election.record import ElectionRecord
from voting.election.register import ElectionRegister
from voting.election.rules import apply
from voting.protocol.encoding import ZERO_HASH, Hash, sha256
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, ProofError, UnavailableError, VerificationError
from voting.protocol.messages import TrusteeCommitted
from voting.protocol.tlog.checkpoint import parse_checkpoint
from voting.protocol.tlog.header import EntryHeader, check_body, check_link, parse_header
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import parse_note
from voting.verifier.ballot_lines import BallotLine, BallotLines
from voting.verifier.findings import Finding, finding_of
from voting.verifier.load import RawEntry, RecordSource
from voting.verifier.spill import SpillingStorage

Progress = Callable[[str, int, int], None]
"""Told now and then: what is being done, how many items are done, of how many (0 if unknown)."""

_PROGRESS_EVERY = 500


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Tells nobody."""


class Refusal(NamedTuple):
    """An entry that the rules refuse. `cause` is the earlier refused entry that alone may have led to this one."""

    check: str
    type: str
    finding: Finding
    cause: int | None = None


@dataclass
class Replay:
    """What the record's entries say, and what is wrong with them."""

    record: ElectionRecord
    entries: int = 0
    head: Hash = ZERO_HASH
    """SHA-256 of the last header."""
    root: bytes = b""
    """Merkle root of all headers: 32 bytes."""
    earlier_root: bytes | None = None
    """Root of the first `root_at` headers, if that was asked for and there are so many."""
    link_faults: list[Finding] = field(default_factory=list)
    """Headers whose number or link is wrong (check 02); their entries were replayed all the same."""
    refusals: list[Refusal] = field(default_factory=list)
    broken_off: Finding | None = None
    """Where the files end before their time; nothing after that was read."""
    errors: list[Finding] = field(default_factory=list)
    """Entries on which this program failed: neither right nor wrong."""
    types: Counter[str] = field(default_factory=Counter)
    """Entry type -> how many were taken in."""
    commitments: list[tuple[int, TrusteeCommitted]] = field(default_factory=list)
    """Entry number and content of every `trustee.committed` that was taken in, of all ceremonies."""
    lines: BallotLines = field(default_factory=BallotLines)
    """Where the ballots that were taken in are, by their number in the order of casting."""
    places: dict[str, list[int]] = field(default_factory=dict)
    """Entry type -> numbers of the entries taken in; not kept for ballots."""


def replay_record(
    source: RecordSource, *, allow_toy: bool, root_at: int | None = None, progress: Progress = no_progress
) -> Replay:
    """Protocol V3: read every entry once: headers, links, bodies, and the rules of `apply`.

    Args:
        source: the record.
        allow_toy: accept a test group.
        root_at: also give the root of the first so many headers.

    Raises:
        UnavailableError: if a file cannot be read any more.
    """
    register = ElectionRegister(SpillingStorage)
    state = Replay(ElectionRecord(allow_toy=allow_toy, register=register), lines=BallotLines(SpillingStorage))
    replayer = _Replayer(state)
    frontier = Frontier()
    claimed = _claimed_size(source)
    if root_at == 0:
        state.earlier_root = frontier.root()
    try:
        for raw in source.entries():
            frontier.append(raw.header_bytes)
            replayer.take(raw)
            if frontier.size == root_at:
                state.earlier_root = frontier.root()
            if frontier.size % _PROGRESS_EVERY == 0:
                progress("entries", frontier.size, claimed if claimed >= frontier.size else 0)
    except DecodeError as error:
        state.broken_off = Finding(entry=frontier.size, reason=error.problem, subject=error.where)
    state.entries = frontier.size
    state.root = frontier.root()
    state.head = replayer.previous
    progress("entries", state.entries, state.entries)
    return state


def _claimed_size(source: RecordSource) -> int:
    """How many entries the checkpoint speaks of, whoever signed it: only to say how far the work is."""
    try:
        return parse_checkpoint(parse_note(source.checkpoint).text).size
    except DecodeError:
        return 0


class _Replayer:
    """Feeds entries to the record, one at a time."""

    def __init__(self, state: Replay) -> None:
        self.state = state
        self.previous: Hash = ZERO_HASH
        self._place = 0
        self._body_end = 0
        self._hint_end = 0
        self._number = 0
        """What the next header must say of its place: differs from `_place` after a gap: one gap is one fault."""
        self._expected_phase = Phase.EMPTY
        """The phase that the record would be in if no entry that leads to another had been refused."""
        self._blind = False
        """Whether a header could not be read: then nobody knows what its entry led to."""
        self._causes: dict[tuple[str, str, bool], tuple[int, int | None]] = {}
        """For (type, check, out of phase): how many refusals were looked at for a cause, and what was found."""

    def take(self, raw: RawEntry) -> None:
        place, self._place = self._place, self._place + 1
        body_start, self._body_end = self._body_end, self._body_end + len(raw.body_bytes) + 1
        hint_start, self._hint_end = self._hint_end, self._hint_end + len(raw.hint_bytes or b"") + 1
        header = self._read_header(raw, place)
        if header is None:
            return
        subject = f"entry {place} ({header.type})"
        try:
            check_body(header, raw.body_bytes)
        except ProofError as error:
            self._refuse("02", header.type, Finding(entry=place, reason=error.problem, subject=subject))
            self._expect(header.type)
            return
        # The record refers to entries by their place in the files, whatever a header claims.
        if self._apply(msgspec.structs.replace(header, seq=place), raw.body_bytes, subject):
            lines = BallotLine(header.body, body_start, self._body_end, hint_start, self._hint_end)
            self.state.lines.append(lines)

    def _read_header(self, raw: RawEntry, place: int) -> EntryHeader | None:
        previous, self.previous = self.previous, sha256(raw.header_bytes)
        number, self._number = self._number, self._number + 1
        try:
            header = parse_header(raw.header_bytes, what=f"entry {place}")
        except DecodeError as error:
            finding = Finding(entry=place, reason=f"its header {error.problem}", subject=f"entry {place}")
            self._refuse("02", "", finding)
            self._blind = True
            return None
        try:
            check_link(header, seq=number, prev=previous)
        except ProofError as error:
            self.state.link_faults.append(
                Finding(
                    entry=place,
                    expected=f"number {number} after {previous}",
                    found=f"number {header.seq} after {header.prev}",
                    reason=error.problem,
                    subject=f"entry {place} ({header.type})",
                )
            )
            self._number = header.seq + 1
        return header

    def _apply(self, header: EntryHeader, body: bytes, subject: str) -> bool:
        """Put an entry to the rules. Whether it was taken in, and is a ballot."""
        state = self.state
        phases = ALLOWED.get(header.type, frozenset())
        expected = self._expect(header.type) or (self._blind and bool(phases))
        missing_phase = expected and state.record.phase not in phases
        try:
            apply(state.record, header, body)
        except VerificationError as error:
            cause = self._cause(header.type, error.check, missing_phase=missing_phase)
            self._refuse(error.check, header.type, finding_of(error, header.seq), cause)
            return False
        except UnavailableError:
            raise
        except Exception as error:  # a fault of this program must not pass for a verdict
            reason = f"this program failed on it ({type(error).__name__}); please report it"
            state.errors.append(Finding(entry=header.seq, reason=reason, subject=subject))
            return False
        state.types[header.type] += 1
        if header.type == BALLOT:
            return True
        state.places.setdefault(header.type, []).append(header.seq)
        if header.type == "trustee.committed":
            content: TrusteeCommitted = parse_body(header.type, body, what=subject).content
            state.commitments.append((header.seq, content))
        return False

    def _expect(self, type_: str) -> bool:
        """Whether the expected phase allows this type; moves it on, if so."""
        if self._expected_phase not in ALLOWED.get(type_, frozenset()):
            return False
        self._expected_phase = LEADS_TO.get(type_, self._expected_phase)
        return True

    def _refuse(self, check: str, type_: str, finding: Finding, cause: int | None = None) -> None:
        self.state.refusals.append(Refusal(check, type_, finding, cause))

    def _cause(self, type_: str, check: str, *, missing_phase: bool) -> int | None:
        """Protocol V3a: the first refused entry for want of which this one was refused; None if it fails by itself."""
        key = (type_, check, missing_phase)
        seen, cause = self._causes.get(key, (0, None))
        while cause is None and seen < len(self.state.refusals):  # the first cause stays; nothing is looked at twice
            refusal = self.state.refusals[seen]
            seen += 1
            by_phase = missing_phase and (refusal.type in LEADS_TO or not refusal.type)
            if by_phase or any(
                type_.startswith(later) and check in checks and refusal.type.startswith(earlier)
                for earlier, later, checks in _FOLLOW_UPS
            ):
                cause = refusal.finding.entry if refusal.cause is None else refusal.cause
        self._causes[key] = (seen, cause)
        return cause


_FOLLOW_UPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("trustee.joined", "trustee.", ("05", "07")),
    ("trustee.", "trustee.", ("07",)),
    ("trustee.", "election.opened", ("07",)),
    ("credentials.listed", "election.opened", ("09", "10")),
    ("ballot.cast", "election.closed", ("04",)),
    ("ballot.cast", "tally.encrypted", ("16",)),
    ("tally.share", "election.result", ("18",)),
)
"""(type of a refused entry, type of a later one, checks): the later one may fail these checks for want of the first.
A follow-up makes its check "not run", not "failed"; the verdict is "not verified" in either case."""
