"""Protocol M9: seats for lists by highest averages (docs/spec/methods.md). Pure arithmetic on whole numbers.

Sources: V. D'Hondt (1882), divisors 1, 2, 3, ...; A. Sainte-Laguë (1910), divisors 1, 3, 5, ...
It must not import any method.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

SeatRule = Literal["d-hondt", "sainte-lague"]

MAX_SEATS = 1000


def apportion(votes: Sequence[int], seats: int, rule: SeatRule) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Protocol M9a: seat after seat goes to the list with the highest votes / divisor.

    Args:
        votes: per list, 0 or more. A list without votes gets no seat.
        seats: how many there are.
        rule: which divisors.

    Returns:
        (given, tied, left): seats per list; lists whose equal averages compete for the last seats, at most one each;
        how many seats are left for them (all of them, with nobody tied, if there are no votes).
    """
    step = 1 if rule == "d-hondt" else 2
    given = [0] * len(votes)
    left = seats
    while left and any(votes):
        averages = [Fraction(count, 1 + step * won) for count, won in zip(votes, given, strict=True)]
        best = max(averages)
        first = tuple(i for i, average in enumerate(averages) if average == best)
        if len(first) > left:
            return tuple(given), first, left
        for i in first:
            given[i] += 1
        left -= len(first)
    return tuple(given), (), left
