"""Whoever edits a board's database is found out: the recheck names the place, and the board does not open."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from bulletin_board.fsck import verify_board
from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from bulletin_board.store import DATABASE
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import ZERO_HASH, Hash, encode, sha256
from voting.protocol.errors import ProofError, SignatureInvalid, UnavailableError, UrneError
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.header import encode_header, make_header
from voting.protocol.tlog.merkle import Frontier

KEY = SigningKey.from_seed(bytes(range(32)))
OTHER_KEY = SigningKey.from_seed(bytes(32))
ORIGIN = "board.example/election-1"
COUNT = 11

Edit = Callable[[Any], None]


def body_of(number: int) -> bytes:
    return encode({"number": number})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as board:
        for number in range(COUNT):
            board.append("ballot.cast", body_of(number), encode({"hint": number}))
        board.store.truncate_wal()
    return tmp_path / "board"


def edit(folder: Path, change: Edit) -> None:
    """What a person with access to the file can do: take the triggers away, change rows, put the triggers back."""
    connection = pysqlite3.connect(folder / DATABASE, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = off")
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    change(connection)
    for _, statement in triggers:
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def run(statement: str, *values: object) -> Edit:
    return lambda connection: connection.execute(statement, values)


def swap(table: str, column: str, one: int, two: int) -> Edit:
    def change(connection: Any) -> None:
        read = f"SELECT {column} FROM {table} WHERE seq = ?"  # noqa: S608
        write = f"UPDATE {table} SET {column} = ? WHERE seq = ?"  # noqa: S608
        first, second = (connection.execute(read, (seq,)).fetchone()[0] for seq in (one, two))
        connection.execute(write, (second, one))
        connection.execute(write, (first, two))

    return change


def cut_off_last(connection: Any) -> None:
    for table in ("entry", "body", "hint"):
        connection.execute(f"DELETE FROM {table} WHERE seq = {COUNT - 1}")  # noqa: S608


def lose_one(connection: Any) -> None:
    for table in ("entry", "body", "hint"):
        connection.execute(f"DELETE FROM {table} WHERE seq = 4")  # noqa: S608


def sign_with_other_key(connection: Any) -> None:
    root = connection.execute("SELECT root FROM checkpoint WHERE size = 5").fetchone()[0]
    note = sign_checkpoint(Checkpoint(ORIGIN, 5, root), OTHER_KEY)
    connection.execute("UPDATE checkpoint SET note = ? WHERE size = 5", (note,))


def rewrite_from(start: int) -> Edit:
    """A thorough forger without the key: another body, and then every hash and every node to go with it."""

    def change(connection: Any) -> None:
        prev, frontier = Hash(ZERO_HASH), Frontier()
        connection.execute("UPDATE entry SET id = CAST(printf('%032d', seq) AS BLOB)")
        for seq in range(COUNT):
            body = body_of(seq + 100 if seq == start else seq)
            header = encode_header(make_header(seq, prev, "ballot.cast", body))
            prev = sha256(header)
            row = (bytes.fromhex(sha256(body)), header, seq)
            connection.execute("UPDATE entry SET id = ?, header = ? WHERE seq = ?", row)
            connection.execute("UPDATE body SET data = ? WHERE seq = ?", (body, seq))
            for node in frontier.append(header):
                where = (node.hash, node.level, node.position)
                connection.execute("UPDATE node SET hash = ? WHERE level = ? AND position = ?", where)
            root = (frontier.root(), frontier.size)
            connection.execute("UPDATE checkpoint SET root = ? WHERE size = ?", root)

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (run("UPDATE body SET data = ? WHERE seq = 3", body_of(9999)), "entry 3: its body is"),
        (run("UPDATE body SET data = ? WHERE seq = 3", body_of(7)), "entry 3: its body is not the one"),
        (run("DELETE FROM body WHERE seq = 3"), "entry 3: has no body"),
        (swap("body", "data", 3, 4), "entry 3: its body is not the one"),
        (swap("entry", "header", 3, 4), "entry 3: its header says it is entry 4"),
        (run("UPDATE entry SET type = 'ballot.other' WHERE seq = 3"), "entry 3: is filed under another type"),
        (run("UPDATE entry SET id = zeroblob(32) WHERE seq = 3"), "entry 3: is filed under another type or hash"),
        (run("UPDATE entry SET header = CAST(header || ' ' AS BLOB) WHERE seq = 3"), "entry 3, header: is not"),
        (run("UPDATE hint SET data = CAST('{' AS BLOB) WHERE seq = 3"), "entry 3, attachment"),
        (run("INSERT INTO hint VALUES (77, CAST('{}' AS BLOB))"), "row 77 of hint has no entry"),
        (cut_off_last, f"entry {COUNT - 1}: is missing"),
        (lose_one, "entry 4: is missing"),
        (run("UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND position = 3"), "entry 3: does not fit"),
        (run("UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND position = 0"), "entry 3: does not fit"),
        (run("DELETE FROM node WHERE level = 1 AND position = 1"), "entry 3: does not fit"),
        (run("INSERT INTO node VALUES (9, 0, zeroblob(32))"), "table node"),
        (run("UPDATE checkpoint SET root = zeroblob(32) WHERE size = 4"), "checkpoint 4: does not name the root"),
        (run("UPDATE checkpoint SET note = CAST('x' AS BLOB) WHERE size = 4"), "checkpoint 4: does not name the root"),
        (run("DELETE FROM checkpoint WHERE size = 0"), "first or the newest checkpoint"),
        (run("DELETE FROM checkpoint WHERE size = ?", COUNT), f"entry {COUNT - 1}: no checkpoint covers it"),
        (rewrite_from(3), "checkpoint 4: does not name the root"),
    ],
)
def test_the_recheck_names_the_first_fault(folder: Path, change: Edit, place: str) -> None:
    edit(folder, change)
    with open_reader(folder) as board, pytest.raises(ProofError, match=place):
        verify_board(board)
    with pytest.raises(ProofError, match=place):
        Board.open(folder, KEY)


def test_a_checkpoint_signed_by_another_key_is_found(folder: Path) -> None:
    edit(folder, sign_with_other_key)
    with open_reader(folder) as board:
        verify_board(board)
        with pytest.raises(SignatureInvalid, match="checkpoint 5"):
            verify_board(board, signatures=True)


def test_another_origin_or_key_in_the_table_is_found(folder: Path) -> None:
    edit(folder, run("UPDATE meta SET value = 'board.example/other' WHERE key = 'origin'"))
    with open_reader(folder) as board, pytest.raises(ProofError, match="checkpoint 0"):
        verify_board(board)


@pytest.mark.parametrize(
    "statement", ["DROP TRIGGER entry_dense", "CREATE TABLE more(x)", "ALTER TABLE hint ADD COLUMN x TEXT"]
)
def test_a_changed_layout_is_found_at_the_opening(folder: Path, statement: str) -> None:
    connection = pysqlite3.connect(folder / DATABASE, isolation_level=None)
    connection.execute(statement)
    connection.close()
    with pytest.raises(UnavailableError, match="changed from outside"):
        open_reader(folder)
    with pytest.raises(UnavailableError, match="changed from outside"):
        Board.open(folder, KEY)


def test_a_tree_that_lags_behind_is_found_even_without_a_recheck(folder: Path) -> None:
    edit(folder, run("DELETE FROM checkpoint WHERE size = ?", COUNT))
    with pytest.raises(UnavailableError, match="signed last"):
        Board.open(folder, KEY, full=False)


def contents(folder: Path) -> Iterator[object]:
    with open_reader(folder) as board:
        verify_board(board, signatures=True)
        yield from board.entries()
        yield board.checkpoint_note()


def test_no_flipped_bit_makes_another_valid_board(folder: Path) -> None:
    """Refused, or without effect (unused bytes, and side data, which nothing authenticates)."""
    chance = random.Random(7)
    path = folder / DATABASE
    original = path.read_bytes()
    expected = [row if isinstance(row, bytes) else row[:3] for row in contents(folder)]  # type: ignore[index]
    refused = 0
    for _ in range(150):
        changed = bytearray(original)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        try:
            found = [row if isinstance(row, bytes) else row[:3] for row in contents(folder)]  # type: ignore[index]
        except UrneError:
            refused += 1
            continue
        assert found == expected
    assert refused > 20


def test_a_batch_leaves_no_checkpoint_between(tmp_path: Path) -> None:
    """The control for the tests above: one batch, one checkpoint, and a sound board."""
    with Board.create(tmp_path / "b", ORIGIN, KEY) as board:
        board.append_many([Submission("ballot.cast", body_of(number)) for number in range(5)])
        verify_board(board, signatures=True)
        assert board.store.count("checkpoint") == 2
