"""A brake on one voter who casts without end: each ballot takes space for ever, and time of the one thread that writes.

Whoever votes again a few times never feels it. Only ballots that the credential has signed count, so that nobody can
use up another voter's; sending the same ballot again does not count. It must not import flask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from bulletin_board.errors import BusyError
from bulletin_board.log import Submission
from voting.crypto.signatures import VerifyKey
from voting.election.ballots import BALLOT
from voting.protocol.encoding import Hash, from_base64, sha256
from voting.protocol.entries import parse_body, verify_entry_signature
from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.site.elections import Elections, Gate

MOST = 20
SPAN = timedelta(hours=1)
"""A credential may cast so many ballots within this time."""
MAX_KNOWN = 100_000
"""Credentials of which it is known when they voted last; the oldest are forgotten first."""


class BallotBrake:
    """Counts the ballots of every credential, in memory."""

    def __init__(self, elections: Callable[[], Elections], *, now: Callable[[], datetime]) -> None:
        self._elections = elections
        self._now = now
        self._lock = threading.Lock()
        self._cast: dict[tuple[str, str], dict[Hash, datetime]] = {}

    def gate(self, election: str) -> Gate:
        """What stands before an election's board. It raises BusyError if a credential casts too often."""

        def check(submission: Submission, _token: str | None) -> None:
            if submission.type == BALLOT:
                credential = self._signer(election, submission.body)
                if credential:
                    self._count((election, credential), sha256(submission.body))

        return check

    def _signer(self, election: str, body: bytes) -> str:
        """The credential that has signed a ballot; "" for anything else, which the board's rules refuse."""
        hosted = self._elections().get(election)
        manifest = hosted.look(lambda record: record.require_manifest().hash)
        try:
            signed = parse_body(BALLOT, body, what="the ballot")
            credential: str = signed.content.credential
            if not hosted.look(lambda record: credential in record.credentials):
                return ""
            key = VerifyKey.decode(from_base64(credential, 32, what="credential"), what="credential")
            verify_entry_signature(BALLOT, manifest, body, signed.signature, key)
        except (DecodeError, SignatureInvalid):
            return ""
        return credential

    def _count(self, who: tuple[str, str], body: Hash) -> None:
        now = self._now()
        with self._lock:
            cast = {known: time for known, time in self._cast.pop(who, {}).items() if now - time < SPAN}
            self._cast[who] = cast
            if body in cast:
                return
            if len(cast) >= MOST:
                raise BusyError("too many ballots were cast with this voter code", remedy="try again in an hour")
            cast[body] = now
            while len(self._cast) > MAX_KNOWN:
                self._cast.pop(next(iter(self._cast)))
