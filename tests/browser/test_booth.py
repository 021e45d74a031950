"""The booth from code to receipt, on a real board: mouse, keyboard, phone, codes, voting again, practice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.booth_site import CLUB, BoothSite
from tests.browser.booth_walk import LOCK, SUCCESS, cast, enter_code, heading, lock_number, to_review, tracker
from tests.browser.conftest import Watch
from voting.election.credentials import generate_code
from voting.protocol.tlog.note import parse_vkey
from voting.verifier.receipt import check_receipt, read_receipt_file

FIRST_PAGE_BYTES = 100_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoothSite]:
    with BoothSite(tmp_path_factory.mktemp("site"), voters=20) as served:
        yield served


@pytest.fixture
def code(site: BoothSite) -> str:
    """A code that no other test uses."""
    return site.codes.pop()


# -- whole votes -------------------------------------------------------------------------------------------------------


def test_a_vote_from_the_link_to_the_receipt(page: Page, site: BoothSite, code: str, tmp_path: Path) -> None:
    site.requests.clear()
    before = site.ballots()
    page.goto(f"{site.vote}#code={code}")
    expect(page.get_by_text("Your code is right.")).to_be_visible()
    assert page.url == site.vote, "the code must leave the address at once"
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Question 1 of 2")).to_be_visible()
    page.get_by_label("Blaise").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Tuesday").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.locator("main")).to_contain_text("You have not voted yet.")
    assert LOCK.fullmatch(lock := lock_number(page))
    assert site.ballots() == before
    assert SUCCESS not in page.inner_text("body")
    shown = cast(page)
    assert shown.replace("-", "").startswith(lock)
    assert site.ballots() == before + 1

    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the receipt").click()
    path = tmp_path / "receipt.json"
    saving.value.save_as(path)
    header, _checkpoint = check_receipt(
        read_receipt_file(path.read_bytes()), parse_vkey(site.manifest.board, what="key")
    )
    assert header.type == "ballot.cast"
    link = page.get_by_role("link", name="Check my vote").get_attribute("href")
    assert link == f"{site.address}/e/club/check?tracker={shown}"
    assert not any(code in asked or "code=" in asked for asked in site.requests)
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0


def test_a_whole_vote_by_keyboard_alone(page: Page, site: BoothSite, code: str) -> None:
    def tab_to(name: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            label = page.evaluate(
                """() => { const e = document.activeElement;
                return e.labels?.[0]?.textContent.trim() || e.getAttribute("aria-label") || e.textContent.trim(); }"""
            )
            if label.startswith(name):
                return
        raise AssertionError(f"cannot reach {name} by Tab")

    page.goto(site.vote)
    page.wait_for_selector("#code")
    tab_to("Your voter code")
    page.keyboard.type(code.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your code is right.")).to_be_visible()
    tab_to("Start")
    page.keyboard.press("Enter")
    heading(page, "Who shall chair?")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    tab_to("Ada")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to("Next question")
    page.keyboard.press("Enter")
    heading(page, "Which days suit you?")
    tab_to("Friday")
    page.keyboard.press("Space")
    tab_to("Continue to review")
    page.keyboard.press("Enter")
    heading(page, "Check your choices")
    expect(page.locator("main")).to_contain_text("Blaise")
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    tab_to("Cast my vote")
    page.keyboard.press("Enter")
    tracker(page)
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_every_screen_on_a_small_phone(browser: Browser, watch: Watch, site: BoothSite, code: str) -> None:
    page = watch(browser.new_context(viewport={"width": 320, "height": 640}, locale="en")).new_page()

    def check() -> None:
        assert_fits(page)
        assert_targets(page)
        assert_accessible(page)

    enter_code(page, site, code[:-1])
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    check()
    enter_code(page, site, code)
    start = page.get_by_role("button", name="Start")
    expect(start).to_be_visible()
    check()
    start.click()
    heading(page, "Who shall chair?")
    check()
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_role("alert")).to_be_focused()
    check()
    page.get_by_label("Blank vote").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Friday").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    check()
    page.get_by_role("button", name="Test this device").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    check()
    page.get_by_role("button", name="No", exact=True).click()
    heading(page, "Do not vote on this device")
    check()
    page.get_by_role("button", name="It was a mistake").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    cast(page)
    check()


def test_a_vote_in_french(browser: Browser, watch: Watch, site: BoothSite, code: str) -> None:
    page = watch(browser.new_context(locale="fr-FR")).new_page()
    page.goto(f"{site.vote}#code={code}")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.get_by_role("button", name="Commencer").click()
    heading(page, "Qui préside ?")
    page.get_by_label("Blaise").check()
    page.get_by_role("button", name="English").click()
    heading(page, "Who shall chair?")
    expect(page.get_by_label("Blaise")).to_be_checked()
    page.get_by_role("button", name="Français").click()
    page.get_by_role("button", name="Question suivante").click()
    page.get_by_label("Mardi").check()
    page.get_by_role("button", name="Vers la relecture").click()
    expect(page.locator("main")).to_contain_text("Vous n’avez pas encore voté.")
    page.get_by_role("button", name="Déposer mon vote").click()
    heading(page, "Votre vote est dans l’urne.")
    page.reload()
    expect(page.get_by_label("Votre code de vote")).to_be_visible()


# -- choices -----------------------------------------------------------------------------------------------------------


def test_choices_are_kept_when_going_back(page: Page, site: BoothSite, code: str) -> None:
    to_review(page, site, code)
    lock = lock_number(page)
    page.get_by_role("button", name="Change").first.click()
    heading(page, "Who shall chair?")
    expect(page.get_by_label("Blaise")).to_be_checked()
    page.get_by_label("Ada").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.locator("main")).to_contain_text("Ada")
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    assert lock_number(page) != lock
    page.go_back()
    heading(page, "Who shall chair?")
    page.go_back()
    heading(page, "Check your choices")
    page.go_back()
    heading(page, "Which days suit you?")
    expect(page.get_by_label("Monday")).to_be_checked()
    page.get_by_label("Monday").uncheck()
    page.get_by_label("Friday").uncheck()
    page.go_forward()
    heading(page, "Which days suit you?")  # an answer is missing now, so the review is out of reach


def test_leaving_with_choices_asks_first(page: Page, site: BoothSite, code: str) -> None:
    to_review(page, site, code)
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    page.reload()
    assert asked == ["beforeunload"]
    to_review(page, site, code)
    cast(page)
    page.reload()
    assert asked == ["beforeunload"]


def test_one_question_is_heard_as_it_should_be(page: Page, site: BoothSite, code: str) -> None:
    enter_code(page, site, code)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("main")).to_match_aria_snapshot(
        """
        - paragraph: Question 1 of 2
        - group "Who shall chair?":
          - heading "Who shall chair?" [level=1]
          - radio "Ada"
          - radio "Blaise"
          - radio "Chien-Shiung"
          - radio "Blank vote"
        - button "Next question"
        - button "Back"
        """
    )


# -- codes -------------------------------------------------------------------------------------------------------------


def test_typing_errors_are_found_before_anything_is_sent(page: Page, site: BoothSite, code: str) -> None:
    groups = code.split("-")
    last = "0" if code[-1] != "0" else "1"
    wrong = {
        "-".join([*groups[:2], "U" + groups[2][1:], *groups[3:]]): "Group 3 contains a character that no code has.",
        "-".join([groups[0], groups[1][:4], *groups[2:]]): "Group 2 has 4 characters instead of 5.",
        "".join(groups)[:-3]: "The code has 22 characters instead of 25.",
        code[:-1] + last: "There is a typing error in the code.",
        "  ": "Enter your voter code.",
    }
    page.goto(site.vote)
    page.wait_for_selector("#code")
    site.requests.clear()
    for typed, words in wrong.items():
        page.get_by_label("Your voter code").fill(typed)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.get_by_label("Your voter code")).to_be_focused()
        expect(page.locator("#code-problem")).to_contain_text("you have not voted")
    assert site.requests == []
    page.get_by_label("Your voter code").fill(" " + code.lower().replace("-", " ").replace("0", "o"))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Your code is right.")).to_be_visible()


def test_a_foreign_code_belongs_to_nobody_here(page: Page, site: BoothSite) -> None:
    enter_code(page, site, generate_code(lambda length: b"\x07" * length))
    expect(page.get_by_role("alert")).to_contain_text("it belongs to no voter of this election")


def test_a_replaced_code_says_so(page: Page, tmp_path: Path) -> None:
    replaced: list[str] = []
    with BoothSite(
        tmp_path, voters=1, replaced_keys=lambda _name, prefix: [key for key in replaced if key.startswith(prefix)]
    ) as site:
        old = generate_code(lambda length: b"\x09" * length)
        replaced.append(site.key(old))
        enter_code(page, site, old)
        expect(page.get_by_role("alert")).to_contain_text("replaced by a newer one")


def test_voting_again_replaces_the_first_vote(page: Page, site: BoothSite, code: str) -> None:
    ballots, voters = site.ballots(), site.voters()
    to_review(page, site, code)
    first = cast(page)
    expect(page.locator("main")).to_contain_text("You can vote again until")
    page.get_by_role("button", name="Vote again").click()
    expect(page.locator("main")).to_contain_text("You have voted already.")
    page.get_by_role("button", name="Vote again").click()
    expect(page.get_by_label("Blaise")).not_to_be_checked()
    to_review(page, site, code)  # on a fresh page: the site knows, too
    second = cast(page)
    assert first != second
    assert (site.ballots(), site.voters()) == (ballots + 2, voters + 1)


# -- times, phases, practice -------------------------------------------------------------------------------------------


def test_before_the_opening_and_after_the_end(page: Page, tmp_path: Path) -> None:
    with BoothSite(tmp_path, voters=1, opened=False) as site:
        page.goto(site.vote)
        expect(page.get_by_role("alert")).to_contain_text("Voting is not open yet")
        expect(page.locator("main")).to_contain_text("Announced opening: Tuesday")
        assert_accessible(page)
        site.open()
        page.get_by_role("button", name="Load again").click()
        expect(page.get_by_label("Your voter code")).to_be_visible()
        site.close()
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("Voting has closed")
        expect(page.get_by_role("alert")).to_contain_text("A vote that you cast before still counts.")


def test_a_warning_before_the_end(page: Page, tmp_path: Path) -> None:
    closes = datetime.now(UTC) + timedelta(minutes=4, seconds=30)
    source = CLUB.replace("2026-11-24T", "2020-11-24T")
    source = source.replace("2099-12-01T18:00:00+01:00", closes.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    with BoothSite(tmp_path, source, voters=1) as site:
        page.goto(site.vote)
        expect(page.locator("#banners")).to_contain_text(re.compile("Voting closes in [34] min"))


def test_practice_sends_nothing_and_shows_no_tracker(page: Page, site: BoothSite) -> None:
    before = site.ballots()
    page.goto(f"{site.vote}?practice")
    expect(page.locator("#banners")).to_contain_text("Practice")
    assert page.title().startswith("PRACTICE")
    site.requests.clear()
    page.get_by_role("button", name="Start practice").click()
    page.get_by_label("Ada").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Monday").check()
    page.get_by_role("button", name="Continue to review").click()
    assert page.get_by_role("button", name="Test this device").count() == 0
    page.get_by_role("button", name="Cast my vote").click()
    heading(page, "End of the practice")
    expect(page.locator("main")).to_contain_text("you have not voted")
    assert page.locator(".tracker").count() == 0
    assert_accessible(page)
    assert site.ballots() == before
    assert all(asked.startswith("/booth/") for asked in site.requests), site.requests


def test_without_javascript_other_ways_are_named(browser: Browser, watch: Watch, site: BoothSite) -> None:
    page = watch(browser.new_context(java_script_enabled=False)).new_page()
    page.goto(site.vote)
    told = page.locator("noscript").inner_text()
    for words in ("You have not voted.", "Vous n’avez pas voté.", "urne vote"):
        assert words in " ".join(told.split())
    page.locator("noscript a").first.click()
    assert page.url.rstrip("/") == f"{site.address}/e/club"


def test_an_old_browser_is_told_so(browser: Browser, site: BoothSite) -> None:
    with browser.new_context() as context:  # not watched: its modules may well fail
        context.add_init_script("delete window.BigInt;")
        page = context.new_page()
        page.goto(site.vote)
        expect(page.get_by_role("alert").first).to_contain_text("This browser is too old to vote with")
        expect(page.get_by_role("alert").first).to_contain_text("You have not voted.")


def test_a_browser_without_signatures_is_told_before_the_questions(
    browser: Browser, watch: Watch, site: BoothSite, code: str
) -> None:
    context = watch(browser.new_context())
    context.add_init_script("if (crypto.subtle) crypto.subtle.generateKey = () => Promise.reject(new Error('no'));")
    page = context.new_page()
    enter_code(page, site, code)
    expect(page.get_by_role("alert")).to_contain_text("This browser cannot lock votes")


def test_a_file_that_does_not_arrive_is_noticed(page: Page, site: BoothSite, watch: Watch) -> None:
    watch.allowed.append("Failed to load resource")
    page.route("**/booth/js/booth/main.js", lambda route: route.abort())
    page.goto(site.vote)
    expect(page.get_by_role("alert").first).to_contain_text("could not be loaded completely")


# -- size --------------------------------------------------------------------------------------------------------------


def test_the_first_page_is_small_and_preloads_what_it_needs(page: Page, site: BoothSite) -> None:
    page.goto(site.vote)
    page.wait_for_selector("#code")
    entries = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .map(({name, transferSize}) => [new URL(name).pathname, transferSize])"""
    )
    assert sum(size for _path, size in entries) < FIRST_PAGE_BYTES, json.dumps(entries, indent=1)
    modules = {path for path, _size in entries if path.startswith("/booth/js/")}
    links = page.locator("link[rel=modulepreload]")
    preloaded = {links.nth(index).get_attribute("href") for index in range(links.count())}
    assert modules - preloaded == {"/booth/js/booth/main.js", "/booth/js/booth/watch.js"}
    assert preloaded <= modules


