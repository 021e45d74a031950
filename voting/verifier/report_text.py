"""Protocol V6: the report as plain text: one line per check, what is wrong below it, and a verdict as the last line.

Texts that come from the record are shown without control characters: a record must not steer the terminal.
This module must not import anything of the board, the booth or the trustee tools, nor a terminal library.
"""

from __future__ import annotations

from collections.abc import Iterator

from voting.election.phases import Phase
from voting.protocol.text import plain
from voting.translations import text as _
from voting.verifier.findings import Cause, Finding, Status
from voting.verifier.report import CheckReport, Report, Verdict

MOST_FINDINGS = 20
"""So many are listed for each check, unless all are asked for."""

_TITLE_WIDTH = 24
_COUNT_WIDTH = 13


def report_lines(report: Report, language: str, *, everything: bool = False) -> list[str]:
    """Protocol V6b: the lines of a report.

    Args:
        language: of the election's own texts.
        everything: list all findings.
    """
    lines = [clean(line) for line in _identity(report, language)]
    lines.append("")
    for check in report.checks:
        lines += [clean(line) for line in _check_lines(check, everything)]
    lines.append("")
    for answer in report.result:
        lines.append(clean(f"{plain(answer.question, language)} {answer.sentence}"))
    if report.result:
        lines.append("")
    lines.append(clean(verdict_sentence(report)))
    return lines


def clean(text: str) -> str:
    """The text with every character that is not printable written as a code."""
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


def verdict_sentence(report: Report) -> str:
    """Protocol V6c: the verdict in one line."""
    counts = {status: sum(check.status is status for check in report.checks) for status in Status}
    summary = _(
        "{passed} checks passed, {failed} failed, {not_run} not run.",
        passed=counts[Status.PASSED],
        failed=counts[Status.FAILED],
        not_run=counts[Status.NOT_RUN],
    )
    match report.verdict:
        case Verdict.VERIFIED:
            answers = " ".join(answer.sentence for answer in report.result)
            return _("VERIFIED: {summary} Result: {answers}", summary=summary, answers=answers)
        case Verdict.NOT_VERIFIED:
            failed = ", ".join(check.id for check in report.checks if check.status is Status.FAILED)
            return _("NOT VERIFIED: {summary} Failed: {failed}.", summary=summary, failed=failed)
        case Verdict.NOT_CHECKED:
            return _("NOT VERIFIED: {summary} Not everything could be checked.", summary=summary)
        case Verdict.VALID_SO_FAR:
            return _("VALID SO FAR: {summary} {state}", summary=summary, state=_state(report.phase))


def _state(phase: Phase) -> str:
    if phase is Phase.CANCELLED:
        return _("The election was cancelled.")
    states = {
        Phase.EMPTY: _("There is no election yet."),
        Phase.SETUP: _("The election is not finished: it is being set up."),
        Phase.OPEN: _("The election is not finished: voting is open."),
        Phase.CLOSED: _("The election is not finished: voting is closed, the tally is to come."),
        Phase.TALLIED: _("The election is not finished: the result is to come."),
        Phase.PUBLISHED: _("The election is not finished."),
    }
    return states[phase]


def _identity(report: Report, language: str) -> Iterator[str]:
    if report.title is not None:
        yield plain(report.title, language)
    rows = identity_rows(report)
    width = max(len(name) for name, _text in rows)
    for name, text in rows:
        yield f"  {name.ljust(width)}  {text}"
    yield compare_sentence(report)


def identity_rows(report: Report) -> list[tuple[str, str]]:
    """What identifies the record, to be compared with what was announced: (name, value)."""
    if report.system != "urne":
        return [(_("system"), report.system), *((_(name), text) for name, text in report.facts)]
    rows = [
        (_("manifest hash"), report.manifest or _("none yet")),
        (_("election id"), report.election or _("none yet")),
        (_("head"), _("{size} entries, root {root}", size=report.head.size, root=report.head.root)),
        (
            _("credentials"),
            _("{count}, of weight {weight} in all", count=report.credentials, weight=report.weight),
        ),
        (_("ballots"), _("{count}, {counted} to be counted", count=report.ballots, counted=report.counted)),
    ]
    if report.trustees:
        names = ", ".join(report.trustees)
        rows.append((_("trustees"), _("{names}; any {number} decrypt", names=names, number=report.threshold)))
    return rows


def compare_sentence(report: Report) -> str:
    """What people must do with these values."""
    if report.system != "urne":
        return _("Compare these with what was announced.")
    return _("Compare these with what was announced, and the head with other observers.")


def status_word(status: Status) -> str:
    """How a check ended, in the reader's language."""
    words = {
        Status.PASSED: _("PASS"),
        Status.FAILED: _("FAIL"),
        Status.NOT_RUN: _("NOT RUN"),
        Status.NOT_APPLICABLE: _("N/A"),
        Status.CANNOT_CHECK: _("CANNOT BE CHECKED"),
    }
    return words[status]


def count_text(check: CheckReport) -> str:
    """How many of how many items held; empty for a check that looked at nothing."""
    return f"{check.passed}/{check.total}" if check.status in (Status.PASSED, Status.FAILED) or check.total else ""


def _check_lines(check: CheckReport, everything: bool) -> Iterator[str]:
    start = f"{status_word(check.status):<7} {check.id} {_(check.title):<{_TITLE_WIDTH}}"
    line = f"{start} {count_text(check):>{_COUNT_WIDTH}}"
    if check.status in (Status.PASSED, Status.FAILED):
        yield f"{line}  {check.seconds:6.1f} s"
    else:
        yield f"{line}  {reason_text(check)}".rstrip()
    yield from _finding_lines(check.findings, "", everything)
    yield from _finding_lines(check.warnings, _("warning: "), everything)


def reason_text(check: CheckReport) -> str:
    """Why a check did not run."""
    if check.cause is Cause.NEEDS and check.reason.removeprefix("needs ").replace(", ", "").isdigit():
        return _("needs {checks}", checks=check.reason.removeprefix("needs "))
    return _("not yet: {reason}", reason=_(check.reason)) if check.cause is Cause.NOT_YET else _(check.reason)


def _finding_lines(findings: tuple[Finding, ...], prefix: str, everything: bool) -> Iterator[str]:
    shown = findings if everything else findings[:MOST_FINDINGS]
    for finding in shown:
        yield f"           {prefix}{finding}"
    if len(shown) < len(findings):
        yield "           " + _("... and {count} more (-v lists all)", count=len(findings) - len(shown))
