"""Every kind of fault in an ElectionGuard 0.95 record is found, by the verification that is meant for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gmpy2 import mpz

from tests.simulators.electionguard import add, copy_record, edit, hex_of, multiply, nth, number_of, recode
from voting.verifier.findings import Status
from voting.verifier.foreign.electionguard import verify
from voting.verifier.foreign.electionguard.claims import Batch, Item
from voting.verifier.foreign.electionguard.groups import group_1
from voting.verifier.report import Report, Verdict

Json = Any
MINIMAL, SMALL = "0.95-minimal", "0.95-small"
BALLOTS, GUARDIANS, SPOILED = "submitted_ballots", "guardians", "spoiled_ballots"


@pytest.fixture
def record(request: pytest.FixtureRequest, shared_data: Path, tmp_path: Path) -> Path:
    """A writable copy of the record that the case names."""
    name = getattr(request, "param", MINIMAL)
    source = shared_data / "records" / "electionguard" / name / "election_record"
    return copy_record(source, tmp_path / "record")


def failed(report: Report) -> set[str]:
    """The numbers of the failed verifications."""
    return {check.id for check in report.checks if check.status is Status.FAILED}


def in_file(name: str, change: Callable[[Json], object]) -> Callable[[Path], None]:
    """Change one file."""
    return lambda record: edit(record / name, change)


def in_nth(folder: str, number: int, change: Callable[[Json], object]) -> Callable[[Path], None]:
    """Change one of a folder's files."""
    return lambda record: edit(nth(record / folder, number), change)


def in_ballot(number: int, change: Callable[[Json], object], *, coded: bool = False) -> Callable[[Path], None]:
    """Change one ballot; if `coded`, its hashes and its code are made to fit again."""

    def both(ballot: Json) -> None:
        change(ballot)
        if coded:
            recode(ballot)

    return in_nth(BALLOTS, number, both)


def selection(ballot: Json, number: int = 0) -> Json:
    return ballot["contests"][0]["ballot_selections"][number]


def decrypted(tally: Json, number: int = 0) -> Json:
    """A decrypted option of the first contest."""
    contest = next(iter(tally["contests"].values()))
    return list(contest["selections"].values())[number]


def direct(tally: Json) -> Json:
    """A share with a proof."""
    return next(share for share in decrypted(tally)["shares"] if share["proof"])


def recovered(tally: Json) -> Json:
    """A share that was put together."""
    return next(share for share in decrypted(tally)["shares"] if share["recovered_parts"])


def part(tally: Json) -> Json:
    return next(iter(recovered(tally)["recovered_parts"].values()))


def move_challenge(ballot: Json) -> None:
    add(selection(ballot)["proof"]["proof_zero_challenge"], 1)
    add(selection(ballot)["proof"]["proof_one_challenge"], -1)


def negate_commitment(ballot: Json) -> None:
    multiply(selection(ballot)["proof"]["proof_zero_pad"], -1)


def swap_options(ballot: Json) -> None:
    one, other = selection(ballot, 0), selection(ballot, 1)
    for name in ("ciphertext", "proof"):
        one[name], other[name] = other[name], one[name]


def two_votes(tally: Json) -> None:
    """One vote more, with the group element that goes with it."""
    option = decrypted(tally)
    option["tally"] += 1
    multiply(option["value"], group_1().generator.value)


def cancel_shares(tally: Json) -> None:
    """Two direct shares whose product stays the same."""
    shares = [share for share in decrypted(tally)["shares"] if share["proof"]]
    g = group_1().generator
    multiply(shares[0]["share"], g.value)
    multiply(shares[1]["share"], g.inverse().value)


def cancel_recovered(tally: Json) -> None:
    """Two recovered shares whose product stays the same."""
    shares = [share for share in decrypted(tally)["shares"] if share["recovered_parts"]]
    g = group_1().generator
    multiply(shares[0]["share"], g.value)
    multiply(shares[1]["share"], g.inverse().value)


