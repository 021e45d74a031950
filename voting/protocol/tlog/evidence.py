"""Protocol L23: evidence files: two promises of one board that cannot both be kept (docs/spec/log.md, "Evidence").

Whoever holds the board's key signed both. Anybody can check that with the file and the board's key alone, so a board
that is caught cannot deny it. Two states of a log that merely grew are no evidence, whatever is written around them.

Kinds, both canonical JSON:

    history  two checkpoints, and a proof from the newer one that its log begins with another root than the older names
    entry    two receipts for one place of the log that hold different entries

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from voting.protocol.encoding import decode, encode
from voting.protocol.errors import ProofError, UrneError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.merkle import (
    HASH_BYTES,
    MAX_PROOF_HASHES,
    Frontier,
    NodeSource,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
)
from voting.protocol.tlog.note import Note, NoteKey, format_note, parse_note, verify_note
from voting.protocol.tlog.proof import Receipt, format_receipt, parse_receipt
from voting.protocol.tlog.receipt_file import ReceiptFile, check_receipt
from voting.protocol.tlog.text import decode_base64, encode_base64

MAX_EVIDENCE_BYTES = 4_000_000


class HistoryEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="history"):
    """Protocol L23a: `older` and `newer` are signed checkpoints of sizes m <= n, n's log begins with another root.

    hashes: the consistency proof (L2f) from `root` at size m to `newer`, in base64; none if m = n.
    newer, older: the signed notes.
    root: base64 of the root of the first m entries of the newer log.
    """

    hashes: tuple[str, ...]
    newer: str
    older: str
    root: str


class EntryEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="entry"):
    """Protocol L23b: two receipts (V9) of one board for one place, with different entry headers."""

    first: ReceiptFile
    second: ReceiptFile


Evidence = HistoryEvidence | EntryEvidence


class Contradiction(NamedTuple):
    """What a piece of evidence shows: the two checkpoints, and the place in the log where it is about one."""

    first: Checkpoint
    second: Checkpoint
    place: int | None = None


def write_evidence(evidence: Evidence) -> bytes:
    """Protocol L23c: the bytes of an evidence file."""
    return encode(evidence)


def read_evidence(data: bytes, *, what: str = "the evidence") -> Evidence:
    """Protocol L23d: read an evidence file, unchecked. Raises DecodeError if it is none."""
    return decode(data, Evidence, what=what, limit=MAX_EVIDENCE_BYTES)  # type: ignore[arg-type]  # a union of structs


def check_evidence(evidence: Evidence, key: NoteKey, *, what: str = "the evidence") -> Contradiction:
    """Protocol L23e: check that the board `key` made two promises that contradict each other; gives them.

    Raises:
        DecodeError: if a part is malformed.
        SignatureInvalid: if the board did not sign both.
        ProofError: if the two do not contradict each other, or a proof in it does not hold.
    """
    if isinstance(evidence, EntryEvidence):
        return _check_entry(evidence, key, what)
    older = open_checkpoint(evidence.older.encode(), key, what=f"{what}, older")
    newer = open_checkpoint(evidence.newer.encode(), key, what=f"{what}, newer")
    root = decode_base64(evidence.root, HASH_BYTES, what=f"{what}, root")
    if len(evidence.hashes) > MAX_PROOF_HASHES:
        raise ProofError(f"has more than {MAX_PROOF_HASHES} hashes", where=what)
    hashes = [decode_base64(text, HASH_BYTES, what=f"{what}, hash") for text in evidence.hashes]
    try:
        verify_consistency(older.size, newer.size, root, newer.root, hashes)
    except ProofError as error:
        raise error.at(what) from None
    if root == older.root:
        raise _consistent(what)
    return Contradiction(older, newer)


def history_evidence(older: bytes, newer: bytes, source: NodeSource, key: NoteKey) -> HistoryEvidence | None:
    """Protocol L23f: the evidence that two signed checkpoints contradict each other, or None if they do not.

    Args:
        older, newer: signed notes, in any order.
        source: gives the complete nodes of the larger tree; not asked if both have one size.

    Raises:
        DecodeError, SignatureInvalid: unless the board signed both.
        ProofError: if `source` is not the tree of the larger checkpoint.
    """
    first, second = open_checkpoint(older, key), open_checkpoint(newer, key)
    if first.size > second.size:
        older, newer, first, second = newer, older, second, first
    if first.size == second.size:
        hashes: tuple[bytes, ...] = ()
        root = second.root
    elif first.size == 0:
        return None
    else:
        hashes = consistency_proof(first.size, second.size, source)
        root = tree_root(first.size, source)
        verify_consistency(first.size, second.size, root, second.root, hashes)
    if root == first.root:
        return None
    return HistoryEvidence(
        hashes=tuple(encode_base64(hash_) for hash_ in hashes),
        newer=_signed_only(newer, key),
        older=_signed_only(older, key),
        root=encode_base64(root),
    )


def receipt_evidence(
    receipt: ReceiptFile, headers: Sequence[bytes], checkpoint: bytes, key: NoteKey
) -> Evidence | None:
    """Protocol L23g: the evidence that a log breaks the promise of a receipt, or None if it does not.

    Args:
        receipt: a receipt file, as the voter kept it.
        headers: all headers' bytes that `checkpoint` covers.
        checkpoint: the log's signed note.
        key: the board's.

    Raises:
        DecodeError, SignatureInvalid, ProofError: if the receipt is not good, or the headers are not the log's.
    """
    header, promised = check_receipt(receipt, key)
    shown = open_checkpoint(checkpoint, key)
    source = tree_of(headers)
    if shown.size != len(headers) or shown.root != tree_root(len(headers), source):
        raise ProofError("is not of these entries", where="the checkpoint")
    if promised.size <= shown.size:
        found = history_evidence(parse_receipt(receipt.proof.encode()).checkpoint, checkpoint, source, key)
        if found is not None:
            return found
    if header.seq >= shown.size or headers[header.seq] == receipt.header.encode():
        return None
    proof = Receipt(header.seq, inclusion_proof(header.seq, shown.size, source), _signed_only(checkpoint, key).encode())
    other = ReceiptFile(header=headers[header.seq].decode(), proof=format_receipt(proof).decode())
    return EntryEvidence(first=receipt, second=other)


def tree_of(headers: Sequence[bytes]) -> NodeSource:
    """The complete nodes of the tree over these leaves, computed when they are asked for."""
    leaves = [leaf_hash(header) for header in headers]

    def node(level: int, position: int) -> bytes:
        frontier = Frontier()
        for hash_ in leaves[position << level : (position + 1) << level]:
            frontier.append_hash(hash_)
        return frontier.root()

    return node


def _check_entry(evidence: EntryEvidence, key: NoteKey, what: str) -> Contradiction:
    first, before = check_receipt(evidence.first, key, what=f"{what}, first")
    second, after = check_receipt(evidence.second, key, what=f"{what}, second")
    if first.seq != second.seq:
        raise ProofError(f"is about two places, entries {first.seq} and {second.seq}", where=what)
    if evidence.first.header == evidence.second.header:
        raise _consistent(what)
    return Contradiction(before, after, first.seq)


def _consistent(what: str) -> UrneError:
    return ProofError("shows no contradiction: both can be true of a board that only grew", where=what)


def _signed_only(note: bytes, key: NoteKey) -> str:
    """The note with the board's own signatures alone."""
    parsed = parse_note(note)
    verify_note(parsed, key)
    kept = tuple(s for s in parsed.signatures if s.name == key.name and s.key_id == key.key_id)
    return format_note(Note(parsed.text, kept)).decode()
