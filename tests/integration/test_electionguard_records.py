"""Records that ElectionGuard programs made: the sample records, and a fresh one if electionguard 1.4.0 is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from voting.protocol.errors import DecodeError, UnavailableError, UsageError
from voting.verifier.cli import main
from voting.verifier.findings import Status
from voting.verifier.foreign import detect_format
from voting.verifier.foreign.electionguard import verify
from voting.verifier.foreign.electionguard.checks import CHECKS_1, CHECKS_2
from voting.verifier.report import Report, Verdict

PEER = Path(__file__).parents[1] / "third_party" / "electionguard_peer.py"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "electionguard"
PEER_PYTHON = "URNE_ELECTIONGUARD_PYTHON"
UNSEEN_1 = {"17-19", "last", "voters"}
UNSEEN_2 = {"last", "quorum", "voters"}


@pytest.fixture(scope="session")
def records(shared_data: Path) -> Path:
    """The folder of ElectionGuard's sample records."""
    return shared_data / "records" / "electionguard"


def status(report: Report, wanted: Status) -> set[str]:
    """The numbers of the verifications that ended so."""
    return {check.id for check in report.checks if check.status is wanted}


def numbers(report: Report) -> dict[str, tuple[int, ...]]:
    """The published numbers of votes, by question."""
    return {next(iter(answer.question.values())): answer.totals for answer in report.result}


def sums_1(record: Path) -> dict[str, tuple[int, ...]]:
    """The tally of a 0.95 record from the plaintext ballots of its cast ballots."""
    public, private = record / "election_record", record / "election_private_data"
    manifest = json.loads((public / "manifest.json").read_text())
    ballots = [json.loads(file.read_text()) for file in (public / "submitted_ballots").iterdir()]
    cast = {ballot["object_id"] for ballot in ballots if ballot["state"] == 1}
    votes: Counter[str] = Counter()
    for file in (private / "plaintext_ballots").iterdir():
        ballot = json.loads(file.read_text())
        if ballot["object_id"] in cast:
            for contest in ballot["contests"]:
                for selection in contest["ballot_selections"]:
                    votes[selection["object_id"]] += selection["vote"]
    return {
        contest["name"]: tuple(votes[option["object_id"]] for option in contest["ballot_selections"])
        for contest in manifest["contests"]
    }


def sums_2(record: Path) -> dict[str, tuple[int, ...]]:
    """The tally of a 2.0 record from the plaintext ballots of its cast ballots."""
    manifest = json.loads((record / "manifest.json").read_text())
    ballots = [json.loads(file.read_text()) for file in (record / "encrypted_ballots").rglob("eballot*.json")]
    cast = {ballot["ballot_id"] for ballot in ballots if ballot["state"] == "CAST"}
    votes: Counter[tuple[str, str]] = Counter()
    for file in (record / "private_data" / "input").iterdir():
        ballot = json.loads(file.read_text())
        if ballot["ballot_id"] in cast:
            for contest in ballot["contests"]:
                # A contest with too many votes counts as one without any.
                if sum(selection["vote"] for selection in contest["selections"]) <= 1:
                    for selection in contest["selections"]:
                        votes[contest["contest_id"], selection["selection_id"]] += selection["vote"]
    return {
        contest["name"]: tuple(
            votes[contest["object_id"], option["object_id"]] for option in contest["ballot_selections"]
        )
        for contest in manifest["contests"]
    }


@pytest.mark.parametrize(("name", "spoiled"), [("0.95-minimal", 0), ("0.95-small", 2)])
def test_records_0_95(records: Path, name: str, spoiled: int) -> None:
    report = verify(records / name)
    assert report.verdict is Verdict.VERIFIED
    assert (report.system, report.ballots, report.counted) == ("ElectionGuard 0.95", 5, 5 - spoiled)
    assert (len(report.trustees), report.threshold) == (5, 3)
    assert status(report, Status.CANNOT_CHECK) == UNSEEN_1
    assert numbers(report) == sums_1(records / name)
    missing = {check.id: check.passed for check in report.checks if check.id in ("9", "10")}
    assert all(missing.values())  # two guardians were missing
    if spoiled:
        assert status(report, Status.NOT_APPLICABLE) == set()
    else:
        assert status(report, Status.NOT_APPLICABLE) == {"12", "13", "14", "15", "16"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "ballots", "cast"), [("2.0-all-available", 42, 33), ("2.0-all-available-hex", 11, 11)]
)
def test_records_2_0(records: Path, name: str, ballots: int, cast: int) -> None:
    report = verify(records / name)
    assert report.verdict is Verdict.VERIFIED
    assert (report.system, report.ballots, report.counted) == ("ElectionGuard 2.0", ballots, cast)
    assert status(report, Status.CANNOT_CHECK) == UNSEEN_2
    assert numbers(report) == sums_2(records / name)
    texts = next(check for check in report.checks if check.id == "data")
    assert texts.passed == (76 if ballots > cast else 0)


