"""Rehearsals: a process of its own plays a whole election of any draft, and the verifier judges it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from voting.protocol.encoding import Hash
from voting.rehearsal import Request, rehearsal_state, start_rehearsal
from voting.verifier.load import open_record
from voting.verifier.report import Verdict
from voting.verifier.verify import verify_record

QUESTIONS = [
    {"method": "choose", "title": "1", "options": ["a", "b"], "blank": True},
    {"method": "score", "title": "2", "options": ["a", "b"], "highest": 3},
    {"method": "grades", "title": "3", "options": ["a", "b"], "grades": ["good", "bad"]},
    {"method": "lists", "title": "4", "lists": [{"name": "a", "candidates": ["x", "y"]}, "b"], "seats": 2},
    {"method": "ranking", "title": "5", "options": ["a", "b", "c"]},
    {"method": "condorcet", "title": "6", "options": ["a", "b", "c"]},
    {"method": "condorcet-ties", "title": "7", "options": ["a", "b", "c"]},
]


def request(**changes: object) -> Request:
    source = {"title": "T", "trustees": ["A", "B", "C"], "group": "toy-512", "questions": QUESTIONS, **changes}
    return Request(draft=Hash("d" * 64), source=json.dumps(source), voters=6, allow_toy=True, language="fr")


def run(folder: Path, wanted: Request) -> None:
    command = start_rehearsal(folder, wanted)
    subprocess.run(command, check=True, timeout=120)


def test_every_method_is_rehearsed_and_verified(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    run(folder, request())
    state = rehearsal_state(folder)
    assert state.outcome is not None
    assert state.outcome.is_verified, state.outcome
    assert state.outcome.draft == "d" * 64
    assert state.outcome.report[-1].startswith("VÉRIFIÉ")
    assert state.outcome.result is not None
    assert len(state.outcome.result.outcomes) == len(QUESTIONS)
    assert state.progress is not None
    assert state.progress.step == "verify"
    with open_record(folder / "record.zip") as source:
        report = verify_record(source, allow_toy=True)
    assert report.verdict is Verdict.VERIFIED
    assert (report.ballots, report.counted) == (7, 6)  # one voter votes twice
    # Its keys are worth nothing, and gone.
    assert not (folder / "election").exists()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [(request(title=""), "title"), (request(group="nothing"), "group")],
    ids=["faults", "group"],
)
def test_a_draft_with_faults_fails_with_the_reason(tmp_path: Path, wanted: Request, words: str) -> None:
    folder = tmp_path / "r"
    run(folder, wanted)
    outcome = rehearsal_state(folder).outcome
    assert outcome is not None
    assert not outcome.is_verified
    assert words in outcome.problem


def test_a_new_rehearsal_forgets_the_last_one(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    run(folder, request(title=""))
    start_rehearsal(folder, request())
    state = rehearsal_state(folder)
    assert state.request is not None
    assert state.outcome is None
    assert state.progress is None


def test_damaged_files_count_as_missing(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    start_rehearsal(folder, request())
    (folder / "outcome.json").write_bytes(b"\xff{")
    (folder / "progress.json").write_text('{"step": 1}')
    assert rehearsal_state(folder)[1:] == (None, None)
