"""Protocol V: the ledger of an adapter: what each check counted, found, and could not see; and the report of it.

An adapter says `ledger.hold(check)` for each item that held and `ledger.fail(check, ...)` for each that did not.
A check that was never reached is "not yet", if the election has not come so far, or "needs", if something failed.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from voting.election.phases import Phase
from voting.protocol.encoding import Hash
from voting.protocol.text import Text
from voting.verifier.findings import Cause, CheckInfo, CheckResult, Finding, Status, not_run, nothing_yet
from voting.verifier.report import EXIT_CODES, SETTLED, Answer, CheckReport, Head, Report, check_report, verdict_of


class Ledger:
    """Counts and findings by check."""

    def __init__(self, checks: Sequence[CheckInfo], clock: Callable[[], float] = time.perf_counter) -> None:
        self._checks = {check.id: check for check in checks}
        self._clock = clock
        self._held = dict.fromkeys(self._checks, 0)
        self._seconds = dict.fromkeys(self._checks, 0.0)
        self._faults: dict[str, list[Finding]] = {name: [] for name in self._checks}
        self._warnings: dict[str, list[Finding]] = {name: [] for name in self._checks}
        self._unfit: dict[str, tuple[Status, str]] = {}
        self._broken: dict[str, str] = {}

    def hold(self, check: str, count: int = 1) -> None:
        """So many items of a check held."""
        self._held[check] += count

    def fail(
        self,
        check: str,
        subject: str,
        reason: str,
        *,
        expected: str = "",
        found: str = "",
        entry: int | None = None,
        tracker: str = "",
    ) -> None:
        """One item of a check does not hold."""
        self._faults[check].append(
            Finding(entry=entry, expected=expected, found=found, reason=reason, subject=subject, tracker=tracker)
        )

    def warn(self, check: str, subject: str, reason: str, *, entry: int | None = None, tracker: str = "") -> None:
        """Something that breaks no rule of the system, but that an observer should know."""
        self._warnings[check].append(Finding(entry=entry, reason=reason, subject=subject, tracker=tracker))

    def cannot_check(self, check: str, reason: str) -> None:
        """The format does not show it."""
        self._unfit[check] = (Status.CANNOT_CHECK, reason)

    def not_applicable(self, check: str, reason: str) -> None:
        """This election has no such thing."""
        self._unfit[check] = (Status.NOT_APPLICABLE, reason)

    def program_failed(self, check: str, error: Exception) -> None:
        """A fault of this program must not pass for a verdict: the check has not run, and so nothing is verified."""
        self._broken[check] = f"this program failed ({type(error).__name__}); please report it"

    def has_failed(self, *checks: str) -> bool:
        """Whether one of these checks failed; without arguments, whether any did."""
        return any(self._faults[check] for check in checks or self._faults)

    @contextmanager
    def timing(self, check: str) -> Iterator[None]:
        """The time spent inside is the check's."""
        started = self._clock()
        try:
            yield
        finally:
            self._seconds[check] += self._clock() - started

    def spend(self, check: str, seconds: float) -> None:
        """Time that was spent for a check elsewhere."""
        self._seconds[check] += seconds

    def reports(self) -> tuple[CheckReport, ...]:
        """One line for each check, in order."""
        return tuple(check_report(info, self._result(info), self._seconds[info.id]) for info in self._checks.values())

    def _result(self, info: CheckInfo) -> CheckResult:
        held, faults, warnings = self._held[info.id], tuple(self._faults[info.id]), tuple(self._warnings[info.id])
        if faults:
            return CheckResult(Status.FAILED, held, held + len(faults), faults, warnings)
        if info.id in self._broken:
            return not_run(self._broken[info.id], Cause.ERROR)._replace(warnings=warnings)
        if info.id in self._unfit:
            status, reason = self._unfit[info.id]
            return CheckResult(status, warnings=warnings, reason=reason)
        if held:
            return CheckResult(Status.PASSED, held, held, warnings=warnings)
        broken = [needed for needed in info.needs if self._faults[needed]]
        if broken:
            reason = f"needs {', '.join(broken)}"
            return not_run(reason)._replace(warnings=warnings)
        return nothing_yet()._replace(warnings=warnings)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says of a foreign record apart from its checks; empty where the format has no such thing."""

    system: str
    """E.g. `Belenios 1`."""
    title: Text | None = None
    facts: tuple[tuple[str, str], ...] = ()
    """Identifying names and values in the system's own terms, for people to compare with what was announced."""
    election: Hash | None = None
    """SHA-256 that stands for the election, if the system has one."""
    group: str | None = None
    head: Head = Head(size=0, root="", hash=Hash(""))
    phase: Phase = Phase.EMPTY
    credentials: int = 0
    weight: int = 0
    ballots: int = 0
    counted: int = 0
    trustees: tuple[str, ...] = ()
    threshold: int = 0
    result: tuple[Answer, ...] = ()


def foreign_report(identity: Identity, checks: tuple[CheckReport, ...], seconds: float) -> Report:
    """The report on another system's record."""
    verdict = verdict_of(checks, identity.phase, settled=(*SETTLED, Status.CANNOT_CHECK))
    return Report(
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        title=identity.title,
        manifest=None,
        election=identity.election,
        group=identity.group,
        head=identity.head,
        phase=identity.phase,
        credentials=identity.credentials,
        weight=identity.weight,
        ballots=identity.ballots,
        counted=identity.counted,
        trustees=identity.trustees,
        threshold=identity.threshold,
        checks=checks,
        result=identity.result,
        seconds=round(seconds, 3),
        system=identity.system,
        facts=identity.facts,
    )
