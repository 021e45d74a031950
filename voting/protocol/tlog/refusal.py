"""Protocol L24: signed refusals: a board's word on why its rules refuse an entry (docs/spec/log.md, "Refusals").

A refusal is a note of the board. Its text has eight lines, so nobody can read it as a checkpoint, which has three, nor
as what a witness signs. It names the entry by its hash, and holds no time and nothing of who asked. Whoever keeps it
can show later what the board refused, after how many entries, and for which reason.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import Hash, parse_hash
from voting.protocol.errors import DecodeError, SignatureInvalid, UrneError, VerificationError
from voting.protocol.tlog.checkpoint import require_origin
from voting.protocol.tlog.header import require_entry_type
from voting.protocol.tlog.note import NoteKey, parse_note, sign_note, verify_note
from voting.protocol.tlog.text import decode_decimal

FIRST_LINE = "urne-refusal-v1"
MAX_REASON_LENGTH = 300
MAX_REFUSAL_BYTES = 4096
"""A whole signed refusal: eight short lines and one signature."""

_LINES = 8
_NONE = "-"
_CHECK = re.compile(r"[0-9]{2}\Z", re.ASCII)
_CODE = re.compile(r"[a-z][a-z-]{0,39}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which entry a board refused, and why. Made by `refusal_for`, or read by `open_refusal`."""

    origin: str
    """Of the board."""
    size: int
    """So many entries were on the board when its rules refused this one."""
    type: str
    body: Hash
    """SHA-256 of the entry's body."""
    check: str
    """The two digits of the check that the entry fails; empty if it fails none that has a number."""
    code: str
    """The kind of error, short and stable."""
    reason: str
    """What is wrong, in the board's words: one line."""

    @property
    def text(self) -> bytes:
        """The bytes that are signed."""
        lines = (FIRST_LINE, self.origin, str(self.size), self.type, self.body, self.check or _NONE, self.code)
        return "".join(f"{line}\n" for line in (*lines, self.reason)).encode()


def refusal_for(error: UrneError, *, origin: str, size: int, type_: str, body: Hash) -> Refusal:
    """Protocol L24a: what a board says when its rules raised `error` on an entry, after `size` entries."""
    return Refusal(
        origin=origin,
        size=size,
        type=type_,
        body=body,
        check=error.check if isinstance(error, VerificationError) else "",
        code=error.code,
        reason=_one_line(error.problem),
    )


def parse_refusal(text: bytes, *, what: str = "the refusal") -> Refusal:
    """Protocol L24b: read the text of a refusal, as it stands in a note.

    Raises:
        DecodeError: if it is not exactly eight lines, or one of them is not in its one form.
    """
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise DecodeError("is not valid UTF-8", where=what) from None
    if len(lines) != _LINES + 1 or lines[-1] or lines[0] != FIRST_LINE:
        raise DecodeError(f"is not {_LINES} lines that begin with {FIRST_LINE}", where=what)
    _first, origin, size, type_, body, check, code, reason, _end = lines
    try:
        require_origin(origin)
        require_entry_type(type_)
    except DecodeError as error:
        raise error.at(what) from None
    if check != _NONE and not _CHECK.match(check):
        raise DecodeError("is neither two digits nor -", where=f"{what}, check")
    if not _CODE.match(code):
        raise DecodeError("is not one short word", where=f"{what}, code")
    if reason != _one_line(reason):
        raise DecodeError("is not one line of printable text of bounded length", where=f"{what}, reason")
    return Refusal(
        origin=origin,
        size=decode_decimal(size, what=f"{what}, size"),
        type=type_,
        body=parse_hash(body, what=f"{what}, body"),
        check="" if check == _NONE else check,
        code=code,
        reason=reason,
    )


def sign_refusal(refusal: Refusal, key: SigningKey) -> bytes:
    """Protocol L24c: the signed note of a refusal; the key's name is the origin."""
    return sign_note(refusal.text, refusal.origin, key)


def open_refusal(note: bytes, key: NoteKey, *, what: str = "the refusal") -> Refusal:
    """Protocol L24d: read a signed refusal and check the board's signature, which must be the only one.

    Args:
        key: the board's key, whose name is the origin.

    Raises:
        DecodeError: if it is malformed.
        SignatureInvalid: if the board did not sign it, or somebody signed besides.
    """
    if len(note) > MAX_REFUSAL_BYTES:
        raise DecodeError(f"is longer than {MAX_REFUSAL_BYTES} bytes", where=what)
    parsed = parse_note(note, what=what)
    verify_note(parsed, key, what=what)
    if len(parsed.signatures) != 1:
        raise SignatureInvalid("carries more than the board's one signature", where=what)
    refusal = parse_refusal(parsed.text, what=what)
    if refusal.origin != key.name:
        raise SignatureInvalid(f"is of the board {refusal.origin}, not of {key.name}", where=what)
    return refusal


def verify_refusal_of(refusal: Refusal, *, type_: str, body: Hash, what: str = "the refusal") -> None:
    """Protocol L24e: check that a refusal is about this very entry. Raises SignatureInvalid."""
    if refusal.body != body:
        raise SignatureInvalid("is for an entry with another body", where=what)
    if refusal.type != type_:
        raise SignatureInvalid(f"is for an entry of type {refusal.type}, not {type_}", where=what)


def _one_line(text: str) -> str:
    """A text as it may stand in a refusal: printable, not empty, of bounded length."""
    shown = "".join(c if c.isprintable() else "?" for c in text[: MAX_REASON_LENGTH + 1])
    if len(shown) > MAX_REASON_LENGTH:
        shown = shown[: MAX_REASON_LENGTH - 3] + "..."
    return shown or _NONE
