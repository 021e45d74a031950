"""What an administrator may do wrong is said in French on a French page: every problem text is in the catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from voting import translations
from voting.translations.problems import said

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "voting/election/credentials.py",
    "voting/election/steps.py",
    "voting/election_folder.py",
    "voting/protocol/crockford.py",
    "voting/protocol/manifest.py",
    "voting/protocol/manifest_source.py",
    "voting/protocol/methods",
    "voting/protocol/moment.py",
    "voting/protocol/text.py",
    "voting/protocol/tlog/witnesses.py",
    "voting/site",
    "voting/voter_list.py",
)
ERRORS = {"DecodeError", "Problem", "SelectionError", "UnavailableError", "UsageError"}


def _sample(node: ast.expr) -> str | None:
    """The text of a literal, with 7 in place of what is filled in; None if it is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "7" for part in node.values]
        return "".join(str(part) for part in parts)
    return None


def problem_texts() -> Iterator[tuple[str, str]]:
    """(sample, file) of every problem and remedy that these modules may raise."""
    for name in MODULES:
        place = ROOT / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                    texts = node.args[1:] if node.func.id == "Problem" else node.args[:1]
                    remedies = [keyword.value for keyword in node.keywords if keyword.arg == "remedy"]
                    for text in (*texts, *remedies):
                        sample = _sample(text)
                        if sample and re.search("[a-z]{2}", sample):
                            yield sample, str(path.relative_to(ROOT))


@pytest.fixture(autouse=True)
def _french() -> Iterator[None]:
    before = translations.language()
    translations.set_language("fr")
    yield
    translations.set_language(before)


def test_every_problem_has_a_french_form() -> None:
    found = dict(problem_texts())
    assert len(found) > 120
    missing = [f"{file}: {text}" for text, file in found.items() if said(text) == text]
    assert not missing, "\n".join(missing)


def test_values_are_filled_in() -> None:
    assert said("is 3, outside 1 to 2") == "vaut 3, hors de 1 à 2"
    assert said("a text that no error has") == "a text that no error has"