def drop_part(tally: Json) -> None:
    recovered(tally)["recovered_parts"].popitem()


def no_proof_at_all(tally: Json) -> None:
    direct(tally)["proof"] = None


def drop_share(tally: Json) -> None:
    decrypted(tally)["shares"].pop()


def drop_file(folder: str, number: int) -> Callable[[Path], None]:
    return lambda record: nth(record / folder, number).unlink()


def copy_ballot(record: Path) -> None:
    """The same ballot once more, under another id and at the end of the chain."""
    ballots = [json.loads(file.read_text()) for file in sorted((record / BALLOTS).iterdir())]
    seeds = {number_of(ballot["code_seed"]) for ballot in ballots}
    last = next(ballot for ballot in ballots if number_of(ballot["code"]) not in seeds)
    copy = json.loads(json.dumps(ballots[0]))
    copy["object_id"], copy["code_seed"] = "stuffed", last["code"]
    recode(copy)
    (record / BALLOTS / "stuffed.json").write_text(json.dumps(copy))


def last_in_chain(record: Path) -> None:
    """Take away the ballot that no other follows."""
    files = list((record / BALLOTS).iterdir())
    ballots = {file: json.loads(file.read_text()) for file in files}
    seeds = {number_of(ballot["code_seed"]) for ballot in ballots.values()}
    next(file for file, ballot in ballots.items() if number_of(ballot["code"]) not in seeds).unlink()


def second_branch(record: Path) -> None:
    """Two ballots after the same one: the second is not followed by what was there."""
    ballots = {file: json.loads(file.read_text()) for file in (record / BALLOTS).iterdir()}
    seeds = [number_of(ballot["code_seed"]) for ballot in ballots.values()]
    file = next(file for file, ballot in ballots.items() if number_of(ballot["code"]) not in seeds)
    ballot = ballots[file]
    ballot["code_seed"] = next(b["code_seed"] for b in ballots.values() if b is not ballot)
    recode(ballot)
    file.write_text(json.dumps(ballot))


def open_cast_ballot(record: Path) -> None:
    """A decryption filed for a ballot that was cast."""
    cast = next(b for f in (record / BALLOTS).iterdir() if (b := json.loads(f.read_text()))["state"] == 1)
    opened = json.loads(nth(record / SPOILED, 0).read_text())
    opened["object_id"] = cast["object_id"]
    (record / SPOILED / "another.json").write_text(json.dumps(opened))


def set_value(name: str, value: Json) -> Callable[[Json], None]:
    def change(target: Json) -> None:
        target[name] = value

    return change


def rename_contest(manifest: Json) -> None:
    manifest["contests"][0]["name"] = "Another question"


def twice(file: str) -> Callable[[Path], None]:
    """The first name of a JSON object once more, with another value."""

    def change(record: Path) -> None:
        text = (record / file).read_text()
        name = next(iter(json.loads(text)))
        (record / file).write_text(text.replace("{", f'{{"{name}": null, ', 1))

    return change


def text_in(file: str, text: str) -> Callable[[Path], object]:
    return lambda record: (record / file).write_text(text)


