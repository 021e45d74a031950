"""Protocol L5: checkpoints: the board's signed word on how long its log is and what it holds (C2SP tlog-checkpoint).

The text is three lines: origin, size, base64 of the root. There are no extension lines.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voting.crypto.signatures import SigningKey
from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.protocol.tlog.merkle import EMPTY_ROOT, HASH_BYTES
from voting.protocol.tlog.note import NoteKey, parse_note, sign_note, verify_note
from voting.protocol.tlog.text import decode_base64, decode_decimal, encode_base64

MAX_ORIGIN_LENGTH = 255

_ORIGIN = re.compile(r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's state. `origin` names the log, `size` counts its entries, `root` is the Merkle root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> bytes:
        """The bytes that are signed: three lines, each with its line feed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n".encode()


def require_origin(origin: str) -> None:
    """Protocol L5a: check a log's name: a web address without its scheme, e.g. `board.example/election-1`.

    Raises:
        DecodeError: if it is anything else, or longer than 255 characters.
    """
    if len(origin) > MAX_ORIGIN_LENGTH or not _ORIGIN.match(origin):
        raise DecodeError(
            "is not a web address without its scheme",
            where="the origin",
            remedy="write it like board.example/election-1: letters, digits, . - _ ~ and slashes",
        )


def parse_checkpoint(text: bytes, *, what: str = "the checkpoint") -> Checkpoint:
    """Protocol L5b: read a checkpoint's text, as it stands in a note.

    Raises:
        DecodeError: if it is not exactly three lines, or one of them is not in its one form.
    """
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise DecodeError("is not ASCII", where=what) from None
    if len(lines) != 4 or lines[3]:
        raise DecodeError("is not three lines: origin, size, root", where=what)
    try:
        require_origin(lines[0])
    except DecodeError as error:
        raise error.at(what) from None
    size = decode_decimal(lines[1], what=f"{what}, size")
    root = decode_base64(lines[2], HASH_BYTES, what=f"{what}, root")
    if size == 0 and root != EMPTY_ROOT:
        raise DecodeError("names size 0, but a root that is not the empty one", where=what)
    return Checkpoint(lines[0], size, root)


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Protocol L5c: the signed note of a checkpoint; the key's name is the origin."""
    return sign_note(checkpoint.text, checkpoint.origin, key)


def open_checkpoint(note: bytes, key: NoteKey, *, what: str = "the checkpoint") -> Checkpoint:
    """Protocol L5d: read a signed checkpoint and check the board's signature.

    Args:
        note: the signed note; cosignatures on it are left alone (see `verify_cosignatures`).
        key: the board's key, whose name is the origin.

    Raises:
        DecodeError: if the note is malformed.
        SignatureInvalid: if the board did not sign it, or it is of another log.
    """
    parsed = parse_note(note, what=what)
    verify_note(parsed, key, what=what)
    checkpoint = parse_checkpoint(parsed.text, what=what)
    if checkpoint.origin != key.name:
        raise SignatureInvalid(f"is of the log {checkpoint.origin}, not of {key.name}", where=what)
    return checkpoint
