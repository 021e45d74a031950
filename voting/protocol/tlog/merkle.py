"""Protocol L2: the Merkle tree over the entry headers (RFC 6962, section 2.1; RFC 9162, section 2.1).

A leaf is hashed as SHA-256(0x00 || leaf), two subtrees as SHA-256(0x01 || left || right). A tree of n leaves splits at
the largest power of two below n. Nodes are named by (level, position): the root of the complete subtree of leaves
[position * 2^level, (position + 1) * 2^level). Complete nodes never change, so the board stores them; all else is
computed from them.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from voting.protocol.encoding import MAX_SAFE_INTEGER
from voting.protocol.errors import ProofError

HASH_BYTES = 32
MAX_PROOF_HASHES = 63
"""No proof in a tree of fewer than 2^63 leaves is longer."""

EMPTY_ROOT = hashlib.sha256(b"").digest()

NodeSource = Callable[[int, int], bytes]
"""Gives the hash of the complete node (level, position)."""


class Node(NamedTuple):
    """The root of a complete subtree of 2^level leaves."""

    level: int
    position: int
    hash: bytes


def leaf_hash(leaf: bytes) -> bytes:
    """Protocol L2a: SHA-256(0x00 || leaf); the leaf is an entry header's bytes. RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Protocol L2b: SHA-256(0x01 || left || right), of two 32-byte hashes. RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """Protocol L2c: the right edge of a growing tree: all that is needed to append leaves and to know the root.

    It holds one hash for each bit set in the size, largest subtree first: about log2(size) hashes.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    @classmethod
    def load(cls, size: int, source: NodeSource) -> Frontier:
        """The frontier of the first `size` leaves, read from stored nodes."""
        frontier = cls()
        frontier.size = size
        start = 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                frontier._peaks.append(source(level, start >> level))
                start += 1 << level
        return frontier

    def append(self, leaf: bytes) -> list[Node]:
        """Add one leaf. Returns the nodes that are complete now, the leaf's own (level 0) first."""
        return self.append_hash(leaf_hash(leaf))

    def append_hash(self, hash_: bytes) -> list[Node]:
        """Add one leaf by its 32-byte leaf hash. Returns the nodes that are complete now."""
        index = self.size
        nodes = [Node(0, index, hash_)]
        level = 0
        while index & 1:
            hash_ = node_hash(self._peaks.pop(), hash_)
            index >>= 1
            level += 1
            nodes.append(Node(level, index, hash_))
        self._peaks.append(hash_)
        self.size += 1
        return nodes

    def root(self) -> bytes:
        """The root of the tree so far: 32 bytes."""
        if not self._peaks:
            return EMPTY_ROOT
        hash_ = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            hash_ = node_hash(peak, hash_)
        return hash_

    def copy(self) -> Frontier:
        """A frontier that can grow on its own."""
        other = Frontier()
        other.size = self.size
        other._peaks = list(self._peaks)
        return other


def tree_root(size: int, source: NodeSource) -> bytes:
    """Protocol L2d: the root of the first `size` leaves, from stored nodes."""
    return Frontier.load(size, source).root()


def inclusion_proof(index: int, size: int, source: NodeSource) -> tuple[bytes, ...]:
    """Protocol L2e: the path PATH(index, D[size]) of RFC 6962, section 2.1.1: the leaf's sibling first.

    Args:
        index: leaf index, in [0, size).
        size: tree size, at least 1.
        source: gives the complete nodes of the first `size` leaves.

    Raises:
        ProofError: if index or size are out of range.
    """
    _require_index(index, size)
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, source))
            end = middle
        else:
            path.append(_range_hash(start, middle, source))
            start = middle
    path.reverse()
    return tuple(path)


