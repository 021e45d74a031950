"""The verifier's report as a page, in a browser: phone, desktop, paper; light and dark; English and French."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.integration.test_report_files import forged
from tests.simulators.record import sample_record
from voting.translations import set_language
from voting.verifier.load import open_record
from voting.verifier.report_html import html_report
from voting.verifier.verify import verify_record

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", ["good", "early", "forged"])
def test_the_page_is_accessible_and_fits(kind: str, language: str, page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "record"
    record = (
        forged(folder) if kind == "forged" else sample_record(folder, until="published" if kind == "good" else "open")
    )
    set_language(language)
    try:
        with open_record(record) as source:
            report = verify_record(source, allow_toy=True, language=language)
        data = html_report(report, language, record="record.zip", made="2026-11-24 12:00 UTC")
    finally:
        set_language("en")
    page.route("**/report.html", lambda route: route.fulfill(body=data, content_type="text/html"))
    page.goto("http://localhost/report.html")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("table tbody tr").count() == 21
    # The style is allowed by its hash alone: were the hash wrong, the page would have none.
    assert page.evaluate("getComputedStyle(document.querySelector('.verdict')).borderInlineStartStyle") == "solid"
    for width in (320, 1200):
        page.set_viewport_size({"width": width, "height": 800})
        assert_fits(page)
        assert_accessible(page)
        assert_targets(page)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
