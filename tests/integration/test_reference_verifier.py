"""The reference verifier beside the other one: the same verdict and the same failing checks, on good and bad records.

Whatever `voting.verifier.reference` and `urne-verify` say differently is a fault of one of them, or of docs/spec.
"""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.test_verifier import receipt_for
from tests.integration.test_witnessed_election import NAMES, signed_by, witnessed
from tests.properties.test_methods_problems import FAULTS
from tests.simulators.election import ADMINISTRATOR, AUTHORITY, manifest_for
from tests.simulators.record import (
    STAGES,
    Part,
    SampleElection,
    Stage,
    checkpoint_of,
    parts_of,
    rechain,
    sample_election,
    sample_record,
    write_record,
)
from tests.strategies.methods import LANGUAGES, SMALL_QUESTIONS, TITLE, all_selections, texts, totals_of
from tests.tamper.test_verifier_tamper import (
    CASES,
    STRANGER,
    Case,
    ballots_with_one_seed,
    changed_result_body,
    defined_again,
    failed_checks,
    false_share_proof,
    write_forgery,
)
from trustee_tools import ceremony as trustee
from voting.crypto import schnorr
from voting.crypto.signatures import SigningKey
from voting.election.steps import cancel_election, extend_election, give_notice, restart_ceremony
from voting.protocol.encoding import Hash, encode, sha256, to_base64
from voting.protocol.entries import sign_content, signing_input
from voting.protocol.errors import VerificationError
from voting.protocol.messages import TrusteeAnswered
from voting.protocol.methods import Condorcet, CondorcetTies, Question
from voting.verifier import reference
from voting.verifier.context import Announced
from voting.verifier.findings import Status
from voting.verifier.load import open_record
from voting.verifier.verify import verify_record

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "voting" / "verifier" / "reference.py"


def both(
    record: Path, since: bytes | None = None, *, manifest: str | None = None, election: str | None = None
) -> reference.Report:
    """The reference verifier's report, after comparing it with the other verifier's."""
    with open_record(record) as source:
        known = Announced(as_hash(manifest), as_hash(election), since)
        other = verify_record(source, allow_toy=True, announced=known)
    earlier = None if since is None else reference.read_checkpoint(since)
    report = reference.verify(reference.read_record(record), True, earlier, manifest, election)
    assert {f"{check:02}" for check in report.failed()} == failed_checks(other), report.findings
    assert report.exit_code() == other.exit_code
    # What the one does not make, the other must not call passed.
    passed = {check.id for check in other.checks if check.status is Status.PASSED}
    own = {f"{check:02}" for check in reference.CLAIMS if report.status(check) == "passed"}
    assert own <= passed or report.exit_code() != 0, own - passed
    return report


def as_hash(text: str | None) -> Hash | None:
    return None if text is None else Hash(text)


def run(*arguments: str | Path, optimised: bool = False) -> subprocess.CompletedProcess[str]:
    """The program in a Python that has nothing but its standard library."""
    flags = ["-I", "-S", *(["-O"] if optimised else [])]
    command = [sys.executable, *flags, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture(scope="module")
def record(election: SampleElection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_record(election.board.entries, tmp_path_factory.mktemp("reference") / "record")


# -- it stands alone ---------------------------------------------------------------------------------------------------


def test_it_imports_the_standard_library_only() -> None:
    names = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module))
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert not names & {"random", "secrets", "socket", "urllib"}


