"""Protocol L22b: the cosignatures that a board has collected, in a database beside its own (docs/spec/log.md).

Nothing in it is precious: what is lost is asked for again. So the board's own file stays as it was signed, with one
writer, and a slow witness never holds it up.

This module knows tables, not notes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from bulletin_board.small_store import SmallStore
from voting.protocol.encoding import MAX_SAFE_INTEGER
from voting.protocol.errors import UnavailableError

DATABASE = "cosignatures.db"


class CosignatureRow(NamedTuple):
    """One checked cosignature: of which checkpoint, by which public key, when (POSIX seconds, UTC), and its line."""

    size: int
    root: bytes
    key: bytes
    time: int
    line: bytes


class WitnessRow(NamedTuple):
    """How asking one witness went: what it signed last and when, when it was asked, and its problem if there is one."""

    key: bytes
    size: int
    signed: int
    asked: int
    problem: str


class CosignatureStore(SmallStore):
    """The newest cosignature of each witness on each checkpoint that may still be needed."""

    application_id = 0x55524353  # URCS
    what = "the store of cosignatures"
    schema = (
        "CREATE TABLE cosignature(size INTEGER NOT NULL, root BLOB NOT NULL, key BLOB NOT NULL, time INTEGER NOT NULL,"
        " line BLOB NOT NULL, kept INTEGER NOT NULL, PRIMARY KEY(size, key)) STRICT, WITHOUT ROWID",
        "CREATE TABLE witness(key BLOB PRIMARY KEY, size INTEGER NOT NULL, signed INTEGER NOT NULL,"
        " asked INTEGER NOT NULL, problem TEXT NOT NULL) STRICT, WITHOUT ROWID",
    )

    @classmethod
    def ensure(cls, folder: Path) -> CosignatureStore:
        """Open the store of the board in `folder`; make it if it is not there."""
        path = folder / DATABASE
        return cls.open(path) if path.exists() else cls.create(path)

    @classmethod
    def find(cls, folder: Path) -> CosignatureStore | None:
        """The store of the board in `folder`, for reading; None if nothing was collected, or it cannot be read yet."""
        if not (folder / DATABASE).exists():
            return None
        try:
            return cls.open(folder / DATABASE, read_only=True)
        except UnavailableError:
            return None

    def add(self, row: CosignatureRow, now: int) -> None:
        """Keep a checked cosignature; it replaces an older one by the same key."""
        self._run(
            "INSERT INTO cosignature(size, root, key, time, line, kept) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(size, key) DO UPDATE SET root = excluded.root, time = excluded.time, line = excluded.line,"
            " kept = excluded.kept",
            (*row, now),
        )

    def prune(self, size: int, before: int) -> None:
        """Forget what was signed below this size, if it was kept before that time: others may be reading it now."""
        self._run("DELETE FROM cosignature WHERE size < ? AND kept < ?", (size, before))

    def sizes_with(self, keys: Collection[bytes], quorum: int) -> Iterator[int]:
        """The sizes of checkpoints that at least so many of these keys signed, the largest first."""
        marks = ", ".join("?" * len(keys))
        query = (
            f"SELECT size FROM cosignature WHERE size < ? AND key IN ({marks}) GROUP BY size"  # noqa: S608
            " HAVING count(*) >= ? ORDER BY size DESC LIMIT 1"
        )
        size = MAX_SAFE_INTEGER + 1
        while rows := self._rows(query, (size, *keys, quorum)):
            size = int(rows[0][0])
            yield size

    def of(self, size: int) -> list[CosignatureRow]:
        """The cosignatures on the checkpoint of one size."""
        query = "SELECT size, root, key, time, line FROM cosignature WHERE size = ? ORDER BY key"
        return [CosignatureRow(*row) for row in self._rows(query, (size,))]

    def by_size(self) -> Iterator[tuple[int, list[CosignatureRow]]]:
        """All cosignatures, those on the largest checkpoint first."""
        rows = self._rows("SELECT size, root, key, time, line FROM cosignature ORDER BY size DESC, key")
        for size, group in groupby(map(CosignatureRow._make, rows), lambda row: row.size):
            yield size, list(group)

    def put_witness(self, row: WitnessRow) -> None:
        """Note how asking a witness went."""
        self._run("INSERT OR REPLACE INTO witness(key, size, signed, asked, problem) VALUES (?, ?, ?, ?, ?)", row)

    def witness(self, key: bytes) -> WitnessRow | None:
        """How asking the witness with this public key went, if it was asked."""
        rows = self._rows("SELECT key, size, signed, asked, problem FROM witness WHERE key = ?", (key,))
        return WitnessRow(*rows[0]) if rows else None
