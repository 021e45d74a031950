"""Protocol M: the voting methods, one file each, and the unions that the manifest and the result are read with.

A new method is a new file here, a line in `METHODS`, and a member of each union; it needs no cryptography of its own.
"""

from __future__ import annotations

from typing import Union

from voting.protocol.methods.base import Question
from voting.protocol.methods.choose import Choose, ChooseOutcome, ChooseSelection
from voting.protocol.methods.common import Outcome, Selection
from voting.protocol.methods.condorcet import Condorcet, CondorcetOutcome
from voting.protocol.methods.condorcet_ties import CondorcetTies, CondorcetTiesOutcome, CondorcetTiesSelection
from voting.protocol.methods.grades import Grades, GradesOutcome, GradesSelection
from voting.protocol.methods.lists import CandidateList, Lists, ListsOutcome, ListsSelection
from voting.protocol.methods.ranking import Ranking, RankingOutcome, RankingSelection
from voting.protocol.methods.score import Score, ScoreOutcome, ScoreSelection

__all__ = [
    "METHODS",
    "AnyOutcome",
    "AnyQuestion",
    "AnySelection",
    "CandidateList",
    "Choose",
    "ChooseOutcome",
    "ChooseSelection",
    "Condorcet",
    "CondorcetOutcome",
    "CondorcetTies",
    "CondorcetTiesOutcome",
    "CondorcetTiesSelection",
    "Grades",
    "GradesOutcome",
    "GradesSelection",
    "Lists",
    "ListsOutcome",
    "ListsSelection",
    "Outcome",
    "Question",
    "Ranking",
    "RankingOutcome",
    "RankingSelection",
    "Score",
    "ScoreOutcome",
    "ScoreSelection",
    "Selection",
]

# typing.Union, not "|": msgspec and mypy both read it as a plain value at run time.
AnyQuestion = Union[Choose, Score, Grades, Lists, Ranking, Condorcet, CondorcetTies]  # noqa: UP007

AnyOutcome = Union[  # noqa: UP007
    ChooseOutcome,
    ScoreOutcome,
    GradesOutcome,
    ListsOutcome,
    RankingOutcome,
    CondorcetOutcome,
    CondorcetTiesOutcome,
]

AnySelection = Union[  # noqa: UP007
    ChooseSelection, ScoreSelection, GradesSelection, ListsSelection, RankingSelection, CondorcetTiesSelection
]

METHODS: dict[str, type[Question]] = {
    "choose": Choose,
    "score": Score,
    "grades": Grades,
    "lists": Lists,
    "ranking": Ranking,
    "condorcet": Condorcet,
    "condorcet-ties": CondorcetTies,
}
"""Method name, as the manifest writes it, to the question's class."""
