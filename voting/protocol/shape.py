"""Protocol M1: the ballot shape that a question compiles to (docs/spec/methods.md).

A shape says how many encrypted values a ballot carries, which constraints they satisfy, and which totals are decrypted.
One proof system (voting.crypto.membership) covers all shapes, so a new voting method adds no cryptography.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Combination(msgspec.Struct, frozen=True):
    """An integer linear combination of a ballot's values: constant + sum(coefficient * value[index])."""

    terms: tuple[tuple[int, int], ...]
    """Pairs (index of the value, coefficient); indices rise and occur once, no coefficient is 0."""
    constant: int = 0

    def of(self, values: Sequence[int]) -> int:
        """The combination of plain values."""
        return self.constant + sum(coefficient * values[index] for index, coefficient in self.terms)

    def shifted(self, offset: int) -> Combination:
        """The same combination of values that start at `offset` in a longer ballot."""
        return Combination(tuple((index + offset, coefficient) for index, coefficient in self.terms), self.constant)


class Constraint(msgspec.Struct, frozen=True):
    """A combination and the finite set of integers it may equal: one OR-proof with one branch per allowed integer."""

    combination: Combination
    allowed: tuple[int, ...]
    """Distinct integers in rising order, at least one."""


class Total(msgspec.Struct, frozen=True):
    """A value whose weighted sum over all counted ballots is decrypted."""

    index: int
    highest: int
    """The most that one ballot of weight 1 can add to it: bounds the search for the total."""


class BallotShape(msgspec.Struct, frozen=True):
    """What the ciphertexts of a ballot mean, for one question or for all of them joined in order."""

    values: int
    constraints: tuple[Constraint, ...]
    totals: tuple[Total, ...]

    @property
    def branches(self) -> int:
        """Number of proof branches of a ballot: what encrypting and verifying it costs grows with it."""
        return sum(len(constraint.allowed) for constraint in self.constraints)

    def violated(self, values: Sequence[int]) -> list[int]:
        """Indices of the constraints that plain values break; empty for a valid ballot."""
        return [
            position
            for position, constraint in enumerate(self.constraints)
            if constraint.combination.of(values) not in constraint.allowed
        ]


def value(index: int, coefficient: int = 1) -> Combination:
    """The combination that is one value alone."""
    return Combination(((index, coefficient),))


def linear(coefficients: dict[int, int], constant: int = 0) -> Combination:
    """A combination from a table index -> coefficient; zero coefficients drop out."""
    return Combination(tuple(sorted((i, c) for i, c in coefficients.items() if c)), constant)


def join(shapes: Sequence[BallotShape]) -> BallotShape:
    """Protocol M2: the shape of a whole ballot: the questions' values one after the other, in the manifest's order."""
    constraints: list[Constraint] = []
    totals: list[Total] = []
    offset = 0
    for shape in shapes:
        constraints.extend(Constraint(c.combination.shifted(offset), c.allowed) for c in shape.constraints)
        totals.extend(Total(t.index + offset, t.highest) for t in shape.totals)
        offset += shape.values
    return BallotShape(offset, tuple(constraints), tuple(totals))
