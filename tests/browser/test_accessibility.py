"""What axe-core cannot see (docs/accessibility.md): text spacing, contrast of controls, focus, what is heard.

Rules that belong to one page or one control are tested beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import SCHEMES, assert_fits
from tests.browser.booth_site import BoothSite
from tests.browser.booth_walk import cast, enter_code, heading, to_review
from tests.browser.conftest import Watch
from tests.simulators.posted import PublicSiteSimulator
from tests.simulators.record import SampleElection, sample_election
from voting.protocol.tracker import tracker as tracker_of

SMALL_SCREEN: Any = {"width": 320, "height": 640}
WIDE_SPACING = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
    p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
CUT_OFF = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!hasText || !element.checkVisibility() || element.closest(".visually-hidden, .skip")) return false;
  const {overflowX, overflowY} = getComputedStyle(element);
  const hides = (overflow) => overflow === "hidden" || overflow === "clip";
  return (hides(overflowX) && element.scrollWidth > element.clientWidth + 1)
    || (hides(overflowY) && element.scrollHeight > element.clientHeight + 1);
}).map((element) => element.outerHTML.slice(0, 120))"""
CONTRAST = """([selector, property, other]) => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const luminance = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const of = (element, name) => luminance(getComputedStyle(element)[name]);
  const one = of(document.querySelector(selector), property);
  const two = of(document.querySelector(other), "backgroundColor");
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}"""
FOCUS = """async () => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const seen = [element, ...(element.labels ?? [])];
  const isOutlined = seen.some((each) => {
    const {outlineStyle, outlineWidth} = getComputedStyle(each);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  });
  const isShown = () => seen.some((each) => {
    const {left, top, right, bottom} = each.getBoundingClientRect();
    const inside = left < innerWidth && right > 0 && top < innerHeight && bottom > 0;
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return inside && hit !== null && (each.contains(hit) || hit.contains(each));
  });
  // The browser scrolls to what has the focus in its own time.
  for (let turn = 0; turn < 60 && !isShown(); turn++) await new Promise(requestAnimationFrame);
  return {name: element.outerHTML.slice(0, 120), isOutlined, isShown: isShown()};
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoothSite]:
    with BoothSite(tmp_path_factory.mktemp("site"), voters=10) as served:
        yield served


@pytest.fixture
def code(site: BoothSite) -> str:
    """A code that no other test uses."""
    return site.codes.pop()


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, election: SampleElection) -> Iterator[str]:
    """The address of public pages about a finished election."""
    with PublicSiteSimulator(tmp_path_factory.mktemp("public")) as site:
        site.host("done", election)
        yield site.serve()


def walk(page: Page, site: BoothSite, code: str, look: Callable[[str], None]) -> None:
    """Through the booth from code to receipt, with a wrong turn and a test; `look` is called on every screen."""
    page.goto(site.vote)
    expect(page.get_by_label("Your voter code")).to_be_visible()
    look("code")
    enter_code(page, site, code)
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    look("start")
    page.get_by_role("button", name="Start").click()
    heading(page, "Who shall chair?")
    look("question")
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("alert")).to_be_focused()
    look("faults")
    page.get_by_label("Blaise").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Monday").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    look("review")
    page.get_by_role("button", name="Test this device").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    look("test")
    page.get_by_role("button", name="Yes: go on and vote").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    cast(page)
    look("receipt")


# -- 1.4.12 text spacing, 1.4.11 contrast of controls ------------------------------------------------------------------


def assert_spaced(page: Page, name: str) -> None:
    page.evaluate(WIDE_SPACING)
    cut = page.evaluate(CUT_OFF)
    assert not cut, f"{name}: text is cut off:\n" + "\n".join(cut)
    assert_fits(page)


def test_the_booth_bears_wide_text_spacing(browser: Browser, watch: Watch, site: BoothSite, code: str) -> None:
    page = watch(browser.new_context(viewport=SMALL_SCREEN, locale="en")).new_page()
    walk(page, site, code, lambda name: assert_spaced(page, name))


@pytest.mark.parametrize("path", ["", "/results", "/check", "/board", "/keys", "/verify"])
def test_public_pages_bear_wide_text_spacing(browser: Browser, watch: Watch, public: str, path: str) -> None:
    page = watch(browser.new_context(viewport=SMALL_SCREEN, locale="fr")).new_page()
    page.goto(f"{public}/e/done{path}")
    assert_spaced(page, path)


def test_text_that_is_cut_off_is_noticed(page: Page, public: str) -> None:
    page.goto(f"{public}/e/done/check")
    page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
        sheet.replaceSync("h1 { block-size: 1rem; overflow: hidden; }");
        document.adoptedStyleSheets = [sheet]; }"""
    )
    assert page.evaluate(CUT_OFF)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_controls_and_focus_stand_out(page: Page, site: BoothSite, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(site.vote)
    field = page.get_by_label("Your voter code")
    expect(field).to_be_visible()
    field.focus()
    for what in (("#code", "borderTopColor", "body"), ("#code", "outlineColor", "body")):
        assert page.evaluate(CONTRAST, list(what)) >= 3, what
    assert page.evaluate(CONTRAST, ["main button.primary", "color", "main button.primary"]) >= 4.5
    assert page.evaluate(CONTRAST, ["main button.primary", "backgroundColor", "body"]) >= 3


# -- 2.4.7, 2.4.11 focus -----------------------------------------------------------------------------------------------


def test_focus_is_always_seen(browser: Browser, watch: Watch, site: BoothSite, public: str, code: str) -> None:
    page = watch(browser.new_context(viewport=SMALL_SCREEN, locale="en")).new_page()

    def tab_through(name: str) -> None:
        seen = 0
        for _ in range(40):
            page.keyboard.press("Tab")
            focus = page.evaluate(FOCUS)
            if focus is None:
                break
            assert focus["isOutlined"], f"{name}: no outline: {focus['name']}"
            assert focus["isShown"], f"{name}: covered or out of sight: {focus['name']}"
            seen += 1
        assert seen >= 3, name

    walk(page, site, code, tab_through)
    for path in ("", "/check", "/results"):
        page.goto(f"{public}/e/done{path}")
        tab_through(path)


# -- 1.3.1, 4.1.2, 4.1.3 what is heard ---------------------------------------------------------------------------------

HEARD = {
    "code": """
        - heading "Club election" [level=1]
        - list:
          - listitem: /You need your voter code and about \\d+ minutes/
          - listitem: /Voting closes/
          - listitem: /You can vote again until .*; only your last vote counts\\./
        - textbox "Your voter code"
        - status
        - button "Continue"
        - group: How this works
        """,
    "start": """
        - heading "Club election" [level=1]
        - status: /Your code is right\\. Your pseudonym on the board/
        - button "Start"
        - button "Use another code"
        """,
    "faults": """
        - paragraph: Question 1 of 2
        - alert:
          - heading "This answer cannot be used yet" [level=2]
          - paragraph:
            - link "Choose one option, or the blank vote."
        - group "Who shall chair?":
          - heading "Who shall chair?" [level=1]
          - paragraph: "Error: Choose one option, or the blank vote."
          - radio "Ada"
          - radio "Blaise"
          - radio "Chien-Shiung"
          - radio "Blank vote"
        - button "Next question"
        - button "Back"
        """,
    "review": """
        - heading "Check your choices" [level=1]
        - region "Who shall chair?":
          - heading "Who shall chair?" [level=2]
          - list:
            - listitem: Blaise
          - button "Change"
        - region "Which days suit you?":
          - heading "Which days suit you?" [level=2]
          - list:
            - listitem: Monday
          - button "Change"
        - status: /Your vote is locked\\. Lock number/
        - paragraph:
          - strong: You have not voted yet.
        - button "Cast my vote"
        - button "Test this device first (optional)"
        """,
    "test": """
        - heading "Test this device" [level=1]
        - paragraph: This test ballot will not be counted. You still have to vote.
        - list:
          - listitem: /The lock number of your vote was/
          - listitem:
            - img "QR code that opens the test on the other device"
          - listitem:
            - term: Who shall chair?
            - definition: Blaise
        - group /Does the other device show what you chose, and lock number [0-9A-Z]{6}\\?/:
          - 'button "Yes: go on and vote"'
          - button "No"
        """,
    "receipt": """
        - heading "Your vote is in the ballot box." [level=1]
        - paragraph: /The receipt was checked on this device/
        - region "Your tracker":
          - paragraph:
            - strong: /([0-9A-Z]{4}-){4}[0-9A-Z]/
          - paragraph: It shows that your vote is in the box. It does not show what you voted.
          - img "QR code of the page that finds your tracker on the board"
        - button "Save the receipt"
        - button "Print"
        - link "Send by e-mail"
        - link "Check my vote"
        """,
}


def test_every_step_is_heard_as_it_should_be(page: Page, site: BoothSite, code: str) -> None:
    missing = set(HEARD)

    def listen(name: str) -> None:
        if name in HEARD:
            expect(page.locator("main")).to_match_aria_snapshot(HEARD[name])
            missing.discard(name)

    walk(page, site, code, listen)
    assert not missing


def test_a_vote_that_was_found_is_heard(page: Page, public: str, election: SampleElection) -> None:
    counted = election.record.last_ballot.values()
    found = next(ballot for ballot in election.record.ballots if ballot.seq in {each.seq for each in counted})
    page.goto(f"{public}/e/done/check?tracker={tracker_of(found.hash)}")
    expect(page.locator("main")).to_match_aria_snapshot(
        """
        - heading "Check my vote" [level=1]
        - status:
          - heading /Found/ [level=2]
        """
    )


# -- 3.2.6 help in one place, 3.3.7 and 3.3.8 nothing twice, nothing to solve ------------------------------------------


def test_help_is_in_the_same_place_on_every_step(page: Page, site: BoothSite, code: str) -> None:
    found: dict[str, str] = {}
    walk(page, site, code, lambda name: found.update({name: page.get_by_role("contentinfo").aria_snapshot()}))
    assert "office@example.org" in found["code"]
    assert len(found) == 7
    assert set(found.values()) == {found["code"]}


def test_nothing_is_asked_twice_and_pasting_is_allowed(page: Page, site: BoothSite, code: str) -> None:
    page.goto(site.vote)
    field = page.get_by_label("Your voter code")
    expect(field).to_be_visible()
    allowed = field.evaluate(
        "(field) => field.dispatchEvent(new ClipboardEvent('paste', {bubbles: true, cancelable: true}))"
    )
    assert allowed, "the page prevents pasting"
    to_review(page, site, code)
    cast(page)
    page.get_by_role("button", name="Vote again").click()
    page.get_by_role("button", name=re.compile("Vote again|Start")).click()
    heading(page, "Who shall chair?")
