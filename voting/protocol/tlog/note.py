"""Protocol L4: signed notes, their keys and witness cosignatures (C2SP signed-note and tlog-cosignature).

A note is a text, an empty line, and one line per signature: an em dash, the key's name, and base64 of the key id (4
bytes) and the signature. A key is published as one line, the *vkey*: name, key id, and base64 of type and public key.

Two types of Ed25519 key are known here: 0x01 signs the text itself (the board), 0x04 signs the text with a time (a
witness, cosignature/v1). Signatures by other keys are kept and ignored, as the format demands.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from voting.crypto.signatures import SigningKey, VerifyKey
from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.protocol.tlog.text import decode_base64, encode_base64

TYPE_NOTE = 0x01
TYPE_COSIGNATURE = 0x04

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_KEY_ID_BYTES = 4
_SIGNATURE_BYTES = 64
_TIME_BYTES = 8
_MAX_VKEY_LENGTH = 4096
_PREFIX = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_HEX_ID = re.compile(r"[0-9a-f]{8}\Z")


@dataclass(frozen=True, slots=True)
class NoteKey:
    """Who may sign notes: a name, the type of signature, and the public key."""

    name: str
    type: int
    key: VerifyKey

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key), the first 4 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.key.raw).digest()[:_KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The key as one line of text, for publication."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.key.raw)}"


class NoteSignature(NamedTuple):
    """One signature line, unchecked: what follows the key id is the payload."""

    name: str
    key_id: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart, its signatures unchecked. `text` ends with a line feed."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


class Cosignature(NamedTuple):
    """A witness's checked signature, with the time it names: POSIX seconds, UTC."""

    key: NoteKey
    time: int


def require_name(name: str, *, what: str) -> None:
    """Protocol L4a: check a key's name. DecodeError if empty, or with a space, `+` or control character."""
    if not name or "+" in name or any(character.isspace() or not character.isprintable() for character in name):
        raise DecodeError("is not a name: it is empty or holds a space, a plus sign or a control character", where=what)


def note_key(name: str, key: VerifyKey, type_: int = TYPE_NOTE) -> NoteKey:
    """Protocol L4b: name a public key. Raises DecodeError for a bad name."""
    require_name(name, what="the key's name")
    return NoteKey(name, type_, key)


def parse_vkey(text: str, *, what: str = "the vkey") -> NoteKey:
    """Protocol L4c: read a published key: `name+hex8(key id)+base64(type || public key)`.

    Raises:
        DecodeError: if it is not in its one form, its key id is not its own, or its type is not an Ed25519 one.
    """
    parts = text.split("+", 2) if len(text) <= _MAX_VKEY_LENGTH else []
    if len(parts) != 3:
        raise DecodeError("is not name+id+key", where=what)
    name, hex_id, encoded = parts
    require_name(name, what=what)
    data = decode_base64(encoded, None, what=what)
    if not data or data[0] not in (TYPE_NOTE, TYPE_COSIGNATURE):
        raise DecodeError("is a key of a type unknown here", where=what)
    parsed = NoteKey(name, data[0], VerifyKey.decode(data[1:], what=what))
    if not _HEX_ID.match(hex_id) or hex_id != parsed.key_id.hex():
        raise DecodeError(f"names the key id {hex_id[:8]!r}, but its own is {parsed.key_id.hex()}", where=what)
    return parsed


