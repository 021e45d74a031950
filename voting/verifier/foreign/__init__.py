"""Protocol V: records that other people's software made: one adapter a system (docs/foreign-records.md).

Each adapter reads its system's format, numbers and words its checks in that system's own terms, and gives the same
report as the main verifier. What a format does not show is "cannot be checked", never passed.
This package must not import anything of the board, the booth or the trustee tools, nor Urne's own groups.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from voting.protocol.errors import UnavailableError, UsageError
from voting.verifier.replay import Progress, no_progress
from voting.verifier.report import Report

FORMATS = ("auto", "urne", "belenios", "helios", "electionguard")

_BELENIOS_START = b"BELENIOS\0"
_HELIOS_FILE = "election.json"
_ELECTIONGUARD_FILE = "constants.json"
_DEEPEST = 3


def detect_format(path: Path) -> str:
    """The format of the record at `path`, by its first bytes or its file names; `urne` if no other one is recognised.

    Raises:
        UnavailableError: if it cannot be read.
    """
    try:
        if path.is_dir():
            return _folder_format(path)
        with path.open("rb") as file:
            start = file.read(4096)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UnavailableError(f"cannot be read ({reason})", where=str(path)) from None
    if start.startswith(_BELENIOS_START) or path.suffix == ".bel":
        return "belenios"
    if start.lstrip().startswith(b"{"):
        return "helios"
    return "electionguard" if _is_electionguard_zip(path) else "urne"


def _is_electionguard_zip(path: Path) -> bool:
    """Whether it is a .zip file with ElectionGuard's constants in one of its upper folders, and no record of Urne's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.split("/") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    upper = {name[-1] for name in names if len(name) <= _DEEPEST}
    return _ELECTIONGUARD_FILE in upper and "headers.jsonl" not in upper


def _folder_format(folder: Path) -> str:
    if (folder / "headers.jsonl").exists():
        return "urne"
    if len(list(folder.glob("*.bel"))) == 1:
        return "belenios"
    pattern = _ELECTIONGUARD_FILE
    for _depth in range(_DEEPEST):
        if any(folder.glob(pattern)):
            return "electionguard"
        pattern = f"*/{pattern}"
    return "helios" if (folder / _HELIOS_FILE).exists() else "urne"


def verify_foreign(
    path: Path, record_format: str, *, since: Path | None = None, jobs: int = 1, progress: Progress = no_progress
) -> Report:
    """Make all checks on another system's record. What is wrong with it is in the report.

    Args:
        path: the archive, file or folder.
        record_format: one of `FORMATS`, but neither `auto` nor `urne`.
        since: an earlier copy of the same record, for formats that have an order of entries.
        jobs: how many processes may check ballots, where the adapter can use several.
        progress: told how far the work is.

    Raises:
        UnavailableError: if a file cannot be read.
        UsageError: if the format cannot be compared with an earlier copy.
    """
    if since is not None and record_format != "belenios":
        raise UsageError(f"--since is not for {record_format} records", remedy="that format has no order of entries")
    # Imported one by one: each adapter builds large tables, and none needs another.
    match record_format:
        case "belenios":
            from voting.verifier.foreign.belenios import verify as verify_belenios

            return verify_belenios(path, since=since, jobs=jobs, progress=progress)
        case "helios":
            from voting.verifier.foreign.helios import verify as verify_helios

            return verify_helios(path, progress=progress)
        case "electionguard":
            from voting.verifier.foreign.electionguard import verify as verify_electionguard

            return verify_electionguard(path, progress=progress)
        case _:
            raise UsageError(f"there is no adapter for the format {record_format[:20]!r}")
