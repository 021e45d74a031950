"""Random choices of made-up voters, for any question: rehearsals and tests (docs/spec/methods.md).

Pure: the source of randomness is a parameter. It must not import any command or page.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from voting.protocol.manifest import Manifest
from voting.protocol.methods import (
    Choose,
    ChooseSelection,
    Condorcet,
    CondorcetTies,
    CondorcetTiesSelection,
    Grades,
    GradesSelection,
    Lists,
    ListsSelection,
    Ranking,
    RankingSelection,
    Score,
    ScoreSelection,
)


def random_choices(manifest: Manifest, drawn: Random) -> tuple[Any, ...]:
    """A valid selection for every question of the manifest."""
    return tuple(_CHOICES[type(question)](question, drawn) for question in manifest.questions)


def _choose(question: Choose, drawn: Random) -> ChooseSelection:
    if question.blank and drawn.random() < 0.1:
        return ChooseSelection((), blank=True)
    count = drawn.randint(question.minimum, question.maximum)
    return ChooseSelection(tuple(sorted(drawn.sample(range(len(question.options)), count))))


def _score(question: Score, drawn: Random) -> ScoreSelection:
    """Points are given one by one until a sum within the limits is reached."""
    scores = [0] * len(question.options)
    most = min(question.maximum, len(scores) * question.highest)
    for _point in range(drawn.randint(question.minimum, most)):
        scores[drawn.choice([i for i, points in enumerate(scores) if points < question.highest])] += 1
    return ScoreSelection(tuple(scores))


def _grades(question: Grades, drawn: Random) -> GradesSelection:
    return GradesSelection(tuple(drawn.randrange(len(question.grades)) for _option in question.options))


def _lists(question: Lists, drawn: Random) -> ListsSelection:
    chosen = drawn.randrange(len(question.lists))
    people = range(len(question.lists[chosen].candidates))
    return ListsSelection(chosen, tuple(person for person in people if drawn.random() < 0.3))


def _order(question: Ranking | Condorcet, drawn: Random) -> RankingSelection:
    return RankingSelection(tuple(drawn.sample(range(len(question.options)), len(question.options))))


def _levels(question: CondorcetTies, drawn: Random) -> CondorcetTiesSelection:
    count = len(question.options)
    return CondorcetTiesSelection(
        tuple(None if drawn.random() < 0.1 else drawn.randrange(count) for _option in range(count))
    )


_CHOICES: dict[type, Callable[[Any, Random], Any]] = {
    Choose: _choose,
    Score: _score,
    Grades: _grades,
    Lists: _lists,
    Ranking: _order,
    Condorcet: _order,
    CondorcetTies: _levels,
}
