"""Protocol Q8: a board over HTTP, whose server is not trusted (docs/spec/http.md, "The client").

A `BoardClient` remembers the newest checkpoint that it has checked. What it reads later must extend it, so a server
that shows another history, or drops entries, is caught by the client that saw the first one.

It must not know what entries mean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import msgspec

from bulletin_board.errors import TokenError, mark_signed
from bulletin_board.log import Submission
from voting.address import Address
from voting.protocol.encoding import sha256
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UrneError, VerificationError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.header import MAX_BODY_BYTES, EntryHeader, check_body
from voting.protocol.tlog.note import NoteKey, parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import MAX_RECEIPT_FILE_BYTES, check_receipt, read_receipt_file
from voting.protocol.tlog.refusal import open_refusal, verify_refusal_of
from voting.protocol.tlog.witnesses import WitnessPolicy, verify_fresh, verify_quorum
from voting.web_client import Answer, Refused, WebClient, clean, new_http_client, refusal
from voting.web_log import BODIES, LogPages, VerifiedLog, read_verified, verified_bodies, verify_extends

TOKEN_HEADER = "Urne-Token"  # noqa: S105 (the name of a header)
_NOT_FOUND = 404
_FORBIDDEN = 403
_CONFLICT = 409


class UnsignedRefusal(Refused):
    """Somebody refused an entry in a board's name, without the board's signature on it: nobody answers for that."""

    code = "unsigned"

    def __init__(self, said: str, why: str, *, status: int) -> None:
        super().__init__(
            f'somebody refused it, but not the board: the refusal {why}. It says: "{clean(said)}"',
            status=status,
            where="the entry",
            remedy="send it again, also through a mirror that relays; it is kept once",
        )


class Placed(msgspec.Struct, frozen=True):
    """Where an entry stands: its checked header, the receipt file as it came, and the checkpoint in it."""

    header: EntryHeader
    receipt: bytes
    checkpoint: Checkpoint
    was_new: bool = False

    @property
    def seq(self) -> int:
        """The number of the entry."""
        return self.header.seq


class BoardClient:
    """One board behind a web address. Not for several threads at once."""

    def __init__(
        self,
        address: Address,
        *,
        http: httpx.Client | None = None,
        web: WebClient | None = None,
        key: NoteKey | None = None,
        seen: Checkpoint | None = None,
        witnesses: WitnessPolicy | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without `key` the server's word is taken at first use; compare `client.key` with the manifest's.

        Args:
            http: the connection; without it, and without `web`, a new one, closed by `close`.
            key: the board's key, from a place that the caller trusts.
            seen: a checkpoint that was checked before; everything must extend it.
            witnesses: who must have signed every checkpoint that is accepted, and lately.
            clock: gives POSIX seconds, UTC; for the witnesses' signatures only.
        """
        self._own = new_http_client() if http is None and web is None else None
        self.web = web or WebClient(http or self._own or new_http_client())
        self.pages = LogPages(self.web, address)
        self._key = key
        self._witnesses = witnesses
        self._clock = clock
        self.seen = seen

    def __enter__(self) -> BoardClient:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if this client made it."""
        if self._own is not None:
            self._own.close()

    @property
    def key(self) -> NoteKey:
        """The board's key: the one given, or the one that the server named when it was first asked."""
        if self._key is None:
            self._key = parse_vkey(self.pages.vkey(), what="the vkey of the server")
        return self._key

    def checkpoint(self) -> Checkpoint:
        """Protocol Q8a: the newest checkpoint, signed by the board and extending all that this client has seen.

        Raises:
            UnavailableError, DecodeError, SignatureInvalid, ProofError.
        """
        note = self.pages.checkpoint()
        what = "the checkpoint of the server"
        checkpoint = open_checkpoint(note, self.key, what=what)
        self._require_witnesses(note, what)
        return self._extend(checkpoint)

    def read(self) -> VerifiedLog:
        """Protocol Q8b: all headers under the newest checkpoint. Raises as `read_verified` does."""
        log = read_verified(self.pages, key=self.key, earlier=self.seen)
        self._require_witnesses(log.note, "the checkpoint of the server")
        self.seen = log.checkpoint
        return log

    def bodies(self, log: VerifiedLog, start: int, stop: int) -> Iterator[bytes]:
        """Protocol Q8c: the bodies of [start, stop) of a log that `read` gave, each compared with its header."""
        return verified_bodies(self.pages.lines(BODIES, start, stop), log.headers[start:stop])

    def body(self, header: EntryHeader) -> bytes:
        """The body that a checked header names. Raises ProofError if the server gives another."""
        body = self.web.get(self.pages.url(f"entries/{header.seq}/body"), limit=MAX_BODY_BYTES)
        check_body(header, body)
        return body

    def append(self, submission: Submission, token: str | None = None) -> Placed:
        """Protocol Q8d: append an entry; it is done when the board's signed receipt for exactly this body was checked.

        A lost answer does no harm: the entry is sent again, and the board keeps it once.

        Raises:
            UnavailableError: if the server cannot be reached: whether it has the entry is unknown. Try again.
            TokenError: if the service wants a token, or another one.
            VerificationError, Refused: if the rules of the board refuse the entry, and the board has signed that:
                `bulletin_board.errors.refusal_of` gives its word.
            UnsignedRefusal: if somebody says so, and the board has not signed it.
            DecodeError, ProofError, SignatureInvalid: if the receipt does not hold: the entry may not be there.
        """
        return self.receive(self.send(submission, token), submission)

    def send(self, submission: Submission, token: str | None = None) -> Answer:
        """Protocol Q8k: post an entry; the answer, unchecked. Raises UnavailableError if there is none."""
        attachment = submission.attachment or b"null"
        content = b'{"attachment":%b,"body":%b,"type":%b}' % (
            attachment, submission.body, msgspec.json.encode(submission.type),
        )  # fmt: skip
        headers = {TOKEN_HEADER: token} if token is not None else {}
        return self.web.tell(self.pages.url("entries"), content, limit=MAX_RECEIPT_FILE_BYTES, headers=headers)

    def receive(self, answer: Answer, submission: Submission) -> Placed:
        """Protocol Q8l: check the answer to an entry that was sent. Raises as `append` does."""
        if not 200 <= answer.status < 300:
            raise self._refused(answer, submission)
        return self._placed(answer.data, submission, was_new=answer.status == 201)

    def find(self, submission: Submission) -> Placed | None:
        """Protocol Q8e: where a body stands under the newest checkpoint, with its receipt, or None if it does not.

        "It does not" is the server's word, which nothing proves.

        Raises:
            UnavailableError, DecodeError, ProofError, SignatureInvalid.
        """
        try:
            found = self.web.get(
                self.pages.url("find"), limit=1000, query={"body": sha256(submission.body)}, fresh=True
            )
            receipt = self.web.get(
                self.pages.url(f"entries/{_seq(found)}/receipt"), limit=MAX_RECEIPT_FILE_BYTES, fresh=True
            )
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return self._placed(receipt, submission)

    def read_back(self, submission: Submission) -> Placed:
        """Protocol Q8f: read an entry that was appended again: the server finds it, shows its body, and signs for it.

        Raises:
            ProofError: if the board does not show it; or as `find` does.
        """
        placed = self.find(submission)
        if placed is None:
            raise ProofError(
                "does not show the entry that it has just signed for",
                where="the board of the server",
                remedy="keep the receipt and tell the observers",
            )
        if self.body(placed.header) != submission.body:
            raise ProofError("is shown with another body", where=f"entry {placed.seq}")
        return placed

    def _refused(self, answer: Answer, submission: Submission) -> UrneError:
        """Protocol Q8i: what a bad answer means. What the rules refuse counts only under the board's signature."""
        error = refusal(answer, self.pages.url("entries"))
        if answer.status == _FORBIDDEN and isinstance(error, Refused):
            return TokenError(error.problem, where=error.where, remedy=error.remedy)
        if answer.status != _CONFLICT:
            return error
        what = "the refusal"
        try:
            note = msgspec.json.decode(answer.data, type=_ErrorAnswer).refusal.encode()
            if not note:
                raise SignatureInvalid("is not signed", where=what)
            signed = open_refusal(note, self.key, what=what)
            verify_refusal_of(signed, type_=submission.type, body=sha256(submission.body), what=what)
        except (msgspec.MsgspecError, UnicodeError, UrneError) as fault:
            why = fault.problem if isinstance(fault, UrneError) else "is malformed"
            return UnsignedRefusal(error.problem, why, status=answer.status)
        if signed.check:
            return mark_signed(VerificationError(signed.check, error.where, signed.reason), note)
        return mark_signed(Refused(signed.reason, status=answer.status, where=error.where, remedy=error.remedy), note)

    def _placed(self, data: bytes, submission: Submission, *, was_new: bool = False) -> Placed:
        """The entry that a receipt file is for, checked: this body, this type, signed, and extending what was seen."""
        what = "the receipt of the server"
        receipt = read_receipt_file(data, what=what)
        header, checkpoint = check_receipt(receipt, self.key, what=what)
        self._require_witnesses(parse_receipt(receipt.proof.encode(), what=what).checkpoint, what)
        check_body(header, submission.body)
        if header.type != submission.type:
            raise ProofError(f"is for an entry of type {header.type}, not {submission.type}", where=what)
        self._extend(checkpoint)
        return Placed(header, data, checkpoint, was_new)

    def _require_witnesses(self, note: bytes, what: str) -> None:
        """Protocol Q8g: enough of the known witnesses have signed, and lately. Raises SignatureInvalid."""
        if self._witnesses is not None:
            found = verify_quorum(note, self._witnesses, board=self.key, what=what)
            verify_fresh(found, self._witnesses.quorum, now=int(self._clock()), what=what)

    def _extend(self, checkpoint: Checkpoint) -> Checkpoint:
        """Remember a checkpoint whose signature was checked, once it is proved to extend the one remembered."""
        if self.seen is not None:
            verify_extends(self.pages, self.seen, checkpoint)
        self.seen = checkpoint
        return checkpoint


def _seq(data: bytes) -> int:
    try:
        seq = msgspec.json.decode(data)["seq"]
    except (msgspec.MsgspecError, KeyError, TypeError):
        raise DecodeError("does not name an entry", where="the answer of the server") from None
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 0:
        raise DecodeError("does not name an entry", where="the answer of the server")
    return seq


class _ErrorAnswer(msgspec.Struct, frozen=True):
    """What is used of an error answer besides its texts."""

    refusal: str = ""
