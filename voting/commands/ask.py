"""Asking a voter each question in the terminal, whatever its method (docs/guide-voter.md).

`read_answer` is pure: the line a voter typed becomes a selection, or a `SelectionError` that says what to type instead.
Options are numbered from 1 here, as people count. It must not write files or know of boards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from voting.protocol.errors import SelectionError
from voting.protocol.manifest import Manifest
from voting.protocol.methods import (
    Choose,
    ChooseSelection,
    CondorcetTies,
    CondorcetTiesSelection,
    Grades,
    GradesSelection,
    Lists,
    ListsSelection,
    Question,
    RankingSelection,
    Score,
    ScoreSelection,
)
from voting.protocol.text import Text, plain
from voting.terminal import say, tell
from voting.translations import text as _

_SEPARATOR = re.compile(r"[\s,;>]+")
_BLANK_WORDS = frozenset({"blank", "b", "blanc"})


def ask_all(manifest: Manifest, language: str) -> list[Any]:
    """Ask every question, each again until its answer is valid. One selection per question."""
    selections = []
    for number, question in enumerate(manifest.questions, start=1):
        say()
        say(_("Question {number} of {count}", number=number, count=len(manifest.questions)))
        selections.append(ask_question(question, language))
    return selections


def ask_question(question: Question, language: str) -> Any:
    """Show one question and read its answer."""
    for line in question_lines(question, language):
        say(line)
    while True:
        answer = click.prompt(_("Your answer"), default="", show_default=False)
        try:
            return read_answer(question, answer)
        except SelectionError as error:
            tell(_("That is no valid answer: {reason}.", reason=error.problem))


def question_lines(question: Question, language: str) -> list[str]:
    """A question, its options with their numbers, and how to answer."""
    lines = [plain(question.title, language)]
    if question.description is not None:
        lines += plain(question.description, language).splitlines()
    if isinstance(question, Lists):
        for number, each in enumerate(question.lists, start=1):
            lines.append(f"  {number}. {plain(each.name, language)}")
            lines += [
                f"       {number}.{place}  {plain(person, language)}"
                for place, person in enumerate(each.candidates, start=1)
            ]
    else:
        lines += _numbered(question.options, language)  # type: ignore[attr-defined]  # all other methods have options
    if isinstance(question, Grades):
        lines.append(_("Grades, best first:"))
        lines += _numbered(question.grades, language)
    return [*lines, how_to_answer(question)]


def how_to_answer(question: Question) -> str:
    """One sentence that says what to type."""
    if isinstance(question, Choose):
        if question.minimum == question.maximum == 1:
            how = _("Type the number of one option.")
        else:
            how = _(
                "Type the numbers of {least} to {most} options, with spaces between them.",
                least=question.minimum,
                most=question.maximum,
            )
        return how + (" " + _("For a blank vote type: blank.") if question.blank else "")
    if isinstance(question, Score):
        return _(
            "Type the points of each option in this order, 0 to {highest}, with spaces between them; {least} to {most}"
            " in all.",
            highest=question.highest,
            least=question.minimum,
            most=question.maximum,
        )
    if isinstance(question, Grades):
        return _("Type the number of the grade of each option in this order, with spaces between them.")
    if isinstance(question, Lists):
        return _("Type the number of one list; for candidates of it, their numbers after it, such as: 2 2.1 2.3.")
    if isinstance(question, CondorcetTies):
        return _(
            "Type the numbers of the options, best first; = between options of the same rank, such as: 2 1=3. Leave out"
            " those you do not rank."
        )
    return _("Type the numbers of all options, best first, with spaces between them.")


def read_answer(question: Question, answer: str) -> Any:
    """The selection that a typed line means.

    Raises:
        SelectionError: if the line is not of the right form, or breaks a rule of the question. Never shows the line.
    """
    reader = _READERS.get(type(question), _read_order)
    selection = reader(question, answer.strip().lower())
    question.encode_selection(selection)
    return selection


def _read_choose(question: Choose, answer: str) -> ChooseSelection:
    if answer in _BLANK_WORDS:
        return ChooseSelection((), blank=True)
    return ChooseSelection(tuple(sorted(_options(answer, len(question.options)))))


def _read_score(question: Score, answer: str) -> ScoreSelection:
    return ScoreSelection(tuple(_numbers(answer)))


def _read_grades(question: Grades, answer: str) -> GradesSelection:
    grades = _options(answer, len(question.grades))
    return GradesSelection(tuple(grades))


def _read_lists(question: Lists, answer: str) -> ListsSelection:
    words = _words(answer)
    if not words:
        raise SelectionError("type the number of one list")
    (chosen,) = _options(words[0], len(question.lists))
    candidates = []
    for word in words[1:]:
        list_part, point, place = word.rpartition(".")
        if point and _options(list_part, len(question.lists)) != [chosen]:
            raise SelectionError("all candidates must be of the list you chose")
        candidates += _options(place, len(question.lists[chosen].candidates))
    return ListsSelection(chosen, tuple(sorted(candidates)))


def _read_ties(question: CondorcetTies, answer: str) -> CondorcetTiesSelection:
    levels: list[int | None] = [None] * len(question.options)
    for level, group in enumerate(_words(re.sub(r"\s*=\s*", "=", answer))):
        for option in _options(group.replace("=", " "), len(levels)):
            if levels[option] is not None:
                raise SelectionError("the same option is named twice")
            levels[option] = level
    return CondorcetTiesSelection(tuple(levels))


def _read_order(question: Question, answer: str) -> RankingSelection:
    options: Sequence[Text] = question.options  # type: ignore[attr-defined]  # ranking and condorcet have options
    return RankingSelection(tuple(_options(answer, len(options))))


_READERS: dict[type, Callable[[Any, str], Any]] = {
    Choose: _read_choose,
    Score: _read_score,
    Grades: _read_grades,
    Lists: _read_lists,
    CondorcetTies: _read_ties,
}


def _words(answer: str) -> list[str]:
    return [word for word in _SEPARATOR.split(answer) if word]


def _numbers(answer: str) -> list[int]:
    words = _words(answer)
    if any(not (word.isascii() and word.isdecimal() and len(word) <= 6) for word in words):
        raise SelectionError("type numbers only, with spaces between them")
    return [int(word) for word in words]


def _options(answer: str, count: int) -> list[int]:
    """Numbers from 1 to `count`, as places from 0."""
    numbers = _numbers(answer)
    if any(not 1 <= number <= count for number in numbers):
        raise SelectionError(f"the numbers go from 1 to {count}" if count else "there is nothing to choose here")
    return [number - 1 for number in numbers]


def _numbered(texts: Sequence[Text], language: str) -> list[str]:
    return [f"  {number}. {plain(text, language)}" for number, text in enumerate(texts, start=1)]
