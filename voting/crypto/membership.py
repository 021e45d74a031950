"""Protocol B3: the one proof system of all ballots (docs/spec/ballots.md).

Statement: the ciphertext (A, B) encrypts some v of a finite set S, that is, log_g A = log_K (B / g^v) for one v in S.
Proof: OR-composition of Cramer, Damgard, Schoenmakers (CRYPTO 1994). All constraints of a ballot share one challenge
(AND-composition), so this module commits and responds in two steps and leaves the hash to its caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.elgamal import Ciphertext, PublicKey
from voting.crypto.group import Element
from voting.crypto.product import Product


class MembershipProof(NamedTuple):
    """One challenge and one response per allowed value; the challenges add up to the ballot's challenge mod q."""

    challenges: tuple[mpz, ...]
    responses: tuple[mpz, ...]


class Commitment(NamedTuple):
    """The prover's first move for one constraint, with what is needed to answer. Secret: it holds the nonces."""

    elements: tuple[Element, ...]
    """a_v, b_v for each v in S, in order."""
    masks: tuple[mpz, ...]
    """t_v with a_v = g^t_v; the response will be t_v + rho c_v."""
    challenges: tuple[mpz, ...]
    """c_v chosen beforehand for the simulated branches, 0 for the true one."""
    true_branch: int
    nonce: mpz
    """rho: the encryption nonce of (A, B)."""


def commit(
    key: PublicKey, allowed: Sequence[int], message: int, nonce: mpz, draws: Sequence[tuple[mpz, mpz]]
) -> Commitment:
    """Protocol B3a: a_v = g^t_v and b_v = K^t_v g^((v - m) c_v) for every v in S, with c_m = 0.

    For v != m this is the simulated proof with response z_v = t_v + rho c_v, because A = g^rho and B = K^rho g^m.
    Every branch costs the same three fixed-base powers, so nothing here takes a time that depends on m.

    Args:
        key: the joint key K.
        allowed: S, in rising order; contains m.
        message: m, the plaintext of (A, B).
        nonce: rho in [0, q).
        draws: for each v in S two independent uniform scalars, for t_v and c_v.
    """
    q = key.group.q
    true_branch = allowed.index(message)
    masks = tuple(mask for mask, _ in draws)
    challenges = tuple(c if index != true_branch else mpz(0) for index, (_, c) in enumerate(draws))
    elements: list[Element] = []
    for v, t, c in zip(allowed, masks, challenges, strict=True):
        elements.append(key.g.power(t))
        elements.append(key.k.power(t) * key.g.power((v - message) * c % q))
    return Commitment(tuple(elements), masks, challenges, true_branch, nonce)


def respond(key: PublicKey, commitment: Commitment, challenge: mpz) -> MembershipProof:
    """Protocol B3b: c_m = c - sum of the other challenges; z_v = t_v + rho c_v for every v."""
    q = key.group.q
    missing = (challenge - sum(commitment.challenges)) % q
    challenges = tuple(
        missing if index == commitment.true_branch else c for index, c in enumerate(commitment.challenges)
    )
    responses = tuple((t + commitment.nonce * c) % q for t, c in zip(commitment.masks, challenges, strict=True))
    return MembershipProof(challenges, responses)


def commitments_of(
    key: PublicKey, ciphertext: Ciphertext, allowed: Sequence[int], proof: MembershipProof
) -> Iterator[Product]:
    """Protocol B3c: the commitments that the proof stands for, not yet computed, in the order of the hash.

    a_v = g^z_v A^-c_v and b_v = K^z_v (B / g^v)^-c_v = K^z_v g^(v c_v) B^-c_v. The proof holds if hashing all of a
    ballot's commitments gives its challenge, and the c_v add up to it.
    """
    q = key.group.q
    for v, c, z in zip(allowed, proof.challenges, proof.responses, strict=True):
        minus_c = q - c
        yield Product(((key.g, z),), ((ciphertext.alpha, minus_c),))
        fixed = ((key.k, z),) if v == 0 else ((key.k, z), (key.g, v * c % q))
        yield Product(fixed, ((ciphertext.beta, minus_c),))
