"""The trial page of the form controls (pages/controls.html), and the questions that the tests put on it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from voting.translations import catalogue

NAMES = ("Ada", "Blaise", "Carl", "Diophantos", "Emmy")
TITLE = {"en": "Who should chair the board?", "fr": "Qui doit présider ?"}


def texts(*words: str) -> list[dict[str, str]]:
    return [{"en": word, "fr": f"{word} (fr)"} for word in words]


def question(method: str, **fields: Any) -> dict[str, Any]:
    made = {"method": method, "title": TITLE, "description": None, **fields}
    return made if method == "lists" else {"options": texts(*NAMES), **made}


SINGLE = question("choose", min=1, max=1, blank=True, seats=1)
SINGLE_OR_NONE = question("choose", min=0, max=1, blank=False, seats=1)
MULTIPLE = question("choose", min=1, max=3, blank=True, seats=1)
APPROVAL = question("choose", min=0, max=5, blank=False, seats=1)
EXACTLY_TWO = question("choose", min=2, max=2, blank=False, seats=1)
MANY = question("choose", options=texts(*(f"Élue {i}" for i in range(40))), min=0, max=3, blank=False, seats=1)
SCORE = question("score", highest=5, min=0, max=25)
BUDGET = question("score", highest=10, min=10, max=10)
GRADES = question("grades", grades=texts("Excellent", "Very good", "Good", "Acceptable", "Poor", "To reject"))
LONG_SCALE = question("grades", options=texts("Ada", "Carl"), grades=texts(*(f"Grade number {i}" for i in range(12))))
LISTS = question(
    "lists",
    lists=[
        {"name": texts("Together")[0], "candidates": texts("Ada", "Blaise", "Carl")},
        {"name": texts("Progress")[0], "candidates": texts("Diophantos", "Emmy")},
        {"name": texts("Closed list")[0], "candidates": []},
    ],
    seats=2,
    rule="d-hondt",
)
LONG_LISTS = question(
    "lists",
    lists=[
        {"name": texts(f"List {i}")[0], "candidates": texts(*(f"Person {i}.{j}" for j in range(8)))} for i in range(4)
    ],
    seats=2,
    rule="d-hondt",
)
RANKING = question("ranking", points=[4, 3, 2, 1, 0])
CONDORCET = question("condorcet", options=texts("Ada", "Blaise", "Carl"), rule="schulze")
TIES = question("condorcet-ties", rule="schulze")

ALL: dict[str, tuple[dict[str, Any], Any]] = {
    "single choice": (SINGLE, {"chosen": [1], "blank": False}),
    "single choice or none": (SINGLE_OR_NONE, {"chosen": []}),
    "too many chosen": (MULTIPLE, {"chosen": [0, 1, 2, 3]}),
    "many options": (MANY, {"chosen": [3]}),
    "score": (SCORE, {"scores": [5, 0, 1, 2, 0]}),
    "budget exceeded": (BUDGET, {"scores": [10, 0, 1, 2, 0]}),
    "grades": (GRADES, {"grades": [0, 5, None, None, 2]}),
    "long scale": (LONG_SCALE, {"grades": [11, None]}),
    "lists": (LISTS, {"list": 0, "candidates": [1]}),
    "long lists": (LONG_LISTS, {"list": 2, "candidates": [0]}),
    "ranking": (RANKING, {"order": [4, 1, 3]}),
    "nothing ranked": (CONDORCET, None),
    "all ranked": (CONDORCET, {"order": [2, 0, 1]}),
    "with ties": (TIES, {"levels": [0, 3, None, 3, None]}),
}


class Trial:
    """One control on the trial page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def show(self, asked: dict[str, Any], **settings: Any) -> None:
        self.page.evaluate("([asked, settings]) => window.trial.show(asked, settings)", [asked, settings])

    def answer(self) -> dict[str, Any]:
        """What the booth gets; an error is shown in the control as the booth would."""
        return self.page.evaluate("() => window.trial.answer()")  # type: ignore[no-any-return]

    def selection(self) -> Any:
        answer = self.answer()
        assert "error" not in answer, answer
        return answer["selection"]

    @property
    def status(self) -> Locator:
        return self.page.locator("#answer-status")

    def box(self, role: Any, name: str) -> Locator:
        return self.page.get_by_role(role, name=name, exact=True)

    def tab_to(self, field: Locator, most: int = 60) -> None:
        """Go there by the Tab key alone."""
        for _ in range(most):
            if field.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail("the Tab key never gets there")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def open_trial(page: Page, site: str) -> Trial:
    page.set_default_timeout(4_000)
    page.route("**/booth/texts/fr.json", lambda route: route.fulfill(json=catalogue("fr")))
    page.goto(f"{site}pages/controls.html")
    page.wait_for_selector("html[data-ready]")
    return Trial(page)
