"""Protocol M11: who beats whom: Condorcet winner, Smith set, Schulze's rule, ranked pairs (docs/spec/methods.md).

Pure functions on a matrix `beats` where beats[i][j] is the number of votes that prefer option i to option j.
All of them are neutral: renumbering the options renumbers the result, and what is undecided is reported as a tie.
It must not import any method.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal

from voting.protocol.methods.common import Groups

PairwiseRule = Literal["schulze", "ranked-pairs"]

Matrix = Sequence[Sequence[int]]


def condorcet_winner(beats: Matrix) -> int | None:
    """Protocol M11a: the option that beats each other one; None if there is none."""
    n = len(beats)
    for i in range(n):
        if all(beats[i][j] > beats[j][i] for j in range(n) if j != i):
            return i
    return None


def smith_set(beats: Matrix) -> tuple[int, ...]:
    """Protocol M11b: the smallest set of options that each beat every option outside.

    It is the set of those who reach every other option along steps i -> j with beats[i][j] >= beats[j][i].
    """
    n = len(beats)
    reach = _closure([[i != j and beats[i][j] >= beats[j][i] for j in range(n)] for i in range(n)])
    return tuple(i for i in range(n) if all(reach[i][j] for j in range(n) if j != i))


def rank_pairwise(beats: Matrix, rule: PairwiseRule) -> Groups:
    """Protocol M11c: layers of the strict order that the rule gives, best first.

    Each group holds the options that no option outside the better groups is placed above. The first group, the
    winners, are exactly the options that no other option is placed above.
    """
    above = schulze(beats) if rule == "schulze" else ranked_pairs(beats)
    left = set(range(len(beats)))
    groups = []
    while left:
        group = tuple(sorted(i for i in left if not any(above[j][i] for j in left)))
        groups.append(group)
        left -= set(group)
    return tuple(groups)


def schulze(beats: Matrix) -> list[list[bool]]:
    """Protocol M11d: i stands above j if the strongest path from i to j is stronger than the one back.

    The strength of a step i -> j is its winning votes: beats[i][j] if it is more than beats[j][i], else 0; a path is
    as strong as its weakest step. The relation is a strict order. Source: M. Schulze, "A new monotonic,
    clone-independent, reversal symmetric, and Condorcet-consistent single-winner election method" (2011), section 2.

    Returns:
        above[i][j].
    """
    n = len(beats)
    strength = [[beats[i][j] if beats[i][j] > beats[j][i] else 0 for j in range(n)] for i in range(n)]
    for via in range(n):
        for i in range(n):
            for j in range(n):
                strength[i][j] = max(strength[i][j], min(strength[i][via], strength[via][j]))
    return [[strength[i][j] > strength[j][i] for j in range(n)] for i in range(n)]


def ranked_pairs(beats: Matrix) -> list[list[bool]]:
    """Protocol M11e: lock victories from the strongest down, but none that closes a cycle.

    A victory is stronger with more winning votes, and among equals with fewer votes against it. Source: N. Tideman,
    "Independence of clones as a criterion for voting rules" (1987), with winning votes.

    Equally strong victories whose order could matter are not put in an order. Of such a class,
    a victory that closes a cycle with locked ones is rejected; one that closes no cycle even if all undecided ones and
    the rest of its class were locked is locked; any other stays undecided and is never locked. So a locked victory
    is locked, and a rejected one rejected, in every order of the tied victories (by induction over the classes):
    whoever could win under some order is among the winners here, and a single winner wins under all orders.

    Returns:
        above[i][j]: there is a path of locked victories from i to j.
    """
    n = len(beats)
    victories = sorted(
        (-beats[i][j], beats[j][i], i, j) for i in range(n) for j in range(n) if i != j and beats[i][j] > beats[j][i]
    )
    locked = [[False] * n for _ in range(n)]
    possible = [[False] * n for _ in range(n)]
    for _, tied in groupby(victories, key=lambda victory: victory[:2]):
        before = _closure(locked)
        open_pairs = [(i, j) for _, _, i, j in tied if not before[j][i]]
        for i, j in open_pairs:
            possible[i][j] = True
        reach = _closure(possible)
        for i, j in open_pairs:
            if not reach[j][i]:
                locked[i][j] = True
    return _closure(locked)


def _closure(steps: Sequence[Sequence[bool]]) -> list[list[bool]]:
    """Who reaches whom along one or more steps (Warshall)."""
    reach = [list(row) for row in steps]
    for via, from_via in enumerate(reach):
        for row in reach:
            if row[via]:
                for j, step in enumerate(from_via):
                    row[j] = row[j] or step
    return reach
