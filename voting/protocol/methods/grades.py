"""Protocol M7: method "grades": majority judgment: one grade for each option (docs/spec/methods.md).

Source: M. Balinski, R. Laraki, "Majority Judgment" (MIT Press 2010), the definition of the majority-value.
It must not import another method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from voting.protocol.errors import Problem, SelectionError
from voting.protocol.methods.base import Question
from voting.protocol.methods.common import (
    Groups,
    Outcome,
    Selection,
    bits,
    convert_selection,
    heading_problems,
    impossible,
    options_problems,
    require_totals,
    rows_of,
    sum_of,
)
from voting.protocol.methods.words import phrase
from voting.protocol.shape import BallotShape, Total
from voting.protocol.text import Text, plain

MAX_GRADES = 20


class GradesSelection(Selection, frozen=True):
    """The number of the grade given to every option: 0 is the best grade."""

    grades: tuple[int, ...]


class GradesOutcome(Outcome, frozen=True, kw_only=True, tag="grades"):
    """Histograms and what follows from them, by option number and grade number (0 is the best)."""

    histograms: Groups
    """Per option: votes for each grade, best grade first."""
    medians: tuple[int | None, ...]
    """Per option: the majority grade (the lower median); None if nobody voted."""
    better: tuple[int, ...]
    """Per option: votes for a better grade than its majority grade."""
    worse: tuple[int, ...]
    """Per option: votes for a worse grade than its majority grade."""
    ranking: Groups
    winners: tuple[int, ...]


class Grades(Question, frozen=True, kw_only=True, tag="grades"):
    """Give each option one grade of a common scale."""

    options: tuple[Text, ...]
    grades: tuple[Text, ...]
    """Best grade first."""

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        yield from heading_problems(self, where, languages)
        yield from options_problems(self.options, f"{where}.options", languages, least=1)
        yield from options_problems(self.grades, f"{where}.grades", languages, most=MAX_GRADES)

    def shape(self) -> BallotShape:
        """Protocol M7a: x_(i,k) bits, option by option; for each option i: sum_k x_(i,k) = 1."""
        n, g = len(self.options), len(self.grades)
        one_each = (sum_of(range(i * g, (i + 1) * g), 1, 1) for i in range(n))
        return BallotShape(n * g, (*bits(0, n * g), *one_each), tuple(Total(i, 1) for i in range(n * g)))

    def encode_selection(self, selection: GradesSelection) -> tuple[int, ...]:
        """Protocol M7c: x_(i,k) = 1 where option i has grade k. Raises SelectionError."""
        n, g = len(self.options), len(self.grades)
        if len(selection.grades) != n:
            raise SelectionError(f"give a grade to each of the {n} options")
        if any(not 0 <= grade < g for grade in selection.grades):
            raise SelectionError(f"grades are numbered from 0 (best) to {g - 1}")
        return tuple(int(grade == k) for grade in selection.grades for k in range(g))

    def parse_selection(self, data: Any) -> GradesSelection:
        """Read {"grades": [number of each option's grade, 0 is the best]}. Raises SelectionError."""
        selection = convert_selection(data, GradesSelection, '{"grades": [number of each option\'s grade]}')
        self.encode_selection(selection)
        return selection

    def describe_selection(self, selection: GradesSelection, language: str) -> list[str]:
        """One line per option: its grade."""
        return [
            phrase("entry", language, option=plain(option, language), value=plain(self.grades[grade], language))
            for option, grade in zip(self.options, selection.grades, strict=True)
        ]

    def outcome(self, totals: Sequence[int], *, cast: int) -> GradesOutcome:
        """Protocol M7b: the majority ranking. Raises VerificationError (check 20)."""
        require_totals(self, totals, cast)
        histograms = rows_of(totals, len(self.grades))
        for position, histogram in enumerate(histograms):
            if sum(histogram) != cast:
                reason = f"the grades of option {position} sum to {sum(histogram)}, not to the {cast} votes"
                raise impossible(self, reason)
        medians = [_grade_at(tuple(accumulate(h)), cast // 2 + 1) if cast else None for h in histograms]
        ranking = majority_ranking(histograms, cast)
        return GradesOutcome(
            histograms=histograms,
            medians=tuple(medians),
            better=tuple(sum(h[:m]) if m is not None else 0 for h, m in zip(histograms, medians, strict=True)),
            worse=tuple(sum(h[m + 1 :]) if m is not None else 0 for h, m in zip(histograms, medians, strict=True)),
            ranking=ranking,
            winners=ranking[0] if cast else (),
        )


def majority_ranking(histograms: Groups, cast: int) -> Groups:
    """Protocol M7d: compare majority grades; while they are equal, remove one such grade from each and repeat.

    With N votes sorted best first, the grades come off in the order of the places N//2 + 1 + t and (N+1)//2 - t for
    t = 0, 1, ... (one and the same place for odd N and t = 0). Both grades change at few values of t only, so options
    are compared there alone: the work does not depend on N. Options are tied exactly if their histograms are equal.

    Args:
        histograms: per option, votes for each grade, best first; each sums to `cast`.
        cast: N.
    """
    ends = [tuple(accumulate(histogram)) for histogram in histograms]
    changes = {0} | {end - cast // 2 for option in ends for end in option}
    changes |= {(cast + 1) // 2 - end for option in ends for end in option}
    steps = sorted(t for t in changes if 0 <= t < (cast + 1) // 2)
    values = [
        tuple(_grade_at(option, place) for t in steps for place in (cast // 2 + 1 + t, (cast + 1) // 2 - t))
        for option in ends
    ]
    return tuple(tuple(i for i, found in enumerate(values) if found == level) for level in sorted(set(values)))


def _grade_at(ends: Sequence[int], place: int) -> int:
    """The grade at a place, counted from 1, among all grades sorted best first; `ends` are running sums."""
    return next(grade for grade, end in enumerate(ends) if end >= place)
