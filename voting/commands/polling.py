"""Where `urne vote` votes: an election's folder on this machine, or its web address (docs/guide-voter.md).

Both give the election to encrypt for, and cast a ballot; both come back only with a receipt that was checked after the
board was read again. It must not print anything, and must not see what a voter chose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from bulletin_board.client import BoardClient
from bulletin_board.delivery import Delivered, deliver
from bulletin_board.log import Submission
from bulletin_board.reader import open_reader
from voting.address import Address
from voting.commands.words import moment_text
from voting.crypto.kdf import frame
from voting.crypto.signatures import SigningKey
from voting.election.ballots import BALLOT, EncryptedBallot
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry
from voting.election_folder import board_folder, reading, writing
from voting.protocol.encoding import encode, to_base64
from voting.protocol.errors import DecodeError, UnavailableError, UrneError, UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.moment import parse_moment
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.header import check_body
from voting.protocol.tlog.note import NoteKey, parse_vkey
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file, write_receipt_file
from voting.verifier.setup_view import read_setup
from voting.web_client import Refused, WebClient, clean, refusal
from voting.web_log import LogPages

T = TypeVar("T")

FACTOR_PURPOSE = b"urne-v1-factor"
CONFIRM_PURPOSE = b"urne-v1-factor-confirm"
MAX_PREFIX = 4
_GOOD, _NOT_FOUND = 200, 404
MAX_ANSWER_BYTES = 16 * 1024 * 1024

CODE_TRIES = 3
ATTEMPTS_BESIDE_RELAYS = 2

AskCode = Callable[[str, str], str]
"""Asks the voter for the one-time code; told where it was sent and what was wrong with the last one, if anything, both
in the words of the site."""


class Poll(NamedTuple):
    """An election as a voter needs it. `record` may lack the ballots; `phase` is where the election stands."""

    record: ElectionRecord
    phase: Phase

    def require_open(self) -> None:
        """Raises UsageError, in words, unless votes can be cast now."""
        if self.phase == Phase.OPEN:
            return
        if self.phase == Phase.CANCELLED:
            raise UsageError("this election was cancelled, so nobody can vote")
        if self.phase in {Phase.EMPTY, Phase.SETUP}:
            manifest = self.record.manifest
            opens = manifest.schedule.opens if manifest and manifest.schedule else None
            remedy = f"it is announced to open at {moment_text(opens)}" if opens else "try again when it was opened"
            raise UsageError("the voting is not open yet", remedy=remedy)
        raise UsageError("the voting is closed, so no vote can be cast any more")


class PollingPlace(Protocol):
    """Where a voter votes."""

    def look(self) -> Poll:
        """The election as it is now. Raises UrneError if it cannot be read, or breaks a rule."""

    def has_voted(self, poll: Poll, credential: str) -> bool:
        """Whether a ballot of this credential is known to be there."""

    def cast(self, manifest: Manifest, ballot: EncryptedBallot, key: SigningKey, ask_code: AskCode) -> bytes:
        """Append a ballot and read it back; gives the receipt file, checked.

        Raises:
            UndeliveredError: if a board behind the web gave no receipt for it: what was answered instead.
            UrneError: if it is refused, or nobody can make sure that it is there.
        """


class LocalPlace:
    """An election's folder on this machine."""

    def __init__(self, folder: Path, *, allow_toy: bool) -> None:
        self._folder = folder
        self._allow_toy = allow_toy

    def look(self) -> Poll:
        """The election, replayed from the board."""
        with reading(self._folder, allow_toy=self._allow_toy) as (_board, record):
            return Poll(record, record.phase)

    def has_voted(self, poll: Poll, credential: str) -> bool:
        """From the record."""
        return credential in poll.record.last_ballot

    def cast(self, manifest: Manifest, ballot: EncryptedBallot, key: SigningKey, ask_code: AskCode) -> bytes:
        """Append the ballot with the board's own key."""
        with writing(self._folder, allow_toy=self._allow_toy) as election:
            Poll(election.record, election.record.phase).require_open()
            election.append(NewEntry(BALLOT, ballot.body), ballot.hints)
        with open_reader(board_folder(self._folder), unpublished=True) as board:
            found = board.find(ballot.body)
            if found is None:
                raise UnavailableError("does not show the ballot that was just cast", where=str(self._folder))
            data = write_receipt_file(found.header_bytes, board.receipt(found.seq))
        header, _checkpoint = check_receipt(read_receipt_file(data), _board_key(manifest))
        check_body(header, ballot.body)
        return data


