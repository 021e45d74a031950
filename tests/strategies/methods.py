"""Sample questions of every voting method, and hypothesis strategies for valid selections of any question."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import strategies as st

from voting.protocol.methods import (
    CandidateList,
    Choose,
    ChooseSelection,
    Condorcet,
    CondorcetTies,
    CondorcetTiesSelection,
    Grades,
    GradesSelection,
    Lists,
    ListsSelection,
    Question,
    Ranking,
    RankingSelection,
    Score,
    ScoreSelection,
)
from voting.protocol.text import Text

TITLE: Text = {"en": "Who?", "fr": "Qui ?"}
LANGUAGES = ("en", "fr")


def texts(count: int, word: str = "Option") -> tuple[Text, ...]:
    """Different texts in both languages."""
    return tuple({"en": f"{word} {i}", "fr": f"{word} nº {i}"} for i in range(count))


def lists_of(*sizes: int) -> tuple[CandidateList, ...]:
    """Lists with so many candidates."""
    return tuple(
        CandidateList(name, texts(size, "Candidate"))
        for name, size in zip(texts(len(sizes), "List"), sizes, strict=True)
    )


SMALL_QUESTIONS: dict[str, Question] = {
    "single choice": Choose(title=TITLE, options=texts(3)),
    "approval": Choose(title=TITLE, options=texts(4), minimum=0, maximum=4),
    "choose with blank": Choose(title=TITLE, options=texts(3), minimum=1, maximum=2, blank=True),
    "choose none or blank": Choose(title=TITLE, options=texts(2), minimum=0, maximum=2, blank=True),
    "choose exactly all or blank": Choose(title=TITLE, options=texts(2), minimum=2, maximum=2, blank=True),
    "score": Score(title=TITLE, options=texts(3), highest=3),
    "cumulative": Score(title=TITLE, options=texts(3), highest=3, minimum=2, maximum=4),
    "grades": Grades(title=TITLE, options=texts(2), grades=texts(3, "Grade")),
    "lists": Lists(title=TITLE, lists=lists_of(2, 3), seats=2),
    "closed list": Lists(title=TITLE, lists=lists_of(1, 0, 2), seats=2, rule="sainte-lague"),
    "borda": Ranking(title=TITLE, options=texts(3)),
    "own points": Ranking(title=TITLE, options=texts(3), points=(10, 3, 0)),
    "condorcet": Condorcet(title=TITLE, options=texts(3)),
    "condorcet, ranked pairs": Condorcet(title=TITLE, options=texts(2), rule="ranked-pairs"),
    "condorcet with ties": CondorcetTies(title=TITLE, options=texts(3), rule="ranked-pairs"),
}


def selections(question: Question) -> st.SearchStrategy[Any]:
    """All valid selections of a question."""
    match question:
        case Choose(options=options, minimum=low, maximum=high, blank=blank):
            chosen = st.lists(st.sampled_from(range(len(options))), min_size=low, max_size=high, unique=True)
            made = chosen.map(lambda numbers: ChooseSelection(tuple(sorted(numbers))))
            return made | st.just(ChooseSelection((), True)) if blank else made
        case Score():
            return _scores(question)
        case Grades(options=options, grades=grades):
            grade = st.integers(0, len(grades) - 1)
            return st.tuples(*[grade] * len(options)).map(GradesSelection)
        case Lists(lists=lists):
            return st.one_of([_list_selections(i, len(each.candidates)) for i, each in enumerate(lists)])
        case Ranking(options=options) | Condorcet(options=options):
            return st.permutations(range(len(options))).map(lambda order: RankingSelection(tuple(order)))
        case CondorcetTies(options=options):
            level = st.none() | st.integers(0, len(options) - 1)
            return st.tuples(*[level] * len(options)).map(CondorcetTiesSelection)
    raise AssertionError(f"no strategy for {type(question).__name__}")


@st.composite
def _scores(draw: st.DrawFn, question: Score) -> ScoreSelection:
    """Points within the budget: each number leaves enough, and not too much, for the others."""
    scores: list[int] = []
    for after in range(len(question.options) - 1, -1, -1):
        low = max(0, question.minimum - sum(scores) - after * question.highest)
        scores.append(draw(st.integers(low, min(question.highest, question.maximum - sum(scores)))))
    return ScoreSelection(tuple(draw(st.permutations(scores))))


def _list_selections(number: int, candidates: int) -> st.SearchStrategy[ListsSelection]:
    if not candidates:
        return st.just(ListsSelection(number))
    chosen = st.lists(st.integers(0, candidates - 1), unique=True)
    return chosen.map(lambda numbers: ListsSelection(number, tuple(sorted(numbers))))


def all_selections(question: Question) -> list[Any]:
    """Every valid selection of a small question, listed without the help of its shape."""
    candidates: list[Any] = []
    match question:
        case Choose(options=options):
            for marks in product((False, True), repeat=len(options)):
                chosen = tuple(i for i, mark in enumerate(marks) if mark)
                if question.minimum <= len(chosen) <= question.maximum:
                    candidates.append(ChooseSelection(chosen))
            if question.blank:
                candidates.append(ChooseSelection((), True))
        case Score(options=options, highest=highest):
            for scores in product(range(highest + 1), repeat=len(options)):
                if question.minimum <= sum(scores) <= question.maximum:
                    candidates.append(ScoreSelection(scores))
        case Grades(options=options, grades=grades):
            candidates = [GradesSelection(g) for g in product(range(len(grades)), repeat=len(options))]
        case Lists(lists=lists):
            for i, each in enumerate(lists):
                for marks in product((False, True), repeat=len(each.candidates)):
                    candidates.append(ListsSelection(i, tuple(j for j, mark in enumerate(marks) if mark)))
        case Ranking(options=options) | Condorcet(options=options):
            n = len(options)
            candidates = [RankingSelection(o) for o in product(range(n), repeat=n) if len(set(o)) == n]
        case CondorcetTies(options=options):
            n = len(options)
            candidates = [CondorcetTiesSelection(levels) for levels in product((None, *range(n)), repeat=n)]
    assert candidates
    return candidates


def totals_of(question: Question, ballots: list[tuple[Any, int]]) -> tuple[list[int], int]:
    """The honest totals of selections with weights, and the weight cast."""
    shape = question.shape()
    totals = [0] * len(shape.totals)
    for selection, weight in ballots:
        values = question.encode_selection(selection)
        for position, total in enumerate(shape.totals):
            totals[position] += weight * values[total.index]
    return totals, sum(weight for _, weight in ballots)
