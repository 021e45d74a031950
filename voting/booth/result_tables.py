"""The outcome of an election as tables (docs/spec/methods.md, M17): pages, CSV and JSON are all written from these.

Pure. It must not import flask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from voting.booth.charts import Segment, bar, profile
from voting.booth.wording import Name, average, isolated, number, pairwise_rule, percent
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
from voting.result_text import outcome_sentence
from voting.translations import text as _


class Status(StrEnum):
    """What became of an option."""

    WON = "won"
    TIED = "tied"
    NONE = ""


class Shown(NamedTuple):
    """A number that is written otherwise than as itself, e.g. a share. It follows from others: only pages show it."""

    text: str


Cell = int | Name | Shown | None


class Column(NamedTuple):
    """A column of numbers or words. `key` names it in files, whatever the language."""

    key: str
    title: Name


class Row(NamedTuple):
    """One option, candidate or list."""

    name: Name
    cells: tuple[Cell, ...]
    status: Status = Status.NONE
    bar: tuple[Segment, ...] = ()
    strong: frozenset[int] = frozenset()
    """Cells that are set off: of a pair, the one with more votes."""


class Table(NamedTuple):
    """One table of a question."""

    key: str
    caption: str
    head: str
    """Title of the column of names."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    has_bars: bool = False
    is_profile: bool = False
    is_matrix: bool = False
    about: Name = ""
    """What the whole table is about, e.g. one list."""


class QuestionResult(NamedTuple):
    """The outcome of one question."""

    number: int
    question: Question
    totals: tuple[int, ...]
    outcome: Any
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def result_tables(manifest: Manifest, result: ElectionResult, cast: int, language: str) -> list[QuestionResult]:
    """The outcome of every question, in the order of the manifest.

    Args:
        manifest, result: of one record; the outcomes belong to the manifest's questions.
        cast: weight of the counted ballots.
        language: of the election's texts within sentences.
    """
    found = []
    start = 0
    for place, (question, outcome) in enumerate(zip(manifest.questions, result.outcomes, strict=True), start=1):
        stop = start + len(question.shape().totals)
        tables = tuple(_TABLES[type(outcome)](question, outcome, cast))
        sentences = tuple(_sentences(question, outcome, language))
        found.append(QuestionResult(place, question, result.totals[start:stop], outcome, sentences, tables))
        start = stop
    return found


# -- sentences ---------------------------------------------------------------------------------------------------------


def _sentences(question: Question, outcome: Any, language: str) -> list[str]:
    """Who won, and why where that needs words. Names keep their direction to themselves."""
    apart = _isolated(question)
    sentences = [outcome_sentence(apart, outcome, language)]
    if isinstance(outcome, CondorcetOutcome | CondorcetTiesOutcome) and isinstance(apart, Condorcet | CondorcetTies):
        names = [plain(option, language) for option in apart.options]
        if outcome.condorcet_winner is not None:
            winner = names[outcome.condorcet_winner]
            sentences.append(_("{name} beats each other option one to one (Condorcet winner).", name=winner))
        elif outcome.smith_set:
            among = ", ".join(names[i] for i in outcome.smith_set)
            rule = pairwise_rule(apart.rule)
            sentences.append(
                _("No option beats each other one. The rule {rule} decides among: {names}.", rule=rule, names=among)
            )
    return [sentence for sentence in sentences if sentence]


def _isolated(question: Question) -> Question:
    if isinstance(question, Lists):
        lists = tuple(msgspec.structs.replace(each, name=isolated(each.name)) for each in question.lists)
        return msgspec.structs.replace(question, lists=lists)
    options: tuple[Text, ...] = question.options  # type: ignore[attr-defined]  # all other methods have options
    return msgspec.structs.replace(question, options=tuple(map(isolated, options)))


# -- tables of the methods ---------------------------------------------------------------------------------------------


def _choose(question: Choose, outcome: ChooseOutcome, cast: int) -> list[Table]:
    counts = outcome.counts
    highest = max((*counts, outcome.blank or 0))
    rows = [
        Row(
            question.options[i],
            (counts[i], Shown(percent(counts[i], cast))),
            _status(i in outcome.elected, i in outcome.tied),
            bar(counts[i], highest),
        )
        for i in sorted(range(len(counts)), key=lambda i: -counts[i])
    ]
    if outcome.blank is not None:
        blank = outcome.blank
        rows.append(Row(_("Blank votes"), (blank, Shown(percent(blank, cast))), Status.NONE, bar(blank, highest)))
    note = _("A voter could choose several options, so the shares need not add up to 100 %.")
    columns = (Column("votes", _("Votes")), Column("share", _("Share")))
    return [
        Table(
            "votes",
            _("Votes for each option"),
            _("Option"),
            columns,
            tuple(rows),
            note=note if question.maximum > 1 else "",
            has_bars=True,
        )
    ]


def _score(question: Score, outcome: ScoreOutcome, cast: int) -> list[Table]:
    return [_points(question.options, outcome.sums, outcome.ranking, outcome.winners, cast)]


def _ranking(question: Ranking, outcome: RankingOutcome, cast: int) -> list[Table]:
    columns = tuple(
        Column(f"rank-{rank}", _("Rank {number}", number=rank)) for rank in range(1, len(question.options) + 1)
    )
    rows = tuple(Row(question.options[i], outcome.counts[i]) for group in outcome.ranking for i in group)
    counts = Table("ranks", _("How often each rank was given"), _("Option"), columns, rows)
    return [_points(question.options, outcome.scores, outcome.ranking, outcome.winners, cast), counts]


