"""Protocol V: verify a Belenios archive (crypto version 1).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from voting.verifier.foreign.belenios.archive import Archive, open_archive
from voting.verifier.foreign.belenios.checks import CHECKS, NO_EARLIER_COPY, NOT_SHOWN
from voting.verifier.foreign.belenios.events import EventPass
from voting.verifier.foreign.findings import Ledger, foreign_report
from voting.verifier.replay import Progress, no_progress
from voting.verifier.report import Report

_CHECK_OF = {
    "Setup": "B04",
    "Ballot": "B12",
    "EncryptedTally": "B13",
    "Shuffle": "B14",
    "PartialDecryption": "B15",
    "Result": "B16",
}


def verify(
    path: Path,
    *,
    since: Path | None = None,
    jobs: int = 1,
    progress: Progress = no_progress,
    clock: Callable[[], float] = time.perf_counter,
) -> Report:
    """Make all checks on the archive at `path`.

    Args:
        path: a .bel file, or a folder with one in it.
        since: an earlier copy.
        jobs: how many processes may check ballots.
        progress: told how far the work is.
        clock: seconds, from any start.

    Raises:
        UnavailableError: if a file cannot be read.
    """
    started = clock()
    ledger = Ledger(CHECKS, clock)
    with open_archive(path) as archive:
        _note_faults(archive, ledger)
        events = EventPass(archive, ledger, jobs)
        for step in archive.steps:
            progress("checking events", step.number, len(archive.steps))
            try:
                events.take(step)
            except Exception as error:  # not a verdict: the report says that this program failed
                ledger.program_failed(_CHECK_OF.get(step.event.type or "", "B02"), error)
        events.finish()
        if since is not None:
            with open_archive(since) as earlier:
                _compare(archive, earlier, ledger)
        else:
            ledger.cannot_check("B18", NO_EARLIER_COPY)
        for check, reason in NOT_SHOWN.items():
            ledger.cannot_check(check, reason)
        return foreign_report(events.identity(), ledger.reports(), clock() - started)


def _note_faults(archive: Archive, ledger: Ledger) -> None:
    """B01 and B02: what the reader of the archive has found."""
    for fault in archive.faults:
        ledger.fail(
            fault.check, fault.subject, fault.reason, expected=fault.expected, found=fault.found, entry=fault.entry
        )
    broken = {fault.entry for fault in archive.faults}
    ledger.hold("B01", archive.records)
    ledger.hold("B02", sum(step.number not in broken for step in archive.steps))


def _compare(archive: Archive, earlier: Archive, ledger: Ledger) -> None:
    """B18: every event of the earlier copy is at its place still."""
    for fault in earlier.faults:
        ledger.fail("B18", "earlier copy", f"is not sound: {fault.subject}: {fault.reason}", entry=fault.entry)
    for old in earlier.steps:
        subject = f"event {old.number}"
        if old.number >= len(archive.steps):
            ledger.fail("B18", subject, "is gone", expected=old.hash, entry=old.number)
            continue
        new = archive.steps[old.number]
        if new.hash != old.hash:
            reason = "is not the one that the earlier copy has"
            ledger.fail("B18", subject, reason, expected=old.hash, found=new.hash, entry=old.number)
        else:
            ledger.hold("B18")
