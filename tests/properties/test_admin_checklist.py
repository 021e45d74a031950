"""The administrator's checklist: a pure function, tested for every stage and every single thing that can be missing."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.admin.checklist import (
    ElectionState,
    Move,
    Page,
    Rehearsed,
    Stage,
    blocking_issues,
    blocks_freeze,
    blocks_opening,
    next_step,
    page_of,
)
from voting.protocol.errors import Problem

NOW = "2026-11-24T08:00:00.000Z"
EARLIER, LATER = "2026-11-23T08:00:00.000Z", "2026-12-01T08:00:00.000Z"

GOOD_DRAFT = ElectionState(
    stage=Stage.DRAFT,
    now=NOW,
    opens=LATER,
    closes="2026-12-08T08:00:00.000Z",
    is_automatic=True,
    rehearsed=Rehearsed.DONE,
    approvals=1,
    voters=3,
    has_deletion_day=True,
)
GOOD_FROZEN = GOOD_DRAFT._replace(stage=Stage.FROZEN, is_key_made=True, listed=3, threshold=2)


def codes(state: ElectionState) -> list[str]:
    return [issue.code for issue in blocking_issues(state)]


def test_a_complete_draft_can_be_frozen_and_nothing_else_is_said() -> None:
    assert codes(GOOD_DRAFT) == ["freeze"]
    assert blocks_freeze(GOOD_DRAFT) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"problems": (Problem("title.en", "is empty"),)}, "draft-general"),
        ({"problems": (Problem("languages", "is empty"),)}, "draft-general"),
        ({"problems": (Problem("questions", "are 0"),)}, "draft-questions"),
        ({"problems": (Problem("questions[3].options[1].en", "is empty"),)}, "draft-questions"),
        ({"problems": (Problem("threshold", "is 4 with 3 trustees"),)}, "draft-trustees"),
        ({"problems": (Problem("trustees[1].email", "is no mail address"),)}, "draft-trustees"),
        ({"problems": (Problem("schedule.closes", "is not after schedule.opens"),)}, "draft-times"),
        ({"problems": (Problem("deletion", "is no date"),)}, "draft-times"),
        ({"problems": (Problem("authority_key", "is no key"),)}, "draft-codes"),
        ({"opens": EARLIER}, "opens-past"),
        ({"opens": NOW}, "opens-past"),
        ({"outside_authority": True}, "authority-key"),
        ({"second_factor": True, "voters_without_address": 1}, "voters-address"),
        ({"has_deletion_day": False}, "deletion-day"),
        ({"objections": 1}, "objections"),
        ({"rehearsed": Rehearsed.NEVER}, "rehearse"),
        ({"rehearsed": Rehearsed.RUNNING}, "rehearse"),
        ({"rehearsed": Rehearsed.FAILED}, "rehearse"),
        ({"rehearsed": Rehearsed.OTHER_DRAFT}, "rehearse"),
    ],
)
def test_each_single_fault_of_a_draft_stops_the_freeze(change: dict[str, Any], code: str) -> None:
    state = GOOD_DRAFT._replace(**change)
    assert [issue.code for issue in blocks_freeze(state)] == [code]
    step = next_step(blocking_issues(state))
    assert step is not None
    assert step.code == code
    assert "freeze" not in codes(state)


@pytest.mark.parametrize(("change", "code"), [({"voters": 0}, "voters"), ({"approvals": 0}, "preview")])
def test_advice_about_a_draft_stops_nothing(change: dict[str, Any], code: str) -> None:
    state = GOOD_DRAFT._replace(**change)
    assert codes(state) == [code, "freeze"]
    assert blocks_freeze(state) == []


def test_faults_of_one_page_are_one_issue_that_leads_to_the_question() -> None:
    problems = (
        Problem("questions[10].title.en", "x"),
        Problem("questions[2].min", "x"),
        Problem("questions[2].max", "x"),
    )
    issues = blocking_issues(GOOD_DRAFT._replace(problems=problems))
    assert [(issue.page, issue.part) for issue in issues] == [(Page.QUESTIONS, "2"), (Page.QUESTIONS, "10")]
    assert issues[0].text == "Question 2: 2 things are missing or wrong."
    assert issues[1].text == "Question 10: 1 thing is missing or wrong."


def test_an_outside_authority_with_a_key_needs_no_list_of_voters() -> None:
    assert codes(GOOD_DRAFT._replace(outside_authority=True, has_outside_key=True, voters=0)) == ["freeze"]


@pytest.mark.parametrize(
    ("change", "blocking"),
    [
        ({}, []),
        ({"listed": 0}, ["credentials"]),
        ({"listed": 0, "voters": 0}, ["credentials"]),
        ({"is_key_made": False, "ceremony_moves": (Move("Anna", "Anna must join."),)}, ["ceremony"]),
        ({"is_key_made": False, "failed_trustee": "Bea"}, ["ceremony-restart"]),
        ({"codes_waiting": 2, "mails_failed": 1}, []),
        ({"opens": EARLIER}, []),
    ],
)
def test_what_stops_the_opening(change: dict[str, Any], blocking: list[str]) -> None:
    for stage in (Stage.FROZEN, Stage.READY):
        state = GOOD_FROZEN._replace(stage=stage, **change)
        assert [issue.code for issue in blocks_opening(state)] == blocking
        assert ("open" in codes(state)) == (not blocking)


def test_whose_move_it_is_stands_in_the_issue() -> None:
    moves = (Move("Anna", "Anna must join."), Move("Bea", "Bea must join."))
    issues = blocking_issues(GOOD_FROZEN._replace(is_key_made=False, ceremony_moves=moves))
    assert [(issue.who, issue.text) for issue in issues] == list(moves)


def test_mail_is_advice() -> None:
    assert codes(GOOD_FROZEN._replace(codes_waiting=1, mails_failed=2)) == ["send-codes", "mail-failed", "open"]
    assert codes(GOOD_FROZEN._replace(stage=Stage.OPEN, codes_waiting=1)) == ["send-codes", "close"]
    assert codes(GOOD_FROZEN._replace(stage=Stage.OPEN, codes_waiting=1, outside_authority=True)) == ["close"]


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (Stage.OPEN, "close"),
        (Stage.CLOSED, "tally"),
        (Stage.TALLIED, "decrypt"),
        (Stage.PUBLISHED, "archive"),
    ],
)
def test_the_next_step_of_each_stage(stage: Stage, code: str) -> None:
    state = GOOD_FROZEN._replace(stage=stage, not_decrypted=("Anna", "Bea", "Carlo"))
    step = next_step(blocking_issues(state))
    assert step is not None
    assert step.code == code


@pytest.mark.parametrize("stage", [Stage.ARCHIVED, Stage.CANCELLED])
def test_nothing_is_left_when_it_is_over(stage: Stage) -> None:
    assert blocking_issues(GOOD_FROZEN._replace(stage=stage)) == []


def test_the_result_waits_for_exactly_as_many_trustees_as_are_needed() -> None:
    state = GOOD_FROZEN._replace(stage=Stage.TALLIED, decrypted=("Anna",), not_decrypted=("Bea", "Carlo"))
    assert codes(state) == ["decrypt"]
    assert blocking_issues(state)[0].who == "Bea, Carlo"
    assert codes(state._replace(decrypted=("Anna", "Bea"), not_decrypted=("Carlo",))) == ["publish"]
    assert codes(state._replace(decrypted=("Anna", "Bea", "Carlo"), not_decrypted=())) == ["publish"]


def test_closing_tells_by_itself_from_by_hand() -> None:
    state = GOOD_FROZEN._replace(stage=Stage.OPEN)
    texts = {
        blocking_issues(state._replace(is_automatic=automatic, closes=closes))[0].text
        for automatic, closes in product((True, False), (EARLIER, LATER, None))
    }
    assert len(texts) == 4


STATES = st.builds(
    ElectionState,
    stage=st.sampled_from(Stage),
    now=st.just(NOW),
    opens=st.sampled_from([None, EARLIER, LATER]),
    closes=st.sampled_from([None, EARLIER, LATER]),
    is_automatic=st.booleans(),
    problems=st.lists(
        st.sampled_from(["title", "questions", "questions[1]", "questions[12].min", "threshold", "deletion", "x"]).map(
            lambda where: Problem(where, "is wrong")
        ),
        max_size=4,
    ).map(tuple),
    rehearsed=st.sampled_from(Rehearsed),
    approvals=st.integers(0, 2),
    objections=st.integers(0, 2),
    voters=st.integers(0, 2),
    voters_without_address=st.integers(0, 2),
    listed=st.integers(0, 2),
    outside_authority=st.booleans(),
    has_outside_key=st.booleans(),
    second_factor=st.booleans(),
    codes_waiting=st.integers(0, 2),
    mails_failed=st.integers(0, 2),
    ceremony_moves=st.lists(st.just(Move("Anna", "Anna must join.")), max_size=2).map(tuple),
    failed_trustee=st.sampled_from(["", "Bea"]),
    is_key_made=st.booleans(),
    threshold=st.integers(1, 3),
    decrypted=st.lists(st.sampled_from(["Anna", "Bea"]), unique=True).map(tuple),
    not_decrypted=st.lists(st.sampled_from(["Carlo", "Dora"]), unique=True).map(tuple),
    has_deletion_day=st.booleans(),
)


@given(STATES)
def test_in_every_state_there_is_one_way_forward(state: ElectionState) -> None:
    issues = blocking_issues(state)
    over = state.stage in {Stage.ARCHIVED, Stage.CANCELLED}
    assert (next_step(issues) is None) == over
    steps = {"freeze", "open", "close", "tally", "publish", "archive"}
    taken = [issue for issue in issues if issue.code in steps]
    others = [issue for issue in issues if issue.blocks and issue.code not in steps]
    # The step itself is offered exactly when nothing else stops it, and comes last.
    assert len(taken) == (0 if over or others else 1)
    assert not taken or issues[-1] is taken[0]
    assert all(issue.text and "{" not in issue.text for issue in issues)
    assert len({(issue.code, issue.page, issue.part, issue.who) for issue in issues}) >= len(issues) - 1


@given(st.text(max_size=30))
def test_every_place_belongs_to_a_page(where: str) -> None:
    page, part = page_of(Problem(where, "is wrong"))
    assert page in Page
    assert part == "" or part.isdigit()
