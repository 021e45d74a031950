"""Protocol V6e: the report as a JUnit file, for programs that run checks and collect such files.

One test case for each check. A check that failed is a failure with all its findings, one that could not run an error,
one that does not apply or has nothing to look at yet is skipped. The words are English whatever the reader's language.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from voting.protocol.text import plain
from voting.verifier.findings import Cause, Status
from voting.verifier.report import CheckReport, Report
from voting.verifier.report_text import clean

SUITE = "urne-verify"


def junit_report(report: Report) -> bytes:
    """Protocol V6e: the bytes of a JUnit file (XML, UTF-8)."""
    counts = {
        "tests": len(report.checks),
        "failures": sum(check.status is Status.FAILED for check in report.checks),
        "errors": sum(_is_error(check) for check in report.checks),
        "skipped": sum(_is_skipped(check) for check in report.checks),
    }
    totals = {name: str(count) for name, count in counts.items()} | {"time": f"{report.seconds:.3f}"}
    root = Element("testsuites", {"name": SUITE, **totals})
    suite = SubElement(root, "testsuite", {"name": SUITE, **totals})
    properties = SubElement(suite, "properties")
    for name, value in _properties(report):
        SubElement(properties, "property", {"name": name, "value": clean(value)})
    for check in report.checks:
        _add_case(suite, check)
    indent(root)
    data: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _properties(report: Report) -> list[tuple[str, str]]:
    return [
        ("schema", report.schema),
        ("program", report.program),
        ("system", report.system),
        ("title", plain(report.title, "en") if report.title else ""),
        ("verdict", report.verdict.value),
        ("exit_code", str(report.exit_code)),
        ("manifest", report.manifest or ""),
        ("election", report.election or ""),
        ("size", str(report.head.size)),
        ("root", report.head.root),
        ("phase", report.phase.value),
        ("ballots", str(report.ballots)),
        ("counted", str(report.counted)),
        *report.facts,
    ]


def _add_case(suite: Element, check: CheckReport) -> None:
    name = clean(f"{check.id} {check.title}")
    case = SubElement(suite, "testcase", {"classname": SUITE, "name": name, "time": f"{check.seconds:.3f}"})
    reason = clean(check.reason)
    if check.status is Status.FAILED:
        first = clean(str(check.findings[0])) if check.findings else reason
        failure = SubElement(case, "failure", {"type": check.id, "message": first})
        lines = [f"rule: {check.rule}"] if check.rule else []
        failure.text = "\n".join(clean(line) for line in (*lines, *map(str, check.findings)))
    elif _is_error(check):
        SubElement(case, "error", {"type": check.cause.value or check.status.value, "message": reason})
    elif _is_skipped(check):
        SubElement(case, "skipped", {"message": f"{check.status.value}: {reason}" if reason else check.status.value})
    if check.warnings:
        SubElement(case, "system-out").text = "\n".join(clean(f"warning: {finding}") for finding in check.warnings)


def _is_error(check: CheckReport) -> bool:
    return check.status is Status.NOT_RUN and check.cause is not Cause.NOT_YET


def _is_skipped(check: CheckReport) -> bool:
    return check.status not in (Status.PASSED, Status.FAILED) and not _is_error(check)
