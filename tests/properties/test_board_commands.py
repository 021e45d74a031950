"""The published record, and the commands of the board."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bulletin_board.cli import main
from bulletin_board.export import export_record
from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from tests.strategies.boards import KEY, ORIGIN, body_of
from voting.protocol.encoding import encode
from voting.protocol.errors import UnavailableError, UsageError
from voting.protocol.tlog.header import parse_header
from voting.protocol.tlog.proof import verify_receipt
from voting.verifier.load import open_record


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as made:
        yield made


def test_a_record_reads_back_as_the_board(board: Board, tmp_path: Path) -> None:
    board.append_many([Submission("ballot.cast", body_of(i), encode({"h": i}) if i % 3 else None) for i in range(700)])
    for target in (tmp_path / "record", tmp_path / "record.zip"):
        assert export_record(board, target) == 700
        first = target.read_bytes() if target.is_file() else b""
        with pytest.raises(UsageError, match="--force"):
            export_record(board, target)
        export_record(board, target, force=True)
        assert (target.read_bytes() if target.is_file() else b"") == first
        with open_record(target) as record:
            assert [tuple(entry) for entry in record.entries()] == [tuple(entry) for entry in board.entries()]
            assert [tuple(e) for e in record.entries(300, 420)] == [tuple(e) for e in board.entries(300, 420)]
            assert len(record) == 700
            assert record.checkpoint == board.checkpoint_note()
            assert record.vkey == board.key.vkey
            folder = record.folder
        assert folder.exists() == (target == folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board", "record", "record.zip"]


def test_an_export_replaces_nothing_but_a_record(board: Board, tmp_path: Path) -> None:
    for target in (tmp_path / "file", tmp_path / "folder.zip", tmp_path / "mine"):
        if target.name == "file":
            target.write_text("mine")
        else:
            target.mkdir()
            (target / "letter.txt").write_text("mine")
        with pytest.raises(UsageError, match="not replaced"):
            export_record(board, target, force=True)
    with pytest.raises(UnavailableError, match="no folder"):
        export_record(board, tmp_path / "absent" / "record")


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_the_commands(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    body = tmp_path / "body.json"
    body.write_bytes(b'{"a":1}')
    assert run("init", folder, "--origin", ORIGIN).startswith(ORIGIN + "+")
    assert (folder / "board.key").stat().st_mode & 0o777 == 0o600
    assert "already" in run("init", folder, "--origin", ORIGIN, code=3)
    assert "entry 0" in run("append", folder, "note.text", body, "--hint", body)
    assert json.loads(run("append", folder, "note.text", body, "--json"))["was_new"] is False
    assert "note.text" in run("log", folder)
    assert parse_header(run("log", folder, "--json").strip().encode()).seq == 0
    assert run("show", folder, "0") == run("show", folder, "0", "--part", "hint") == '{"a":1}\n'
    checkpoint = run("show", folder)
    assert checkpoint.startswith(ORIGIN + "\n1\n")
    with open_reader(folder) as board:
        verify_receipt(run("prove", folder, "0").encode(), board.header(0), board.key)
    run("prove", folder, "0", "-o", tmp_path / "0.tlog-proof")
    assert "already" in run("prove", folder, "0", "-o", tmp_path / "0.tlog-proof", code=2)
    assert run("prove", folder, "--since", "1") == ""
    assert "not both" in run("prove", folder, code=2)
    assert json.loads(run("fsck", folder, "--json")) == {"root": checkpoint.split("\n")[2], "size": 1, "sound": True}
    assert "1 entries" in run("export", folder, tmp_path / "record.zip")
    assert "--force" in run("export", folder, tmp_path / "record.zip", code=2)


def test_the_commands_fail_with_one_sentence(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b'{ "a":1}')
    assert "urne-board init" in run("log", tmp_path, code=3)
    assert "urne-board init" in run("append", tmp_path, "note.text", body, code=3)
    assert "without its scheme" in run("init", tmp_path / "b", "--origin", "https://x.example", code=2)
    run("init", tmp_path / "b", "--origin", ORIGIN)
    assert "canonical" in run("append", tmp_path / "b", "note.text", body, code=3)
    assert "0 entries" in run("show", tmp_path / "b", "3", code=2)
    (tmp_path / "b" / "board.key").chmod(0o644)
    assert "chmod 600" in run("append", tmp_path / "b", "note.text", body, code=3)


def test_an_unforeseen_error_is_named_without_its_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(folder: Path, *, unpublished: bool = False) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr("bulletin_board.cli.open_reader", broken)
    output = run("log", tmp_path, code=3)
    assert "KeyError" in output
    assert "secret" not in output
