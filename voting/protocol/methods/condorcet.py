"""Protocol M12: method "condorcet": rank all options; only who beats whom is decrypted (docs/spec/methods.md).

No ranking and no rank is ever decrypted, so a coercer cannot ask for a marked order of the lesser options.
It must not import the method with ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

from voting.protocol.errors import Problem
from voting.protocol.methods.base import Question
from voting.protocol.methods.common import (
    Groups,
    Outcome,
    bits,
    heading_problems,
    impossible,
    options_problems,
    permutation_matrix,
    require_totals,
)
from voting.protocol.methods.pairwise import PairwiseRule, condorcet_winner, rank_pairwise, smith_set
from voting.protocol.methods.ranking import RankingSelection, describe_order, encode_order, parse_order
from voting.protocol.shape import BallotShape, Constraint, Total, linear
from voting.protocol.text import Text

MAX_STRICT = 20


class PairwiseOutcome(Outcome, frozen=True, kw_only=True):
    """Who beats whom, and the ranking by the question's rule, by option number in the manifest's order."""

    matrix: Groups
    """matrix[i][j]: votes that prefer option i to option j."""
    condorcet_winner: int | None
    """The option that beats each other one; None if there is none."""
    smith_set: tuple[int, ...]
    ranking: Groups
    winners: tuple[int, ...]


class CondorcetOutcome(PairwiseOutcome, frozen=True, kw_only=True, tag="condorcet"):
    """The outcome of "condorcet"."""


class Condorcet(Question, frozen=True, kw_only=True, tag="condorcet"):
    """Rank all options, without ties."""

    options: tuple[Text, ...]
    rule: PairwiseRule = "schulze"

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        yield from heading_problems(self, where, languages)
        yield from options_problems(self.options, f"{where}.options", languages, most=MAX_STRICT)

    def shape(self) -> BallotShape:
        """Protocol M12a: r_(i,k) as in M10, then d_(i,j) for i < j, bits: i is preferred to j.

        For each option i: the number of options it is preferred over, minus sum_k (n-1-k) r_(i,k), is 0. A tournament
        whose row sums are a permutation of 0..n-1 is transitive, so d is the order that r shows.
        """
        n = len(self.options)
        pairs = list(combinations(range(n), 2))
        values = n * n + len(pairs)
        links = []
        for i in range(n):
            terms = {i * n + k: -(n - 1 - k) for k in range(n)}
            constant = 0
            for position, (first, second) in enumerate(pairs, start=n * n):
                if first == i:
                    terms[position] = 1
                elif second == i:
                    terms[position] = -1
                    constant += 1
            links.append(Constraint(linear(terms, constant), (0,)))
        constraints = (*permutation_matrix(n), *bits(n * n, values), *links)
        return BallotShape(values, constraints, tuple(Total(i, 1) for i in range(n * n, values)))

    def encode_selection(self, selection: RankingSelection) -> tuple[int, ...]:
        """Protocol M12c: r as in M10, then d_(i,j) = 1 where i comes before j. Raises SelectionError."""
        n = len(self.options)
        matrix = encode_order(selection, n)
        rank = {option: position for position, option in enumerate(selection.order)}
        return (*matrix, *(int(rank[i] < rank[j]) for i, j in combinations(range(n), 2)))

    def parse_selection(self, data: Any) -> RankingSelection:
        """Read {"order": [all option numbers, best first]}. Raises SelectionError."""
        return parse_order(data, len(self.options))

    def describe_selection(self, selection: RankingSelection, language: str) -> list[str]:
        """One line per rank."""
        return describe_order(self.options, selection, language)

    def outcome(self, totals: Sequence[int], *, cast: int) -> CondorcetOutcome:
        """Protocol M12b: the ranking by the question's rule. Raises VerificationError (check 20)."""
        require_totals(self, totals, cast)
        n = len(self.options)
        beats = [[0] * n for _ in range(n)]
        for (i, j), total in zip(combinations(range(n), 2), totals, strict=True):
            beats[i][j] = total
            beats[j][i] = cast - total
        # A ballot that prefers i to j and j to k prefers i to k: no ballot goes around in a circle.
        for i, j, k in permutations(range(n), 3):
            if beats[i][j] + beats[j][k] + beats[k][i] > 2 * cast:
                raise impossible(self, f"options {i}, {j} and {k} are in a circle on some ballot")
        ranking = rank_pairwise(beats, self.rule)
        return CondorcetOutcome(
            matrix=tuple(tuple(row) for row in beats),
            condorcet_winner=condorcet_winner(beats),
            smith_set=smith_set(beats) if cast else (),
            ranking=ranking,
            winners=ranking[0] if cast else (),
        )
