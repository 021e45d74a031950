"""Protocol M10: method "ranking": rank all options; each rank is worth points (docs/spec/methods.md).

Borda's count (1781), or any other falling scale. It must not import another method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from voting.protocol.errors import Problem, SelectionError
from voting.protocol.methods.base import Question
from voting.protocol.methods.common import (
    Groups,
    Outcome,
    Selection,
    convert_selection,
    heading_problems,
    impossible,
    options_problems,
    permutation_matrix,
    range_problems,
    rank_by,
    require_totals,
    rows_of,
)
from voting.protocol.methods.words import phrase
from voting.protocol.shape import BallotShape, Total
from voting.protocol.text import Text, plain

MAX_RANKED = 30
MAX_RANK_POINTS = 1000


class RankingSelection(Selection, frozen=True):
    """The numbers of all options, best first. The method "condorcet" uses it too."""

    order: tuple[int, ...]


class RankingOutcome(Outcome, frozen=True, kw_only=True, tag="ranking"):
    """How often each option took each rank, and the points, by option number in the manifest's order."""

    counts: Groups
    """Per option: votes that put it first, second, ..."""
    scores: tuple[int, ...]
    ranking: Groups
    winners: tuple[int, ...]


class Ranking(Question, frozen=True, kw_only=True, tag="ranking"):
    """Rank all options."""

    options: tuple[Text, ...]
    points: tuple[int, ...] = ()
    """Points per rank, first rank first. Left empty, they become Borda's n-1, ..., 1, 0 when the question is made."""

    def __post_init__(self) -> None:
        if not self.points:
            msgspec.structs.force_setattr(self, "points", tuple(range(len(self.options) - 1, -1, -1)))

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        yield from heading_problems(self, where, languages)
        yield from options_problems(self.options, f"{where}.options", languages, most=MAX_RANKED)
        n = len(self.options)
        if len(self.points) != n:
            yield Problem(f"{where}.points", f"has {len(self.points)} numbers for {n} ranks", f"write {n} numbers")
        for rank, points in enumerate(self.points):
            yield from range_problems(points, f"{where}.points[{rank + 1}]", 0, MAX_RANK_POINTS)
            if rank and points > self.points[rank - 1]:
                yield Problem(
                    f"{where}.points[{rank + 1}]", "is more than the rank before it has", "write falling numbers"
                )
        if n > 1 and len(set(self.points)) == 1:
            yield Problem(f"{where}.points", "gives every rank the same points", "let the first rank have more")

    def shape(self) -> BallotShape:
        """Protocol M10a: r_(i,k), option i at rank k, bits, option by option; each row and column sums to 1."""
        n = len(self.options)
        return BallotShape(n * n, tuple(permutation_matrix(n)), tuple(Total(i, 1) for i in range(n * n)))

    def encode_selection(self, selection: RankingSelection) -> tuple[int, ...]:
        """Protocol M10c: r_(i,k) = 1 where option i has rank k. Raises SelectionError."""
        return encode_order(selection, len(self.options))

    def parse_selection(self, data: Any) -> RankingSelection:
        """Read {"order": [all option numbers, best first]}. Raises SelectionError."""
        return parse_order(data, len(self.options))

    def describe_selection(self, selection: RankingSelection, language: str) -> list[str]:
        """One line per rank."""
        return describe_order(self.options, selection, language)

    def outcome(self, totals: Sequence[int], *, cast: int) -> RankingOutcome:
        """Protocol M10b: the most points win. Raises VerificationError (check 20)."""
        require_totals(self, totals, cast)
        counts = rows_of(totals, len(self.options))
        if any(sum(row) != cast for row in counts):
            raise impossible(self, f"the ranks of an option do not sum to the {cast} votes")
        if any(sum(column) != cast for column in zip(*counts, strict=True)):
            raise impossible(self, f"the options at a rank do not sum to the {cast} votes")
        scores = tuple(sum(c * p for c, p in zip(row, self.points, strict=True)) for row in counts)
        ranking = rank_by(scores)
        return RankingOutcome(counts=counts, scores=scores, ranking=ranking, winners=ranking[0] if cast else ())


def encode_order(selection: RankingSelection, n: int) -> tuple[int, ...]:
    """The permutation matrix of an order, option by option. Raises SelectionError unless it ranks each option once."""
    if sorted(selection.order) != list(range(n)):
        raise SelectionError(f"rank each of the {n} options once (they are numbered from 0 to {n - 1})")
    return tuple(int(option == ranked) for option in range(n) for ranked in selection.order)


def parse_order(data: Any, n: int) -> RankingSelection:
    """Read {"order": [all option numbers, best first]}. Raises SelectionError."""
    selection = convert_selection(data, RankingSelection, '{"order": [all option numbers, best first]}')
    encode_order(selection, n)
    return selection


def describe_order(options: Sequence[Text], selection: RankingSelection, language: str) -> list[str]:
    """One line per rank, best first."""
    return [
        phrase("rank", language, number=rank + 1, options=plain(options[option], language))
        for rank, option in enumerate(selection.order)
    ]
