"""The constraints of every method accept the encodings of valid selections, and nothing else."""

from __future__ import annotations

from itertools import combinations, permutations, product
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.methods import LANGUAGES, SMALL_QUESTIONS, TITLE, all_selections, selections, texts, totals_of
from voting.protocol.encoding import decode, encode
from voting.protocol.errors import SelectionError, VerificationError
from voting.protocol.methods import (
    METHODS,
    AnyOutcome,
    AnyQuestion,
    Condorcet,
    CondorcetTies,
    Question,
    RankingSelection,
)
from voting.protocol.shape import BallotShape

ANY_QUESTION: Any = AnyQuestion
ANY_OUTCOME: Any = AnyOutcome

names = pytest.mark.parametrize("name", SMALL_QUESTIONS)


def domains(shape: BallotShape) -> list[tuple[int, ...]]:
    """The integers that each value alone may be: every value has such a constraint, so nothing is unbounded."""
    alone: dict[int, tuple[int, ...]] = {}
    for constraint in shape.constraints:
        if constraint.combination.constant == 0 and len(constraint.combination.terms) == 1:
            ((index, coefficient),) = constraint.combination.terms
            if coefficient == 1 and index not in alone:
                alone[index] = constraint.allowed
    return [alone[index] for index in range(shape.values)]


