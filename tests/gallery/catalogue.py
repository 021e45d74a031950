"""The list of attacks, and the table of docs/attacks.md that is made of it and of the cases of the gallery.

`attacks.toml` says of each attack who else notices it, or, where no record shows it, what stops it and which test
shows that.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.gallery.case import Found, read_cases

LIST = Path(__file__).with_name("attacks.toml")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"
_BEGIN = "<!-- This part is made by `python -m tests.gallery table`. -->\n"
_END = "<!-- End of the part that is made. -->\n"
_SHOWN = 4
"""So many cases are named in a row, of those that there are."""


class Attack(NamedTuple):
    """A row of the table."""

    number: int
    what: str
    elsewhere: str = ""
    """Who or what else stops it: for attacks that no record shows, this alone."""
    by: str = ""
    """Who mounts it, for attacks without a case."""


def _read_sections() -> dict[str, tuple[Attack, ...]]:
    sections = tomllib.loads(LIST.read_text(encoding="utf-8"))["section"]
    return {section["title"]: tuple(Attack(**attack) for attack in section["attack"]) for section in sections}


SECTIONS = _read_sections()
ATTACKS = tuple(attack for section in SECTIONS.values() for attack in section)


def table_of(cases: Sequence[Found]) -> str:
    """The sections of docs/attacks.md that speak of what a record shows."""
    parts = []
    for title, attacks in SECTIONS.items():
        rows = ["| no. | attack | by | check | who else, or why | cases |", "|---|---|---|---|---|---|"]
        rows += [_row(attack, [found for found in cases if attack.number in found.case.attacks]) for attack in attacks]
        parts.append(f"## {title}\n\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _row(attack: Attack, cases: Sequence[Found]) -> str:
    broken = [found for found in cases if found.case.by != "nobody"]
    who = _listed({found.case.by for found in broken}) or attack.by
    checks = _listed({found.folder.name[:2] for found in broken})
    names = [f"`{found.folder.name}`" for found in _different(broken)]
    good = [f"*{found.folder.name}*" for found in cases if found.case.by == "nobody"]
    shown = [*names[:_SHOWN], *good[:2]]
    more = len(cases) - len(shown)
    told = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    return f"| {attack.number} | {attack.what} | {who} | {checks} | {attack.elsewhere} | {told} |"


def _different(cases: Sequence[Found]) -> list[Found]:
    """One case of each check first, then the others."""
    first: dict[str, Found] = {}
    for found in cases:
        first.setdefault(found.folder.name[:2], found)
    return [*first.values(), *(found for found in cases if found not in first.values())]


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))


def table_in_document() -> str:
    """What stands between the marks of docs/attacks.md."""
    _before, part, _after = _parts()
    return part


def write_table() -> None:
    """Write the part between the marks anew."""
    before, _part, after = _parts()
    DOCUMENT.write_text(f"{before}{_BEGIN}\n{table_of(read_cases())}\n{_END}{after}", encoding="utf-8")


def _parts() -> tuple[str, str, str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    match = re.fullmatch(f"(.*){re.escape(_BEGIN)}\n(.*)\n{re.escape(_END)}(.*)", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{DOCUMENT} lacks the marks of the table")
    return match[1], match[2], match[3]
