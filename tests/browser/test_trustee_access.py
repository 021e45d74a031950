"""The trustees' page for everybody: axe-core on every screen, a narrow phone, the keyboard alone, French."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.page_trustee import PageTrustee
from tests.browser.trustee_site import TrusteeSite, serve
from tests.simulators.trustees import PASSPHRASE, TrusteeOffice

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.browser.conftest import Watch

PHONE: ViewportSize = {"width": 320, "height": 640}


@pytest.fixture
def office(tmp_path: Path) -> TrusteeOffice:
    return TrusteeOffice(tmp_path, trustees=3, threshold=2)


@pytest.fixture
def site(office: TrusteeOffice) -> Iterator[TrusteeSite]:
    with serve(office) as running:
        yield running


@pytest.fixture
def anna(browser: Browser, watch: Watch, site: TrusteeSite, office: TrusteeOffice, tmp_path: Path) -> PageTrustee:
    """Trustee 1 at a small phone, with a key file that `urne-trustee` made."""
    context = watch(browser.new_context(locale="en", viewport=PHONE, accept_downloads=True))
    trustee = PageTrustee(context.new_page(), site, 1, tmp_path)
    trustee.use(office.key(1), PASSPHRASE)
    trustee.only_when_asked()
    trustee.visit()
    return trustee


def assert_good(page: Page) -> None:
    """What holds for every screen."""
    assert_accessible(page)
    assert_fits(page)
    assert_targets(page)
    assert page.locator("h1").count() == 1
    assert page.locator("button.primary").count() <= 1


def test_every_screen_is_accessible_and_fits_a_phone(anna: PageTrustee, office: TrusteeOffice) -> None:
    page = anna.page
    assert_good(page)
    page.locator("summary").click()
    assert_good(page)
    anna.press("Make my key")
    assert_good(page)
    anna.press("Go on")
    assert_good(page)
    anna.press("I have written it down")
    anna.press("Go on")
    assert "That is not the same passphrase." in page.get_by_role("alert").inner_text()
    assert_good(page)
    anna.press("Give up; nothing is kept")
    anna.press("Check my key file")
    assert_good(page)
    anna.press("Check")
    assert "No file is chosen." in page.get_by_role("alert").inner_text()
    assert_good(page)
    anna.press("Back")
    anna.open_key()
    assert_good(page)
    anna.press("That is me")
    assert_good(page)
    anna.move("join")
    assert_good(page)
    for index in (2, 3):
        office.join(index)
    office.ceremony([1, 2, 3], rounds=0)
    for _round in range(3):
        for index in (1, 2, 3):
            office.step(index)
    office.vote()
    office.tally()
    anna.look()
    assert_good(page)
    anna.press("Check the ballots")
    page.get_by_role("heading", name="Decrypt this tally?").wait_for()
    assert_good(page)
    anna.press("Decrypt this tally")
    page.locator(".note.good", has_text="was read back").wait_for()
    assert_good(page)


def test_the_alarm_is_accessible(anna: PageTrustee, site: TrusteeSite) -> None:
    site.spoil = lambda path, data: data.replace(b"Trustee 2", b"Trustee X") if "/bodies" in path else data
    anna.visit()
    anna.page.get_by_role("heading", name="Stop: something is wrong").wait_for()
    assert_good(anna.page)


def test_by_keyboard_alone(anna: PageTrustee, office: TrusteeOffice) -> None:
    page = anna.page

    def tab_to(name: str) -> None:
        for _step in range(30):
            page.keyboard.press("Tab")
            focused = page.evaluate("() => document.activeElement.innerText || document.activeElement.id")
            if focused == name:
                return
        pytest.fail(f"{name} is not reached by the keyboard")

    tab_to("Open my key file")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.tagName") == "H1"
    tab_to("key-file")
    page.locator("#key-file").set_input_files(office.key(1))
    tab_to("passphrase")
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Which trustee are you?").wait_for()
    tab_to("That is me")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your move: join").wait_for()
    tab_to("Yes, join")
    page.keyboard.press("Enter")
    page.locator(".note.good", has_text="was read back").wait_for()


def test_in_french(anna: PageTrustee) -> None:
    page = anna.page
    anna.press("Français")
    page.get_by_text("Étape 1 sur 8.").wait_for()
    assert page.locator("html").get_attribute("lang") == "fr"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("html").get_attribute("lang") == "fr"


def test_a_page_whose_program_does_not_arrive_says_so(anna: PageTrustee, watch: Watch) -> None:
    watch.allowed.append("ERR_FAILED")
    page = anna.page
    page.goto("about:blank")
    page.route("**/js/trustee/main.js", lambda route: route.abort())
    page.goto(anna.site.page)
    page.get_by_role("heading", name="This page could not start").wait_for()
    assert_accessible(page, without=("page-has-heading-one", "heading-order"))


def test_without_scripts_the_page_names_other_ways(browser: Browser, watch: Watch, site: TrusteeSite) -> None:
    page = watch(browser.new_context(java_script_enabled=False)).new_page()
    page.goto(site.page)
    assert "needs JavaScript" in page.inner_text("main")
    assert "urne-trustee" in page.inner_text("main")
