"""The site's own database, `site.db`: accounts, drafts, voters, messages (docs/architecture.md).

SQLite in write-ahead mode, every commit flushed to disk, and what is deleted is overwritten. Each thread has a
connection of its own. All SQL of the site is here and in the modules that name tables after this one:
`account_store`, `election_store`, `voter_store`, `outbox_store`, `factor_store`. The board has its own database, which
knows no names.

It must not import flask.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3

from bulletin_board.guards import require_safe_sqlite
from voting.protocol.errors import UnavailableError, UsageError

DATABASE = "site.db"
APPLICATION_ID = 0x55524E53
"""The letters URNS in the file's own header."""

_BUSY_MILLISECONDS = 15_000
_PRAGMAS = {
    "synchronous": 2,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "secure_delete": 1,
    "mmap_size": 0,
    "busy_timeout": _BUSY_MILLISECONDS,
    "journal_size_limit": 16 * 1024 * 1024,
}

_FIRST_LAYOUT = (
    # People who run elections.
    "CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,"
    " email TEXT NOT NULL, language TEXT NOT NULL, is_manager INTEGER NOT NULL CHECK(is_manager IN (0, 1)),"
    " is_disabled INTEGER NOT NULL DEFAULT 0 CHECK(is_disabled IN (0, 1)), password TEXT NOT NULL,"
    " password_changed TEXT NOT NULL) STRICT",
    "CREATE TABLE session(hash BLOB PRIMARY KEY CHECK(length(hash) = 32),"
    " account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,"
    " began TEXT NOT NULL, last_used TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX session_of_account ON session(account)",
    "CREATE TABLE login_failure(source BLOB PRIMARY KEY CHECK(length(source) = 32), failures INTEGER NOT NULL,"
    " last TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # Their elections: what the board does not know.
    "CREATE TABLE election(name TEXT PRIMARY KEY, owner INTEGER REFERENCES account(id), state TEXT NOT NULL,"
    " version INTEGER NOT NULL DEFAULT 1, draft TEXT NOT NULL, settings TEXT NOT NULL, preparation TEXT NOT NULL,"
    " created TEXT NOT NULL, erased TEXT) STRICT, WITHOUT ROWID",
    "CREATE TABLE share(election TEXT NOT NULL REFERENCES election(name) ON DELETE CASCADE,"
    " account INTEGER NOT NULL REFERENCES account(id) ON DELETE CASCADE,"
    " PRIMARY KEY(election, account)) STRICT, WITHOUT ROWID",
    "CREATE TABLE remark(election TEXT NOT NULL REFERENCES election(name) ON DELETE CASCADE, topic TEXT NOT NULL,"
    " problem TEXT NOT NULL, remedy TEXT NOT NULL, time TEXT NOT NULL,"
    " PRIMARY KEY(election, topic)) STRICT, WITHOUT ROWID",
    "CREATE TABLE trustee(election TEXT NOT NULL REFERENCES election(name) ON DELETE CASCADE,"
    " place INTEGER NOT NULL CHECK(place >= 1), name TEXT NOT NULL, email TEXT NOT NULL, language TEXT NOT NULL,"
    " PRIMARY KEY(election, place)) STRICT, WITHOUT ROWID",
    # Voters. `key` is the credential on the board, once it is listed there.
    "CREATE TABLE voter(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " election TEXT NOT NULL REFERENCES election(name) ON DELETE CASCADE, identifier TEXT NOT NULL,"
    " folded TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL, weight INTEGER NOT NULL CHECK(weight >= 1),"
    " language TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 0, key TEXT, UNIQUE(election, folded)) STRICT",
    "CREATE UNIQUE INDEX voter_of_key ON voter(election, key) WHERE key IS NOT NULL",
    "CREATE TABLE replaced_key(election TEXT NOT NULL REFERENCES election(name) ON DELETE CASCADE,"
    " key TEXT NOT NULL, PRIMARY KEY(election, key)) STRICT, WITHOUT ROWID",
    # A list that was brought in and not yet confirmed.
    "CREATE TABLE kept_list(election TEXT PRIMARY KEY REFERENCES election(name) ON DELETE CASCADE, data BLOB NOT NULL,"
    " is_whole INTEGER NOT NULL, made TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # Messages: who is to get which kind of message. What it says is made when it is sent.
    "CREATE TABLE message(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " election TEXT NOT NULL REFERENCES election(name) ON DELETE CASCADE, kind TEXT NOT NULL,"
    " voter INTEGER REFERENCES voter(id) ON DELETE CASCADE, trustee INTEGER,"
    " state TEXT NOT NULL CHECK(state IN ('queued', 'sent', 'failed', 'cancelled')),"
    " batch TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due TEXT NOT NULL, error TEXT NOT NULL DEFAULT '',"
    " changed TEXT NOT NULL, CHECK((voter IS NULL) <> (trustee IS NULL))) STRICT",
    "CREATE UNIQUE INDEX message_of_voter ON message(voter, kind) WHERE voter IS NOT NULL",
    "CREATE UNIQUE INDEX message_of_trustee ON message(election, trustee, kind) WHERE trustee IS NOT NULL",
    "CREATE INDEX message_due ON message(due) WHERE state = 'queued'",
    "CREATE INDEX message_of_kind ON message(election, kind, state)",
    # Second factor: a code is made from `nonce` and the site's secret key, and stands nowhere.
    "CREATE TABLE factor_code(voter INTEGER PRIMARY KEY REFERENCES voter(id) ON DELETE CASCADE,"
    " nonce BLOB NOT NULL CHECK(length(nonce) = 16), made TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE factor_request(voter INTEGER NOT NULL REFERENCES voter(id) ON DELETE CASCADE, time TEXT NOT NULL,"
    " PRIMARY KEY(voter, time)) STRICT, WITHOUT ROWID",
    "CREATE TABLE factor_token(hash BLOB PRIMARY KEY CHECK(length(hash) = 32),"
    " voter INTEGER NOT NULL REFERENCES voter(id) ON DELETE CASCADE, expires TEXT NOT NULL) STRICT, WITHOUT ROWID",
)

