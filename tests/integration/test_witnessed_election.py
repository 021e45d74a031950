"""An election whose manifest names witnesses: by commands, and before the verifier, which demands the quorum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from bulletin_board.cosigning import cosign_once
from bulletin_board.witness_settings import read_witness_settings
from tests.integration.test_verifier import run, statuses, verify
from tests.simulators.office import MANIFEST, Office
from tests.simulators.record import SampleElection, checkpoint_of, sample_election, write_record
from tests.simulators.witnesses import START, SimulatedWitness, lying_witness, new_http, witness_at, write_settings
from voting.crypto.signatures import SigningKey
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.note import cosign, format_signature_line, parse_note, parse_vkey

NAMES = ("w1.example", "w2.example", "w3.example")


def witnessed(quorum: int) -> SampleElection:
    manifest: Manifest = msgspec.structs.replace(
        sample_election(until="defined").manifest,
        quorum=quorum,
        witnesses=tuple(lying_witness(name).key.vkey for name in NAMES),
    )
    return SampleElection(manifest)


def signed_by(note: bytes, names: Sequence[str], *, key: SigningKey | None = None) -> bytes:
    for name in names:
        signer = key or lying_witness(name).signing_key
        note += format_signature_line(cosign(parse_note(note).text, name, signer, START))
    return note


@pytest.mark.parametrize(("quorum", "signers", "passed"), [(2, 2, True), (2, 3, True), (2, 1, False), (3, 2, False)])
def test_check_03_demands_the_quorum_of_the_manifest(tmp_path: Path, quorum: int, signers: int, passed: bool) -> None:
    election = witnessed(quorum)
    entries = election.board.entries
    folder = write_record(entries, tmp_path / "r", checkpoint=signed_by(checkpoint_of(entries), NAMES[:signers]))
    report = verify(folder)
    assert statuses(report)["03"] == ("passed" if passed else "failed")
    if not passed:
        finding = next(check for check in report.checks if check.id == "03").findings[0]
        assert f"is signed by {signers} of the {quorum} witnesses" in finding.reason


def test_a_wrong_signature_of_a_witness_fails_the_check(tmp_path: Path) -> None:
    entries = witnessed(2).board.entries
    note = signed_by(checkpoint_of(entries), NAMES[:2])
    wrong = format_signature_line(cosign(b"other\n", NAMES[2], lying_witness(NAMES[2]).signing_key, START))
    folder = write_record(entries, tmp_path / "r", checkpoint=note + wrong)
    assert statuses(verify(folder))["03"] == "failed"


def test_further_witnesses_may_be_asked_for(tmp_path: Path) -> None:
    entries = witnessed(2).board.entries
    other = lying_witness("other.example")
    note = signed_by(checkpoint_of(entries), NAMES[:2])
    folder = write_record(entries, tmp_path / "r", checkpoint=note)
    more = write_record(entries, tmp_path / "more", checkpoint=signed_by(note, ["other.example"]))
    assert run(folder, "--allow-toy-group", "--witness", other.key.vkey).exit_code == 1
    assert run(more, "--allow-toy-group", "--witness", other.key.vkey).exit_code == 4


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[list[SimulatedWitness]]:
    """Honest witnesses, who are told of the log when its key is known."""
    with ExitStack() as stack:
        yield [stack.enter_context(witness_at(tmp_path / name, name, [])) for name in NAMES]


def test_an_election_with_witnesses_by_commands(tmp_path: Path, witnesses: list[SimulatedWitness]) -> None:
    office = Office(tmp_path)
    vkeys = ", ".join(f'"{witness.key.vkey}"' for witness in witnesses)
    office.source.write_text(f"witnesses = [{vkeys}]\nquorum = 2\n{MANIFEST}")
    assert "2 of them must sign" in office.urne("election", "check", office.source).stdout
    office.new()
    board = office.folder / "board"
    assert "does not say so" in office.run("status").stdout
    write_settings(board, witnesses, 2)
    assert "only 0 of 1 entries are published" in office.run("status").stdout
    log = parse_vkey(office.record().require_manifest().board)
    for witness in witnesses:
        assert witness.witness is not None
        witness.witness._logs = lambda: {log.name: (log,)}
    settings = read_witness_settings(board)
    assert cosign_once(board, settings, timeout=10, new_http=new_http(witnesses))
    assert "2 witnesses have signed all 1 entries" in office.run("status").stdout
    office.ceremony()
    assert "quorum of witnesses is missing" in office.urne("export", office.folder, tmp_path / "early").output
    assert cosign_once(board, settings, timeout=10, new_http=new_http(witnesses))
    office.urne("export", office.folder, tmp_path / "record")
    assert statuses(verify(tmp_path / "record"))["03"] == "passed"
    note = (tmp_path / "record" / "checkpoint").read_bytes()
    (tmp_path / "record" / "checkpoint").write_bytes(b"".join(note.splitlines(keepends=True)[:-2]))
    assert statuses(verify(tmp_path / "record"))["03"] == "failed"
