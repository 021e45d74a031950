"""Drafts: kept as typed, read as a manifest source, and every fault at the name of its form field."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.admin import sound_draft
from tests.simulators.election import manifest_for
from tests.strategies.methods import SMALL_QUESTIONS
from voting.admin.draft_forms import (
    change_question,
    change_questions,
    change_trustees,
    read_question,
    read_trustees,
    with_method,
)
from voting.admin.draft_import import read_source, with_source
from voting.admin.drafts import (
    MAX_DRAFT_CHARACTERS,
    Draft,
    DraftList,
    DraftQuestion,
    DraftTrustee,
    closing_moment,
    draft_hash,
    draft_manifest,
    draft_problems,
    encode_draft,
    opening_moment,
    parse_draft,
    source_text,
)
from voting.admin.field_problems import FieldProblems, field_id
from voting.protocol.errors import Problem, UsageError
from voting.protocol.methods import METHODS


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_a_manifest_becomes_a_draft_and_the_same_manifest_again(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    both = {"en": "Election", "fr": "Élection"}
    manifest = manifest_for([question])  # type: ignore[list-item]
    wanted = msgspec.structs.replace(manifest, languages=("en", "fr"), title=both)
    draft = with_source(Draft(), wanted)
    assert draft_problems(draft) == []
    made = draft_manifest(draft)
    fields = ("questions", "title", "languages", "trustees", "threshold", "contact", "group", "schedule", "description")
    for field in fields:
        assert getattr(made, field) == getattr(wanted, field)
    # And once more through the file that is exported.
    again = with_source(draft, read_source(source_text(draft), name="file"))
    assert draft_hash(again) == draft_hash(draft)


def test_a_draft_is_kept_as_it_was_typed() -> None:
    typed = sound_draft(threshold="many", opens="soon", questions=(DraftQuestion(numbers={"min": "a few"}),))
    assert parse_draft(encode_draft(typed)) == typed


def test_a_draft_has_an_upper_length() -> None:
    with pytest.raises(UsageError, match="characters"):
        encode_draft(sound_draft(description={"en": "x" * MAX_DRAFT_CHARACTERS}))


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"title": {"en": ""}}, "title.en", "is empty"),
        ({"title": {"en": "x" * 2001}}, "title.en", "characters"),
        ({"title": {"en": "a\u202eb"}}, "title.en", "hidden character U+202E"),
        ({"languages": ("en", "fr")}, "title.fr", "is empty"),
        ({"threshold": "two"}, "threshold", "is not a whole number"),
        ({"threshold": "4"}, "threshold", "is 4 with 3 trustees"),
        ({"trustees": (DraftTrustee(name="A"), DraftTrustee(name="a"))}, "trustees[2].name", "earlier trustee"),
        ({"trustees": (DraftTrustee(name="A", email="a b@c"),), "threshold": "1"}, "trustees[1].email", "mail"),
        ({"trustees": (), "threshold": "1"}, "trustees", "are 0"),
        ({"opens": "2026-12-01T09:00"}, "schedule.closes", "is missing"),
        ({"opens": "2026-12-01T09:00", "closes": "2026-12-01T09:00"}, "schedule.closes", "is not after"),
        ({"opens": "2026-12-01", "closes": "x"}, "schedule.closes", "is no date"),
        ({"deletion": "2026-02-30"}, "deletion", "is no date"),
        ({"deletion": "2026-12-08", "opens": "2026-12-01T09:00", "closes": "2026-12-08T18:00"}, "deletion", "after"),
        ({"authority": "outside", "authority_key": "abc"}, "authority_key", "no Ed25519"),
        ({"authority": "outside", "factor": "mail"}, "factor", "needs voters"),
        ({"group": "integer-1"}, "group", "is not a known group"),
        ({"questions": ()}, "questions", "are 0"),
        ({"questions": (DraftQuestion(method="ranking", points="3 two 1"),)}, "questions[1].points", "whole numbers"),
        ({"questions": (DraftQuestion(numbers={"max": "-1"}),)}, "questions[1].max", "is not a whole number"),
        ({"questions": (DraftQuestion(numbers={"max": "9"}),)}, "questions[1].max", "outside"),
    ],
)
def test_faults_are_found_at_their_field(changes: dict[str, Any], where: str, what: str) -> None:
    found = {problem.where: problem.problem for problem in draft_problems(sound_draft(**changes))}
    assert where in found, found
    assert what in found[where]


@pytest.mark.parametrize(
    ("local", "zone", "moment"),
    [
        ("2026-03-02T09:00", "Europe/Paris", "2026-03-02T08:00:00.000Z"),
        ("2026-07-02T09:00", "Europe/Paris", "2026-07-02T07:00:00.000Z"),
        ("2026-03-02T09:00", "UTC", "2026-03-02T09:00:00.000Z"),
        ("2026-03-02T09:00", "Pacific/Kiritimati", "2026-03-01T19:00:00.000Z"),
        ("2026-03-29T02:30", "Europe/Paris", None),  # the clocks jump over it
        ("2026-10-25T02:30", "Europe/Paris", None),  # it comes twice
        ("0001-01-01T00:00", "Asia/Tokyo", None),
        ("2026-03-02T09:00", "Nowhere/At All", None),
        ("2026-03-02T09:00", "../etc/passwd", None),
        ("12 o'clock", "UTC", None),
    ],
)
def test_times_have_a_zone_and_exist_once(local: str, zone: str, moment: str | None) -> None:
    draft = sound_draft(opens=local, closes="", zone=zone)
    assert opening_moment(draft) == moment
    assert closing_moment(draft) is None


# -- forms -------------------------------------------------------------------------------------------------------------


def _form(question: DraftQuestion, number: int = 1) -> dict[str, str]:
    """What a browser sends for a question of one language."""
    where = f"questions[{number}]"
    form = {f"{where}.title.en": question.title.get("en", ""), f"{where}.description.en": ""}
    for i, option in enumerate(question.options, start=1):
        form[f"{where}.options[{i}].en"] = option.get("en", "")
    for i, grade in enumerate(question.grades, start=1):
        form[f"{where}.grades[{i}].en"] = grade.get("en", "")
    for i, each in enumerate(question.lists, start=1):
        form[f"{where}.lists[{i}].name.en"] = each.name.get("en", "")
        for j, person in enumerate(each.candidates, start=1):
            form[f"{where}.lists[{i}].candidates[{j}].en"] = person.get("en", "")
    return form


def test_what_the_form_shows_comes_back() -> None:
    for method in METHODS:
        question = with_method(sound_draft().questions[0], method)
        draft = sound_draft(questions=(question,))
        form = _form(question) | ({"questions[1].blank": "yes"} if method == "choose" else {})
        read = read_question(draft, 1, form)
        assert read.title == question.title
        assert len(read.options) == len(question.options)
        assert [each.name for each in read.lists] == [each.name for each in question.lists]
        assert draft_problems(sound_draft(questions=(read,))) == draft_problems(draft)


def test_another_method_loses_nothing() -> None:
    first = sound_draft().questions[0]
    there = with_method(first, "lists")
    assert [each.name["en"] for each in there.lists] == ["Ada", "Blaise"]
    assert with_method(there, "choose").options == first.options
    assert with_method(first, "grades").grades[0]["en"] == "Excellent"
    assert with_method(first, "no such method") == first


def _names(question: DraftQuestion) -> str:
    return "".join(option.get("en", "_") for option in question.options)


@pytest.mark.parametrize(
    ("button", "order"),
    [
        ("add-option", "abc_"),
        ("remove-option:2", "ac"),
        ("up-option:2", "bac"),
        ("down-option:2", "acb"),
        ("up-option:1", "abc"),
        ("down-option:3", "abc"),
        ("remove-option:9", "abc"),
        ("remove-option:", "abc"),
        ("up-option:999999999999999999999999", "abc"),
        ("remove-option:1.2.3", "bc"),
        ("drop-option:1", "abc"),
        ("", "abc"),
        ("<script>", "abc"),
    ],
)
def test_the_buttons_of_options(button: str, order: str) -> None:
    question = DraftQuestion(options=tuple({"en": letter} for letter in "abc"))
    assert _names(change_question(question, button)) == order


def test_the_buttons_of_lists_and_their_people() -> None:
    people = ({"en": "x"}, {"en": "y"})
    question = DraftQuestion(method="lists", lists=(DraftList(name={"en": "A"}, candidates=people), DraftList()))
    assert len(change_question(question, "add-list").lists) == 3
    assert change_question(question, "up-candidate:1.2").lists[0].candidates == people[::-1]
    assert change_question(question, "remove-candidate:1.1").lists[0].candidates == people[1:]
    assert change_question(question, "add-candidate:2").lists[1].candidates == ({},)
    assert change_question(question, "add-candidate:9") == question
    assert change_question(question, "down-list:1").lists[1].name == {"en": "A"}
    # Saving drops what was never written.
    assert len(change_question(question, "save").lists) == 1


def test_the_buttons_of_questions_and_trustees() -> None:
    draft = sound_draft()
    two = change_questions(draft, "add")
    assert len(two.questions) == 2
    assert change_questions(two, "up:2").questions[1] == draft.questions[0]
    assert change_questions(two, "remove:2") == draft
    assert len(change_trustees(draft, "add-trustee").trustees) == 4
    assert [t.name for t in change_trustees(draft, "remove:2").trustees] == ["Anna", "Carlo"]
    full = sound_draft(questions=draft.questions * 50)
    assert len(change_questions(full, "add").questions) == 50


@given(
    st.dictionaries(
        st.one_of(
            st.text(max_size=20),
            st.sampled_from(
                [
                    "questions[1].options[1].en",
                    "questions[1].options[2].en",
                    "questions[1].options[999].en",
                    "questions[1].title.en",
                    "questions[1].min",
                    "questions[1].rule",
                    "trustees[1].name",
                    "trustees[1].email",
                    "threshold",
                ]
            ),
        ),
        st.text(max_size=40),
        max_size=8,
    )
)
def test_no_form_breaks_a_draft(form: dict[str, str]) -> None:
    draft = read_trustees(sound_draft(), form)
    question = read_question(draft, 1, form)
    made = msgspec.structs.replace(draft, questions=(question,))
    assert parse_draft(encode_draft(made)) == made
    draft_problems(made)
    draft_hash(made)


# -- faults at fields --------------------------------------------------------------------------------------------------


def test_faults_go_to_the_nearest_field_and_into_the_summary() -> None:
    fields = ["questions[1].points", "questions[1].title.en", "questions"]
    problems = [
        Problem("questions[1].points[3]", "is more than the rank before it has"),
        Problem("questions[1].title.en", "is empty", "write a text"),
        Problem("elsewhere", "is wrong"),
    ]
    found = FieldProblems(problems, fields, {"questions[1].points": "Points"})
    assert found.at("questions[1].points") == "is more than the rank before it has"
    assert found.at("questions[1].title.en") == "is empty (write a text)"
    assert found.at("questions") == ""
    assert [line.anchor for line in found.summary] == ["questions-1-points", "questions-1-title-en", ""]
    assert found.summary[0].text.startswith("Points: ")
    assert found


def test_ids_of_fields_are_plain() -> None:
    assert field_id("questions[1].lists[2].name.pt-br") == "questions-1-lists-2-name-pt-br"
