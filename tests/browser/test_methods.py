"""The booth's voting methods make the same shapes, values, words and refusals as the Python package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import run_module
from tests.vectors.make_method_vectors import FILE
from voting.translations import catalogue

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))

_RUN = """
const { methodOf } = await import("/booth/js/methods/index.js");
const { SelectionError } = await import("/booth/js/core/errors.js");
const { loadTexts, setLanguage } = await import("/booth/js/text.js");
await loadTexts("fr");

const brief = ({ values, constraints, totals }) => ({
  values,
  constraints: constraints.map(({ terms, constant, allowed }) => [terms, constant, allowed]),
  totals: totals.map(({ index, highest }) => [index, highest]),
});

return arg.map(({ question, valid, refused }) => {
  const method = methodOf(question);
  const said = (parsed, language) => {
    setLanguage(language);
    return method.describeSelection(question, parsed, language);
  };
  const read = valid.map(({ data }) => {
    const parsed = method.parseSelection(question, data);
    const words = { en: said(parsed, "en"), fr: said(parsed, "fr") };
    return { data, parsed, values: method.encodeSelection(question, parsed), words };
  });
  setLanguage("en");
  const faults = refused.map(({ data }) => {
    try {
      return { data, accepted: method.parseSelection(question, data) };
    } catch (error) {
      return { data, error: error instanceof SelectionError ? error.message : String(error) };
    }
  });
  return { shape: brief(method.shape(question)), valid: read, refused: faults };
});
"""


@pytest.fixture
def site(page: Page, static_site: str) -> Page:
    """An empty page of the site, whose French texts are those of the catalogue."""
    page.route("**/booth/texts/fr.json", lambda route: route.fulfill(json=catalogue("fr")))
    page.goto(static_site)
    return page


def test_shapes_values_words_and_refusals(site: Page) -> None:
    found = run_module(site, _RUN, VECTORS["questions"])
    for case, made in zip(VECTORS["questions"], found, strict=True):
        for part in ("shape", "valid", "refused"):
            assert made[part] == case[part], f"{case['name']}: {part}"


def test_whole_ballot(site: Page) -> None:
    questions = {case["name"]: case for case in VECTORS["questions"]}
    chosen = [questions[name] for name in VECTORS["ballot"]["questions"]]
    data = [case["valid"][-1]["data"] for case in chosen]
    body = """
        const { joinShapes, encodeSelections, parseSelections } = await import("/booth/js/methods/index.js");
        const manifest = { questions: arg.questions };
        const { values, constraints, totals } = joinShapes(manifest);
        const faults = [];
        const refused = (run) => {
          try { run(); } catch (error) { faults.push([error.code, error.where, error.message]); }
        };
        refused(() => parseSelections(manifest, arg.data.slice(1)));
        refused(() => parseSelections(manifest, [arg.data[0], { list: 9 }, ...arg.data.slice(2)]));
        refused(() => parseSelections({ questions: [{ method: "lottery" }] }, [{}]));
        return {
          shape: {
            values,
            constraints: constraints.map(({ terms, constant, allowed }) => [terms, constant, allowed]),
            totals: totals.map(({ index, highest }) => [index, highest]),
          },
          values: encodeSelections(manifest, parseSelections(manifest, arg.data)),
          faults,
        };
    """
    made = run_module(site, body, {"questions": [case["question"] for case in chosen], "data": data})
    assert made["shape"] == VECTORS["ballot"]["shape"]
    assert made["values"] == [value for case in chosen for value in case["valid"][-1]["values"]]
    assert [fault[:2] for fault in made["faults"]] == [
        ["selection", ""],
        ["selection", "question 2"],
        ["method", ""],
    ]
