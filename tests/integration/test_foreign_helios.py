"""Helios records: the verdict is the documented one, and each check refuses what it is there for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from voting.verifier.cli import main
from voting.verifier.findings import CheckInfo, Status
from voting.verifier.foreign import detect_format
from voting.verifier.foreign.belenios.checks import CHECKS as BELENIOS_CHECKS
from voting.verifier.foreign.helios import verify
from voting.verifier.foreign.helios.checks import CHECKS as HELIOS_CHECKS
from voting.verifier.foreign.helios.groups import HELIOS, base64_hash, python_json
from voting.verifier.report import Report, Verdict

RECORDS = {"gen_3trustees_14ballots": (14, 12), "helios_server_legacy_fixture": (1, 1)}
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def records(shared_data: Path) -> Path:
    return shared_data / "records" / "helios"


@pytest.fixture(scope="module")
def good(records: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((records / "gen_3trustees_14ballots.json").read_text())
    return read


def report_on(record: dict[str, Any], folder: Path) -> Report:
    path = folder / "record.json"
    path.write_text(json.dumps(record))
    return verify(path)


def failed(report: Report) -> list[str]:
    return [check.id for check in report.checks if check.status is Status.FAILED]


@pytest.mark.parametrize("name", RECORDS)
def test_records_verify_with_their_result(records: Path, name: str) -> None:
    path = records / f"{name}.json"
    report = verify(path)
    assert report.verdict is Verdict.VERIFIED, failed(report)
    assert (report.ballots, report.counted) == RECORDS[name]
    assert [list(answer.totals) for answer in report.result] == json.loads(path.read_text())["result"]
    hidden = {check.id for check in report.checks if check.status is Status.CANNOT_CHECK}
    assert hidden == {"H14", "H15", "H16"}
    warned = {check.id for check in report.checks if check.warnings}
    assert warned >= {"H02", "H03", "H05", "H09", "H12"}
    assert detect_format(path) == "helios"
    assert CliRunner().invoke(main, [str(path)]).exit_code == 0


def test_a_folder_of_the_servers_answers_is_a_record(good: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "election.json").write_text(good["election_raw"])
    for part in ("voters", "ballots", "trustees", "tally", "result"):
        (tmp_path / f"{part}.json").write_text(json.dumps(good[part]))
    assert detect_format(tmp_path) == "helios"
    assert verify(tmp_path).verdict is Verdict.VERIFIED


def rehashed(ballot: dict[str, Any]) -> None:
    """The tracker fits the vote again: only its content is wrong."""
    ballot["vote_hash"] = base64_hash(python_json(ballot["vote"]))


def plus_one(place: dict[str, Any], name: str) -> None:
    place[name] = str(int(place[name]) + 1)


def change_election(old: str, new: str) -> Edit:
    def edit(record: dict[str, Any]) -> None:
        assert old in record["election_raw"]
        record["election_raw"] = record["election_raw"].replace(old, new, 1)

    return edit


def change_proof(record: dict[str, Any]) -> None:
    ballot = record["ballots"][3]
    plus_one(ballot["vote"]["answers"][0]["individual_proofs"][1][0], "response")
    rehashed(ballot)


def change_overall(record: dict[str, Any]) -> None:
    ballot = record["ballots"][3]
    plus_one(ballot["vote"]["answers"][0]["overall_proof"][0], "challenge")
    rehashed(ballot)


def leave_group(record: dict[str, Any]) -> None:
    ballot = record["ballots"][3]
    cell = ballot["vote"]["answers"][0]["choices"][0]
    cell["alpha"] = str(HELIOS.p - int(cell["alpha"]))
    rehashed(ballot)


def leak_nonce(record: dict[str, Any]) -> None:
    ballot = record["ballots"][3]
    ballot["vote"]["answers"][0]["randomness"] = ["1"]
    rehashed(ballot)


def drop_answer(record: dict[str, Any]) -> None:
    ballot = record["ballots"][3]
    ballot["vote"]["answers"].pop()
    rehashed(ballot)


def drop_overall(record: dict[str, Any]) -> None:
    ballot = record["ballots"][3]
    ballot["vote"]["answers"][0]["overall_proof"] = None
    rehashed(ballot)


CASES: dict[str, tuple[Edit, str]] = {
    "no election": (lambda record: record.pop("election_raw"), "H01"),
    "voters are no list": (lambda record: record.update(voters=3), "H01"),
    "a number in the group changed": (change_election('"p": "16', '"p": "17'), "H02"),
    "another election key": (change_election('"y": "82', '"y": "83'), "H02"),
    "a title changed": (change_election('"name": "gen3"', '"name": "gen4"'), "H06"),
    "key proof": (lambda record: plus_one(record["trustees"][0]["pok"], "response"), "H03"),
    "key hash": (lambda record: record["trustees"][0].update(public_key_hash="x"), "H03"),
    "no key proof": (lambda record: record["trustees"][0].update(pok=None), "H03"),
    "a trustee too few": (lambda record: record["trustees"].pop(), "H04"),
    "no trustees": (lambda record: record.update(trustees=[]), "H03"),
    "a voter twice": (lambda record: record["voters"].append(record["voters"][0]), "H05"),
    "a voter of another election": (lambda record: record["voters"][0].update(election_uuid="x"), "H05"),
    "a vote by nobody": (lambda record: record["ballots"][3].update(voter_uuid="x"), "H06"),
    "an answer missing": (drop_answer, "H06"),
    "no overall proof": (drop_overall, "H06"),
    "a nonce in a vote": (leak_nonce, "H06"),
    "a tracker": (lambda record: record["ballots"][3].update(vote_hash="x"), "H07"),
    "a ciphertext outside the group": (leave_group, "H08"),
    "a proof": (change_proof, "H09"),
    "an overall proof": (change_overall, "H09"),
    "the tally's count": (lambda record: record["tally"].update(num_tallied=13), "H11"),
    "the tally": (lambda record: plus_one(record["tally"]["tally"][0][0], "beta"), "H11"),
    "a vote left out": (lambda record: record["ballots"].pop(), "H11"),
    "a decryption proof": (
        lambda record: plus_one(record["trustees"][1]["decryption_proofs"][1][0], "response"),
        "H12",
    ),
    "factors missing": (lambda record: record["trustees"][1].update(decryption_factors=None), "H12"),
    "a factor outside the group": (
        lambda record: record["trustees"][1]["decryption_factors"][0].__setitem__(0, "2"),
        "H12",
    ),
    "the result": (lambda record: record["result"][0].__setitem__(0, 5), "H13"),
    "the result plus q": (lambda record: record["result"][0].__setitem__(0, 4 + int(HELIOS.q)), "H13"),
    "a negative result": (lambda record: record["result"][0].__setitem__(0, -1), "H13"),
    "a result that is true": (lambda record: record["result"][0].__setitem__(2, True), "H13"),
    "a column too many": (lambda record: record["result"][0].append(0), "H13"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_change_is_found_by_its_check(good: dict[str, Any], tmp_path: Path, case: str) -> None:
    edit, check = CASES[case]
    record = copy.deepcopy(good)
    edit(record)
    report = report_on(record, tmp_path)
    assert report.verdict is Verdict.NOT_VERIFIED
    assert failed(report)[0] == check


def test_a_copied_vote_is_reported_though_helios_allows_it(good: dict[str, Any], tmp_path: Path) -> None:
    record = copy.deepcopy(good)
    for part in ("tally", "result"):
        record.pop(part)
    last = record["ballots"][-1]
    record["ballots"].append({**record["ballots"][0], "voter_uuid": "another", "cast_at": last["cast_at"]})
    record["voters"].append({**record["voters"][0], "uuid": "another"})
    report = report_on(record, tmp_path)
    copies = next(check for check in report.checks if check.id == "H10")
    assert copies.status is Status.PASSED
    assert len(copies.warnings) == 1
    assert report.verdict is Verdict.VALID_SO_FAR


def test_an_open_election_is_valid_so_far(good: dict[str, Any], tmp_path: Path) -> None:
    record = {name: good[name] for name in ("election_raw", "voters", "ballots", "trustees")}
    assert report_on(record, tmp_path).verdict is Verdict.VALID_SO_FAR
    record["ballots"] = []
    assert report_on(record, tmp_path).verdict is Verdict.VALID_SO_FAR


def test_a_key_twice_is_refused(good: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(good)[:-1] + ', "result": [[1]]}')
    assert failed(verify(path)) == ["H01"]


@pytest.mark.parametrize("checks", [BELENIOS_CHECKS, HELIOS_CHECKS])
def test_checks_and_rules_are_those_of_the_documentation(checks: tuple[CheckInfo, ...]) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "foreign-records.md").read_text(encoding="utf-8")
    for check in checks:
        if check.rule:
            assert f"| {check.id} {check.title} | {check.rule} |" in text
        else:
            assert check.id in text
