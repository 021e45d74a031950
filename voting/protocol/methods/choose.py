"""Protocol M5: method "choose": between min and max of the options, perhaps a blank vote (docs/spec/methods.md).

Single choice, multiple choice and approval voting. The options with the most votes are elected.
It must not import another method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from voting.protocol.errors import Problem, SelectionError
from voting.protocol.methods.base import Question
from voting.protocol.methods.common import (
    Outcome,
    Selection,
    bits,
    convert_selection,
    fill_seats,
    heading_problems,
    impossible,
    options_problems,
    range_problems,
    require_distinct,
    require_totals,
    sum_of,
)
from voting.protocol.methods.words import phrase
from voting.protocol.shape import BallotShape, Constraint, Total, linear
from voting.protocol.text import Text, plain


class ChooseSelection(Selection, frozen=True):
    """The numbers of the chosen options, from 0 in the manifest's order; or a blank vote."""

    chosen: tuple[int, ...]
    blank: bool = False


class ChooseOutcome(Outcome, frozen=True, kw_only=True, tag="choose"):
    """Votes and who is elected, by option number in the manifest's order."""

    counts: tuple[int, ...]
    blank: int | None
    """Blank votes; None where the question offers none."""
    elected: tuple[int, ...]
    tied: tuple[int, ...]
    """Options with equal votes that compete for the open seats."""
    open_seats: int


class Choose(Question, frozen=True, kw_only=True, tag="choose"):
    """Choose from `min` to `max` options."""

    options: tuple[Text, ...]
    minimum: int = msgspec.field(default=1, name="min")
    maximum: int = msgspec.field(default=1, name="max")
    blank: bool = False
    seats: int = 1

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question."""
        n = len(self.options)
        yield from heading_problems(self, where, languages)
        yield from options_problems(self.options, f"{where}.options", languages)
        yield from range_problems(self.minimum, f"{where}.min", 0, n)
        yield from range_problems(self.maximum, f"{where}.max", 1, max(n, 1))
        if self.minimum > self.maximum:
            yield Problem(
                f"{where}.min", f"is {self.minimum}, more than max = {self.maximum}", "lower min or raise max"
            )
        yield from range_problems(self.seats, f"{where}.seats", 1, max(n, 1))

    def shape(self) -> BallotShape:
        """Protocol M5a: bits x_1..x_n with sum x in {min..max}.

        With a blank vote, one more bit b, and sum x + (n+1) b in {min..max, n+1} instead.
        """
        n = len(self.options)
        values = n + self.blank
        if self.blank:
            terms = {**dict.fromkeys(range(n), 1), n: n + 1}
            counted = Constraint(linear(terms), (*range(self.minimum, self.maximum + 1), n + 1))
        else:
            counted = sum_of(range(n), self.minimum, self.maximum)
        return BallotShape(values, (*bits(0, values), counted), tuple(Total(i, 1) for i in range(values)))

    def encode_selection(self, selection: ChooseSelection) -> tuple[int, ...]:
        """Protocol M5c: x_i = 1 for every chosen option, then b. Raises SelectionError."""
        n = len(self.options)
        require_distinct(selection.chosen, n, "options")
        if selection.blank and not self.blank:
            raise SelectionError("this question has no blank vote")
        if selection.blank and selection.chosen:
            raise SelectionError("a blank vote cannot choose an option as well")
        if not selection.blank and not self.minimum <= len(selection.chosen) <= self.maximum:
            raise SelectionError(f"choose from {self.minimum} to {self.maximum} options")
        marks = tuple(int(i in selection.chosen) for i in range(n))
        return (*marks, int(selection.blank)) if self.blank else marks

    def parse_selection(self, data: Any) -> ChooseSelection:
        """Read {"chosen": [option numbers], "blank": true or false}; "blank" may be left out. Raises SelectionError."""
        form = '{"chosen": [option numbers], "blank": true or false}'
        selection = convert_selection(data, ChooseSelection, form)
        self.encode_selection(selection)
        return ChooseSelection(tuple(sorted(selection.chosen)), selection.blank)

    def describe_selection(self, selection: ChooseSelection, language: str) -> list[str]:
        """One line per chosen option."""
        if selection.blank:
            return [phrase("blank", language)]
        lines = [plain(self.options[i], language) for i in selection.chosen]
        return lines or [phrase("nothing", language)]

    def outcome(self, totals: Sequence[int], *, cast: int) -> ChooseOutcome:
        """Protocol M5b: the `seats` options with the most votes. Raises VerificationError (check 20)."""
        require_totals(self, totals, cast)
        n = len(self.options)
        counts = tuple(totals[:n])
        blank = totals[n] if self.blank else 0
        choosing = cast - blank
        if max(counts, default=0) > choosing:
            raise impossible(self, f"an option has more votes than the {choosing} that are not blank")
        lowest, highest = self.minimum * choosing, self.maximum * choosing
        if not lowest <= sum(counts) <= highest:
            raise impossible(self, f"the votes sum to {sum(counts)}, outside {lowest} to {highest}")
        elected, tied, left = fill_seats(counts, self.seats)
        return ChooseOutcome(
            counts=counts, blank=blank if self.blank else None, elected=elected, tied=tied, open_seats=left
        )
