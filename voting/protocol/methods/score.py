"""Protocol M6: method "score": 0 to R points for each option, their sum between min and max (docs/spec/methods.md).

Score (range) voting, and cumulative voting when `max` is a budget. The highest sum wins.
It must not import another method.
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
    range_problems,
    rank_by,
    require_totals,
    sum_of,
)
from voting.protocol.methods.words import phrase
from voting.protocol.shape import BallotShape, Constraint, Total, value
from voting.protocol.text import Text, plain

MAX_POINTS = 100
"""The most points for one option: a value has one proof branch per possible number of points."""


class ScoreSelection(Selection, frozen=True):
    """The points of every option, in the manifest's order."""

    scores: tuple[int, ...]


class ScoreOutcome(Outcome, frozen=True, kw_only=True, tag="score"):
    """Sums of points, by option number in the manifest's order."""

    sums: tuple[int, ...]
    ranking: Groups
    winners: tuple[int, ...]
    """All options with the highest sum; none if nobody gave a point."""


class Score(Question, frozen=True, kw_only=True, tag="score"):
    """Give each option from 0 to `highest` points, from `min` to `max` in all."""

    options: tuple[Text, ...]
    highest: int = 5
    minimum: int = msgspec.field(default=0, name="min")
    maximum: int = msgspec.field(default=0, name="max")
    """0 stands for no budget: it is replaced by n * highest when the question is made."""

    def __post_init__(self) -> None:
        if self.maximum == 0:
            msgspec.structs.force_setattr(self, "maximum", len(self.options) * self.highest)

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        yield from heading_problems(self, where, languages)
        yield from options_problems(self.options, f"{where}.options", languages, least=1)
        yield from range_problems(self.highest, f"{where}.highest", 1, MAX_POINTS)
        most = max(len(self.options) * min(self.highest, MAX_POINTS), 1)
        yield from range_problems(self.minimum, f"{where}.min", 0, most)
        yield from range_problems(self.maximum, f"{where}.max", 1, most)
        if self.minimum > self.maximum:
            yield Problem(
                f"{where}.min", f"is {self.minimum}, more than max = {self.maximum}", "lower min or raise max"
            )

    def shape(self) -> BallotShape:
        """Protocol M6a: x_1..x_n in {0..R}; sum x in {min..max}."""
        n = len(self.options)
        points = tuple(range(self.highest + 1))
        single = (Constraint(value(i), points) for i in range(n))
        counted = sum_of(range(n), self.minimum, self.maximum)
        return BallotShape(n, (*single, counted), tuple(Total(i, self.highest) for i in range(n)))

    def encode_selection(self, selection: ScoreSelection) -> tuple[int, ...]:
        """Protocol M6c: x_i = points of option i. Raises SelectionError."""
        if len(selection.scores) != len(self.options):
            raise SelectionError(f"give points to each of the {len(self.options)} options (0 is allowed)")
        if any(not 0 <= points <= self.highest for points in selection.scores):
            raise SelectionError(f"points for one option go from 0 to {self.highest}")
        if not self.minimum <= sum(selection.scores) <= self.maximum:
            raise SelectionError(f"the points must sum to a number from {self.minimum} to {self.maximum}")
        return selection.scores

    def parse_selection(self, data: Any) -> ScoreSelection:
        """Read {"scores": [points of each option]}. Raises SelectionError."""
        selection = convert_selection(data, ScoreSelection, '{"scores": [points of each option]}')
        self.encode_selection(selection)
        return selection

    def describe_selection(self, selection: ScoreSelection, language: str) -> list[str]:
        """One line per option: its points."""
        return [
            phrase("entry", language, option=plain(option, language), value=points)
            for option, points in zip(self.options, selection.scores, strict=True)
        ]

    def outcome(self, totals: Sequence[int], *, cast: int) -> ScoreOutcome:
        """Protocol M6b: the highest sum wins. Raises VerificationError (check 20)."""
        require_totals(self, totals, cast)
        lowest, highest = self.minimum * cast, self.maximum * cast
        if not lowest <= sum(totals) <= highest:
            raise impossible(self, f"the points sum to {sum(totals)}, outside {lowest} to {highest}")
        ranking = rank_by(totals)
        return ScoreOutcome(sums=tuple(totals), ranking=ranking, winners=ranking[0] if any(totals) else ())
