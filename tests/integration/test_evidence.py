"""A board that breaks its word to a voter convicts itself: the receipt check writes the file, anybody checks it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.integration.test_verifier import TOY, receipt_for
from tests.simulators.election import BOARD_KEY, StoredEntry
from tests.simulators.record import (
    ORIGIN,
    SampleElection,
    checkpoint_of,
    parts_of,
    rechain,
    sample_election,
    write_record,
)
from tests.strategies.boards import OTHER_KEY
from voting.protocol.encoding import encode
from voting.protocol.tlog.note import note_key
from voting.verifier.cli import main

VKEY = note_key(ORIGIN, BOARD_KEY.verify_key).vkey


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def without(entries: Sequence[StoredEntry], seq: int) -> list[StoredEntry]:
    parts = parts_of(entries)
    del parts[seq]
    return rechain(parts)


def receipt_at(tmp_path: Path, entries: Sequence[StoredEntry], seq: int, size: int) -> Path:
    saved = tmp_path / "receipt.json"
    saved.write_bytes(receipt_for(entries, seq, size))
    return saved


@pytest.mark.parametrize("size", [19, 24])
def test_a_dropped_ballot_gives_evidence(election: SampleElection, tmp_path: Path, size: int) -> None:
    """With a receipt older than the record, by history; with a newer one, by the entry in its place."""
    entries = election.board.entries
    saved = receipt_at(tmp_path, entries, 17, size)
    cheating = write_record(without(entries, 17), tmp_path / "record")
    result = run("receipt", saved, "--record", cheating, TOY)
    assert result.exit_code == 1
    assert "the board signed both" in result.output
    proof = tmp_path / "receipt.json.evidence"
    found = run("evidence", proof, "--vkey", VKEY)
    assert found.exit_code == 0, found.output
    assert "has lied" in found.output
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(encode(election.manifest))
    by_manifest = run("evidence", proof, "--manifest", manifest, "--json")
    told = json.loads(by_manifest.output)
    assert (told["convicts"], told["manifest"]) == (True, election.manifest.hash)
    assert election.manifest.hash in run("evidence", proof, "--manifest", manifest).output
    assert json.loads(proof.read_bytes())["kind"] == ("history" if size == 19 else "entry")
    other = note_key(ORIGIN, OTHER_KEY.verify_key).vkey
    assert run("evidence", proof, "--vkey", other).exit_code == 1
    assert run("evidence", proof).exit_code == 2
    assert run("evidence", saved, "--vkey", VKEY).exit_code == 3


def test_a_chosen_name_for_the_evidence(election: SampleElection, tmp_path: Path) -> None:
    entries = election.board.entries
    saved = receipt_at(tmp_path, entries, 17, 19)
    cheating = write_record(without(entries, 16), tmp_path / "record")
    assert run("receipt", saved, "--record", cheating, "--evidence", tmp_path / "x", TOY).exit_code == 1
    assert run("evidence", tmp_path / "x", "--vkey", VKEY).exit_code == 0


@pytest.mark.parametrize("size", [19, 24])
def test_an_earlier_checkpoint_that_is_contradicted(election: SampleElection, tmp_path: Path, size: int) -> None:
    """Also of the same size, as two observers have them who were shown two boards."""
    entries = election.board.entries
    earlier = tmp_path / "checkpoint"
    earlier.write_bytes(checkpoint_of(entries, size=size))
    parts = parts_of(entries)
    other = rechain([*parts[:17], parts[18], parts[17], *parts[19:]])
    cheating = write_record(other, tmp_path / "record")
    proof = tmp_path / "proof"
    result = run(cheating, TOY, "--since", earlier, "--evidence", proof)
    assert result.exit_code == 1
    assert "two histories" in result.output
    assert run("evidence", proof, "--vkey", VKEY).exit_code == 0
    proof.unlink()
    good = write_record(entries, tmp_path / "good")
    assert run(good, TOY, "--since", earlier, "--evidence", proof).exit_code == 0
    assert not proof.exists()


def test_no_evidence_where_nothing_is_proved(election: SampleElection, tmp_path: Path) -> None:
    """A record that is only older, or that the board did not sign, convicts nobody."""
    entries = election.board.entries
    saved = receipt_at(tmp_path, entries, 17, 19)
    older = write_record(entries[:15], tmp_path / "older")
    forged = write_record(
        without(entries, 17), tmp_path / "forged", checkpoint=checkpoint_of(without(entries, 17), OTHER_KEY)
    )
    assert run("receipt", saved, "--record", older, TOY).exit_code == 1
    assert run("receipt", saved, "--record", forged, TOY).exit_code == 1
    assert not (tmp_path / "receipt.json.evidence").exists()
    good = write_record(entries, tmp_path / "good")
    assert run("receipt", saved, "--record", good, TOY).exit_code == 0
    assert not (tmp_path / "receipt.json.evidence").exists()
