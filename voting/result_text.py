"""Protocol M: the outcome of an election as lines of plain text: tables, bars, matrix, seats (docs/spec/methods.md).

Pure: manifest and result in, lines out. No terminal codes, so that the same lines serve commands, files and mails.
It must not import any command or terminal library.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from voting.protocol.manifest import Manifest
from voting.protocol.messages import ElectionResult
from voting.protocol.methods import (
    Choose,
    ChooseOutcome,
    Condorcet,
    CondorcetOutcome,
    CondorcetTies,
    CondorcetTiesOutcome,
    Grades,
    GradesOutcome,
    Lists,
    ListsOutcome,
    Question,
    Ranking,
    RankingOutcome,
    Score,
    ScoreOutcome,
)
from voting.protocol.text import Text, plain
from voting.translations import text as _

_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"
_SHADES = "█▓▒░·"
_NARROWEST = 40
_LONGEST_LABEL = 0.4
"""Part of the width that names may take."""


def result_lines(manifest: Manifest, result: ElectionResult, language: str, width: int) -> list[str]:
    """Protocol M17: the outcome of every question, in words and bars.

    Args:
        manifest, result: of one record; the outcomes belong to the manifest's questions.
        language: in which the election's own texts are wanted; others stand in where it is missing.
        width: columns of the output; fewer than 40 are taken for 40.
    """
    width = max(width, _NARROWEST)
    lines: list[str] = []
    for number, (question, outcome) in enumerate(zip(manifest.questions, result.outcomes, strict=True), start=1):
        if lines:
            lines.append("")
        lines += _wrap(f"{number}. {plain(question.title, language)}", width)
        lines += [f"  {line}".rstrip() for line in outcome_lines(question, outcome, language, width - 2)]
    return lines


def outcome_lines(question: Question, outcome: Any, language: str, width: int) -> list[str]:
    """M17 for one question; the outcome must be of the question's method."""
    render = _RENDERERS[type(outcome)]
    return render(question, outcome, language, width)


def outcome_sentence(question: Question, outcome: Any, language: str) -> str:
    """Who won one question, in one sentence."""
    if isinstance(outcome, ChooseOutcome) and isinstance(question, Choose):
        return _elected_sentence(_names(question.options, language), outcome.elected, outcome.tied, outcome.open_seats)
    if isinstance(outcome, ListsOutcome) and isinstance(question, Lists):
        names = _names([each.name for each in question.lists], language)
        seats = ", ".join(f"{names[i]} {seats}" for i, seats in enumerate(outcome.seats) if seats)
        sentence = _("Seats: {seats}.", seats=seats or _("none"))
        if outcome.tied:
            sentence += " " + _tie_sentence(names, outcome.tied, outcome.open_seats)
        return sentence
    options: Sequence[Text] = question.options  # type: ignore[attr-defined]  # all other methods have options
    return _winner_sentence(_names(options, language), outcome.winners)


# -- methods -----------------------------------------------------------------------------------------------------------


def _choose(question: Choose, outcome: ChooseOutcome, language: str, width: int) -> list[str]:
    names = _names(question.options, language)
    counts = list(outcome.counts)
    marks = [_mark(i in outcome.elected, i in outcome.tied) for i in range(len(names))]
    order = sorted(range(len(names)), key=lambda i: -counts[i])
    rows = [(marks[i], names[i], counts[i]) for i in order]
    if outcome.blank is not None:
        rows.append((" ", _("Blank votes"), outcome.blank))
    return [*_bars(rows, width), *_wrap(outcome_sentence(question, outcome, language), width)]


def _score(question: Score, outcome: ScoreOutcome, language: str, width: int) -> list[str]:
    return _by_points(question.options, outcome.sums, outcome.ranking, outcome.winners, language, width)


def _ranking(question: Ranking, outcome: RankingOutcome, language: str, width: int) -> list[str]:
    lines = _by_points(question.options, outcome.scores, outcome.ranking, outcome.winners, language, width)
    names = _names(question.options, language)
    ranks = [str(rank + 1) for rank in range(len(names))]
    rows = [(names[i], *map(str, outcome.counts[i])) for group in outcome.ranking for i in group]
    return [*lines, *_wrap(_("How often each rank was given:"), width), *_grid(("", *ranks), rows, width)]


