"""Every kind of fault in an ElectionGuard 2.0 record is found, by the verification that is meant for it."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.electionguard import P2, ballots_2, edit, p_of, p_text, q_text, small_record_2
from voting.protocol.errors import UsageError
from voting.verifier.findings import Status
from voting.verifier.foreign.electionguard import verify
from voting.verifier.foreign.electionguard.groups import group_2
from voting.verifier.foreign.electionguard.setup_2 import b4, b512, hash_2
from voting.verifier.report import Report, Verdict

Json = Any
CAST, CHALLENGED = "id-12", "id-1"
OPENED = f"challenged_ballots/dballot-{CHALLENGED}.json"
G = group_2().generator.value


@pytest.fixture(scope="module")
def good(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of two ballots, made with the sample record's own keys."""
    source = shared_data / "records" / "electionguard" / "2.0-all-available"
    return small_record_2(source, tmp_path_factory.mktemp("electionguard") / "record", [CAST], [CHALLENGED])


@pytest.fixture
def record(good: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(good, tmp_path / "record"))


def failed(report: Report) -> set[str]:
    """The numbers of the failed verifications."""
    return {check.id for check in report.checks if check.status is Status.FAILED}


def multiply(holder: Json, name: str) -> None:
    """Another number of the group."""
    holder[name] = p_text(p_of(holder[name]) * G % P2)


def add(proof: Json, name: str, summand: int = 1) -> None:
    """Another number below q."""
    proof[name] = q_text((p_of(proof[name]) + summand) % group_2().q)


def in_file(name: str, change: Callable[[Json], object]) -> Callable[[Path], None]:
    return lambda record: edit(record / name, change)


def ballot_file(record: Path, ballot: str) -> Path:
    return next(file for file, content in ballots_2(record) if content["ballot_id"] == ballot)


def in_ballot(change: Callable[[Json], object], *, coded: bool = False) -> Callable[[Path], None]:
    """Change the cast ballot; if `coded`, its hashes and its code are made to fit again."""

    def fault(record: Path) -> None:
        def both(ballot: Json) -> None:
            change(ballot)
            if coded:
                recode(record, ballot)

        edit(ballot_file(record, CAST), both)

    return fault


def recode(record: Path, ballot: Json) -> None:
    """Compute the contest hashes and the confirmation code anew."""
    started = json.loads((record / "election_initialized.json").read_text())
    extended, key = base64.b64decode(started["extended_base_hash"]), b512(p_of(started["joint_public_key"]))
    hashes = []
    for contest in ballot["contests"]:
        votes = [selection["encrypted_vote"] for selection in contest["selections"]]
        parts = [b512(p_of(vote[name])) for vote in votes for name in ("pad", "data")]
        hashes.append(hash_2(extended, 0x23, b4(int(contest["sequence_order"])), key, *parts))
        contest["contest_hash"] = base64.b64encode(hashes[-1]).decode()
    code = hash_2(extended, 0x24, *hashes, bytes.fromhex(ballot["code_baux"]))
    ballot["confirmation_code"] = base64.b64encode(code).decode()


def vote(ballot: Json) -> Json:
    return ballot["contests"][0]["selections"][0]


def move_challenge(ballot: Json) -> None:
    one, other = vote(ballot)["proof"]["proofs"]
    add(one, "challenge")
    add(other, "challenge", -1)


def longer_range(ballot: Json) -> None:
    proofs = ballot["contests"][0]["proof"]["proofs"]
    proofs.append(proofs[0])


def cast_as_challenged(record: Path) -> None:
    edit(ballot_file(record, CAST), lambda ballot: ballot.update(state="CHALLENGED"))


def counted(tally: Json) -> Json:
    """An option that somebody chose."""
    return next(s for contest in tally["contests"] for s in contest["selections"] if s["tally"] > 0)


def one_vote_more(tally: Json) -> None:
    """One vote more, with the element that goes with it."""
    option = counted(tally)
    option["tally"] += 1
    multiply(option, "b_over_m")


def opened_data(ballot: Json) -> Json:
    return ballot["contests"][0]["decrypted_contest_data"]


