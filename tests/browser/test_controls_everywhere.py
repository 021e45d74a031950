"""All form controls on all screens: small and large, light and dark, right to left, in French, with hostile texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.conftest import Watch, run_module
from tests.browser.trial import ALL, CONDORCET, GRADES, RANKING, SINGLE, Trial, open_trial
from tests.vectors.make_method_vectors import FILE

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture
def trial(page: Page, static_site: str) -> Trial:
    return open_trial(page, static_site)


@pytest.fixture
def phone(browser: Browser, watch: Watch, static_site: str) -> Trial:
    """On a screen of 320 by 640 pixels."""
    size: ViewportSize = {"width": 320, "height": 640}
    context = watch(browser.new_context(viewport=size, has_touch=True, locale="en", reduced_motion="reduce"))
    return open_trial(context.new_page(), static_site)


def test_grades_fold_to_cards(phone: Trial) -> None:
    phone.show(GRADES)
    card = phone.page.get_by_role("row", name="Blaise")
    expect(card.get_by_text("Very good")).to_be_visible()
    card.get_by_text("Very good").tap()
    assert phone.answer()["draft"] == {"grades": [None, 1, None, None, None]}


def _drag(trial: Trial, send: Callable[[str, float, float], None]) -> None:
    """Drag the fourth option by its grip to the second place."""
    trial.show(RANKING, selection={"order": [0, 1, 2, 3, 4]})
    items = trial.page.locator(".order-item")
    items.nth(3).scroll_into_view_if_needed()
    grip = items.nth(3).locator(".order-grip").bounding_box()
    above = items.nth(1).bounding_box()
    assert grip
    assert above
    x, start, stop = grip["x"] + 20, grip["y"] + 20, above["y"] + above["height"] / 2 - 8
    send("start", x, start)
    for step in range(1, 9):
        send("move", x, start + (stop - start) * step / 8)
    send("end", x, stop)
    expect(trial.status).to_have_text("Diophantos is now number 2 of 5.All options are ranked.")
    answer = trial.answer()
    assert (answer["selection"], answer["changes"]) == ({"order": [0, 3, 1, 2, 4]}, 1)


def test_order_by_dragging_with_the_mouse(trial: Trial) -> None:
    mouse = trial.page.mouse

    def send(what: str, x: float, y: float) -> None:
        mouse.move(x, y)
        if what != "move":
            (mouse.down if what == "start" else mouse.up)()

    _drag(trial, send)


def test_order_by_dragging_with_a_finger(phone: Trial) -> None:
    session = phone.page.context.new_cdp_session(phone.page)

    def send(what: str, x: float, y: float) -> None:
        points = [] if what == "end" else [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{what.capitalize()}", "touchPoints": points})

    _drag(phone, send)


def with_each(check: Callable[[dict[str, Any], Any], None]) -> None:
    """Run a check for every control on one page, which is quicker than a page each; report all that fail."""
    faults = []
    for name, (asked, selection) in ALL.items():
        try:
            check(asked, selection)
        except (AssertionError, pytest.fail.Exception) as error:
            faults.append(f"{name}: {error}")
    assert not faults, "\n".join(faults)


def test_on_a_small_screen(phone: Trial) -> None:
    def check(asked: dict[str, Any], selection: Any) -> None:
        phone.show(asked, selection=selection)
        phone.answer()  # shows the error, if there is one
        assert_fits(phone.page)
        assert_targets(phone.page)
        assert_accessible(phone.page)

    with_each(check)


def test_on_a_desktop_and_right_to_left(trial: Trial) -> None:
    def check(asked: dict[str, Any], selection: Any) -> None:
        trial.show(asked, selection=selection, dir="rtl")
        trial.answer()
        assert_fits(trial.page)
        assert_targets(trial.page)
        assert_accessible(trial.page)

    with_each(check)


def test_every_selection_of_the_vectors_comes_back_from_its_control(trial: Trial) -> None:
    cases = json.loads(FILE.read_text("utf-8"))["questions"]
    body = """
        const found = [];
        for (const { question, valid } of arg) {
          for (const { parsed } of valid) {
            await window.trial.show(question, { selection: parsed });
            const { selection, values } = window.trial.answer();
            found.push({ parsed: selection, values });
          }
        }
        return found;
    """
    found = run_module(trial.page, body, cases)
    expected = [{part: valid[part] for part in ("parsed", "values")} for case in cases for valid in case["valid"]]
    assert found == expected


def test_what_is_entered_survives_a_new_control(trial: Trial) -> None:
    def check(asked: dict[str, Any], selection: Any) -> None:
        trial.show(asked, selection=selection)
        before = trial.answer()
        trial.show(asked, selection=before["draft"], language="fr")
        assert trial.answer()["draft"] == before["draft"]
        if selection is not None:
            assert before["draft"] == {**before["draft"], **selection}

    with_each(check)


def test_election_texts_have_their_own_language_and_direction(trial: Trial) -> None:
    hebrew = [{"he": "חוה"}, {"he": "אדם"}]
    trial.show({**CONDORCET, "title": {"he": "מי?"}, "options": hebrew}, languages=["he"])
    name = trial.page.locator(".order-add span[lang]").first
    expect(name).to_have_attribute("lang", "he")
    expect(name).to_have_attribute("dir", "rtl")
    name.click()
    expect(trial.status).to_contain_text("\u2068חוה\u2069 is now number 1 of 2.")
    trial.show(SINGLE, language="fr", languages=["en", "fr"])
    expect(trial.box("radio", "Ada (fr)")).to_be_visible()
    assert trial.page.locator(".choice [lang]").count() == 0
    trial.show(SINGLE, language="de", languages=["fr", "en"])  # the election's main language, not the first there is
    expect(trial.page.locator(".choice [lang=fr]").first).to_have_text("Ada (fr)")


def test_description_is_read_with_the_question(trial: Trial) -> None:
    about = {"en": "The chair leads the board.\n\nFor two years.", "fr": "x"}
    trial.show({**SINGLE, "description": about})
    expect(trial.page.locator("#answer-about p")).to_have_text(["The chair leads the board.", "For two years."])
    assert "answer-about" in (trial.page.locator("fieldset#answer").get_attribute("aria-describedby") or "").split()


def _hostile(asked: dict[str, Any], text: str) -> dict[str, Any]:
    """The question with this text in all places."""
    words = {"en": text, "fr": text}
    made = {**asked, "description": words}
    for field in ("options", "grades"):
        made[field] = [words] * len(asked.get(field, []))
    made["lists"] = [
        {"name": words, "candidates": [words] * len(each["candidates"])} for each in asked.get("lists", [])
    ]
    return made


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)><script>alert(2)</script>", "W" * 2000], ids=("tags", "long")
)
@pytest.mark.parametrize("name", ["too many chosen", "score", "grades", "lists", "ranking", "with ties"])
def test_hostile_texts(phone: Trial, name: str, text: str) -> None:
    asked, selection = ALL[name]
    phone.show(_hostile(asked, text), selection=selection)
    phone.answer()
    assert_fits(phone.page)
    assert phone.page.locator("main img, main script").count() == 0
    assert text in phone.page.locator("main").inner_text()


def _covered(page: Page) -> str | None:
    """What of the focused field the status line covers, if anything."""
    found: str | None = page.evaluate(
        """() => {
          const field = (document.activeElement.labels?.[0] ?? document.activeElement).getBoundingClientRect();
          const line = document.querySelector("#answer-status").getBoundingClientRect();
          const isCovered = field.bottom > line.top + 1 && field.top < line.bottom - 1;
          return isCovered ? `${document.activeElement.id}: ${field.bottom} below ${line.top}` : null;
        }"""
    )
    return found


@pytest.mark.parametrize("name", ["many options", "grades", "long lists", "ranking"])
def test_the_status_line_covers_no_focused_field(phone: Trial, name: str) -> None:
    asked, selection = ALL[name]
    phone.show(asked, selection=selection)
    keys = ["Tab"] * 45 + ["Shift+Tab"] * 44
    for key in keys:
        phone.press(key)
        if phone.page.evaluate("() => Boolean(document.activeElement.closest('.control-body'))"):
            assert _covered(phone.page) is None


def test_in_french_nothing_stays_english(trial: Trial) -> None:
    words = ("Choose", "Give", "chosen", "Points given", "ranked", "ranking", "Place of", "of at most", "Rank ")

    def check(asked: dict[str, Any], selection: Any) -> None:
        trial.show(asked, selection=selection, language="fr")
        trial.answer()
        shown = trial.page.locator(".control").inner_text()
        assert not [english for english in words if english in shown], shown

    with_each(check)
