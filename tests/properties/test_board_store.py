"""What a board rests on: its machine, and tables that only grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pysqlite3
import pytest

from bulletin_board import guards, store
from bulletin_board.fsck import verify_board
from bulletin_board.guards import require_safe_sqlite
from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from bulletin_board.store import DATABASE, Store
from tests.strategies.boards import KEY, ORIGIN, body_of
from voting.protocol.encoding import encode
from voting.protocol.errors import UnavailableError


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as made:
        yield made


def test_a_network_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert guards.file_system_type(tmp_path) > 0
    monkeypatch.setattr(guards, "file_system_type", lambda folder: 0x6969)
    with pytest.raises(UnavailableError, match="network file system \\(NFS\\)"):
        Board.create(tmp_path / "b", ORIGIN, KEY)


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 44, 5), (3, 45, 3), (3, 50, 6), (3, 51, 2)])
def test_a_sqlite_with_the_wal_bug_is_refused(version: tuple[int, ...]) -> None:
    with pytest.raises(UnavailableError, match="can lose"):
        require_safe_sqlite(version)


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)])
def test_a_repaired_sqlite_is_accepted(version: tuple[int, ...]) -> None:
    require_safe_sqlite(version)


def test_a_board_asks_for_the_version_before_anything_else(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    board.close()
    monkeypatch.setattr(pysqlite3, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(UnavailableError, match=r"SQLite 3\.40\.1 can lose committed entries"):
        Board.open(board.folder, KEY)
    with pytest.raises(UnavailableError, match=r"SQLite 3\.40\.1"):
        open_reader(board.folder)
    with pytest.raises(UnavailableError, match=r"SQLite 3\.40\.1"):
        Board.create(board.folder.parent / "new", ORIGIN, KEY)


def test_a_setting_that_sqlite_does_not_take_is_noticed(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {name: board.store._rows(f"PRAGMA {name}")[0][0] for name in store._PRAGMAS}
    assert settings == store._PRAGMAS
    assert (settings["synchronous"], settings["recursive_triggers"]) == (2, 1)
    board.close()
    monkeypatch.setitem(store._PRAGMAS, "no_such_setting", 1)
    with pytest.raises(UnavailableError, match="did not accept the setting no_such_setting"):
        Board.open(board.folder, KEY)


def test_a_board_that_somebody_reads_for_ever_is_not_opened_on_what_may_not_be_on_the_disk(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.append("note.text", body_of(1))
    reading = pysqlite3.connect(board.folder / DATABASE, isolation_level=None)
    rows = reading.execute("SELECT seq FROM entry UNION ALL SELECT seq FROM body")
    rows.fetchone()
    board.append("note.text", body_of(2))
    board.close()
    monkeypatch.setitem(store._PRAGMAS, "busy_timeout", 50)
    with pytest.raises(UnavailableError, match="read by somebody for too long"):
        Board.open(board.folder, KEY)
    rows.close()
    reading.close()
    with Board.open(board.folder, KEY) as again:
        assert len(again) == 2


@pytest.mark.parametrize(
    "statement",
    [
        *(
            f"UPDATE {table} SET {column} = {column}"  # noqa: S608
            for table, column in (
                ("entry", "seq"),
                ("body", "data"),
                ("hint", "data"),
                ("node", "hash"),
                ("checkpoint", "note"),
                ("meta", "value"),
            )
        ),
        *(f"DELETE FROM {table}" for table in ("entry", "body", "hint", "node", "checkpoint", "meta")),  # noqa: S608
        "INSERT OR REPLACE INTO entry SELECT 2, id, type, header FROM entry WHERE seq = 0",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 1",
        "INSERT OR IGNORE INTO entry SELECT 5, zeroblob(32), type, header FROM entry WHERE seq = 1",
        "INSERT INTO entry SELECT 3, zeroblob(32), type, header FROM entry WHERE seq = 1",
        "INSERT OR REPLACE INTO body SELECT * FROM body WHERE seq = 1",
        "INSERT OR REPLACE INTO hint SELECT * FROM hint",
        "INSERT OR REPLACE INTO node SELECT level, position, zeroblob(32) FROM node WHERE level = 0",
        "INSERT OR REPLACE INTO checkpoint SELECT * FROM checkpoint WHERE size = 2",
        "INSERT INTO checkpoint SELECT 1, root, note FROM checkpoint WHERE size = 2",
        "INSERT INTO checkpoint SELECT 3, root, note FROM checkpoint WHERE size = 2",
        "INSERT OR REPLACE INTO meta VALUES ('origin', 'elsewhere')",
        "INSERT INTO body VALUES (9, 'text')",
    ],
)
@pytest.mark.parametrize("recursive", [0, 1])
def test_the_tables_only_grow(board: Board, statement: str, recursive: int) -> None:
    board.append_many([Submission("ballot.cast", body_of(i), encode({"hint": i})) for i in range(2)])
    before = list(board.entries())
    with pysqlite3.connect(board.folder / DATABASE) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        with pytest.raises(pysqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()
    assert list(board.entries()) == before
    verify_board(board, signatures=True)


def test_sqlite_utils_conveniences_that_drop_triggers_are_noticed(board: Board) -> None:
    from sqlite_utils import Database

    board.close()
    database = Database(str(board.folder / DATABASE))
    database["node"].transform(rename={"hash": "digest"})  # type: ignore[union-attr]
    database.close()
    with pytest.raises(UnavailableError, match="changed from outside"):
        open_reader(board.folder)


def test_other_files_are_not_taken_for_a_board(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="is not a board"):
        open_reader(tmp_path)
    (tmp_path / DATABASE).write_bytes(b"no database" * 100)
    with pytest.raises(UnavailableError, match="SQLite reports"):
        open_reader(tmp_path)
    (tmp_path / DATABASE).write_bytes(b"")
    with pytest.raises(UnavailableError, match="is not a board's database"):
        Store.open(tmp_path / DATABASE, read_only=False)


def test_readers_see_what_a_writer_commits(board: Board) -> None:
    with open_reader(board.folder) as reader:
        assert len(reader) == 0
        board.append("ballot.cast", b"{}")
        assert len(reader) == 1
        with pytest.raises(UnavailableError, match="readonly"):
            reader.store.put_meta("x", "y")
