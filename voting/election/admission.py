"""Protocol S: what a server checks before it appends an entry: `apply`, and the costly checks besides.

An instance replays its board from the start and then admits new entries. It is the `Admission` hook of a board, which
calls `admit` for entries in order and appends what it does not refuse.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from voting.crypto.group import Element
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballot_verdicts import KnownVerdicts, SubmittedBallot
from voting.election.ballots import BALLOT, verify_ballot_signature
from voting.election.decryption import decode_totals, total_bounds, verify_outcome, verify_share_proof, verify_totals
from voting.election.duplicates import CiphertextRegister
from voting.election.record import ElectionRecord, require_tally
from voting.election.rules import apply
from voting.election.tally import recompute_tally, verify_tally
from voting.protocol.entries import parse_body
from voting.protocol.messages import Ballot, ElectionResult, Signed, TallyEncrypted, TallyShare
from voting.protocol.tlog.header import EntryHeader


class ElectionAdmission:
    """The rules of an election, in front of a board."""

    def __init__(self, read_body: Callable[[int], bytes], *, allow_toy: bool = False) -> None:
        """Args: `read_body` gives the body of an entry that was admitted before (to recompute the tally)."""
        self.record = ElectionRecord(allow_toy=allow_toy)
        self.guard: AbstractContextManager[Any] = nullcontext()
        """Entered while the record changes. A server sets a lock here, so that its pages can read the record."""
        self.known = KnownVerdicts()
        """What the costly checks said of ballots before their turn. A server sets its own here."""
        self._read_body = read_body
        self._register = CiphertextRegister()

    def replay(self, header: EntryHeader, body: bytes) -> None:
        """Take in an entry that this server admitted earlier, without repeating the costly checks."""
        apply(self.record, header, body, guard=self.guard)
        if header.type == BALLOT:
            self._register.add(parse_body(header.type, body, what=f"entry {header.seq}").content)

    def admit(self, header: EntryHeader, header_bytes: bytes, body: bytes, attachment: bytes | None) -> None:
        """Protocol S4: check an entry fully and take it in. If it raises VerificationError, nothing has changed."""
        subject = f"entry {header.seq} ({header.type})"
        checks: dict[str, Callable[[Signed[Any]], None]] = {
            "ballot.cast": partial(self._check_ballot, body, attachment, subject),
            "tally.encrypted": partial(self._check_tally, subject),
            "tally.share": partial(self._check_share, subject),
            "election.result": partial(self._check_result, subject),
        }
        apply(self.record, header, body, also=checks.get(header.type), guard=self.guard)
        if header.type == BALLOT:
            self._register.add(parse_body(header.type, body, what=subject).content)

    def _check_ballot(self, body: bytes, hints: bytes | None, subject: str, entry: Signed[Ballot]) -> None:
        context = self.record.ballot_context()
        verdict = self.known.find(context, SubmittedBallot(body, hints))
        if verdict is not None:
            verdict.verify_passed(subject)
        else:
            verify_ballot_signature(context.manifest.hash, entry, body, subject=subject)
            item = HintedBallot(entry.content, hints, subject)
            for error in check_ballots_together(context, [item], random_bytes=secrets.token_bytes).failures.values():
                raise error
        self._register.verify_new(entry.content, subject=subject)

    def _check_tally(self, subject: str, entry: Signed[TallyEncrypted]) -> None:
        verify_tally(entry.content, recompute_tally(self.record, self._read_body), subject=subject)

    def _check_share(self, subject: str, entry: Signed[TallyShare]) -> None:
        self._factors(entry.content, subject)

    def _check_result(self, subject: str, entry: Signed[ElectionResult]) -> None:
        result = entry.content
        tally = require_tally(self.record)
        factors = {index: self._factors(self.record.shares[index], subject) for index in result.shares}
        bounds = total_bounds(self.record.require_manifest().shape, tally.weight)
        totals = decode_totals(self.record.group, tally, subject=subject)
        verify_totals(result, totals, factors, bounds, subject=subject)
        verify_outcome(self.record.require_manifest(), result, tally.weight, subject=subject)

    def _factors(self, share: TallyShare, subject: str) -> tuple[Element, ...]:
        public = self.record.require_ceremony().verification_key(share.index)
        totals = decode_totals(self.record.group, require_tally(self.record), subject=subject)
        return verify_share_proof(share, public, totals, subject=subject)
