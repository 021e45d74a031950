"""Protocol P7: checking many equations at once, and naming those at fault (docs/spec/batch.md).

Each equation is raised to a random weight of 128 bits and all are multiplied together. If one is false, the product is
wrong but for a chance of 2^-128 (small exponents test: Bellare, Garay, Rabin, EUROCRYPT 1998). Weights must be fresh
randomness, drawn after the data is fixed; an attacker who could predict them could cancel one error with another.

The argument needs a group without small subgroups: p - 1 = 2 q r with q and r prime. Two things follow from that:
members are told from the rest by Jacobi symbols and one weighted product raised to q; and equations are compared up to
sign, because the factor 2 is the only one a weight could miss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from voting.crypto.group import Group
from voting.crypto.multiexp import bit_products, join_bits, multi_power

WEIGHT_BYTES = 16
FEW_RESIDUES = 600
"""Up to this many residues, one Jacobi symbol each costs less than the products by bits (measured)."""


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

    def value(items: Sequence[int]) -> list[mpz]:
        bases = [base for item in items for base in claims[item].bases]
        exponents = [exponent for item in items for exponent in claims[item].exponents]
        for position, base in enumerate(shared):
            bases.append(base)
            exponents.append(int(sum(claims[item].fixed[position] for item in items) % group.q))
        return [multi_power(group.p, bases, exponents)]

    return _isolate(group, len(claims), value, lambda products: products[0] in (1, group.p - 1))


def find_non_members(group: Group, items: Sequence[Sequence[mpz]], random_bytes: Callable[[int], bytes]) -> list[int]:
    """Protocol P9: indices of the items that hold a residue outside the group of order q.

    Each residue has a weight of 128 fresh random bits. For each of the 128 places, the product of the residues whose
    weight has that bit must have Jacobi symbol 1; and the product of all powers, raised to q, must be 1.

    Args:
        items: for each item its residues, in [1, p).
        random_bytes: fresh randomness, e.g. `secrets.token_bytes`.
    """
    if sum(map(len, items)) <= FEW_RESIDUES:
        return _find_few_non_members(group, items, random_bytes)
    weights = [draw_weights(len(item), random_bytes) for item in items]

    def value(chosen: Sequence[int]) -> list[mpz]:
        bases = [residue for index in chosen for residue in items[index]]
        numbers = [weight for index in chosen for weight in weights[index]]
        return bit_products(group.p, bases, numbers, 8 * WEIGHT_BYTES)

    def is_right(products: Sequence[mpz]) -> bool:
        if any(gmpy2.jacobi(product, group.p) != 1 for product in products):
            return False
        return bool(gmpy2.powmod(join_bits(group.p, products), group.q, group.p) == 1)

    return _isolate(group, len(items), value, is_right)


def _find_few_non_members(
    group: Group, items: Sequence[Sequence[mpz]], random_bytes: Callable[[int], bytes]
) -> list[int]:
    """As P9, with the Jacobi symbol of each residue: quicker than the products of 128 places."""
    wrong = {index for index, item in enumerate(items) if any(gmpy2.jacobi(x, group.p) != 1 for x in item)}
    kept = [index for index in range(len(items)) if index not in wrong]
    weights = {index: draw_weights(len(items[index]), random_bytes) for index in kept}

    def value(positions: Sequence[int]) -> list[mpz]:
        chosen = [kept[position] for position in positions]
        bases = [residue for index in chosen for residue in items[index]]
        return [multi_power(group.p, bases, [weight for index in chosen for weight in weights[index]])]

    found = _isolate(group, len(kept), value, lambda x: bool(gmpy2.powmod(x[0], group.q, group.p) == 1))
    return sorted(wrong | {kept[position] for position in found})


def _isolate(
    group: Group,
    count: int,
    value: Callable[[Sequence[int]], Sequence[mpz]],
    is_right: Callable[[Sequence[mpz]], bool],
) -> list[int]:
    """Protocol P10: bisection that keeps group elements.

    `value` of a set is the product of the values of its parts, so the right half follows from the whole and the left
    by one division: finding one bad item among n costs about two passes over the data, not log n.
    """
    found: list[int] = []

    def search(items: Sequence[int], products: Sequence[mpz]) -> None:
        if is_right(products):
            return
        if len(items) == 1:
            found.append(items[0])
            return
        middle = len(items) // 2
        left = value(items[:middle])
        right = [
            product * gmpy2.invert(of_left, group.p) % group.p for product, of_left in zip(products, left, strict=True)
        ]
        search(items[:middle], left)
        search(items[middle:], right)

    if count:
        everything = range(count)
        search(everything, value(everything))
    return found
