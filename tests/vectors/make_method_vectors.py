"""Make tests/vectors/methods.json: questions, selections, and what every implementation must make of them.

    python -m tests.vectors.make_method_vectors

The Python package is the reference; the booth's JavaScript runs the same file (tests/browser/test_methods.py). The
output follows from the code alone, and a test holds the file and the code together.

- `questions`: per question, as the manifest writes it: its `shape` (M1), `valid` selections with their `values` and
  descriptions, and `refused` data with the error.
- `ballot`: a manifest's questions joined (M2).

Shapes are written briefly: constraints as [terms, constant, allowed], totals as [index, highest].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tests.strategies.methods import SMALL_QUESTIONS, all_selections, texts
from voting.protocol.errors import SelectionError
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
from voting.protocol.shape import BallotShape, join

FILE = Path(__file__).parent / "methods.json"
SELECTIONS_EACH = 6

_HEBREW = ({"fr": "Ève", "he": "חוה"}, {"fr": "Adam"}, {"en": "Anna <b>", "fr": "Anna & Cie"})

LARGER_QUESTIONS: dict[str, Question] = {
    "many options": Choose(title={"en": "Which?"}, options=texts(12), minimum=3, maximum=5, blank=True, seats=3),
    "texts of other languages": Choose(title={"he": "מי?"}, options=_HEBREW, minimum=0, maximum=3),
    "one option to score": Score(title={"en": "How much?"}, options=texts(1), highest=100),
    "budget": Score(title={"en": "How much?"}, options=texts(5), highest=10, minimum=10, maximum=10),
    "one option to grade": Grades(title={"en": "How good?"}, options=texts(1), grades=texts(7, "Grade")),
    "all lists closed": Lists(
        title={"en": "Who?"}, lists=(CandidateList({"en": "A"}), CandidateList({"en": "B"}), CandidateList({"en": "C"}))
    ),
    "two to rank": Ranking(title={"en": "Who?"}, options=texts(2)),
    "six in Condorcet": Condorcet(title={"en": "Who?"}, options=texts(6)),
    "two with ties": CondorcetTies(title={"en": "Who?"}, options=texts(2)),
    "five with ties": CondorcetTies(title={"en": "Who?"}, options=texts(5)),
}

# Enough to list all selections of is only a small question; of a larger one, these.
_LARGER_SELECTIONS: dict[str, list[Any]] = {
    "many options": [
        {"chosen": [11, 0, 5], "blank": False},
        {"chosen": [1, 2, 3, 4, 5]},
        {"chosen": [], "blank": True},
    ],
    "texts of other languages": [{"chosen": []}, {"chosen": [2, 0]}, {"chosen": [0, 1, 2]}],
    "one option to score": [{"scores": [0]}, {"scores": [100]}],
    "budget": [{"scores": [2, 2, 2, 2, 2]}, {"scores": [0, 0, 0, 0, 10]}, {"scores": [1, 4, 0, 5, 0]}],
    "six in Condorcet": [{"order": [0, 1, 2, 3, 4, 5]}, {"order": [5, 3, 1, 0, 2, 4]}],
    "five with ties": [
        {"levels": [None, None, None, None, None]},
        {"levels": [4, 4, 4, 4, 4]},
        {"levels": [3, 0, None, 3, 1]},
        {"levels": [0, 1, 2, 3, 4]},
    ],
}

_ANY_METHOD: list[Any] = [None, 1, "chosen", [], [1], {}, {"other": [0]}]

_REFUSED: dict[type[Question], list[Any]] = {
    Choose: [
        {"chosen": None},
        {"chosen": [True]},
        {"chosen": ["0"]},
        {"chosen": [0.5]},
        {"chosen": {"0": 1}},
        {"chosen": [0], "blank": None},
        {"chosen": [0], "blank": 0},
        {"chosen": [0], "blank": False, "other": 1},
        {"blank": True},
        {"chosen": [-1]},
        {"chosen": [200]},
        {"chosen": [2**70]},
        {"chosen": [0, 0]},
        {"chosen": [0], "blank": True},
    ],
    Score: [
        {"scores": None},
        {"scores": [None]},
        {"scores": [1, 1], "other": 1},
        {"scores": []},
        {"scores": [0] * 7},
        {"scores": [101] * 3},
        {"scores": [-1, 1, 1]},
        {"scores": [101] * 5},
        {"scores": [3, 3, 3]},
        {"scores": [0, 0, 1]},
        {"scores": [10, 1, 0, 0, 0]},
        {"scores": [1, 1, 1, 1, 1]},
    ],
    Grades: [
        {"grades": None},
        {"grades": [None, 0]},
        {"grades": []},
        {"grades": [0]},
        {"grades": [7]},
        {"grades": [0, 3]},
        {"grades": [-1, 0]},
        {"grades": [0, 0, 0]},
    ],
    Lists: [
        {"list": None},
        {"list": [0]},
        {"list": True},
        {"list": 0.5},
        {"candidates": [0]},
        {"list": 0, "candidates": None},
        {"list": 0, "candidates": ["0"]},
        {"list": -1},
        {"list": 3},
        {"list": 1, "candidates": [3]},
        {"list": 0, "candidates": [0, 0]},
        {"list": 0, "candidates": [-1]},
    ],
    Ranking: [
        {"order": None},
        {"order": [None]},
        {"order": []},
        {"order": [0]},
        {"order": [0, 1, 1]},
        {"order": [1, 2, 3]},
        {"order": [0, 1, 2, 2]},
        {"order": [-1, 0, 1]},
    ],
    CondorcetTies: [
        {"levels": None},
        {"levels": ["0"]},
        {"levels": [True]},
        {"levels": []},
        {"levels": [0]},
        {"levels": [0, 0, 5]},
        {"levels": [0, 0, -1]},
        {"levels": [None, 2]},
        {"levels": [0] * 6},
    ],
}
_REFUSED[Condorcet] = _REFUSED[Ranking]


def vectors() -> dict[str, Any]:
    """The contents of the file."""
    questions = {**SMALL_QUESTIONS, **LARGER_QUESTIONS}
    joined = ["choose with blank", "lists", "condorcet with ties", "score", "condorcet"]
    return {
        "about": "docs/spec/methods.md; made by tests/vectors/make_method_vectors.py",
        "questions": [_vector(name, question) for name, question in questions.items()],
        "ballot": {
            "questions": joined,
            "shape": _shape(join([questions[name].shape() for name in joined])),
        },
    }


def _vector(name: str, question: Question) -> dict[str, Any]:
    refused = []
    for data in [*_ANY_METHOD, *_REFUSED[type(question)]]:
        try:
            question.parse_selection(data)
        except SelectionError as error:
            refused.append({"data": data, "error": error.problem})
    return {
        "name": name,
        "question": json.loads(msgspec.json.encode(question)),
        "shape": _shape(question.shape()),
        "valid": [_valid(question, data) for data in _selections(name, question)],
        "refused": refused,
    }


def _selections(name: str, question: Question) -> list[Any]:
    """Some selections as plain data, spread over all of them."""
    if name in _LARGER_SELECTIONS:
        return _LARGER_SELECTIONS[name]
    every = all_selections(question)
    step = max(1, len(every) // SELECTIONS_EACH)
    return [json.loads(msgspec.json.encode(selection)) for selection in [*every[::step], every[-1]]]


def _valid(question: Question, data: Any) -> dict[str, Any]:
    selection = question.parse_selection(data)
    return {
        "data": data,
        "parsed": json.loads(msgspec.json.encode(selection)),
        "values": list(question.encode_selection(selection)),
        "words": {code: question.describe_selection(selection, code) for code in ("en", "fr")},
    }


def _shape(shape: BallotShape) -> dict[str, Any]:
    return {
        "values": shape.values,
        "constraints": [
            [[list(term) for term in c.combination.terms], c.combination.constant, list(c.allowed)]
            for c in shape.constraints
        ],
        "totals": [[total.index, total.highest] for total in shape.totals],
    }


def text() -> str:
    """The file, one question a line."""
    contents = vectors()
    lines = ",\n".join(
        json.dumps(question, ensure_ascii=False, separators=(",", ":")) for question in contents["questions"]
    )
    return (
        f'{{"about": {json.dumps(contents["about"])},\n"questions": [\n{lines}\n],\n'
        f'"ballot": {json.dumps(contents["ballot"], separators=(",", ":"))}}}\n'
    )


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