def _by_points(
    options: Sequence[Text],
    points: Sequence[int],
    ranking: Sequence[Sequence[int]],
    winners: Sequence[int],
    language: str,
    width: int,
) -> list[str]:
    names = _names(options, language)
    rows = [(_mark(i in winners, False), names[i], points[i]) for group in ranking for i in group]
    return [*_bars(rows, width), *_wrap(_winner_sentence(names, winners), width)]


def _grades(question: Grades, outcome: GradesOutcome, language: str, width: int) -> list[str]:
    """A profile per option: one bar of all grades, best on the left, and the majority grade."""
    names, grades = _names(question.options, language), _names(question.grades, language)
    shades = [_SHADES[i * (len(_SHADES) - 1) // max(len(grades) - 1, 1)] for i in range(len(grades))]
    label = _label_width(names, width)
    medians = [_("none") if median is None else grades[median] for median in outcome.medians]
    grade_width = min(max((_columns(median) for median in medians), default=0), width // 4)
    room = max(width - label - grade_width - 6, 10)
    lines = []
    for i in (i for group in outcome.ranking for i in group):
        bar = _profile(outcome.histograms[i], shades, room)
        mark = _mark(i in outcome.winners, False)
        lines.append(f"{mark} {_fit(names[i], label)}  {_fit(medians[i], grade_width)}  {bar}")
    key = ", ".join(f"{shade} {grade}" for shade, grade in zip(shades, grades, strict=True))
    lines += _wrap(_("Majority grade, and all grades from best to worst: {key}", key=key), width)
    head = tuple(_cut(grade, max((width - label - 4) // len(grades) - 2, 3)) for grade in grades)
    lines += _grid(("", *head), [(names[i], *map(str, outcome.histograms[i])) for i in range(len(names))], width)
    return [*lines, *_wrap(_winner_sentence(names, outcome.winners), width)]


def _pairwise(
    question: Condorcet | CondorcetTies, outcome: CondorcetOutcome | CondorcetTiesOutcome, language: str, width: int
) -> list[str]:
    """The ranking, and the matrix: row beats column with so many votes."""
    names = _names(question.options, language)
    lines = []
    for rank, group in enumerate(outcome.ranking, start=1):
        start = f"{_mark(rank == 1 and bool(outcome.winners), False)} {rank}. "
        tied = _wrap(" = ".join(_cut(names[i], width - len(start) - 2) for i in group), width - len(start))
        lines += [f"{start if place == 0 else ' ' * len(start)}{text}" for place, text in enumerate(tied)]
    order = [i for group in outcome.ranking for i in group]
    head = ("", *(f"({position})" for position in range(1, len(order) + 1)))
    rows = [
        (f"({position}) {names[i]}", *("-" if i == j else str(outcome.matrix[i][j]) for j in order))
        for position, i in enumerate(order, start=1)
    ]
    lines += [*_wrap(_("Votes that prefer the row to the column:"), width), *_grid(head, rows, width)]
    lines += _wrap(_winner_sentence(names, outcome.winners), width)
    if outcome.condorcet_winner is not None:
        winner = names[outcome.condorcet_winner]
        lines += _wrap(_("{name} beats each other option one to one (Condorcet winner).", name=winner), width)
    elif outcome.smith_set:
        members = ", ".join(names[i] for i in outcome.smith_set)
        lines += _wrap(
            _(
                "No option beats each other one. The rule {rule} decides among: {names}.",
                rule=question.rule,
                names=members,
            ),
            width,
        )
    return lines


def _lists(question: Lists, outcome: ListsOutcome, language: str, width: int) -> list[str]:
    names = _names([each.name for each in question.lists], language)
    rows = [
        (_mark(bool(outcome.seats[i]), i in outcome.tied), names[i], outcome.votes[i])
        for i in sorted(range(len(names)), key=lambda i: -outcome.votes[i])
    ]
    lines = [*_bars(rows, width), *_wrap(outcome_sentence(question, outcome, language), width)]
    for i, each in enumerate(question.lists):
        if not each.candidates:
            continue
        people = _names(each.candidates, language)
        lines += _wrap(_("{name}: personal votes", name=names[i]), width)
        lines += _bars(
            [
                (
                    _mark(j in outcome.elected[i], j in outcome.tied_candidates[i]),
                    people[j],
                    outcome.personal_votes[i][j],
                )
                for group in outcome.candidate_order[i]
                for j in group
            ],
            width,
        )
    return lines


_RENDERERS: dict[type, Callable[[Any, Any, str, int], list[str]]] = {
    ChooseOutcome: _choose,
    ScoreOutcome: _score,
    GradesOutcome: _grades,
    ListsOutcome: _lists,
    RankingOutcome: _ranking,
    CondorcetOutcome: _pairwise,
    CondorcetTiesOutcome: _pairwise,
}


# -- sentences ---------------------------------------------------------------------------------------------------------


def _winner_sentence(names: Sequence[str], winners: Sequence[int]) -> str:
    if not winners:
        return _("Nobody has won: no vote counts for an option.")
    if len(winners) == 1:
        return _("Winner: {name}.", name=names[winners[0]])
    return _("Tie between {names}.", names=", ".join(names[i] for i in winners))


def _elected_sentence(names: Sequence[str], elected: Sequence[int], tied: Sequence[int], open_seats: int) -> str:
    parts = []
    if elected:
        parts.append(_("Elected: {names}.", names=", ".join(names[i] for i in elected)))
    if tied:
        parts.append(_tie_sentence(names, tied, open_seats))
    elif open_seats:
        parts.append(_("Seats left empty: {count}.", count=open_seats))
    return " ".join(parts)


def _tie_sentence(names: Sequence[str], tied: Sequence[int], open_seats: int) -> str:
    return _("Tie for {count} seat(s) between {names}.", count=open_seats, names=", ".join(names[i] for i in tied))


def _mark(has_won: bool, is_tied: bool) -> str:
    return "*" if has_won else "=" if is_tied else " "


# -- drawing -----------------------------------------------------------------------------------------------------------


def _names(texts: Sequence[Text], language: str) -> list[str]:
    return [plain(text, language) for text in texts]


def _bars(rows: Sequence[tuple[str, str, int]], width: int) -> list[str]:
    """One line per (mark, name, number): the longest bar stands for the highest number."""
    label = _label_width([name for _mark_, name, _number in rows], width)
    digits = max((len(str(number)) for _mark_, _name, number in rows), default=1)
    room = max(width - label - digits - 6, 4)
    highest = max((number for _mark_, _name, number in rows), default=0)
    return [
        f"{mark} {_fit(name, label)}  {number:>{digits}}  {_bar(number, highest, room)}".rstrip()
        for mark, name, number in rows
    ]


def _bar(number: int, highest: int, room: int) -> str:
    eighths = number * room * 8 // highest if highest else 0
    if number and not eighths:
        eighths = 1
    return _FULL * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _profile(histogram: Sequence[int], shades: Sequence[str], room: int) -> str:
    """All votes as one bar of `room` columns, each grade with its shade; boundaries are off by less than a column."""
    votes = sum(histogram)
    if not votes:
        return ""
    bar, seen, drawn = "", 0, 0
    for count, shade in zip(histogram, shades, strict=True):
        seen += count
        end = round(seen * room / votes)
        bar += shade * (end - drawn)
        drawn = end
    return bar


def _grid(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """A table of numbers with names on the left."""
    label = _label_width([row[0] for row in rows], width)
    widths = [max(_columns(row[column]) for row in [head, *rows]) for column in range(1, len(head))]
    return [
        "  " + _fit(row[0], label) + "".join(f"  {' ' * (size - _columns(cell))}{cell}" for cell, size in cells)
        for row in [head, *rows]
        for cells in [list(zip(row[1:], widths, strict=True))]
    ]


def _label_width(names: Sequence[str], width: int) -> int:
    return min(max((_columns(name) for name in names), default=0), max(int(width * _LONGEST_LABEL), 10))


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _cut(text: str, columns: int) -> str:
    """The text, shortened to a number of columns; three dots stand for the rest."""
    text = " ".join(text.split())
    if _columns(text) <= columns:
        return text
    while text and _columns(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def _fit(text: str, columns: int) -> str:
    """The text in exactly this many columns."""
    short = _cut(text, columns)
    return short + " " * (columns - _columns(short))


def _wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, cut between words where there are any."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if _columns(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
