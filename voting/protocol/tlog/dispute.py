"""Protocol L25: dispute files: an entry that did not get onto a board, and why (docs/spec/log.md, "Disputes").

What the board signed in it stands on its own, and can be held against the record. What it did not sign, a silence or an
unsigned word, is the sender's account and proves nothing. Canonical JSON.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from voting.protocol.encoding import Hash, decode, encode, require_canonical, sha256
from voting.protocol.errors import DecodeError
from voting.protocol.tlog.header import MAX_BODY_BYTES, require_entry_type
from voting.protocol.tlog.note import NoteKey
from voting.protocol.tlog.refusal import Refusal, open_refusal, verify_refusal_of

SCHEMA: Final = "urne-dispute-1"
MAX_DISPUTE_BYTES = 4 * MAX_BODY_BYTES
MAX_WAYS = 16
"""So many ways to a board are tried at most."""


class SignedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refusal that the board signed."""

    note: str
    """The signed note (L24)."""
    via: str
    """The address that it came from: the board's, or a relay's."""


class OtherAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer that the board did not sign, or none. The sender's own account: it proves nothing."""

    said: str
    """What came of it, in words."""
    via: str
    """The address that was asked."""


class Dispute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Protocol L25a: an entry that was sent to a board in every way known, and is not on it."""

    body: str
    """The entry's body, as text; its bytes are what was sent."""
    hints: str
    """Its side value, likewise; empty if there is none."""
    others: tuple[OtherAnswer, ...]
    refusals: tuple[SignedAnswer, ...]
    schema: Literal["urne-dispute-1"]
    type: str
    """The entry's type."""

    @property
    def body_hash(self) -> Hash:
        return sha256(self.body.encode("utf-8"))


class Refused(NamedTuple):
    """A refusal of a dispute that the board has signed, checked, and where it came from."""

    via: str
    refusal: Refusal


def write_dispute(dispute: Dispute) -> bytes:
    """Protocol L25b: the bytes of a dispute file."""
    return encode(dispute)


def read_dispute(data: bytes, *, what: str = "the dispute") -> Dispute:
    """Protocol L25c: read a dispute file; signatures are unchecked. Raises DecodeError if it is none."""
    dispute = decode(data, Dispute, what=what, limit=MAX_DISPUTE_BYTES)
    try:
        require_entry_type(dispute.type)
    except DecodeError as error:
        raise error.at(what) from None
    require_canonical(dispute.body.encode("utf-8"), what=f"{what}, body", limit=MAX_BODY_BYTES)
    if dispute.hints:
        require_canonical(dispute.hints.encode("utf-8"), what=f"{what}, hints", limit=MAX_BODY_BYTES)
    if len(dispute.others) + len(dispute.refusals) > MAX_WAYS:
        raise DecodeError(f"names more than {MAX_WAYS} answers", where=what)
    return dispute


def check_dispute(dispute: Dispute, key: NoteKey, *, what: str = "the dispute") -> tuple[Refused, ...]:
    """Protocol L25d: check that the board `key` signed every refusal in a dispute, and for this entry; gives them.

    Raises:
        DecodeError: if a refusal is malformed.
        SignatureInvalid: if the board did not sign it, or it is for another entry.
    """
    found = []
    for number, answer in enumerate(dispute.refusals, start=1):
        where = f"{what}, refusal {number}"
        refusal = open_refusal(answer.note.encode("utf-8"), key, what=where)
        verify_refusal_of(refusal, type_=dispute.type, body=dispute.body_hash, what=where)
        found.append(Refused(answer.via, refusal))
    return tuple(found)
