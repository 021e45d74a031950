"""Protocol P2: Schnorr proof of knowledge of a discrete logarithm, made non-interactive with strong Fiat-Shamir.

Schnorr, "Efficient signature generation by smart cards", 1991.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.errors import ProofError
from voting.crypto.group import Element
from voting.crypto.kdf import derive
from voting.crypto.transcript import challenge, scalar_from


class SchnorrProof(NamedTuple):
    """(c, z) with c = H(context, y, g^z y^-c)."""

    challenge: mpz
    response: mpz


def prove_knowledge(
    secret: mpz, statement: Element, *context: bytes, purpose: str, random_bytes: Callable[[int], bytes]
) -> SchnorrProof:
    """Protocol P2: prove knowledge of x with statement y = g^x.

    The nonce depends on the secret, on the statement and on fresh randomness: a broken random generator alone does
    not repeat it (docs/attacks.md, "Proofs").

    Args:
        secret: x in [0, q).
        context: election context, bound into the challenge.
        purpose: domain of the challenge.
        random_bytes: source of randomness.
    """
    group = statement.group
    nonce = scalar_from(
        group,
        derive(
            group.encode_scalar(secret) + random_bytes(32), f"{purpose}-nonce", *context, statement.encode(), length=48
        ),
    )
    commitment = group.g.power(nonce)
    c = challenge(group, purpose, *context, statement.encode(), commitment.encode_unsigned())
    return SchnorrProof(c, (nonce + c * secret) % group.q)


def verify_knowledge(proof: SchnorrProof, statement: Element, *context: bytes, purpose: str) -> None:
    """Protocol P3: check c = H(context, y, g^z y^-c).

    Raises:
        ProofError: if the proof does not hold.
    """
    group = statement.group
    commitment = group.g.power(proof.response) * statement ** (group.q - proof.challenge)
    if challenge(group, purpose, *context, statement.encode(), commitment.encode_unsigned()) != proof.challenge:
        raise ProofError("the proof of knowledge does not hold")
