"""Protocol D: partial decryption, and the result (docs/spec/tally.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gmpy2 import mpz

from voting.crypto.chaum_pedersen import EqualityProof, prove_equality, verify_equality
from voting.crypto.discrete_log import DiscreteLog
from voting.crypto.elgamal import Ciphertext
from voting.crypto.errors import ProofError
from voting.crypto.group import Element, Group
from voting.crypto.sharing import combine_shares
from voting.election.ballots import decode_ciphertext, decode_element
from voting.election.ceremony import decode_proof
from voting.protocol.encoding import Hash, to_base64
from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import ElectionResult, Proof, TallyEncrypted, TallyShare
from voting.protocol.shape import BallotShape


def share_context(election: Hash, tally: Hash, index: int) -> tuple[bytes, ...]:
    """Protocol D4: what a decryption proof is bound to: election, encrypted tally and trustee."""
    return bytes.fromhex(election), bytes.fromhex(tally), index.to_bytes(4, "big")


def decode_totals(group: Group, entry: TallyEncrypted, *, subject: str) -> tuple[Ciphertext, ...]:
    """The encrypted totals, members of the group. Raises VerificationError (check 17)."""
    try:
        return tuple(
            decode_ciphertext(group, value, what=f"totals[{position}]") for position, value in enumerate(entry.totals)
        )
    except DecodeError as error:
        raise VerificationError("17", subject, str(error)) from None


def make_share(
    secret: mpz,
    public: Element,
    totals: Sequence[Ciphertext],
    *,
    election: Hash,
    tally: Hash,
    index: int,
    time: str,
    random_bytes: Callable[[int], bytes],
) -> TallyShare:
    """Protocol D5: the factors M_t = A_t^s_j of every total, with one proof for all of them.

    Args:
        secret: s_j in [1, q), the trustee's share of the decryption key.
        public: V_j = g^s_j.
        totals: the encrypted totals, which the caller has recomputed from the ballots.
        election, tally: election id, and hash of the body of `tally.encrypted`.
        index: the trustee's.
        time: moment of making, UTC.
        random_bytes: source of randomness.
    """
    group = public.group
    bases = [ciphertext.alpha for ciphertext in totals]
    factors = [alpha.power_secret(secret) for alpha in bases]
    context = share_context(election, tally, index)
    proof = prove_equality(secret, public, bases, factors, *context, random_bytes=random_bytes)
    return TallyShare(
        election=election,
        factors=tuple(to_base64(factor.encode()) for factor in factors),
        index=index,
        proof=Proof(to_base64(group.encode_scalar(proof.challenge)), to_base64(group.encode_scalar(proof.response))),
        tally=tally,
        time=time,
    )


def verify_share_proof(
    share: TallyShare, public: Element, totals: Sequence[Ciphertext], *, subject: str
) -> tuple[Element, ...]:
    """Protocol D6 (check 18): every factor is in the group and the proof holds; gives the factors.

    Raises:
        VerificationError: naming what is wrong with the share.
    """
    group = public.group
    if len(share.factors) != len(totals):
        raise VerificationError(
            "18", subject, "wrong number of factors", expected=str(len(totals)), found=str(len(share.factors))
        )
    try:
        factors = tuple(
            decode_element(group, text, what=f"factors[{position}]") for position, text in enumerate(share.factors)
        )
        proof = EqualityProof(*decode_proof(group, share.proof, what="proof"))
        bases = [ciphertext.alpha for ciphertext in totals]
        context = share_context(share.election, share.tally, share.index)
        verify_equality(proof, public, bases, factors, *context)
    except (DecodeError, ProofError) as error:
        raise VerificationError("18", subject, str(error)) from None
    return factors


def decrypt_totals(
    totals: Sequence[Ciphertext], shares: Mapping[int, Sequence[Element]], bounds: Sequence[int]
) -> tuple[int, ...]:
    """Protocol D7: g^total = B_t / prod M_(j,t)^lambda_j, and the total from it.

    Args:
        totals: the encrypted totals.
        shares: trustee index -> verified factors; at least k trustees.
        bounds: the highest each total can be.

    Raises:
        ProofError: if a total is no number within its bound.
    """
    if not totals:
        return ()
    logarithms = DiscreteLog(totals[0].alpha.group, max(bounds), len(totals))
    group = totals[0].alpha.group
    numbers = []
    for position, ciphertext in enumerate(totals):
        combined = combine_shares(group, {index: factors[position] for index, factors in shares.items()})
        number = logarithms.find(ciphertext.beta / combined)
        if number > bounds[position]:
            raise ProofError(f"total {position} is {number}, above the {bounds[position]} that the ballots can give")
        numbers.append(number)
    return tuple(numbers)


def total_bounds(shape: BallotShape, weight: int) -> tuple[int, ...]:
    """The highest each total can be when ballots of this weight were counted."""
    return tuple(total.highest * weight for total in shape.totals)


def verify_totals(
    result: ElectionResult,
    totals: Sequence[Ciphertext],
    shares: Mapping[int, Sequence[Element]],
    bounds: Sequence[int],
    *,
    subject: str,
) -> None:
    """Protocol D8 (check 19): every published total satisfies g^total = B_t / prod M_(j,t)^lambda_j.

    Args:
        shares: trustee index -> verified factors, of exactly the trustees that the result names.

    Raises:
        VerificationError: naming the first total that does not.
    """
    if not len(result.totals) == len(totals) == len(bounds):
        raise VerificationError(
            "19", subject, "wrong number of totals", expected=str(len(bounds)), found=str(len(result.totals))
        )
    for position, (number, ciphertext, bound) in enumerate(zip(result.totals, totals, bounds, strict=True)):
        if not 0 <= number <= bound:
            raise VerificationError(
                "19", subject, f"totals[{position}] is out of range", expected=f"0 to {bound}", found=str(number)
            )
        group = ciphertext.alpha.group
        combined = combine_shares(group, {index: factors[position] for index, factors in shares.items()})
        if group.generator**number * combined != ciphertext.beta:
            raise VerificationError("19", subject, f"totals[{position}] does not satisfy the decryption equation")


def outcomes_of(manifest: Manifest, totals: Sequence[int], cast: int) -> tuple[object, ...]:
    """Protocol D9: the outcome of every question from its part of the totals.

    Args:
        cast: total weight of the counted ballots.

    Raises:
        VerificationError: (check 20) if no set of valid ballots has these totals.
    """
    expected = len(manifest.shape.totals)
    if len(totals) != expected:
        raise VerificationError("20", "totals", "wrong number", expected=str(expected), found=str(len(totals)))
    outcomes = []
    start = 0
    for question in manifest.questions:
        count = len(question.shape().totals)
        outcomes.append(question.outcome(totals[start : start + count], cast=cast))
        start += count
    return tuple(outcomes)


def verify_outcome(manifest: Manifest, result: ElectionResult, cast: int, *, subject: str) -> None:
    """Protocol D10 (check 20): winners, rankings and seats follow from the totals.

    Raises:
        VerificationError: naming the question whose outcome differs.
    """
    try:
        expected = outcomes_of(manifest, result.totals, cast)
    except VerificationError as error:
        raise VerificationError("20", subject, f"{error.subject}: {error.reason}") from None
    except UrneError as error:
        raise VerificationError("20", subject, str(error)) from None
    if len(result.outcomes) != len(expected):
        raise VerificationError(
            "20", subject, "wrong number of outcomes", expected=str(len(expected)), found=str(len(result.outcomes))
        )
    for position, (own, published) in enumerate(zip(expected, result.outcomes, strict=True)):
        if own != published:
            raise VerificationError(
                "20", subject, f"the outcome of question {position + 1} does not follow from the totals"
            )
