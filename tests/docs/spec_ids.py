"""Reads the ids of the specification, and those that docstrings name. Must not import the code that it reads."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "docs" / "spec"
PACKAGES = ("voting", "bulletin_board", "trustee_tools")

_ID = r"[A-Z][0-9]+[a-z]?"
_BOLD = re.compile(rf"\*\*({_ID})\b")
_HEADING = re.compile(rf"^#+ ({_ID}): ", re.MULTILINE)
_FIRST_LINE = re.compile(rf"Protocol ({_ID})(?=[:, (])")
_ANY_FIRST_LINE = re.compile(rf"Protocol (?:{_ID}(?: \([^)]*\))?|[A-Z]): ")
_PAIR = re.compile(rf"^\| ({_ID}) \| `([\w.]+)` \| `([\w.]+)` \|$", re.MULTILINE)


class Claim(NamedTuple):
    """A docstring whose first line names the protocol."""

    place: str
    """Dotted name of what it documents."""
    is_module: bool
    first_line: str


def defined_ids() -> dict[str, list[str]]:
    """Id -> files of the specification that define it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SPEC.glob("*.md")):
        if path.name == "README.md":
            continue
        text = path.read_text(encoding="utf-8")
        for match in [*_BOLD.finditer(text), *_HEADING.finditer(text)]:
            found[match[1]].append(path.name)
    return dict(found)


def allowed_pairs() -> dict[str, set[str]]:
    """Id -> the two places that the specification's README lists for it."""
    text = (SPEC / "README.md").read_text(encoding="utf-8")
    return {match[1]: {match[2], match[3]} for match in _PAIR.finditer(text)}


def claims() -> Iterator[Claim]:
    """Every docstring of the code, of modules, classes, functions and values, that begins with `Protocol`."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield from _claims_of(ast.parse(path.read_text(encoding="utf-8")), name, is_module=True)


def claimed_id(claim: Claim) -> str | None:
    """The id that a docstring names; None for a module that names its chapter only."""
    match = _FIRST_LINE.match(claim.first_line)
    return match[1] if match else None


def is_well_formed(claim: Claim) -> bool:
    """Whether the first line is `Protocol <ID>: ...`, or `Protocol <ID> (check NN): ...`."""
    return _ANY_FIRST_LINE.match(claim.first_line + " ") is not None


def _claims_of(node: ast.Module | ast.ClassDef | ast.FunctionDef, name: str, *, is_module: bool) -> Iterator[Claim]:
    documented = ast.get_docstring(node) or ""
    if documented.startswith("Protocol "):
        yield Claim(name, is_module, documented.splitlines()[0])
    for position, child in enumerate(node.body):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
            yield from _claims_of(child, f"{name}.{child.name}", is_module=False)
        elif position and isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            text = child.value.value
            target = _assigned(node.body[position - 1])
            if target and isinstance(text, str) and text.startswith("Protocol "):
                yield Claim(f"{name}.{target}", False, text.splitlines()[0])


def _assigned(node: ast.stmt) -> str:
    """The name that a statement assigns to; empty if it assigns to none."""
    target = (
        node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
    )
    return target.id if isinstance(target, ast.Name) else ""
