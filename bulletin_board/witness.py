"""Protocol L21: a witness of logs (C2SP tlog-witness; docs/spec/log.md, "Witnesses").

It signs that it saw a checkpoint, and only if that extends the last one of the same log that it signed. So whoever
finds its signature on two checkpoints knows that one extends the other, if the witness is honest and has its memory.

The web application is `bulletin_board.witness_server`. This module must not know what entries mean, nor any web code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bulletin_board.witness_store import Cosigned, Moved, WitnessStore
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UnavailableError
from voting.protocol.tlog.merkle import EMPTY_ROOT, HASH_BYTES, MAX_PROOF_HASHES, verify_consistency
from voting.protocol.tlog.note import (
    TYPE_COSIGNATURE,
    Note,
    NoteKey,
    NoteSignature,
    cosign,
    format_note,
    format_signature_line,
    note_key,
    parse_note,
    verify_note,
)
from voting.protocol.tlog.text import decode_base64, decode_decimal, encode_base64

MAX_REQUEST_BYTES = 256 * 1024

TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"

Logs = Callable[[], Mapping[str, tuple[NoteKey, ...]]]
"""Gives the trusted keys of each log that is watched, by its origin."""


class Reply(NamedTuple):
    """What a request is answered with, whatever carries it."""

    status: int
    body: bytes
    content_type: str = TEXT


class Request(NamedTuple):
    """A request to cosign, taken apart; nothing is checked but its form."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    origin: str
    size: int
    root: bytes


class Witness:
    """Protocol L21c: answers requests to cosign. Any number of threads may ask at once."""

    def __init__(
        self, store: WitnessStore, name: str, key: SigningKey, logs: Logs, *, clock: Callable[[], float]
    ) -> None:
        """Args: `name` and `key` are its own; `clock` gives POSIX seconds, UTC.

        Raises:
            UnavailableError: if the store is that of another witness.
        """
        self._store = store
        self._key = key
        self._logs = logs
        self._clock = clock
        self.key = note_key(name, key.verify_key, TYPE_COSIGNATURE)
        if store.key() != self.key.vkey:
            raise UnavailableError(
                "the memory is that of another witness", where=name, remedy="use the key that it was made with"
            )

    def add_checkpoint(self, body: bytes) -> Reply:
        """Protocol L21d: cosign a checkpoint that extends what was cosigned, or say why not (the table of statuses)."""
        try:
            request = parse_request(body)
        except DecodeError as error:
            return _refusal(400, str(error))
        keys = self._logs().get(request.origin)
        if not keys:
            return _refusal(404, "this witness does not watch that log")
        try:
            signed = _trusted_lines(request.note, keys)
        except SignatureInvalid as error:
            return _refusal(403, str(error))
        if request.old > request.size:
            return _refusal(400, "the old size is larger than that of the checkpoint")
        known = self._store.latest(request.origin)
        self._compare(request, signed)
        if request.old != (known.size if known else 0):
            return _conflict(known.size if known else 0)
        try:
            _verify_extends(request, known)
        except ProofError as error:
            if known is not None:
                self._suspect(request, signed, known.note, str(error), is_proof=False)
            return _refusal(422, str(error))
        return self._cosign(request, signed, known)

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Protocol L21e: the last note that was cosigned, of the log with this hexadecimal SHA-256 of its origin."""
        for log in self._store.logs():
            if hashlib.sha256(log.origin.encode()).hexdigest() == origin_hash:
                return log.note
        return None

    def _cosign(self, request: Request, signed: tuple[NoteSignature, ...], known: Cosigned | None) -> Reply:
        lines = []

        def make(last_time: int) -> Cosigned:
            time = int(self._clock())
            if time < max(last_time, 1):
                raise _ClockError
            line = cosign(request.note.text, self.key.name, self._key, time)
            lines.append(format_signature_line(line))
            note = format_note(Note(request.note.text, (*signed, line)))
            return Cosigned(request.origin, request.size, request.root, note, time)

        try:
            self._store.swap(request.origin, known, make)
        except Moved as moved:
            return _conflict(moved.size)
        except _ClockError:
            return _refusal(503, "the clock of this witness is behind its last signature")
        return Reply(200, lines[-1])

    def _compare(self, request: Request, signed: tuple[NoteSignature, ...]) -> None:
        """Keep the evidence if this very size was cosigned with another root, whatever else is wrong or right."""
        earlier = self._store.earlier(request.origin, request.size)
        if earlier is not None and _parse_text(parse_note(earlier).text)[2] != request.root:
            reason = f"two checkpoints of size {request.size} have different roots"
            self._suspect(request, signed, earlier, reason, is_proof=True)

    def _suspect(
        self, request: Request, signed: tuple[NoteSignature, ...], known: bytes, reason: str, *, is_proof: bool
    ) -> None:
        refused = format_note(Note(request.note.text, signed))
        self._store.suspect(int(self._clock()), request.origin, reason, known=known, refused=refused, is_proof=is_proof)


class _ClockError(Exception):
    pass


def parse_request(body: bytes) -> Request:
    """Protocol L21f: take a request apart: `old <size>`, hashes of a consistency proof, an empty line, a checkpoint.

    Raises:
        DecodeError: if it has another form.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise DecodeError(f"is longer than {MAX_REQUEST_BYTES} bytes", where="the request")
    head, separator, rest = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise DecodeError("is not ASCII before its checkpoint", where="the request") from None
    if not separator or not lines[0].startswith("old "):
        raise DecodeError("is not an old size, a proof, an empty line and a checkpoint", where="the request")
    old = decode_decimal(lines[0].removeprefix("old "), what="the old size")
    if len(lines) - 1 > MAX_PROOF_HASHES:
        raise DecodeError(f"has more than {MAX_PROOF_HASHES} hashes", where="the proof")
    proof = tuple(decode_base64(line, HASH_BYTES, what=f"hash {i} of the proof") for i, line in enumerate(lines[1:], 1))
    note = parse_note(rest, what="the checkpoint")
    return Request(old, proof, note, *_parse_text(note.text))


