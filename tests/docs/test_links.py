"""Every relative link in the documentation leads to a file that exists, and to a heading that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as common Markdown hosts make them."""
    titles = (re.sub(r"[^\w\- ]", "", title.strip().lower()) for title in _HEADING.findall(text))
    return {title.replace(" ", "-") for title in titles}


def broken_links(document: Path) -> list[str]:
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    broken = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    assert broken_links(document) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# One thing\n[x](missing.md) [y](a.md#one-thing) [z](#two) [w](https://example.org)\n")
    assert broken_links(document) == ["missing.md", "#two"]


def test_each_document_is_linked_from_another() -> None:
    linked = set()
    for document in DOCUMENTS:
        for link in _LINK.findall(document.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", link):
                target = (document.parent / link.partition("#")[0]).resolve()
                if target != document:
                    linked.add(target)
    orphans = [str(path.relative_to(ROOT)) for path in DOCUMENTS if path.resolve() not in linked]
    assert orphans == ["README.md"]


def test_files_that_docstrings_name_exist() -> None:
    named = set()
    for package in ("voting", "bulletin_board", "trustee_tools"):
        for path in (ROOT / package).rglob("*.py"):
            named |= set(re.findall(r"\bdocs/[\w./-]+\.md", path.read_text(encoding="utf-8")))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
