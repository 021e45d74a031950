"""Logins: a random number in the administrator's cookie, of which the site keeps only the hash.

A login ends after eight hours without use, or after a week. It must not import flask.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import NamedTuple

from voting.protocol.moment import format_moment, parse_moment
from voting.site.account_store import AccountRow, AccountStore, SessionRow
from voting.site.accounts import Clock, RandomBytes
from voting.site.store import SiteStore

IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)
WARN_BEFORE = timedelta(minutes=2)
_TOUCH_AFTER = timedelta(seconds=60)
"""Uses within a minute are written down once."""
_TOKEN_BYTES = 32


class Login(NamedTuple):
    """Who is logged in, and until when if nothing is done."""

    account: AccountRow
    hash: bytes
    ends: str

    def __repr__(self) -> str:
        return f"<Login of account {self.account.id}>"


class Sessions:
    """The logins of a site."""

    def __init__(self, store: SiteStore, *, now: Clock, random_bytes: RandomBytes) -> None:
        self._rows = AccountStore(store)
        self._now = now
        self._random_bytes = random_bytes

    def begin(self, account: AccountRow) -> str:
        """Log an account in; gives the number for its cookie."""
        token = base64.urlsafe_b64encode(self._random_bytes(_TOKEN_BYTES)).decode("ascii").rstrip("=")
        time = format_moment(self._now())
        self._rows.add_session(SessionRow(_hash(token), account.id, time, time))
        return token

    def find(self, token: str, *, is_use: bool = True) -> Login | None:
        """The login that a cookie stands for, if it still holds.

        Args:
            is_use: whether the eight hours begin anew.
        """
        row = self._rows.session(_hash(token)) if token else None
        account = self._rows.get(row.account) if row else None
        if row is None or account is None or account.is_disabled:
            return None
        now = self._now()
        last_used = parse_moment(row.last_used)
        latest = parse_moment(row.began) + LONGEST
        if now >= min(last_used + IDLE, latest):
            self._rows.drop_session(row.hash)
            return None
        if is_use and now - last_used >= _TOUCH_AFTER:
            last_used = now
            self._rows.touch_session(row.hash, format_moment(now))
        return Login(account, row.hash, format_moment(min(last_used + IDLE, latest)))

    def end(self, token: str) -> None:
        """Log out. The number is worth nothing from now on."""
        self._rows.drop_session(_hash(token))

    def end_all(self, account: int) -> None:
        """Log an account out everywhere."""
        self._rows.drop_sessions(account)

    def tidy(self) -> None:
        """Forget logins that have ended."""
        now = self._now()
        self._rows.drop_old_sessions(format_moment(now - IDLE), format_moment(now - LONGEST))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
