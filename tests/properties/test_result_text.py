"""Results in plain text: every outcome has lines, names whoever won, and fits the width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.methods import SMALL_QUESTIONS, TITLE, selections, texts, totals_of
from voting.protocol.methods import Choose, CondorcetTies, Grades, Lists
from voting.protocol.methods.lists import CandidateList
from voting.result_text import outcome_lines, outcome_sentence


@given(st.data(), st.sampled_from(sorted(SMALL_QUESTIONS)), st.integers(40, 120), st.sampled_from(["en", "fr"]))
def test_every_outcome_is_shown_within_the_width(data: st.DataObject, name: str, width: int, language: str) -> None:
    question = SMALL_QUESTIONS[name]
    ballots = data.draw(st.lists(st.tuples(selections(question), st.integers(1, 1000)), max_size=5))
    totals, cast = totals_of(question, ballots)
    lines = outcome_lines(question, question.outcome(totals, cast=cast), language, width)
    assert lines
    assert all(len(line) <= width for line in lines)
    shown = "\n".join(lines)
    for text in getattr(question, "options", None) or [each.name for each in getattr(question, "lists", ())]:
        assert text[language] in shown


def test_counts_bars_and_the_elected() -> None:
    question = Choose(title=TITLE, options=texts(3), blank=True)
    lines = outcome_lines(question, question.outcome([10, 20, 0, 3], cast=33), "en", 60)
    assert lines[0].startswith("* Option 1     20  ██████")
    assert lines[1].startswith("  Option 0     10  ███")
    assert abs(lines[0].count("█") - 2 * lines[1].count("█")) <= 1
    assert lines[2].split() == ["Option", "2", "0"]
    assert lines[3].startswith("  Blank votes   3  █")
    assert lines[4] == "Elected: Option 1."


def test_ties_are_called_ties() -> None:
    question = Choose(title=TITLE, options=texts(3))
    outcome = question.outcome([5, 5, 1], cast=11)
    assert outcome_sentence(question, outcome, "en") == "Tie for 1 seat(s) between Option 0, Option 1."
    assert [line[0] for line in outcome_lines(question, outcome, "en", 60)[:3]] == ["=", "=", " "]


def test_grades_show_profile_and_majority_grade() -> None:
    question = Grades(title=TITLE, options=texts(2), grades=texts(3, "Grade"))
    lines = outcome_lines(question, question.outcome([1, 8, 1, 6, 3, 1], cast=10), "en", 60)
    assert lines[0].startswith("* Option 1")
    assert "Grade 0" in lines[0]
    profile = lines[0].split()[-1]
    assert 0.5 < profile.count("█") / len(profile) < 0.7
    assert lines[-1] == "Winner: Option 1."


def test_pairwise_matrix_and_cycle() -> None:
    question = CondorcetTies(title=TITLE, options=texts(3))
    totals = [2, 1, 1, 2, 2, 1]
    outcome = question.outcome(totals, cast=3)
    assert outcome.condorcet_winner is None
    text = " ".join(outcome_lines(question, outcome, "en", 70))
    assert "Votes that prefer the row to the column:" in text
    assert "The rule schulze decides among: Option 0, Option 1, Option 2." in text


def test_seats_of_lists() -> None:
    people = CandidateList({"en": "Open"}, ({"en": "Kim"}, {"en": "Lee"}))
    question = Lists(title=TITLE, lists=(people, CandidateList({"en": "Closed"})), seats=3)
    outcome = question.outcome([20, 10, 15, 4], cast=30)
    assert outcome_sentence(question, outcome, "en") == "Seats: Open 2, Closed 1."
    lines = outcome_lines(question, outcome, "en", 60)
    assert "Open: personal votes" in lines
    assert lines[-2].startswith("* Kim")


@pytest.mark.parametrize("width", [40, 80])
def test_long_and_wide_names_are_cut(width: int) -> None:
    question = Choose(title=TITLE, options=({"en": "x" * 300}, {"en": "漢字" * 40}))
    lines = outcome_lines(question, question.outcome([1, 2], cast=3), "en", width)
    assert all("…" in line for line in lines[:2])
