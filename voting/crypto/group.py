"""Protocol G: the groups of Urne (docs/spec/groups.md).

A group here is the subgroup of prime order q of the integers modulo p. Code above this module sees only `Group`,
`Element` and `FixedBase`, so that an elliptic-curve group can be added without touching it.

An `Element` is in the group: it can only come from decoding (which checks), from the generator, or from other elements.
This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache

import gmpy2
from gmpy2 import mpz

from voting.crypto.errors import DecodeError, NotInGroup

SCALAR_BYTES = 32
WINDOW_BITS = 8
"""Window of fixed-base tables: 33 tables of 256 entries, 3.4 MiB at 3072 bits, built in about 30 ms."""
MAX_WINDOW_BITS = 12
"""The widest: 22 tables of 4096 entries, 37 MiB at 3072 bits, 48 MiB at 4096."""


def table_window(powers: int) -> int:
    """The window with the fewest multiplications for so many powers of one base, its table included.

    From 1,700 powers on it is 9, from 20,500 on 12. Never less than 8, whose table is built soon enough.
    """
    bits = Q.bit_length() + 1
    return min(range(WINDOW_BITS, MAX_WINDOW_BITS + 1), key=lambda w: -(-bits // w) * (2**w + powers))


class Element:
    """A member of the group. Immutable; `*`, `/` and `**` are the group's operations, `==` compares values."""

    __slots__ = ("group", "value")

    def __init__(self, group: Group, value: mpz) -> None:
        """Only for this package: `value` must be known to be in the group. Everybody else calls `Group.decode`."""
        self.group = group
        self.value = value

    def __mul__(self, other: Element) -> Element:
        return Element(self.group, self.value * other.value % self.group.p)

    def __truediv__(self, other: Element) -> Element:
        return Element(self.group, self.value * gmpy2.invert(other.value, self.group.p) % self.group.p)

    def __pow__(self, exponent: int | mpz) -> Element:
        """Power by a public exponent. Time depends on the exponent: for secrets use `power_secret`."""
        return Element(self.group, gmpy2.powmod(self.value, exponent, self.group.p))

    def power_secret(self, exponent: mpz) -> Element:
        """Power by a secret exponent in [1, q), in time that does not depend on it (gmpy2.powmod_sec)."""
        return Element(self.group, gmpy2.powmod_sec(self.value, exponent, self.group.p))

    def inverse(self) -> Element:
        return Element(self.group, gmpy2.invert(self.value, self.group.p))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and self.value == other.value and self.group is other.group

    def __hash__(self) -> int:
        return hash((self.group.name, self.value))

    def __repr__(self) -> str:
        return f"Element({self.group.name}, {hex(self.value)[2:14]}...)"

    def encode(self) -> bytes:
        """Fixed-length big-endian bytes (G3)."""
        return self.group.encode(self)

    def encode_unsigned(self) -> bytes:
        """Protocol G5: min(x, p - x), big-endian: a commitment enters a hash without its sign."""
        return int(min(self.value, self.group.p - self.value)).to_bytes(self.group.element_bytes, "big")


