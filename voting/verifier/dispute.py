"""Protocol V19: dispute files (L25), held against a record: was the board's refusal right? (docs/spec/verification.md)

The rules are those that a server and every replay use. They are put to the disputed entry at the very place where the
board says that it refused it.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from voting.election.admission import ElectionAdmission
from voting.protocol.encoding import ZERO_HASH, Hash, sha256
from voting.protocol.entries import parse_body
from voting.protocol.errors import (
    DecodeError,
    ProofError,
    SignatureInvalid,
    UnavailableError,
    UrneError,
    VerificationError,
)
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.dispute import Dispute, Refused, check_dispute
from voting.protocol.tlog.header import check_body, check_link, make_header, parse_header
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import NoteKey, parse_vkey
from voting.verifier.load import RecordSource


class Ruling(Enum):
    """What a record says of a refusal."""

    RIGHT = "right"
    """The rules do not allow the entry there."""
    WRONG = "wrong"
    """The rules allow the entry there: the board refused what it had to take."""
    NEEDLESS = "needless"
    """The entry was on the board already."""
    UNKNOWN = "unknown"
    """The record does not reach so far."""


class Ruled(NamedTuple):
    """One refusal, and what the record says of it; for a right one, by which rule."""

    refused: Refused
    ruling: Ruling
    check: str = ""
    reason: str = ""


class Judgement(NamedTuple):
    """What a record says of a dispute."""

    manifest: Hash
    board: NoteKey
    entries: int
    place: int | None
    """The entry that has this body, if there is one."""
    rulings: tuple[Ruled, ...]

    @property
    def exit_code(self) -> int:
        """0 the board has kept its rules, 1 it has broken them, 3 nothing can be said."""
        found = {ruled.ruling for ruled in self.rulings}
        if Ruling.WRONG in found:
            return 1
        if self.place is not None:
            return 0
        return 0 if found and Ruling.UNKNOWN not in found else 3


class _Taken(Exception):
    """Nothing in the rules speaks against an entry."""


class _Stop:
    """Entered when the rules have accepted an entry, before anything changes: ends the attempt there."""

    def __enter__(self) -> None:
        raise _Taken

    def __exit__(self, *_error: object) -> None:
        """Nothing was begun."""


def judge_dispute(dispute: Dispute, source: RecordSource, *, allow_toy: bool = False) -> Judgement:
    """Protocol V19a: check a dispute under the key in the record's manifest, and judge every refusal in it.

    Raises:
        DecodeError, SignatureInvalid: if the dispute does not hold (L25d).
        VerificationError: if the record is not one that the board signed, or breaks a rule itself.
        UnavailableError: if it cannot be read.
    """
    manifest = _manifest_of(source)
    key = parse_vkey(manifest.board, what="the manifest's board key")
    refusals = check_dispute(dispute, key)
    replay = _Replay(source, key, dispute, allow_toy=allow_toy)
    rulings = replay.run({refused.refusal.size for refused in refusals})
    ruled = []
    for refused in refusals:
        size = refused.refusal.size
        if size not in rulings:
            ruled.append(Ruled(refused, Ruling.UNKNOWN))
        elif replay.place is not None and replay.place < size:
            ruled.append(Ruled(refused, Ruling.NEEDLESS))
        elif (broken := rulings[size]) is None:
            ruled.append(Ruled(refused, Ruling.WRONG))
        else:
            ruled.append(Ruled(refused, Ruling.RIGHT, broken.check, broken.reason))
    return Judgement(manifest.hash, key, replay.entries, replay.place, tuple(ruled))


class _Replay:
    """One pass over a record, during which the disputed entry is put to the rules at some places."""

    def __init__(self, source: RecordSource, key: NoteKey, dispute: Dispute, *, allow_toy: bool) -> None:
        self.place: int | None = None
        self.entries = 0
        self._source = source
        self._key = key
        self._dispute = dispute
        self._body = dispute.body.encode("utf-8")
        self._admission = ElectionAdmission(lambda seq: next(source.bodies(seq)), allow_toy=allow_toy)
        self._accepting = self._admission.guard

    def run(self, sizes: set[int]) -> dict[int, VerificationError | None]:
        """Size -> the rule that the disputed entry breaks after so many entries, or None; as far as the record goes."""
        found: dict[int, VerificationError | None] = {}
        frontier = Frontier()
        previous = ZERO_HASH
        wanted = self._dispute.body_hash
        for raw in self._source.entries():
            seq = frontier.size
            if seq in sizes:
                found[seq] = self._rule_broken_at(seq, previous)
            try:
                header = parse_header(raw.header_bytes, what=f"entry {seq}")
                check_link(header, seq=seq, prev=previous)
                check_body(header, raw.body_bytes)
            except (DecodeError, ProofError) as error:
                raise VerificationError("02", f"entry {seq}", error.problem) from None
            self._admission.replay(header, raw.body_bytes)
            if header.body == wanted and header.type == self._dispute.type:
                self.place = seq
            frontier.append(raw.header_bytes)
            previous = sha256(raw.header_bytes)
        self.entries = frontier.size
        if frontier.size in sizes:
            found[frontier.size] = self._rule_broken_at(frontier.size, previous)
        self._require_signed(frontier)
        return found

    def _rule_broken_at(self, seq: int, previous: Hash) -> VerificationError | None:
        """Protocol V19b: the rule that the disputed entry breaks as entry `seq`, or None. Changes nothing."""
        hints = self._dispute.hints.encode("utf-8") or None
        header = make_header(seq, previous, self._dispute.type, self._body)
        self._admission.guard = _Stop()
        try:
            self._admission.admit(header, b"", self._body, hints)
        except _Taken:
            return None
        except VerificationError as error:
            return error
        except UnavailableError:
            raise  # of this machine, not of the rules
        except UrneError as error:
            return VerificationError("02", f"entry {seq}", error.problem)
        finally:
            self._admission.guard = self._accepting
        raise AssertionError("an accepted entry ends the attempt")  # pragma: no cover

    def _require_signed(self, frontier: Frontier) -> None:
        try:
            checkpoint = open_checkpoint(self._source.checkpoint, self._key, what="checkpoint")
        except (DecodeError, SignatureInvalid) as error:
            raise VerificationError("03", "checkpoint", error.problem) from None
        if (checkpoint.size, checkpoint.root) != (frontier.size, frontier.root()):
            raise VerificationError("03", "checkpoint", "is not of the entries in this record")


def _manifest_of(source: RecordSource) -> Manifest:
    """The manifest in the first entry, which the replay checks afterwards."""
    first = next(source.entries(), None)
    if first is None:
        raise VerificationError("01", "record", "there is no election in it yet")
    try:
        header = parse_header(first.header_bytes, what="entry 0")
        content = parse_body("election.defined", first.body_bytes, what="entry 0").content
    except DecodeError as error:
        raise VerificationError("01", "entry 0", error.problem) from None
    if header.type != "election.defined":
        raise VerificationError("04", "entry 0", "does not define an election")
    manifest: Manifest = content.manifest
    return manifest
