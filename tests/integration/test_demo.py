"""`urne demo`: the whole election in one go, on sample ballots and on real ones, verified at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bulletin_board.reader import open_reader
from voting.cli import main
from voting.demo_ballots import sample_election
from voting.local_board import replay_record
from voting.protocol.messages import ElectionResult
from voting.protocol.methods import ChooseOutcome, CondorcetTiesOutcome


def demo(*words: str | Path) -> Result:
    options = ["--language", "en", "demo", "--group", "toy-512", "--jobs", "1", "--headless"]
    return CliRunner().invoke(main, [*options, *map(str, words)])


def result_in(folder: Path) -> ElectionResult:
    with open_reader(folder / "election" / "board") as board:
        result = replay_record(board, allow_toy=True).result
    assert result is not None
    return result


def test_a_demonstration_ends_verified(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    shown = demo("--voters", "8", "--out", out)
    assert shown.exit_code == 0, shown.output
    for words in ("made up", "made a key together", "VERIFIED", "Together", "urne-verify tracker", "Who shall chair"):
        assert words in shown.stdout
    assert (out / "record.zip").is_file()
    with open_reader(out / "election" / "board") as board:
        record = replay_record(board, allow_toy=True)
    counted = {voter for voter, _ in sample_election(8).ballots}
    assert len(record.last_ballot) == len(counted)


def test_trustees_and_threshold_can_be_chosen(tmp_path: Path) -> None:
    shown = demo("--voters", "2", "--trustees", "7", "--threshold", "2", "--out", tmp_path / "demo")
    assert shown.exit_code == 0, shown.output
    assert "Any 2 of them can decrypt" in shown.stdout
    assert result_in(tmp_path / "demo").shares == (6, 7)
    assert demo("--trustees", "2", "--threshold", "3").exit_code == 2


def test_several_processes_encrypt_as_one_does(tmp_path: Path) -> None:
    shown = demo("--voters", "4", "--jobs", "2", "--out", tmp_path / "demo")
    assert shown.exit_code == 0, shown.output
    assert "VERIFIED" in shown.stdout


@pytest.mark.slow
def test_real_approval_ballots(tmp_path: Path, shared_data: Path) -> None:
    file = shared_data / "french-approval-2002-gy-les-nonains.cat"
    shown = demo("--ballots", file, "--out", tmp_path / "demo")
    assert shown.exit_code == 0, shown.output
    (outcome,) = result_in(tmp_path / "demo").outcomes
    assert isinstance(outcome, ChooseOutcome)
    assert outcome.counts == (62, 36, 26, 85, 139, 119, 33, 74, 67, 87, 21, 37, 67, 77, 64, 62)


@pytest.mark.slow
def test_real_rankings(tmp_path: Path, shared_data: Path) -> None:
    shown = demo("--ballots", shared_data / "debian-2002-leader.soi", "--out", tmp_path / "demo")
    assert shown.exit_code == 0, shown.output
    (outcome,) = result_in(tmp_path / "demo").outcomes
    assert isinstance(outcome, CondorcetTiesOutcome)
    assert (outcome.matrix[0][1], outcome.matrix[1][0]) == (260, 199)
    assert outcome.condorcet_winner == 2


def test_a_wrong_ballot_file_or_a_used_folder(tmp_path: Path) -> None:
    file = tmp_path / "ballots.soi"
    file.write_text("nothing of the kind")
    wrong = demo("--ballots", file)
    assert wrong.exit_code == 2
    assert "NUMBER ALTERNATIVES" in wrong.stderr
    assert demo("--ballots", tmp_path / "missing").exit_code == 3
    assert "exists already" in demo("--out", tmp_path).stderr


def test_the_sample_is_the_same_every_time() -> None:
    first, second = sample_election(50), sample_election(50)
    assert first.ballots == second.ballots
    assert "sample" in first.title["en"]
    for _voter, selections in first.ballots:
        for question, selection in zip(first.questions, selections, strict=True):
            question.encode_selection(selection)