def test_it_states_no_assertions() -> None:
    nodes = ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8")))
    assert not [node for node in nodes if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("optimised", [False, True])
def test_the_program(optimised: bool, record: Path, tmp_path: Path) -> None:
    def code(*arguments: str | Path) -> int:
        return run(*arguments, optimised=optimised).returncode

    toy = "--allow-toy-group"
    assert code(record, toy) == 0
    assert code(record) == 1
    assert code(write_forgery(false_share_proof(), tmp_path / "forged"), toy) == 1
    assert code(sample_record(tmp_path / "open", until="voting"), toy) == 4
    assert code(tmp_path / "nowhere", toy) == 3
    assert code(toy) == 2
    assert code(record, toy, "--manifest", "none") == 2


def test_the_report_as_text_and_as_json(record: Path, tmp_path: Path) -> None:
    text = run(record, "--allow-toy-group").stdout
    assert text.splitlines()[0] == "01 passed   The manifest is well formed and uses a known group"
    assert text.splitlines()[-1] == "VERIFIED"
    forged = run(write_forgery(changed_result_body(), tmp_path / "forged"), "--allow-toy-group", "--json")
    report = json.loads(forged.stdout)
    assert report["verdict"] == "not verified"
    assert [check["check"] for check in report["checks"]] == list(range(1, 22))
    (finding,) = report["checks"][1]["findings"]
    assert (finding["entry"], finding["rule"], report["checks"][1]["status"]) == (23, "L1f", "failed")
    assert report["checks"][19]["status"] == "not run"


def test_a_fault_of_the_program_is_no_verdict(
    record: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reference, "check_shares", fails)
    assert reference.main([str(record), "--allow-toy-group"]) == 3
    assert capsys.readouterr().out == ""


# -- its parts against known answers -----------------------------------------------------------------------------------


def vectors(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / name).read_text(encoding="utf-8"))["cases"]
    return cases


def test_signatures() -> None:
    cases = [case for case in vectors("ed25519.json") if "signature" in case]
    for case in cases:
        key, message, signature = (bytes.fromhex(case[name]) for name in ("key", "message", "signature"))
        assert reference.is_signed(key, message, signature) == (case["expect"] == "ok"), case["name"]
    assert {case["expect"] == "ok" for case in cases} == {True, False}


def test_the_groups_are_those_of_the_specification() -> None:
    for name in reference.GROUPS:
        assert reference.group_named(name).name == name  # it compares the fingerprint


def test_the_known_answers_of_the_specification() -> None:
    toy = reference.group_named("toy-512")
    challenge = "d83cdb1ab292faf669cca29c02eebb66babaf53e79ed5c8c6c0384a5bcbf1736"
    assert f"{toy.challenge('ballot', b'abc', b''):x}" == challenge
    weights = toy.weights(2, "decryption-weights", b"abc")
    assert [f"{weight:x}" for weight in weights] == [
        "19af22a1f3a9e479ef5ebe5902568134",
        "52dcbbe7c47308a548d8937aa360612f",
    ]


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_shapes(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    own = reference.METHODS[plain(question)["method"]].shape(plain(question))
    other = question.shape()
    assert own.values == other.values
    assert own.totals == [(total.index, total.highest) for total in other.totals]
    assert [(each.terms, each.constant, tuple(each.allowed)) for each in own.constraints] == [
        (each.combination.terms, each.combination.constant, each.allowed) for each in other.constraints
    ]


def plain(value: object) -> Any:
    return json.loads(encode(value))


LARGE_QUESTIONS: dict[str, Question] = {
    "schulze of 6": Condorcet(title=TITLE, options=texts(6)),
    "ranked pairs of 6": Condorcet(title=TITLE, options=texts(6), rule="ranked-pairs"),
    "ties of 4": CondorcetTies(title=TITLE, options=texts(4)),
}


@pytest.mark.parametrize("name", [*SMALL_QUESTIONS, *LARGE_QUESTIONS])
def test_outcomes(name: str) -> None:
    question = {**SMALL_QUESTIONS, **LARGE_QUESTIONS}[name]
    chance = random.Random(name)
    choices = all_selections(question)
    impossible = 0
    for trial in range(120):
        ballots = [(chance.choice(choices), chance.choice((1, 1, 1, 2, 10**12))) for _ in range(chance.randrange(7))]
        totals, cast = totals_of(question, ballots)
        if trial % 3 == 2:
            totals[chance.randrange(len(totals))] += chance.choice((-1, 1))
        try:
            other = encode(question.outcome(totals, cast=cast))
        except VerificationError:
            impossible += 1
            with pytest.raises(reference.Malformed):
                own_outcome(question, totals, cast)
        else:
            assert reference.encode(own_outcome(question, totals, cast)) == other
    assert impossible < 100


def own_outcome(question: Question, totals: list[int], cast: int) -> reference.Json:
    data = plain(question)
    method = reference.METHODS[data["method"]]
    # What M4b says of all methods, `check_outcomes` looks at.
    highest = [each[1] for each in method.shape(data).totals]
    possible = all(0 <= total <= cast * most for total, most in zip(totals, highest, strict=True))
    reference.demand(possible, "out of range")
    return method.count(data, totals, cast)


# -- good records ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_every_method(name: str, tmp_path: Path) -> None:
    selections = all_selections(SMALL_QUESTIONS[name])
    ballots = [(number % 3, [selections[number * 7 % len(selections)]]) for number in range(4)]
    report = both(sample_record(tmp_path / "record", questions=(SMALL_QUESTIONS[name],), ballots=ballots))
    assert (report.verdict(), report.warnings) == ("verified", [])


def test_two_questions(tmp_path: Path) -> None:
    questions = (SMALL_QUESTIONS["choose with blank"], SMALL_QUESTIONS["condorcet with ties"])
    ballots = [(number, [all_selections(question)[number] for question in questions]) for number in range(3)]
    record = sample_record(tmp_path / "record", questions=questions, ballots=ballots, weights=(1, 1000, 3))
    assert both(record).exit_code() == 0


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "published"])
def test_an_unfinished_election(stage: Stage, tmp_path: Path) -> None:
    election = sample_election(until=stage)
    assert both(write_record(election.board.entries, tmp_path / "record")).exit_code() == 4
    election.board.append(*cancel_election(election.record, ADMINISTRATOR, "Fire in the hall.", election.now()))
    assert both(write_record(election.board.entries, tmp_path / "cancelled")).exit_code() == 4


