"""Faults in questions are found, each at its place and with a remedy."""

from __future__ import annotations

import pytest

from tests.strategies.methods import LANGUAGES, TITLE, lists_of, texts
from voting.protocol.methods import (
    CandidateList,
    Choose,
    Condorcet,
    CondorcetTies,
    Grades,
    Lists,
    Question,
    Ranking,
    Score,
)
from voting.protocol.text import Text

SAME: tuple[Text, ...] = ({"en": "Straße  1", "fr": "A"}, {"en": "STRASSE １", "fr": "B"})

FAULTS: list[tuple[str, Question, list[str]]] = [
    ("one option", Choose(title=TITLE, options=texts(1)), ["q.options"]),
    ("no option", Choose(title=TITLE, options=()), ["q.options", "q.min"]),
    ("same texts", Choose(title=TITLE, options=SAME), ["q.options[2].en"]),
    ("missing language", Choose(title={"en": "Who?"}, options=texts(2)), ["q.title.fr"]),
    (
        "empty description",
        Choose(title=TITLE, description={"en": "a\nb", "fr": ""}, options=texts(2)),
        ["q.description.fr"],
    ),
    ("hidden character", Choose(title=TITLE, options=(*texts(2), {"en": "a\u202eb", "fr": "c"})), ["q.options[3].en"]),
    ("min above max", Choose(title=TITLE, options=texts(3), minimum=2, maximum=1), ["q.min"]),
    ("max above n", Choose(title=TITLE, options=texts(3), maximum=4), ["q.max"]),
    ("max of 0", Choose(title=TITLE, options=texts(3), minimum=0, maximum=0), ["q.max"]),
    ("negative min", Choose(title=TITLE, options=texts(3), minimum=-1), ["q.min"]),
    ("no seat", Choose(title=TITLE, options=texts(3), seats=0), ["q.seats"]),
    ("too many seats", Choose(title=TITLE, options=texts(3), seats=4), ["q.seats"]),
    ("too many options", Choose(title=TITLE, options=texts(201)), ["q.options"]),
    ("no points", Score(title=TITLE, options=texts(2), highest=0, maximum=1), ["q.highest"]),
    ("too many points", Score(title=TITLE, options=texts(2), highest=101, maximum=1), ["q.highest"]),
    ("unreachable min", Score(title=TITLE, options=texts(2), highest=5, minimum=11), ["q.min", "q.min"]),
    ("negative budget", Score(title=TITLE, options=texts(2), maximum=-1), ["q.max", "q.min"]),
    ("budget above all points", Score(title=TITLE, options=texts(2), maximum=11), ["q.max"]),
    ("one grade", Grades(title=TITLE, options=texts(2), grades=texts(1)), ["q.grades"]),
    ("same grades", Grades(title=TITLE, options=texts(2), grades=SAME), ["q.grades[2].en"]),
    ("too many grades", Grades(title=TITLE, options=texts(2), grades=texts(21)), ["q.grades"]),
    ("one list", Lists(title=TITLE, lists=lists_of(3)), ["q.lists"]),
    ("no seats", Lists(title=TITLE, lists=lists_of(3, 1), seats=0), ["q.seats"]),
    ("same lists", Lists(title=TITLE, lists=tuple(CandidateList(t) for t in SAME)), ["q.lists[2].name.en"]),
    (
        "same candidates",
        Lists(title=TITLE, lists=(*lists_of(1), CandidateList(TITLE, SAME))),
        ["q.lists[2].candidates[2].en"],
    ),
    ("rising points", Ranking(title=TITLE, options=texts(3), points=(1, 2, 0)), ["q.points[2]"]),
    ("points out of range", Ranking(title=TITLE, options=texts(2), points=(1001, -1)), ["q.points[1]", "q.points[2]"]),
    ("equal points", Ranking(title=TITLE, options=texts(2), points=(1, 1)), ["q.points"]),
    ("missing points", Ranking(title=TITLE, options=texts(3), points=(1, 0)), ["q.points"]),
    ("too many to rank", Ranking(title=TITLE, options=texts(31)), ["q.options"]),
    ("too many for pairs", Condorcet(title=TITLE, options=texts(21)), ["q.options"]),
    ("too many for ties", CondorcetTies(title=TITLE, options=texts(9)), ["q.options"]),
]


@pytest.mark.parametrize(("question", "places"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_faults_are_found_at_their_place(question: Question, places: list[str]) -> None:
    problems = list(question.problems("q", LANGUAGES))
    assert [problem.where for problem in problems] == places
    assert all(problem.remedy for problem in problems)


def test_the_widest_allowed_questions_have_no_problem() -> None:
    widest: list[Question] = [
        Choose(title=TITLE, options=texts(200), minimum=0, maximum=200, blank=True, seats=200),
        Score(title=TITLE, options=texts(1), highest=100),
        Grades(title=TITLE, options=texts(1), grades=texts(20)),
        Lists(title=TITLE, lists=lists_of(0, 200), seats=1000),
        Ranking(title=TITLE, options=texts(30)),
        Condorcet(title=TITLE, options=texts(20)),
        CondorcetTies(title=TITLE, options=texts(8)),
    ]
    for question in widest:
        assert list(question.problems("q", LANGUAGES)) == []


def test_defaults_are_filled_in_and_kept() -> None:
    assert Score(title=TITLE, options=texts(3), highest=4).maximum == 12
    assert Score(title=TITLE, options=texts(3), highest=4, maximum=7).maximum == 7
    assert Ranking(title=TITLE, options=texts(3)).points == (2, 1, 0)
    assert Ranking(title=TITLE, options=texts(3), points=(9, 2, 1)).points == (9, 2, 1)