G = group_1().generator.value
CASES: dict[str, tuple[str, Callable[[Path], object], set[str]]] = {
    # what: record, fault, the verifications that must fail
    "another generator": (MINIMAL, in_file("constants.json", lambda c: c.update(generator=4)), {"1"}),
    "another prime": (MINIMAL, in_file("constants.json", lambda c: c.update(large_prime=c["large_prime"] + 2)), {"1"}),
    "test group": (
        MINIMAL,
        in_file("constants.json", lambda c: c.update(large_prime=65267, small_prime=32633, cofactor=2, generator=3)),
        {"1"},
    ),
    "lower quorum": (MINIMAL, in_file("context.json", set_value("quorum", 2)), {"1"}),
    "quorum of none": (MINIMAL, in_file("context.json", set_value("quorum", 0)), {"1"}),
    "manifest changed": (MINIMAL, in_file("manifest.json", rename_contest), {"1"}),
    "guardian's proof": (MINIMAL, in_nth(GUARDIANS, 0, lambda g: add(g["election_proofs"][1]["response"], 1)), {"2"}),
    "guardian's proof hash": (
        MINIMAL,
        in_nth(GUARDIANS, 0, lambda g: add(g["election_proofs"][1]["challenge"], 1)),
        {"2"},
    ),
    "guardian's key": (MINIMAL, in_nth(GUARDIANS, 0, lambda g: multiply(g["election_public_key"], G)), {"2"}),
    "guardian's commitment": (
        MINIMAL,
        in_nth(GUARDIANS, 0, lambda g: multiply(g["election_commitments"][2], -1)),
        {"2"},
    ),
    "guardian missing": (MINIMAL, drop_file(GUARDIANS, 2), {"2"}),
    "guardian twice": (MINIMAL, in_nth(GUARDIANS, 1, set_value("sequence_order", 1)), {"2"}),
    "joint key": (MINIMAL, in_file("context.json", lambda c: multiply(c["elgamal_public_key"], G)), {"3"}),
    "commitment hash": (MINIMAL, in_file("context.json", lambda c: add(c["commitment_hash"], 1)), {"3"}),
    "extended hash": (MINIMAL, in_file("context.json", lambda c: add(c["crypto_extended_base_hash"], 1)), {"3"}),
    "challenge moved": (MINIMAL, in_ballot(2, move_challenge), {"4"}),
    "response": (
        MINIMAL,
        in_ballot(1, lambda b: add(selection(b)["proof"]["proof_one_response"], 1)),
        {"4"},
    ),
    "challenge sum": (MINIMAL, in_ballot(1, lambda b: add(selection(b)["proof"]["proof_one_challenge"], 1)), {"4"}),
    "negated commitment": (MINIMAL, in_ballot(1, negate_commitment), {"4"}),
    "limit proof": (MINIMAL, in_ballot(1, lambda b: add(b["contests"][0]["proof"]["response"], 1)), {"5"}),
    "limit proof hash": (MINIMAL, in_ballot(1, lambda b: add(b["contests"][0]["proof"]["challenge"], 1)), {"5"}),
    "higher limit": (MINIMAL, in_ballot(1, lambda b: b["contests"][0]["proof"].update(constant=2)), {"5"}),
    "accumulation": (
        MINIMAL,
        in_ballot(1, lambda b: multiply(b["contests"][0]["ciphertext_accumulation"]["pad"], G)),
        {"5"},
    ),
    "another style": (SMALL, in_ballot(1, set_value("style_id", "none")), {"5"}),
    "style of fewer contests": (
        SMALL,
        in_ballot(1, set_value("style_id", "franklin-county-no-schooldistrict")),
        {"5"},
    ),
    "placeholder as option": (
        MINIMAL,
        in_ballot(1, lambda b: selection(b, 2).update(is_placeholder_selection=False)),
        {"5"},
    ),
    "option as placeholder": (
        MINIMAL,
        in_ballot(1, lambda b: selection(b, 0).update(is_placeholder_selection=True)),
        {"5", "7", "11"},
    ),
    "placeholder's order": (
        MINIMAL,
        in_ballot(1, lambda b: selection(b, 2).update(sequence_order=0)),
        {"5", "6"},
    ),
    "options swapped": (MINIMAL, in_ballot(1, swap_options), {"6", "7", "11"}),
    "options swapped, coded": (MINIMAL, in_ballot(1, swap_options, coded=True), {"6", "7", "11"}),
    "ciphertext": (
        MINIMAL,
        in_ballot(1, lambda b: multiply(selection(b)["ciphertext"]["data"], G)),
        {"4", "5", "6", "7", "11"},
    ),
    "no contests": (MINIMAL, in_ballot(1, set_value("contests", [])), {"5", "6", "7", "11"}),
    "cast made spoiled": (MINIMAL, in_ballot(1, set_value("state", 2)), {"7", "11", "15"}),
    "spoiled made cast": (SMALL, in_nth(BALLOTS, 0, set_value("state", 1)), {"7", "11", "15"}),
    "unknown state": (MINIMAL, in_ballot(1, set_value("state", 3)), {"6", "7", "11"}),
    "ballot dropped": (MINIMAL, drop_file(BALLOTS, 1), {"6", "7", "11"}),
    "last ballot dropped": (MINIMAL, last_in_chain, {"7", "11"}),
    "ballot copied": (MINIMAL, copy_ballot, {"7", "11"}),
    "two branches": (MINIMAL, second_branch, {"6"}),
    "time changed": (MINIMAL, in_ballot(1, set_value("timestamp", 1)), {"6"}),
    "time changed, coded": (MINIMAL, in_ballot(1, set_value("timestamp", 1), coded=True), {"6"}),
    "code changed": (MINIMAL, in_ballot(1, lambda b: add(b["code"], 1)), {"6"}),
    "another device": (MINIMAL, in_nth("encryption_devices", 0, set_value("launch_code", 1)), {"6"}),
    "encrypted tally": (
        MINIMAL,
        in_file("encrypted_tally.json", lambda t: multiply(decrypted(t)["ciphertext"]["data"], G)),
        {"7"},
    ),
    "option dropped from the encrypted tally": (
        MINIMAL,
        in_file("encrypted_tally.json", lambda t: next(iter(t["contests"].values()))["selections"].popitem()),
        {"7"},
    ),
    "share's proof": (MINIMAL, in_file("tally.json", lambda t: add(direct(t)["proof"]["response"], 1)), {"8"}),
    "share": (MINIMAL, in_file("tally.json", lambda t: multiply(direct(t)["share"], G)), {"8", "11"}),
    "shares that cancel": (MINIMAL, in_file("tally.json", cancel_shares), {"8"}),
    "share dropped": (MINIMAL, in_file("tally.json", drop_share), {"8"}),
    "share without proof": (MINIMAL, in_file("tally.json", no_proof_at_all), {"9"}),
    "part's proof": (MINIMAL, in_file("tally.json", lambda t: add(part(t)["proof"]["response"], 1)), {"9"}),
    "part": (MINIMAL, in_file("tally.json", lambda t: multiply(part(t)["share"], G)), {"9", "10"}),
    "recovery key": (MINIMAL, in_file("tally.json", lambda t: multiply(part(t)["recovery_key"], G)), {"9"}),
    "too few parts": (MINIMAL, in_file("tally.json", drop_part), {"9"}),
    "part for another": (MINIMAL, in_file("tally.json", lambda t: part(t).update(missing_guardian_id="1")), {"9"}),
    "recovered share": (MINIMAL, in_file("tally.json", lambda t: multiply(recovered(t)["share"], G)), {"10", "11"}),
    "recovered shares that cancel": (MINIMAL, in_file("tally.json", cancel_recovered), {"10"}),
    "coefficients": (MINIMAL, in_file("coefficients.json", lambda c: add(c["coefficients"][0], 1)), {"10"}),
    "one vote more": (MINIMAL, in_file("tally.json", two_votes), {"11"}),
    "number only": (MINIMAL, in_file("tally.json", lambda t: decrypted(t).update(tally=5)), {"11"}),
    "negative number": (MINIMAL, in_file("tally.json", lambda t: decrypted(t).update(tally=-1)), {"11"}),
    "option dropped from the tally": (
        MINIMAL,
        in_file("tally.json", lambda t: next(iter(t["contests"].values()))["selections"].popitem()),
        {"11"},
    ),
    "spoiled ballot's share": (
        SMALL,
        in_nth(SPOILED, 0, lambda t: add(direct(t)["proof"]["response"], 1)),
        {"12"},
    ),
    "spoiled ballot's part": (SMALL, in_nth(SPOILED, 0, lambda t: add(part(t)["proof"]["response"], 1)), {"13"}),
    "spoiled ballot's recovered shares": (SMALL, in_nth(SPOILED, 0, cancel_recovered), {"14"}),
    "spoiled ballot's vote": (SMALL, in_nth(SPOILED, 0, lambda t: decrypted(t).update(tally=1)), {"15", "16"}),
    "spoiled ballot not opened": (SMALL, drop_file(SPOILED, 1), {"15"}),
    "cast ballot opened": (SMALL, open_cast_ballot, {"15"}),
    "name twice": (MINIMAL, twice("tally.json"), {"0"}),
    "no JSON": (MINIMAL, text_in("context.json", "{"), {"0"}),
    "number with a point": (MINIMAL, text_in("tally.json", '{"object_id": 1.0}'), {"0"}),
    "file missing": (MINIMAL, lambda record: (record / "manifest.json").unlink(), {"0"}),
    "number too large": (
        MINIMAL,
        in_file("tally.json", lambda t: decrypted(t).update(value=hex_of(group_1().p + 1))),
        {"0"},
    ),
    "challenge too large": (
        MINIMAL,
        in_file("tally.json", lambda t: direct(t)["proof"].update(challenge=hex_of(group_1().q + 1))),
        {"0"},
    ),
}


