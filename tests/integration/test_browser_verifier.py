"""The browser's verifier beside `urne-verify`: the same verdict, and the same state of every check, on good and bad
records. It runs in node here, from the very files that browsers load (voting/booth/static/js/verifier).

Whatever the two say differently is a fault of one of them, or of docs/spec.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.docs.report_schemas import schemas
from tests.integration.test_reference_verifier import CHAIR, LINE_FAULTS, as_hash, change_at_random, finished
from tests.integration.test_witnessed_election import NAMES, signed_by, witnessed
from tests.javascript.node import FOLDER, Node, node_program, running
from tests.properties.test_methods_problems import FAULTS
from tests.simulators.election import ADMINISTRATOR, manifest_for
from tests.simulators.record import (
    STAGES,
    SampleElection,
    Stage,
    checkpoint_of,
    parts_of,
    rechain,
    sample_election,
    sample_record,
    write_record,
)
from tests.strategies.methods import LANGUAGES, SMALL_QUESTIONS, all_selections
from tests.tamper.test_verifier_tamper import (
    CASES,
    STRANGER,
    Case,
    ballots_with_one_seed,
    changed_result_body,
    defined_again,
    false_share_proof,
    write_forgery,
)
from trustee_tools import ceremony as trustee
from voting.crypto import schnorr
from voting.election.steps import cancel_election, extend_election, give_notice, restart_ceremony
from voting.protocol.encoding import to_base64
from voting.protocol.entries import sign_content
from voting.protocol.messages import TrusteeAnswered
from voting.protocol.methods import Question
from voting.verifier.checks import CHECKS
from voting.verifier.context import Announced
from voting.verifier.load import open_record
from voting.verifier.verify import verify_record

Json = dict[str, Any]
TIMES = {"program", "seconds"}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running("verify_record.mjs", "--batch", "--allow-toy-group") as process:
        yield process


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture(scope="module")
def record(election: SampleElection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_record(election.board.entries, tmp_path_factory.mktemp("browser") / "record")


def both(
    node: Node, record: Path, *, since: bytes | None = None, manifest: str | None = None, election: str | None = None
) -> Json:
    """The browser verifier's report, after comparing it with the other verifier's."""
    question = {"folder": str(record)}
    if since is not None:
        place = record.parent / f"{record.name}.since"
        place.write_bytes(since)
        question["since"] = str(place)
    for name, value in (("manifest", manifest), ("election", election)):
        if value is not None:
            question[name] = value
    answer = node.ask(**question)
    assert "report" in answer, answer
    own: Json = answer["report"]
    with open_record(record) as source:
        known = Announced(as_hash(manifest), as_hash(election), since)
        report = verify_record(source, allow_toy=True, announced=known)
    other: Json = msgspec.json.decode(msgspec.json.encode(report))
    assert {check["id"]: standing(check) for check in own["checks"]} == {
        check["id"]: standing(check) for check in other["checks"]
    }
    assert own.keys() == other.keys()
    for name in own.keys() - TIMES - {"checks"}:
        assert own[name] == other[name], name
    return own


def standing(check: Json) -> Json:
    """What two verifiers must say alike of a check: all but times and the words for what is wrong."""
    places = {
        kind: [(finding["entry"], finding["tracker"]) for finding in check[kind]] for kind in ("findings", "warnings")
    }
    return {**places, **{name: check[name] for name in ("title", "rule", "status", "cause", "passed", "total")}}


def failed(report: Json) -> set[str]:
    return {check["id"] for check in report["checks"] if check["status"] == "failed"}


def warnings(report: Json) -> list[Json]:
    return [warning for check in report["checks"] for warning in check["warnings"]]


# -- good records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_every_method(node: Node, name: str, tmp_path: Path) -> None:
    selections = all_selections(SMALL_QUESTIONS[name])
    ballots = [(number % 3, [selections[number * 7 % len(selections)]]) for number in range(4)]
    record = sample_record(tmp_path / "record", questions=(SMALL_QUESTIONS[name],), ballots=ballots)
    assert both(node, record)["verdict"] == "verified"


def test_two_questions_and_weights(node: Node, tmp_path: Path) -> None:
    questions = (SMALL_QUESTIONS["choose with blank"], SMALL_QUESTIONS["condorcet with ties"])
    ballots = [(number, [all_selections(question)[number] for question in questions]) for number in range(3)]
    weights = (10**12, 1000, 3)
    record = sample_record(tmp_path / "record", questions=questions, ballots=ballots, weights=weights)
    report = both(node, record)
    assert (report["verdict"], report["weight"]) == ("verified", sum(weights))


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "published"])
def test_an_unfinished_election(node: Node, stage: Stage, tmp_path: Path) -> None:
    election = sample_election(until=stage)
    assert both(node, write_record(election.board.entries, tmp_path / "record"))["exit_code"] == 4
    election.board.append(*cancel_election(election.record, ADMINISTRATOR, "Fire in the hall.", election.now()))
    assert both(node, write_record(election.board.entries, tmp_path / "cancelled"))["exit_code"] == 4


def test_no_ballot_and_one_trustee(node: Node, tmp_path: Path) -> None:
    assert both(node, sample_record(tmp_path / "record", ballots=(), trustees=1, threshold=1))["exit_code"] == 0


def test_notices_and_a_longer_voting_time(node: Node, tmp_path: Path) -> None:
    election = sample_election(until="voting")
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Two\nlines.", election.now()))
    later = extend_election(election.record, ADMINISTRATOR, "2026-12-24T08:00:00.000Z", election.now())
    election.board.append(*later)
    election.finish()
    assert both(node, write_record(election.board.entries, tmp_path / "record"))["exit_code"] == 0


def with_complaint() -> SampleElection:
    election = sample_election(until="defined")
    election.join()
    election.commit()
    election.deal()
    election.board.append(*trustee.complain(election.trustees[1], election.ceremony, 2, election.now()))
    return election


def test_a_complaint_that_is_settled(node: Node, tmp_path: Path) -> None:
    election = with_complaint()
    election.board.append(*trustee.answer(election.trustees[2], election.ceremony, 1, election.now()))
    election.confirm()
    assert both(node, write_record(finished(election), tmp_path / "record"))["exit_code"] == 0


def test_a_wrong_answer_and_a_new_ceremony(node: Node, tmp_path: Path) -> None:
    election = with_complaint()
    manifest = election.manifest.hash
    share, time = to_base64(bytes(32)), election.now()
    wrong = TrusteeAnswered(attempt=1, index=2, manifest=manifest, recipient=1, share=share, time=time)
    key = election.trustees[2].signing_key
    election.board.append("trustee.answered", sign_content("trustee.answered", manifest, wrong, key))
    report = both(node, write_record(election.board.entries, tmp_path / "failed"))
    assert (report["exit_code"], len(warnings(report))) == (4, 1)
    election.board.append(*restart_ceremony(election.record, ADMINISTRATOR, [2], election.now()))
    election.run_ceremony()
    assert both(node, write_record(finished(election), tmp_path / "record"))["exit_code"] == 0


@pytest.mark.parametrize(("quorum", "signers", "code"), [(2, 2, 4), (2, 3, 4), (2, 1, 1), (3, 2, 1)])
def test_witnesses(node: Node, quorum: int, signers: int, code: int, tmp_path: Path) -> None:
    entries = witnessed(quorum).board.entries
    note = signed_by(checkpoint_of(entries), NAMES[:signers])
    assert both(node, write_record(entries, tmp_path / "record", checkpoint=note))["exit_code"] == code


def test_a_witness_whose_signature_fails(node: Node, tmp_path: Path) -> None:
    entries = witnessed(2).board.entries
    note = signed_by(signed_by(checkpoint_of(entries), NAMES[:2]), [NAMES[2]], key=STRANGER)
    both(node, write_record(entries, tmp_path / "stranger", checkpoint=note))
    both(node, write_record(entries, tmp_path / "broken", checkpoint=note[:-8] + b"AAAAAA=\n"))


def test_a_group_of_real_size_and_no_hints(node: Node, tmp_path: Path) -> None:
    ballots = ((0, [all_selections(CHAIR)[0]]),)
    record = sample_record(tmp_path / "record", group="integer-3072", ballots=ballots)
    (record / "hints.jsonl").unlink()
    assert both(node, record)["exit_code"] == 0


def test_workers_come_to_the_same_report(record: Path, tmp_path: Path) -> None:
    forged = write_forgery(false_share_proof(), tmp_path / "forged")
    for folder in (record, forged):
        alone, together = (run(folder, "--allow-toy-group", *workers) for workers in ((), ("--workers", "2")))
        assert alone.returncode == together.returncode
        plain = [{**json.loads(answer.stdout), "seconds": 0} for answer in (alone, together)]
        assert plain[0] == plain[1]


# -- bad records -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.forge.__name__)
def test_a_forgery_fails_the_same_checks(node: Node, case: Case, tmp_path: Path) -> None:
    report = both(node, write_forgery(case.forge(), tmp_path / "record"))
    assert failed(report) == {case.check} | case.also
    assert report["exit_code"] == 1


def test_copies_with_proofs_that_hold(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failed(both(node, write_forgery(ballots_with_one_seed(monkeypatch), tmp_path / "record"))) == {"15"}


def test_a_nonce_used_twice_is_a_warning(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schnorr, "derive", lambda *_arguments, length: bytes([5]) * length)
    report = both(node, sample_record(tmp_path / "record"))
    assert (report["exit_code"], len(warnings(report))) == (0, 3)


@pytest.mark.parametrize(("name", "check"), [("manifest", "01"), ("election", "10")])
def test_another_election_than_the_announced_one(node: Node, name: str, check: str, record: Path) -> None:
    wrong = {name: "0" * 64}
    assert failed(both(node, record, **wrong)) == {check}  # type: ignore[arg-type]


def test_an_earlier_checkpoint(node: Node, record: Path, election: SampleElection, tmp_path: Path) -> None:
    entries = election.board.entries
    assert both(node, record, since=checkpoint_of(entries, size=9))["exit_code"] == 0
    assert both(node, record, since=checkpoint_of(entries, size=0))["exit_code"] == 0
    assert failed(both(node, record, since=checkpoint_of(entries, STRANGER, size=9))) == {"21"}
    other = sample_election(seed=1).board.entries
    assert failed(both(node, record, since=checkpoint_of(other, size=9))) == {"21"}
    shorter = write_record(entries[:-1], tmp_path / "shorter")
    assert failed(both(node, shorter, since=checkpoint_of(entries))) == {"21"}


@pytest.mark.parametrize(("name", "question"), [fault[:2] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_question_that_is_not_valid(node: Node, name: str, question: Question, tmp_path: Path) -> None:
    manifest = manifest_for([question])  # type: ignore[list-item]
    title = dict.fromkeys(LANGUAGES, "A test election")
    manifest = msgspec.structs.replace(manifest, languages=LANGUAGES, title=title)
    parts = parts_of(sample_election(until="defined").board.entries)
    assert failed(both(node, write_forgery(defined_again(parts, manifest), tmp_path / "record"))) == {"01"}, name


@pytest.mark.parametrize("name", LINE_FAULTS)
def test_files_that_are_broken(node: Node, name: str, record: Path, tmp_path: Path) -> None:
    broken = tmp_path / "record"
    shutil.copytree(record, broken)
    member, change = LINE_FAULTS[name]
    (broken / member).write_bytes(change((broken / member).read_bytes()))
    assert both(node, broken)["exit_code"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_random_changes(node: Node, seed: int, election: SampleElection, tmp_path: Path) -> None:
    """One field, entry or byte is changed, in most cases by whoever may sign it; the chain is sound."""
    chance = random.Random(seed)
    for number in range(8):
        parts = parts_of(election.board.entries)
        change_at_random(chance, election, parts)
        both(node, write_record(rechain(parts), tmp_path / str(number)))


# -- troubles ----------------------------------------------------------------------------------------------------------


def test_when_not_the_record_is_at_fault(record: Path) -> None:
    """tests/javascript/troubles.test.mjs: workers that die, sources that fail."""
    command = [node_program(), "--test", str(FOLDER / "troubles.test.mjs")]
    environment = {**os.environ, "URNE_RECORD": str(record)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "# pass 11" in done.stdout


# -- the program -------------------------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [node_program(), str(FOLDER / "verify_record.mjs"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_program(record: Path, tmp_path: Path) -> None:
    toy = "--allow-toy-group"
    assert run(record).returncode == 1
    assert run(write_forgery(changed_result_body(), tmp_path / "forged"), toy).returncode == 1
    assert run(tmp_path / "nowhere", toy).returncode == 3
    assert run(record, toy, "--since", record / "vkey").returncode == 3
    assert run(toy).returncode == 2
    assert run(record, "--what").returncode == 2


@pytest.mark.parametrize("member", ["headers.jsonl", "bodies.jsonl", "checkpoint", "vkey"])
def test_what_is_no_record_is_unreadable(node: Node, member: str, record: Path, tmp_path: Path) -> None:
    broken = tmp_path / "record"
    shutil.copytree(record, broken)
    (broken / member).unlink()
    assert node.ask(folder=str(broken))["code"] == 3
    if member in ("checkpoint", "vkey"):
        (broken / member).write_bytes(b"a\nb\n" if member == "vkey" else b"a" * 1_000_001)
        assert node.ask(folder=str(broken))["code"] == 3


def test_the_report_keeps_to_its_schema(node: Node, record: Path) -> None:
    report = both(node, record)
    schema = schemas()["urne-report-1"]
    for name, part in {"Report": report, "CheckReport": report["checks"][0]}.items():
        assert part.keys() == schema["$defs"][name]["properties"].keys()
    assert [check["rule"] for check in report["checks"]] == [check.rule for check in CHECKS]
