"""Protocol T28: what a trustee's tool checks on a part of the ballots: a pure function that any process can run.

No secret comes here: a process that checks ballots is given the manifest, the joint key and the ballots.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from voting.crypto.elgamal import PublicKey
from voting.election.ballots import (
    BALLOT,
    BallotContext,
    decode_element,
    parse_ballot,
    verify_ballot_proofs,
    verify_ballot_signature,
)
from voting.election.tally import Accumulator, EncryptedTally
from voting.protocol.encoding import Hash, decode
from voting.protocol.entries import parse_body
from voting.protocol.errors import VerificationError
from voting.protocol.manifest import Manifest


class RecountSetup(NamedTuple):
    """All that a process needs to know, as bytes and text."""

    manifest: bytes
    election: Hash
    joint_key: str
    quick: bool
    """Leave signatures and proofs to others."""


class PublishedBallot(NamedTuple):
    """A ballot as it was published, and its weight in the tally (0: replaced by a later one)."""

    seq: int
    body: bytes
    weight: int


class PartCounted(NamedTuple):
    """What a part of the ballots comes to."""

    tally: EncryptedTally
    valid: int
    """How many ballots were checked before the first that is not valid."""
    fault: VerificationError | None


def count_part(setup: RecountSetup, ballots: Sequence[PublishedBallot]) -> PartCounted:
    """Part of T28 (checks 11 to 14): check some ballots, one by one, and multiply those that count."""
    context = _context(setup)
    accumulator = Accumulator(context.group, context.shape)
    for number, ballot in enumerate(ballots):
        subject = f"entry {ballot.seq} ({BALLOT})"
        entry = parse_body(BALLOT, ballot.body, what=subject)
        try:
            if not setup.quick:
                verify_ballot_signature(context.manifest.hash, entry, ballot.body, subject=subject)
            parsed = parse_ballot(context, entry.content, subject=subject)
            if not setup.quick:
                verify_ballot_proofs(context, parsed, subject=subject)
        except VerificationError as error:
            return PartCounted(accumulator.tally(), number, error)
        if ballot.weight:
            accumulator.add(parsed.ciphertexts, ballot.weight)
    return PartCounted(accumulator.tally(), len(ballots), None)


@lru_cache(maxsize=1)
def _context(setup: RecountSetup) -> BallotContext:
    manifest = decode(setup.manifest, Manifest, what="manifest")
    key = decode_element(manifest.crypto_group(), setup.joint_key, what="joint key")
    return BallotContext(manifest, setup.election, PublicKey(key))
