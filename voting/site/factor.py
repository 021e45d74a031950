"""Protocol K: the voters' second factor, a one-time code by mail, asked for before the questions.

A request is signed with the voter's key, so that only who holds the voter code can have mails sent. A code comes from a
nonce and the site's secret key, and is stored nowhere. It gives a token, which must come with the ballot. The factor
protects against stolen voter codes; against a dishonest server it protects nobody, and the record does not show it.

It must not import flask. No address, code or token stands in an error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from bulletin_board.errors import TokenError
from bulletin_board.log import Submission
from voting.crypto.kdf import derive, frame
from voting.crypto.signatures import VerifyKey
from voting.election.ballots import BALLOT
from voting.election.phases import Phase
from voting.protocol.encoding import Hash, from_base64
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, SignatureInvalid, UrneError
from voting.protocol.moment import format_moment, parse_moment
from voting.site.election_store import ElectionStore
from voting.site.elections import Gate, HostedElection
from voting.site.factor_store import FactorRow, FactorStore
from voting.site.letters import hidden_address
from voting.site.outbox import Outbox
from voting.site.store import SiteStore
from voting.site.voter_store import VoterRow, VoterStore

PURPOSE = b"urne-v1-factor"
CONFIRM_PURPOSE = b"urne-v1-factor-confirm"
CODE_DIGITS = 6
CODE_LASTS = timedelta(minutes=10)
TRIES = 5
REQUESTS_PER_HOUR = 5
REQUESTS_PER_DAY = 20
"""Together with the tries: who has stolen a voter code guesses right within a week with a chance below 1 in 1000."""
TOKEN_LASTS = timedelta(hours=2)
CLOCK_DIFFERENCE = timedelta(minutes=5)
"""Requests dated further away than this from now are refused: a signature is good for a short time."""

_TOKEN_BYTES = 32
_NONCE_BYTES = 16


class FactorError(UrneError):
    """The second factor was refused. `code` says why: see the subclasses' use and docs/spec/booth.md."""

    def __init__(self, code: str, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, where="the one-time code", remedy=remedy)
        self.code = code