def test_a_zip_file_is_read_as_its_folder(records: Path, tmp_path: Path) -> None:
    folder = records / "0.95-minimal" / "election_record"
    archive = tmp_path / "record.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for file in folder.rglob("*.json"):
            target.write(file, Path("some folder") / file.relative_to(folder))
    assert verify(archive).verdict is Verdict.VERIFIED
    assert detect_format(archive) == "electionguard"


def test_a_zip_file_with_a_file_twice_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "record.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("constants.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr("constants.json", "[]")
    with pytest.raises(DecodeError, match="twice"):
        verify(archive)


def test_a_record_without_a_tally_is_valid_so_far(records: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    shutil.copytree(records / "0.95-minimal" / "election_record", record, copy_function=shutil.copyfile)
    for folder in (record, *(place for place in record.rglob("*") if place.is_dir())):
        folder.chmod(0o755)
    for name in ("tally.json", "encrypted_tally.json"):
        (record / name).unlink()
    report = verify(record)
    assert report.verdict is Verdict.VALID_SO_FAR
    assert {"7", "8", "11"} <= status(report, Status.NOT_RUN)


def test_the_command_knows_the_format(records: Path) -> None:
    assert detect_format(records / "0.95-minimal") == "electionguard"
    result = CliRunner().invoke(main, ["--format", "electionguard", "--json", str(records / "0.95-minimal")])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["verdict"] == "verified"
    assert report["system"] == "ElectionGuard 0.95"


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="no ElectionGuard record"):
        verify(tmp_path)
    with pytest.raises(UnavailableError):
        verify(tmp_path / "missing")
    (tmp_path / "file").write_text("{}")
    with pytest.raises(DecodeError, match="zip"):
        verify(tmp_path / "file")
    (tmp_path / "constants.json").write_text("{}")
    with pytest.raises(UsageError, match="version"):
        verify(tmp_path)


def test_checks_and_rules_are_those_of_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "foreign-records.md").read_text(encoding="utf-8")
    for check in (*CHECKS_1, *CHECKS_2):
        if check.rule:
            assert f"| {check.id} {check.title} | {check.rule} |" in text
        else:
            assert check.id in text


@pytest.mark.parametrize("version", ["v1.91", "before 0.95"])
def test_other_versions_are_refused(records: Path, tmp_path: Path, version: str) -> None:
    record = tmp_path / "record"
    record.mkdir()
    for name in ("constants.json", "context.json", "manifest.json"):
        shutil.copyfile(records / "0.95-minimal" / "election_record" / name, record / name)
    if version == "v1.91":
        manifest = json.loads((record / "manifest.json").read_text())
        manifest["spec_version"] = version
        (record / "manifest.json").write_text(json.dumps(manifest))
    else:
        (record / "encrypted_ballots").mkdir()
    with pytest.raises(UsageError, match=version):
        verify(record)


def test_a_record_of_electionguard_1_4_0() -> None:
    """Format 1.0, made with `electionguard_peer.py`: three guardians, one of them missing, and a spoiled ballot."""
    report = verify(FIXTURES / "made-by-electionguard-1.4.0.zip")
    assert report.verdict is Verdict.VERIFIED
    assert (report.system, report.ballots, report.counted, report.threshold) == ("ElectionGuard 1.0", 3, 2, 2)
    assert numbers(report) == {"Mayor": (2, 0), "Keepers of the shore": (0, 0, 0)}
    assert status(report, Status.NOT_APPLICABLE) == set()
    assert status(report, Status.CANNOT_CHECK) == UNSEEN_1
    assert report.title == {"en": "Lake Village Election", "fr": "Élection du Village-du-Lac"}


def test_a_fresh_record_of_electionguard_1_4_0(tmp_path: Path) -> None:
    """The same kind of record, made here and now."""
    python = os.environ.get(PEER_PYTHON)
    if not python:
        pytest.skip(f"set {PEER_PYTHON} to a Python that has electionguard==1.4.0")
    command = [python, str(PEER), "make", str(FIXTURES / "manifest.json"), str(tmp_path / "record"), "5"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, timeout=120)
    report = verify(tmp_path / "record")
    assert report.verdict is Verdict.VERIFIED
    assert (report.ballots, report.counted, report.threshold) == (5, 4, 2)
    assert status(report, Status.NOT_APPLICABLE) == set()
