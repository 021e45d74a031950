"""Tables of the site's database about accounts, their sessions, and failed logins.

Sessions and sources of failed logins are kept as hashes. It must not import flask.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.protocol.errors import UsageError
from voting.site.store import SiteStore


class AccountRow(NamedTuple):
    """Somebody who runs elections."""

    id: int
    name: str
    email: str
    """For samples and remarks; may be empty."""
    language: str
    is_manager: bool
    """Whether this account may make other accounts."""
    is_disabled: bool
    password: str
    """Its scrypt hash with parameters and salt."""
    password_changed: str

    def __repr__(self) -> str:
        return f"<AccountRow {self.id}>"


class SessionRow(NamedTuple):
    """One login."""

    hash: bytes
    account: int
    began: str
    last_used: str

    def __repr__(self) -> str:
        return f"<SessionRow of account {self.account}>"


class FailureRow(NamedTuple):
    """How often logins from one source failed since the last good one."""

    failures: int
    last: str


_COLUMNS = "id, name, email, language, is_manager, is_disabled, password, password_changed"


class AccountStore:
    """Rows of the tables account, session and login_failure."""

    def __init__(self, store: SiteStore) -> None:
        self._store = store

    # -- accounts ------------------------------------------------------------------------------------------------------

    def add(self, name: str, email: str, language: str, *, is_manager: bool, password: str, time: str) -> int:
        """Add an account; gives its number. Raises UsageError if the name is taken."""
        with self._store.transaction():
            if self.by_name(name) is not None:
                raise UsageError("is the name of another account", where="name", remedy="choose another one")
            return self._store.insert(
                "INSERT INTO account(name, folded, email, language, is_manager, password, password_changed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, name.casefold(), email, language, int(is_manager), password, time),
            )

    def get(self, account: int) -> AccountRow | None:
        return self._one("id = ?", account)

    def by_name(self, name: str) -> AccountRow | None:
        """An account by its name, without regard to case."""
        return self._one("folded = ?", name.casefold())

    def all(self) -> list[AccountRow]:
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM account ORDER BY folded")  # noqa: S608
        return [_account(row) for row in rows]

    def set_password(self, account: int, password: str, time: str) -> None:
        self._store.run("UPDATE account SET password = ?, password_changed = ? WHERE id = ?", (password, time, account))

    def set_contact(self, account: int, email: str, language: str) -> None:
        self._store.run("UPDATE account SET email = ?, language = ? WHERE id = ?", (email, language, account))

    def set_disabled(self, account: int, is_disabled: bool) -> None:
        self._store.run("UPDATE account SET is_disabled = ? WHERE id = ?", (int(is_disabled), account))

    # -- sessions ------------------------------------------------------------------------------------------------------

    def add_session(self, row: SessionRow) -> None:
        self._store.run("INSERT INTO session(hash, account, began, last_used) VALUES (?, ?, ?, ?)", row)

    def session(self, hash_: bytes) -> SessionRow | None:
        rows = self._store.rows("SELECT hash, account, began, last_used FROM session WHERE hash = ?", (hash_,))
        return SessionRow(*rows[0]) if rows else None

    def touch_session(self, hash_: bytes, time: str) -> None:
        self._store.run("UPDATE session SET last_used = ? WHERE hash = ?", (time, hash_))

    def drop_session(self, hash_: bytes) -> None:
        self._store.run("DELETE FROM session WHERE hash = ?", (hash_,))

    def drop_sessions(self, account: int, *, but: bytes = b"") -> None:
        """End all logins of an account, except perhaps one."""
        self._store.run("DELETE FROM session WHERE account = ? AND hash <> ?", (account, but))

    def drop_old_sessions(self, last_used_before: str, began_before: str) -> None:
        self._store.run("DELETE FROM session WHERE last_used < ? OR began < ?", (last_used_before, began_before))

    # -- failed logins -------------------------------------------------------------------------------------------------

    def failures(self, source: bytes) -> FailureRow | None:
        rows = self._store.rows("SELECT failures, last FROM login_failure WHERE source = ?", (source,))
        return FailureRow(*rows[0]) if rows else None

    def count_failure(self, source: bytes, time: str) -> None:
        self._store.run(
            "INSERT INTO login_failure(source, failures, last) VALUES (?, 1, ?)"
            " ON CONFLICT(source) DO UPDATE SET failures = failures + 1, last = excluded.last",
            (source, time),
        )

    def forget_failures(self, source: bytes) -> None:
        self._store.run("DELETE FROM login_failure WHERE source = ?", (source,))

    def drop_old_failures(self, before: str) -> None:
        self._store.run("DELETE FROM login_failure WHERE last < ?", (before,))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _one(self, condition: str, value: int | str) -> AccountRow | None:
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM account WHERE {condition}", (value,))  # noqa: S608
        return _account(rows[0]) if rows else None


def _account(row: tuple[object, ...]) -> AccountRow:
    account = AccountRow(*row)  # type: ignore[arg-type]
    return account._replace(is_manager=bool(account.is_manager), is_disabled=bool(account.is_disabled))