class RemotePlace:
    """The web address of an election. Its server is believed nothing that can be checked."""

    def __init__(self, address: Address, web: WebClient, *, allow_toy: bool, relays: Sequence[Address] = ()) -> None:
        """Args: `relays` are addresses of mirrors that hand entries on to the board, if it does not answer itself."""
        self._address = address
        self._ways = (address, *relays)
        # Who has another way need not wait long for a server that does not answer.
        self._web = replace(web, attempts=ATTEMPTS_BESIDE_RELAYS) if relays else web
        self._allow_toy = allow_toy
        self._seen: Checkpoint | None = None

    def look(self) -> Poll:
        """The election without its ballots: as much as a voter needs, checked like a record."""
        silent: list[UnavailableError] = []
        for way in self._ways:
            try:
                view = read_setup(LogPages(self._web, way), allow_toy=self._allow_toy)
            except UnavailableError as error:
                silent.append(error)
            else:
                self._seen = view.checkpoint
                return Poll(view.record, view.phase)
        raise silent[0]

    def has_voted(self, poll: Poll, credential: str) -> bool:
        """The word of the site, asked without saying whose credential it is; False if it does not tell."""
        site = self._site()
        if site is None or not 0 <= site.prefix <= MAX_PREFIX:
            return False
        try:
            data = self._web.get(self._address / f"credentials/{credential[: site.prefix]}", limit=MAX_ANSWER_BYTES)
            listed = msgspec.json.decode(data, type=_Listed)
        except (UrneError, msgspec.MsgspecError, UnicodeError):
            return False
        return any(one.voted for one in listed.credentials if one.key == credential)

    def cast(self, manifest: Manifest, ballot: EncryptedBallot, key: SigningKey, ask_code: AskCode) -> bytes:
        """Send the ballot by each way until one leads to a receipt, and read it back."""
        site = self._site()
        token = None
        if site is not None and site.factor != "none":
            token = self._second_factor(site, manifest, key, ask_code)
        submission = Submission(BALLOT, ballot.body, ballot.hints)
        board = _board_key(manifest)
        clients = [BoardClient(way, web=self._web, key=board, seen=self._seen) for way in self._ways]
        return _read_back(deliver(clients, submission, token), clients, submission)

    def _site(self) -> _Site | None:
        """What the voting site says of itself; None if this is a board without a site, or only relays answer."""
        url = self._address / "booth.json"
        try:
            answer = self._web.ask(url, limit=MAX_ANSWER_BYTES, fresh=True)
            if answer.status == _NOT_FOUND:
                return None
            if answer.status != _GOOD:
                raise refusal(answer, url)
        except UnavailableError:
            if len(self._ways) == 1:
                raise
            return None
        try:
            return msgspec.json.decode(answer.data, type=_Site)
        except (msgspec.MsgspecError, UnicodeError):
            raise DecodeError("is not what a voting site answers", where=url) from None

    def _second_factor(self, site: _Site, manifest: Manifest, key: SigningKey, ask_code: AskCode) -> str:
        """The token for a one-time code, which the site mails to whom the credential belongs."""
        if site.factor != "mail":
            raise UnavailableError(
                "asks for a proof of who you are that this program does not know",
                where=str(self._address),
                remedy="vote in the browser",
            )
        parse_moment(site.now, what="the time of the site")
        credential = to_base64(key.verify_key.raw)
        signed = frame(FACTOR_PURPOSE, bytes.fromhex(manifest.hash), site.now.encode("ascii"))
        request = {"credential": credential, "signature": to_base64(key.sign(signed)), "time": site.now}
        hint = self._post("factor/request", request, _Hint).hint
        problem = ""
        for attempt in range(CODE_TRIES):
            code = ask_code(clean(hint), problem).strip()
            agreed = frame(CONFIRM_PURPOSE, bytes.fromhex(manifest.hash), code.encode("ascii", "replace"))
            answer = {"code": code, "credential": credential, "signature": to_base64(key.sign(agreed))}
            try:
                return self._post("factor/confirm", answer, _Token).token
            except Refused as error:
                if attempt == CODE_TRIES - 1:
                    raise
                problem = str(error)
        raise AssertionError("the loop ends by itself")  # pragma: no cover

    def _post(self, part: str, message: dict[str, str], kind: type[T]) -> T:
        url = self._address / part
        try:
            return msgspec.json.decode(self._web.post(url, encode(message), limit=MAX_ANSWER_BYTES).data, type=kind)
        except (msgspec.MsgspecError, UnicodeError):
            raise DecodeError("is not what a voting site answers", where=url) from None


class _Site(msgspec.Struct, frozen=True):
    """What is used of `booth.json`."""

    now: str
    factor: str
    prefix: int


class _Credential(msgspec.Struct, frozen=True):
    key: str
    voted: bool


class _Listed(msgspec.Struct, frozen=True):
    credentials: list[_Credential]


class _Hint(msgspec.Struct, frozen=True):
    hint: str


class _Token(msgspec.Struct, frozen=True):
    token: str

    def __repr__(self) -> str:
        return "<token>"


def _read_back(delivered: Delivered, clients: Sequence[BoardClient], submission: Submission) -> bytes:
    """The receipt of an entry, read again where it was sent or, if that fails, elsewhere."""
    others = [client for client in clients if client is not delivered.client]
    problems: list[UrneError] = []
    for client in (delivered.client, *others):
        try:
            return client.read_back(submission).receipt
        except UrneError as error:
            problems.append(error)
    raise problems[0]


def _board_key(manifest: Manifest) -> NoteKey:
    return parse_vkey(manifest.board, what="the board's key in the manifest")
