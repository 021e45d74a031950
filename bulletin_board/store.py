"""Protocol L9: the tables of a board, and all SQL of this project (docs/spec/log.md, "Storage").

SQLite in write-ahead mode, every commit flushed to disk. Rows are only ever added: triggers refuse the rest. The
triggers guard against mistakes; against people guard the tree, its signed checkpoints and their copies elsewhere.

This module knows tables, not the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pysqlite3
from sqlite_utils import Database

from bulletin_board.guards import require_safe_sqlite
from voting.protocol.errors import UnavailableError
from voting.protocol.tlog.merkle import Node

DATABASE = "board.db"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x55524E45
"""The letters URNE in the file's own header."""

_BUSY_MILLISECONDS, _WAL_LIMIT_BYTES = 10_000, 64 * 1024 * 1024
_ROWS_PER_READ = 256
_NODES_PER_STATEMENT = 64

_PRAGMAS = {
    "synchronous": 2,
    "recursive_triggers": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "foreign_keys": 1,
    "mmap_size": 0,
    "journal_size_limit": _WAL_LIMIT_BYTES,
    "busy_timeout": _BUSY_MILLISECONDS,
}

_TABLES = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE entry(seq INTEGER PRIMARY KEY CHECK(seq >= 0),"
    " id BLOB NOT NULL UNIQUE CHECK(length(id) = 32),"
    " type TEXT NOT NULL,"
    " header BLOB NOT NULL CHECK(length(header) BETWEEN 1 AND 65535)) STRICT",
    "CREATE TABLE body(seq INTEGER PRIMARY KEY REFERENCES entry(seq),"
    " data BLOB NOT NULL CHECK(length(data) BETWEEN 1 AND 4194304)) STRICT",
    "CREATE TABLE hint(seq INTEGER PRIMARY KEY REFERENCES entry(seq),"
    " data BLOB NOT NULL CHECK(length(data) BETWEEN 1 AND 4194304)) STRICT",
    "CREATE TABLE node(level INTEGER NOT NULL CHECK(level >= 0), position INTEGER NOT NULL CHECK(position >= 0),"
    " hash BLOB NOT NULL CHECK(length(hash) = 32), PRIMARY KEY(level, position)) STRICT, WITHOUT ROWID",
    "CREATE TABLE checkpoint(size INTEGER PRIMARY KEY CHECK(size >= 0),"
    " root BLOB NOT NULL CHECK(length(root) = 32), note BLOB NOT NULL) STRICT",
)

_KEYS = {
    "meta": "key = NEW.key",
    "entry": "seq = NEW.seq OR id = NEW.id",
    "body": "seq = NEW.seq",
    "hint": "seq = NEW.seq",
    "node": "level = NEW.level AND position = NEW.position",
    "checkpoint": "size = NEW.size",
}

_NEXT_SEQ = "(SELECT coalesce(max(seq) + 1, 0) FROM entry)"


def _trigger(table: str, name: str, event: str, message: str, condition: str = "") -> str:
    when = f" WHEN {condition}" if condition else ""
    return (
        f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table}{when}"
        f" BEGIN SELECT RAISE(ABORT, '{table}: {message}'); END"
    )


_TRIGGERS = (
    *(_trigger(table, "no_update", "UPDATE", "rows never change") for table in _KEYS),
    *(_trigger(table, "no_delete", "DELETE", "rows are never removed") for table in _KEYS),
    *(
        _trigger(table, "no_replace", "INSERT", "the row exists", f"EXISTS(SELECT 1 FROM {table} WHERE {key})")  # noqa: S608
        for table, key in _KEYS.items()
    ),
    _trigger("entry", "dense", "INSERT", "not the next place", f"NEW.seq <> {_NEXT_SEQ}"),
    _trigger("checkpoint", "whole", "INSERT", "not of the whole log", f"NEW.size <> {_NEXT_SEQ}"),
)

_SCHEMA = (*_TABLES, *_TRIGGERS)


class EntryRow(NamedTuple):
    """One row of `entry`."""

    seq: int
    id: bytes
    type: str
    header: bytes


class FullRow(NamedTuple):
    """One entry with its body (None if the row is missing) and its hint (None if there is none)."""

    seq: int
    id: bytes
    type: str
    header: bytes
    body: bytes | None
    hint: bytes | None


class CheckpointRow(NamedTuple):
    """One row of `checkpoint`: a signed note, and what it says."""

    size: int
    root: bytes
    note: bytes


