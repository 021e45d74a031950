"""Quorums of witnesses, and evidence: exactly what contradicts itself convicts a board."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, body_of
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import ZERO_HASH, decode, encode, sha256
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UrneError
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.evidence import (
    EntryEvidence,
    HistoryEvidence,
    check_evidence,
    history_evidence,
    read_evidence,
    receipt_evidence,
    tree_of,
    write_evidence,
)
from voting.protocol.tlog.header import encode_header, make_header
from voting.protocol.tlog.merkle import consistency_proof, inclusion_proof, tree_root
from voting.protocol.tlog.note import TYPE_COSIGNATURE, cosign, format_signature_line, note_key, parse_note
from voting.protocol.tlog.proof import Receipt, format_receipt
from voting.protocol.tlog.receipt_file import ReceiptFile
from voting.protocol.tlog.text import encode_base64
from voting.protocol.tlog.witnesses import (
    DEFAULT_MAX_AGE,
    MAX_AHEAD,
    WitnessPolicy,
    least_quorum,
    parse_witnesses,
    tolerated_witnesses,
    verify_fresh,
    verify_quorum,
    witness_problems,
)

BOARD = note_key(ORIGIN, KEY.verify_key)
WITNESSES = [SigningKey.from_seed(bytes([number]) * 32) for number in range(1, 8)]
KEYS = [note_key(f"w{n}.example", key.verify_key, TYPE_COSIGNATURE) for n, key in enumerate(WITNESSES)]
NOW = 1_800_000_000


def chain(numbers: Sequence[int]) -> list[bytes]:
    headers: list[bytes] = []
    for seq, number in enumerate(numbers):
        prev = sha256(headers[-1]) if headers else ZERO_HASH
        headers.append(encode_header(make_header(seq, prev, "note.text", body_of(number))))
    return headers


def note_of(headers: Sequence[bytes], key: SigningKey = KEY) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, len(headers), tree_root(len(headers), tree_of(headers))), key)


def receipt_of(headers: Sequence[bytes], seq: int, key: SigningKey = KEY) -> ReceiptFile:
    proof = Receipt(seq, inclusion_proof(seq, len(headers), tree_of(headers)), note_of(headers, key))
    return ReceiptFile(header=headers[seq].decode(), proof=format_receipt(proof).decode())


def cosigned(note: bytes, signers: Sequence[int], time: int = NOW) -> bytes:
    text = parse_note(note).text
    lines = (format_signature_line(cosign(text, KEYS[n].name, WITNESSES[n], time)) for n in signers)
    return note + b"".join(lines)


# -- quorum ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "f", "k"), [(3, 0, 2), (3, 1, 3), (4, 1, 3), (5, 1, 4), (7, 2, 5)])
def test_the_rule_for_quorums(n: int, f: int, k: int) -> None:
    assert tolerated_witnesses(n, k) >= f
    assert tolerated_witnesses(n, k - 1) < f


@pytest.mark.parametrize("n", range(1, 7))
def test_the_rule_is_what_counting_says(n: int) -> None:
    """Two quorums of k always share more than f witnesses, and with one less they need not."""
    for k in range(1, n + 1):
        shared = min(len(set(a) & set(b)) for a in combinations(range(n), k) for b in combinations(range(n), k))
        assert tolerated_witnesses(n, k) == shared - 1
    assert tolerated_witnesses(n, least_quorum(n)) >= 0
    assert tolerated_witnesses(n, least_quorum(n) - 1) < 0


def test_a_quorum_is_counted_by_public_keys() -> None:
    note = note_of(chain([1, 2]))
    policy = WitnessPolicy(tuple(KEYS[:3]), 2)
    assert {c.key.name for c in verify_quorum(cosigned(note, [0, 2]), policy, board=BOARD)} == {
        KEYS[0].name,
        KEYS[2].name,
    }
    for signers in ([0], [0, 0], [0, 5], []):
        with pytest.raises(SignatureInvalid, match="of the 2 witnesses"):
            verify_quorum(cosigned(note, signers), policy, board=BOARD)
    other = cosigned(note_of(chain([3])), [1]).splitlines(keepends=True)[-1]
    with pytest.raises(SignatureInvalid):
        verify_quorum(cosigned(note, [0, 2]) + other, policy, board=BOARD)
    verify_quorum(note, WitnessPolicy(), board=BOARD)


@pytest.mark.parametrize(
    ("vkeys", "quorum", "expected"),
    [
        ([], 0, []),
        ([], 1, ["quorum"]),
        ([KEYS[0].vkey, KEYS[1].vkey], 1, ["quorum"]),
        ([KEYS[0].vkey, KEYS[1].vkey], 2, []),
        ([KEYS[0].vkey, KEYS[1].vkey], 3, ["quorum"]),
        ([KEYS[0].vkey], 0, ["quorum"]),
        ([KEYS[0].vkey, KEYS[0].vkey], 2, ["witnesses[2]"]),
        ([BOARD.vkey], 1, ["witnesses[1]"]),
        ([note_key("w", KEY.verify_key, TYPE_COSIGNATURE).vkey], 1, ["witnesses[1]"]),
        (["nonsense"], 1, ["witnesses[1]"]),
        (
            [note_key(f"w{n}", SigningKey.from_seed(bytes([n]) * 32).verify_key, 4).vkey for n in range(16)],
            9,
            ["witnesses"],
        ),
    ],
)
def test_what_is_wrong_with_a_list_of_witnesses(vkeys: list[str], quorum: int, expected: list[str]) -> None:
    assert sorted({problem.where for problem in witness_problems(vkeys, quorum, BOARD)}) == expected
    if not expected:
        assert parse_witnesses(vkeys, quorum).quorum == quorum


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        ([NOW, NOW], ""),
        ([NOW - DEFAULT_MAX_AGE, NOW + MAX_AHEAD], ""),
        ([NOW, NOW - DEFAULT_MAX_AGE - 1], "stale"),
        ([NOW, NOW + 86_400], "future"),
        ([NOW, NOW, 0], ""),
        ([], "stale"),
    ],
)
def test_old_and_future_cosignatures_are_not_fresh(times: list[int], problem: str) -> None:
    note = note_of(chain([1]))
    for position, time in enumerate(times):
        note = cosigned(note, [position], time)
    found = verify_quorum(note, WitnessPolicy(tuple(KEYS), 0), board=BOARD)
    if not problem:
        verify_fresh(found, 2, now=NOW)
        return
    with pytest.raises(SignatureInvalid, match=problem):
        verify_fresh(found, 2, now=NOW)


# -- evidence ----------------------------------------------------------------------------------------------------------


@given(shared=st.integers(0, 9), first=st.integers(0, 9), second=st.integers(0, 9), with_witness=st.booleans())
def test_history_convicts_exactly_when_it_forked(shared: int, first: int, second: int, with_witness: bool) -> None:
    """Two logs with a common beginning: they contradict each other when the shorter goes on differently."""
    a = chain([*range(shared), *range(100, 100 + first)])
    b = chain([*range(shared), *range(200, 200 + second)])
    longer = a if len(a) > len(b) else b
    is_fork = bool(first and second)
    other = cosigned(note_of(b), [1]) if with_witness else note_of(b)
    found = history_evidence(note_of(a), other, tree_of(longer), BOARD)
    assert (found is not None) == is_fork
    if found is not None:
        data = write_evidence(found)
        shown = check_evidence(read_evidence(data), BOARD)
        assert {shown.first.size, shown.second.size} == {len(a), len(b)}


@given(shared=st.integers(0, 6), first=st.integers(0, 6), second=st.integers(0, 6), place=st.integers(0, 11))
def test_a_broken_receipt_convicts(shared: int, first: int, second: int, place: int) -> None:
    promised = chain([*range(shared), *range(100, 100 + first)])
    shown = chain([*range(shared), *range(200, 200 + second)])
    if place >= len(promised):
        return
    found = receipt_evidence(receipt_of(promised, place), shown, note_of(shown), BOARD)
    is_kept = promised == shown[: len(promised)]
    if found is None:
        # Nothing proves that a board is wrong that shows less, and nothing else at this place.
        assert (
            is_kept
            or not first
            or (len(shown) < len(promised) and (place >= len(shown) or promised[place] == shown[place]))
        )
    else:
        assert not is_kept
        check_evidence(read_evidence(write_evidence(found)), BOARD)


def fork() -> tuple[list[bytes], list[bytes]]:
    return chain([1, 2, 3, 4, 5]), chain([1, 2, 30, 4, 5, 6, 7])


def test_consistent_pairs_are_refused_whatever_is_written_around_them() -> None:
    honest = chain(range(7))
    tree = tree_of(honest)
    old, new = note_of(honest[:5]), note_of(honest)
    hashes = tuple(encode_base64(hash_) for hash_ in consistency_proof(5, 7, tree))
    right = encode_base64(tree_root(5, tree))
    wrong = encode_base64(bytes(32))
    for evidence in (
        HistoryEvidence(hashes=hashes, newer=new.decode(), older=old.decode(), root=right),
        HistoryEvidence(hashes=hashes, newer=new.decode(), older=old.decode(), root=wrong),
        HistoryEvidence(hashes=hashes[:-1], newer=new.decode(), older=old.decode(), root=wrong),
        HistoryEvidence(hashes=(), newer=new.decode(), older=new.decode(), root=wrong),
        HistoryEvidence(hashes=(), newer=old.decode(), older=new.decode(), root=wrong),
        HistoryEvidence(hashes=(wrong,) * 64, newer=new.decode(), older=old.decode(), root=wrong),
        HistoryEvidence(hashes=(), newer=new.decode(), older=note_of([]).decode(), root=wrong),
        EntryEvidence(first=receipt_of(honest[:5], 2), second=receipt_of(honest, 2)),
        EntryEvidence(first=receipt_of(honest[:5], 2), second=receipt_of(honest, 3)),
    ):
        with pytest.raises(ProofError):
            check_evidence(evidence, BOARD)


def test_both_parts_must_be_signed_by_the_board() -> None:
    a, b = fork()
    history = history_evidence(note_of(a), note_of(b), tree_of(b), BOARD)
    assert history is not None
    forged = HistoryEvidence(
        hashes=history.hashes, newer=note_of(b, OTHER_KEY).decode(), older=history.older, root=history.root
    )
    entry = EntryEvidence(first=receipt_of(a, 2), second=receipt_of(b, 2))
    check_evidence(entry, BOARD)
    for evidence in (forged, EntryEvidence(first=receipt_of(a, 2, OTHER_KEY), second=receipt_of(b, 2))):
        with pytest.raises(SignatureInvalid):
            check_evidence(evidence, BOARD)
    with pytest.raises(SignatureInvalid):
        check_evidence(entry, note_key(ORIGIN, OTHER_KEY.verify_key))
    with pytest.raises(SignatureInvalid):
        history_evidence(note_of(a, OTHER_KEY), note_of(b), tree_of(b), BOARD)
    with pytest.raises(ProofError):
        history_evidence(note_of(a), note_of(b), tree_of(a + a), BOARD)


@given(st.data())
def test_a_changed_evidence_file_never_convicts_by_its_change(data: st.DataObject) -> None:
    """Flip one byte of a file about a consistent pair: it is refused. Of a good one: refused, or it still convicts."""
    honest = chain(range(7))
    tree = tree_of(honest)
    hashes = tuple(encode_base64(hash_) for hash_ in consistency_proof(5, 7, tree))
    innocent = HistoryEvidence(
        hashes=hashes, newer=note_of(honest).decode(), older=note_of(honest[:5]).decode(), root=encode_base64(bytes(32))
    )
    content = bytearray(write_evidence(innocent))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(UrneError):
        check_evidence(read_evidence(bytes(content)), BOARD)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"kind":"other"}', b'{"kind":"entry"}'])
def test_other_files_are_no_evidence(content: bytes) -> None:
    with pytest.raises(DecodeError):
        read_evidence(content)


def test_an_evidence_file_is_canonical_json() -> None:
    a, b = fork()
    for found in (history_evidence(note_of(a), note_of(b), tree_of(b), BOARD),
                  receipt_evidence(receipt_of(b, 2), a, note_of(a), BOARD)):  # fmt: skip
        assert found is not None
        data = write_evidence(found)
        assert encode(decode(data, dict, what="evidence")) == data
    assert isinstance(found, EntryEvidence)
