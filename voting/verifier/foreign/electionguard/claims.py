"""Equations of many proofs, checked together (docs/spec/batch.md), each with the check and the item that it is about.

ElectionGuard 1.x records carry the commitments of all proofs, so that every equation is a claim about powers of known
numbers. Commitments need not be tested for membership one by one: a batch that holds shows that they are right up to
sign, and the Jacobi symbol (-1 is no square, as p = 3 mod 4) decides on the sign.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from voting.crypto.batch import WeightedClaim, draw_weights, find_false_claims, find_non_members
from voting.crypto.group import Group

RandomBytes = Callable[[int], bytes]


class Item(NamedTuple):
    """What a claim is about: which check it belongs to, and whom to name if it is false."""

    check: str
    subject: str
    tracker: str = ""


class Fault(NamedTuple):
    """A claim that does not hold."""

    item: Item
    reason: str


class Batch:
    """Collects claims; `faults` decides on all of them. Use it for data of one record only, and once.

    Args:
        shared: bases that many claims use (members of the group), the generator first.
    """

    def __init__(self, group: Group, shared: Sequence[mpz], random_bytes: RandomBytes) -> None:
        self._group = group
        self._shared = list(shared)
        self._places = {int(base): place for place, base in enumerate(self._shared)}
        self._random_bytes = random_bytes
        self._claims: list[tuple[Item, tuple[mpz, ...], tuple[int, ...], dict[int, int]]] = []
        self._members: list[tuple[Item, tuple[mpz, ...]]] = []
        self._faults: list[Fault] = []

    def __len__(self) -> int:
        return len(self._claims)

    def members(self, item: Item, residues: Sequence[mpz]) -> None:
        """These must be in the group."""
        self._members.append((item, tuple(residues)))

    def equations(
        self,
        item: Item,
        commitments: Sequence[mpz],
        powers: Sequence[Sequence[tuple[mpz, mpz]]],
        fixed: Sequence[Sequence[tuple[mpz, mpz]]],
    ) -> None:
        """commitments[i] * prod powers[i] * prod fixed[i] = 1 for every i.

        Args:
            powers: (base, exponent) with bases that are said to be members elsewhere.
            fixed: (base, exponent) with bases that many claims use: members already known.
        """
        if any(gmpy2.jacobi(a, self._group.p) != 1 for a in commitments):
            self._faults.append(Fault(item, "a commitment is not in the group"))
            return
        q = self._group.q
        weights = draw_weights(len(commitments), self._random_bytes)
        exponents: dict[mpz, int] = {}
        shared: dict[int, int] = {}
        for weight, terms, known in zip(weights, powers, fixed, strict=True):
            for base, exponent in terms:
                exponents[base] = exponents.get(base, 0) + weight * int(exponent)
            for base, exponent in known:
                place = self._place(base)
                shared[place] = shared.get(place, 0) + weight * int(exponent)
        bases = (*commitments, *exponents)
        numbers = (*weights, *(int(exponent % q) for exponent in exponents.values()))
        self._claims.append((item, bases, numbers, shared))

    def _place(self, base: mpz) -> int:
        key = int(base)
        if key not in self._places:
            self._places[key] = len(self._shared)
            self._shared.append(base)
        return self._places[key]

    def faults(self) -> list[Fault]:
        """Every item whose numbers are not in the group, or whose equations do not hold."""
        group = self._group
        found = list(self._faults)
        outside = find_non_members(group, [residues for _, residues in self._members], self._random_bytes)
        found += [Fault(self._members[index][0], "a number is not in the group") for index in outside]
        size = len(self._shared)
        claims = [
            WeightedClaim(bases, numbers, tuple(mpz(shared.get(place, 0)) for place in range(size)))
            for _, bases, numbers, shared in self._claims
        ]
        # A claim on a number outside the group may fail or not; that number has been named anyway.
        wrong = find_false_claims(group, claims, self._shared)
        return found + [Fault(self._claims[index][0], "the equations of the proof do not hold") for index in wrong]
