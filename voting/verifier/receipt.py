"""Protocol V9: receipts of voters: the header of the ballot's entry, and the board's signed promise to keep it.

The file is canonical JSON: {"header": <the header's text>, "proof": <text of a tlog-proof>}.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import msgspec

from voting.protocol.encoding import decode, encode
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.tlog.checkpoint import Checkpoint, parse_checkpoint
from voting.protocol.tlog.header import EntryHeader, parse_header
from voting.protocol.tlog.note import NoteKey, parse_note
from voting.protocol.tlog.proof import parse_receipt, verify_receipt
from voting.verifier.load import RecordSource
from voting.verifier.replay import Replay

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


def verify_kept(receipt: ReceiptFile, checkpoint: Checkpoint, source: RecordSource, replay: Replay) -> None:
    """Protocol V9c: check that a record keeps what the board promised in a receipt that `check_receipt` accepted.

    Args:
        checkpoint: the receipt's.
        source: the record.
        replay: its replay, with the root of the first `checkpoint.size` headers.

    Raises:
        VerificationError: (check 21) if the entry is not in the record, or the record has another history.
    """
    header = receipt.header.encode("utf-8")
    seq = parse_header(header).seq
    subject = f"entry {seq}"
    if checkpoint.size > replay.entries:
        reason = (
            "the record has fewer entries than the board had signed in the receipt: it is older, or entries are gone"
        )
        raise VerificationError(
            "21", subject, reason, expected=f"at least {checkpoint.size}", found=str(replay.entries)
        )
    if next(source.headers(seq), None) != header:
        raise VerificationError("21", subject, "the record has another entry in the place of the one in the receipt")
    if replay.earlier_root != checkpoint.root:
        reason = f"the record's first {checkpoint.size} entries are not those that the board had signed in the receipt"
        raise VerificationError("21", subject, reason)


def earlier_checkpoint(data: bytes, *, what: str) -> bytes:
    """Protocol V9d: the signed checkpoint in a file that is one, or a receipt file, or a tlog-proof; unchecked.

    Raises:
        DecodeError: if the file is none of them.
    """
    if data.startswith(b"{"):
        return parse_receipt(read_receipt_file(data, what=what).proof.encode("utf-8"), what=what).checkpoint
    if data.startswith(b"c2sp.org/tlog-proof"):
        return parse_receipt(data, what=what).checkpoint
    checkpoint_size(data, what=what)
    return data


def checkpoint_size(note: bytes, *, what: str = "the earlier checkpoint") -> int:
    """The size that a signed checkpoint names, whoever signed it. Raises DecodeError if it is malformed."""
    return parse_checkpoint(parse_note(note, what=what).text, what=what).size
