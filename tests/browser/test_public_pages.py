"""The public pages in a browser: without JavaScript, on a phone, in light and dark, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.conftest import Watch
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.posted import PublicSiteSimulator
from tests.simulators.record import SampleElection, sample_election
from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from voting.election.steps import cancel_election, give_notice
from voting.protocol.manifest import Schedule
from voting.protocol.methods import Choose
from voting.protocol.tracker import tracker

METHODS = ("choose with blank", "approval", "score", "grades", "lists", "borda", "condorcet", "condorcet with ties")
LONG = "Wwwww" * 60
ARABIC = "انتخابات النادي"
MAX_PAGE_BYTES = 100_000


class Served:
    """The address of a live site, and trackers to look for."""

    def __init__(self, site: PublicSiteSimulator) -> None:
        self.election = open_election()
        site.host("open", self.election)
        site.host("done", finished_election())
        site.host("soon", sample_election(until="ceremony", seed=3))
        cancelled = sample_election(until="open", seed=4)
        cancelled.board.append(*cancel_election(cancelled.record, ADMINISTRATOR, "A mistake.", cancelled.now()))
        site.host("gone", cancelled)
        site.host("arabic", arabic_election())
        self.address = site.serve()
        record = self.election.record
        counted = {reference.seq for reference in record.last_ballot.values()}
        self.counted = tracker(record.ballots[-1].hash)
        self.replaced = next(tracker(each.hash) for each in record.ballots if each.seq not in counted)

    def paths(self) -> dict[str, str]:
        """Every page and every state of one."""
        return {
            "list": "/",
            "open": "/e/open",
            "soon": "/e/soon",
            "done": "/e/done",
            "gone": "/e/gone",
            "arabic": "/e/arabic",
            "check": "/e/open/check",
            "check found": f"/e/open/check?tracker={self.counted}",
            "check replaced": f"/e/open/check?tracker={self.replaced}",
            "check mistyped": "/e/open/check?tracker=K7Q2",
            "check missing": "/e/open/check?tracker=0000-0000-0000-0000-0",
            "no results": "/e/open/results",
            "results": "/e/done/results",
            "arabic results": "/e/arabic/results",
            "board": "/e/open/board",
            "entry": f"/e/open/board/{self.election.record.ballots[0].seq}",
            "keys": "/e/open/keys",
            "verify": "/e/open/verify",
            "nowhere": "/e/nowhere",
        }


def open_election() -> SampleElection:
    manifest = sample_election(until="defined").manifest
    schedule = Schedule(opens="2026-11-24T08:00:00.000Z", closes="2026-12-01T17:00:00.000Z")
    question = Choose(title={"en": LONG}, options=({"en": LONG}, {"en": "<b>no</b>"}), minimum=0)
    description = {"en": f"One line.\n\n{LONG}"}
    changed = msgspec.structs.replace(manifest, schedule=schedule, questions=(question,), description=description)
    election = SampleElection(changed, lenient=True)
    election.run_ceremony()
    voters = election.give_credentials([1, 2, 5])
    election.open()
    for voter in (voters[0], voters[0], voters[1]):
        election.vote(voter, [all_selections(question)[0]])
    election.board.append(*give_notice(election.record, ADMINISTRATOR, LONG, election.now()))
    return election


def finished_election() -> SampleElection:
    questions: list[Any] = [SMALL_QUESTIONS[name] for name in METHODS]
    every = [all_selections(question) for question in questions]
    ballots = [(voter, [each[(voter * 5 + 1) % len(each)] for each in every]) for voter in range(5)]
    return sample_election(questions, ballots, weights=(1, 1, 1, 1, 2), lenient=True, seed=2)


def arabic_election() -> SampleElection:
    question = Choose(title={"ar": ARABIC}, options=({"ar": "نعم 5"}, {"ar": "لا (3)"}), minimum=0)
    return sample_election((question,), [(0, [all_selections(question)[1]])], weights=(1,), lenient=True, seed=5)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with PublicSiteSimulator(tmp_path_factory.mktemp("public"), time_zone="Europe/Paris") as site:
        yield Served(site)


IN_FRENCH = ("open", "check replaced", "check mistyped", "results", "board", "entry")
"""Pages whose French is longer than the English; the others have the same parts."""


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_accessible_and_fits_a_narrow_phone(
    browser: Browser, watch: Watch, served: Served, language: str
) -> None:
    watch.allowed.append("404")
    page = watch(browser.new_context(viewport={"width": 320, "height": 640}, locale=language)).new_page()
    for name, path in served.paths().items():
        if language == "fr" and name not in IN_FRENCH:
            continue
        page.goto(served.address + path)
        for detail in page.locator("details").all():
            detail.evaluate("(element) => { element.open = true; }")
        try:
            assert_fits(page)
            assert_targets(page)
            assert_accessible(page)
        except BaseException as error:
            raise AssertionError(f"page {name}: {error}") from error


def test_wide_pages_are_accessible(browser: Browser, watch: Watch, served: Served) -> None:
    page = watch(browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr")).new_page()
    for path in ("/e/open", "/e/done/results", "/e/open/board"):
        page.goto(served.address + path)
        assert_fits(page)
        assert_accessible(page)


def test_nothing_needs_javascript(browser: Browser, watch: Watch, served: Served) -> None:
    watch.allowed.append("404")
    context = watch(browser.new_context(viewport={"width": 390, "height": 800}, locale="en", java_script_enabled=False))
    page = context.new_page()
    page.goto(served.address + "/")
    page.locator('a[href="/e/open"]').click()
    expect(page.get_by_role("link", name="Vote now")).to_be_visible()
    page.get_by_role("link", name="Check my vote").click()
    page.get_by_label("Tracker").fill("K7Q2-9MXD-4TFA-81WZ-8")
    page.get_by_role("button", name="Look it up").click()
    expect(page.get_by_role("alert")).to_contain_text("The tracker is mistyped")
    field = page.get_by_label("Tracker")
    assert field.get_attribute("aria-invalid") == "true"
    field.fill(served.counted.lower().replace("-", " "))
    field.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("This vote is in the ballot box")
    page.get_by_role("link", name="Entry ", exact=False).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ballot")
    page.get_by_role("link", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.goto(served.address + "/e/done")
    page.get_by_role("link", name="Résultats").or_(page.get_by_role("link", name="Results")).click()
    assert page.locator("table.result").count() >= len(METHODS)
    assert page.locator("svg.bar rect").count() > 20


def test_downloads_have_names(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/e/open/check?tracker={served.counted}")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the receipt").click()
    assert saved.value.suggested_filename == f"receipt-{served.counted}.json"
    page.goto(served.address + "/e/done/results")
    for name, file in (("CSV", "done-results.csv"), ("JSON", "done-results.json"), ("ZIP", "done-record.zip")):
        with page.expect_download() as saved:
            page.get_by_role("link", name=name).click()
        assert saved.value.suggested_filename == file


@pytest.mark.parametrize(
    ("zone", "added"),
    [("America/New_York", "(your time: Tuesday 1 December 2026 at 12:00)"), ("Europe/Paris", ""), ("UTC", "")],
)
def test_the_reader_s_own_time_is_added(browser: Browser, watch: Watch, served: Served, zone: str, added: str) -> None:
    page = watch(browser.new_context(locale="en-GB", timezone_id=zone)).new_page()
    page.goto(served.address + "/e/open")
    shown = page.get_by_text("Voting closes:").inner_text()
    assert "Tuesday 1 December 2026 at 18:00 Paris time (17:00 UTC)" in shown
    if added:
        assert added in shown.replace(",", "")
    else:
        assert "your time" not in shown


def test_the_bars_move_below_the_names_on_a_phone(browser: Browser, watch: Watch, served: Served) -> None:
    context = watch(browser.new_context(viewport={"width": 1000, "height": 800}, locale="en"))
    page = context.new_page()
    page.goto(served.address + "/e/done/results")
    beside, below = page.locator(".bar-cell").first, page.locator(".bar-below").first
    expect(beside).to_be_visible()
    expect(below).to_be_hidden()
    page.set_viewport_size({"width": 320, "height": 640})
    expect(beside).to_be_hidden()
    expect(below).to_be_visible()


def test_a_page_is_small(browser: Browser, watch: Watch, served: Served) -> None:
    page = watch(browser.new_context(locale="en")).new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(served.address + "/e/open", wait_until="networkidle")
    sizes = [len(answer.body()) for answer in answers]
    assert len(sizes) >= 4, "the page, two style sheets and a script"
    assert sum(sizes) < MAX_PAGE_BYTES


def test_the_page_can_be_walked_by_keyboard(page: Page, served: Served) -> None:
    page.goto(served.address + "/e/open/check")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "tracker":
            break
    page.keyboard.type(served.replaced)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Found, but replaced")