def _points(
    options: Sequence[Text], points: Sequence[int], ranking: Sequence[Sequence[int]], winners: Sequence[int], cast: int
) -> Table:
    highest = max(points)
    rows = tuple(
        Row(
            options[i],
            (points[i], Shown(average(points[i], cast))),
            _status(len(winners) == 1 and i in winners, len(winners) > 1 and i in winners),
            bar(points[i], highest),
        )
        for group in ranking
        for i in group
    )
    columns = (Column("points", _("Points")), Column("average", _("Average")))
    return Table("points", _("Points of each option"), _("Option"), columns, rows, has_bars=True)


def _grades(question: Grades, outcome: GradesOutcome, cast: int) -> list[Table]:
    columns = (
        Column("majority-grade", _("Majority grade")),
        *(Column(f"grade-{place}", grade) for place, grade in enumerate(question.grades, start=1)),
    )
    rows = []
    for i in (i for group in outcome.ranking for i in group):
        median = outcome.medians[i]
        won = i in outcome.winners
        rows.append(
            Row(
                question.options[i],
                (None if median is None else question.grades[median], *outcome.histograms[i]),
                _status(won and len(outcome.winners) == 1, won and len(outcome.winners) > 1),
                profile(outcome.histograms[i]),
            )
        )
    note = _("Majority grade: more than half of the votes give the option this grade or a better one.")
    return [
        Table(
            "grades",
            _("Votes for each grade"),
            _("Option"),
            columns,
            tuple(rows),
            note=note,
            has_bars=True,
            is_profile=True,
        )
    ]


def _lists(question: Lists, outcome: ListsOutcome, cast: int) -> list[Table]:
    highest = max(outcome.votes)
    rows = tuple(
        Row(
            question.lists[i].name,
            (outcome.votes[i], Shown(percent(outcome.votes[i], cast)), outcome.seats[i]),
            _status(False, i in outcome.tied),
            bar(outcome.votes[i], highest),
        )
        for i in sorted(range(len(question.lists)), key=lambda i: -outcome.votes[i])
    )
    columns = (Column("votes", _("Votes")), Column("share", _("Share")), Column("seats", _("Seats")))
    note = _("Tie: these lists compete for the seats that are left.") if outcome.tied else ""
    tables = [Table("lists", _("Votes and seats of each list"), _("List"), columns, rows, note=note, has_bars=True)]
    for i, each in enumerate(question.lists):
        if each.candidates:
            personal = outcome.personal_votes[i]
            people = tuple(
                Row(
                    each.candidates[j],
                    (personal[j],),
                    _status(j in outcome.elected[i], j in outcome.tied_candidates[i]),
                    bar(personal[j], max(personal)),
                )
                for group in outcome.candidate_order[i]
                for j in group
            )
            measured = (Column("personal-votes", _("Personal votes")),)
            key = f"candidates-{i + 1}"
            caption = _("Personal votes of the candidates")
            tables.append(Table(key, caption, _("Candidate"), measured, people, has_bars=True, about=each.name))
    return tables


def _pairwise(
    question: Condorcet | CondorcetTies, outcome: CondorcetOutcome | CondorcetTiesOutcome, cast: int
) -> list[Table]:
    matrix, names = outcome.matrix, question.options
    order = [i for group in outcome.ranking for i in group]
    others = len(order) - 1
    ranked = []
    for rank, group in enumerate(outcome.ranking, start=1):
        for i in group:
            beaten = sum(matrix[i][j] > matrix[j][i] for j in order if j != i)
            won = i in outcome.winners
            status = _status(won and len(outcome.winners) == 1, won and len(outcome.winners) > 1)
            cells = (rank, beaten)
            ranked.append(Row(names[i], cells, status, bar(beaten, others)))
    columns = (Column("rank", _("Rank")), Column("beaten", _("Options beaten")))
    ranking = Table("ranking", _("Ranking of the options"), _("Option"), columns, tuple(ranked), has_bars=True)
    pairs = tuple(
        Row(
            names[i],
            tuple(None if i == j else matrix[i][j] for j in order),
            strong=frozenset(place for place, j in enumerate(order) if i != j and matrix[i][j] > matrix[j][i]),
        )
        for i in order
    )
    note = _("Each number: votes that prefer the option of the row to that of the column. Bold: more than the reverse.")
    heads = tuple(Column(f"over-{j + 1}", names[j]) for j in order)
    table = Table("pairs", _("Options two by two"), _("Option"), heads, pairs, note=note, is_matrix=True)
    return [ranking, table]


_TABLES: dict[type, Callable[[Any, Any, int], list[Table]]] = {
    ChooseOutcome: _choose,
    ScoreOutcome: _score,
    GradesOutcome: _grades,
    ListsOutcome: _lists,
    RankingOutcome: _ranking,
    CondorcetOutcome: _pairwise,
    CondorcetTiesOutcome: _pairwise,
}


def _status(has_won: bool, is_tied: bool) -> Status:
    return Status.WON if has_won else Status.TIED if is_tied else Status.NONE


def cell_text(cell: Cell, language: str) -> str:
    """A cell as plain text; nothing for a cell that is empty or follows from others."""
    if cell is None or isinstance(cell, Shown):
        return ""
    if isinstance(cell, int):
        return str(cell)
    return cell if isinstance(cell, str) else plain(cell, language)


def shown_number(cell: Cell) -> str:
    """A number as pages write it."""
    return cell.text if isinstance(cell, Shown) else number(cell) if isinstance(cell, int) else ""
