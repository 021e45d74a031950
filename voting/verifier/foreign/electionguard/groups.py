"""The published groups of ElectionGuard, known by name (design specifications 1.0 to 2.1, "Parameter requirements").

A record's own parameters are only compared with these: other numbers, and test groups, are refused. In both groups
p - 1 = 2 q r with q and r prime, and p = 3 mod 4: so members can be told from the rest in batches (docs/spec/batch.md).
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from voting.crypto.group import Group, group_by_name

_BITS = 4096
_Q = mpz(2) ** 256 - 189
_D = 439294808804231274926900580397189504974648848968881487631310538630010859174858006409
"""The smallest number that makes p and (p - 1) / 2q prime."""


class Parameters(NamedTuple):
    """The four numbers that a record names."""

    large_prime: int
    small_prime: int
    cofactor: int
    generator: int


def parameters_of(group: Group) -> Parameters:
    """What a record with this group must name."""
    return Parameters(int(group.p), int(group.q), int((group.p - 1) // group.q), int(group.generator.value))


@cache
def group_1() -> Group:
    """The group of versions 0.95 to 1.1: the middle bits of p are those of Euler's constant."""
    middle = _BITS - 512
    with gmpy2.context(precision=_BITS + 64):
        digits = mpz(gmpy2.floor(gmpy2.mul(gmpy2.exp2(middle), gmpy2.const_euler(_BITS + 64))))
    p = mpz(2) ** _BITS - mpz(2) ** (_BITS - 256) + mpz(2) ** 256 * (digits + _D) + mpz(2) ** 256 - 1
    return Group("ElectionGuard 1.0, 4096 bits", p, _Q)


def group_2() -> Group:
    """The group of versions 2.0 and 2.1: the middle bits of p are those of ln 2. Urne's 4096-bit group is the same."""
    return group_by_name("integer-4096")


GROUP_2_NAME = "ElectionGuard 2.0, 4096 bits"
