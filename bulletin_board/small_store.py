"""What the small databases of a witness and of collected cosignatures have in common (docs/spec/log.md, "Witnesses").

SQLite in write-ahead mode, every commit flushed to disk, tables and triggers exactly as they were made. The board's own
tables are in `bulletin_board.store`. This module must not know what the tables hold.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pysqlite3

from bulletin_board.guards import require_local_disk, require_safe_sqlite
from voting.protocol.errors import UnavailableError

_BUSY_MILLISECONDS = 10_000


class SmallStore:
    """An open database; any thread may use it. Subclasses give `schema`, `application_id` and `what`."""

    schema: tuple[str, ...]
    """The statements that make the tables and triggers; a file with any others is refused."""
    application_id: int
    what: str
    """How errors name such a file, e.g. "the database of a witness"."""

    def __init__(self, connection: Any, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.RLock()
        """Guards the connection: one statement, or one transaction, at a time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make the file. Raises UnavailableError if it is there already, or the place cannot hold it."""
        if path.exists():
            raise UnavailableError("exists already", where=str(path), remedy="choose another folder")
        store = cls._connect(path, "rwc")
        try:
            store._set_pragmas()
            with store.transaction():
                store._run(f"PRAGMA application_id = {cls.application_id}")
                for statement in cls.schema:
                    store._run(statement)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the file. Raises UnavailableError if it is missing, damaged, or not exactly what `create` made."""
        if not path.is_file():
            raise UnavailableError(f"{cls.what} is not there", where=str(path))
        store = cls._connect(path, "ro" if read_only else "rw")
        try:
            store._require_schema()
            if read_only:
                store._run(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
                store._run("PRAGMA query_only = 1")
            else:
                store._set_pragmas()
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def _connect(cls, path: Path, mode: str) -> Self:
        require_safe_sqlite(pysqlite3.sqlite_version_info)
        require_local_disk(path.parent)
        with _translated(path):
            uri = f"{path.absolute().as_uri()}?mode={mode}"
            connection = pysqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            return cls(connection, path)

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is read and written inside is one step, on the disk at its end, or nothing of it after an error."""
        with self._lock:
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._run("ROLLBACK")
                raise

    def _run(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        with self._lock, _translated(self._path):
            self._connection.execute(statement, values)

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock, _translated(self._path):
            rows: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
            return rows

    def _set_pragmas(self) -> None:
        """Set what durability rests on, and read it back: SQLite ignores a pragma it does not know."""
        if self._rows("PRAGMA journal_mode = WAL") != [("wal",)]:
            raise UnavailableError("cannot be put into write-ahead mode", where=str(self._path))
        settings = {"synchronous": 2, "recursive_triggers": 1, "trusted_schema": 0, "busy_timeout": _BUSY_MILLISECONDS}
        for name, value in settings.items():
            self._run(f"PRAGMA {name} = {value}")
            if self._rows(f"PRAGMA {name}") != [(value,)]:
                raise UnavailableError(f"SQLite did not accept the setting {name}", where=str(self._path))

    def _require_schema(self) -> None:
        found = {row[0] for row in self._rows("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        if self._rows("PRAGMA application_id") != [(self.application_id,)] or found != set(self.schema):
            raise UnavailableError(
                f"is not {self.what}, or its tables were changed from outside",
                where=str(self._path),
                remedy="find out who changed it",
            )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise UnavailableError("holds text that is not UTF-8, so it is damaged", where=str(path)) from error
    except pysqlite3.Error as error:
        raise UnavailableError(f"SQLite reports: {error}", where=str(path)) from error
