"""Checks of a page's accessibility that any browser test can use (WCAG 2.2 AA; the table in the design's 1.5).

    assert_accessible(page)      # axe-core finds nothing, in light and in dark
    assert_fits(page)            # nothing to scroll sideways
    assert_targets(page)         # everything to press is at least 44 CSS pixels high and wide

axe-core comes with the Python package axe-playwright-python; nothing is fetched.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

_RUN = """
async ({tags, off}) => {
  const rules = Object.fromEntries(off.map((id) => [id, {enabled: false}]));
  const options = {runOnly: {type: "tag", values: tags}, rules, resultTypes: ["violations"]};
  const {violations, passes} = await window.axe.run(document, options);
  return {
    passed: passes.length,
    violations: violations.map(({id, help, nodes}) =>
      ({id, help, nodes: nodes.map(({html, failureSummary}) => `${html.slice(0, 200)}\\n      ${failureSummary}`)})),
  };
}
"""

_TARGETS = """
(least) => {
  const wanted = "button, .button, select, summary, input, textarea, .choice";
  const isShown = (element) => element.checkVisibility({visibilityProperty: true}) && element.type !== "hidden";
  return [...document.querySelectorAll(wanted)].filter(isShown).flatMap((element) => {
    const isBox = element.matches("input[type=radio], input[type=checkbox]");
    const pressed = isBox ? (element.labels[0] ?? element) : element;
    const {width, height} = pressed.getBoundingClientRect();
    const isLarge = Math.round(width) >= least && Math.round(height) >= least;
    return isLarge ? [] : [`${Math.round(width)}x${Math.round(height)}: ${pressed.outerHTML.slice(0, 160)}`];
  });
}
"""


@cache
def _axe() -> str:
    try:
        return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    except (ImportError, FileNotFoundError):
        reason = "the Python package axe-playwright-python is not installed"
        if os.environ.get("URNE_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def assert_accessible(
    page: Page, *, schemes: tuple[Literal["light", "dark"], ...] = SCHEMES, without: tuple[str, ...] = ()
) -> None:
    """Fail with everything that axe-core finds on the page as it stands.

    Args:
        page: with the state to be checked.
        schemes: colour schemes to check in; the page ends as it was for a reader without a preference.
        without: ids of rules to leave out, where a test page is no whole page.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {_axe()}; return true; }}")
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        result: dict[str, Any] = page.evaluate(_RUN, {"tags": list(TAGS), "off": list(without)})
        assert result["passed"], "axe-core has checked nothing"
        for fault in result["violations"]:
            places = "\n    ".join(fault["nodes"])
            found.append(f"{scheme}: {fault['id']}: {fault['help']}\n    {places}")
    page.emulate_media(color_scheme=None)
    assert not found, "\n".join(found)


def assert_fits(page: Page) -> None:
    """Fail if the page can be scrolled sideways; name the elements that stick out."""
    width = page.evaluate("() => document.documentElement.clientWidth")
    if page.evaluate("() => document.documentElement.scrollWidth") <= width:
        return
    wide = page.evaluate(
        """(width) => [...document.querySelectorAll("body *")].filter((element) => {
          const {left, right} = element.getBoundingClientRect();
          return right > width + 1 || left < -1;
        }).map((element) => element.outerHTML.slice(0, 120))""",
        width,
    )
    pytest.fail(f"wider than {width} pixels:\n" + "\n".join(wide))


def assert_targets(page: Page, least: int = 44) -> None:
    """Fail if something to press is smaller than `least` CSS pixels; for a box or a radio button its label counts."""
    small = page.evaluate(_TARGETS, least)
    assert not small, "\n".join(small)
