"""Protocol T: Feldman-Pedersen sharing of the decryption key (docs/spec/trustees.md).

Feldman, "A practical scheme for non-interactive verifiable secret sharing", 1987; Pedersen, "A threshold cryptosystem
without a trusted party", 1991; Gennaro, Jarecki, Krawczyk, Rabin, 1999, for why commitments are hashed first.
Trustees have indices 1, 2, ..., which are also their x-coordinates; 0 is the secret's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gmpy2 import invert, mpz

from voting.crypto.errors import ProofError
from voting.crypto.group import Element, Group


def evaluate(group: Group, coefficients: Sequence[mpz], index: int) -> mpz:
    """Protocol T1: f(j) = sum a_m j^m mod q, for trustee j."""
    result = mpz(0)
    for coefficient in reversed(coefficients):
        result = (result * index + coefficient) % group.q
    return result


def commit_coefficients(group: Group, coefficients: Sequence[mpz]) -> tuple[Element, ...]:
    """Protocol T2: A_m = g^a_m for every coefficient, computed from a table without branching on the secret."""
    return tuple(group.g.power(coefficient) for coefficient in coefficients)


def committed_share(commitments: Sequence[Element], index: int) -> Element:
    """Protocol T3: g^f(j) = prod A_m^(j^m), from the public commitments alone."""
    result = commitments[-1]
    for commitment in reversed(commitments[:-1]):
        result = result**index * commitment
    return result


def verify_share(group: Group, commitments: Sequence[Element], index: int, share: mpz) -> None:
    """Protocol T4: check g^f_i(j) = prod A_(i,m)^(j^m).

    Raises:
        ProofError: if the share is not the one that the dealer committed to.
    """
    if group.g.power(share) != committed_share(commitments, index):
        raise ProofError("the share does not fit the dealer's commitments")


def joint_key(group: Group, all_commitments: Sequence[Sequence[Element]]) -> Element:
    """Protocol T5: K = prod over the dealers of A_(i,0)."""
    return group.product(commitments[0] for commitments in all_commitments)


def verification_key(group: Group, all_commitments: Sequence[Sequence[Element]], index: int) -> Element:
    """Protocol T6: V_j = g^s_j = prod over the dealers i of prod A_(i,m)^(j^m)."""
    return group.product(committed_share(commitments, index) for commitments in all_commitments)


def lagrange_coefficients(group: Group, indices: Sequence[int]) -> dict[int, mpz]:
    """Protocol T7: lambda_j = prod over l != j of l / (l - j) mod q, for interpolation at 0.

    Args:
        indices: distinct positive trustee indices.

    Raises:
        ProofError: if an index is not positive or occurs twice (0 would stand for the secret itself).
    """
    if len(set(indices)) != len(indices) or any(index < 1 for index in indices):
        raise ProofError("trustee indices must be positive and distinct")
    coefficients = {}
    for j in indices:
        above, below = mpz(1), mpz(1)
        for other in indices:
            if other != j:
                above = above * other % group.q
                below = below * (other - j) % group.q
        coefficients[j] = above * invert(below, group.q) % group.q
    return coefficients


def combine_shares(group: Group, shares: Mapping[int, Element]) -> Element:
    """Protocol T8: A^s = prod M_j^lambda_j over the decryption factors M_j = A^s_j of at least k trustees."""
    coefficients = lagrange_coefficients(group, list(shares))
    return group.multi_power(list(shares.values()), [coefficients[index] for index in shares])
