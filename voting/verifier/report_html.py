"""Protocol V6d: the report as one HTML file: for the screen, a phone and paper, without scripts or anything to load.

It says what the text report says, in the same numbers, and for each failure the rule, entry, tracker, expected and
found. Texts of the record are shown as text: its browser is told to run and to fetch nothing.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from voting.protocol.text import Text, plain
from voting.translations import text as _
from voting.translations.problems import said
from voting.verifier.findings import Finding, Status
from voting.verifier.report import CheckReport, Report, Verdict
from voting.verifier.report_style import STYLE
from voting.verifier.report_text import (
    clean,
    compare_sentence,
    count_text,
    identity_rows,
    reason_text,
    status_word,
    verdict_sentence,
)

MOST_FINDINGS = 1000
"""So many are listed for each check; the JSON report has all."""

_SPACES = "\u00a0\u202f"
_SIGNS = {
    Status.PASSED: "✓",
    Status.FAILED: "✗",
    Status.NOT_RUN: "–",
    Status.NOT_APPLICABLE: "–",
    Status.CANNOT_CHECK: "?",
}
_CLASSES = {
    Status.PASSED: "good",
    Status.FAILED: "bad",
    Status.NOT_RUN: "warn",
    Status.NOT_APPLICABLE: "quiet",
    Status.CANNOT_CHECK: "warn",
}
_VERDICT_CLASSES = {
    Verdict.VERIFIED: "good",
    Verdict.NOT_VERIFIED: "bad",
    Verdict.NOT_CHECKED: "bad",
    Verdict.VALID_SO_FAR: "warn",
}


class Html(str):
    """Text that is markup already. Everything else is escaped."""

    __slots__ = ()


def html_report(report: Report, language: str, *, record: str, made: str) -> bytes:
    """Protocol V6d: the bytes of an HTML file (UTF-8).

    Args:
        language: of the report; the same that it was made in.
        record: what was verified, as the user named it.
        made: when, for people to read.
    """
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = _text_of(report.title, language) if report.title else _("An election")
    heading = _("Verification report")
    head = _tag(
        "head",
        Html('<meta charset="utf-8">'),
        _void("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="referrer" content="no-referrer">'),
        _tag("title", f"{heading}: {plain(report.title, language) if report.title else title}"),
        Html(f"<style>{STYLE}</style>"),
    )
    main = _tag(
        "main",
        _tag("p", heading, {"class": "over"}),
        _tag("h1", title),
        _verdict(report),
        *_sections(report, language),
        _tag("footer", _tag("p", _made(report, record, made))),
    )
    page = _tag("html", head, _tag("body", main), {"lang": language})
    return f"<!doctype html>\n{page}\n".encode()


# -- parts -------------------------------------------------------------------------------------------------------------


def _verdict(report: Report) -> Html:
    sentence = _tag("p", _tag("strong", verdict_sentence(report)))
    unseen = sum(check.status is Status.CANNOT_CHECK for check in report.checks)
    if report.verdict is Verdict.VERIFIED and unseen:
        text = _(
            "Every check that this format allows was made and holds. {count} cannot be made: that part rests on trust.",
            count=unseen,
        )
        return _tag("div", sentence, _tag("p", text), {"class": "verdict warn"})
    meaning = {
        Verdict.VERIFIED: _(
            "Every check that applies was made and holds: the result follows from the ballots on the board, and"
            " nobody need be trusted for that."
        ),
        Verdict.NOT_VERIFIED: _(
            "Something in this record breaks a rule. It is listed below. Do not rely on the result."
        ),
        Verdict.NOT_CHECKED: _("A check could not be made, so this record is not verified. The reason is given below."),
        Verdict.VALID_SO_FAR: _("Nothing is wrong with what there is. Verify again when the election is finished."),
    }
    return _tag(
        "div", sentence, _tag("p", meaning[report.verdict]), {"class": f"verdict {_VERDICT_CLASSES[report.verdict]}"}
    )


def _sections(report: Report, language: str) -> Iterator[Html]:
    yield _section("compare", _("To be compared"), _tag("p", compare_sentence(report)), _pairs(identity_rows(report)))
    if report.result:
        yield _section("result", _("Result"), *(_answer(answer.question, answer.sentence, answer.totals, language)
                                                for answer in report.result))  # fmt: skip
    yield _section("checks", _("Checks"), _checks_table(report.checks))
    failed = [check for check in report.checks if check.findings]
    if failed:
        yield _section(
            "wrong", _("What is wrong"), *(_details(check, check.findings, "f", language) for check in failed)
        )
    warned = [check for check in report.checks if check.warnings]
    if warned:
        yield _section("warnings", _("Warnings"), *(_details(check, check.warnings, "w", language) for check in warned))


def _answer(question: Text, sentence: str, totals: Sequence[int], language: str) -> Html:
    numbers = _("Totals, in the order of the ballot: {totals}.", totals=", ".join(map(str, totals)))
    return _tag("div", _tag("h3", _text_of(question, language)), _tag("p", _tag("bdi", sentence)),
                _tag("p", numbers, {"class": "quiet"}), {"class": "answer"})  # fmt: skip


def _checks_table(checks: Sequence[CheckReport]) -> Html:
    titles = (_("No."), _("Subject"), _("Verdict"), _("Passed"), _("Seconds"))
    classes = ("", "", "", "number", "number seconds")
    head = _tag("tr", *(_tag("th", title, {"scope": "col", "class": class_})
                        for title, class_ in zip(titles, classes, strict=True)))  # fmt: skip
    rows = [_check_row(check) for check in checks]
    caption = _tag("caption", _("Each check, how it ended, and how many of the items that it looked at passed"))
    return _tag("table", caption, _tag("thead", head), _tag("tbody", *rows))


def _check_row(check: CheckReport) -> Html:
    sign = _tag("span", _SIGNS[check.status], {"aria-hidden": "true"})
    outcome = _tag("span", sign, f" {status_word(check.status)}", {"class": f"status {_CLASSES[check.status]}"})
    name: list[str] = [_(check.title)]
    if check.reason and check.status not in (Status.PASSED, Status.FAILED):
        name.append(_tag("small", _foreign(reason_text(check), check.reason)))
    if check.findings:
        link = _("{count} findings", count=len(check.findings)) if len(check.findings) > 1 else _("1 finding")
        name.append(_tag("small", _tag("a", link, {"href": f"#f{check.id}"})))
    if check.warnings:
        link = _("{count} warnings", count=len(check.warnings)) if len(check.warnings) > 1 else _("1 warning")
        name.append(_tag("small", _tag("a", link, {"href": f"#w{check.id}"})))
    is_timed = check.status in (Status.PASSED, Status.FAILED)
    return _tag(
        "tr",
        _tag("td", check.id),
        _tag("th", *name, {"scope": "row"}),
        _tag("td", outcome),
        _tag("td", count_text(check), {"class": "number"}),
        _tag("td", f"{check.seconds:.1f}" if is_timed else "", {"class": "number seconds"}),
    )


def _details(check: CheckReport, findings: Sequence[Finding], prefix: str, language: str) -> Html:
    parts = [_tag("h3", f"{check.id} {_(check.title)}", {"id": f"{prefix}{check.id}"})]
    if check.rule:
        rule = _(check.rule)
        parts.append(_tag("p", _tag("b", _("Rule:")), " ", _foreign(rule, check.rule), {"class": "rule"}))
    shown = findings[:MOST_FINDINGS]
    parts.append(_tag("ol", *(_tag("li", _finding(finding)) for finding in shown)))
    if len(shown) < len(findings):
        parts.append(_tag("p", _("... and {count} more: the JSON report lists all.", count=len(findings) - len(shown))))
    return _tag("div", *parts, {"class": "details"})


def _finding(finding: Finding) -> Html:
    rows: list[tuple[str, str]] = []
    if finding.entry is not None:
        rows.append((_("Entry"), str(finding.entry)))
    if finding.tracker:
        rows.append((_("Tracker"), finding.tracker))
    if finding.expected or finding.found:
        rows.append((_("Expected"), finding.expected or _("nothing")))
        rows.append((_("Found"), finding.found or _("nothing")))
    reason = finding.reason
    sentence = _tag("p", _tag("bdi", finding.subject), ": ", _foreign(said(reason), reason))
    return _tag("div", sentence, _pairs(rows)) if rows else sentence


def _made(report: Report, record: str, made: str) -> str:
    return _(
        "Made on {moment} by {program} from {record} in {seconds} seconds. Anybody can repeat it, and should.",
        moment=made,
        program=report.program,
        record=record,
        seconds=f"{report.seconds:.1f}",
    )


# -- elements ----------------------------------------------------------------------------------------------------------


def _section(name: str, heading: str, *content: Html) -> Html:
    return _tag("section", _tag("h2", heading, {"id": name}), *content, {"aria-labelledby": name})


def _pairs(rows: Sequence[tuple[str, str]]) -> Html:
    cells = [_tag("div", _tag("dt", name), _tag("dd", _tag("bdi", value))) for name, value in rows]
    return _tag("dl", *cells)


def _text_of(text: Text, language: str) -> Html:
    """A text of the election, in the reader's language if it has it; else marked as another one's."""
    shown = plain(text, language)
    other = next((code for code in text if code != language and plain(text, code) == shown), None)
    return _tag("bdi", shown, {} if language in text or other is None else {"lang": other})


def _foreign(shown: str, english: str) -> Html:
    """A text that has a translation or not; without one it is marked as English."""
    return _tag("span", shown, {"lang": "en"} if shown == english else {})


def _tag(name: str, *parts: str | Mapping[str, str]) -> Html:
    """An element. Children that are no markup are escaped; a mapping as the last part gives the attributes."""
    children = [part if isinstance(part, Html) else _escaped(part) for part in parts if isinstance(part, str)]
    attributes = next((part for part in parts if not isinstance(part, str)), {})
    return Html(f"{_void(name, attributes)}{''.join(children)}</{name}>")


def _escaped(text: str) -> str:
    """The text as markup, with every character that cannot be seen written as a code; no-break spaces may stay."""
    return escape("".join(c if c in _SPACES else clean(c) for c in text))


def _void(name: str, attributes: Mapping[str, str]) -> Html:
    """The opening of an element, which is all of it for some. An empty attribute is left out."""
    return Html(f"<{name}{''.join(f' {key}={_quoted(value)}' for key, value in attributes.items() if value)}>")


def _quoted(value: str) -> str:
    return f'"{escape(value)}"'
