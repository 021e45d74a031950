"""ElectionGuard records, versions 0.95, 1.0, 1.1 and 2.0: ElectionGuard's own verifications, by their numbers.

What is checked is said in docs/foreign-records.md. Groups are known by name; other parameters are refused.
This package must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import time
from pathlib import Path

from voting.protocol.errors import UsageError
from voting.verifier.foreign.electionguard.checks import CHECKS_1, CHECKS_2
from voting.verifier.foreign.electionguard.files import open_record
from voting.verifier.foreign.electionguard.verify_1 import verify_1
from voting.verifier.foreign.electionguard.verify_2 import verify_2
from voting.verifier.foreign.findings import Ledger, foreign_report
from voting.verifier.replay import Progress, no_progress
from voting.verifier.report import Report

__all__ = ["verify"]


def verify(path: Path, *, progress: Progress = no_progress) -> Report:
    """Make all verifications on an ElectionGuard record. What is wrong with it is in the report.

    Args:
        path: a folder or a .zip file that holds the record, or a folder around it.

    Raises:
        UnavailableError: if a file cannot be read.
        DecodeError: if there is no record.
        UsageError: if it is a record of a version that this program does not know.
    """
    started = time.perf_counter()
    files = open_record(path)
    if files.exists("context.json"):
        ledger = Ledger(CHECKS_1)
        identity = verify_1(files, ledger, progress)
    elif files.exists("election_config.json"):
        ledger = Ledger(CHECKS_2)
        identity = verify_2(files, ledger, progress)
    else:
        raise UsageError("is no ElectionGuard record of a version that is known here", where=str(path))
    return foreign_report(identity, ledger.reports(), time.perf_counter() - started)