@names
def test_only_encodings_of_valid_selections_satisfy_the_constraints(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    shape = question.shape()
    accepted = {values for values in product(*domains(shape)) if not shape.violated(values)}
    encodings = {question.encode_selection(selection) for selection in all_selections(question)}
    if isinstance(question, CondorcetTies):
        # Levels with gaps are accepted too: they say the same, and only the preferences are decrypted.
        n = len(question.options)
        assert encodings < accepted
        assert {values[n:] for values in accepted} == {values[n:] for values in encodings}
        assert {values[:n] for values in accepted} == set(product(range(n), repeat=n))
        for values in accepted:
            assert values[n:] == tuple(int(values[i] < values[j]) for i, j in permutations(range(n), 2))
    else:
        assert accepted == encodings


def test_four_options_leave_no_room_for_a_cycle() -> None:
    question = Condorcet(title=TITLE, options=texts(4))
    shape = question.shape()
    matrices = [question.encode_selection(RankingSelection(order))[:16] for order in permutations(range(4))]
    tournaments = list(product((0, 1), repeat=6))
    accepted = {(*m, *d) for m in matrices for d in tournaments if not shape.violated((*m, *d))}
    assert accepted == {question.encode_selection(RankingSelection(order)) for order in permutations(range(4))}


@pytest.mark.parametrize(
    ("question", "values", "broken"),
    [
        # One value too many; blank and an option; a candidate of another list; a lying bit; a cyclic ranking.
        ("choose with blank", (1, 1, 1, 0), [4]),
        ("choose with blank", (1, 0, 0, 1), [4]),
        ("choose with blank", (0, 0, 0, 2), [3, 4]),
        ("lists", (1, 0, 1, 0, 1, 0, 0), [9]),
        ("condorcet with ties", (0, 1, 2, 1, 1, 0, 0, 0, 0), [12]),
        ("condorcet", (1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1), [18, 20]),
        ("cumulative", (3, 2, 0), [3]),
        ("cumulative", (1, 0, 0), [3]),
        ("grades", (1, 1, 0, 0, 1, 0), [6]),
        ("borda", (1, 0, 0, 1, 0, 0, 0, 0, 1), [12, 13]),
    ],
)
def test_a_false_value_breaks_the_named_constraint(question: str, values: tuple[int, ...], broken: list[int]) -> None:
    assert SMALL_QUESTIONS[question].shape().violated(values) == broken


@names
def test_shapes_are_well_formed(name: str) -> None:
    shape = SMALL_QUESTIONS[name].shape()
    assert all(c.allowed and list(c.allowed) == sorted(set(c.allowed)) for c in shape.constraints)
    for constraint in shape.constraints:
        indices = [index for index, _ in constraint.combination.terms]
        assert indices == sorted(set(indices))
        assert all(0 <= index < shape.values for index in indices)
        assert all(coefficient for _, coefficient in constraint.combination.terms)
    ranges = domains(shape)
    assert [total.highest for total in shape.totals] == [max(ranges[total.index]) for total in shape.totals]


@given(st.data())
def test_valid_selections_satisfy_the_constraints_and_count(data: st.DataObject) -> None:
    question = SMALL_QUESTIONS[data.draw(st.sampled_from(list(SMALL_QUESTIONS)))]
    weight = st.integers(1, 10**6)
    ballots = data.draw(st.lists(st.tuples(selections(question), weight), max_size=8))
    shape = question.shape()
    for selection, _ in ballots:
        assert shape.violated(question.encode_selection(selection)) == []
        again = question.parse_selection(msgspec.to_builtins(selection))
        assert question.encode_selection(again) == question.encode_selection(selection)
        for language in LANGUAGES:
            assert all(question.describe_selection(again, language))
    totals, cast = totals_of(question, ballots)
    outcome = question.outcome(totals, cast=cast)
    assert decode(encode(outcome), ANY_OUTCOME, what="outcome") == outcome


@names
def test_nobody_wins_without_a_vote(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    outcome = question.outcome([0] * len(question.shape().totals), cast=0)
    assert getattr(outcome, "winners", ()) == ()
    assert all(elected == () for elected in getattr(outcome, "elected", ()))
    assert getattr(outcome, "smith_set", ()) == ()
    assert getattr(outcome, "condorcet_winner", None) is None


@names
def test_questions_keep_their_fields_when_written_and_read(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    assert decode(encode(question), ANY_QUESTION, what="question") == question
    assert list(question.problems("questions[0]", LANGUAGES)) == []
    written = msgspec.to_builtins(question)
    assert set(written) == {"method"} | {field.encode_name for field in msgspec.structs.fields(type(question))}
    assert METHODS[written["method"]] is type(question)


# Methods and numbers of votes for which the checks of the totals are exact, tried one by one.
EXACT: dict[str, int] = {
    "single choice": 3,
    "choose with blank": 2,
    "choose none or blank": 3,
    "choose exactly all or blank": 3,
    "cumulative": 2,
    "grades": 1,
    "lists": 1,
    "closed list": 2,
    "borda": 1,
    "condorcet": 3,
    "condorcet, ranked pairs": 4,
    "condorcet with ties": 2,
}


@pytest.mark.parametrize(("name", "cast"), EXACT.items())
def test_totals_are_refused_exactly_if_no_ballots_have_them(name: str, cast: int) -> None:
    question = SMALL_QUESTIONS[name]
    single = {tuple(totals_of(question, [(selection, 1)])[0]) for selection in all_selections(question)}
    possible = {(0,) * len(question.shape().totals)}
    for _ in range(cast):
        possible = {tuple(a + b for a, b in zip(sums, one, strict=True)) for sums in possible for one in single}
    box = product(*(range(total.highest * cast + 1) for total in question.shape().totals))
    for totals in box:
        assert is_accepted(question, totals, cast) == (totals in possible), totals


def is_accepted(question: Question, totals: tuple[int, ...], cast: int) -> bool:
    try:
        question.outcome(totals, cast=cast)
    except VerificationError as error:
        return (error.check, error.subject) != ("20", 'question "Who?"')
    return True


@names
@pytest.mark.parametrize("fault", ["negative", "above", "one less", "one more", "negative cast"])
def test_totals_outside_their_bounds_are_refused(name: str, fault: str) -> None:
    question = SMALL_QUESTIONS[name]
    ballots = [(selection, 1) for selection in all_selections(question)]
    totals, cast = totals_of(question, ballots)
    question.outcome(totals, cast=cast)
    match fault:
        case "negative":
            totals[0] = -1
        case "above":
            totals[-1] = cast * question.shape().totals[-1].highest + 1
        case "one less":
            totals.pop()
        case "one more":
            totals.append(0)
        case "negative cast":
            cast = -1
    with pytest.raises(VerificationError) as raised:
        question.outcome(totals, cast=cast)
    assert raised.value.check == "20"


WRONG_SELECTIONS: list[tuple[str, Any, str]] = [
    ("single choice", {"chosen": [0, 1]}, "choose from 1 to 1 options"),
    ("single choice", {"chosen": []}, "choose from 1 to 1 options"),
    ("single choice", {"chosen": [], "blank": True}, "no blank vote"),
    ("single choice", {"chosen": [3]}, "numbered from 0 to 2"),
    ("single choice", {"chosen": [-1]}, "numbered from 0 to 2"),
    ("approval", {"chosen": [1, 1]}, "named twice"),
    ("approval", {"chosen": [True]}, "have not the form"),
    ("approval", {"chosen": [1.0]}, "have not the form"),
    ("approval", {"chosen": [1], "more": 1}, "have not the form"),
    ("approval", [1], "have not the form"),
    ("approval", None, "have not the form"),
    ("choose with blank", {"chosen": [1], "blank": True}, "cannot choose an option as well"),
    ("score", {"scores": [4, 0, 0]}, "from 0 to 3"),
    ("score", {"scores": [1, 1]}, "each of the 3 options"),
    ("cumulative", {"scores": [3, 2, 0]}, "sum to a number from 2 to 4"),
    ("grades", {"grades": [0]}, "each of the 2 options"),
    ("grades", {"grades": [0, 3]}, "numbered from 0"),
    ("lists", {"list": 2}, "numbered from 0 to 1"),
    ("lists", {"list": 0, "candidates": [2]}, "numbered from 0 to 1"),
    ("lists", {"list": 1, "candidates": [2, 2]}, "named twice"),
    ("lists", {"candidates": [1]}, "have not the form"),
    ("borda", {"order": [0, 1]}, "each of the 3 options once"),
    ("condorcet", {"order": [0, 1, 1]}, "each of the 3 options once"),
    ("condorcet with ties", {"levels": [0, 1]}, "each of the 3 options"),
    ("condorcet with ties", {"levels": [0, 1, 3]}, "from 0 \\(best\\) to 2"),
]


@pytest.mark.parametrize(("name", "data", "reason"), WRONG_SELECTIONS)
def test_wrong_choices_are_refused_with_the_rule(name: str, data: Any, reason: str) -> None:
    with pytest.raises(SelectionError, match=reason):
        SMALL_QUESTIONS[name].parse_selection(data)


@names
def test_selections_do_not_show_in_their_repr(name: str) -> None:
    for selection in all_selections(SMALL_QUESTIONS[name]):
        assert repr(selection) == f"<{type(selection).__name__}>"
        assert selection.__rich_repr__() == []


@pytest.mark.parametrize(
    ("name", "data", "language", "lines"),
    [
        ("approval", {"chosen": [2, 0]}, "en", ["Option 0", "Option 2"]),
        ("approval", {"chosen": []}, "fr", ["Aucune option choisie"]),
        ("choose with blank", {"chosen": [], "blank": True}, "fr", ["Vote blanc"]),
        ("choose with blank", {"chosen": [], "blank": True}, "de", ["Blank vote"]),
        ("score", {"scores": [3, 0, 1]}, "fr-ca", ["Option 0 : 3", "Option 1 : 0", "Option 2 : 1"]),
        ("grades", {"grades": [2, 0]}, "en", ["Option 0: Grade 2", "Option 1: Grade 0"]),
        ("lists", {"list": 1, "candidates": [2]}, "en", ["List: List 1", "Personal vote: Candidate 2"]),
        ("lists", {"list": 1}, "fr", ["Liste : List nº 1", "Aucun vote de préférence"]),
        ("closed list", {"list": 1}, "en", ["List: List 1"]),
        ("borda", {"order": [2, 0, 1]}, "en", ["Rank 1: Option 2", "Rank 2: Option 0", "Rank 3: Option 1"]),
        ("condorcet with ties", {"levels": [2, None, 2]}, "en", ["Rank 1: Option 0, Option 2", "Not ranked: Option 1"]),
    ],
)
def test_selections_are_described_in_words(name: str, data: Any, language: str, lines: list[str]) -> None:
    question = SMALL_QUESTIONS[name]
    described = question.describe_selection(question.parse_selection(data), language)
    expected = lines if language != "fr-ca" else [line.replace("nº ", "") for line in lines]
    assert described == expected


def test_pairs_come_in_lexicographic_order() -> None:
    question = SMALL_QUESTIONS["condorcet"]
    values = question.encode_selection(RankingSelection((2, 0, 1)))
    assert dict(zip(combinations(range(3), 2), values[9:], strict=True)) == {(0, 1): 1, (0, 2): 0, (1, 2): 0}
