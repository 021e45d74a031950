"""The booth against a nosy site, hasty hands, and the next person at the same device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.booth_site import CLUB, BoothSite
from tests.browser.booth_walk import cast, enter_code, heading, to_review
from voting.booth import vote_pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoothSite]:
    with BoothSite(tmp_path_factory.mktemp("site"), voters=20) as served:
        yield served


@pytest.fixture
def code(site: BoothSite) -> str:
    return site.codes.pop()


@pytest.mark.parametrize("asked", [4, 8, 43, -1, "43", None])
def test_a_nosy_site_does_not_learn_whose_code_is_checked(
    page: Page, site: BoothSite, code: str, asked: object
) -> None:
    """How much of a credential is shown follows from the number of voters, which the administrator has signed."""

    def ask_for_more(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "prefix": asked})

    page.route("**/booth.json", ask_for_more)
    site.requests.clear()
    enter_code(page, site, code)
    expect(page.get_by_text("Your code is right.")).to_be_visible()
    assert [r for r in site.requests if "/credentials/" in r] == ["/e/club/credentials/?"]
    assert not any(site.key(code)[:4] in request for request in site.requests)


def test_in_a_large_election_the_beginning_of_the_key_is_shown_as_agreed(
    page: Page, site: BoothSite, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_pages, "LOOKED_UP_AT_MOST", 2)  # as if there were hundreds of times more voters
    page.route(
        "**/js/booth/election.js",
        lambda route: route.fulfill(
            body=route.fetch().text().replace("LOOKED_UP_AT_MOST = 1000", "LOOKED_UP_AT_MOST = 2"),
            content_type="text/javascript",
        ),
    )
    enter_code(page, site, code)
    expect(page.get_by_text("Your code is right.")).to_be_visible()
    assert f"/e/club/credentials/{site.key(code)[0]}?" in site.requests


def test_the_next_person_does_not_see_what_the_last_one_chose(page: Page, site: BoothSite, code: str) -> None:
    enter_code(page, site, code)
    page.get_by_role("button", name="Start").click()
    page.get_by_label("Blaise").check()
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Use another code").click()
    page.get_by_label("Your voter code").fill(site.codes.pop())
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start").click()
    heading(page, "Who shall chair?")
    assert page.locator("input:checked").count() == 0


def test_leaving_the_test_at_once_leaves_a_vote_that_can_be_cast(page: Page, site: BoothSite, code: str) -> None:
    before = site.ballots()
    to_review(page, site, code)
    page.evaluate("() => { document.getElementById('test').click(); }")
    heading(page, "Test this device")
    page.evaluate("() => history.back()")
    heading(page, "Check your choices")
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    page.wait_for_timeout(300)
    cast(page)
    assert site.ballots() == before + 1


def test_changing_the_language_while_the_test_is_prepared_shows_the_test(
    page: Page, site: BoothSite, code: str
) -> None:
    to_review(page, site, code)
    page.evaluate(
        """() => {
            document.getElementById('test').click();
            setTimeout(() => document.querySelector('#head button').click(), 0);
        }"""
    )
    heading(page, "Tester cet appareil")
    expect(page.locator("#test-text")).to_be_attached()
    assert page.get_by_role("alert").count() == 0


def test_an_answer_without_end_is_no_answer(page: Page, site: BoothSite) -> None:
    page.route(
        "**/js/booth/network.js",
        lambda route: route.fulfill(
            body=route.fetch().text().replace("16 * 1024 * 1024", "100_000"), content_type="text/javascript"
        ),
    )
    page.route("**/booth.json", lambda route: route.fulfill(body=b"{" + b" " * 200_000 + b"}"))
    page.goto(site.vote)
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")


def test_a_language_code_that_no_browser_knows_stops_nobody(page: Page, tmp_path: Path) -> None:
    source = CLUB.replace('languages = ["en", "fr"]', 'languages = ["de-12", "it"]')
    source = source.replace("en = ", "de-12 = ").replace("fr = ", "it = ")
    with BoothSite(tmp_path, source, voters=1) as strange:
        page.goto(f"{strange.vote}#code={strange.codes[0]}")
        expect(page.get_by_label("Language of this election")).to_contain_text("de-12")
        page.get_by_role("button", name="Start").click()
        heading(page, "Who shall chair?")
