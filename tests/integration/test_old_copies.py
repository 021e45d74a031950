"""Backups come back whole, and a copy that somebody has outlived does not go on."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from bulletin_board.backup import backup_board, restore_board
from bulletin_board.cli import main
from bulletin_board.cosigning import cosign_once
from bulletin_board.errors import OutlivedError
from bulletin_board.last_seen import MIRRORS, ask_others, seen_in_file
from bulletin_board.log import Board, Submission
from bulletin_board.mirror import Mirror
from bulletin_board.outlived import RESTORED, RESUMED, Seen, require_not_outlived
from bulletin_board.reader import open_reader
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from bulletin_board.witness_settings import read_witness_settings
from tests.simulators.web import ADDRESS, serving, web_client
from tests.simulators.witnesses import new_http, witness_at, write_settings
from tests.strategies.boards import ORIGIN, body_of
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UnavailableError, UrneError
from voting.protocol.tlog.checkpoint import open_checkpoint


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def append(folder: Path, start: int, stop: int, mark: str = "") -> None:
    from bulletin_board.cli import read_key

    more = {"mark": mark} if mark else {}
    with Board.open(folder, read_key(folder)) as board:
        board.append_many([Submission("note.text", body_of(n, **more)) for n in range(start, stop)])


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board of 10 entries with a key of its own."""
    run("init", tmp_path / "board", "--origin", ORIGIN)
    append(tmp_path / "board", 0, 10)
    return tmp_path / "board"


@pytest.fixture
def backup(board: Path) -> Path:
    """A backup of the board when it had 10 entries."""
    assert "10 entries" in run("backup", board, board.parent / "backup")
    return board.parent / "backup"


def mirror_of(board: Path, folder: Path) -> Path:
    with (
        FolderService(board, None) as service,
        web_client(create_board_app(service)) as web,
        Mirror(folder, web, ADDRESS) as mirror,
    ):
        mirror.update()
    return folder


# -- backups -----------------------------------------------------------------------------------------------------------


def test_a_backup_comes_back_whole(board: Path, backup: Path, tmp_path: Path) -> None:
    append(board, 10, 12)
    restore_board(backup, tmp_path / "back")
    with open_reader(board) as original, open_reader(tmp_path / "back") as copy:
        assert list(copy.entries()) == list(original.entries(0, 10))
        assert copy.checkpoint_note() == original.checkpoint_note(10)
    assert "10 entries" in run("fsck", tmp_path / "back")
    assert "exists already" in run("backup", board, backup, code=2)
    assert "not empty" in run("restore", backup, tmp_path / "back", code=2)
    with zipfile.ZipFile(backup) as archive:
        assert sorted(archive.namelist()) == ["board.db", "manifest.json"]
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["size"], manifest["origin"]) == (10, ORIGIN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "backup", "board"]


def test_a_board_in_use_can_be_copied(board: Path, tmp_path: Path) -> None:
    from bulletin_board.cli import read_key

    with Board.open(board, read_key(board)) as writing, open_reader(board, unpublished=True) as reader:
        writing.append("note.text", body_of(100))
        assert backup_board(reader, tmp_path / "one").size == 11
        writing.append("note.text", body_of(101))
        assert backup_board(reader, tmp_path / "two").size == 12