def format_request(old: int, proof: tuple[bytes, ...], note: bytes) -> bytes:
    """Protocol L21g: the bytes of a request to cosign."""
    lines = [f"old {old}", *(encode_base64(hash_) for hash_ in proof)]
    return "\n".join(lines).encode() + b"\n\n" + note


def _parse_text(text: bytes) -> tuple[str, int, bytes]:
    """Origin, size and root of any log's checkpoint; other logs than Urne's may have further lines."""
    origin, *rest = text.decode("utf-8").removesuffix("\n").split("\n")
    if len(rest) < 2 or not origin or not all(rest):
        raise DecodeError("is not lines of origin, size and root", where="the checkpoint")
    size = decode_decimal(rest[0], what="the checkpoint, size")
    return origin, size, decode_base64(rest[1], HASH_BYTES, what="the checkpoint, root")


def _trusted_lines(note: Note, keys: tuple[NoteKey, ...]) -> tuple[NoteSignature, ...]:
    """The signatures by trusted keys, all checked; other lines are dropped, since anybody may have added them.

    Raises:
        SignatureInvalid: if there is none, or one fails.
    """
    named = {(key.name, key.key_id): key for key in keys}
    lines = tuple(line for line in note.signatures if (line.name, line.key_id) in named)
    if not lines:
        raise SignatureInvalid("is not signed by a key of that log that is trusted here", where="the checkpoint")
    for key in {named[line.name, line.key_id] for line in lines}:
        verify_note(note, key, what="the checkpoint")
    return lines


def _verify_extends(request: Request, known: Cosigned | None) -> None:
    """The checkpoint extends the one that was cosigned last. Raises ProofError."""
    if request.size == 0 and request.root != EMPTY_ROOT:
        raise ProofError("names size 0, but a root that is not the empty one", where="the checkpoint")
    if known is None or known.size == 0:
        if request.proof:
            raise ProofError("must be empty from size 0", where="the consistency proof")
        return
    verify_consistency(request.old, request.size, known.root, request.root, request.proof)


def _refusal(status: int, reason: str) -> Reply:
    return Reply(status, reason.encode() + b"\n")


def _conflict(size: int) -> Reply:
    return Reply(409, f"{size}\n".encode(), SIZE)
