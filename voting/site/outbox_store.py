"""The table of the site's database about messages: who is to get which kind of message, and how far it went.

No row holds an address, a text or a code: they are made when a message is sent. It must not import flask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from voting.site.store import SiteStore


class MessageRow(NamedTuple):
    """One message to one voter or trustee."""

    id: int
    election: str
    kind: str
    voter: int | None
    trustee: int | None
    state: str
    """"queued", "sent", "failed" or "cancelled"."""
    batch: str
    """Which click queued it: sending the same form twice queues nothing twice."""
    attempts: int
    due: str
    error: str
    """Why it failed, without any address; empty if it did not."""
    changed: str


class DeliveryRow(NamedTuple):
    """A voter with the state of one kind of message; empty if none was queued."""

    voter: int
    identifier: str
    name: str
    has_mail: bool
    state: str
    error: str
    changed: str

    def __repr__(self) -> str:
        return f"<DeliveryRow {self.voter} {self.state}>"


_COLUMNS = "id, election, kind, voter, trustee, state, batch, attempts, due, error, changed"


class OutboxStore:
    """Rows of the table message."""

    def __init__(self, store: SiteStore) -> None:
        self._store = store

    def queue_for_voters(self, election: str, kind: str, voters: Iterable[int], batch: str, time: str) -> None:
        """Queue one kind of message for voters. Who got it in an earlier batch gets it again."""
        with self._store.transaction():
            self._store.run_many(
                "INSERT INTO message(election, kind, voter, state, batch, due, changed)"
                " VALUES (?, ?, ?, 'queued', ?, ?, ?)"
                " ON CONFLICT(voter, kind) WHERE voter IS NOT NULL DO UPDATE SET state = 'queued', attempts = 0,"
                " error = '', batch = excluded.batch, due = excluded.due, changed = excluded.changed"
                " WHERE batch <> excluded.batch",
                ((election, kind, voter, batch, time, time) for voter in voters),
            )

    def queue_for_trustees(self, election: str, kind: str, trustees: Iterable[int], batch: str, time: str) -> None:
        """Queue one kind of message for trustees."""
        with self._store.transaction():
            self._store.run_many(
                "INSERT INTO message(election, kind, trustee, state, batch, due, changed)"
                " VALUES (?, ?, ?, 'queued', ?, ?, ?)"
                " ON CONFLICT(election, trustee, kind) WHERE trustee IS NOT NULL DO UPDATE SET state = 'queued',"
                " attempts = 0, error = '', batch = excluded.batch, due = excluded.due, changed = excluded.changed"
                " WHERE batch <> excluded.batch",
                ((election, kind, trustee, batch, time, time) for trustee in trustees),
            )

    def due(self, time: str, limit: int) -> list[MessageRow]:
        """Messages whose turn has come: one-time codes first, then the oldest."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM message WHERE state = 'queued' AND due <= ?"  # noqa: S608
            " ORDER BY kind <> 'factor', due, id LIMIT ?",
            (time, limit),
        )
        return [MessageRow(*row) for row in rows]

    def get(self, message: int) -> MessageRow | None:
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM message WHERE id = ?", (message,))  # noqa: S608
        return MessageRow(*rows[0]) if rows else None

    def mark(self, row: MessageRow, state: str, time: str, *, due: str = "", error: str = "") -> None:
        """Note how an attempt ended, unless the message was queued anew or cancelled meanwhile."""
        self._store.run(
            "UPDATE message SET state = ?, attempts = attempts + 1, due = ?, error = ?, changed = ?"
            " WHERE id = ? AND state = 'queued' AND batch = ?",
            (state, due or time, error, time, row.id, row.batch),
        )

    def delete(self, message: int) -> None:
        self._store.run("DELETE FROM message WHERE id = ?", (message,))

    def cancel(self, election: str, kind: str, time: str) -> int:
        """Take back what is still queued; gives how many messages."""
        return self._store.run(
            "UPDATE message SET state = 'cancelled', changed = ? WHERE election = ? AND kind = ? AND state = 'queued'",
            (time, election, kind),
        )

    def resend_failed(self, election: str, kind: str, time: str) -> int:
        """Queue again what failed; gives how many messages."""
        return self._store.run(
            "UPDATE message SET state = 'queued', attempts = 0, error = '', due = ?1, changed = ?1"
            " WHERE election = ?2 AND kind = ?3 AND state = 'failed'",
            (time, election, kind),
        )

    def counts(self, election: str, kind: str) -> dict[str, int]:
        """State -> number of messages of this kind."""
        rows = self._store.rows(
            "SELECT state, count(*) FROM message WHERE election = ? AND kind = ? GROUP BY state", (election, kind)
        )
        return {row[0]: row[1] for row in rows}

    def waiting(self) -> int:
        """How many messages of the whole site are queued."""
        return int(self._store.rows("SELECT count(*) FROM message WHERE state = 'queued'")[0][0])

    def deliveries(
        self, election: str, kind: str, state: str, offset: int, limit: int
    ) -> tuple[list[DeliveryRow], int]:
        """Some of the voters with the state of their message, and how many there are.

        Args:
            state: only voters whose message is in this state; "none" for those without one; "" for all.
        """
        source = (
            "FROM voter LEFT JOIN message ON message.voter = voter.id AND message.kind = ?2 WHERE voter.election = ?1"
            " AND (?3 = '' OR coalesce(message.state, 'none') = ?3)"
        )
        rows = self._store.rows(
            "SELECT voter.id, voter.identifier, voter.name, voter.email <> '', coalesce(message.state, ''),"
            " coalesce(message.error, ''), coalesce(message.changed, '')"
            f" {source} ORDER BY voter.id LIMIT ?4 OFFSET ?5",
            (election, kind, state, limit, offset),
        )
        count = self._store.rows(f"SELECT count(*) {source}", (election, kind, state))[0][0]
        return [DeliveryRow(*row)._replace(has_mail=bool(row[3])) for row in rows], int(count)

    def of_trustees(self, election: str) -> list[MessageRow]:
        """All messages to trustees, by trustee."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM message WHERE election = ? AND trustee IS NOT NULL ORDER BY trustee, kind",  # noqa: S608
            (election,),
        )
        return [MessageRow(*row) for row in rows]

    def remove_all(self, election: str) -> None:
        self._store.run("DELETE FROM message WHERE election = ?", (election,))
