"""Protocol L6: receipts: a proof that one entry is in the log, with the checkpoint it leads to (C2SP tlog-proof@v1).

The receipt does not hold the entry: keep the entry header's bytes beside it.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

from dataclasses import dataclass

from voting.protocol.errors import DecodeError, ProofError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.merkle import HASH_BYTES, MAX_PROOF_HASHES, leaf_hash, verify_inclusion
from voting.protocol.tlog.note import MAX_NOTE_BYTES, NoteKey
from voting.protocol.tlog.text import decode_base64, decode_decimal, encode_base64

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MAX_RECEIPT_BYTES = MAX_NOTE_BYTES + 16_384


@dataclass(frozen=True, slots=True)
class Receipt:
    """A tlog-proof taken apart, unchecked.

    index: the entry's place in the log.
    hashes: the inclusion proof, the leaf's sibling first; 32 bytes each.
    checkpoint: the signed note, as it was received.
    extra: data that nothing authenticates, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_receipt(receipt: Receipt) -> bytes:
    """Protocol L6a: the bytes of a receipt (file name extension `.tlog-proof`)."""
    lines = [_FIRST_LINE]
    if receipt.extra is not None:
        lines.append(f"extra {encode_base64(receipt.extra)}")
    lines.append(f"index {receipt.index}")
    lines += [encode_base64(hash_) for hash_ in receipt.hashes]
    return "\n".join(lines).encode() + b"\n\n" + receipt.checkpoint


def parse_receipt(data: bytes, *, what: str = "the receipt") -> Receipt:
    """Protocol L6b: take a receipt apart without checking it. The first empty line ends the proof.

    Raises:
        DecodeError: if it is not in its one form. The checkpoint in it is looked at only by `verify_receipt`.
    """
    if len(data) > _MAX_RECEIPT_BYTES:
        raise DecodeError(f"is longer than {_MAX_RECEIPT_BYTES} bytes", where=what)
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise DecodeError("is not ASCII before its checkpoint", where=what) from None
    if not separator or lines[0] != _FIRST_LINE:
        raise DecodeError(f"does not begin with the line {_FIRST_LINE}", where=what)
    lines = lines[1:]
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "), None, what=f"{what}, extra")
    if not lines or not lines[0].startswith("index "):
        raise DecodeError("does not name an index", where=what)
    index = decode_decimal(lines.pop(0).removeprefix("index "), what=f"{what}, index")
    if len(lines) > MAX_PROOF_HASHES:
        raise DecodeError(f"has more than {MAX_PROOF_HASHES} hashes", where=what)
    hashes = tuple(decode_base64(line, HASH_BYTES, what=f"{what}, hash {i}") for i, line in enumerate(lines, start=1))
    return Receipt(index, hashes, checkpoint, extra)


def verify_receipt(data: bytes, header: bytes, key: NoteKey, *, what: str = "the receipt") -> Checkpoint:
    """Protocol L6c: check that the board `key` has promised to keep an entry.

    Args:
        data: the receipt.
        header: the entry header's bytes.
        key: the board's key.

    Returns:
        The signed checkpoint that holds the entry.

    Raises:
        DecodeError: if the receipt is malformed.
        SignatureInvalid: if its checkpoint is not signed by the board.
        ProofError: if the entry is not in the tree of that checkpoint at that place.
    """
    receipt = parse_receipt(data, what=what)
    checkpoint = open_checkpoint(receipt.checkpoint, key, what=f"{what}, checkpoint")
    try:
        verify_inclusion(leaf_hash(header), receipt.index, checkpoint.size, receipt.hashes, checkpoint.root)
    except ProofError as error:
        raise error.at(what) from None
    return checkpoint