def parse_note(data: bytes, *, what: str = "the note") -> Note:
    """Protocol L4d: take a note apart without checking any signature.

    Args:
        data: UTF-8; split at the last empty line.

    Raises:
        DecodeError: if it is not a well-formed note with 1 to 100 signatures.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise DecodeError(f"is longer than {MAX_NOTE_BYTES} bytes", where=what)
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DecodeError("is not valid UTF-8", where=what) from None
    if _CONTROL.search(whole):
        raise DecodeError("holds a control character other than line feed", where=what)
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise DecodeError("is not a text, an empty line and lines of signatures", where=what)
    rows = lines[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise DecodeError(f"has more than {MAX_SIGNATURES} signatures", where=what)
    signatures = tuple(_parse_signature(row, f"{what}, signature {i}") for i, row in enumerate(rows, start=1))
    return Note((text + "\n").encode(), signatures)


def parse_signature_line(line: str, *, what: str = "the signature line") -> NoteSignature:
    """Protocol L4e: read one signature line, without its line feed. Raises DecodeError."""
    return _parse_signature(line, what)


def format_note(note: Note) -> bytes:
    """Protocol L4f: the bytes of a note."""
    return note.text + b"\n" + b"".join(format_signature_line(signature) for signature in note.signatures)


def format_signature_line(signature: NoteSignature) -> bytes:
    """Protocol L4g: one signature line, with its line feed."""
    return f"{_PREFIX}{signature.name} {encode_base64(signature.key_id + signature.payload)}\n".encode()


def sign_note(text: bytes, name: str, key: SigningKey) -> bytes:
    """Protocol L4h: a note with one Ed25519 signature over `text` (which ends with a line feed)."""
    signer = note_key(name, key.verify_key)
    return format_note(Note(text, (NoteSignature(name, signer.key_id, key.sign(text)),)))


def cosign(text: bytes, name: str, key: SigningKey, time: int) -> NoteSignature:
    """Protocol L4i: a witness's cosignature/v1 of a note's text.

    Args:
        text: the whole text of the note, with its last line feed, without the empty line.
        time: POSIX seconds, UTC; the caller's clock.
    """
    signer = note_key(name, key.verify_key, TYPE_COSIGNATURE)
    payload = time.to_bytes(_TIME_BYTES, "big") + key.sign(_cosigned(text, time))
    return NoteSignature(name, signer.key_id, payload)


def verify_note(note: Note, key: NoteKey, *, what: str = "the note") -> None:
    """Protocol L4j: check that a note carries a signature by `key`, and that every signature naming that key is right.

    Raises:
        SignatureInvalid: if there is none, or one that fails. Lines of other keys are ignored.
    """
    mine = [s for s in note.signatures if s.name == key.name and s.key_id == key.key_id]
    if not mine:
        raise SignatureInvalid(f"carries no signature by {key.name} (key id {key.key_id.hex()})", where=what)
    for signature in mine:
        _verify_one(note.text, signature, key, what)


def verify_cosignatures(
    note: Note, witnesses: Iterable[NoteKey], *, board: NoteKey, what: str = "the note"
) -> tuple[Cosignature, ...]:
    """Protocol L4k: the cosignatures on a note by known witnesses, one for each public key (its newest).

    Args:
        witnesses: keys of type 0x04. A key equal to the board's own never counts as a witness.
        board: the key that signed the note itself.

    Raises:
        SignatureInvalid: if a line names a known witness's key and fails.
    """
    newest: dict[bytes, Cosignature] = {}
    for key in witnesses:
        if key.type != TYPE_COSIGNATURE or key.key.raw == board.key.raw:
            continue
        for signature in note.signatures:
            if signature.name != key.name or signature.key_id != key.key_id:
                continue
            time = _verify_one(note.text, signature, key, what)
            known = newest.get(key.key.raw)
            if known is None or known.time < time:
                newest[key.key.raw] = Cosignature(key, time)
    return tuple(newest.values())


def _verify_one(text: bytes, signature: NoteSignature, key: NoteKey, what: str) -> int:
    """Check one signature; returns the time it names, 0 for a type that names none."""
    where = f"{what}, signature by {key.name}"
    if key.type == TYPE_NOTE:
        key.key.verify(text, signature.payload, what=where)
        return 0
    if key.type != TYPE_COSIGNATURE or len(signature.payload) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise SignatureInvalid("is not a time of 8 bytes and a signature of 64", where=where)
    time = int.from_bytes(signature.payload[:_TIME_BYTES], "big")
    key.key.verify(_cosigned(text, time), signature.payload[_TIME_BYTES:], what=where)
    return time


def _cosigned(text: bytes, time: int) -> bytes:
    return b"cosignature/v1\ntime " + str(time).encode() + b"\n" + text


def _parse_signature(line: str, what: str) -> NoteSignature:
    name, separator, encoded = line.removeprefix(_PREFIX).partition(" ")
    if not line.startswith(_PREFIX) or not separator:
        raise DecodeError("is not an em dash, a name and base64", where=what)
    require_name(name, what=what)
    data = decode_base64(encoded, None, what=what)
    if len(data) <= _KEY_ID_BYTES:
        raise DecodeError("is too short to hold a key id and a signature", where=what)
    return NoteSignature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])
