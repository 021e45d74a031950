"""The Merkle tree against the recursive definition of RFC 6962, and the chain of entry headers."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest

from voting.protocol.encoding import ZERO_HASH, encode, sha256
from voting.protocol.errors import DecodeError, ProofError
from voting.protocol.tlog.header import (
    EntryHeader,
    check_body,
    check_link,
    encode_header,
    make_header,
    parse_header,
)
from voting.protocol.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 130


def entry(i: int) -> bytes:
    return encode({"seq": i, "type": "ballot", "v": 1})


@cache
def naive_root(start: int, end: int) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if start == end:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return leaf_hash(entry(start))
    k = 1
    while k * 2 < end - start:
        k *= 2
    return node_hash(naive_root(start, start + k), naive_root(start + k, end))


def naive_path(m: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    k = 1
    while k * 2 < end - start:
        k *= 2
    if m < k:
        return [*naive_path(m, start, start + k), naive_root(start + k, end)]
    return [*naive_path(m - k, start + k, end), naive_root(start, start + k)]


def naive_subproof(m: int, start: int, end: int, complete: bool) -> list[bytes]:
    n = end - start
    if m == n:
        return [] if complete else [naive_root(start, end)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*naive_subproof(m, start, start + k, complete), naive_root(start + k, end)]
    return [*naive_subproof(m - k, start + k, end, False), naive_root(start, start + k)]


@pytest.fixture(scope="module")
def nodes() -> dict[tuple[int, int], bytes]:
    frontier = Frontier()
    stored: dict[tuple[int, int], bytes] = {}
    for i in range(300):
        for node in frontier.append(entry(i)):
            stored[node.level, node.position] = node.hash
        if frontier.size <= LARGEST:
            assert frontier.root() == naive_root(0, frontier.size)
    return stored


Nodes = dict[tuple[int, int], bytes]


def test_empty_tree_has_the_published_root() -> None:
    assert Frontier().root() == EMPTY_ROOT == naive_root(0, 0)


def test_every_inclusion_proof_up_to_the_limit(nodes: Nodes) -> None:
    for size in range(1, LARGEST + 1):
        root = naive_root(0, size)
        assert tree_root(size, lambda level, position: nodes[level, position]) == root
        for index in range(size):
            proof = inclusion_proof(index, size, lambda level, position: nodes[level, position])
            assert list(proof) == naive_path(index, 0, size)
            verify_inclusion(leaf_hash(entry(index)), index, size, proof, root)


def test_every_consistency_proof_up_to_the_limit(nodes: Nodes) -> None:
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, lambda level, position: nodes[level, position])
            assert list(proof) == naive_subproof(old, 0, new, True)
            verify_consistency(old, new, naive_root(0, old), naive_root(0, new), proof)


def mutations(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """Proofs that differ from `proof`: one byte, one hash more or less, two swapped, one short, one long."""
    changed: list[tuple[bytes, ...]] = [(*proof, bytes(32)), (bytes(32), *proof), proof[:-1], proof[1:]]
    for i, hash_ in enumerate(proof):
        before, after = proof[:i], proof[i + 1 :]
        altered = [
            bytes([hash_[0] ^ 1]) + hash_[1:],
            hash_[:-1] + bytes([hash_[-1] ^ 128]),
            hash_[:-1],
            hash_ + b"0",
            b"",
        ]
        changed += [(*before, *after), *((*before, other, *after) for other in altered)]
        if i:
            changed.append((*proof[: i - 1], proof[i], proof[i - 1], *proof[i + 1 :]))
    return [other for other in changed if other != proof]


def test_every_mutated_inclusion_proof_is_refused(nodes: Nodes) -> None:
    for size in (1, 2, 3, 7, 8, 9, 64, 100):
        root = naive_root(0, size)
        for index in range(size):
            leaf = leaf_hash(entry(index))
            proof = inclusion_proof(index, size, lambda level, position: nodes[level, position])
            for other in mutations(proof):
                with pytest.raises(ProofError):
                    verify_inclusion(leaf, index, size, other, root)
            for wrong in (-1, size, size + 1, index ^ 1):
                with pytest.raises(ProofError):
                    verify_inclusion(leaf, wrong, size, proof, root)
            with pytest.raises(ProofError):
                verify_inclusion(bytes(32), index, size, proof, root)
            with pytest.raises(ProofError):
                verify_inclusion(leaf, index, size, proof, bytes(32))
            with pytest.raises(ProofError, match="32 bytes"):
                verify_inclusion(b"", index, size, proof, root)


def test_every_mutated_consistency_proof_is_refused(nodes: Nodes) -> None:
    for new in (1, 2, 3, 7, 8, 9, 64, 100):
        for old in range(1, new + 1):
            roots = naive_root(0, old), naive_root(0, new)
            proof = consistency_proof(old, new, lambda level, position: nodes[level, position])
            for other in mutations(proof):
                with pytest.raises(ProofError):
                    verify_consistency(old, new, *roots, other)
            for wrong in ((bytes(32), roots[1]), (roots[0], bytes(32)), (roots[0][:-1], roots[1])):
                with pytest.raises(ProofError):
                    verify_consistency(old, new, *wrong, proof)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (2, 1), (-1, 1)])
def test_consistency_outside_its_range_is_refused(old: int, new: int) -> None:
    with pytest.raises(ProofError, match="not defined"):
        verify_consistency(old, new, EMPTY_ROOT, EMPTY_ROOT, [])


def test_frontier_loaded_from_nodes_grows_like_the_first(nodes: Nodes) -> None:
    for size in range(LARGEST):
        frontier = Frontier.load(size, lambda level, position: nodes[level, position])
        twin = frontier.copy()
        frontier.append(entry(size))
        assert frontier.root() == naive_root(0, size + 1)
        assert twin.root() == naive_root(0, size)


def chain(count: int) -> list[tuple[bytes, bytes]]:
    prev, made = ZERO_HASH, []
    for seq in range(count):
        body = entry(seq)
        header = encode_header(make_header(seq, prev, "ballot.cast", body))
        made.append((header, body))
        prev = sha256(header)
    return made


def test_headers_chain() -> None:
    prev = ZERO_HASH
    for seq, (data, body) in enumerate(chain(5)):
        header = parse_header(data)
        check_link(header, seq=seq, prev=prev)
        check_body(header, body)
        with pytest.raises(ProofError, match="header before it"):
            check_link(header, seq=seq, prev=sha256(b"another"))
        with pytest.raises(ProofError, match="says it is entry"):
            check_link(header, seq=seq + 1, prev=prev)
        with pytest.raises(ProofError, match="not the one"):
            check_body(header, body.replace(b"1", b"2"))
        with pytest.raises(ProofError, match="bytes long"):
            check_body(header, body + b" ")
        prev = sha256(data)


@pytest.mark.parametrize(
    "type_", ["ballot", "ballot.", ".cast", "Ballot.cast", "ballot.cast\n", "a.b.c", "", "a." + "b" * 63]
)
def test_a_wrong_entry_type_is_refused(type_: str) -> None:
    with pytest.raises(DecodeError, match="entry type"):
        make_header(0, ZERO_HASH, type_, b"{}")
    header = EntryHeader(body=sha256(b"{}"), prev=ZERO_HASH, seq=0, size=2, type=type_)
    with pytest.raises(DecodeError):
        parse_header(encode(header))


@pytest.mark.parametrize("size", [0, 4 * 1024 * 1024 + 1])
def test_a_body_outside_its_limits_is_refused(size: int) -> None:
    with pytest.raises(DecodeError, match="bytes long"):
        make_header(0, ZERO_HASH, "ballot.cast", b"x" * size)