def consistency_proof(old: int, new: int, source: NodeSource) -> tuple[bytes, ...]:
    """Protocol L2f: PROOF(old, D[new]) of RFC 6962, section 2.1.2: the first `old` leaves are those of the old tree.

    Args:
        old: size of the older tree, in [1, new].
        new: size of the newer tree.
        source: gives the complete nodes of the first `new` leaves.

    Raises:
        ProofError: if the sizes are out of range.
    """
    _require_sizes(old, new)
    start, end = 0, new
    path: list[bytes] = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, source))
            end = middle
        else:
            path.append(_range_hash(start, middle, source))
            start = middle
    if start:
        path.append(_range_hash(start, end, source))
    path.reverse()
    return tuple(path)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Protocol L2g: check that `leaf` (a leaf hash) is number `index` of the tree of `size` leaves with this root.

    Args:
        leaf: `leaf_hash` of the entry header, 32 bytes.
        index: in [0, size).
        proof: hashes of 32 bytes, the leaf's sibling first.
        root: 32 bytes.

    Raises:
        ProofError: if it is not so, or an argument is out of range. RFC 9162, section 2.1.3.2.
    """
    _require_index(index, size)
    _require_hashes(leaf, root, *proof)
    position, last = index, size - 1
    hash_ = leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("has too many hashes", where="the inclusion proof")
        if position & 1 or position == last:
            hash_ = node_hash(sibling, hash_)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            hash_ = node_hash(hash_, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("has too few hashes", where="the inclusion proof")
    if hash_ != root:
        raise ProofError("does not lead to the root of the checkpoint", where="the inclusion proof")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Protocol L2h: check that the tree of `old` leaves is a beginning of the tree of `new` leaves.

    Args:
        old: in [1, new]. Every tree extends the empty one, without a proof; that case is the caller's.
        old_root, new_root: 32 bytes each.
        proof: hashes of 32 bytes, as `consistency_proof` gives them; empty if old = new.

    Raises:
        ProofError: if it is not so, or an argument is out of range. RFC 9162, section 2.1.4.2.
    """
    where = "the consistency proof"
    _require_sizes(old, new)
    _require_hashes(old_root, new_root, *proof)
    if old == new:
        if proof:
            raise ProofError("must be empty between trees of one size", where=where)
        if old_root != new_root:
            raise ProofError("cannot exist: two trees of one size have different roots", where=where)
        return
    hashes = list(proof)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofError("has too few hashes", where=where)
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    of_old = of_new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofError("has too many hashes", where=where)
        if position & 1 or position == last:
            of_old = node_hash(sibling, of_old)
            of_new = node_hash(sibling, of_new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            of_new = node_hash(of_new, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("has too few hashes", where=where)
    if of_old != old_root:
        raise ProofError("does not lead to the root of the older tree", where=where)
    if of_new != new_root:
        raise ProofError("does not lead to the root of the newer tree", where=where)


def _split(size: int) -> int:
    """The largest power of two below `size` (size at least 2)."""
    return 1 << (size - 1).bit_length() - 1


def _range_hash(start: int, end: int, source: NodeSource) -> bytes:
    """The root of the subtree of leaves [start, end), where start is a multiple of a power of two >= end - start."""
    hashes: list[bytes] = []
    for level in reversed(range((end - start).bit_length())):
        if (end - start) >> level & 1:
            hashes.append(source(level, start >> level))
            start += 1 << level
    hash_ = hashes.pop()
    while hashes:
        hash_ = node_hash(hashes.pop(), hash_)
    return hash_


def _require_index(index: int, size: int) -> None:
    if not 0 <= index < size <= MAX_SAFE_INTEGER:
        raise ProofError(f"index {index} is not inside a tree of size {size}", where="the inclusion proof")


def _require_sizes(old: int, new: int) -> None:
    if not 0 < old <= new <= MAX_SAFE_INTEGER:
        raise ProofError(f"is not defined from size {old} to size {new}", where="the consistency proof")


def _require_hashes(*hashes: bytes) -> None:
    if len(hashes) > MAX_PROOF_HASHES + 2:
        raise ProofError("has too many hashes", where="the proof")
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise ProofError(f"has a hash that is not {HASH_BYTES} bytes long", where="the proof")
