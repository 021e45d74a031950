"""The verifier on good records: every method, every stage of an election, every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.election import ADMINISTRATOR, BOARD_KEY, StoredEntry
from tests.simulators.record import (
    ADA,
    BLANK,
    GRACE,
    STAGES,
    SampleElection,
    Stage,
    checkpoint_of,
    sample_election,
    sample_record,
    write_record,
)
from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from voting.crypto.signatures import SigningKey
from voting.election.ballots import build_ballot, encode_selections
from voting.election.steps import cancel_election, extend_election, give_notice
from voting.protocol.encoding import encode, to_base64
from voting.protocol.messages import Opening
from voting.protocol.methods import Question
from voting.protocol.tlog.merkle import Frontier, inclusion_proof
from voting.protocol.tlog.note import TYPE_COSIGNATURE, cosign, format_signature_line, note_key, parse_note
from voting.protocol.tlog.proof import Receipt, format_receipt
from voting.protocol.tracker import lock_number, tracker
from voting.verifier import ballot_pass, checks, workers
from voting.verifier.ballot_pass import check_all_ballots
from voting.verifier.checks import CHECKS
from voting.verifier.chunks import Chunk
from voting.verifier.cli import main
from voting.verifier.context import Context
from voting.verifier.findings import Cause, CheckResult, Status
from voting.verifier.fingerprints import FINGERPRINT_BYTES, Fingerprints
from voting.verifier.load import open_record
from voting.verifier.receipt import write_receipt_file
from voting.verifier.replay import replay_record
from voting.verifier.report import CheckReport, Report, Verdict, verdict_of
from voting.verifier.report_text import clean, report_lines
from voting.verifier.verify import verify_record

TOY = "--allow-toy-group"


def verify(folder: Path, **choices: Any) -> Report:
    with open_record(folder) as source:
        return verify_record(source, allow_toy=True, **choices)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def statuses(report: Report) -> dict[str, str]:
    return {check.id: check.status.value for check in report.checks}


def receipt_for(entries: Sequence[StoredEntry], seq: int, size: int) -> bytes:
    """The receipt that an honest board gives for an entry, under its checkpoint of `size` entries."""
    frontier, nodes = Frontier(), {}
    for entry in entries[:size]:
        for node in frontier.append(entry.header_bytes):
            nodes[node.level, node.position] = node.hash
    proof = inclusion_proof(seq, size, lambda level, position: nodes[level, position])
    text = format_receipt(Receipt(seq, proof, checkpoint_of(entries, size=size)))
    return write_receipt_file(entries[seq].header_bytes, text)


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture(scope="module")
def record(election: SampleElection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_record(election.board.entries, tmp_path_factory.mktemp("verifier") / "record")


# -- good records ------------------------------------------------------------------------------------------------------


def test_a_good_record_is_verified(record: Path) -> None:
    report = verify(record)
    assert report.verdict is Verdict.VERIFIED
    assert report.exit_code == 0
    assert {number for number, status in statuses(report).items() if status != "passed"} == {"21"}
    assert (report.ballots, report.counted, report.credentials, report.weight) == (4, 3, 3, 8)
    assert report.result[0].totals == (3, 5, 0)
    assert "Grace" in report.result[0].sentence


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_every_method_is_verified(name: str, tmp_path: Path) -> None:
    question: Question = SMALL_QUESTIONS[name]
    selections = all_selections(question)
    ballots = [(number % 3, [selections[number * 7 % len(selections)]]) for number in range(4)]
    folder = sample_record(tmp_path / "record", questions=(question,), ballots=ballots)
    report = verify(folder)
    assert report.verdict is Verdict.VERIFIED, report_lines(report, "en")
    assert report.result[0].sentence


def test_two_questions(tmp_path: Path) -> None:
    questions = (SMALL_QUESTIONS["choose with blank"], SMALL_QUESTIONS["grades"])
    grade = all_selections(questions[1])[0]
    ballots = [(0, [BLANK, grade]), (1, [ADA, grade])]
    folder = sample_record(tmp_path / "record", questions=questions, ballots=ballots)
    assert verify(folder).verdict is Verdict.VERIFIED


def test_an_election_without_any_ballot_is_verified(tmp_path: Path) -> None:
    report = verify(sample_record(tmp_path / "record", ballots=()))
    assert report.verdict is Verdict.VERIFIED
    assert statuses(report)["14"] == "passed"
    assert report.ballots == 0


def test_one_trustee_alone(tmp_path: Path) -> None:
    assert verify(sample_record(tmp_path / "record", trustees=1, threshold=1)).verdict is Verdict.VERIFIED


def test_a_share_more_than_needed_is_fine(tmp_path: Path) -> None:
    election = sample_election(until="tallied")
    for index in (3, 1, 2):
        election.decrypt(index)
    election.result()
    report = verify(write_record(election.board.entries, tmp_path / "record"))
    assert report.verdict is Verdict.VERIFIED
    assert [(check.passed, check.warnings) for check in report.checks if check.id == "18"] == [(3, ())]


def test_notices_and_a_longer_voting_time(tmp_path: Path) -> None:
    election = sample_election(until="voting")
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Lunch at noon.", election.now()))
    closes = "2027-01-01T00:00:00.000Z"
    election.board.append(*extend_election(election.record, ADMINISTRATOR, closes, election.now()))
    election.vote(election.voters[0], [GRACE])
    election.finish()
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Thank you.", election.now()))
    assert verify(write_record(election.board.entries, tmp_path / "record")).verdict is Verdict.VERIFIED


def test_a_zip_is_read_as_well(record: Path, tmp_path: Path) -> None:
    target = tmp_path / "record.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(record.iterdir()):
            archive.write(path, path.name)
    result = run(target, TOY)
    assert (result.exit_code, result.output.splitlines()[-1][:9]) == (0, "VERIFIED:")


def test_hints_are_not_needed(record: Path, tmp_path: Path) -> None:
    for name in ("headers.jsonl", "bodies.jsonl", "checkpoint", "vkey"):
        (tmp_path / name).write_bytes((record / name).read_bytes())
    assert verify(tmp_path).verdict is Verdict.VERIFIED


# -- unfinished records ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_an_unfinished_election_is_valid_so_far(stage: Stage, tmp_path: Path) -> None:
    report = verify(sample_record(tmp_path / "record", until=stage))
    assert report.verdict is Verdict.VALID_SO_FAR, report_lines(report, "en")
    assert report.exit_code == 4
    assert {check.cause for check in report.checks if check.status is Status.NOT_RUN} == {Cause.NOT_YET}
    assert "failed" not in statuses(report).values()
    assert report_lines(report, "en")[-1].startswith("VALID SO FAR: ")


def test_an_election_that_stops_between_two_steps_is_valid_so_far(tmp_path: Path, election: SampleElection) -> None:
    for size in range(len(election.board.entries)):
        report = verify(write_record(election.board.entries[:size], tmp_path / str(size)))
        assert (size, report.exit_code) == (size, 4)


@pytest.mark.parametrize("stage", ["defined", "voting", "closed", "shared"])
def test_a_cancelled_election_is_valid_so_far(stage: Stage, tmp_path: Path) -> None:
    election = sample_election(until=stage)
    election.board.append(*cancel_election(election.record, ADMINISTRATOR, "Fire in the hall.", election.now()))
    report = verify(write_record(election.board.entries, tmp_path / "record"))
    assert (report.verdict, report.exit_code) == (Verdict.VALID_SO_FAR, 4)
    assert report_lines(report, "en")[-1].endswith("The election was cancelled.")


def test_one_share_of_two_is_not_enough(tmp_path: Path) -> None:
    election = sample_election(until="tallied")
    election.decrypt(2)
    report = verify(write_record(election.board.entries, tmp_path / "record"))
    assert [check.reason for check in report.checks if check.id == "18"] == ["1 of the 2 shares needed are there"]
    assert report.exit_code == 4


# -- processes ---------------------------------------------------------------------------------------------------------


def without_times(report: Report) -> str:
    lines = report_lines(report, "en", everything=True)
    return "\n".join(line.rpartition("  ")[0] if line.endswith(" s") else line for line in lines)


@pytest.mark.parametrize("lenient", [False, True])
def test_one_process_and_two_give_the_same_report(
    lenient: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    election = sample_election(until="voting", lenient=lenient)
    if lenient:
        spoiled = election.encrypt(election.voters[1], [GRACE])
        body = spoiled.body.replace(b'"challenge":"', b'"challenge":"A', 1)
        position = body.index(b'"challenge":"') + len('"challenge":"')
        body = body[: position + 43] + body[position + 44 :]
        election.board.append("ballot.cast", body)
    election.finish()
    folder = write_record(election.board.entries, tmp_path / "record")
    alone, together = verify(folder, jobs=1), verify(folder, jobs=2)
    assert without_times(alone) == without_times(together)
    assert alone.exit_code == (1 if lenient else 0)


def test_chunks_cover_every_ballot(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=True)
        chunks = list(ballot_pass.plan_chunks(source, replay, 3))
        places = [place for chunk in chunks for place in chunk.ballots]
        assert len(chunks) > 1
        assert [place.seq for place in places] == [reference.seq for reference in replay.record.ballots]
        assert [place.weight for place in places] == [1, 2, 0, 5]
        done = check_all_ballots(source, replay, jobs=1)
        assert (done.ballots, done.missing, done.error) == (4, 0, "")


class Dying:
    """Stands in for the checker of a process that is killed."""

    def __init__(self, _setup: object) -> None:
        pass

    def check(self, _chunk: object) -> None:
        os._exit(1)


def start_dying(_parent: object) -> None:
    vars(workers)["ChunkChecker"] = Dying


def test_a_process_that_dies_is_never_a_pass(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    monkeypatch.setattr(workers, "_start_process", start_dying)
    report = verify(record, jobs=2)
    assert (report.verdict, report.exit_code) == (Verdict.NOT_CHECKED, 3)
    wrong = {check.id: check.cause for check in report.checks if check.status is Status.NOT_RUN}
    assert wrong == dict.fromkeys(("11", "12", "13", "14", "15", "17"), Cause.ERROR)
    assert report_lines(report, "en")[-1].startswith("NOT VERIFIED: ")


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_in_the_pass_is_never_a_pass(jobs: int, record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    plan = ballot_pass.plan_chunks

    def wrong_hash(*arguments: Any) -> list[Chunk]:
        chunks = list(plan(*arguments))
        last = chunks[-1]
        ballots = tuple(place._replace(hash=chunks[0].ballots[0].hash) for place in last.ballots)
        return [*chunks[:-1], last._replace(ballots=ballots)]

    monkeypatch.setattr(ballot_pass, "plan_chunks", wrong_hash)
    report = verify(record, jobs=jobs)
    assert report.exit_code == 3
    assert {statuses(report)[number] for number in ("11", "12", "13", "14", "15", "17")} == {"not run"}


def test_a_check_that_raises_is_never_a_pass(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_context: Context) -> CheckResult:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "voting.verifier.verify.CHECKS", tuple(c._replace(run=broken) if c.info.id == "16" else c for c in CHECKS)
    )
    report = verify(record)
    assert (report.exit_code, statuses(report)["16"]) == (3, "not run")


def test_an_entry_on_which_the_program_fails_is_never_a_pass(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RecursionError

    monkeypatch.setitem(__import__("voting.election.rules").election.rules._RULES, "election.result", broken)
    report = verify(record)
    assert (report.exit_code, statuses(report)["04"]) == (3, "not run")
    assert statuses(report)["20"] == "not run"


def test_without_assertions_the_verdicts_are_the_same(record: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    forged.mkdir()
    for path in record.iterdir():
        data = path.read_bytes()
        (forged / path.name).write_bytes(data.replace(b'"totals":[3,5,0]', b'"totals":[5,3,0]'))
    for folder, code in ((record, 0), (forged, 1)):
        command = [sys.executable, "-O", "-m", "voting.verifier.cli", str(folder), TOY, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, json.loads(done.stdout)["exit_code"], done.stderr) == (code, code, "")


# -- what was announced ------------------------------------------------------------------------------------------------


def test_announced_hashes_that_fit(record: Path, election: SampleElection) -> None:
    arguments = ("--manifest", election.manifest.hash, "--election", election.record.election or "")
    assert run(record, TOY, *arguments).exit_code == 0


def test_an_announced_hash_that_is_none_is_wrong_usage(record: Path) -> None:
    result = run(record, TOY, "--manifest", "abc")
    assert (result.exit_code, "--manifest" in result.output) == (2, True)


@pytest.mark.parametrize("size", [0, 1, 7, 16, 23, 24])
def test_a_record_extends_an_earlier_checkpoint(
    size: int, record: Path, election: SampleElection, tmp_path: Path
) -> None:
    earlier = tmp_path / "checkpoint"
    earlier.write_bytes(checkpoint_of(election.board.entries, size=size))
    result = run(record, TOY, "--since", earlier, "--json")
    found = {check["id"]: check["status"] for check in json.loads(result.output)["checks"]}
    assert (result.exit_code, found["21"]) == (0, "passed")


def test_a_receipt_is_an_earlier_checkpoint_too(record: Path, election: SampleElection, tmp_path: Path) -> None:
    saved = tmp_path / "receipt.json"
    saved.write_bytes(receipt_for(election.board.entries, 17, 19))
    assert run(record, TOY, "--since", saved).exit_code == 0


def test_witnesses_who_signed(record: Path, election: SampleElection, tmp_path: Path) -> None:
    witness = SigningKey.from_seed(bytes([9]) * 32)
    note = checkpoint_of(election.board.entries)
    line = format_signature_line(cosign(parse_note(note).text, "witness.example", witness, 1_800_000_000))
    folder = write_record(election.board.entries, tmp_path / "record", checkpoint=note + line)
    vkey = note_key("witness.example", witness.verify_key, TYPE_COSIGNATURE).vkey
    assert run(folder, TOY, "--witness", vkey).exit_code == 0
    absent = run(record, TOY, "--witness", vkey)
    assert (absent.exit_code, "witness witness.example: has not signed the checkpoint" in absent.output) == (1, True)
    other = parse_note(note).text.replace(b"\n", b"x\n", 1)
    forged = format_signature_line(cosign(other, "witness.example", witness, 1_800_000_000))
    folder = write_record(election.board.entries, tmp_path / "forged", checkpoint=note + forged)
    refused = run(folder, TOY, "--witness", vkey)
    assert (refused.exit_code, "witness witness.example: " in refused.output) == (1, True)


# -- commands ----------------------------------------------------------------------------------------------------------


def test_the_report_for_machines(record: Path) -> None:
    data = json.loads(run("--language", "en", record, TOY, "--json").output)
    assert data["schema"] == "urne-report-1"
    assert [check["id"] for check in data["checks"]] == [f"{number:02}" for number in range(1, 22)]
    assert data["head"]["size"] == 24


@pytest.mark.parametrize(
    "arguments",
    [["--jobs", "1"], ["--json", "--jobs=1"], ["--language", "en"]],
)
def test_options_may_stand_before_the_record(arguments: list[str], record: Path) -> None:
    assert run(*arguments, TOY, record).exit_code == 0


def test_help_shows_the_options_of_the_default_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("--since", "--manifest", "explain", "tracker", "RECORD"):
        assert word in result.output


def test_a_toy_group_must_be_allowed(record: Path) -> None:
    result = run(record)
    assert (result.exit_code, "for tests only" in result.output) == (1, True)


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_what_is_no_record_is_not_checked(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / name)
    assert (result.exit_code, result.output.startswith("error: ")) == (3, True)


def test_every_check_is_explained() -> None:
    for check in CHECKS:
        result = run("explain", check.info.id)
        assert result.exit_code == 0
        assert result.output.startswith(f"Check {check.info.id}: ")
        assert "Claim: " in result.output
        assert "Rule: " in result.output
        assert "Stops: " in result.output
    assert len(run("explain").output.splitlines()) == len(CHECKS) == 21
    assert run("explain", "22").exit_code == 2
    assert run("explain", "7").output.startswith("Check 07")


def test_every_check_has_its_own_file() -> None:
    names = {path.stem for path in Path(checks.__file__).parent.glob("c[0-9]*.py")}
    assert {name[1:3] for name in names} == {check.info.id for check in CHECKS}


def test_a_tracker_is_found(record: Path, election: SampleElection) -> None:
    ballots = election.record.ballots
    counted = run("tracker", tracker(ballots[0].hash).lower(), record, TOY)
    assert (counted.exit_code, "It is the ballot that counts" in counted.output) == (0, True)
    replaced = run("tracker", tracker(ballots[2].hash), record, TOY)
    assert (replaced.exit_code, f"entry {ballots[3].seq}" in replaced.output) == (0, True)
    data = json.loads(run("tracker", tracker(ballots[2].hash), record, TOY, "--json").output)
    assert (data["state"], data["replaced_by"]) == ("replaced", ballots[3].seq)


def test_a_tracker_that_is_not_there(record: Path, election: SampleElection) -> None:
    absent = tracker(election.manifest.hash)
    result = run("tracker", absent, record, TOY)
    assert (result.exit_code, "1. The record is older" in result.output) == (1, True)
    mistyped = absent[:-1] + ("0" if absent[-1] != "0" else "1")
    result = run("tracker", mistyped, record, TOY)
    assert (result.exit_code, "typing error" in result.output) == (2, True)


def test_a_receipt_is_kept(record: Path, election: SampleElection, tmp_path: Path) -> None:
    saved = tmp_path / "receipt.json"
    saved.write_bytes(receipt_for(election.board.entries, 17, 19))
    kept = run("receipt", saved, "--record", record, TOY)
    assert (kept.exit_code, "the same history" in kept.output) == (0, True)
    signed = run("receipt", saved, "--vkey", note_key("board.example/test", BOARD_KEY.verify_key).vkey)
    assert signed.exit_code == 0
    other = note_key("board.example/test", ADMINISTRATOR.verify_key).vkey
    assert run("receipt", saved, "--vkey", other).exit_code == 1
    assert run("receipt", saved).exit_code == 2


def test_a_receipt_convicts_a_board_that_dropped_the_ballot(election: SampleElection, tmp_path: Path) -> None:
    saved = tmp_path / "receipt.json"
    saved.write_bytes(receipt_for(election.board.entries, 18, 19))
    for name, entries in (("short", election.board.entries[:18]), ("other", sample_election(seed=1).board.entries)):
        folder = write_record(entries, tmp_path / name)
        result = run("receipt", saved, "--record", folder, TOY)
        assert (result.exit_code, "check 21: entry 18" in result.output) == (1, True)


def opening_of(election: SampleElection, seed: bytes) -> tuple[bytes, str]:
    context = election.record.ballot_context()
    credential = election.voters[0].key.verify_key.raw
    made = build_ballot(context, credential, encode_selections(election.manifest, [ADA]), seed)
    opening = Opening(
        choices=({"blank": False, "chosen": [0]},),
        credential=to_base64(credential),
        election=context.election,
        seed=to_base64(seed),
    )
    assert "Ada" not in repr(opening)
    assert to_base64(seed) not in repr(opening)
    return encode(opening), lock_number(made.hash)


def test_an_opening_gives_the_lock_number_and_the_choices(
    record: Path, election: SampleElection, tmp_path: Path
) -> None:
    data, lock = opening_of(election, bytes(range(32)))
    path = tmp_path / "opening.json"
    path.write_bytes(data)
    result = run("opening", path, record, TOY)
    assert (result.exit_code, lock in result.output, "Ada" in result.output) == (0, True, True)
    path.write_bytes(data.replace(b'"chosen":[0]', b'"chosen":[1]'))
    changed = run("opening", path, record, TOY)
    assert (lock in changed.output, "Grace" in changed.output) == (False, True)


def test_an_opening_of_another_election_or_of_a_cast_ballot_is_refused(
    election: SampleElection, tmp_path: Path
) -> None:
    path = tmp_path / "opening.json"
    path.write_bytes(opening_of(election, bytes(32))[0])
    other = sample_record(tmp_path / "other", seed=1)
    refused = run("opening", path, other, TOY)
    assert (refused.exit_code, "another election" in refused.output) == (1, True)

    cast = sample_election(until="open")
    data, _lock = opening_of(cast, bytes(32))
    path.write_bytes(data)
    cast.random_bytes = lambda length: bytes(length)  # type: ignore[method-assign]
    cast.vote(cast.voters[0], [ADA])
    folder = write_record(cast.board.entries, tmp_path / "cast")
    refused = run("opening", path, folder, TOY)
    assert (refused.exit_code, "was cast" in refused.output, "Ada" in refused.output) == (1, True, False)


def test_an_opening_that_breaks_a_rule_does_not_show_its_choices(
    record: Path, election: SampleElection, tmp_path: Path
) -> None:
    data, _lock = opening_of(election, bytes(32))
    path = tmp_path / "opening.json"
    path.write_bytes(data.replace(b'"chosen":[0]', b'"chosen":[0,1]'))
    result = run("opening", path, record, TOY)
    assert result.exit_code in (1, 2)
    assert "Ada" not in result.output


# -- parts -------------------------------------------------------------------------------------------------------------


def test_text_from_a_record_does_not_steer_the_terminal() -> None:
    assert clean("a\x1b[2Jb\r\u202ec") == "a\\u{1b}[2Jb\\u{d}\\u{202e}c"


def line(status: Status, cause: Cause = Cause.NONE) -> CheckReport:
    return CheckReport(
        id="01",
        title="",
        status=status,
        cause=cause,
        reason="",
        passed=0,
        total=0,
        seconds=0.0,
        findings=(),
        warnings=(),
    )


def test_only_passed_checks_of_a_finished_election_are_verified() -> None:
    from voting.election.phases import Phase

    good, failed = line(Status.PASSED), line(Status.FAILED)
    broken, pending = line(Status.NOT_RUN, Cause.ERROR), line(Status.NOT_RUN, Cause.NOT_YET)
    nameless = line(Status.NOT_RUN)
    assert verdict_of((good, line(Status.NOT_APPLICABLE)), Phase.PUBLISHED) is Verdict.VERIFIED
    assert verdict_of((good,), Phase.TALLIED) is Verdict.VALID_SO_FAR
    assert verdict_of((good, pending), Phase.PUBLISHED) is Verdict.VALID_SO_FAR
    assert verdict_of((good, pending, broken), Phase.OPEN) is Verdict.NOT_CHECKED
    assert verdict_of((good, nameless), Phase.PUBLISHED) is Verdict.NOT_CHECKED
    assert verdict_of((good, broken, failed), Phase.PUBLISHED) is Verdict.NOT_VERIFIED


def ballots_with_values() -> st.SearchStrategy[list[tuple[str, list[int]]]]:
    values = st.lists(st.integers(0, 40), max_size=4)
    return st.lists(st.tuples(st.sampled_from("ABC"), values), max_size=12)


def repeated_plainly(ballots: list[tuple[str, list[int]]]) -> Iterator[int]:
    owners: dict[int, str] = {}
    for number, (owner, values) in enumerate(ballots):
        first = [owners.setdefault(value, owner) for value in values]
        if len(set(values)) != len(values) or set(first) - {owner}:
            yield number


@settings(max_examples=200)
@given(ballots_with_values())
def test_repetitions_are_those_that_a_plain_search_finds(ballots: list[tuple[str, list[int]]]) -> None:
    prints = Fingerprints()
    for number, (_owner, values) in enumerate(ballots):
        prints.add(number, b"".join(bytes([value % 5]) + bytes([value]) * (FINGERPRINT_BYTES - 1) for value in values))
    found = prints.repetitions(lambda number: ballots[number][0])
    assert [repetition.second for repetition in found] == list(repeated_plainly(ballots))
