"""The vectors of the voting methods, which the booth's JavaScript runs too, are what this package makes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.vectors.make_method_vectors import FILE, text
from voting.protocol.errors import SelectionError
from voting.protocol.methods import METHODS, AnyQuestion
from voting.protocol.methods.words import _ENGLISH, _FRENCH
from voting.translations import catalogue

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


def test_file_is_what_the_script_makes() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m tests.vectors.make_method_vectors"


def test_every_method_has_valid_and_refused_selections() -> None:
    for name in METHODS:
        cases = [case for case in VECTORS["questions"] if case["question"]["method"] == name]
        assert len(cases) >= 2
        assert all(len(case["valid"]) >= 2 and len(case["refused"]) >= 8 for case in cases), name


@pytest.mark.parametrize("case", VECTORS["questions"], ids=[case["name"] for case in VECTORS["questions"]])
def test_questions_read_from_the_file_give_the_same(case: dict[str, Any]) -> None:
    question = msgspec.convert(case["question"], AnyQuestion)
    shape = question.shape()
    assert (shape.values, len(shape.constraints)) == (case["shape"]["values"], len(case["shape"]["constraints"]))
    for valid in case["valid"]:
        selection = question.parse_selection(valid["data"])
        assert list(question.encode_selection(selection)) == valid["values"]
        assert shape.violated(valid["values"]) == []
    for refused in case["refused"]:
        with pytest.raises(SelectionError):
            question.parse_selection(refused["data"])


def test_words_of_choices_are_in_the_catalogue_of_the_pages() -> None:
    """The booth describes choices through the catalogue, the command line through its own table: same words."""
    french = catalogue("fr")
    assert {_ENGLISH[name]: words for name, words in _FRENCH.items()} == {
        english: french.get(english) for english in _ENGLISH.values()
    }
