"""Every text that a command, a page or a script shows is in the French catalogue, with the same fields to fill in."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from voting import translations
from voting.booth.files import script_texts

ROOT = Path(__file__).resolve().parents[2]


def texts_in_code() -> Iterator[tuple[str, str]]:
    """(text, file) for every call of the catalogue with a literal."""
    for package in ("voting", "trustee_tools"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            aliases = {
                alias.asname or alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == "voting.translations"
                for alias in node.names
                if alias.name == "text"
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in aliases:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        yield first.value, str(path.relative_to(ROOT))


IN_TEMPLATE = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def texts_in_templates() -> Iterator[tuple[str, str]]:
    """(text, file) for every call of the catalogue in a template."""
    for path in sorted((ROOT / "voting").rglob("templates/*.html")):
        for literal in IN_TEMPLATE.findall(path.read_text("utf-8")):
            yield ast.literal_eval(literal), str(path.relative_to(ROOT))


def texts_in_scripts() -> Iterator[tuple[str, str]]:
    """(text, file) for every call of the catalogue in the browser's modules."""
    for text in script_texts():
        yield text, "voting/booth/static"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.fixture(autouse=True)
def _restore_language() -> Iterator[None]:
    before = translations.language()
    yield
    translations.set_language(before)


def test_every_text_has_a_french_form_with_the_same_fields() -> None:
    translations.set_language("fr")
    sources = [dict(source()) for source in (texts_in_code, texts_in_templates, texts_in_scripts)]
    assert all(len(texts) > 20 for texts in sources)
    found = {text: file for texts in sources for text, file in texts.items()}
    missing = [f"{file}: {message}" for message, file in found.items() if message not in translations.catalogue("fr")]
    assert not missing, "\n".join(missing)
    for message in found:
        assert fields(translations.catalogue("fr")[message]) == fields(message), message


def test_language_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(variable, raising=False)
    for value, expected in (("fr_FR.UTF-8", "fr"), ("en_GB.UTF-8", "en"), ("C", "en"), ("", "en"), ("de_DE", "en")):
        monkeypatch.setenv("LANG", value)
        translations.set_language(None)
        assert translations.language() == expected