def test_no_ballot_and_one_trustee(tmp_path: Path) -> None:
    assert both(sample_record(tmp_path / "record", ballots=(), trustees=1, threshold=1)).exit_code() == 0


def test_notices_and_a_longer_voting_time(tmp_path: Path) -> None:
    election = sample_election(until="voting")
    for entry in (
        give_notice(election.record, ADMINISTRATOR, "Two\nlines.", election.now()),
        extend_election(election.record, ADMINISTRATOR, "2026-12-24T08:00:00.000Z", election.now()),
    ):
        election.board.append(*entry)
    election.finish()
    assert both(write_record(election.board.entries, tmp_path / "record")).exit_code() == 0


def test_a_complaint_that_is_settled(tmp_path: Path) -> None:
    election = sample_election(until="defined")
    election.join()
    election.commit()
    election.deal()
    secrets = election.trustees
    for step in (
        trustee.complain(secrets[1], election.ceremony, 2, election.now()),
        trustee.answer(secrets[2], election.ceremony, 1, election.now()),
    ):
        election.board.append(*step)
    election.confirm()
    assert both(write_record(finished(election), tmp_path / "record")).exit_code() == 0


def test_a_wrong_answer_and_a_new_ceremony(tmp_path: Path) -> None:
    election = sample_election(until="defined")
    election.join()
    election.commit()
    election.deal()
    election.board.append(*trustee.complain(election.trustees[1], election.ceremony, 2, election.now()))
    wrong = TrusteeAnswered(
        attempt=1,
        index=2,
        manifest=election.manifest.hash,
        recipient=1,
        share=to_base64(bytes(32)),
        time=election.now(),
    )
    key = election.trustees[2].signing_key
    election.board.append("trustee.answered", sign_content("trustee.answered", election.manifest.hash, wrong, key))
    election.board.append(*restart_ceremony(election.record, ADMINISTRATOR, [2], election.now()))
    election.run_ceremony()
    assert both(write_record(finished(election), tmp_path / "record")).exit_code() == 0


def finished(election: SampleElection) -> list[Any]:
    """The entries after the ceremony was carried on to a result, by two voters."""
    choices = all_selections(election.manifest.questions[0])
    for voter, choice in zip(election.give_credentials([1, 4]), choices, strict=False):
        if election.record.opened is None:
            election.open()
        election.vote(voter, [choice])
    election.finish()
    return election.board.entries


@pytest.mark.parametrize(("quorum", "signers", "code"), [(2, 2, 4), (2, 3, 4), (2, 1, 1), (3, 2, 1)])
def test_witnesses(quorum: int, signers: int, code: int, tmp_path: Path) -> None:
    entries = witnessed(quorum).board.entries
    note = signed_by(checkpoint_of(entries), NAMES[:signers])
    assert both(write_record(entries, tmp_path / "record", checkpoint=note)).exit_code() == code


