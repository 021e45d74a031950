"""All targets, in the order in which each round goes through them."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.foreign_formats import foreign_targets
from tests.fuzz.own_formats import own_targets
from tests.fuzz.target import Target
from tests.fuzz.web_forms import web_targets
from tests.fuzz.whole_records import record_targets


def all_targets(folder: Path, data: Path | None) -> list[Target]:
    """Every target.

    Args:
        folder: an empty folder, for files that are read by their path.
        data: the third-party records, if there are any.
    """
    found: list[Target] = []
    for name, make in (("own", own_targets), ("records", record_targets), ("web", web_targets)):
        (folder / name).mkdir()
        found += make(folder / name)
    (folder / "foreign").mkdir()
    return [*found, *foreign_targets(folder / "foreign", data)]
