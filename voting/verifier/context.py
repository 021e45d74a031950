"""Protocol V: what the checks are given, and how they conclude (docs/spec/verification.md).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from voting.crypto.elgamal import Ciphertext
from voting.crypto.group import Element
from voting.election.decryption import decode_totals, verify_share_proof
from voting.election.phases import Phase
from voting.election.record import ElectionRecord, require_tally
from voting.protocol.encoding import Hash
from voting.protocol.errors import VerificationError
from voting.protocol.tlog.note import NoteKey
from voting.verifier.ballot_pass import BallotPass
from voting.verifier.findings import Cause, CheckInfo, CheckResult, Finding, Status, not_run, nothing_yet
from voting.verifier.replay import Refusal, Replay

_AFTER_VOTING = frozenset({Phase.CLOSED, Phase.TALLIED, Phase.PUBLISHED})


@dataclass(frozen=True)
class Announced:
    """What an observer knows from elsewhere; nothing of it is needed."""

    manifest: Hash | None = None
    election: Hash | None = None
    since: bytes | None = None
    """An earlier signed checkpoint of the same board."""
    witnesses: tuple[NoteKey, ...] = ()
    """Witnesses who must have signed the record's checkpoint too."""


@dataclass(frozen=True)
class Context:
    """Everything that checks look at: the record, replayed, and the pass over its ballots."""

    announced: Announced
    checkpoint: bytes
    """The record's signed note."""
    vkey: str
    """The key that the record names for the board."""
    replay: Replay
    ballots: BallotPass

    @property
    def record(self) -> ElectionRecord:
        return self.replay.record

    @property
    def voting_is_over(self) -> bool:
        """Whether no more ballots can come: then none at all is something to check."""
        return self.record.phase in _AFTER_VOTING

    @cached_property
    def totals(self) -> tuple[Ciphertext, ...] | VerificationError:
        """The published encrypted totals, or why they cannot be read, or are not as many as they should be."""
        try:
            totals = decode_totals(self.record.group, require_tally(self.record), subject="tally.encrypted")
        except VerificationError as error:
            return error
        expected = len(self.record.require_manifest().shape.totals)
        if len(totals) != expected:
            reason = "wrong number of totals"
            return VerificationError("17", "tally.encrypted", reason, expected=str(expected), found=str(len(totals)))
        return totals

    @cached_property
    def shares(self) -> dict[int, tuple[Element, ...] | VerificationError]:
        """Trustee -> their decryption factors, or why their share is wrong. Nothing if the totals cannot be read."""
        if isinstance(self.totals, VerificationError):
            return {}
        ceremony = self.record.require_ceremony()
        found: dict[int, tuple[Element, ...] | VerificationError] = {}
        for index, share in sorted(self.record.shares.items()):
            subject = f"share of trustee {index}"
            try:
                found[index] = verify_share_proof(share, ceremony.verification_key(index), self.totals, subject=subject)
            except VerificationError as error:
                found[index] = error
        return found

    def refusals(self, check: str) -> list[Refusal]:
        """Entries that were refused for this check, on their own account."""
        return [refusal for refusal in self.replay.refusals if refusal.check == check and refusal.cause is None]

    def conclude(
        self,
        check: CheckInfo,
        *,
        total: int,
        findings: Sequence[Finding] = (),
        warnings: Sequence[Finding] = (),
        begun: bool = True,
        seconds: float | None = None,
    ) -> CheckResult:
        """The result of a check, from what it found and from the entries that the replay refused for it.

        Args:
            total: how many items were looked at, the faulty ones included.
            begun: whether there is anything to check yet.
        """
        faults = [*(refusal.finding for refusal in self.refusals(check.id)), *findings]
        faults.sort(key=lambda finding: -1 if finding.entry is None else finding.entry)
        noted = tuple(warnings)
        if faults:
            wrong = len({(finding.entry, finding.subject) for finding in faults})
            passed = max(total - wrong, 0)
            return CheckResult(Status.FAILED, passed, max(total, wrong), tuple(faults), noted, seconds=seconds)
        followers = [r for r in self.replay.refusals if r.check == check.id and r.cause is not None]
        if followers:
            first = followers[0]
            reason = (
                f"entry {first.cause} was refused, and {_entries(len(followers))} cannot stand without it,"
                f" the first being {first.finding.subject}: {first.finding.reason}"
            )
            return not_run(reason, passed=max(total - len(followers), 0), total=total)._replace(warnings=noted)
        if not begun:
            reason = "the election was cancelled" if self.record.phase is Phase.CANCELLED else "nothing to check yet"
            return nothing_yet(reason)._replace(warnings=noted)
        return CheckResult(Status.PASSED, total, total, warnings=noted, seconds=seconds)

    def conclude_ballots(self, check: CheckInfo) -> CheckResult:
        """The result of a check that the pass over the ballots made on every ballot."""
        done = self.ballots
        count = len(self.record.ballots)
        result = self.conclude(
            check,
            total=count + len(self.refusals(check.id)),
            findings=done.findings.get(check.id, ()),
            begun=count > 0 or self.voting_is_over,
            seconds=done.seconds.get(check.id),
        )
        if result.status is not Status.PASSED:
            return result
        if done.error:
            return not_run(done.error, Cause.ERROR, passed=done.ballots, total=count)
        unchecked = done.unchecked[check.id]
        if unchecked:
            reason = (
                f"{unchecked} of {count} ballots could not be checked, because they fail {' or '.join(check.needs)}"
            )
            return not_run(reason, passed=count - unchecked, total=count)
        return result


def _entries(count: int) -> str:
    return "1 later entry" if count == 1 else f"{count} later entries"
