"""Belenios's group Ed25519: the points of prime order l on the twisted Edwards curve of RFC 8032, section 5.1.

A point is written as RFC 8032 encodes it, but with the most significant byte first, in 64 hexadecimal digits. Only the
one canonical writing is read, and each point is tested for membership by itself: the cofactor is 8.
This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import gmpy2
from Crypto.PublicKey.ECC import EccPoint  # type: ignore[attr-defined]  # documented, not in __all__
from gmpy2 import mpz

from voting.protocol.errors import DecodeError, NotInGroup
from voting.verifier.foreign.residues import parse_decimal

FIELD_PRIME = mpz(2) ** 255 - 19
ORDER = mpz(2) ** 252 + mpz("27742317777372353535851937790883648493")
COFACTOR = 8
_D = -121665 * gmpy2.invert(mpz(121666), FIELD_PRIME) % FIELD_PRIME
_SQRT_MINUS_ONE = gmpy2.powmod(mpz(2), (FIELD_PRIME - 1) // 4, FIELD_PRIME)
_SIGN_BIT = 255
_ORDINATE = (1 << _SIGN_BIT) - 1
_HEX = re.compile(r"[0-9a-f]{64}")
_WINDOW_BITS = 4


class PointPowers:
    """Multiples of one point from a table, for scalars in [0, l)."""

    __slots__ = ("_rows",)

    def __init__(self, base: EccPoint) -> None:
        self._rows: list[list[EccPoint]] = []
        power = base
        for _ in range(-(-ORDER.bit_length() // _WINDOW_BITS)):
            row = [power.point_at_infinity()]
            for _ in range((1 << _WINDOW_BITS) - 1):
                row.append(row[-1] + power)
            self._rows.append(row)
            power = row[-1] + power

    def power(self, exponent: mpz) -> EccPoint:
        """The point, as many times as the exponent says."""
        total = self._rows[0][0].copy()
        scalar = int(exponent)
        for row in self._rows:
            digit = scalar & 15
            if digit:
                total += row[digit]
            scalar >>= _WINDOW_BITS
        return total


class Ed25519Group:
    """The subgroup of order l, written multiplicatively as Belenios's specification does."""

    name = "Ed25519"
    padding_bits: int | None = 14

    def __init__(self) -> None:
        self.q = ORDER
        y = 4 * gmpy2.invert(mpz(5), FIELD_PRIME) % FIELD_PRIME
        generator = _decompress(y)
        if generator is None:
            raise AssertionError("4/5 is the ordinate of RFC 8032's base point")
        self.g = generator
        self.identity = generator.point_at_infinity()
        self._tables: dict[str, PointPowers] = {}

    def parse(self, text: str, *, what: str) -> EccPoint:
        """A point of the curve from its one writing; whether it is in the subgroup is not tested.

        Raises:
            DecodeError: another writing, or no point of the curve.
        """
        if _HEX.fullmatch(text) is None:
            raise DecodeError("is not 64 hexadecimal digits in lower case", where=what)
        raw = mpz(text, 16)
        if raw & _ORDINATE >= FIELD_PRIME:
            raise DecodeError("is not the canonical writing of a point", where=what)
        point = _decompress(raw)
        if point is None:
            raise DecodeError("is not the canonical writing of a point of the curve", where=what)
        return point

    def element(self, text: str, *, what: str) -> EccPoint:
        """A member of the group from its one writing.

        Raises:
            DecodeError: another writing, or no point of the curve.
            NotInGroup: a point outside the subgroup of order l.
        """
        point = self.parse(text, what=what)
        if not (point * int(ORDER)).is_point_at_infinity():
            raise NotInGroup("is not in the group", where=what)
        return point

    def scalar(self, text: str, *, what: str) -> mpz:
        """A number in [0, l) from decimal digits. Raises DecodeError for anything else."""
        number = parse_decimal(text, what=what)
        if number >= self.q:
            raise DecodeError("is not below q", where=what)
        return number

    def text(self, element: EccPoint) -> str:
        """The one writing of a point."""
        return f"{_compress(element):064x}"

    def order_key(self, element: EccPoint) -> bytes:
        """The encoding of RFC 8032, least significant byte first: so do Belenios's native programs sort."""
        return _compress(element).to_bytes(32, "little")

    def number(self, element: EccPoint) -> int:
        """The number whose digits hold a non-homomorphic answer."""
        return _compress(element)

    def power(self, base: EccPoint, exponent: mpz | int) -> EccPoint:
        """base ** exponent, for an exponent of any sign and a base in the group."""
        return base * int(exponent % self.q)

    def fixed(self, base: EccPoint) -> PointPowers:
        """The table of a base that many powers are taken of (built at its first use)."""
        key = self.text(base)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = PointPowers(base)
        return table

    def product(self, elements: Iterable[EccPoint]) -> EccPoint:
        """Their product; the identity if there are none."""
        result = self.identity.copy()
        for element in elements:
            result += element
        return result

    def divide(self, element: EccPoint, divisor: EccPoint) -> EccPoint:
        """element / divisor."""
        return element + (-divisor)

    def independent_generator(self, index: int) -> EccPoint:
        """8 times the first point whose writing is at or behind SHA-256("ggen|i") >> 2; index -1 is h."""
        number = mpz(int.from_bytes(hashlib.sha256(f"ggen|{index}".encode()).digest(), "big")) >> 2
        while (point := _decompress(number)) is None:
            number += 1
        return point * COFACTOR


def _decompress(raw: mpz) -> EccPoint | None:
    """The point with ordinate `raw` modulo 2^255 and the sign above it; None if there is none."""
    p = FIELD_PRIME
    y, sign = raw & _ORDINATE, raw >> _SIGN_BIT
    square = y * y % p
    x_square = (square - 1) * gmpy2.invert(_D * square + 1, p) % p
    x = gmpy2.powmod(x_square, (p + 3) // 8, p)
    if x * x % p != x_square:
        x = x * _SQRT_MINUS_ONE % p
    if x * x % p != x_square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = p - x
    return EccPoint(int(x), int(y), curve="Ed25519")


def _compress(point: EccPoint) -> int:
    x, y = point.xy
    return int(y) | ((int(x) & 1) << _SIGN_BIT)