def test_a_witness_whose_signature_fails(tmp_path: Path) -> None:
    entries = witnessed(2).board.entries
    note = signed_by(signed_by(checkpoint_of(entries), NAMES[:2]), [NAMES[2]], key=STRANGER)
    both(write_record(entries, tmp_path / "stranger", checkpoint=note))
    broken = note[:-8] + b"AAAAAA=\n"
    both(write_record(entries, tmp_path / "broken", checkpoint=broken))


def test_a_zip_and_no_hints(record: Path, tmp_path: Path) -> None:
    packed = tmp_path / "record.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("headers.jsonl", "bodies.jsonl", "checkpoint", "vkey"):
            archive.write(record / name, name)
    assert both(packed).exit_code() == 0


def test_a_group_of_real_size(tmp_path: Path) -> None:
    record = sample_record(tmp_path / "record", group="integer-3072", ballots=((0, [all_selections(CHAIR)[0]]),))
    assert both(record).exit_code() == 0


CHAIR = sample_election(until="defined").manifest.questions[0]


# -- bad records -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.forge.__name__)
def test_a_forgery_fails_the_same_checks(case: Case, tmp_path: Path) -> None:
    report = both(write_forgery(case.forge(), tmp_path / "record"))
    assert {f"{check:02}" for check in report.failed()} == {case.check} | case.also
    assert report.exit_code() == 1


def test_copies_with_proofs_that_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert both(write_forgery(ballots_with_one_seed(monkeypatch), tmp_path / "record")).failed() == [15]


def test_a_nonce_used_twice_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schnorr, "derive", lambda *_arguments, length: bytes([5]) * length)
    report = both(sample_record(tmp_path / "record"))
    assert report.exit_code() == 0
    assert len(report.warnings) == 3


@pytest.mark.parametrize(("name", "check"), [("manifest", 1), ("election", 10)])
def test_another_election_than_the_announced_one(name: str, check: int, record: Path) -> None:
    wrong = {name: "0" * 64}
    assert both(record, manifest=wrong.get("manifest"), election=wrong.get("election")).failed() == [check]


def test_an_earlier_checkpoint(record: Path, election: SampleElection, tmp_path: Path) -> None:
    entries = election.board.entries
    assert both(record, since=checkpoint_of(entries, size=9)).exit_code() == 0
    assert both(record, since=checkpoint_of(entries, STRANGER, size=9)).failed() == [21]
    assert both(record, since=checkpoint_of(sample_election(seed=1).board.entries, size=9)).failed() == [21]
    shorter = write_record(entries[:-1], tmp_path / "shorter")
    assert both(shorter, since=checkpoint_of(entries)).failed() == [21]


