"""Protocol P7: checking many equations at once, and naming those at fault (docs/spec/batch.md).

Each equation is raised to a random weight of 128 bits and all are multiplied together. If one is false, the product is
wrong but for a chance of 2^-128 (small exponents test: Bellare, Garay, Rabin, EUROCRYPT 1998). Weights must be fresh
randomness, drawn after the data is fixed; an attacker who could predict them could cancel one error with another.

The argument needs a group without small subgroups: p - 1 = 2 q r with q and r prime. Two things follow from that:
members are told from the rest by a Jacobi symbol and one weighted product raised to q; and equations are compared up to
sign, because the factor 2 is the only one a weight could miss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from voting.crypto.group import Group
from voting.crypto.multiexp import multi_power

WEIGHT_BYTES = 16


class WeightedClaim(NamedTuple):
    """What one item (a ballot) adds to the batch: the claim that a product of powers is 1, up to sign.

    Several equations of one item are joined here already, each raised to its own weight.
    """

    bases: tuple[mpz, ...]
    """Residues that belong to this item alone."""
    exponents: tuple[int, ...]
    fixed: tuple[mpz, ...] = ()
    """Exponents of bases that all items share, mod q."""


def draw_weights(count: int, random_bytes: Callable[[int], bytes]) -> list[int]:
    """Protocol P7: independent weights, uniform in [0, 2^128)."""
    data = random_bytes(WEIGHT_BYTES * count)
    return [int.from_bytes(data[i : i + WEIGHT_BYTES], "big") for i in range(0, len(data), WEIGHT_BYTES)]


def find_false_claims(group: Group, claims: Sequence[WeightedClaim], shared: Sequence[mpz]) -> list[int]:
    """Protocol P8: indices of the items whose claim is false; none if the one product over all of them is 1 or -1.

    Exponents in a claim may have been reduced mod q only where the base is known to be a member of the group.

    Args:
        claims: one per item.
        shared: the shared bases (members of the group), in the order of `WeightedClaim.fixed`.
    """

    def value(items: Sequence[int]) -> mpz:
        bases = [base for item in items for base in claims[item].bases]
        exponents = [exponent for item in items for exponent in claims[item].exponents]
        for position, base in enumerate(shared):
            bases.append(base)
            exponents.append(int(sum(claims[item].fixed[position] for item in items) % group.q))
        return multi_power(group.p, bases, exponents)

    return _isolate(group, len(claims), value, lambda x: x in (1, group.p - 1))


def find_non_members(group: Group, items: Sequence[Sequence[mpz]], random_bytes: Callable[[int], bytes]) -> list[int]:
    """Protocol P9: indices of the items that hold a residue outside the group of order q.

    Every residue must have Jacobi symbol 1, and the product of all with fresh weights, raised to q, must be 1.

    Args:
        items: for each item its residues, in [1, p).
        random_bytes: fresh randomness, e.g. `secrets.token_bytes`.
    """
    wrong = {index for index, item in enumerate(items) if any(gmpy2.jacobi(x, group.p) != 1 for x in item)}
    kept = [index for index in range(len(items)) if index not in wrong]
    weights = {index: draw_weights(len(items[index]), random_bytes) for index in kept}

    def value(positions: Sequence[int]) -> mpz:
        chosen = [kept[position] for position in positions]
        bases = [residue for index in chosen for residue in items[index]]
        return multi_power(group.p, bases, [weight for index in chosen for weight in weights[index]])

    found = _isolate(group, len(kept), value, lambda x: gmpy2.powmod(x, group.q, group.p) == 1)
    return sorted(wrong | {kept[position] for position in found})


def _isolate(
    group: Group, count: int, value: Callable[[Sequence[int]], mpz], is_right: Callable[[mpz], bool]
) -> list[int]:
    """Protocol P10: bisection that keeps group elements.

    `value` of a set is the product of the values of its parts, so the right half follows from the whole and the left
    by one division: finding one bad item among n costs about two passes over the data, not log n.
    """
    found: list[int] = []

    def search(items: Sequence[int], product: mpz) -> None:
        if is_right(product):
            return
        if len(items) == 1:
            found.append(items[0])
            return
        middle = len(items) // 2
        left = value(items[:middle])
        right = product * gmpy2.invert(left, group.p) % group.p
        search(items[:middle], left)
        search(items[middle:], right)

    if count:
        everything = range(count)
        search(everything, value(everything))
    return found