def open_cast_ballot(record: Path) -> None:
    opened = json.loads((record / OPENED).read_text())
    opened["id"] = CAST
    (record / "challenged_ballots" / "another.json").write_text(json.dumps(opened))


def chained(record: Path) -> None:
    """Make the two ballots a chain, as the specification says."""
    edit(record / "election_config.json", lambda config: config.update(chain_confirmation_codes=True))
    config = json.loads((record / "election_config.json").read_text())
    started = json.loads((record / "election_initialized.json").read_text())
    baux0 = base64.b64decode(config["baux0"])
    before = hash_2(base64.b64decode(started["extended_base_hash"]), 0x24, baux0)
    for name in (CAST, CHALLENGED):
        file = ballot_file(record, name)
        ballot = json.loads(file.read_text())
        ballot["code_baux"] = (before + baux0).hex().upper()
        recode(record, ballot)
        file.write_text(json.dumps(ballot))
        before = base64.b64decode(ballot["confirmation_code"])


def chain_with_gap(record: Path) -> None:
    """The second ballot follows one that is not there."""
    chained(record)
    other = json.loads(ballot_file(record, CHALLENGED).read_text())
    other["code_baux"] = "00" * 32 + base64.b64decode("ZGV2aWNlIGluZm9ybWF0aW9u").hex()
    recode(record, other)
    ballot_file(record, CHALLENGED).write_text(json.dumps(other))


def chain_with_two_firsts(record: Path) -> None:
    chained(record)
    first = json.loads(ballot_file(record, CAST).read_text())
    other = json.loads(ballot_file(record, CHALLENGED).read_text())
    other["code_baux"] = first["code_baux"]
    recode(record, other)
    ballot_file(record, CHALLENGED).write_text(json.dumps(other))


