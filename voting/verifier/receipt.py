"""Protocol V9: receipts of voters, held against a record; what an earlier visit left to compare with; evidence.

The receipt file itself is `voting.protocol.tlog.receipt_file`.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.protocol.errors import UrneError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.checkpoint import Checkpoint, parse_checkpoint
from voting.protocol.tlog.evidence import (
    Evidence,
    check_evidence,
    history_evidence,
    read_evidence,
    receipt_evidence,
    tree_of,
    write_evidence,
)
from voting.protocol.tlog.header import parse_header
from voting.protocol.tlog.note import NoteKey, parse_note, parse_vkey, verify_cosignatures
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import (
    MAX_RECEIPT_FILE_BYTES,
    ReceiptFile,
    check_receipt,
    read_receipt_file,
    write_receipt_file,
)
from voting.verifier.load import RecordSource
from voting.verifier.replay import Replay
from voting.verifier.visit import parse_visit
from voting.verifier.watch import parse_watch

__all__ = [
    "MAX_RECEIPT_FILE_BYTES",
    "ReceiptFile",
    "SignedQuorum",
    "check_receipt",
    "checkpoint_size",
    "earlier_checkpoint",
    "evidence_of",
    "read_receipt_file",
    "signed_quorum",
    "since_evidence",
    "verify_kept",
    "write_receipt_file",
]


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


class SignedQuorum(NamedTuple):
    """Which witnesses of a manifest signed the checkpoint of a receipt, and how many are needed."""

    signed: tuple[str, ...]
    quorum: int
    named: int
    """Of all that the manifest names."""

    @property
    def is_reached(self) -> bool:
        return len(self.signed) >= self.quorum

    @property
    def told(self) -> dict[str, object]:
        """As plain data."""
        return {"named": self.named, "quorum": self.quorum, "reached": self.is_reached, "signed": list(self.signed)}


def signed_quorum(receipt: ReceiptFile, manifest: Manifest, *, what: str) -> SignedQuorum:
    """Protocol V9g: who of the manifest's witnesses has signed what the board promises in a receipt.

    Raises:
        SignatureInvalid: if one of their signatures fails.
    """
    note = parse_note(parse_receipt(receipt.proof.encode("utf-8"), what=what).checkpoint, what=what)
    policy = manifest.witness_policy()
    found = verify_cosignatures(note, policy.keys, board=parse_vkey(manifest.board), what=what)
    return SignedQuorum(tuple(each.key.name for each in found), policy.quorum, len(policy.keys))


def evidence_of(receipt: ReceiptFile, source: RecordSource, key: NoteKey) -> bytes | None:
    """Protocol V9e: the evidence file (L23) that convicts a board which breaks the promise of a receipt.

    Args:
        receipt: one that `check_receipt` accepted.
        source: the record that does not keep it.
        key: the board's.

    Returns:
        None if the board did not sign this record as it is, or if both can be true: the record may just be older.
    """
    try:
        return _rechecked(receipt_evidence(receipt, list(source.headers()), source.checkpoint, key), key)
    except UrneError:
        return None


def since_evidence(earlier: bytes, source: RecordSource) -> bytes | None:
    """Protocol V9f: the evidence file (L23) that an earlier checkpoint and a record make, where they disagree.

    The record's key is taken for the board's; check 03 compares it with the manifest.

    Returns:
        None if the board did not sign both, or both can be true.
    """
    try:
        key = parse_vkey(source.vkey)
        return _rechecked(history_evidence(earlier, source.checkpoint, tree_of(list(source.headers())), key), key)
    except UrneError:
        return None


def _rechecked(found: Evidence | None, key: NoteKey) -> bytes | None:
    """The file, read again as whoever gets it will. Raises UrneError if it does not convict the board."""
    if found is None:
        return None
    data = write_evidence(found)
    check_evidence(read_evidence(data), key)
    return data


def earlier_checkpoint(data: bytes, *, what: str) -> bytes:
    """Protocol V9d: the signed checkpoint in a file that is one, a visit, a monitor's state, a receipt file or a
    tlog-proof; unchecked.

    Raises:
        DecodeError: if the file is none of them.
    """
    if data.startswith(b'{"checkpoint":'):
        return parse_visit(data, what=what).checkpoint.encode("utf-8")
    if data.startswith(b'{"board":'):
        return parse_watch(data, what=what).note
    if data.startswith(b"{"):
        return parse_receipt(read_receipt_file(data, what=what).proof.encode("utf-8"), what=what).checkpoint
    if data.startswith(b"c2sp.org/tlog-proof"):
        return parse_receipt(data, what=what).checkpoint
    checkpoint_size(data, what=what)
    return data


def checkpoint_size(note: bytes, *, what: str = "the earlier checkpoint") -> int:
    """The size that a signed checkpoint names, whoever signed it. Raises DecodeError if it is malformed."""
    return parse_checkpoint(parse_note(note, what=what).text, what=what).size
