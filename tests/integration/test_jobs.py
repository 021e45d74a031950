"""Tally and trustees on several processes: the same results, bit for bit, and the same faults, as on one."""

from __future__ import annotations

import os
import pickle
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.simulators.election import ADMINISTRATOR, ElectionSimulator
from tests.simulators.record import ADA, GRACE, LenientBoard, sample_election, write_record
from trustee_tools import decrypt
from trustee_tools.decrypt import verify_tally_from_ballots
from trustee_tools.sources import open_view
from voting.crypto.kdf import Derivation
from voting.demo_voters import VoterTask, encrypt_ballots
from voting.election import tally
from voting.election.credentials import generate_code
from voting.election.steps import compute_tally
from voting.election.tally import Accumulator, encode_totals, recompute_tally
from voting.parallel import in_parts, in_processes, map_in_order
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import InputErrors, Problem, UnavailableError, VerificationError
from voting.protocol.messages import EncryptedValue


@pytest.fixture(autouse=True)
def _one_ballot_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decrypt, "BALLOTS_AT_ONCE", 1)
    monkeypatch.setattr(tally, "MEMBERSHIP_CHUNK", 1)


def closed(election: ElectionSimulator) -> ElectionSimulator:
    election.close()
    return election


def test_the_tally_of_two_processes_is_that_of_one() -> None:
    election = sample_election(until="closed")
    one = recompute_tally(election.record, lambda seq: election.board.entries[seq].body)
    two = recompute_tally(election.record, lambda seq: election.board.entries[seq].body, run=in_processes(2))
    assert encode_totals(two) == encode_totals(one)
    assert (two.ballots, two.weight) == (one.ballots, one.weight)
    assert one.ballots > 1
    made = [
        compute_tally(
            election.record,
            lambda seq: election.board.entries[seq].body,
            ADMINISTRATOR,
            election.now(),
            run=in_processes(n),
        )
        for n in (1, 2)
    ]
    bodies = [parse_body("tally.encrypted", entry[1], what="tally").content.totals for entry in made]
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("quick", [False, True])
def test_trustees_check_on_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, quick: bool) -> None:
    folder = write_record(sample_election(until="tallied").board.entries, tmp_path / "record")
    seen: list[object] = []

    class Watched(Accumulator):
        def merge(self, other: tally.EncryptedTally) -> None:
            seen.append(encode_totals(other))
            super().merge(other)

    monkeypatch.setattr(decrypt, "Accumulator", Watched)
    with open_view(folder, allow_toy=True) as view:
        steps: list[int] = []
        verify_tally_from_ballots(view, quick=quick, jobs=1)
        verify_tally_from_ballots(view, quick=quick, jobs=2, progress=lambda: steps.append(1))
        assert len(steps) == len(view.record.ballots)
        assert seen[: len(steps)] == seen[len(steps) :]


def test_the_first_fault_is_the_same_on_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A false proof, then a copied ciphertext: one process and two name the former."""
    monkeypatch.setattr("voting.election.ballots._derivation", lambda *_: Derivation(bytes(32), "ballot"))
    election = sample_election(until="open", lenient=True)
    assert isinstance(election.board, LenientBoard)
    ballot = election.encrypt(election.voters[1], [GRACE])
    content = parse_body("ballot.cast", ballot.body, what="ballot").content
    first, *others = content.ciphertexts
    forged = msgspec.structs.replace(content, ciphertexts=(EncryptedValue(first.beta, first.alpha), *others))
    body = sign_content("ballot.cast", election.manifest.hash, forged, election.voters[1].key)
    election.vote(election.voters[0], [ADA])
    election.board.append("ballot.cast", body)
    election.vote(election.voters[2], [ADA])
    closed(election).tally()
    folder = write_record(election.board.entries, tmp_path / "record")
    found = []
    for quantity in (1, 100):
        monkeypatch.setattr(decrypt, "BALLOTS_AT_ONCE", quantity)
        for jobs in (1, 2):
            with open_view(folder, allow_toy=True) as view, pytest.raises(VerificationError) as caught:
                verify_tally_from_ballots(view, jobs=jobs)
            found.append((caught.value.check, caught.value.subject, caught.value.reason))
    assert len(set(found)) == 1
    assert found[0][0] == "14"


def test_items_are_taken_in_order_and_only_a_few_ahead() -> None:
    taken: list[int] = []

    def items() -> list[int]:
        return list(range(40))

    def watched() -> object:
        for item in items():
            taken.append(item)
            yield item

    results = map_in_order(partial(pow, 2), watched(), 2)  # type: ignore[arg-type]
    assert next(results) == 1
    assert len(taken) <= 5
    assert list(results) == [2**item for item in range(1, 40)]
    assert list(map_in_order(partial(pow, 2), range(3), 1)) == [1, 2, 4]
    assert list(in_parts(range(5), 2)) == [[0, 1], [2, 3], [4]]


def test_a_lost_process_is_said_to_be_lost() -> None:
    with pytest.raises(UnavailableError, match="a process was lost"):
        list(map_in_order(os._exit, [1, 1], 2))


def test_an_error_arrives_whole_from_another_process() -> None:
    for error in (
        VerificationError("12", "entry 3", "is wrong", expected="a", found="b"),
        UnavailableError("is gone", where="here", remedy="wait"),
        InputErrors("voters", [Problem("line 1", "is empty")]),
    ):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert (again.problem, again.where, again.remedy) == (error.problem, error.where, error.remedy)


def test_ballots_encrypted_on_two_processes_are_those_of_one() -> None:
    context = sample_election(until="open").record.ballot_context()
    codes = [generate_code(partial(_same_byte, number)) for number in range(8)]
    tasks = [VoterTask(code, (ADA,), bytes([number]) * 32) for number, code in enumerate(codes)]
    assert [ballot.hash for ballot in encrypt_ballots(context, tasks, 2)] == [
        ballot.hash for ballot in encrypt_ballots(context, tasks, 1)
    ]


def _same_byte(value: int, length: int) -> bytes:
    return bytes([value]) * length
