"""Steps that several booth tests share: from a code to the review, and to the receipt."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.booth_site import BoothSite

TRACKER = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}-[0-9A-HJKMNP-TV-Z]")
LOCK = re.compile(r"[0-9A-HJKMNP-TV-Z]{6}")
SUCCESS = "Your vote is in the ballot box."


def enter_code(page: Page, site: BoothSite, code: str) -> None:
    """Type a code on the first page."""
    page.goto(site.vote)
    page.get_by_label("Your voter code").fill(code)
    page.get_by_role("button", name="Continue").click()


def to_review(page: Page, site: BoothSite, code: str) -> None:
    """Everything up to the review of the club election: Blaise; Monday and Friday."""
    enter_code(page, site, code)
    page.get_by_role("button", name=re.compile("^(Start|Vote again)$")).click()
    page.get_by_label("Blaise").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Monday").check()
    page.get_by_label("Friday").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()


def lock_number(page: Page) -> str:
    """The lock number shown."""
    return page.locator(".lock-number").first.inner_text()


def cast(page: Page) -> str:
    """Press the last button; gives the tracker."""
    page.get_by_role("button", name="Cast my vote").click()
    return tracker(page)


def tracker(page: Page) -> str:
    """The tracker shown on the receipt page."""
    expect(page.get_by_role("heading", level=1)).to_have_text(SUCCESS)
    found = page.locator("strong.tracker").inner_text()
    assert TRACKER.fullmatch(found), found
    return found


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait until the page's main heading has this text."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
