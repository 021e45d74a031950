"""The harness itself: modules load under the strict policy, and faults in a page are noticed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Watch, run_module


def test_a_module_runs(page: Page, static_site: str) -> None:
    page.goto(static_site)
    body = 'const { DecodeError } = await import("/booth/js/core/errors.js"); return new DecodeError(arg).code;'
    assert run_module(page, body, "no good") == "malformed"


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("console.error('broken')", "broken"),
        ("setTimeout(() => { throw new Error('lost') })", "lost"),
        ("document.body.setAttribute('onclick', 'alert(1)')", "Content Security Policy"),
        ("fetch('http://192.0.2.1/').catch(() => 0)", "192.0.2.1"),
    ],
    ids=["console", "uncaught", "policy", "foreign host"],
)
def test_faults_are_noticed(browser: Browser, static_site: str, script: str, fault: str) -> None:
    watching = Watch()
    page = watching(browser.new_context()).new_page()
    page.goto(static_site)
    page.evaluate(f"() => {{ {script} }}")
    page.wait_for_timeout(200)
    with pytest.raises(pytest.fail.Exception, match=fault):
        watching.finish()


def test_expected_faults_are_allowed(page: Page, watch: Watch, static_site: str) -> None:
    watch.allowed.append("on purpose")
    page.goto(static_site)
    page.evaluate("() => console.error('this is on purpose')")
