"""Tables of the site's database about voters: who they are, and which credential on the board is theirs.

This is personal data: it never reaches the board, a log or an error. It must not import flask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from voting.site.store import SiteStore
from voting.voter_list import Voter

_ROWS_PER_READ = 5000


class VoterRow(NamedTuple):
    """One voter of one election."""

    id: int
    """Never given again to another voter."""
    election: str
    identifier: str
    name: str
    email: str
    """Empty if the voter has none."""
    weight: int
    language: str
    """Of messages; empty if unknown."""
    generation: int
    """How often the voter's code was replaced."""
    key: str | None
    """The credential (base64url), once it is on the board."""

    @property
    def is_listed(self) -> bool:
        """Whether this voter's credential is on the board."""
        return self.key is not None

    def __repr__(self) -> str:
        return f"<VoterRow {self.id}>"


class VoterCounts(NamedTuple):
    """How many voters an election has."""

    voters: int
    weight: int
    listed: int
    """Voters whose credential is on the board."""
    without_mail: int


_COLUMNS = "id, election, identifier, name, email, weight, language, generation, key"


class VoterStore:
    """Rows of the tables voter and replaced_key."""

    def __init__(self, store: SiteStore) -> None:
        self._store = store

    # -- reading -------------------------------------------------------------------------------------------------------

    def counts(self, election: str) -> VoterCounts:
        rows = self._store.rows(
            "SELECT count(*), coalesce(sum(weight), 0), count(key), count(*) FILTER (WHERE email = '')"
            " FROM voter WHERE election = ?",
            (election,),
        )
        return VoterCounts(*rows[0])

    def get(self, election: str, voter: int) -> VoterRow | None:
        return self._one("election = ? AND id = ?", (election, voter))

    def by_identifier(self, election: str, identifier: str) -> VoterRow | None:
        """A voter by identifier, without regard to case."""
        return self._one("election = ? AND folded = ?", (election, identifier.casefold()))

    def by_key(self, election: str, key: str) -> VoterRow | None:
        """The voter whose credential on the board this is."""
        return self._one("election = ? AND key = ?", (election, key))

    def each(self, election: str) -> Iterator[VoterRow]:
        """All voters, in the order in which they came. Read in parts: others may write meanwhile."""
        last = 0
        while True:
            rows = self._store.rows(
                f"SELECT {_COLUMNS} FROM voter WHERE election = ? AND id > ? ORDER BY id LIMIT ?",  # noqa: S608
                (election, last, _ROWS_PER_READ),
            )
            for row in rows:
                yield VoterRow(*row)
            if len(rows) < _ROWS_PER_READ:
                return
            last = int(rows[-1][0])

    def page(self, election: str, words: str, offset: int, limit: int) -> tuple[list[VoterRow], int]:
        """Some of the voters whose identifier, name or address contains `words`, and how many there are."""
        pattern = "%" + "".join(f"\\{c}" if c in "%_\\" else c for c in words) + "%"
        condition = (
            "election = ?1 AND (?2 = '%%' OR identifier LIKE ?2 ESCAPE '\\' OR name LIKE ?2 ESCAPE '\\'"
            " OR email LIKE ?2 ESCAPE '\\')"
        )
        rows = self._store.rows(
            f"SELECT {_COLUMNS} FROM voter WHERE {condition} ORDER BY id LIMIT ?3 OFFSET ?4",  # noqa: S608
            (election, pattern, limit, offset),
        )
        count = self._store.rows(f"SELECT count(*) FROM voter WHERE {condition}", (election, pattern))  # noqa: S608
        return [VoterRow(*row) for row in rows], int(count[0][0])

    # -- writing -------------------------------------------------------------------------------------------------------

    def add(self, election: str, voters: Iterable[Voter]) -> None:
        """Add voters that are not there yet. Call it in a transaction."""
        self._store.run_many(
            "INSERT INTO voter(election, identifier, folded, name, email, weight, language)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    election,
                    voter.identifier,
                    voter.identifier.casefold(),
                    voter.name or "",
                    voter.email or "",
                    voter.weight,
                    voter.language or "",
                )
                for voter in voters
            ),
        )

    def change(self, voter: int, new: Voter) -> None:
        """Change what is known of a voter; code and credential stay."""
        self._store.run(
            "UPDATE voter SET identifier = ?, folded = ?, name = ?, email = ?, weight = ?, language = ? WHERE id = ?",
            (
                new.identifier,
                new.identifier.casefold(),
                new.name or "",
                new.email or "",
                new.weight,
                new.language or "",
                voter,
            ),
        )

    def remove(self, voters: Iterable[int]) -> None:
        """Remove voters, with their messages. Call it in a transaction."""
        self._store.run_many("DELETE FROM voter WHERE id = ?", ((voter,) for voter in voters))

    def remove_all(self, election: str) -> None:
        """Remove all voters, and the keys that were replaced."""
        with self._store.transaction():
            self._store.run("DELETE FROM voter WHERE election = ?", (election,))
            self._store.run("DELETE FROM replaced_key WHERE election = ?", (election,))
            self._store.run("DELETE FROM kept_list WHERE election = ?", (election,))

    def set_keys(self, keys: Iterable[tuple[str, int]]) -> None:
        """Note the credentials that are on the board now: (key, voter) pairs."""
        with self._store.transaction():
            self._store.run_many("UPDATE voter SET key = ? WHERE id = ?", keys)

    def replace_code(self, voter: int, old_key: str, election: str) -> bool:
        """Go on to the next code of a voter, unless one is on the board already: then this is False."""
        with self._store.transaction():
            changed = self._store.run(
                "UPDATE voter SET generation = generation + 1 WHERE id = ? AND key IS NULL", (voter,)
            )
            if changed:
                self._store.run(
                    "INSERT INTO replaced_key(election, key) VALUES (?, ?) ON CONFLICT DO NOTHING", (election, old_key)
                )
        return bool(changed)

    def replaced_keys(self, election: str, prefix: str) -> list[str]:
        """Credentials of codes that were replaced, whose text begins with `prefix`."""
        rows = self._store.rows(
            "SELECT key FROM replaced_key WHERE election = ? AND substr(key, 1, ?) = ? ORDER BY key",
            (election, len(prefix), prefix),
        )
        return [row[0] for row in rows]

    # -- lists that wait for a confirmation ----------------------------------------------------------------------------

    def keep_list(self, election: str, data: bytes, *, is_whole: bool, time: str) -> None:
        """Keep a list until it is confirmed, in place of an earlier one."""
        self._store.run(
            "INSERT INTO kept_list(election, data, is_whole, made) VALUES (?1, ?2, ?3, ?4) ON CONFLICT(election)"
            " DO UPDATE SET data = ?2, is_whole = ?3, made = ?4",
            (election, data, int(is_whole), time),
        )

    def kept_list(self, election: str) -> tuple[bytes, bool] | None:
        """The list that waits, and whether it is the whole list."""
        rows = self._store.rows("SELECT data, is_whole FROM kept_list WHERE election = ?", (election,))
        return (rows[0][0], bool(rows[0][1])) if rows else None

    def drop_list(self, election: str) -> None:
        self._store.run("DELETE FROM kept_list WHERE election = ?", (election,))

    def drop_old_lists(self, before: str) -> None:
        self._store.run("DELETE FROM kept_list WHERE made < ?", (before,))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _one(self, condition: str, values: tuple[str | int, ...]) -> VoterRow | None:
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM voter WHERE {condition}", values)  # noqa: S608
        return VoterRow(*rows[0]) if rows else None
