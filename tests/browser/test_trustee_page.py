"""The trustees' page in Chromium, with `urne-trustee` beside it, on one real board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.page_trustee import PageTrustee
from tests.browser.trustee_site import TrusteeSite, serve
from tests.simulators.trustees import TrusteeOffice
from trustee_tools.sources import open_view

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.conftest import Watch

Come = Callable[[int], PageTrustee]


@pytest.fixture
def office(tmp_path: Path) -> TrusteeOffice:
    return TrusteeOffice(tmp_path, trustees=3, threshold=2)


@pytest.fixture
def site(office: TrusteeOffice) -> Iterator[TrusteeSite]:
    with serve(office) as running:
        yield running


@pytest.fixture
def come(browser: Browser, watch: Watch, site: TrusteeSite, tmp_path: Path) -> Come:
    """Gives the trustee of a number in a browser of their own, who has opened the page."""

    def _come(index: int) -> PageTrustee:
        context = watch(browser.new_context(locale="en", accept_downloads=True))
        trustee = PageTrustee(context.new_page(), site, index, tmp_path)
        trustee.visit()
        return trustee

    return _come


def test_a_ceremony_and_a_decryption_with_two_browsers_and_one_terminal(office: TrusteeOffice, come: Come) -> None:
    anna, bea = come(1), come(2)
    anna.make_key()
    anna.move("join")
    bea.make_key()
    bea.move("join")
    office.join(3)
    for heading in ("commit", "send the shares", "confirm"):
        for trustee in (bea, anna):
            trustee.look()
            trustee.move(heading)
        office.step(3)
    with open_view(office.folder, allow_toy=True) as view:
        assert view.record.require_ceremony().complete
    office.vote()
    anna.look()
    assert "Waiting for the administrator to compute the encrypted tally" in anna.page.inner_text("main")
    office.tally()
    # Anna comes back on another day: nothing is kept in the browser but what everybody may know.
    anna.visit(invited=False)
    anna.open_key()
    anna.decrypt()
    office.decrypt(3)
    assert office.result() == (2, 1, 0)
    bea.look()
    assert "The result was published" in bea.page.inner_text("main")