@pytest.mark.parametrize(
    ("record", "fault", "checks"), CASES.values(), ids=[name.replace(" ", "-") for name in CASES], indirect=["record"]
)
def test_a_fault_is_found_by_its_verification(record: Path, fault: Callable[[Path], object], checks: set[str]) -> None:
    fault(record)
    report = verify(record)
    assert failed(report) == checks
    assert report.verdict is Verdict.NOT_VERIFIED
    assert report.exit_code == 1


@pytest.mark.parametrize(
    ("record", "fault", "check"),
    [
        (MINIMAL, in_file("manifest.json", lambda m: m["candidates"][0].update(object_id="other")), "1"),
        (MINIMAL, in_ballot(1, lambda b: b.update(nonce={"data": "05"})), "4"),
    ],
    ids=["candidates are not hashed", "a nonce is published"],
    indirect=["record"],
)
def test_what_breaks_no_rule_is_a_warning(record: Path, fault: Callable[[Path], object], check: str) -> None:
    fault(record)
    report = verify(record)
    assert report.verdict is Verdict.VERIFIED
    assert next(c for c in report.checks if c.id == check).warnings


def test_a_copied_ballot_is_a_warning(record: Path) -> None:
    copy_ballot(record)
    report = verify(record)
    assert any("copied" in warning.reason for warning in next(c for c in report.checks if c.id == "4").warnings)


