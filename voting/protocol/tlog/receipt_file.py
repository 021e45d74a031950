"""Protocol V9: receipts as they are saved: an entry's header, and the board's signed promise to keep it.

The file is canonical JSON: {"header": <the header's text>, "proof": <text of a tlog-proof>}. Boards answer with it when
an entry was appended (docs/spec/http.md), voters keep it, verifiers check it.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import msgspec

from voting.protocol.encoding import decode, encode
from voting.protocol.errors import DecodeError
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.header import EntryHeader, parse_header
from voting.protocol.tlog.note import NoteKey
from voting.protocol.tlog.proof import parse_receipt, verify_receipt

MAX_RECEIPT_FILE_BYTES = 4_000_000


class ReceiptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A receipt as it is saved; unchecked."""

    header: str
    proof: str


def write_receipt_file(header: bytes, proof: bytes) -> bytes:
    """Protocol V9: the bytes of a receipt file.

    Args:
        header: the entry header's bytes.
        proof: the tlog-proof (L6) that leads from it to a signed checkpoint.
    """
    return encode(ReceiptFile(header=header.decode("utf-8"), proof=proof.decode("utf-8")))


def read_receipt_file(data: bytes, *, what: str = "the receipt") -> ReceiptFile:
    """Protocol V9a: read a receipt file, unchecked. Raises DecodeError if it has another form."""
    return decode(data, ReceiptFile, what=what, limit=MAX_RECEIPT_FILE_BYTES)


def check_receipt(receipt: ReceiptFile, key: NoteKey, *, what: str = "the receipt") -> tuple[EntryHeader, Checkpoint]:
    """Protocol V9b: check that the board has signed for the entry; gives its header and the signed checkpoint.

    Args:
        key: the board's key, from the manifest or from another place that the voter trusts.

    Raises:
        DecodeError: if the receipt is malformed.
        SignatureInvalid: if the board did not sign its checkpoint.
        ProofError: if the proof does not lead from this header to that checkpoint, or they name different places.
    """
    header_bytes = receipt.header.encode("utf-8")
    header = parse_header(header_bytes, what=f"{what}, header")
    proof = receipt.proof.encode("utf-8")
    index = parse_receipt(proof, what=what).index
    if header.seq != index:
        raise DecodeError(f"is for entry {index}, but its header is that of entry {header.seq}", where=what)
    return header, verify_receipt(proof, header_bytes, key, what=what)
