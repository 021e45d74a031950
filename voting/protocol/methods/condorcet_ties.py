"""Protocol M13: method "condorcet-ties": rank options, with ties, perhaps not all; only who beats whom is decrypted.

Options without a rank stand below all ranked ones and are tied among themselves (docs/spec/methods.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from voting.protocol.errors import Problem, SelectionError
from voting.protocol.methods.base import Question
from voting.protocol.methods.common import (
    Selection,
    bits,
    convert_selection,
    heading_problems,
    impossible,
    options_problems,
    require_totals,
)
from voting.protocol.methods.condorcet import PairwiseOutcome
from voting.protocol.methods.pairwise import PairwiseRule, condorcet_winner, rank_pairwise, smith_set
from voting.protocol.methods.words import phrase
from voting.protocol.shape import BallotShape, Constraint, Total, linear, value
from voting.protocol.text import Text, plain

MAX_TIED = 8


class CondorcetTiesSelection(Selection, frozen=True):
    """The level of every option: lower is better, equal is tied, None is not ranked."""

    levels: tuple[int | None, ...]

    def normal_levels(self) -> tuple[int, ...]:
        """Levels without gaps, from 0; options without a rank share the last one."""
        used = sorted({level for level in self.levels if level is not None})
        place = {level: position for position, level in enumerate(used)}
        return tuple(len(used) if level is None else place[level] for level in self.levels)


class CondorcetTiesOutcome(PairwiseOutcome, frozen=True, kw_only=True, tag="condorcet-ties"):
    """The outcome of "condorcet-ties"."""


class CondorcetTies(Question, frozen=True, kw_only=True, tag="condorcet-ties"):
    """Rank options; ties and options without a rank are allowed."""

    options: tuple[Text, ...]
    rule: PairwiseRule = "schulze"

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        yield from heading_problems(self, where, languages)
        yield from options_problems(self.options, f"{where}.options", languages, most=MAX_TIED)

    def shape(self) -> BallotShape:
        """Protocol M13a: levels l_i in {0..n-1}, then d_(i,j) for i != j, bits, i first.

        For each ordered pair: l_j - l_i - n d_(i,j) in {-(n-1)..0}, which holds only if d_(i,j) = 1 exactly when
        l_i < l_j. So d is the preference that the levels show.
        """
        n = len(self.options)
        pairs = list(permutations(range(n), 2))
        values = n + len(pairs)
        levels = (Constraint(value(i), tuple(range(n))) for i in range(n))
        links = (
            Constraint(linear({i: -1, j: 1, position: -n}), tuple(range(-(n - 1), 1)))
            for position, (i, j) in enumerate(pairs, start=n)
        )
        constraints = (*levels, *bits(n, values), *links)
        return BallotShape(values, constraints, tuple(Total(i, 1) for i in range(n, values)))

    def encode_selection(self, selection: CondorcetTiesSelection) -> tuple[int, ...]:
        """Protocol M13c: l_i without gaps, then d_(i,j) = 1 where l_i < l_j. Raises SelectionError."""
        n = len(self.options)
        if len(selection.levels) != n:
            raise SelectionError(f"give a level, or null for no rank, to each of the {n} options")
        if any(level is not None and not 0 <= level < n for level in selection.levels):
            raise SelectionError(f"levels go from 0 (best) to {n - 1}")
        levels = selection.normal_levels()
        return (*levels, *(int(levels[i] < levels[j]) for i, j in permutations(range(n), 2)))

    def parse_selection(self, data: Any) -> CondorcetTiesSelection:
        """Read {"levels": [level of each option, 0 is the best, equal is tied, null is not ranked]}.
        Raises SelectionError."""
        form = '{"levels": [level of each option, or null]}'
        selection = convert_selection(data, CondorcetTiesSelection, form)
        self.encode_selection(selection)
        return selection

    def describe_selection(self, selection: CondorcetTiesSelection, language: str) -> list[str]:
        """One line per rank with the options that share it, then those without a rank."""
        lines = []
        for rank, level in enumerate(sorted({level for level in selection.levels if level is not None})):
            lines.append(phrase("rank", language, number=rank + 1, options=self._named(selection, level, language)))
        if None in selection.levels:
            lines.append(phrase("unranked", language, options=self._named(selection, None, language)))
        return lines

    def outcome(self, totals: Sequence[int], *, cast: int) -> CondorcetTiesOutcome:
        """Protocol M13b: the ranking by the question's rule. Raises VerificationError (check 20)."""
        require_totals(self, totals, cast)
        n = len(self.options)
        beats = [[0] * n for _ in range(n)]
        for (i, j), total in zip(permutations(range(n), 2), totals, strict=True):
            beats[i][j] = total
        if any(beats[i][j] + beats[j][i] > cast for i, j in permutations(range(n), 2)):
            raise impossible(self, f"two options are preferred to each other by more than the {cast} votes")
        # A ballot that prefers i to k prefers i to j or j to k, wherever it puts j.
        for i, j, k in permutations(range(n), 3):
            if beats[i][k] > beats[i][j] + beats[j][k]:
                raise impossible(self, f"options {i}, {j} and {k} are in no order on some ballot")
        ranking = rank_pairwise(beats, self.rule)
        return CondorcetTiesOutcome(
            matrix=tuple(tuple(row) for row in beats),
            condorcet_winner=condorcet_winner(beats),
            smith_set=smith_set(beats) if cast else (),
            ranking=ranking,
            winners=ranking[0] if cast else (),
        )

    def _named(self, selection: CondorcetTiesSelection, level: int | None, language: str) -> str:
        """The options at one level, by name."""
        pairs = zip(self.options, selection.levels, strict=True)
        return ", ".join(plain(option, language) for option, found in pairs if found == level)