class Store:
    """An open database. Every failure of SQLite becomes an `UnavailableError`."""

    def __init__(self, connection: Any, path: Path) -> None:
        self._db = Database(connection, recursive_triggers=True, execute_plugins=False)
        self._path = path

    @classmethod
    def create(cls, path: Path) -> Store:
        """Open a new database for writing, and start the transaction in which its first rows must be written.

        Raises:
            UnavailableError: if `path` is a database with tables already, or cannot be written.
        """
        store = cls._connect(path, "rwc")
        try:
            store._require_empty()
            store._set_pragmas()
            store.begin()
            store._run(f"PRAGMA application_id = {APPLICATION_ID}")
            store._run(f"PRAGMA user_version = {SCHEMA_VERSION}")
            for statement in _SCHEMA:
                store._run(statement)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> Store:
        """Open an existing database.

        Raises:
            UnavailableError: if it is missing or damaged, or its tables and triggers are not exactly those of a board.
        """
        store = cls._connect(path, "ro" if read_only else "rw")
        try:
            store._require_schema()
            if read_only:
                store._run("PRAGMA query_only = 1")
                store._run(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
                store._run("PRAGMA trusted_schema = 0")
                store._run("PRAGMA cell_size_check = 1")
            else:
                store._set_pragmas()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def _connect(cls, path: Path, mode: str) -> Store:
        require_safe_sqlite(pysqlite3.sqlite_version_info)
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with _translated(path):
            connection = pysqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            return cls(connection, path)

    def close(self) -> None:
        """Close the database; an open transaction is rolled back."""
        self._db.close()

    # Transactions

    def begin(self) -> None:
        """Take SQLite's write lock. Read the size only after this."""
        self._run("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the transaction durable: on return it is on the disk."""
        self._run("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction. Does nothing if there is none."""
        if self._db.conn.in_transaction:
            self._run("ROLLBACK")

    def truncate_wal(self) -> bool:
        """Move all committed data into the main file, at a quiet moment. Says whether nobody was in the way."""
        return not self._rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]

    def wal_frames(self) -> int:
        """How many frames of the write-ahead file SQLite can read."""
        return max(int(self._rows("PRAGMA wal_checkpoint(PASSIVE)")[0][1]), 0)

    def settle(self) -> None:
        """Protocol L9a: have everything that is read as committed written again, and flushed, before more is written.

        After a failed flush the system may show what is not on the disk, and all behind it would be worthless.

        Raises:
            UnavailableError: if that fails, or somebody reads for longer than SQLite waits.
        """
        if not self.truncate_wal():
            raise UnavailableError(
                "is being read by somebody for too long", where=str(self._path), remedy="end that process, or try again"
            )

    def copy_to(self, path: Path) -> None:
        """Protocol L18a: write one committed state as a database of its own. Raises UnavailableError."""
        self._run("PRAGMA query_only = 0")
        self._run("VACUUM INTO ?", (str(path),))

    # Writing

    def put_meta(self, key: str, value: str) -> None:
        """Add one setting."""
        self._run("INSERT INTO meta(key, value) VALUES (?, ?)", (key, value))

    def put_entry(self, row: FullRow) -> None:
        """Add one entry, with its body and its hint."""
        self._run("INSERT INTO entry(seq, id, type, header) VALUES (?, ?, ?, ?)", row[:4])
        self._run("INSERT INTO body(seq, data) VALUES (?, ?)", (row.seq, row.body))
        if row.hint is not None:
            self._run("INSERT INTO hint(seq, data) VALUES (?, ?)", (row.seq, row.hint))

    def put_nodes(self, nodes: Sequence[Node]) -> None:
        """Add complete nodes of the tree."""
        for start in range(0, len(nodes), _NODES_PER_STATEMENT):
            values = tuple(chain.from_iterable(nodes[start : start + _NODES_PER_STATEMENT]))
            rows = ", ".join(["(?, ?, ?)"] * (len(values) // 3))
            self._run(f"INSERT INTO node(level, position, hash) VALUES {rows}", values)  # noqa: S608

    def put_checkpoint(self, row: CheckpointRow) -> None:
        """Add the checkpoint of all entries added so far."""
        self._run("INSERT INTO checkpoint(size, root, note) VALUES (?, ?, ?)", row)

    # Reading

    def meta(self) -> dict[str, str]:
        """All settings."""
        return dict(self._rows("SELECT key, value FROM meta ORDER BY key"))

    def size(self) -> int:
        """How many entries there are."""
        return int(self._rows("SELECT coalesce(max(seq) + 1, 0) FROM entry")[0][0])

    def entry(self, seq: int) -> EntryRow | None:
        """The entry at one place."""
        rows = self._rows("SELECT seq, id, type, header FROM entry WHERE seq = ?", (seq,))
        return EntryRow(*rows[0]) if rows else None

    def find(self, id_: bytes) -> EntryRow | None:
        """The entry with this body hash (32 bytes)."""
        rows = self._rows("SELECT seq, id, type, header FROM entry WHERE id = ?", (id_,))
        return EntryRow(*rows[0]) if rows else None

    def body(self, seq: int) -> bytes | None:
        """The body at one place."""
        rows = self._rows("SELECT data FROM body WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def hint(self, seq: int) -> bytes | None:
        """The side data at one place."""
        rows = self._rows("SELECT data FROM hint WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def entries(self, start: int, stop: int) -> Iterator[EntryRow]:
        """The entries of [start, stop), in order, without their bodies."""
        for row in self._ranges("SELECT seq, id, type, header FROM entry", start, stop):
            yield EntryRow(*row)

    def full_entries(self, start: int, stop: int) -> Iterator[FullRow]:
        """The entries of [start, stop), in order, with body and hint."""
        query = (
            "SELECT seq, id, type, header, body.data, hint.data FROM entry"
            " LEFT JOIN body USING (seq) LEFT JOIN hint USING (seq)"
        )
        for row in self._ranges(query, start, stop):
            yield FullRow(*row)

    def node(self, level: int, position: int) -> bytes:
        """The hash of one complete node. Raises UnavailableError if it is missing."""
        hash_ = self.find_node(level, position)
        if hash_ is None:
            raise UnavailableError(f"holds no node {level}/{position}, so it is damaged", where=str(self._path))
        return hash_

    def nodes(self, level: int, start: int, stop: int) -> list[bytes]:
        """The hashes of the complete nodes [start, stop) of one level, in order. UnavailableError if one is missing."""
        query = "SELECT hash FROM node WHERE level = ? AND position >= ? AND position < ? ORDER BY position"
        hashes = [row[0] for row in self._rows(query, (level, start, stop))]
        if len(hashes) != stop - start:
            raise UnavailableError(f"holds not all nodes {level}/{start} to {stop - 1}", where=str(self._path))
        return hashes

    def find_node(self, level: int, position: int) -> bytes | None:
        """The hash of one complete node, if it is there."""
        rows = self._rows("SELECT hash FROM node WHERE level = ? AND position = ?", (level, position))
        return rows[0][0] if rows else None

    def checkpoint(self, size: int | None = None) -> CheckpointRow | None:
        """The checkpoint of one size, or the newest."""
        query = "SELECT size, root, note FROM checkpoint"
        if size is None:
            rows = self._rows(f"{query} ORDER BY size DESC LIMIT 1")
        else:
            rows = self._rows(f"{query} WHERE size = ?", (size,))
        return CheckpointRow(*rows[0]) if rows else None

    def next_checkpoint(self, size: int) -> CheckpointRow | None:
        """The first checkpoint of at least this size."""
        rows = self._rows("SELECT size, root, note FROM checkpoint WHERE size >= ? ORDER BY size LIMIT 1", (size,))
        return CheckpointRow(*rows[0]) if rows else None

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self._rows(f"SELECT count(*) FROM {_known(table)}")[0][0])  # noqa: S608

    def faults(self) -> list[str]:
        """What SQLite's own checks of its file find: an empty list if all is well."""
        found = [str(row[0]) for row in self._rows("PRAGMA integrity_check(10)") if row[0] != "ok"]
        return found + [f"row {row[1]} of {row[0]} has no entry" for row in self._rows("PRAGMA foreign_key_check")]

    # Inside

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        with _translated(self._path):
            self._db.execute(statement, values)

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with _translated(self._path):
            return self._db.execute(query, values).fetchall()

    def _ranges(self, query: str, start: int, stop: int) -> Iterator[tuple[Any, ...]]:
        """Rows by `seq`, a few hundred to a statement: a long read would keep the write-ahead file from shrinking."""
        for first in range(start, stop, _ROWS_PER_READ):
            last = min(first + _ROWS_PER_READ, stop)
            with _translated(self._path):
                rows = self._db.execute(f"{query} WHERE seq >= ? AND seq < ? ORDER BY seq", (first, last))
                for row in rows:  # noqa: UP028  # `yield from` would close the cursor, perhaps after its database
                    yield row

    def _set_pragmas(self) -> None:
        """Set what durability rests on, and read it back: SQLite ignores a pragma it does not know."""
        if self._rows("PRAGMA journal_mode = WAL") != [("wal",)]:
            raise UnavailableError("cannot be put into write-ahead mode", where=str(self._path))
        for name, value in _PRAGMAS.items():
            self._run(f"PRAGMA {name} = {value}")
            if self._rows(f"PRAGMA {name}") != [(value,)]:
                raise UnavailableError(f"SQLite did not accept the setting {name}", where=str(self._path))

    def _require_empty(self) -> None:
        if self._rows("SELECT 1 FROM sqlite_schema LIMIT 1"):
            raise UnavailableError("exists already", where=str(self._path), remedy="choose another folder")

    def _require_schema(self) -> None:
        application, version = (self._rows(f"PRAGMA {name}")[0][0] for name in ("application_id", "user_version"))
        if application != APPLICATION_ID:
            raise UnavailableError("is not a board's database", where=str(self._path))
        if version != SCHEMA_VERSION:
            raise UnavailableError(
                f"has layout {version}; this program knows layout {SCHEMA_VERSION}",
                where=str(self._path),
                remedy="use the version of Urne that wrote it",
            )
        found = {row[0] for row in self._rows("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        if found != set(_SCHEMA):
            raise UnavailableError(
                "has tables or triggers that were changed from outside",
                where=str(self._path),
                remedy="restore the board from a copy, and find out who changed it",
            )


def _known(table: str) -> str:
    if table not in _KEYS:
        raise UnavailableError(f"there is no table {table}")
    return table


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise UnavailableError("holds text that is not UTF-8, so it is damaged", where=str(path)) from error
    except pysqlite3.Error as error:
        raise UnavailableError(f"SQLite reports: {error}", where=str(path)) from error
