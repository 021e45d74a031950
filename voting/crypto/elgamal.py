"""Protocol C: exponential ElGamal (docs/spec/ballots.md).

A ciphertext of the small integer m under the joint key K is (g^r, K^r g^m). Ciphertexts multiply, plaintexts add.
Cramer, Gennaro, Schoenmakers, "A secure and optimally efficient multi-authority election scheme", 1997.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.group import Element, FixedBase, Group, table_window


class PublicKey:
    """The joint key K with its table. `element` is K.

    Args:
        powers: how many powers of K are expected: more of them are worth a larger table.
    """

    __slots__ = ("element", "group", "k")

    def __init__(self, element: Element, powers: int = 0) -> None:
        self.element = element
        self.group = element.group
        self.k = FixedBase(element, table_window(powers))

    @property
    def g(self) -> FixedBase:
        """The generator's table."""
        return self.group.g


class Ciphertext(NamedTuple):
    """(alpha, beta) = (g^r, K^r g^m); both are in the group."""

    alpha: Element
    beta: Element


def encrypt(key: PublicKey, message: int, nonce: mpz) -> Ciphertext:
    """Protocol C1: (g^r, K^r g^m) for a small integer m and a nonce r in [0, q) used once."""
    group = key.group
    return Ciphertext(group.g.power(nonce), key.k.power(nonce) * group.g.power(mpz(message) % group.q))


def combine(
    group: Group, ciphertexts: Sequence[Ciphertext], terms: Sequence[tuple[int, int]], constant: int
) -> Ciphertext:
    """Protocol C2: the ciphertext of constant + sum(coefficient * m[index]) over `terms` (index, coefficient).

    Coefficients are small public integers of any sign; the constant is encrypted with nonce 0.
    """
    alpha = _small_powers(group, [(ciphertexts[index].alpha, coefficient) for index, coefficient in terms])
    beta = _small_powers(group, [(ciphertexts[index].beta, coefficient) for index, coefficient in terms])
    if constant:
        beta = beta * group.generator**constant
    return Ciphertext(alpha, beta)


def _small_powers(group: Group, terms: Sequence[tuple[Element, int]]) -> Element:
    above = group.product(element if c == 1 else element**c for element, c in terms if c > 0)
    below = group.product(element if c == -1 else element**-c for element, c in terms if c < 0)
    return above if below == group.identity else above / below


def product(group: Group, ciphertexts: Sequence[Ciphertext]) -> Ciphertext:
    """Protocol C3: the ciphertext of the sum of all messages."""
    return Ciphertext(group.product(c.alpha for c in ciphertexts), group.product(c.beta for c in ciphertexts))
