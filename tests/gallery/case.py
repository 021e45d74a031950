"""One case of the gallery: a record, what was done to it, and what a verifier must say (docs/spec/verification.md).

A case is a folder with the files of a record, or `record.zip`, and `case.json`; `since` is an earlier checkpoint for
check 21. This module must not import a verifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
BROKEN = FIXTURES / "broken"
GOOD = FIXTURES / "good"
DESCRIPTION = "case.json"
ARCHIVE = "record.zip"
SINCE = "since"

EXIT_CODES = {"verified": 0, "not verified": 1, "unreadable": 3, "valid so far": 4}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What `case.json` says."""

    by: str
    """Who does it; "nobody" for good records."""
    attacks: tuple[int, ...]
    """Numbers of docs/attacks.md."""
    sentence: str
    verdict: str
    """One of `EXIT_CODES`."""
    failed: tuple[str, ...] = ()
    """Exactly these checks fail."""
    not_run: tuple[str, ...] = ()
    """Exactly these checks do not run; 21 is left out where there is no earlier checkpoint."""
    warned: tuple[str, ...] = ()
    """Checks that give a warning."""
    allow_toy_group: bool = True
    manifest: str | None = None
    """The manifest hash that was announced."""
    election: str | None = None
    """The election id that was announced."""


class Made(NamedTuple):
    """A case before it is written."""

    case: Case
    files: Mapping[str, bytes]


class Found(NamedTuple):
    """A case on the disk."""

    name: str
    folder: Path
    case: Case

    @property
    def record(self) -> Path:
        """The folder, or the archive in it."""
        archive = self.folder / ARCHIVE
        return archive if archive.exists() else self.folder

    @property
    def since(self) -> Path | None:
        """The earlier checkpoint, if the case has one."""
        return self.folder / SINCE if (self.folder / SINCE).exists() else None


def description(case: Case) -> bytes:
    """`case.json`, to be read by people too."""
    return (json.dumps(msgspec.to_builtins(case), indent=2, ensure_ascii=False) + "\n").encode()


def write_case(made: Made, folder: Path) -> None:
    """Write one case into a new folder."""
    folder.mkdir(parents=True)
    for name, data in {**made.files, DESCRIPTION: description(made.case)}.items():
        (folder / name).write_bytes(data)


def read_cases(*places: Path) -> list[Found]:
    """The cases of the gallery, in the order of their names; of both halves if no place is given."""
    return list(_read(places or (BROKEN, GOOD)))


def _read(places: tuple[Path, ...]) -> Iterator[Found]:
    for place in places:
        for folder in sorted(place.iterdir()):
            case = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=Case, strict=True)
            yield Found(f"{place.name}/{folder.name}", folder, case)
