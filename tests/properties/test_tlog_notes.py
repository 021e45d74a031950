"""The log's text files: notes, keys, checkpoints, receipts; byte for byte against a published example."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import encode, sha256
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UrneError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from voting.protocol.tlog.header import (
    parse_header,
)
from voting.protocol.tlog.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
)
from voting.protocol.tlog.note import (
    TYPE_COSIGNATURE,
    Note,
    cosign,
    format_note,
    format_signature_line,
    note_key,
    parse_note,
    parse_vkey,
    verify_cosignatures,
    verify_note,
)
from voting.protocol.tlog.proof import Receipt, format_receipt, parse_receipt, verify_receipt

ORIGIN = "board.example/election-1"
BOARD = SigningKey.from_seed(hashlib.sha256(b"demo log key").digest())
WITNESSES = [SigningKey.from_seed(hashlib.sha256(f"demo witness {i}".encode()).digest()) for i in (1, 2)]
BOARD_VKEY = "board.example/election-1+7f55acb2+AUU9zP+mY6t/L1ps4JaouUzW37dk+JKds+jmmAzGFdTD"
WITNESS_VKEYS = [
    "witness.example/w1+c9f534d7+BBv3o7nhxOs5dEa01kMG9fifprIpN1QH9I+xQ/M2GsFM",
    "witness.example/w2+1a528894+BEeoTq8q9VcbgKCF7sr5slguG+tmq5Jt8asDxpaHEbMU",
]


Nodes = dict[tuple[int, int], bytes]


def entry(i: int) -> bytes:
    return encode({"seq": i, "type": "ballot", "v": 1})


@pytest.fixture(scope="module")
def nodes() -> Nodes:
    frontier = Frontier()
    return {(node.level, node.position): node.hash for i in range(300) for node in frontier.append(entry(i))}


def cosigned_at(checkpoint: bytes, *times: int) -> bytes:
    text = parse_note(checkpoint).text
    for i, (key, time) in enumerate(zip(WITNESSES, times, strict=True), start=1):
        checkpoint += format_signature_line(cosign(text, f"witness.example/w{i}", key, time))
    return checkpoint


def example(size: int) -> bytes:
    frontier = Frontier()
    for i in range(size):
        frontier.append(entry(i))
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), BOARD)
    return cosigned_at(checkpoint, 1767225600, 1767225601)


def test_published_keys() -> None:
    assert note_key(ORIGIN, BOARD.verify_key).vkey == BOARD_VKEY
    for i, key in enumerate(WITNESSES):
        assert note_key(f"witness.example/w{i + 1}", key.verify_key, TYPE_COSIGNATURE).vkey == WITNESS_VKEYS[i]
    for vkey in (BOARD_VKEY, *WITNESS_VKEYS):
        assert parse_vkey(vkey).vkey == vkey


def test_published_checkpoint_of_size_3() -> None:
    checkpoint = example(3)
    assert sha256(checkpoint) == "6aab173e045f975fa2d4ac37ad647e41fb38236c5ebbb616ba74206f7cca9663"
    assert open_checkpoint(checkpoint, parse_vkey(BOARD_VKEY)).size == 3
    times = verify_cosignatures(parse_note(checkpoint), map(parse_vkey, WITNESS_VKEYS), board=parse_vkey(BOARD_VKEY))
    assert [c.time for c in times] == [1767225600, 1767225601]


def test_published_receipt_of_217_in_300(nodes: Nodes) -> None:
    proof = inclusion_proof(217, 300, lambda level, position: nodes[level, position])
    data = format_receipt(Receipt(217, proof, example(300)))
    assert sha256(data) == "b913f2cef9c597a50291efb3b568f4352e2c8de836af95db647b05a1bea00fe8"
    assert parse_receipt(data) == Receipt(217, proof, example(300))
    assert verify_receipt(data, entry(217), parse_vkey(BOARD_VKEY)).size == 300
    with pytest.raises(ProofError):
        verify_receipt(data, entry(216), parse_vkey(BOARD_VKEY))


def test_published_consistency_256_to_300(nodes: Nodes) -> None:
    proof = consistency_proof(256, 300, lambda level, position: nodes[level, position])
    assert [hash_.hex()[:8] for hash_ in proof] == ["42c37c67"]


def test_every_changed_byte_of_a_receipt_is_refused_or_unsigned(nodes: Nodes) -> None:
    """Only the witnesses' lines may change unnoticed by this check: the board's promise does not rest on them."""
    proof = inclusion_proof(217, 300, lambda level, position: nodes[level, position])
    data = format_receipt(Receipt(217, proof, example(300)))
    ours = data.index("— witness".encode())
    for position in range(ours):
        for bit in (1, 64):
            changed = bytearray(data)
            changed[position] ^= bit
            with pytest.raises(UrneError):
                verify_receipt(bytes(changed), entry(217), parse_vkey(BOARD_VKEY))


def test_extra_data_of_a_receipt_is_kept() -> None:
    receipt = Receipt(0, (), example(1), extra=b"anything")
    assert parse_receipt(format_receipt(receipt)) == receipt
    verify_receipt(format_receipt(receipt), entry(0), parse_vkey(BOARD_VKEY))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 217", "index 0217"),
        ("index 217", "index +217"),
        ("index 217", "index 300"),
        ("index 217\n", ""),
        ("index 217", "extra AA\nindex 217"),
        ("index 217", "index 217\nAA=="),
        ("OaEj", "OaE-"),
        ("Dkk=", "Dkl="),
    ],
)
def test_a_changed_receipt_line_is_refused(nodes: Nodes, old: str, new: str) -> None:
    proof = inclusion_proof(217, 300, lambda level, position: nodes[level, position])
    data = format_receipt(Receipt(217, proof, example(300)))
    assert old.encode() in data
    with pytest.raises((DecodeError, ProofError)):
        verify_receipt(data.replace(old.encode(), new.encode(), 1), entry(217), parse_vkey(BOARD_VKEY))


@pytest.mark.parametrize(
    "text",
    [
        b"board.example/e\n03\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=\n",
        b"board.example/e\n3\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxN=\n",
        b"board.example/e\n3\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=\nextension\n",
        b"board.example/e\n3\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=",
        b"board.example/e\n3\nIM3JxFaeY3Nuzbsz\n",
        b"https://board.example/e\n3\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=\n",
        b"board.example/e\n0\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=\n",
        b"board.example/e\n9007199254740992\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=\n",
        "board.example/ä\n3\nIM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=\n".encode(),
        b"",
    ],
)
def test_a_checkpoint_in_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "vkey",
    [
        BOARD_VKEY.replace("7f55acb2", "7F55ACB2"),
        BOARD_VKEY.replace("7f55acb2", "7f55acb3"),
        BOARD_VKEY.replace("election-1+", "election-2+"),
        BOARD_VKEY + "\n",
        BOARD_VKEY[:-1],
        "+7f55acb2+AUU9zP+mY6t/L1ps4JaouUzW37dk+JKds+jmmAzGFdTD",
        "board.example/election-1+7f55acb2+",
        "board.example/election-1",
        "witness.example/w1+c9f534d7+BRv3o7nhxOs5dEa01kMG9fifprIpN1QH9I+xQ/M2GsFM",
    ],
)
def test_a_vkey_in_another_form_is_refused(vkey: str) -> None:
    with pytest.raises(DecodeError):
        parse_vkey(vkey)


@pytest.mark.parametrize("vkey", [BOARD_VKEY, *WITNESS_VKEYS])
def test_notes_are_split_at_the_last_empty_line(vkey: str) -> None:
    note = parse_note(b"one\n\ntwo\n\n" + format_signature_line(cosign(b"one\n\ntwo\n", "w", WITNESSES[0], 7)))
    assert note.text == b"one\n\ntwo\n"
    with pytest.raises(SignatureInvalid, match="no signature by"):
        verify_note(note, parse_vkey(vkey))


def test_a_wrong_signature_by_a_known_key_spoils_the_note() -> None:
    note = parse_note(example(3))
    board = parse_vkey(BOARD_VKEY)
    wrong = note.signatures[0]._replace(payload=bytes(64))
    with pytest.raises(SignatureInvalid):
        verify_note(Note(note.text, (*note.signatures, wrong)), board)
    late = note.signatures[1]._replace(payload=bytes(8) + note.signatures[1].payload[8:])
    with pytest.raises(SignatureInvalid):
        verify_cosignatures(Note(note.text, (*note.signatures, late)), map(parse_vkey, WITNESS_VKEYS), board=board)


def test_cosignatures_count_once_per_key_and_never_for_the_board_itself() -> None:
    board = parse_vkey(BOARD_VKEY)
    witness = parse_vkey(WITNESS_VKEYS[0])
    same_key_other_name = note_key("other.example", witness.key, TYPE_COSIGNATURE)
    own = note_key(ORIGIN, board.key, TYPE_COSIGNATURE)
    text = parse_note(example(3)).text
    signatures = [
        cosign(text, witness.name, WITNESSES[0], 10),
        cosign(text, witness.name, WITNESSES[0], 30),
        cosign(text, "other.example", WITNESSES[0], 20),
        cosign(text, ORIGIN, BOARD, 40),
    ]
    counted = verify_cosignatures(Note(text, tuple(signatures)), [witness, same_key_other_name, own], board=board)
    assert [(c.key.name, c.time) for c in counted] == [("witness.example/w1", 30)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        "text\n\n— name AAAAAAA=".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "text\n\n— na+me AAAAAAA=\n".encode(),
        "text\n\n—  AAAAAAA=\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\r\n\n— name AAAAAAA=\n".encode(),
        "te\0xt\n\n— name AAAAAAA=\n".encode(),
        "text\n\n— name AAAAAAB=\n".encode(),
        "text\n\n— name AAAAAAA=\n\n".encode(),
        b"\xff\n\n",
        b"text\n\n" + "— name AAAAAAA=\n".encode() * 101,
    ],
)
def test_a_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_note(data)


@given(st.binary(max_size=300))
def test_parsers_raise_nothing_but_their_own_errors(data: bytes) -> None:
    for attempt in (
        lambda: parse_note(data),
        lambda: parse_receipt(b"c2sp.org/tlog-proof@v1\n" + data),
        lambda: parse_checkpoint(data),
        lambda: parse_vkey(data.decode("latin-1")),
        lambda: parse_header(data),
    ):
        with contextlib.suppress(DecodeError):
            attempt()


@given(st.binary(min_size=1, max_size=200).map(lambda raw: raw + b"\n"))
def test_a_note_that_parses_is_written_back_byte_for_byte(head: bytes) -> None:
    data = head + b"\n" + format_signature_line(cosign(b"x\n", "w", WITNESSES[0], 7))
    try:
        note = parse_note(data)
    except DecodeError:
        return
    assert format_note(note) == data