def test_no_flipped_bit_in_a_backup_is_accepted(backup: Path, tmp_path: Path) -> None:
    original = backup.read_bytes()
    chance = random.Random(3)
    refused = 0
    for _ in range(60):
        changed = bytearray(original)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        backup.write_bytes(changed)
        try:
            restore_board(backup, tmp_path / "back")
        except (DecodeError, ProofError, SignatureInvalid, UnavailableError):
            refused += 1
            assert list((tmp_path / "back").iterdir()) == []
        else:  # a byte that says nothing, e.g. a date in the archive
            with open_reader(tmp_path / "back") as copy:
                assert [entry.body for entry in copy.entries()] == [body_of(n) for n in range(10)]
            shutil.rmtree(tmp_path / "back")
    assert refused > 50


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"no zip"])
def test_other_files_are_no_backups(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    assert "is no backup" in run("restore", tmp_path / "file", tmp_path / "back", code=3)


# -- going on ----------------------------------------------------------------------------------------------------------


def test_a_copy_does_not_go_on_by_itself(board: Path, backup: Path, tmp_path: Path) -> None:
    back, body = tmp_path / "back", tmp_path / "body"
    body.write_bytes(body_of(77))
    shutil.copy(board / "board.key", tmp_path / "key")
    assert "use resume" in run("restore", backup, back)
    shutil.copy(tmp_path / "key", back / "board.key")
    assert (back / RESTORED).exists()
    for command in (["append", back, "note.text", body], ["serve", back, "--listen", "127.0.0.1:0"], ["resume", back]):
        assert "nothing shows that it is the newest" in run(*command, code=3)
    with open_reader(board) as reader:
        (tmp_path / "kept").write_bytes(reader.checkpoint_note())
        (tmp_path / "receipt").write_bytes(reader.receipt(3))
    assert "goes on after 10" in run("resume", back, "--seen", tmp_path / "kept")
    assert (back / RESUMED).exists()
    assert not (back / RESTORED).exists()
    run("append", back, "note.text", body)
    # With a receipt as well, and in one step with the key.
    assert "goes on after 10" in run(
        "restore", backup, tmp_path / "again", "--key", tmp_path / "key", "--seen", tmp_path / "receipt"
    )


def test_an_old_copy_is_refused_by_whoever_has_seen_more(board: Path, backup: Path, tmp_path: Path) -> None:
    append(board, 10, 12)
    mirror = mirror_of(board, tmp_path / "mirror")
    with open_reader(board) as reader:
        (tmp_path / "receipt.json").write_text(run("prove", board, 11, "--with-header"))
        (tmp_path / "kept").write_bytes(reader.checkpoint_note())
    key = board / "board.key"
    for number, seen in enumerate(("receipt.json", "kept")):
        told = run(
            "restore", backup, tmp_path / f"back{number}", "--key", key, "--seen", tmp_path / seen, code=3
        )  # fmt: skip
        assert "has 10 entries, but whoever kept" in told
        assert "has seen 12" in told
    with FolderService(mirror, None) as service, serving(create_board_app(service)) as address:
        told = run("restore", backup, tmp_path / "back", "--key", key, "--mirror", address, code=3)
        assert "the mirror http://127.0.0.1" in told
        # The board itself goes on, and the copy does not, whatever is done to the mark.
        (tmp_path / "back" / RESTORED).unlink()
        (tmp_path / "back" / MIRRORS).write_text(f"# ours\n{address}\n")
        assert "has seen 12" in run("serve", tmp_path / "back", "--listen", "127.0.0.1:0", code=3)
        run("resume", board, "--mirror", address)
    told = run("resume", tmp_path / "back", code=0)
    assert "not asked: the mirror" in told


def test_a_mirror_becomes_the_board_when_that_is_lost(board: Path, tmp_path: Path) -> None:
    append(board, 10, 15)
    mirror = mirror_of(board, tmp_path / "mirror")
    second = mirror_of(board, tmp_path / "second")
    with open_reader(board) as reader:
        note = reader.checkpoint_note()
    key = shutil.move(board / "board.key", tmp_path / "key")
    shutil.rmtree(board)
    run("backup", mirror, tmp_path / "backup")
    with FolderService(second, None) as service, serving(create_board_app(service)) as address:
        run("restore", tmp_path / "backup", tmp_path / "new", "--key", key, "--mirror", address)
    append(tmp_path / "new", 15, 17)
    mirror_of(tmp_path / "new", second)
    with open_reader(second) as reader:
        assert len(reader) == 17
        assert open_checkpoint(reader.checkpoint_note(15), reader.key) == open_checkpoint(note, reader.key)
    run("fsck", tmp_path / "new")
    with pytest.raises(UrneError, match="is a board now"):
        mirror_of(board.parent / "second", tmp_path / "new")


def test_witnesses_stop_an_old_copy_and_refuse_to_sign_a_forced_one(board: Path, tmp_path: Path) -> None:
    """Fault 7: the start is refused; forced, every witness refuses, and nothing new is published."""
    with open_reader(board) as reader:
        log = reader.key
    with (
        witness_at(tmp_path / "w1", "w1.example", [log]) as one,
        witness_at(tmp_path / "w2", "w2.example", [log]) as two,
    ):
        write_settings(board, [one, two], 2)
        http = new_http([one, two])
        settings = read_witness_settings(board)
        run("backup", board, tmp_path / "backup")
        append(board, 10, 12)
        assert cosign_once(board, settings, timeout=10, new_http=http)
        restore_board(tmp_path / "backup", tmp_path / "back")
        back = tmp_path / "back"
        shutil.copy(board / "board.key", back / "board.key")
        with open_reader(back, unpublished=True) as copy:
            answers = ask_others(copy, new_http=http)
            assert [seen.checkpoint.size for seen in answers.seen] == [12, 12]
            with pytest.raises(OutlivedError, match=r"the witness w1.example has seen 12"):
                require_not_outlived(copy, answers.seen)
        run("resume", back, "--force")
        append(back, 10, 12, "other")
        assert not cosign_once(back, settings, timeout=1, new_http=http)
        append(back, 12, 15, "other")
        assert not cosign_once(back, settings, timeout=1, new_http=http)
        with open_reader(back) as published:
            assert len(published) == 0
        for witness in (one, two):
            assert witness.witness is not None
            assert len(witness.witness._store.suspicions()) >= 1


def test_the_boards_own_notes_of_witnesses_stop_a_copied_database(board: Path, tmp_path: Path) -> None:
    """Someone copies board.db back, and leaves the rest of the folder."""
    with open_reader(board) as reader:
        log = reader.key
    shutil.copy(board / "board.db", tmp_path / "old.db")
    with witness_at(tmp_path / "w1", "w1.example", [log]) as one:
        write_settings(board, [one], 1)
        append(board, 10, 12)
        assert cosign_once(board, read_witness_settings(board), timeout=10, new_http=new_http([one]))
    for path in board.glob("board.db*"):
        path.unlink()
    shutil.copy(tmp_path / "old.db", board / "board.db")
    with pytest.raises(OutlivedError, match="by the board's own notes, has seen 12"):
        append(board, 10, 11)


def test_what_is_not_signed_by_the_board_says_nothing(board: Path, tmp_path: Path) -> None:
    run("init", tmp_path / "other", "--origin", ORIGIN)
    append(tmp_path / "other", 0, 50)
    with open_reader(board) as mine, open_reader(tmp_path / "other") as other:
        (tmp_path / "kept").write_bytes(other.checkpoint_note())
        with pytest.raises(SignatureInvalid):
            seen_in_file(tmp_path / "kept", mine.key)
        with FolderService(tmp_path / "other", None) as service, serving(create_board_app(service)) as address:
            answers = ask_others(mine, mirrors=[address])
        assert answers.seen == ()
        assert "carries no signature by" in answers.silent[0]
        with pytest.raises(OutlivedError):
            require_not_outlived(mine, [Seen(other.checkpoint(), "somebody")])
