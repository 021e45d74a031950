"""Tables of the site's database about elections: owner, draft, settings, shared access, remarks, trustees' addresses.

It must not import flask.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from voting.protocol.errors import UsageError
from voting.site.election_settings import ElectionSettings, encode_settings, parse_settings
from voting.site.store import SiteStore


class State(StrEnum):
    """What the site knows of an election; from FROZEN on the board says where it stands."""

    DRAFT = "draft"
    FROZEN = "frozen"
    ARCHIVED = "archived"


class ElectionRow(NamedTuple):
    """One election."""

    name: str
    owner: int | None
    """Account; None for an election that was made by command."""
    state: State
    version: int
    """Rises with every change: a form that was made for an older version is stale."""
    draft: str
    """What the administrator has typed so far; the administrator's pages know its form."""
    settings: ElectionSettings
    preparation: str
    """More that the administrator's pages keep: rehearsal, preview, sign-offs (JSON)."""
    created: str
    erased: str | None
    """When the personal data was deleted."""

    def __repr__(self) -> str:
        return f"<ElectionRow {self.name}>"


class TrusteeRow(NamedTuple):
    """How to reach a trustee. The name is public, the address is not."""

    election: str
    place: int
    """Number of the trustee in the manifest, from 1."""
    name: str
    email: str
    language: str
    """Empty if unknown."""

    def __repr__(self) -> str:
        return f"<TrusteeRow {self.election} {self.place}>"


class Remark(NamedTuple):
    """Something that the site could not do by itself, for the administrator."""

    election: str
    topic: str
    """"opening", "closing" or "deletion"."""
    problem: str
    remedy: str
    time: str


_COLUMNS = "name, owner, state, version, draft, settings, preparation, created, erased"