class FixedBase:
    """Protocol G6: powers of one base from a table, for public and secret exponents alike.

    The exponent is first written with digits 1..256, never 0. So each power is the same number of multiplications by
    stored values, no value is multiplied by 1, and no branch depends on the exponent. (Which table entry is read
    does depend on it; see docs/threat-model.md on shared machines.)
    """

    __slots__ = ("_group", "_offset", "_rows", "base", "window")

    def __init__(self, base: Element, window: int = WINDOW_BITS) -> None:
        group = base.group
        windows = -(-(group.q.bit_length() + 1) // window)
        size = 1 << window
        modulus = group.p
        rows: list[list[mpz]] = []
        power = base.value
        for _ in range(windows):
            row = [power]
            for _ in range(size - 1):
                row.append(row[-1] * power % modulus)
            rows.append(row)  # row[d - 1] = base ** (d * size**i), d = 1..size
            power = row[-1]
        self.base = base
        self.window = window
        self._group = group
        self._rows = rows
        ones = mpz(sum(size**i for i in range(windows)))
        # Adding a multiple of q keeps the power and makes room to take 1 from every digit.
        self._offset = group.q * (ones // group.q + 1) - ones

    def power(self, exponent: mpz) -> Element:
        """base ** exponent for an exponent in [0, q)."""
        modulus = self._group.p
        size = len(self._rows[0])
        digits = int(exponent + self._offset)
        rows = self._rows
        product = rows[0][digits % size]
        for row in rows[1:]:
            digits //= size
            product = product * row[digits % size] % modulus
        return Element(self._group, product)


class Group:
    """A group by its name (G1). Compare with `is`: there is one object per name (`group_by_name`)."""

    def __init__(self, name: str, p: mpz, q: mpz) -> None:
        self.name = name
        self.p = p
        self.q = q
        self.element_bytes = (p.bit_length() + 7) // 8
        self.generator = Element(self, gmpy2.powmod(2, (p - 1) // q, p))
        self.identity = Element(self, mpz(1))
        self._generator_table: FixedBase | None = None

    def __repr__(self) -> str:
        return f"Group({self.name})"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return group_by_name, (self.name,)

    @property
    def g(self) -> FixedBase:
        """The generator with its table (built at first use)."""
        if self._generator_table is None:
            self._generator_table = FixedBase(self.generator)
        return self._generator_table

    def expect_powers(self, powers: int) -> None:
        """Replace the generator's table by a larger one, if so many powers are worth it."""
        window = table_window(powers)
        if window > self.g.window:
            self._generator_table = FixedBase(self.generator, window)

    @property
    def is_toy(self) -> bool:
        """True for groups that protect nothing and exist for tests."""
        return self.name.startswith("toy-")

    def product(self, elements: Iterable[Element]) -> Element:
        result = mpz(1)
        for element in elements:
            result = result * element.value % self.p
        return Element(self, result)

    def multi_power(self, bases: Sequence[Element], exponents: Sequence[int | mpz]) -> Element:
        """prod bases[i] ** exponents[i] for public exponents of any sign."""
        result = mpz(1)
        for base, exponent in zip(bases, exponents, strict=True):
            result = result * gmpy2.powmod(base.value, exponent, self.p) % self.p
        return Element(self, result)

    # -- encodings -----------------------------------------------------------------------------------------------------

    def encode(self, element: Element) -> bytes:
        """Protocol G3: `element_bytes` bytes, big-endian."""
        return int(element.value).to_bytes(self.element_bytes, "big")

    def decode(self, data: bytes, *, what: str = "group element") -> Element:
        """Protocol G4: read an element and check that it is in the group: length, 1 <= x < p, x**q = 1.

        Raises:
            DecodeError: wrong length or range.
            NotInGroup: a number outside the subgroup of order q.
        """
        residue = self.decode_residue(data, what=what)
        if not self.is_member(residue):
            raise NotInGroup("is not in the group", where=what)
        return Element(self, residue)

    def decode_residue(self, data: bytes, *, what: str = "group element") -> mpz:
        """The first half of G4: length and range only. Membership is still to be checked."""
        if len(data) != self.element_bytes:
            raise DecodeError(f"is {len(data)} bytes long, not {self.element_bytes}", where=what)
        number = mpz.from_bytes(data, "big")
        if not 1 <= number < self.p:
            raise DecodeError("is outside [1, p)", where=what)
        return number

    def is_member(self, residue: mpz) -> bool:
        """Whether x**q = 1 mod p."""
        return bool(gmpy2.powmod(residue, self.q, self.p) == 1)

    def encode_scalar(self, scalar: mpz) -> bytes:
        """32 bytes, big-endian."""
        return int(scalar).to_bytes(SCALAR_BYTES, "big")

    def decode_scalar(self, data: bytes, *, what: str = "scalar") -> mpz:
        """Protocol G7: read a scalar in [0, q) from exactly 32 bytes. Raises DecodeError otherwise."""
        if len(data) != SCALAR_BYTES:
            raise DecodeError(f"is {len(data)} bytes long, not {SCALAR_BYTES}", where=what)
        number = mpz.from_bytes(data, "big")
        if number >= self.q:
            raise DecodeError("is not below q", where=what)
        return number


# -- the groups of Urne ------------------------------------------------------------------------------------------------

Q = mpz(2) ** 256 - 189


def electionguard_prime(bits: int, d: int) -> mpz:
    """Protocol G2: p = 2^bits - 2^(bits-256) + 2^256 (floor(2^(bits-512) ln 2) + d) + 2^256 - 1.

    Source: ElectionGuard design specification 2.1, section 3.1.1.
    """
    middle = bits - 512
    with gmpy2.context(precision=bits + 64):
        digits = mpz(gmpy2.floor(gmpy2.mul(gmpy2.exp2(middle), gmpy2.const_log2(bits + 64))))
    return mpz(2) ** bits - mpz(2) ** (bits - 256) + mpz(2) ** 256 * (digits + d) + mpz(2) ** 256 - 1


def toy_prime(bits: int) -> mpz:
    """The largest p = 2 q r + 1 of this many bits with p and r prime and p = 3 mod 4: same structure, no protection."""
    r = (mpz(2) ** bits - 1) // (2 * Q)
    while True:
        r = gmpy2.prev_prime(r)
        p = 2 * Q * r + 1
        if p % 4 == 3 and gmpy2.is_prime(p):
            return p


_D_3072 = 298707407953437995876300625370749906325322663598036756391867662926569213935809577593
_D_4096 = 287975203778583638958138611533602521491887169409704874643524560756486080635197037903

GROUP_NAMES = ("integer-3072", "integer-4096", "toy-512")
DEFAULT_GROUP = "integer-3072"


@cache
def _build(name: str) -> Group:
    if name == "integer-3072":
        return Group(name, electionguard_prime(3072, _D_3072), Q)
    if name == "integer-4096":
        return Group(name, electionguard_prime(4096, _D_4096), Q)
    return Group(name, toy_prime(512), Q)


def group_by_name(name: str) -> Group:
    """Protocol G1: the group called `name`. A record never brings its own parameters.

    Raises:
        DecodeError: if there is no group of that name.
    """
    if name not in GROUP_NAMES:
        raise DecodeError(f"unknown group; known are {', '.join(GROUP_NAMES)}", where="group")
    return _build(name)


def fingerprint(group: Group) -> str:
    """SHA-256 over p, q and g: for the specification and for comparing with other software."""
    data = b"".join(int(x).to_bytes(group.element_bytes, "big") for x in (group.p, group.q, group.generator.value))
    return hashlib.sha256(data).hexdigest()
