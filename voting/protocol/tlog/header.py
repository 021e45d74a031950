"""Protocol L1: the header of an entry: what the log commits to (docs/spec/log.md, protocol section 9).

An entry is a header and a body. The header is short canonical JSON; its bytes are the leaf of the Merkle tree. It names
the body by hash and length, and the header before it by hash, so the headers alone form a chain.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from voting.protocol.encoding import MAX_MESSAGE_BYTES, MAX_SAFE_INTEGER, Hash, decode, encode, sha256
from voting.protocol.errors import DecodeError, ProofError

MAX_HEADER_BYTES = 65_535
"""The longest leaf that the tiled-log format can carry (its length is two bytes)."""

MAX_BODY_BYTES = MAX_MESSAGE_BYTES
MAX_TYPE_LENGTH = 64

_TYPE = re.compile(r"[a-z]+\.[a-z]+\Z")

_HexHash = Annotated[Hash, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class EntryHeader(msgspec.Struct, frozen=True):
    """One entry's header. As canonical JSON these fields, in this order, are the leaf.

    body: SHA-256 of the body's bytes.
    prev: SHA-256 of the previous header's bytes; 64 zeros for entry 0.
    seq: place in the log, from 0.
    size: length of the body, in bytes (1 to 4 MiB).
    type: two lower-case words joined by a dot, e.g. "ballot.cast".
    """

    body: _HexHash
    prev: _HexHash
    seq: Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE_INTEGER)]
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_BODY_BYTES)]
    type: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+\.[a-z]+\Z", max_length=MAX_TYPE_LENGTH)]


def require_entry_type(text: str) -> None:
    """Protocol L1a: check an entry type's form. Raises DecodeError unless it is two lower-case words with a dot."""
    if len(text) > MAX_TYPE_LENGTH or not _TYPE.match(text):
        raise DecodeError(
            f"is not two lower-case words joined by a dot, {MAX_TYPE_LENGTH} characters at most",
            where="the entry type",
            remedy="write it like ballot.cast",
        )


def make_header(seq: int, prev: Hash, type_: str, body: bytes) -> EntryHeader:
    """Protocol L1b: the header that puts `body` at place `seq` of the log, after the header whose hash is `prev`.

    Args:
        seq: place in the log, from 0.
        prev: `sha256` of the previous header's bytes; `ZERO_HASH` if and only if seq is 0.
        type_: two lower-case words joined by a dot.
        body: the canonical JSON that is published, 1 byte to 4 MiB.

    Raises:
        DecodeError: for a wrong type or a wrong length of the body.
    """
    require_entry_type(type_)
    if not 1 <= len(body) <= MAX_BODY_BYTES:
        raise DecodeError(f"is {len(body)} bytes long, not 1 to {MAX_BODY_BYTES}", where=f"the body of entry {seq}")
    return EntryHeader(body=sha256(body), prev=prev, seq=seq, size=len(body), type=type_)


def parse_header(data: bytes, *, what: str = "the entry header") -> EntryHeader:
    """Protocol L1c: read a header's bytes. Raises DecodeError for anything but its one canonical form."""
    return decode(data, EntryHeader, what=what, limit=MAX_HEADER_BYTES)


def encode_header(header: EntryHeader) -> bytes:
    """Protocol L1d: the header's bytes: the leaf of the tree."""
    return encode(header)


def check_link(header: EntryHeader, *, seq: int, prev: Hash) -> None:
    """Protocol L1e: check that a header stands at place `seq`, directly after the header whose hash is `prev`.

    The caller passes `ZERO_HASH` for entry 0.

    Raises:
        ProofError: if it names another place or another predecessor.
    """
    where = f"entry {seq}"
    if header.seq != seq:
        raise ProofError(f"its header says it is entry {header.seq}", where=where)
    if header.prev != prev:
        raise ProofError("its header does not name the header before it", where=where)


def check_body(header: EntryHeader, body: bytes) -> None:
    """Protocol L1f: check that a header names exactly this body.

    Raises:
        ProofError: if length or SHA-256 differ.
    """
    where = f"entry {header.seq}"
    if len(body) != header.size:
        raise ProofError(f"its body is {len(body)} bytes long, its header says {header.size}", where=where)
    if sha256(body) != header.body:
        raise ProofError("its body is not the one that its header names", where=where)