def test_a_receipt_is_an_earlier_checkpoint_too(record: Path, election: SampleElection, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(receipt_for(election.board.entries, 16, 20))
    assert run(record, "--allow-toy-group", "--since", receipt).returncode == 0
    receipt.write_bytes(b'{"nothing":1}')
    assert run(record, "--allow-toy-group", "--since", receipt).returncode == 3


@pytest.mark.parametrize(("name", "question"), [fault[:2] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_question_that_is_not_valid(name: str, question: Question, tmp_path: Path) -> None:
    manifest = manifest_for([question])  # type: ignore[list-item]
    title = dict.fromkeys(LANGUAGES, "A test election")
    manifest = msgspec.structs.replace(manifest, languages=LANGUAGES, title=title)
    parts = parts_of(sample_election(until="defined").board.entries)
    assert both(write_forgery(defined_again(parts, manifest), tmp_path / "record")).failed() == [1], name


LINE_FAULTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "cut short": ("headers.jsonl", lambda data: data[:-1]),
    "an empty line": ("bodies.jsonl", lambda data: data + b"\n"),
    "an empty header": ("headers.jsonl", lambda data: data.replace(b"\n", b"\n\n", 1)),
    "a line too long": ("headers.jsonl", lambda data: b"{" * 70_000 + b"\n" + data),
    "a header more": ("headers.jsonl", lambda data: data + b"{}\n"),
    "hints missing": ("hints.jsonl", lambda data: b""),
    "nothing": ("headers.jsonl", lambda data: b""),
    "no checkpoint": ("checkpoint", lambda data: b""),
    "not UTF-8": ("bodies.jsonl", lambda data: data.replace(b"Ada", b"\xff\xfe\xfd", 1)),
    "control characters": ("checkpoint", lambda data: data.replace(b"\n", b"\r\n", 1)),
}


@pytest.mark.parametrize("name", LINE_FAULTS)
def test_files_that_are_broken(name: str, record: Path, tmp_path: Path) -> None:
    broken = tmp_path / "record"
    broken.mkdir()
    for path in record.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    member, change = LINE_FAULTS[name]
    (broken / member).write_bytes(change((broken / member).read_bytes()))
    assert both(broken).exit_code() == 1


@pytest.mark.parametrize("member", ["headers.jsonl", "bodies.jsonl", "checkpoint", "vkey"])
def test_what_is_no_record_is_unreadable(member: str, record: Path, tmp_path: Path) -> None:
    packed = tmp_path / "record.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in record.iterdir():
            if path.name != member:
                archive.write(path, path.name)
    assert reference.main([str(packed)]) == 3
    assert reference.main([str(write_forgery(false_share_proof(), tmp_path / "r") / member)]) == 3


# -- records changed at random -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(int(os.environ.get("URNE_REFERENCE_SEEDS", "4"))))
def test_random_changes(seed: int, election: SampleElection, tmp_path: Path) -> None:
    """One field, entry or byte is changed, in most cases by whoever may sign it; the chain is sound."""
    chance = random.Random(seed)
    for number in range(8):
        parts = parts_of(election.board.entries)
        change_at_random(chance, election, parts)
        both(write_record(rechain(parts), tmp_path / str(number)))


def change_at_random(chance: random.Random, election: SampleElection, parts: list[Part]) -> None:
    place = chance.randrange(len(parts))
    part = parts[place]
    match chance.choice(["field"] * 12 + ["signature", "byte", "drop", "repeat", "swap"]):
        case "field":
            parts[place] = with_changed_field(chance, election, part)
        case "signature":
            body = json.loads(part.body)
            parts[place] = part._replace(body=dump({**body, "signature": changed_value(chance, body["signature"])}))
        case "byte":
            data = bytearray(part.body)
            data[chance.randrange(len(data))] = chance.randrange(32, 256)
            parts[place] = part._replace(body=bytes(data))
        case "drop":
            parts.pop(place)
        case "repeat":
            parts.insert(chance.randrange(len(parts)), part)
        case "swap":
            other = chance.randrange(len(parts))
            parts[place], parts[other] = parts[other], part


def with_changed_field(chance: random.Random, election: SampleElection, part: Part) -> Part:
    content = json.loads(part.body)["content"]
    path = chance.choice([path for path in paths_of(content) if path])
    holder = content
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = changed_value(chance, holder[path[-1]])
    manifest = election.manifest.hash
    if part.type == "election.defined":
        manifest = sha256(dump(content["manifest"]))
    signature = author_of(election, part).sign(signing_input(part.type, manifest, sha256(dump(content))))
    return part._replace(body=dump({"content": content, "signature": to_base64(signature)}))


def author_of(election: SampleElection, part: Part) -> SigningKey:
    content = json.loads(part.body)["content"]
    if part.type == "ballot.cast":
        keys = {to_base64(voter.key.verify_key.raw): voter.key for voter in election.voters}
        return keys[content["credential"]]
    if part.type == "tally.share" or part.type.startswith("trustee."):
        index: int = content.get("coefficients", content)["index"]
        return election.trustees[index].signing_key
    return AUTHORITY if part.type == "credentials.listed" else ADMINISTRATOR


def paths_of(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(deeper for key, item in items for deeper in paths_of(item, (*path, key)))]


def changed_value(chance: random.Random, value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return chance.choice([value + 1, value - 1, 0, -1, 10**12 + 1, 2**53, str(value), True])
        case str():
            place = chance.randrange(len(value) + 1)
            other = chance.choice(["", "A", "é", "\n", "\u200b", " "])
            return chance.choice([value[:place] + other + value[place + 1 :], value[:-1] + "B", "A" * len(value), None])
        case list():
            shorter = value[: len(value) // 2]
            return chance.choice([value[::-1], shorter, value + value[:1], [*value, 1]])
        case dict():
            less = dict(list(value.items())[1:])
            return chance.choice([less, {**value, "more": 1}, list(value)])
        case _:
            return chance.choice([1, "x", [], {}])


def dump(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
