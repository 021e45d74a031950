"""Protocol V4a: checks 11 to 14 on a handful of ballots.

Proofs are checked in a batch (docs/spec/batch.md). A ballot that the batch finds fault with is put to the plain checks,
one by one, which name all that is wrong with it.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

from voting.crypto.elgamal import Ciphertext
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballots import (
    BallotContext,
    ParsedBallot,
    decode_ciphertext,
    parse_ballot,
    verify_ballot_proofs,
    verify_ballot_signature,
)
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.messages import Ballot, Signed


class BallotToCheck(NamedTuple):
    """A ballot that the replay has taken in."""

    seq: int
    entry: Signed[Ballot]
    body: bytes
    hints: bytes | None
    """What the booth sent along; unchecked, without authority."""


class Fault(NamedTuple):
    """Why one ballot fails one check. Plain data, so that it travels between processes."""

    check: str
    reason: str
    expected: str
    found: str


class BallotVerdict(NamedTuple):
    """What came out for one ballot: the checks that it fails, and those that could not be made on it."""

    faults: tuple[Fault, ...]
    unchecked: tuple[str, ...]
    ciphertexts: tuple[Ciphertext, ...] | None
    """All values, members of the group; None if they are not."""


class Verdicts(NamedTuple):
    """One verdict per ballot, in order, and the seconds that each check took."""

    ballots: tuple[BallotVerdict, ...]
    seconds: dict[str, float]


def check_ballots(context: BallotContext, ballots: Sequence[BallotToCheck]) -> Verdicts:
    """Protocol V4a: the signature (11), the shape (13), the group (12) and the proofs (14) of every ballot.

    A ballot that fails one check is still put to the others, as far as they can be made.
    """
    seconds = dict.fromkeys(("11", "12", "14"), 0.0)
    started = time.perf_counter()
    items = [HintedBallot(ballot.entry.content, ballot.hints, f"entry {ballot.seq}") for ballot in ballots]
    together = check_ballots_together(context, items, random_bytes=secrets.token_bytes)
    seconds["14"] += time.perf_counter() - started
    verdicts = []
    for position, ballot in enumerate(ballots):
        if position in together.failures:
            verdicts.append(_check_ballot(context, ballot, seconds))
            continue
        faults = _signature_faults(context, ballot, seconds)
        verdicts.append(BallotVerdict(faults, (), together.ciphertexts[position]))
    return Verdicts(tuple(verdicts), seconds)


def _signature_faults(context: BallotContext, ballot: BallotToCheck, seconds: dict[str, float]) -> tuple[Fault, ...]:
    started = time.perf_counter()
    try:
        verify_ballot_signature(context.manifest.hash, ballot.entry, ballot.body, subject=f"entry {ballot.seq}")
    except VerificationError as error:
        return (_fault(error),)
    finally:
        seconds["11"] += time.perf_counter() - started
    return ()


def _check_ballot(context: BallotContext, ballot: BallotToCheck, seconds: dict[str, float]) -> BallotVerdict:
    subject = f"entry {ballot.seq}"
    faults = list(_signature_faults(context, ballot, seconds))
    signed = time.perf_counter()
    parsed: ParsedBallot | None = None
    ciphertexts: tuple[Ciphertext, ...] | None = None
    try:
        parsed = parse_ballot(context, ballot.entry.content, subject=subject)
        ciphertexts = parsed.ciphertexts
    except VerificationError as error:
        faults.append(_fault(error))
        if error.check == "13":
            faults.extend(_membership_faults(context, ballot.entry.content))
    decoded = time.perf_counter()
    seconds["12"] += decoded - signed
    if parsed is not None:
        try:
            verify_ballot_proofs(context, parsed, subject=subject)
        except VerificationError as error:
            faults.append(_fault(error))
        seconds["14"] += time.perf_counter() - decoded
    return BallotVerdict(tuple(faults), () if parsed is not None else ("14",), ciphertexts)


def _membership_faults(context: BallotContext, ballot: Ballot) -> list[Fault]:
    """Check 12 alone, for a ballot whose shape or scalars are wrong: the first value that is not in the group."""
    try:
        for position, value in enumerate(ballot.ciphertexts):
            decode_ciphertext(context.group, value, what=f"ciphertexts[{position}]")
    except DecodeError as error:
        return [Fault("12", str(error), "", "")]
    return []


def _fault(error: VerificationError) -> Fault:
    return Fault(error.check, error.reason, error.expected, error.found)
