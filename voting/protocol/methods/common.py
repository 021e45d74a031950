"""Protocol M: what several voting methods share: selections, checks of options and totals, ranking by counts.

It must not import any method.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from voting.protocol.errors import Problem, SelectionError, VerificationError
from voting.protocol.methods.base import MAX_OPTIONS, Question
from voting.protocol.shape import Constraint, linear, value
from voting.protocol.text import Text, localized_problems, plain

Groups = tuple[tuple[int, ...], ...]
"""A ranking, best first: numbers in one group are tied."""

BIT = (0, 1)
"""The integers that a yes-or-no value may be."""


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one voter chose in one question. It is a secret, so its `repr` shows no choice."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="method"):
    """What follows from a question's totals. Whole numbers only; ties are reported as ties."""


S = TypeVar("S", bound=Selection)


def convert_selection(data: Any, kind: type[S], form: str) -> S:
    """Read a selection from plain JSON data.

    Args:
        data: numbers, strings, lists and dicts.
        kind: the method's selection.
        form: the expected form in words, for the error.

    Raises:
        SelectionError: if the data has another form. The text never shows the data.
    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except (msgspec.ValidationError, UnicodeError, RecursionError):
        raise SelectionError(f"the choices have not the form {form}") from None


def require_distinct(numbers: Sequence[int], count: int, what: str) -> None:
    """Refuse numbers outside 0..count-1, and a number that occurs twice. Raises SelectionError."""
    if any(not 0 <= number < count for number in numbers):
        raise SelectionError(f"{what} are numbered from 0 to {count - 1}")
    if len(set(numbers)) != len(numbers):
        raise SelectionError(f"the same one of the {what} is named twice")


def bits(start: int, stop: int) -> list[Constraint]:
    """Protocol M1a: one constraint per value from `start` to `stop - 1`: it is 0 or 1."""
    return [Constraint(value(index), BIT) for index in range(start, stop)]


def sum_of(indices: Sequence[int], lowest: int, highest: int) -> Constraint:
    """Protocol M1b: the sum of some values lies between `lowest` and `highest`, both included."""
    return Constraint(linear(dict.fromkeys(indices, 1)), tuple(range(lowest, highest + 1)))


def permutation_matrix(n: int) -> list[Constraint]:
    """Protocol M1c: values 0..n*n-1, row by row, are bits, and each row and each column sums to 1."""
    rows = [sum_of(range(i * n, (i + 1) * n), 1, 1) for i in range(n)]
    columns = [sum_of(range(k, n * n, n), 1, 1) for k in range(n)]
    return [*bits(0, n * n), *rows, *columns]


def heading_problems(question: Question, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
    """What is wrong with a question's title and description."""
    yield from localized_problems(question.title, f"{where}.title", languages)
    if question.description is not None:
        yield from localized_problems(question.description, f"{where}.description", languages, multiline=True)


def options_problems(
    options: Sequence[Text],
    where: str,
    languages: tuple[str, ...],
    *,
    least: int = 2,
    most: int = MAX_OPTIONS,
    field: str = "",
) -> Iterator[Problem]:
    """Protocol M3: what is wrong with a list of texts: too few, too many, faulty, or two that read the same.

    Args:
        where: the place of the list.
        field: the place of a text below its item, e.g. ".name".
    """
    if len(options) < least:
        yield Problem(where, f"has {len(options)}, fewer than the {least} needed", "add some")
    if len(options) > most:
        yield Problem(
            where, f"has {len(options)}, more than the {most} allowed", "remove some, or choose another method"
        )
    seen: dict[tuple[str, str], int] = {}
    for position, option in enumerate(options):
        yield from localized_problems(option, f"{where}[{position + 1}]{field}", languages)
        for language, words in option.items():
            first = seen.setdefault((language, _folded(words)), position)
            if first != position:
                place = f"{where}[{position + 1}]{field}.{language}"
                yield Problem(
                    place, f"reads the same as {where}[{first + 1}]{field}.{language}", "make the two texts different"
                )


def range_problems(number: int, where: str, lowest: int, highest: int) -> Iterator[Problem]:
    """A number that must lie between two bounds, both included."""
    if not lowest <= number <= highest:
        yield Problem(
            where, f"is {number}, outside {lowest} to {highest}", f"write a number from {lowest} to {highest}"
        )


def _folded(words: str) -> str:
    """Text as a reader compares it: without case, compatibility forms and white space."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", words).casefold()).split())


def impossible(question: Question, reason: str) -> VerificationError:
    """The error for totals that no set of valid ballots can have."""
    return VerificationError("20", f'question "{plain(question.title, "")}"', reason)


def require_totals(question: Question, totals: Sequence[int], cast: int) -> None:
    """Protocol M4b: refuse totals of a wrong number, below 0, or above what `cast` votes can add up to.

    Raises:
        VerificationError: (check 20).
    """
    expected = question.shape().totals
    if cast < 0:
        raise impossible(question, "the weight of the counted ballots is negative")
    if len(totals) != len(expected):
        raise VerificationError(
            "20",
            impossible(question, "").subject,
            "the number of totals is not that of the question",
            expected=str(len(expected)),
            found=str(len(totals)),
        )
    for position, (total, bound) in enumerate(zip(totals, expected, strict=True)):
        if not 0 <= total <= cast * bound.highest:
            raise impossible(question, f"total {position} is {total}, outside 0 to {cast * bound.highest}")


def rows_of(numbers: Sequence[int], length: int) -> Groups:
    """A flat sequence cut into rows of `length` numbers."""
    return tuple(tuple(numbers[start : start + length]) for start in range(0, len(numbers), length))


def rank_by(counts: Sequence[int]) -> Groups:
    """The positions of `counts`, highest count first; equal counts share a group."""
    levels = sorted(set(counts), reverse=True)
    return tuple(tuple(i for i, count in enumerate(counts) if count == level) for level in levels)


def fill_seats(counts: Sequence[int], seats: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Protocol M4a: give seats to the highest counts. Nobody is elected without a vote.

    Returns:
        (elected, tied, open): who is elected, in the order of the options; who is tied for the seats left; how many
        seats are left. Seats may be left without a tie, when too few options have votes.
    """
    elected: list[int] = []
    left = seats
    for group in rank_by(counts):
        if left == 0 or counts[group[0]] == 0:
            break
        if len(group) > left:
            return tuple(sorted(elected)), group, left
        elected.extend(group)
        left -= len(group)
    return tuple(sorted(elected)), (), left
