"""Protocol V2: what a check can say: findings, a status, and why a check did not run (docs/spec/verification.md).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from voting.protocol.errors import VerificationError


class Status(StrEnum):
    """How a check ended. Only `PASSED` is passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    NOT_APPLICABLE = "not applicable"
    CANNOT_CHECK = "cannot be checked"
    """Another system's format does not show it (`voting.verifier.foreign`): no verdict on it, either way."""


class Cause(StrEnum):
    """Why a check did not run."""

    NONE = ""
    NOT_YET = "not yet"
    """The election has not come so far: nothing is wrong."""
    NEEDS = "needs"
    """It stands on something that failed."""
    ERROR = "error"
    """The program, or the machine, failed."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is wrong, with the place where anybody can look for it."""

    entry: int | None = None
    """Number of the entry, which is also its line in the record's files, counted from 0."""
    expected: str = ""
    found: str = ""
    reason: str
    subject: str
    tracker: str = ""
    """The ballot's tracker, if it is about one."""

    def __str__(self) -> str:
        text = f"{self.subject}: {self.reason}"
        if self.tracker:
            text = f"{self.subject}, tracker {self.tracker}: {self.reason}"
        if self.expected or self.found:
            text += f" (expected {self.expected or 'nothing'}, found {self.found or 'nothing'})"
        return text


def finding_of(error: VerificationError, entry: int | None = None) -> Finding:
    """A finding from an error that a protocol function raised."""
    return Finding(entry=entry, expected=error.expected, found=error.found, reason=error.reason, subject=error.subject)


class CheckInfo(NamedTuple):
    """A check's number, its title, and the checks whose subject it stands on."""

    id: str
    title: str
    needs: tuple[str, ...] = ()
    rule: str = ""
    """What must hold, in one sentence. The numbered checks take it from their docstrings."""


class CheckResult(NamedTuple):
    """How one check ended, before the clock is read. `passed` of `total` items held."""

    status: Status
    passed: int = 0
    total: int = 0
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    cause: Cause = Cause.NONE
    reason: str = ""
    seconds: float | None = None
    """Time that was spent for this check elsewhere (in the pass over the ballots)."""


def nothing_yet(reason: str = "nothing to check yet") -> CheckResult:
    """The election has not come so far (or what should be here was refused: the runner finds out which)."""
    return CheckResult(Status.NOT_RUN, cause=Cause.NOT_YET, reason=reason)


def not_run(reason: str, cause: Cause = Cause.NEEDS, *, passed: int = 0, total: int = 0) -> CheckResult:
    """The check could not run, or not on everything."""
    return CheckResult(Status.NOT_RUN, passed=passed, total=total, cause=cause, reason=reason)
