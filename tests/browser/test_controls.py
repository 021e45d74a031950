"""The form control of each voting method: by mouse and by keyboard alone, with the right selection or a clear error."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.trial import (
    APPROVAL,
    BUDGET,
    CONDORCET,
    EXACTLY_TWO,
    GRADES,
    LISTS,
    LONG_LISTS,
    MANY,
    MULTIPLE,
    NAMES,
    RANKING,
    SCORE,
    SINGLE,
    SINGLE_OR_NONE,
    TIES,
    Trial,
    open_trial,
)


@pytest.fixture
def trial(page: Page, static_site: str) -> Trial:
    return open_trial(page, static_site)


# -- choose ------------------------------------------------------------------------------------------------------------


def test_single_choice_by_mouse(trial: Trial) -> None:
    trial.show(SINGLE)
    answer = trial.answer()
    assert (answer["error"], answer["field"], answer["isBlank"]) == (
        "Choose one option, or the blank vote.",
        "answer-option-0",
        True,
    )
    expect(trial.page.locator("#answer-error")).to_contain_text("Choose one option, or the blank vote.")
    trial.page.get_by_text("Blaise").click()
    expect(trial.page.locator("#answer-error")).to_be_hidden()
    trial.page.get_by_text("Carl").click()
    assert trial.selection() == {"chosen": [2], "blank": False}
    trial.page.get_by_text("Blank vote", exact=True).click()
    answer = trial.answer()
    assert answer["selection"] == {"chosen": [], "blank": True}
    assert (answer["values"], answer["changes"], answer["isBlank"]) == ([0, 0, 0, 0, 0, 1], 3, False)


def test_single_choice_by_keyboard(trial: Trial) -> None:
    trial.show(SINGLE)
    trial.tab_to(trial.box("radio", "Ada"))
    trial.press("Space", "ArrowDown")
    assert trial.selection() == {"chosen": [1], "blank": False}
    trial.press("ArrowUp", "ArrowUp")  # around the end, to the blank vote
    assert trial.selection() == {"chosen": [], "blank": True}


def test_single_choice_can_be_taken_back_where_none_is_allowed(trial: Trial) -> None:
    trial.show(SINGLE_OR_NONE)
    assert trial.selection() == {"chosen": [], "blank": False}
    trial.box("radio", "Emmy").check()
    assert trial.selection()["chosen"] == [4]
    trial.box("radio", "No option").check()
    assert trial.selection() == {"chosen": [], "blank": False}


def test_too_many_are_explained_and_never_prevented(trial: Trial) -> None:
    trial.show(MULTIPLE)
    expect(trial.status).to_have_text("0 of at most 3 chosen; choose at least 1.")
    trial.tab_to(trial.box("checkbox", "Ada"))
    trial.press("Space", "Tab", "Space")
    expect(trial.status).to_have_text("2 of at most 3 chosen.")
    trial.press("Tab", "Space", "Tab", "Space")
    expect(trial.status).to_have_text("4 options chosen, but at most 3 are allowed. Untick 1.")
    answer = trial.answer()
    assert answer["error"] == "4 options chosen, but at most 3 are allowed. Untick 1."
    assert answer["field"] == "answer-option-0"
    assert answer["draft"] == {"chosen": [0, 1, 2, 3], "blank": False}
    expect(trial.box("checkbox", "Ada")).to_have_attribute("aria-invalid", "true")
    trial.press("Space")
    expect(trial.box("checkbox", "Ada")).not_to_have_attribute("aria-invalid", "true")
    assert trial.selection() == {"chosen": [0, 1, 2], "blank": False}


def test_blank_vote_and_other_choices_clear_each_other(trial: Trial) -> None:
    trial.show(MULTIPLE)
    trial.box("checkbox", "Ada").check()
    trial.box("checkbox", "Emmy").check()
    trial.box("checkbox", "Blank vote").check()
    expect(trial.status).to_have_text("Blank vote chosen.Your 2 other choices were cleared.")
    expect(trial.box("checkbox", "Ada")).not_to_be_checked()
    assert trial.selection() == {"chosen": [], "blank": True}
    trial.box("checkbox", "Carl").check()
    expect(trial.status).to_contain_text("The blank vote was cleared.")
    expect(trial.box("checkbox", "Blank vote")).not_to_be_checked()
    assert trial.selection() == {"chosen": [2], "blank": False}


def test_leaving_all_empty_is_named_where_it_is_allowed(trial: Trial) -> None:
    trial.show(APPROVAL)
    expect(trial.status).to_contain_text("You may leave it so")
    assert trial.selection() == {"chosen": [], "blank": False}


def test_too_few(trial: Trial) -> None:
    trial.show(EXACTLY_TWO, selection={"chosen": [3]})
    expect(trial.status).to_have_text("1 of 2 chosen.")
    assert trial.answer()["error"] == "Choose at least 2 options."


def test_long_questions_have_a_box_to_find_options(trial: Trial) -> None:
    trial.show(MANY, selection={"chosen": [3]})
    search = trial.page.get_by_label("Find among 40 options")
    search.fill("elue 12")
    shown = trial.page.locator(".choice:visible")
    expect(shown).to_have_text(["Élue 3", "Élue 12"])  # the chosen one stays in sight
    expect(trial.page.get_by_text("2 of 40 options are shown.")).to_be_visible()
    search.press("Enter")
    assert trial.answer()["sent"] is False
    trial.box("checkbox", "Élue 12").check()
    search.fill("")
    expect(shown).to_have_count(40)
    assert trial.selection()["chosen"] == [3, 12]


# -- score -------------------------------------------------------------------------------------------------------------


def test_points_by_mouse(trial: Trial) -> None:
    trial.show(BUDGET)
    for _ in range(3):
        trial.box("button", "More points for Blaise").click()
    trial.box("button", "Fewer points for Blaise").click()
    trial.box("button", "Fewer points for Ada").click()
    expect(trial.status).to_have_text("Ada: 0Points given: 2. Give at least 8 more.")
    trial.box("spinbutton", "Emmy").fill("8")
    expect(trial.status).to_have_text("Points given: 10 of 10. Left: 0.")
    assert trial.selection() == {"scores": [0, 2, 0, 0, 8]}
    trial.box("button", "More points for Carl").click()
    answer = trial.answer()
    assert answer["error"] == "Points given: 11, but only 10 are allowed. Take 1 away."
    assert answer["field"] == "answer-option-4"


def test_points_by_keyboard(trial: Trial) -> None:
    trial.show(SCORE)
    trial.tab_to(trial.box("spinbutton", "Ada"))
    trial.press("4", "Tab", "Enter", "Tab", "Space")  # 4, one more, and one less than 0 for the next
    trial.press("Tab", "ArrowUp", "ArrowUp", "ArrowUp", "Enter", "Shift+Tab", "Space")
    assert trial.selection() == {"scores": [5, 2, 0, 0, 0]}
    assert trial.answer()["sent"] is False


@pytest.mark.parametrize("typed", ["6", "-1", "1.5", "1e3", "e"])
def test_wrong_points_are_never_corrected_in_silence(trial: Trial, typed: str) -> None:
    trial.show(SCORE)
    trial.box("spinbutton", "Carl").press_sequentially(typed)
    answer = trial.answer()
    assert (answer["error"], answer["field"]) == ("Carl: type a whole number from 0 to 5.", "answer-option-2")
    expect(trial.box("spinbutton", "Carl")).to_have_attribute("aria-invalid", "true")
    expect(trial.status).to_have_text("Carl: type a whole number from 0 to 5.")


def test_an_emptied_field_means_no_points_and_the_wheel_changes_nothing(trial: Trial) -> None:
    trial.show(SCORE, selection={"scores": [4, 3, 0, 0, 0]})
    trial.box("spinbutton", "Ada").fill("")
    trial.press("Tab")
    expect(trial.box("spinbutton", "Ada")).to_have_value("0")
    trial.box("spinbutton", "Blaise").click()
    trial.page.mouse.wheel(0, 200)
    trial.page.wait_for_timeout(100)
    assert trial.selection() == {"scores": [0, 3, 0, 0, 0]}


# -- grades ------------------------------------------------------------------------------------------------------------


def test_grades_by_mouse(trial: Trial) -> None:
    trial.show(GRADES)
    expect(trial.page.get_by_role("columnheader", name="Very good")).to_be_visible()
    for name, grade in (("Ada", "Excellent"), ("Blaise", "To reject"), ("Carl", "Good"), ("Emmy", "Poor")):
        trial.box("radio", f"{name} {grade}").check()
    expect(trial.status).to_have_text("4 of 5 options have a grade.")
    answer = trial.answer()
    assert answer["error"] == "Give each option a grade. Still without: Diophantos."
    assert answer["field"] == "answer-option-3-grade-0"
    assert answer["draft"] == {"grades": [0, 5, 2, None, 4]}
    trial.box("radio", "Diophantos Excellent").check()
    assert trial.selection() == {"grades": [0, 5, 2, 0, 4]}


def test_grades_by_keyboard(trial: Trial) -> None:
    trial.show(GRADES)
    trial.tab_to(trial.box("radio", "Ada Excellent"))
    trial.press("Space")
    for _ in NAMES[1:]:
        trial.press("Tab", "Space", "ArrowRight")
    assert trial.selection() == {"grades": [0, 1, 1, 1, 1]}


# -- lists -------------------------------------------------------------------------------------------------------------


def test_lists_by_mouse(trial: Trial) -> None:
    trial.show(LISTS)
    assert (trial.answer()["error"], trial.answer()["field"]) == ("Choose one list.", "answer-list-0")
    trial.box("checkbox", "Blaise").check()  # chooses the list
    trial.box("checkbox", "Ada").check()
    expect(trial.status).to_have_text("Chosen: Together, with 2 personal votes.")
    assert trial.selection() == {"list": 0, "candidates": [0, 1]}
    trial.box("radio", "Progress").check()
    expect(trial.status).to_have_text(
        "Personal votes for Together were cleared.Chosen: Progress, without personal votes."
    )
    expect(trial.box("checkbox", "Ada")).not_to_be_checked()
    assert trial.selection() == {"list": 1, "candidates": []}
    trial.box("radio", "Closed list").check()
    assert trial.answer()["values"] == [0, 0, 1, 0, 0, 0, 0, 0]


def test_lists_by_keyboard(trial: Trial) -> None:
    trial.show(LISTS)
    trial.tab_to(trial.box("radio", "Together"))
    trial.press("Space", "ArrowDown")
    trial.tab_to(trial.box("checkbox", "Emmy"))
    trial.press("Space")
    assert trial.selection() == {"list": 1, "candidates": [1]}
    assert trial.page.get_by_role("group", name="Candidates of Progress").is_visible()


def test_long_lists_fold_their_candidates(trial: Trial) -> None:
    trial.show(LONG_LISTS)
    expect(trial.box("checkbox", "Person 2.3")).to_be_hidden()
    trial.box("radio", "List 2").check()
    trial.box("checkbox", "Person 2.3").check()
    trial.page.get_by_text("Candidates of List 0 (8)").click()
    trial.box("checkbox", "Person 0.7").check()
    assert trial.selection() == {"list": 0, "candidates": [7]}
    expect(trial.status).to_contain_text("Personal votes for List 2 were cleared.")


# -- orders ------------------------------------------------------------------------------------------------------------


def test_order_by_mouse(trial: Trial) -> None:
    trial.show(CONDORCET)
    answer = trial.answer()
    assert answer["error"] == "Rank all options. 3 options are not ranked yet."
    assert (answer["field"], answer["isBlank"]) == ("answer-option-0", True)
    trial.box("button", "Carl").click()
    expect(trial.status).to_have_text("Carl is now number 1 of 3.2 options are not ranked yet.")
    trial.box("button", "Ada").click()
    assert trial.answer()["draft"] == {"order": [2, 0]}
    trial.box("button", "Blaise").click()
    expect(trial.status).to_have_text("Blaise is now number 3 of 3.All options are ranked.")
    assert trial.selection() == {"order": [2, 0, 1]}
    trial.box("button", "Move Blaise up").click()
    trial.box("combobox", "Place of Carl").select_option("3")
    assert trial.selection() == {"order": [1, 0, 2]}
    trial.box("combobox", "Place of Ada").select_option("Take out")
    expect(trial.status).to_have_text("Ada is taken out.1 option is not ranked yet.")
    assert trial.answer()["field"] == "answer-option-0"
    trial.box("button", "Start again").click()
    assert trial.answer()["draft"] == {"order": []}


def test_order_by_keyboard(trial: Trial) -> None:
    trial.show(RANKING)
    trial.tab_to(trial.box("button", "Blaise"))
    trial.press("Enter")  # the focus goes to the next option that is not ranked
    expect(trial.box("button", "Carl")).to_be_focused()
    trial.press("Enter", "Enter", "Enter")
    expect(trial.box("button", "Ada")).to_be_focused()
    trial.press("Enter")
    expect(trial.box("combobox", "Place of Ada")).to_be_focused()
    trial.press("Tab", "Space", "Space")  # Up, twice: the focus stays on the button
    expect(trial.box("button", "Move Ada up")).to_be_focused()
    expect(trial.status).to_contain_text("Ada is now number 3 of 5.")
    trial.press("Tab", "Enter")
    expect(trial.box("button", "Move Ada down")).to_be_focused()
    assert trial.selection() == {"order": [1, 2, 3, 0, 4]}
    trial.tab_to(trial.box("combobox", "Place of Emmy"))
    trial.press("Home")
    expect(trial.box("combobox", "Place of Emmy")).to_be_focused()
    assert trial.selection() == {"order": [4, 1, 2, 3, 0]}


def test_order_stops_at_its_ends(trial: Trial) -> None:
    trial.show(CONDORCET, selection={"order": [2, 0, 1]})
    up = trial.box("button", "Move Carl up")
    expect(up).to_have_attribute("aria-disabled", "true")
    up.focus()
    trial.press("Enter")
    expect(up).to_be_focused()
    answer = trial.answer()
    assert (answer["selection"], answer["changes"]) == ({"order": [2, 0, 1]}, 0)


def test_places_with_ties(trial: Trial) -> None:
    trial.show(TIES)
    expect(trial.status).to_contain_text("You may leave it so")
    assert trial.selection() == {"levels": [None] * 5}
    trial.box("combobox", "Ada").select_option("Rank 3")
    trial.tab_to(trial.box("combobox", "Blaise"))
    trial.press("ArrowDown")
    trial.tab_to(trial.box("combobox", "Carl"))
    trial.press("ArrowDown", "ArrowDown", "ArrowDown")
    answer = trial.answer()
    assert answer["selection"] == {"levels": [2, 0, 2, None, None]}
    assert answer["values"][:5] == [1, 0, 1, 2, 2]
    expect(trial.status.locator("p")).to_have_text(
        ["Your ranking so far:", "Rank 1: Blaise", "Rank 2: Ada, Carl", "Not ranked: Diophantos, Emmy"]
    )
