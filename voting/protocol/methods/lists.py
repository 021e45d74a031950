"""Protocol M8: method "lists": one list, and any of its candidates (docs/spec/methods.md).

Seats go to lists by highest averages, and within a list to the candidates with the most personal votes.
It must not import another method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from voting.protocol.errors import Problem
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
    range_problems,
    rank_by,
    require_distinct,
    require_totals,
    sum_of,
)
from voting.protocol.methods.seats import MAX_SEATS, SeatRule, apportion
from voting.protocol.methods.words import phrase
from voting.protocol.shape import BallotShape, Constraint, Total, linear
from voting.protocol.text import Text, plain


class CandidateList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list and its candidates; without candidates it is a closed list."""

    name: Text
    candidates: tuple[Text, ...] = ()


class ListsSelection(Selection, frozen=True):
    """The number of the chosen list, and the numbers of its chosen candidates, from 0 within that list."""

    chosen_list: int = msgspec.field(name="list")
    candidates: tuple[int, ...] = ()


class ListsOutcome(Outcome, frozen=True, kw_only=True, tag="lists"):
    """Votes and seats, by list number and by candidate number within the list."""

    votes: tuple[int, ...]
    personal_votes: Groups
    seats: tuple[int, ...]
    """Seats each list has for sure."""
    tied: tuple[int, ...]
    """Lists with equal averages that compete for the open seats, at most one seat each."""
    open_seats: int
    candidate_order: tuple[Groups, ...]
    """Per list: its candidates by personal votes, equal votes in one group."""
    elected: Groups
    """Per list: candidates who surely take its seats. None of those tied for its last seats is among them."""
    tied_candidates: Groups
    """Per list: candidates with equal personal votes who compete for what is left of its seats."""


class Lists(Question, frozen=True, kw_only=True, tag="lists"):
    """Choose exactly one list, and any number of its candidates."""

    lists: tuple[CandidateList, ...]
    seats: int = 1
    rule: SeatRule = "d-hondt"

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        yield from heading_problems(self, where, languages)
        names = [each.name for each in self.lists]
        yield from options_problems(names, f"{where}.lists", languages, field=".name")
        for i, each in enumerate(self.lists):
            yield from options_problems(each.candidates, f"{where}.lists[{i + 1}].candidates", languages, least=0)
        yield from range_problems(self.seats, f"{where}.seats", 1, MAX_SEATS)

    def shape(self) -> BallotShape:
        """Protocol M8a: L_i and C_(i,j) bits, all lists first; sum L_i = 1; for each list i:
        sum_j C_(i,j) + (n_i + 1)(1 - L_i) in {0..n_i + 1}, so only the chosen list has chosen candidates."""
        count = len(self.lists)
        values = count + sum(len(each.candidates) for each in self.lists)
        bound = []
        for i, (start, n) in enumerate(self._spans()):
            terms = {i: -(n + 1), **dict.fromkeys(range(start, start + n), 1)}
            bound.append(Constraint(linear(terms, n + 1), tuple(range(n + 2))))
        constraints = (*bits(0, values), sum_of(range(count), 1, 1), *bound)
        return BallotShape(values, constraints, tuple(Total(i, 1) for i in range(values)))

    def encode_selection(self, selection: ListsSelection) -> tuple[int, ...]:
        """Protocol M8c: L_i = 1 for the list, C_(i,j) = 1 for its chosen candidates. Raises SelectionError."""
        require_distinct([selection.chosen_list], len(self.lists), "lists")
        require_distinct(
            selection.candidates, len(self.lists[selection.chosen_list].candidates), "candidates of a list"
        )
        marks = [int(i == selection.chosen_list) for i in range(len(self.lists))]
        for i, each in enumerate(self.lists):
            chosen = selection.candidates if i == selection.chosen_list else ()
            marks.extend(int(j in chosen) for j in range(len(each.candidates)))
        return tuple(marks)

    def parse_selection(self, data: Any) -> ListsSelection:
        """Read {"list": number, "candidates": [numbers within the list]}; "candidates" may be left out.
        Raises SelectionError."""
        form = '{"list": number of the list, "candidates": [numbers within the list]}'
        selection = convert_selection(data, ListsSelection, form)
        self.encode_selection(selection)
        return ListsSelection(selection.chosen_list, tuple(sorted(selection.candidates)))

    def describe_selection(self, selection: ListsSelection, language: str) -> list[str]:
        """The list, then one line per chosen candidate."""
        chosen = self.lists[selection.chosen_list]
        lines = [phrase("list", language, option=plain(chosen.name, language))]
        for j in selection.candidates:
            lines.append(phrase("candidate", language, option=plain(chosen.candidates[j], language)))
        if chosen.candidates and not selection.candidates:
            lines.append(phrase("no-candidate", language))
        return lines

    def outcome(self, totals: Sequence[int], *, cast: int) -> ListsOutcome:
        """Protocol M8b: seats by the rule, candidates by personal votes. A list that wins more seats
        than it has candidates keeps them; who takes them is not for the count to say.

        Raises:
            VerificationError: (check 20) for impossible totals.
        """
        require_totals(self, totals, cast)
        votes = tuple(totals[: len(self.lists)])
        if sum(votes) != cast:
            raise impossible(self, f"the lists' votes sum to {sum(votes)}, not to the {cast} votes")
        personal = tuple(tuple(totals[start : start + n]) for start, n in self._spans())
        for i, counts in enumerate(personal):
            if max(counts, default=0) > votes[i]:
                raise impossible(self, f"a candidate of list {i} has more votes than the list")
        seats, tied, left = apportion(votes, self.seats, self.rule)
        filled = [_within(counts, won) for counts, won in zip(personal, seats, strict=True)]
        return ListsOutcome(
            votes=votes,
            personal_votes=personal,
            seats=seats,
            tied=tied,
            open_seats=left,
            candidate_order=tuple(rank_by(counts) for counts in personal),
            elected=tuple(elected for elected, _ in filled),
            tied_candidates=tuple(even for _, even in filled),
        )

    def _spans(self) -> list[tuple[int, int]]:
        """Per list: where its candidates' values start, and how many they are."""
        spans = []
        start = len(self.lists)
        for each in self.lists:
            spans.append((start, len(each.candidates)))
            start += len(each.candidates)
        return spans


def _within(counts: Sequence[int], seats: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Who takes a list's seats, and who is tied for the last of them. A candidate without a personal vote may, too."""
    elected: list[int] = []
    for group in rank_by(counts):
        left = seats - len(elected)
        if left == 0:
            break
        if len(group) > left:
            return tuple(sorted(elected)), group
        elected.extend(group)
    return tuple(sorted(elected)), ()