_LAYOUTS: tuple[tuple[str, ...], ...] = (_FIRST_LAYOUT,)
"""What leads from each version of the layout to the next. A released step never changes: add another one."""
VERSION = len(_LAYOUTS)

Value = str | int | bytes | None


class SiteStore:
    """The open database. Every failure of SQLite becomes an `UnavailableError`, which never holds a value."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[tuple[threading.Thread, Any]] = []

    @classmethod
    def open(cls, path: Path) -> SiteStore:
        """Open the site's database; make it if it is missing; bring an older layout up to date.

        Raises:
            UnavailableError: if it is damaged, of another program, or of a newer version of Urne.
        """
        require_safe_sqlite(pysqlite3.sqlite_version_info)
        is_new = not path.exists()
        store = cls(path)
        try:
            if is_new:
                path.touch(mode=0o600)
            store._upgrade()
        except OSError as error:
            raise UnavailableError(f"cannot be made ({error.strerror})", where=str(path)) from None
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for _thread, connection in connections:
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all or nothing; on return it is on the disk. Inside another transaction it is a part of that one."""
        with self._translated():
            connection = self._connection()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Iterable[Value] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query gives."""
        with self._translated():
            found: list[tuple[Any, ...]] = self._connection().execute(query, tuple(values)).fetchall()
        return found

    def run(self, statement: str, values: Iterable[Value] = ()) -> int:
        """Carry out one statement; gives how many rows it changed."""
        with self._translated():
            return int(self._connection().execute(statement, tuple(values)).rowcount)

    def insert(self, statement: str, values: Iterable[Value]) -> int:
        """Add one row; gives its number."""
        with self._translated():
            return int(self._connection().execute(statement, tuple(values)).lastrowid)

    def run_many(self, statement: str, values: Iterable[tuple[Value, ...]]) -> None:
        """Carry out one statement for each row of values. Call it inside a transaction."""
        with self._translated():
            self._connection().executemany(statement, values)

    def scrub(self) -> None:
        """Write the database anew without the pages that deleted rows left, and empty the write-ahead file.

        Raises:
            UnavailableError: if others read it for so long that the old pages could not be dropped.
        """
        self.run("VACUUM")
        busy = self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]
        if busy:
            raise UnavailableError("is in use, so that deleted rows are still in its files", where=str(self._path))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            uri = f"{self._path.absolute().as_uri()}?mode=rw"
            connection = pysqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            for name, value in _PRAGMAS.items():
                connection.execute(f"PRAGMA {name} = {value}")
                if connection.execute(f"PRAGMA {name}").fetchall() != [(value,)]:
                    connection.close()
                    raise UnavailableError(f"SQLite did not accept the setting {name}", where=str(self._path))
            self._local.connection = connection
            with self._lock:
                ended = [pair for pair in self._connections if not pair[0].is_alive()]
                self._connections = [pair for pair in self._connections if pair[0].is_alive()]
                self._connections.append((threading.current_thread(), connection))
            for _thread, old in ended:
                old.close()
        return connection

    def _upgrade(self) -> None:
        if self.rows("PRAGMA journal_mode = WAL") != [("wal",)]:
            raise UnavailableError("cannot be put into write-ahead mode", where=str(self._path))
        with self.transaction():
            application, version = (
                int(self.rows(f"PRAGMA {name}")[0][0]) for name in ("application_id", "user_version")
            )
            is_empty = not self.rows("SELECT 1 FROM sqlite_schema LIMIT 1")
            if application != APPLICATION_ID and not (is_empty and version == 0):
                raise UnavailableError("is not a site's database", where=str(self._path))
            if version > VERSION:
                raise UnavailableError(
                    f"has layout {version}; this program knows layout {VERSION}",
                    where=str(self._path),
                    remedy="use the version of Urne that wrote it, or a newer one",
                )
            for step in _LAYOUTS[version:]:
                for statement in step:
                    self.run(statement)
            self.run(f"PRAGMA application_id = {APPLICATION_ID}")
            self.run(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError:
            raise UnavailableError("holds text that is not UTF-8, so it is damaged", where=str(self._path)) from None
        except OverflowError:
            raise UsageError("is a number that is too long", where="the request") from None
        except pysqlite3.IntegrityError:
            raise UnavailableError("would contradict itself; nothing was written", where=str(self._path)) from None
        except pysqlite3.Error as error:
            raise UnavailableError(f"SQLite reports: {error}", where=str(self._path)) from None
