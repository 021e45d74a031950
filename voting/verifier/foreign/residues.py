"""Arithmetic in other systems' groups: a subgroup of prime order of the integers modulo a prime, known by name.

Nothing here is batched. Belenios's and Helios's groups have a cofactor with small factors, so that membership must be
tested one element at a time, and their proofs carry no commitments, so that each equation must be computed.
This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import gmpy2
from gmpy2 import mpz

from voting.protocol.errors import DecodeError, NotInGroup

_WINDOW_BITS = 8
_DECIMAL = re.compile(r"0|[1-9][0-9]*")
_MAX_DIGITS = 1300
"""No group here has elements of more digits."""


def parse_decimal(text: str, *, what: str) -> mpz:
    """A natural number in its one decimal writing. Raises DecodeError for any other."""
    if len(text) > _MAX_DIGITS or _DECIMAL.fullmatch(text) is None:
        raise DecodeError("is not a number in plain decimal digits", where=what)
    return mpz(text)


class FixedPowers:
    """Powers of one base from a table: base ** exponent for exponents in [0, q)."""

    __slots__ = ("_modulus", "_rows")

    def __init__(self, base: mpz, order: mpz, modulus: mpz) -> None:
        self._modulus = modulus
        self._rows: list[list[mpz]] = []
        power = base
        for _ in range(-(-order.bit_length() // _WINDOW_BITS)):
            row = [mpz(1)]
            for _ in range((1 << _WINDOW_BITS) - 1):
                row.append(row[-1] * power % modulus)
            self._rows.append(row)
            power = row[-1] * power % modulus

    def power(self, exponent: mpz) -> mpz:
        """base ** exponent."""
        modulus = self._modulus
        product = mpz(1)
        digits = int(exponent).to_bytes(len(self._rows), "little")
        for row, digit in zip(self._rows, digits, strict=True):
            if digit:
                product = product * row[digit] % modulus
        return product


class ResidueGroup:
    """The subgroup of prime order q of the integers modulo p, with its generator g."""

    def __init__(self, name: str, p: mpz, q: mpz, g: mpz) -> None:
        self.name = name
        self.p = p
        self.q = q
        self.g = g
        self._is_safe = p == 2 * q + 1
        self._tables: dict[mpz, FixedPowers] = {}

    def is_member(self, residue: mpz) -> bool:
        """Whether 0 < x < p and x**q = 1. Of a safe prime's squares, the Jacobi symbol tells just that."""
        if not 0 < residue < self.p:
            return False
        if self._is_safe:
            return gmpy2.jacobi(residue, self.p) == 1
        return bool(gmpy2.powmod(residue, self.q, self.p) == 1)

    def element(self, text: str, *, what: str) -> mpz:
        """A member of the group from decimal digits.

        Raises:
            DecodeError: another writing, or not in [1, p).
            NotInGroup: a number outside the subgroup.
        """
        number = parse_decimal(text, what=what)
        if not 0 < number < self.p:
            raise DecodeError("is outside [1, p)", where=what)
        if not self.is_member(number):
            raise NotInGroup("is not in the group", where=what)
        return number

    def scalar(self, text: str, *, what: str) -> mpz:
        """A number in [0, q) from decimal digits. Raises DecodeError for anything else."""
        number = parse_decimal(text, what=what)
        if number >= self.q:
            raise DecodeError("is not below q", where=what)
        return number

    def power(self, base: mpz, exponent: mpz | int) -> mpz:
        """base ** exponent, for an exponent of any sign."""
        return gmpy2.powmod(base, exponent, self.p)

    def fixed(self, base: mpz) -> FixedPowers:
        """The table of a base that many powers are taken of (built at its first use)."""
        table = self._tables.get(base)
        if table is None:
            table = self._tables[base] = FixedPowers(base, self.q, self.p)
        return table

    def product(self, numbers: Iterable[mpz]) -> mpz:
        """Their product; 1 if there are none."""
        result = mpz(1)
        for number in numbers:
            result = result * number % self.p
        return result

    def divide(self, number: mpz, divisor: mpz) -> mpz:
        """number / divisor."""
        return number * gmpy2.invert(divisor, self.p) % self.p


def lagrange_coefficients(indices: Sequence[int], order: mpz) -> list[mpz]:
    """For each index j the factor prod k / (k - j) over the other indices k, modulo the order: interpolation at 0."""
    factors = []
    for index in indices:
        factor = mpz(1)
        for other in indices:
            if other != index:
                factor = factor * other * gmpy2.invert(mpz(other - index), order) % order
        factors.append(factor)
    return factors
