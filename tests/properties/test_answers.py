"""What a voter types in the terminal becomes the selection that was meant, or is asked again with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from voting.commands.ask import how_to_answer, question_lines, read_answer
from voting.protocol.errors import SelectionError
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

MAXIMUM_TESTED = 60


def typed(selection: Any) -> str:
    """What a voter types for a selection."""
    match selection:
        case ChooseSelection(blank=True):
            return "blank"
        case ChooseSelection(chosen=chosen):
            return " ".join(str(option + 1) for option in chosen)
        case ScoreSelection(scores=scores):
            return ", ".join(map(str, scores))
        case GradesSelection(grades=grades):
            return " ".join(str(grade + 1) for grade in grades)
        case ListsSelection(chosen_list=chosen, candidates=candidates):
            return " ".join([str(chosen + 1), *(f"{chosen + 1}.{candidate + 1}" for candidate in candidates)])
        case RankingSelection(order=order):
            return " > ".join(str(option + 1) for option in order)
        case CondorcetTiesSelection(levels=levels):
            used = sorted({level for level in levels if level is not None})
            return " ".join(
                " = ".join(str(option + 1) for option, found in enumerate(levels) if found == level) for level in used
            )
    raise AssertionError(selection)


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_every_selection_can_be_typed(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    for selection in all_selections(question)[:MAXIMUM_TESTED]:
        found = read_answer(question, typed(selection))
        assert question.encode_selection(found) == question.encode_selection(selection)


@given(st.sampled_from(sorted(SMALL_QUESTIONS)), st.text(max_size=12) | st.text("0123456789 .=,blank", max_size=12))
def test_any_line_is_valid_or_refused_without_showing_it(name: str, line: str) -> None:
    question = SMALL_QUESTIONS[name]
    refused = ""
    try:
        selection = read_answer(question, line)
    except SelectionError as error:
        refused = str(error)
    else:
        assert not question.shape().violated(question.encode_selection(selection))
    # A line may happen to be a word of the error itself, such as "number".
    assert len(line.strip()) < 6 or line.strip() not in refused or line.strip() in refusal_of(question, "§")


def refusal_of(question: Question, line: str) -> str:
    """The error's text for a line that is no answer."""
    with pytest.raises(SelectionError) as caught:
        read_answer(question, line)
    return str(caught.value)


def by_kind(kind: type[Question]) -> Question:
    return next(question for question in SMALL_QUESTIONS.values() if isinstance(question, kind))


@pytest.mark.parametrize(
    ("kind", "line", "reason"),
    [
        (Choose, "", "choose from 1 to 1"),
        (Choose, "4", "from 1 to 3"),
        (Choose, "0", "from 1 to 3"),
        (Choose, "one", "numbers only"),
        (Choose, "1 2", "choose from 1 to 1"),
        (Choose, "blank", "no blank vote"),
        (Choose, "1 1", "twice"),
        (Score, "1 2", "each of the 3"),
        (Grades, "1", "each of the 2"),
        (Lists, "", "one list"),
        (Lists, "1 2.1", "of the list you chose"),
        (Lists, "1 1.3", "from 1 to 2"),
        (CondorcetTies, "1 1", "twice"),
        (CondorcetTies, "1=1", "twice"),
    ],
)
def test_reasons(kind: type[Question], line: str, reason: str) -> None:
    with pytest.raises(SelectionError, match=reason):
        read_answer(by_kind(kind), line)


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_every_question_is_shown_whole(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    lines = question_lines(question, "fr")
    assert lines[0] == "Qui ?"
    assert lines[-1] == how_to_answer(question)
    texts = getattr(question, "options", None) or [each.name for each in getattr(question, "lists", ())]
    for text in texts:
        assert any(line.endswith(text["fr"]) for line in lines)
