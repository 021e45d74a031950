"""The booth when things go wrong while casting: a lost answer, a lying server, a closed election, a double click.

Whatever happens, the page never says that a vote counts before it has checked the board's promise, and in the end it
always says whether the vote counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import assert_accessible
from tests.browser.booth_site import BoothSite
from tests.browser.booth_walk import SUCCESS, cast, enter_code, to_review, tracker
from tests.browser.conftest import Watch

ENTRIES = "**/log/entries"
UNKNOWN = "It is not known whether your vote arrived."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoothSite]:
    with BoothSite(tmp_path_factory.mktemp("site"), voters=20) as served:
        yield served


@pytest.fixture
def code(site: BoothSite) -> str:
    return site.codes.pop()


@pytest.fixture(autouse=True)
def _expected_console_errors(watch: Watch) -> None:
    watch.allowed.append("Failed to load resource")


def press_cast(page: Page) -> None:
    page.get_by_role("button", name="Cast my vote").click()


# -- the network -------------------------------------------------------------------------------------------------------


def test_the_answer_is_lost_after_the_vote_arrived(page: Page, site: BoothSite, code: str) -> None:
    before = site.ballots()
    posts: list[str] = []

    def lose_answer(route: Route) -> None:
        posts.append(route.request.post_data or "")
        route.fetch()
        route.abort("connectionreset")

    page.route(ENTRIES, lose_answer)
    to_review(page, site, code)
    press_cast(page)
    expect(page.get_by_role("status").filter(has_text=UNKNOWN)).to_be_visible()
    assert SUCCESS not in page.inner_text("body")
    assert "You have not voted yet." not in page.inner_text("body")
    tracker(page)
    assert site.ballots() == before + 1
    assert len(posts) == 1, "the booth finds the ballot on the board instead of sending it again"


def test_the_request_is_lost_and_sent_again(page: Page, site: BoothSite, code: str) -> None:
    before = site.ballots()
    posts: list[str] = []

    def lose_request(route: Route) -> None:
        posts.append(route.request.post_data or "")
        if len(posts) < 3:
            route.abort("connectionfailed")
        else:
            route.continue_()

    page.route(ENTRIES, lose_request)
    to_review(page, site, code)
    press_cast(page)
    tracker(page)
    assert site.ballots() == before + 1
    assert len(posts) == 3
    assert len(set(posts)) == 1, "the very same bytes each time"


def test_the_network_is_cut_and_comes_back(page: Page, site: BoothSite, code: str) -> None:
    before = site.ballots()
    to_review(page, site, code)
    page.context.set_offline(True)
    press_cast(page)
    expect(page.get_by_role("status").filter(has_text=UNKNOWN)).to_be_visible()
    assert_accessible(page)
    page.evaluate("() => history.back()")
    expect(page.get_by_role("status").filter(has_text=UNKNOWN)).to_be_visible()
    page.context.set_offline(False)
    tracker(page)
    assert site.ballots() == before + 1


def test_a_busy_server_is_asked_again(page: Page, site: BoothSite, code: str) -> None:
    answers = [503, 429, 502]

    def busy(route: Route) -> None:
        if answers:
            route.fulfill(status=answers.pop(), json={"error": {"code": "busy", "message": "busy"}})
        else:
            route.continue_()

    page.route(ENTRIES, busy)
    to_review(page, site, code)
    cast(page)
    assert not answers


def test_a_portal_that_answers_for_the_server(page: Page, site: BoothSite, code: str) -> None:
    pages = ["<html>Please pay for this network</html>"]

    def portal(route: Route) -> None:
        if pages:
            route.fulfill(status=200, content_type="text/html", body=pages.pop())
        else:
            route.continue_()

    page.route(ENTRIES, portal)
    to_review(page, site, code)
    cast(page)


def test_no_network_at_the_start(page: Page, site: BoothSite, code: str) -> None:
    page.goto(site.vote)
    page.wait_for_selector("#code")
    page.context.set_offline(True)
    page.get_by_label("Your voter code").fill(code)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    expect(page.get_by_role("alert")).to_contain_text("Your vote was not counted.")
    expect(page.get_by_role("alert")).to_contain_text("Code: NET")
    page.context.set_offline(False)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Your code is right.")).to_be_visible()


# -- pressing twice, coming too late -----------------------------------------------------------------------------------


def test_a_double_click_casts_once(page: Page, site: BoothSite, code: str) -> None:
    before = site.ballots()
    to_review(page, site, code)
    page.evaluate("() => { const cast = document.getElementById('cast'); cast.click(); cast.click(); cast.click(); }")
    tracker(page)
    page.wait_for_timeout(300)
    assert site.ballots() == before + 1


def test_the_election_closes_before_the_cast(page: Page, tmp_path: Path) -> None:
    with BoothSite(tmp_path, voters=1) as site:
        to_review(page, site, site.codes[0])
        site.close()
        press_cast(page)
        problem = page.get_by_role("alert")
        expect(problem).to_contain_text("Voting has closed")
        expect(problem).to_contain_text("Your vote was not counted.")
        expect(problem).to_contain_text("Code: CLOSED")
        expect(problem).to_be_focused()
        assert_accessible(page)
        assert site.ballots() == 0


def test_the_election_closes_while_the_answer_is_lost(page: Page, tmp_path: Path) -> None:
    with BoothSite(tmp_path, voters=1) as site:
        to_review(page, site, site.codes[0])

        def lose_answer(route: Route) -> None:
            route.fetch()
            site.close()
            route.abort("connectionreset")

        page.route(ENTRIES, lose_answer)
        press_cast(page)
        tracker(page)
        assert site.ballots() == 1


def test_a_refusal_says_that_nothing_was_counted_and_can_be_tried_again(page: Page, site: BoothSite, code: str) -> None:
    refusals = [{"error": {"code": "verification", "message": "no", "check": "14"}}]

    def refuse(route: Route) -> None:
        if refusals:
            route.fulfill(status=409, json=refusals.pop())
        else:
            route.continue_()

    page.route(ENTRIES, refuse)
    to_review(page, site, code)
    press_cast(page)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("The ballot box did not accept your vote")
    expect(problem).to_contain_text("Your vote was not counted.")
    expect(problem).to_contain_text("Code: REFUSED-14")
    page.get_by_role("button", name="Lock again and try once more").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    expect(page.locator("main")).to_contain_text("Blaise")
    cast(page)


def test_a_refused_second_vote_leaves_the_first(page: Page, site: BoothSite, code: str) -> None:
    to_review(page, site, code)
    cast(page)
    to_review(page, site, code)
    page.route(ENTRIES, lambda route: route.fulfill(status=409, json={"error": {"code": "x", "message": "no"}}))
    press_cast(page)
    expect(page.get_by_role("alert")).to_contain_text("Your earlier vote still counts.")


# -- a server that lies ------------------------------------------------------------------------------------------------


def lying(page: Page, change: str) -> None:
    """Let the server answer with a receipt that was changed."""

    def answer(route: Route) -> None:
        response = route.fetch()
        receipt = response.json()
        if change == "header":
            receipt["header"] = receipt["header"].replace('"type":"ballot.cast"', '"type":"ballot.lost"')
        elif change == "proof":
            lines = receipt["proof"].split("\n")
            place = next(i for i, line in enumerate(lines) if line.startswith("index ")) + 1
            lines[place] = lines[place][::-1].lstrip("=")[:43].ljust(43, "A") + "="
            receipt["proof"] = "\n".join(lines)
        elif change == "signature":
            receipt["proof"] = (
                receipt["proof"][:-12] + ("A" if receipt["proof"][-12] != "A" else "B") + receipt["proof"][-11:]
            )
        else:
            receipt = {"header": receipt["header"], "proof": "c2sp.org/tlog-proof@v1\nindex 0\n\n"}
        route.fulfill(status=201, json=receipt)

    page.route(ENTRIES, answer)


@pytest.mark.parametrize("change", ["header", "proof", "signature", "empty"])
def test_a_promise_that_does_not_hold_is_no_success(
    page: Page, site: BoothSite, code: str, change: str, tmp_path: Path
) -> None:
    before = site.ballots()
    lying(page, change)
    to_review(page, site, code)
    press_cast(page)
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("The answer of the ballot box does not hold")
    expect(problem).to_contain_text("It is not known yet whether your vote was counted.")
    assert SUCCESS not in page.inner_text("body")
    assert page.locator(".tracker").count() == 0
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the evidence").click()
    saving.value.save_as(tmp_path / "evidence.json")
    evidence = json.loads((tmp_path / "evidence.json").read_text())
    assert evidence["code"].startswith("PROMISE")
    assert "proof" in evidence["answer"]
    assert "Blaise" not in json.dumps(evidence)
    assert "seed" not in json.dumps(evidence)
    page.get_by_role("button", name="Français").click()  # nothing that is drawn anew may forget what is open
    page.get_by_role("button", name="English").click()
    expect(problem).to_contain_text("It is not known yet whether your vote was counted.")
    assert "You have not voted yet." not in page.inner_text("body")
    expect(page.get_by_role("button", name="Change").first).to_be_disabled()
    page.unroute(ENTRIES)
    page.get_by_role("button", name="Ask the ballot box again").click()
    tracker(page)
    assert site.ballots() == before + 1


def test_a_history_that_was_rewritten_is_no_success(page: Page, site: BoothSite, code: str) -> None:
    def other_history(route: Route) -> None:
        hashes = route.fetch().json()
        route.fulfill(json=[("A" * 43) + "=" for _ in hashes])

    page.route("**/log/proof/consistency*", other_history)
    to_review(page, site, code)
    press_cast(page)
    expect(page.get_by_role("alert")).to_contain_text("The answer of the ballot box does not hold")
    assert SUCCESS not in page.inner_text("body")


def test_a_refused_proof_of_history_is_not_called_a_refused_vote(page: Page, site: BoothSite, code: str) -> None:
    page.route("**/log/proof/consistency*", lambda route: route.fulfill(status=400, json={"error": {"code": "x"}}))
    to_review(page, site, code)
    press_cast(page)
    expect(page.get_by_role("alert")).to_contain_text("It is not known yet whether your vote was counted.")


@pytest.mark.parametrize("part", ["manifest", "joint key", "checkpoint", "opening"])
def test_a_forged_election_is_not_shown(page: Page, site: BoothSite, part: str) -> None:
    def forge(route: Route) -> None:
        data = route.fetch().json()
        if part == "manifest":
            data["defined"]["body"] = data["defined"]["body"].replace("Blaise", "Blaire")
        elif part == "joint key":
            body = data["opened"]["body"]
            place = body.index('"joint_key":"') + 13
            data["opened"]["body"] = body[:place] + ("B" if body[place] != "B" else "C") + body[place + 1 :]
        elif part == "opening":
            data["opened"] = None
        else:
            note = data["checkpoint"]
            data["checkpoint"] = note[:-12] + ("A" if note[-12] != "A" else "B") + note[-11:]
        route.fulfill(json=data)

    page.route("**/booth.json", forge)
    page.goto(site.vote)
    expect(page.get_by_role("alert")).to_contain_text("The data of this election do not fit together")
    expect(page.get_by_role("alert")).to_contain_text("Do not vote here.")
    assert page.locator("#code").count() == 0


def test_a_broken_worker_is_a_plain_failure(page: Page, site: BoothSite, code: str) -> None:
    broken = "self.onmessage = ({data}) => self.postMessage({number: data.number, error: 'broken'});"
    page.route("**/lock_worker.js", lambda route: route.fulfill(body=broken, content_type="text/javascript"))
    enter_code(page, site, code)
    page.get_by_role("button", name="Start").click()
    page.get_by_label("Ada").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Monday").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be locked on this device")
    expect(page.get_by_role("alert")).to_contain_text("Your vote was not counted.")
    expect(page.get_by_role("button", name="Cast my vote")).to_be_disabled()
