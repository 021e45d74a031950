"""Protocol P4: one Chaum-Pedersen proof that many decryption factors use one secret (docs/spec/tally.md).

For A_t and M_t = A_t^s: weights d_t of 128 bits from a hash over all of them, then one proof that
log_g V = log_A M for A = prod A_t^d_t and M = prod M_t^d_t (batched DLEQ, RFC 9497, section 2.2).
All A_t and M_t must be members of the group, which `Element` guarantees: without that the batch would be unsound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.errors import ProofError
from voting.crypto.group import Element
from voting.crypto.kdf import derive
from voting.crypto.transcript import batch_weights, challenge, scalar_from

PURPOSE = "decryption"


class EqualityProof(NamedTuple):
    """(c, z) with c = H(context, V, all A_t, all M_t, g^z V^-c, A^z M^-c)."""

    challenge: mpz
    response: mpz


def _composites(
    public: Element, bases: Sequence[Element], powers: Sequence[Element], context: Sequence[bytes]
) -> tuple[Element, Element, tuple[bytes, ...]]:
    group = public.group
    statement = (*context, public.encode(), *(a.encode() for a in bases), *(m.encode() for m in powers))
    weights = batch_weights(group, f"{PURPOSE}-weights", len(bases), *statement)
    return group.multi_power(bases, weights), group.multi_power(powers, weights), statement


def prove_equality(
    secret: mpz,
    public: Element,
    bases: Sequence[Element],
    powers: Sequence[Element],
    *context: bytes,
    random_bytes: Callable[[int], bytes],
) -> EqualityProof:
    """Protocol P4: prove V = g^s and M_t = A_t^s for every t.

    Args:
        secret: s in [1, q).
        public: V.
        bases, powers: the A_t and M_t, in the same order; at least one.
        context: election context, bound into every hash.
        random_bytes: source of randomness.
    """
    group = public.group
    a, m, statement = _composites(public, bases, powers, context)
    nonce_seed = group.encode_scalar(secret) + random_bytes(32)
    nonce = scalar_from(group, derive(nonce_seed, f"{PURPOSE}-nonce", *statement, length=48))
    commitments = group.g.power(nonce), a.power_secret(nonce)
    c = challenge(group, PURPOSE, *statement, a.encode(), m.encode(), *(x.encode_unsigned() for x in commitments))
    return EqualityProof(c, (nonce + c * secret) % group.q)


def verify_equality(
    proof: EqualityProof, public: Element, bases: Sequence[Element], powers: Sequence[Element], *context: bytes
) -> None:
    """Protocol P5: check c = H(context, V, all A_t, all M_t, g^z V^-c, A^z M^-c).

    Raises:
        ProofError: if the proof does not hold, or the numbers of bases and powers differ.
    """
    if len(bases) != len(powers) or not bases:
        raise ProofError(f"there are {len(powers)} factors for {len(bases)} ciphertexts")
    group = public.group
    a, m, statement = _composites(public, bases, powers, context)
    minus_c = group.q - proof.challenge
    first = group.g.power(proof.response) * public**minus_c
    second = a**proof.response * m**minus_c
    commitments = first.encode_unsigned(), second.encode_unsigned()
    if challenge(group, PURPOSE, *statement, a.encode(), m.encode(), *commitments) != proof.challenge:
        raise ProofError("the proof of correct decryption does not hold")