# -- texts of the election ---------------------------------------------------------------------------------------------

HOSTILE = """
title = { ar = "انتخابات", de = "<script>document.title = 'bad'</script> Wahl" }
languages = ["ar", "de"]
contact = "help@example.org"
trustees = ["Anna"]
group = "toy-512"

[[questions]]
method = "choose"
title = { ar = "من؟", de = "Wer? LANG" }
options = [{ ar = "أ", de = "<img src=x onerror=alert(1)>" }, { ar = "ب", de = "LANG" }]
""".replace("LANG", "Donaudampfschifffahrt" * 20)


def test_texts_in_other_languages_and_hostile_ones(browser: Browser, watch: Watch, tmp_path: Path) -> None:
    page = watch(browser.new_context(viewport={"width": 320, "height": 640}, locale="en")).new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"a text was run: {dialog.message}"))
    with BoothSite(tmp_path, HOSTILE, voters=1) as site:
        page.goto(f"{site.vote}#code={site.codes[0]}")
        title = page.get_by_role("heading", level=1).locator("span")
        expect(title).to_have_text("انتخابات")
        expect(title).to_have_attribute("dir", "rtl")
        expect(title).to_have_attribute("lang", "ar")
        page.get_by_label("Language of this election").select_option("de")
        heading(page, "<script>document.title = 'bad'</script> Wahl")
        expect(page.get_by_label("Language of this election")).to_be_focused()
        assert_fits(page)
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Wer?")
        assert_fits(page)
        page.get_by_label("<img src=x").check()
        page.get_by_role("button", name="Continue to review").click()
        expect(page.locator("main")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
        assert_fits(page)
        assert_accessible(page)
        cast(page)
