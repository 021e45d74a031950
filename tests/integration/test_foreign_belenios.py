"""Belenios archives that other people's software made: our verdict is the documented one, on good and on tampered ones.

`belenios-tool` (Debian) makes fresh archives, if it is there. A long run: `python -m tests.simulators.belenios`.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.simulators.belenios import (
    NOTHING_WRONG,
    BeleniosElection,
    failed_checks,
    has_tool,
    random_config,
    table_rows,
    tool_accepts,
    verify_tampered,
)
from voting.protocol.errors import UnavailableError, UsageError
from voting.verifier.cli import main
from voting.verifier.findings import Status
from voting.verifier.foreign import detect_format, verify_foreign
from voting.verifier.foreign.belenios import ballot_pass, verify
from voting.verifier.report import Report, Verdict

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "foreign-records.md"
GOOD = (
    "01-single3",
    "02-threshold-blank-weights",
    "03-blank",
    "04-weights",
    "05-revotes",
    "06-mixnet-schulze",
    "11-lists-v330",
)
NEED_AN_EARLIER_COPY = (
    "02b-dropped-ballot-tally-redone",
    "03c-swapped-ballot-tally-redone",
    "03d-reordered-ballots",
    "07b-credential-added-to-list",
)
ONLY_WE_REJECT = 17


@pytest.fixture(scope="module")
def archives(shared_data: Path) -> Path:
    return shared_data / "records" / "belenios"


def status_of(report: Report, check: str) -> Status:
    return next(line.status for line in report.checks if line.id == check)


def numbers(value: Any) -> list[int]:
    return [number for item in value for number in numbers(item)] if isinstance(value, list) else [int(value)]


@pytest.mark.parametrize("name", GOOD)
def test_good_archives_verify_with_the_documented_result(archives: Path, name: str) -> None:
    info = json.loads((archives / name / "info.json").read_text())
    report = verify(archives / name)
    assert report.verdict is Verdict.VERIFIED, failed_checks(report)
    assert report.group == info["group"]
    published = [row for row in info["result"] if name != "06-mixnet-schulze" or len(row) < 10]
    assert [list(answer.totals) for answer in report.result if answer.totals] == [numbers(row) for row in published]
    shown = {"B18", "B19", "B20", "B21"}
    assert {line.id for line in report.checks if line.status is Status.CANNOT_CHECK} == shown
    mixed = Status.PASSED if name == "06-mixnet-schulze" else Status.NOT_APPLICABLE
    assert status_of(report, "B14") is mixed


def test_every_tampered_archive_gives_its_verdict(archives: Path) -> None:
    tampered = archives / "tampered"
    reports = verify_tampered(tampered)
    rejected_by_us_alone = 0
    for case in json.loads((tampered / "cases.json").read_text()):
        report = reports[case["name"]]
        is_accepted = report.verdict in NOTHING_WRONG
        assert is_accepted == case["expected"].startswith("accept"), case["name"]
        assert is_accepted == (not failed_checks(report)), case["name"]
        rejected_by_us_alone += case["belenios_tool_2_0"] == "accept" and not is_accepted
    assert rejected_by_us_alone == ONLY_WE_REJECT
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [row for row in table_rows(tampered, reports) if row not in text] == []


@pytest.mark.parametrize("name", NEED_AN_EARLIER_COPY)
def test_an_earlier_copy_convicts_what_nothing_else_can(archives: Path, name: str) -> None:
    report = verify(archives / "tampered" / name, since=archives / "01-single3")
    assert failed_checks(report) == "B18"


def test_an_archive_continues_its_own_beginning(archives: Path) -> None:
    start = archives / "tampered" / "05f-truncated"
    report = verify(start)
    assert report.verdict is Verdict.VALID_SO_FAR
    assert report.exit_code == 4
    whole = verify(archives / "01-single3", since=start)
    assert whole.verdict is Verdict.VERIFIED
    assert status_of(whole, "B18") is Status.PASSED
    assert "B18" in failed_checks(verify(start, since=archives / "01-single3"))


def test_the_command_finds_the_format_and_gives_the_exit_code(archives: Path) -> None:
    good = CliRunner().invoke(main, [str(archives / "03-blank"), "--json"])
    assert good.exit_code == 0, good.output
    report = json.loads(good.stdout)
    assert report["system"].startswith("Belenios")
    assert dict(report["facts"])["group"] == "BELENIOS-2048"
    archive = str(next((archives / "tampered" / "04a-wrong-result").glob("*.bel")))
    bad = CliRunner().invoke(main, [archive])
    assert bad.exit_code == 1
    assert "B16 result" in bad.stdout
    assert "CANNOT BE CHECKED" in bad.stdout
    since = CliRunner().invoke(main, [archive, "--format", "belenios", "--since", str(archives / "03-blank")])
    assert since.exit_code == 1
    unfit = CliRunner().invoke(main, [archive, "--witness", "x"])
    assert unfit.exit_code == 2


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    empty = tmp_path / "empty.bel"
    empty.write_bytes(b"")
    assert detect_format(empty) == "belenios"
    assert failed_checks(verify(empty)) == "B01"
    with pytest.raises(UnavailableError):
        verify(tmp_path / "absent.bel")
    with pytest.raises(UnavailableError):
        verify_foreign(tmp_path / "absent", "belenios")
    with pytest.raises(UsageError):
        verify_foreign(empty, "urne")
    with pytest.raises(UsageError):
        verify_foreign(empty, "helios", since=empty)
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("a.bel", "b.bel"):
        shutil.copy(empty, folder / name)
    with pytest.raises(UnavailableError):
        verify(folder)


@pytest.mark.parametrize("name", ["01b-flipped-ballot-proof-resigned", "07a-ineligible-credential"])
def test_two_processes_say_what_one_says(archives: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(ballot_pass, "CHUNK", 2)
    one, two = (verify(archives / "tampered" / name, jobs=jobs) for jobs in (1, 2))
    without_time = [[msgspec.structs.replace(check, seconds=0.0) for check in report.checks] for report in (one, two)]
    assert without_time[0] == without_time[1]


@pytest.mark.skipif(not has_tool(), reason="belenios-tool is not installed (Debian: apt-get install belenios-tool)")
@pytest.mark.parametrize("seed", range(6))
def test_fresh_archives_are_accepted_by_both(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder = BeleniosElection(tmp_path, random_config(rng), rng).run()
    report = verify(folder)
    assert report.verdict is Verdict.VERIFIED, failed_checks(report)
    assert tool_accepts(folder)


@pytest.mark.slow
@pytest.mark.skipif(not has_tool(), reason="belenios-tool is not installed (Debian: apt-get install belenios-tool)")
def test_the_tool_says_of_tampered_archives_what_is_written_of_it(archives: Path) -> None:
    tampered = archives / "tampered"
    for case in json.loads((tampered / "cases.json").read_text()):
        assert tool_accepts(tampered / case["name"]) == (case["belenios_tool_2_0"] == "accept"), case["name"]