CASES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "another generator": (in_file("constants.json", lambda c: c["constants"].update(generator="04")), {"1"}),
    "lower quorum": (in_file("election_config.json", lambda c: c.update(quorum=2)), {"1"}),
    "manifest, one space": (
        lambda record: (record / "manifest.json").write_text((record / "manifest.json").read_text() + " "),
        {"1"},
    ),
    "guardian's proof": (
        in_file("election_initialized.json", lambda i: add(i["guardians"][1]["coefficient_proofs"][2], "response")),
        {"2"},
    ),
    "guardian dropped": (in_file("election_initialized.json", lambda i: i["guardians"].pop()), {"2"}),
    "joint key": (in_file("election_initialized.json", lambda i: multiply(i, "joint_public_key")), {"3"}),
    "extended base hash": (
        in_file("election_initialized.json", lambda i: i.update(extended_base_hash=q_text(G % 1000))),
        {"4"},
    ),
    "challenge moved": (in_ballot(move_challenge), {"5"}),
    "response": (in_ballot(lambda b: add(vote(b)["proof"]["proofs"][0], "response")), {"5"}),
    "limit proof": (in_ballot(lambda b: add(b["contests"][0]["proof"]["proofs"][1], "response")), {"6"}),
    "longer range": (in_ballot(longer_range), {"6"}),
    "contest dropped": (in_ballot(lambda b: b["contests"].pop(), coded=True), {"6", "8", "10"}),
    "another style": (in_ballot(lambda b: b.update(ballot_style_id="none")), {"6"}),
    "ciphertext": (
        in_ballot(lambda b: multiply(vote(b)["encrypted_vote"], "data"), coded=True),
        {"5", "6", "8", "10"},
    ),
    "ciphertext outside the group": (
        in_ballot(
            lambda b: vote(b)["encrypted_vote"].update(pad=p_text(P2 - p_of(vote(b)["encrypted_vote"]["pad"]))),
            coded=True,
        ),
        {"5", "6", "8", "10"},
    ),
    "contest hash": (in_ballot(lambda b: b["contests"][0].update(contest_hash=q_text(G % 1000))), {"7"}),
    "code": (in_ballot(lambda b: b.update(confirmation_code=q_text(G % 1000))), {"7"}),
    "auxiliary bytes": (in_ballot(lambda b: b.update(code_baux="00"), coded=True), {"7"}),
    "another election": (in_ballot(lambda b: b.update(election_id=q_text(G % 1000))), {"7"}),
    "id twice": (in_ballot(lambda b: b.update(ballot_id=CHALLENGED)), {"7", "8", "10"}),
    "chain with a ballot missing": (chain_with_gap, {"7"}),
    "chain with two first ballots": (chain_with_two_firsts, {"7"}),
    "cast made challenged": (cast_as_challenged, {"8", "10", "13"}),
    "ballot dropped": (lambda record: ballot_file(record, CAST).unlink(), {"8", "10"}),
    "list of cast ballots": (in_file("encrypted_tally.json", lambda t: t.update(cast_ballot_ids=[])), {"8"}),
    "encrypted tally": (
        in_file("encrypted_tally.json", lambda t: multiply(t["contests"][3]["selections"][0]["encrypted_vote"], "pad")),
        {"8"},
    ),
    "tally's proof": (in_file("tally.json", lambda t: add(counted(t)["proof"], "response")), {"9"}),
    "one vote more": (in_file("tally.json", one_vote_more), {"9", "10"}),
    "number only": (in_file("tally.json", lambda t: counted(t).update(tally=0)), {"10"}),
    "contest data's proof": (in_file(OPENED, lambda b: add(opened_data(b)["proof"], "response")), {"11"}),
    "contest data of another": (
        in_file(OPENED, lambda b: opened_data(b)["encrypted_contest_data"].update(c2=q_text(G % 1000))),
        {"11"},
    ),
    "contest data not opened": (in_file(OPENED, lambda b: b["contests"][0].pop("decrypted_contest_data")), {"11"}),
    "text of contest data": (
        in_file(OPENED, lambda b: opened_data(b)["contest_data"].update(status="over_vote")),
        {"data"},
    ),
    "write-in invented": (
        in_file(OPENED, lambda b: opened_data(b)["contest_data"].update(write_ins=["Someone"])),
        {"data"},
    ),
    "challenged ballot's proof": (
        in_file(OPENED, lambda b: add(b["contests"][0]["selections"][0]["proof"], "response")),
        {"12"},
    ),
    "challenged ballot's vote": (
        in_file(OPENED, lambda b: b["contests"][0]["selections"][0].update(tally=2)),
        {"13"},
    ),
    "challenged ballot not opened": (lambda record: (record / OPENED).unlink(), {"13"}),
    "cast ballot opened": (open_cast_ballot, {"13"}),
    "hexadecimal digits": (
        in_file("election_initialized.json", lambda i: i.update(extended_base_hash="00" * 32)),
        {"0"},
    ),
    "number too large": (
        in_file("tally.json", lambda t: counted(t).update(b_over_m=base64.b64encode(b512(P2)).decode())),
        {"0"},
    ),
}


@pytest.mark.parametrize(("fault", "checks"), CASES.values(), ids=[name.replace(" ", "-") for name in CASES])
def test_a_fault_is_found_by_its_verification(record: Path, fault: Callable[[Path], object], checks: set[str]) -> None:
    fault(record)
    report = verify(record)
    assert failed(report) == checks
    assert report.verdict is Verdict.NOT_VERIFIED


def test_the_record_itself_is_right(good: Path) -> None:
    report = verify(good)
    assert failed(report) == set()
    assert report.verdict is Verdict.VERIFIED


@pytest.mark.parametrize("first_alone", [False, True], ids=["as specified", "as some programs do"])
def test_a_chain_of_codes_is_accepted(record: Path, *, first_alone: bool) -> None:
    chained(record)
    if first_alone:
        first, second = ballot_file(record, CAST), ballot_file(record, CHALLENGED)
        ballot, other = json.loads(first.read_text()), json.loads(second.read_text())
        ballot["code_baux"] = ballot["code_baux"][:64]
        recode(record, ballot)
        code = base64.b64decode(ballot["confirmation_code"]).hex()
        other["code_baux"] = code + other["code_baux"][64:]
        recode(record, other)
        first.write_text(json.dumps(ballot))
        second.write_text(json.dumps(other))
    assert verify(record).verdict is Verdict.VERIFIED


def test_elliptic_curves_are_refused_by_name(record: Path) -> None:
    edit(record / "constants.json", lambda constants: constants.update(type="EllipticCurve"))
    with pytest.raises(UsageError, match="EllipticCurve"):
        verify(record)
