"""Protocol B: verifying many ballots at once with the help of hints (docs/spec/batch.md).

Hints are the commitments that the booth computed anyway. They carry no authority: they are hashed and compared with
the ballot's challenge, and then the equations are checked in a batch. That accepts what the plain check accepts, up to
a chance of 2^-128. A ballot whose hints are missing or wrong gets the plain check, and so does every ballot that the
batch finds fault with: the plain check alone condemns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.batch import WeightedClaim, draw_weights, find_false_claims, find_non_members
from voting.crypto.elgamal import Ciphertext
from voting.crypto.group import Element
from voting.crypto.membership import MembershipProof
from voting.election.ballots import (
    BallotContext,
    ballot_challenge,
    parse_ballot,
    parse_proofs,
    verify_ballot_proofs,
)
from voting.protocol.encoding import decode, from_base64
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.messages import Ballot, Hints


class HintedBallot(NamedTuple):
    """A ballot to be checked."""

    ballot: Ballot
    hints: bytes | None
    """Canonical `Hints`, or anything else: nothing about them is believed."""
    subject: str
    """How errors name the ballot, e.g. "entry 17"."""


class BatchResult(NamedTuple):
    """What came out for each ballot, by its position."""

    failures: dict[int, VerificationError]
    """The first check that fails, for every ballot at fault. Callers must look at it."""
    ciphertexts: dict[int, tuple[Ciphertext, ...]]
    """The values of every ballot that is not at fault: members of the group."""


class _Prepared(NamedTuple):
    """A ballot whose hints fit its challenge: what is left to check are membership and equations."""

    residues: tuple[mpz, ...]
    """alpha_1, beta_1, alpha_2, beta_2, ...; in [1, p)."""
    commitments: tuple[mpz, ...]
    proofs: tuple[MembershipProof, ...]


def check_ballots_together(
    context: BallotContext,
    ballots: Sequence[HintedBallot],
    *,
    random_bytes: Callable[[int], bytes],
    decide: bool = True,
) -> BatchResult:
    """Protocol B15: checks 12, 13 and 14 for many ballots; names every ballot at fault.

    Args:
        ballots: in any number; a thousand at a time is a good size.
        random_bytes: fresh randomness for the weights, e.g. `secrets.token_bytes`; never derived from the record.
        decide: make the plain check where it is needed. It takes much longer, and all others wait for it. Without, the
            ballots that need it are in neither part of the result.
    """
    failures: dict[int, VerificationError] = {}
    prepared: dict[int, _Prepared] = {}
    doubtful: list[int] = []
    for position, item in enumerate(ballots):
        try:
            ready = _prepare(context, item)
        except VerificationError as error:
            failures[position] = error
            continue
        if ready is None:
            doubtful.append(position)
        else:
            prepared[position] = ready

    positions = list(prepared)
    outside = find_non_members(context.group, [prepared[i].residues for i in positions], random_bytes)
    doubtful += [positions[index] for index in outside]
    members = [position for index, position in enumerate(positions) if index not in set(outside)]

    claims = [_claim(context, prepared[position], random_bytes) for position in members]
    shared = [context.group.generator.value, context.key.element.value]
    doubtful += [members[index] for index in find_false_claims(context.group, claims, shared)]

    ciphertexts = {position: _ciphertexts(context, prepared[position]) for position in members}
    for position in doubtful:
        item = ballots[position]
        ciphertexts.pop(position, None)
        if not decide:
            continue
        try:
            parsed = parse_ballot(context, item.ballot, subject=item.subject)
            verify_ballot_proofs(context, parsed, subject=item.subject)
        except VerificationError as error:
            failures[position] = error
        else:
            ciphertexts[position] = parsed.ciphertexts
    return BatchResult(failures, ciphertexts)


def _ciphertexts(context: BallotContext, ready: _Prepared) -> tuple[Ciphertext, ...]:
    """The values of a ballot, once they are known to be members of the group."""
    elements = [Element(context.group, residue) for residue in ready.residues]
    return tuple(Ciphertext(a, b) for a, b in zip(elements[::2], elements[1::2], strict=True))


def _prepare(context: BallotContext, item: HintedBallot) -> _Prepared | None:
    """Read a ballot and its hints. None if the hints are no help; VerificationError for check 13 or 12."""
    group = context.group
    ballot = item.ballot
    c, proofs = parse_proofs(context, ballot, subject=item.subject)
    parts: list[bytes] = []
    residues: list[mpz] = []
    try:
        for position, value in enumerate(ballot.ciphertexts):
            for name, text in (("alpha", value.alpha), ("beta", value.beta)):
                what = f"ciphertexts[{position}].{name}"
                data = from_base64(text, group.element_bytes, what=what)
                parts.append(data)
                residues.append(group.decode_residue(data, what=what))
    except DecodeError as error:
        raise VerificationError("12", item.subject, str(error)) from None
    hinted = _read_hints(context, item.hints)
    if hinted is None:
        return None
    credential = from_base64(ballot.credential, 32, what="credential")
    if ballot_challenge(context, credential, parts, hinted) != c:
        return None
    commitments = tuple(mpz.from_bytes(data, "big") for data in hinted)
    if not all(1 <= commitment <= group.p // 2 for commitment in commitments):
        return None
    return _Prepared(tuple(residues), commitments, proofs)


def _read_hints(context: BallotContext, hints: bytes | None) -> list[bytes] | None:
    """The commitments in the hints, encoded, of any value; None unless there are exactly as many as the shape has."""
    if hints is None:
        return None
    group = context.group
    try:
        texts = decode(hints, Hints, what="hints").commitments
        if len(texts) != 2 * context.shape.branches:
            return None
        return [from_base64(text, group.element_bytes, what="commitment") for text in texts]
    except DecodeError:
        return None


def _claim(context: BallotContext, ready: _Prepared, random_bytes: Callable[[int], bytes]) -> WeightedClaim:
    """Protocol B16: all equations of one ballot, each raised to a weight of its own and moved to one side:

        prod a_v^w A^(c w) g^(-z w)  *  prod b_v^w' B^(c w') K^(-z w') g^(-v c w')  =  1 or -1

    with A = prod alpha_i^l_i and B = g^constant prod beta_i^l_i. The ciphertexts are members of the group, so their
    exponents add up and are reduced mod q; the commitments need not be.
    """
    q = context.group.q
    weights = draw_weights(len(ready.commitments), random_bytes)
    exponents = [mpz(0)] * len(ready.residues)
    of_g, of_k = mpz(0), mpz(0)
    next_weight = 0
    for constraint, proof in zip(context.shape.constraints, ready.proofs, strict=True):
        constant = constraint.combination.constant
        of_a, of_b = mpz(0), mpz(0)
        for v, c, z in zip(constraint.allowed, proof.challenges, proof.responses, strict=True):
            first, second = weights[next_weight], weights[next_weight + 1]
            next_weight += 2
            of_a += c * first
            of_g -= z * first
            weighted = c * second
            of_b += weighted
            of_k -= z * second
            of_g += (constant - v) * weighted
        for index, coefficient in constraint.combination.terms:
            exponents[2 * index] += coefficient * of_a
            exponents[2 * index + 1] += coefficient * of_b
    reduced = [int(exponent % q) for exponent in exponents]
    return WeightedClaim(ready.residues + ready.commitments, (*reduced, *weights), (of_g % q, of_k % q))