class FactorService:
    """Sends one-time codes and checks them.

    Args:
        secret: the site's secret key.
    """

    def __init__(
        self,
        store: SiteStore,
        outbox: Outbox,
        secret: bytes,
        *,
        now: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._rows = FactorStore(store)
        self._voters = VoterStore(store)
        self._site = ElectionStore(store)
        self._outbox = outbox
        self._code_key = derive(secret, "factor-code", length=32)
        self._now = now
        self._random_bytes = random_bytes
        outbox.factor_code = self.present_code

    def factor_of(self, election: str) -> str:
        """An election's second factor: "none" or "mail"."""
        return self._site.settings(election).factor

    def request(self, election: HostedElection, credential: str, time: str, signature: str) -> str:
        """Protocol K7: send a one-time code to a voter; gives a hint at the address.

        Args:
            credential: the voter's public key, base64url.
            time: of the voter's device.
            signature: base64url, by the credential over purpose, manifest hash and time, framed.

        Raises:
            FactorError: if it is refused.
        """
        self._require_factor(election)
        try:
            said = parse_moment(time)
        except DecodeError:
            raise FactorError("factor-signature", "was asked for without a time") from None
        self._verify_signature(election, credential, PURPOSE, time, signature)
        if abs(said - self._now()) > CLOCK_DIFFERENCE:
            raise FactorError(
                "factor-signature", "was asked for at another time than now", remedy="set the clock of your device"
            )
        voter = self._voter(election, credential)
        if not voter.email:
            raise FactorError("factor-no-address", "cannot be sent: no mail address is known for this voter")
        now = self._now()
        with self._store.transaction():
            for span, limit in ((timedelta(hours=1), REQUESTS_PER_HOUR), (timedelta(days=1), REQUESTS_PER_DAY)):
                if self._rows.requests_since(voter.id, format_moment(now - span)) >= limit:
                    raise FactorError(
                        "factor-too-many", "was sent too often", remedy="try again later; look for the mails"
                    )
            self._rows.put_code(voter.id, self._random_bytes(_NONCE_BYTES), format_moment(now))
            self._outbox.queue_factor(election.name, voter.id, self._random_bytes(8).hex())
        self._outbox.wake()
        return hidden_address(voter.email)

    def confirm(self, election: HostedElection, credential: str, code: str, signature: str) -> str:
        """Protocol K8: take a code back; gives the token that must come with the ballot.

        Args:
            credential: the voter's public key, base64url.
            code: as the voter typed it.
            signature: base64url, by the credential over purpose, manifest hash and `code`, framed: so nobody else can
                use up a voter's tries.

        Raises:
            FactorError: if it is refused.
        """
        self._require_factor(election)
        if not code.isascii():
            raise FactorError("factor-wrong", "is wrong", remedy="type the digits of the newest mail")
        self._verify_signature(election, credential, CONFIRM_PURPOSE, code, signature)
        voter = self._voter(election, credential)
        row = self._rows.code(voter.id)
        now = self._now()
        if row is None or self._is_over(row, now):
            raise FactorError("factor-expired", "is no longer good", remedy="have a new one sent")
        if not self._rows.take_try(row, TRIES):
            raise FactorError("factor-too-many", "was typed wrongly too often", remedy="have a new one sent")
        typed = "".join(code.split()).encode("utf-8", "replace")
        if not hmac.compare_digest(typed, self._code(row).encode("ascii")):
            raise FactorError("factor-wrong", "is wrong", remedy="compare it with the newest mail")
        token = base64.urlsafe_b64encode(self._random_bytes(_TOKEN_BYTES)).decode("ascii").rstrip("=")
        with self._store.transaction():
            self._rows.drop_code(voter.id)
            self._rows.put_token(_hash(token), voter.id, format_moment(now + TOKEN_LASTS))
        return token

    def is_valid(self, election: str, credential: str, token: str) -> bool:
        """Whether a token was given to this voter and still holds."""
        voter = self._voters.by_key(election, credential)
        return voter is not None and self._rows.has_token(_hash(token), voter.id, format_moment(self._now()))

    def gate(self, election: str) -> Gate:
        """Protocol K9: what stands before an election's board: without its token, no ballot gets a turn."""

        def check(submission: Submission, token: str | None) -> None:
            if submission.type != BALLOT or self.factor_of(election) != "mail":
                return
            try:
                ballot = parse_body(BALLOT, submission.body, what="the ballot").content
            except UrneError:
                return  # the board's rules say what is wrong with it
            if token is None or not self.is_valid(election, ballot.credential, token):
                raise TokenError(
                    "needs a one-time code", where="the ballot", remedy="have one sent to your mail address"
                )

        return check

    def present_code(self, voter: int) -> str | None:
        """The code that a voter was sent last, if it still holds."""
        row = self._rows.code(voter)
        return None if row is None or self._is_over(row, self._now()) else self._code(row)

    def tidy(self) -> None:
        """Forget codes, requests and tokens that are over."""
        now = self._now()
        self._rows.drop_old(format_moment(now - CODE_LASTS), format_moment(now - timedelta(days=1)), format_moment(now))

    # -- inside --------------------------------------------------------------------------------------------------------

    def _code(self, row: FactorRow) -> str:
        number = int.from_bytes(derive(self._code_key, "factor", row.nonce, length=16), "big")
        return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}}"

    def _is_over(self, row: FactorRow, now: datetime) -> bool:
        return now - parse_moment(row.made) >= CODE_LASTS

    def _require_factor(self, election: HostedElection) -> None:
        if self.factor_of(election.name) != "mail":
            raise FactorError("factor-none", "is not asked for in this election")
        if election.look(lambda record: record.phase) != Phase.OPEN:
            raise FactorError("factor-none", "is not needed: voting is not open")

    def _verify_signature(
        self, election: HostedElection, credential: str, purpose: bytes, text: str, signature: str
    ) -> None:
        """Only who has the voter's code may ask. Raises FactorError."""
        manifest: Hash = election.look(lambda record: record.require_manifest().hash)
        try:
            key = VerifyKey.decode(from_base64(credential, 32, what="credential"), what="credential")
            signed = frame(purpose, bytes.fromhex(manifest), text.encode("ascii"))
            key.verify(signed, from_base64(signature, 64, what="signature"))
        except (DecodeError, SignatureInvalid):
            raise FactorError("factor-signature", "was asked for with a signature that does not hold") from None

    def _voter(self, election: HostedElection, credential: str) -> VoterRow:
        voter = self._voters.by_key(election.name, credential)
        if voter is None:
            raise FactorError("factor-unknown", "cannot be sent: the voter is not known here")
        return voter


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
