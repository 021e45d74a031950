"""Tests that the documentation names as evidence exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ("docs/accessibility.md", "docs/attacks.md")

_NAMED = re.compile(r"`(test_\w+)`")
_NAMED_FILE = re.compile(r"`(test_\w+\.py)`")
_DEFINED = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


def defined() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for path in files for name in _DEFINED.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("document", EVIDENCE)
def test_every_test_that_is_named_exists(document: str) -> None:
    named = set(_NAMED.findall((ROOT / document).read_text(encoding="utf-8")))
    assert len(named) > 20
    assert sorted(named - defined()) == []


@pytest.mark.parametrize("document", EVIDENCE)
def test_every_file_of_tests_that_is_named_exists(document: str) -> None:
    names = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(_NAMED_FILE.findall((ROOT / document).read_text(encoding="utf-8"))) <= names