class ElectionStore:
    """Rows of the tables election, share, remark and trustee."""

    def __init__(self, store: SiteStore) -> None:
        self._store = store

    # -- elections -----------------------------------------------------------------------------------------------------

    def add(self, name: str, owner: int | None, time: str, *, draft: str = "", state: State = State.DRAFT) -> None:
        """Add an election. Raises UsageError if the name is taken."""
        added = self._store.run(
            "INSERT INTO election(name, owner, state, draft, settings, preparation, created)"
            " VALUES (?, ?, ?, ?, ?, '', ?) ON CONFLICT DO NOTHING",
            (name, owner, state, draft, encode_settings(ElectionSettings()), time),
        )
        if not added:
            raise UsageError("is the short name of another election", where="short name", remedy="choose another one")

    def adopt(self, name: str, owner: int | None, time: str) -> None:
        """Make a row for an election whose board was made by command, if it has none."""
        self._store.run(
            "INSERT INTO election(name, owner, state, draft, settings, preparation, created)"
            " VALUES (?, ?, 'frozen', '', ?, '', ?) ON CONFLICT DO NOTHING",
            (name, owner, encode_settings(ElectionSettings()), time),
        )

    def get(self, name: str) -> ElectionRow | None:
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM election WHERE name = ?", (name,))  # noqa: S608
        return _election(rows[0]) if rows else None

    def settings(self, name: str) -> ElectionSettings:
        """An election's settings; the usual ones if the site has no row for it."""
        row = self.get(name)
        return row.settings if row else ElectionSettings()

    def all(self) -> list[ElectionRow]:
        """All elections, by name."""
        return [_election(row) for row in self._store.rows(f"SELECT {_COLUMNS} FROM election ORDER BY name")]  # noqa: S608

    def prepared_with(self, part: str) -> list[ElectionRow]:
        """The elections whose preparation has this text in it."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM election WHERE instr(preparation, ?) > 0",  # noqa: S608
            (part,),
        )
        return [_election(row) for row in rows]

    def of_account(self, account: int) -> list[ElectionRow]:
        """The elections that an account owns or that are shared with it, newest first."""
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM election WHERE owner = ?1"  # noqa: S608
            " OR name IN (SELECT election FROM share WHERE account = ?1) ORDER BY created DESC, name",
            (account,),
        )
        return [_election(row) for row in rows]

    def is_open_to(self, name: str, account: int) -> bool:
        """Whether an account may manage this election."""
        return bool(
            self._store.rows(
                "SELECT 1 FROM election WHERE name = ?1 AND (owner = ?2"
                " OR name IN (SELECT election FROM share WHERE account = ?2))",
                (name, account),
            )
        )

    def save_draft(self, name: str, draft: str, version: int) -> bool:
        """Keep a draft, unless it was changed since `version` was read: then nothing is done, and this is False."""
        return bool(
            self._store.run(
                "UPDATE election SET draft = ?, version = version + 1"
                " WHERE name = ? AND version = ? AND state = 'draft'",
                (draft, name, version),
            )
        )

    def save_settings(self, name: str, settings: ElectionSettings) -> None:
        self._store.run("UPDATE election SET settings = ? WHERE name = ?", (encode_settings(settings), name))

    def save_preparation(self, name: str, preparation: str) -> None:
        self._store.run("UPDATE election SET preparation = ? WHERE name = ?", (preparation, name))

    def set_state(self, name: str, state: State) -> None:
        self._store.run("UPDATE election SET state = ?, version = version + 1 WHERE name = ?", (state, name))

    def set_owner(self, name: str, owner: int) -> None:
        self._store.run("UPDATE election SET owner = ? WHERE name = ?", (owner, name))

    def delete_draft(self, name: str) -> None:
        """Delete an election that was never frozen, with its voters and all else that hangs on it.

        Raises:
            UsageError: if it has a board.
        """
        if not self._store.run("DELETE FROM election WHERE name = ? AND state = 'draft'", (name,)):
            raise UsageError("has a public board, which is never deleted", where=name)

    # -- shared access -------------------------------------------------------------------------------------------------

    def share(self, name: str, account: int) -> None:
        """Let another account manage this election."""
        self._store.run("INSERT INTO share(election, account) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, account))

    def unshare(self, name: str, account: int) -> None:
        self._store.run("DELETE FROM share WHERE election = ? AND account = ?", (name, account))

    def shared_with(self, name: str) -> list[int]:
        """The accounts besides the owner's that may manage this election."""
        rows = self._store.rows("SELECT account FROM share WHERE election = ? ORDER BY account", (name,))
        return [row[0] for row in rows]

    # -- remarks -------------------------------------------------------------------------------------------------------

    def remark(self, remark: Remark) -> None:
        """Keep a remark, in place of an earlier one on the same topic."""
        self._store.run(
            "INSERT INTO remark(election, topic, problem, remedy, time) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT(election, topic) DO UPDATE SET problem = excluded.problem, remedy = excluded.remedy,"
            " time = excluded.time",
            remark,
        )

    def drop_remark(self, name: str, topic: str) -> None:
        self._store.run("DELETE FROM remark WHERE election = ? AND topic = ?", (name, topic))

    def remarks(self, name: str) -> list[Remark]:
        """What the site could not do by itself, oldest first."""
        rows = self._store.rows(
            "SELECT election, topic, problem, remedy, time FROM remark WHERE election = ? ORDER BY time", (name,)
        )
        return [Remark(*row) for row in rows]

    # -- trustees ------------------------------------------------------------------------------------------------------

    def set_trustees(self, name: str, trustees: Iterable[TrusteeRow]) -> None:
        """Replace the addresses of all trustees."""
        with self._store.transaction():
            self._store.run("DELETE FROM trustee WHERE election = ?", (name,))
            self._store.run_many(
                "INSERT INTO trustee(election, place, name, email, language) VALUES (?, ?, ?, ?, ?)", trustees
            )

    def trustees(self, name: str) -> list[TrusteeRow]:
        """How to reach the trustees, by number."""
        rows = self._store.rows(
            "SELECT election, place, name, email, language FROM trustee WHERE election = ? ORDER BY place", (name,)
        )
        return [TrusteeRow(*row) for row in rows]

    # -- deletion ------------------------------------------------------------------------------------------------------

    def forget_people(self, name: str) -> None:
        """Delete what the row of an election says about people."""
        with self._store.transaction():
            self._store.run("DELETE FROM trustee WHERE election = ?", (name,))
            self._store.run("DELETE FROM remark WHERE election = ?", (name,))
            self._store.run(
                "UPDATE election SET draft = '', preparation = '', version = version + 1 WHERE name = ?", (name,)
            )

    def mark_erased(self, name: str, time: str) -> None:
        """Note when the last of an election's personal data was deleted."""
        self._store.run("UPDATE election SET erased = ? WHERE name = ?", (time, name))


def _election(row: tuple[object, ...]) -> ElectionRow:
    name, owner, state, version, draft, settings, preparation, created, erased = row
    return ElectionRow(
        str(name),
        owner,  # type: ignore[arg-type]
        State(str(state)),
        version,  # type: ignore[arg-type]
        str(draft),
        parse_settings(str(settings)),
        str(preparation),
        str(created),
        erased,  # type: ignore[arg-type]
    )
