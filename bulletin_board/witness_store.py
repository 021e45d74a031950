"""Protocol L21: what a witness remembers, in a database of its own (docs/spec/log.md, "Witnesses").

For each log the largest checkpoint that it cosigned, all that it cosigned before, and what it refused as evidence.
Sizes and times never go back: triggers refuse it, whatever the program does. A witness that lost this file must not go
on under its old key, since it could be led to sign another history.

This module knows tables, not notes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bulletin_board.small_store import SmallStore

DATABASE = "witness.db"
MAX_EVIDENCE = 100
"""So many pieces are kept for a log: only its own key can make them, and one is enough."""


class Cosigned(NamedTuple):
    """The state of one log: the largest checkpoint that was cosigned, with the newest cosignature in the note."""

    origin: str
    size: int
    root: bytes
    note: bytes
    time: int


class Moved(Exception):
    """The state of a log changed between the check and the write. `size` is what it is now."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the size is {size} now")
        self.size = size


class Suspicion(NamedTuple):
    """A checkpoint that the log signed and the witness refused, with the one it had cosigned."""

    number: int
    seen: int
    """POSIX seconds, UTC."""
    origin: str
    reason: str
    known: bytes
    refused: bytes
    is_proof: bool
    """Whether the two contradict each other by themselves: the same size with another root."""


class WitnessStore(SmallStore):
    """Protocol L21a: the largest checkpoint of each log may only be replaced by a larger one, or a newer signature."""

    application_id = 0x55525749  # URWI
    what = "the database of a witness"
    schema = (
        "CREATE TABLE witness(key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
        "CREATE TABLE log(origin TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK(size >= 0),"
        " root BLOB NOT NULL CHECK(length(root) = 32), note BLOB NOT NULL, time INTEGER NOT NULL CHECK(time > 0))"
        " STRICT, WITHOUT ROWID",
        "CREATE TABLE cosigned(origin TEXT NOT NULL, size INTEGER NOT NULL,"
        " root BLOB NOT NULL CHECK(length(root) = 32), note BLOB NOT NULL, PRIMARY KEY(origin, size))"
        " STRICT, WITHOUT ROWID",
        "CREATE TABLE evidence(number INTEGER PRIMARY KEY, seen INTEGER NOT NULL, origin TEXT NOT NULL,"
        " reason TEXT NOT NULL, known BLOB NOT NULL, refused BLOB NOT NULL, proof INTEGER NOT NULL) STRICT",
        "CREATE TRIGGER log_forward BEFORE UPDATE ON log WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size"
        " OR NEW.time < OLD.time OR (NEW.size = OLD.size AND NEW.root <> OLD.root)"
        " BEGIN SELECT RAISE(ABORT, 'log: a witness never goes back'); END",
        *(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table}: rows are never removed'); END"
            for table in ("witness", "log", "cosigned", "evidence")
        ),
        *(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table}: rows never change'); END"
            for table in ("witness", "cosigned", "evidence")
        ),
    )

    def key(self) -> str | None:
        """The vkey of the witness whose database this is."""
        rows = self._rows("SELECT key FROM witness")
        return str(rows[0][0]) if rows else None

    def set_key(self, vkey: str) -> None:
        """Say whose database this is; once."""
        self._run("INSERT INTO witness(key) VALUES (?)", (vkey,))

    def latest(self, origin: str) -> Cosigned | None:
        """The state of one log, if anything of it was cosigned."""
        rows = self._rows("SELECT origin, size, root, note, time FROM log WHERE origin = ?", (origin,))
        return Cosigned(*rows[0]) if rows else None

    def logs(self) -> list[Cosigned]:
        """The state of every log."""
        return [Cosigned(*row) for row in self._rows("SELECT origin, size, root, note, time FROM log ORDER BY origin")]

    def earlier(self, origin: str, size: int) -> bytes | None:
        """The note of exactly this size that was cosigned, if there was one."""
        rows = self._rows("SELECT note FROM cosigned WHERE origin = ? AND size = ?", (origin, size))
        return rows[0][0] if rows else None

    def last_time(self) -> int:
        """The newest time on any cosignature; 0 if there is none."""
        return int(self._rows("SELECT coalesce(max(time), 0) FROM log")[0][0])

    def swap(self, origin: str, old: Cosigned | None, make: Callable[[int], Cosigned]) -> Cosigned:
        """Protocol L21b: replace a log's state if it is still `old`: one step, on the disk when this returns.

        A newer cosignature of the same checkpoint, by another thread meanwhile, is no obstacle.

        Args:
            make: gives the new state, signed no earlier than the time that it is told: the newest of this witness.

        Raises:
            Moved: if the state is another by now; nothing was changed.
        """
        with self.transaction():
            current = self.latest(origin)
            if _place(current) != _place(old):
                raise Moved(current.size if current else 0)
            new = make(self.last_time())
            self._run(
                "INSERT INTO log(origin, size, root, note, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT(origin)"
                " DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, time = excluded.time",
                new,
            )
            if _place(current) != _place(new):
                self._run("INSERT INTO cosigned(origin, size, root, note) VALUES (?, ?, ?, ?)", new[:4])
        return new

    def suspect(self, seen: int, origin: str, reason: str, *, known: bytes, refused: bytes, is_proof: bool) -> None:
        """Keep a refused checkpoint, unless it is kept already or there are enough of this log."""
        with self.transaction():
            rows = self._rows("SELECT refused FROM evidence WHERE origin = ?", (origin,))
            if len(rows) < MAX_EVIDENCE and (refused,) not in rows:
                self._run(
                    "INSERT INTO evidence(seen, origin, reason, known, refused, proof) VALUES (?, ?, ?, ?, ?, ?)",
                    (seen, origin, reason, known, refused, int(is_proof)),
                )

    def suspicions(self) -> list[Suspicion]:
        """All that was kept, the oldest first."""
        query = "SELECT number, seen, origin, reason, known, refused, proof FROM evidence ORDER BY number"
        return [Suspicion._make((*row[:6], bool(row[6]))) for row in self._rows(query)]


def _place(state: Cosigned | None) -> tuple[int, bytes] | None:
    return (state.size, state.root) if state is not None else None
