"""The report as a page and as JUnit: the same numbers as the text, every failure with its place, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from tests.simulators.record import parts_of, rechain, sample_election, sample_record, write_record
from voting.translations import set_language
from voting.verifier.cli import main
from voting.verifier.findings import Cause, Finding, Status
from voting.verifier.load import open_record
from voting.verifier.report import Answer, CheckReport, Report
from voting.verifier.report_html import html_report
from voting.verifier.report_junit import junit_report
from voting.verifier.verify import verify_record

TOY = "--allow-toy-group"
VOID = frozenset({"meta"})


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A command leaves its language behind."""
    set_language("en")
    yield
    set_language("en")


class Page(HTMLParser):
    """Reads a page strictly: every element is closed where it must be. `texts` are the words, `cells` the table's."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(data.decode("utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if ("td" in self.open or "th" in self.open) and "small" not in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def forged(folder: Path) -> Path:
    """A record with a wrong result, and a ballot whose proofs do not hold."""
    parts = parts_of(sample_election().board.entries)
    number = next(place for place, part in enumerate(parts) if part.type == "ballot.cast")
    ballot = parts[number]
    changed = re.sub(rb'("challenges":\[")(.)', lambda m: m[1] + (b"C" if m[2] == b"B" else b"B"), ballot.body, count=1)
    parts[number] = ballot._replace(body=changed)
    parts[-1] = parts[-1]._replace(body=parts[-1].body.replace(b'"totals":[3,5', b'"totals":[4,4'))
    return write_record(rechain(parts), folder)


def written(record: Path, tmp_path: Path, *words: str) -> tuple[str, Page, ElementTree.Element]:
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    result = CliRunner().invoke(
        main, ["--language", "en", str(record), TOY, "--html", str(page), "--junit", str(junit), *words]
    )
    assert result.exit_code in (0, 1, 4), result.output
    return result.stdout, Page(page.read_bytes()), ElementTree.fromstring(junit.read_bytes())  # noqa: S314


@pytest.mark.parametrize("until", ["open", "voting", "published", "forged"])
def test_page_and_junit_say_what_the_text_says(until: str, tmp_path: Path) -> None:
    folder = tmp_path / "record"
    record = forged(folder) if until == "forged" else sample_record(folder, until=until)
    text, page, junit = written(record, tmp_path)
    lines = text.splitlines()
    assert lines[-1] in page.text
    rows = {row[0]: row for row in page.rows if row[0].isdigit()}
    shown = [re.match(r"(PASS|FAIL|NOT RUN|N/A) +(\d\d) (.{24}) +(\d+/\d+)?", line) for line in lines]
    checks = [match for match in shown if match]
    assert len(checks) == len(rows) == 21
    for match in checks:
        number, title, outcome, count, _seconds = rows[match[2]]
        assert (number, title, outcome[2:], count) == (match[2], match[3].rstrip(), match[1], match[4] or "")
    for line in lines[1:7]:
        value = re.sub(r"^  [a-z ]+?  +", "", line)
        assert value in page.text, value
    suite = junit[0]
    assert [case.get("name", "")[:2] for case in suite.iter("testcase")] == sorted(rows)
    for name, words in (("failures", ("FAIL",)), ("skipped", ("N/A",)), ("tests", ("PASS", "FAIL", "NOT RUN", "N/A"))):
        least = sum(match[1] in words for match in checks)
        assert int(suite.get(name, "")) >= least
    assert int(suite.get("failures", "")) == len(list(suite.iter("failure"))) == text.count("\nFAIL ")
    assert len(list(suite.iter("skipped"))) + len(list(suite.iter("error"))) == sum(m[1][0] == "N" for m in checks)


def test_a_failure_has_entry_tracker_and_rule(tmp_path: Path) -> None:
    text, page, junit = written(forged(tmp_path / "record"), tmp_path)
    line = next(line.strip() for line in text.splitlines() if "the proofs of the ballot do not hold" in line)
    tracker = re.search(r"tracker ([0-9A-Z-]+):", line)
    assert tracker is not None
    assert f"Entry {line.split()[1]}" in re.sub(r"(Entry|Tracker)(?=\S)", r"\1 ", page.text)
    assert tracker[1] in page.text
    assert "Rule: for each constraint with combined ciphertext" in page.text
    failure = next(case for case in junit.iter("failure") if case.get("type") == "14")
    assert failure.get("message") == line
    assert (failure.text or "").startswith("rule: for each constraint")


def test_nothing_on_the_page_runs_or_loads(tmp_path: Path) -> None:
    _text, page, _junit = written(forged(tmp_path / "record"), tmp_path)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "input", "base", "svg"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes), tag
        assert (attributes.get("href") or "#").startswith("#")
    policy = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert len(policy) == 1
    assert (policy[0] or "").startswith("default-src 'none'; style-src 'sha256-")
    targets = {attributes["id"] for _tag, attributes in page.tags if "id" in attributes}
    links = {(attributes["href"] or "")[1:] for _tag, attributes in page.tags if "href" in attributes}
    assert links
    assert links <= targets


def test_the_page_is_french_where_asked(tmp_path: Path) -> None:
    _text, page, _junit = written(sample_record(tmp_path / "record"), tmp_path, "--language", "fr")
    assert page.tags[0] == ("html", {"lang": "fr"})
    assert "VÉRIFIÉ" in page.text
    assert "Chaîne des entrées" in page.text


def hostile_report(tmp_path: Path) -> Report:
    evil = "</td><script>alert(1)</script>\x1b[2J\u202e\x00&\"'"
    with open_record(sample_record(tmp_path / "record")) as source:
        report = verify_record(source, allow_toy=True)
    answer = Answer(question={"en": evil}, sentence=evil, totals=(1, 2))
    finding = Finding(entry=3, expected=evil, found=evil, reason=evil, subject=evil, tracker="T")
    check = CheckReport(
        id="01", title=evil, status=Status.FAILED, cause=Cause.NONE, reason=evil, passed=0, total=1, seconds=0.0,
        findings=(finding,) * 1002, warnings=(finding,), rule=evil,
    )  # fmt: skip
    skipped = CheckReport(
        id="02", title="x", status=Status.CANNOT_CHECK, cause=Cause.NONE, reason=evil, passed=0, total=0, seconds=0.0,
        findings=(), warnings=(),
    )  # fmt: skip
    known = {name: getattr(report, name) for name in report.__struct_fields__}
    return Report(
        **{
            **known,
            "title": {"en": evil},
            "checks": (check, skipped),
            "result": (answer,),
            "facts": (("n", evil), ("m", "")),
        }
    )


def test_texts_of_a_record_stay_texts(tmp_path: Path) -> None:
    report = hostile_report(tmp_path)
    data = html_report(report, "en", record="<b>", made="today")
    page = Page(data)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not set(data.decode()) & {"\x1b", "\u202e", "\x00"}
    assert "... and 2 more" in page.text
    root = ElementTree.fromstring(junit_report(report))  # noqa: S314  # our own
    assert [failure.get("type") for failure in root.iter("failure")] == ["01"]
    assert len(next(root.iter("failure")).text or "") > 1002
    assert len(list(root.iter("skipped"))) == 1