def test_findings_name_ballot_and_code(record: Path) -> None:
    in_ballot(1, move_challenge)(record)
    (finding,) = next(c for c in verify(record).checks if c.id == "4").findings
    ballot = json.loads(nth(record / BALLOTS, 1).read_text())
    assert ballot["object_id"] in finding.subject
    assert finding.tracker == ballot["code"]["data"].zfill(64)


def test_batch_refuses_numbers_outside_the_group() -> None:
    group = group_1()
    g = group.generator.value
    secret, nonce = mpz(secrets.randbits(200)), mpz(secrets.randbits(200))
    key, commitment = (group.generator**secret).value, (group.generator**nonce).value
    challenge = mpz(77)
    response = nonce + challenge * secret

    def faults(a: mpz, y: mpz) -> list[str]:
        batch = Batch(group, (g,), secrets.token_bytes)
        batch.members(Item("4", "key"), (y,))
        batch.equations(Item("4", "proof"), (a,), (((y, challenge),),), (((g, -response),),))
        return [fault.item.subject for fault in batch.faults()]

    assert faults(commitment, key) == []
    assert faults(group.p - commitment, key) == ["proof"]
    assert "key" in faults(commitment, group.p - key)
    assert "key" in faults(commitment, key * 3 % group.p)
    assert faults(commitment * g % group.p, key) == ["proof"]
