"""Tables of the site's database about the second factor: one-time codes that were sent, and tokens for casting.

Codes are not stored: a code comes from its nonce and the site's secret key. Tokens are stored as hashes. It must not
import flask.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.site.store import SiteStore


class FactorRow(NamedTuple):
    """The one-time code that a voter was sent last."""

    voter: int
    nonce: bytes
    made: str
    tries: int

    def __repr__(self) -> str:
        return f"<FactorRow of voter {self.voter}>"


class FactorStore:
    """Rows of the tables factor_code, factor_request and factor_token."""

    def __init__(self, store: SiteStore) -> None:
        self._store = store

    def requests_since(self, voter: int, time: str) -> int:
        """How many codes a voter has asked for since then."""
        rows = self._store.rows("SELECT count(*) FROM factor_request WHERE voter = ? AND time >= ?", (voter, time))
        return int(rows[0][0])

    def put_code(self, voter: int, nonce: bytes, time: str) -> None:
        """Begin a new code in place of the earlier one. Call it in a transaction."""
        self._store.run(
            "INSERT INTO factor_code(voter, nonce, made) VALUES (?, ?, ?) ON CONFLICT(voter) DO UPDATE SET"
            " nonce = excluded.nonce, made = excluded.made, tries = 0",
            (voter, nonce, time),
        )
        self._store.run("INSERT INTO factor_request(voter, time) VALUES (?, ?) ON CONFLICT DO NOTHING", (voter, time))

    def code(self, voter: int) -> FactorRow | None:
        rows = self._store.rows("SELECT voter, nonce, made, tries FROM factor_code WHERE voter = ?", (voter,))
        return FactorRow(*rows[0]) if rows else None

    def take_try(self, row: FactorRow, limit: int) -> bool:
        """Count one try before it is looked at; False if there is none left, or the code was replaced meanwhile."""
        return bool(
            self._store.run(
                "UPDATE factor_code SET tries = tries + 1 WHERE voter = ? AND nonce = ? AND tries < ?",
                (row.voter, row.nonce, limit),
            )
        )

    def drop_code(self, voter: int) -> None:
        self._store.run("DELETE FROM factor_code WHERE voter = ?", (voter,))

    def put_token(self, hash_: bytes, voter: int, expires: str) -> None:
        self._store.run("INSERT INTO factor_token(hash, voter, expires) VALUES (?, ?, ?)", (hash_, voter, expires))

    def has_token(self, hash_: bytes, voter: int, time: str) -> bool:
        """Whether this token is the voter's and still good."""
        return bool(
            self._store.rows(
                "SELECT 1 FROM factor_token WHERE hash = ? AND voter = ? AND expires > ?", (hash_, voter, time)
            )
        )

    def drop_old(self, made_before: str, requested_before: str, now: str) -> None:
        """Forget codes, requests and tokens that are of no use any more."""
        self._store.run("DELETE FROM factor_code WHERE made < ?", (made_before,))
        self._store.run("DELETE FROM factor_request WHERE time < ?", (requested_before,))
        self._store.run("DELETE FROM factor_token WHERE expires <= ?", (now,))
