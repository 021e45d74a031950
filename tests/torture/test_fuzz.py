"""Faults 11, 15: flipped bits and malformed input. Nothing but our errors comes out, and nothing false is accepted.

A changed receipt or checkpoint is refused, or it says the same as before (another's signature that nobody counts, say).
What we accept, Go's x/mod accepts too, with the same meaning, where that is installed.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletin_board.client import BoardClient
from bulletin_board.errors import OutlivedError
from bulletin_board.fsck import verify_board
from bulletin_board.log import Board, Submission
from bulletin_board.outlived import Seen
from bulletin_board.publish import publish_board
from bulletin_board.reader import open_reader
from bulletin_board.store import DATABASE
from bulletin_board.witness import parse_request
from tests.integration.test_third_party_log import accepts, go, run
from tests.simulators.tiled_log import VKEYS, WITNESS_VKEYS, board_with, cosigned
from tests.simulators.web import ADDRESS, web_client
from tests.strategies.boards import KEY, ORIGIN, body_of
from tests.torture.effort import rounds
from voting.protocol.errors import UrneError
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.evidence import check_evidence, history_evidence, read_evidence, write_evidence
from voting.protocol.tlog.merkle import MAX_PROOF_HASHES
from voting.protocol.tlog.note import MAX_SIGNATURES, note_key, parse_note, parse_vkey, verify_cosignatures
from voting.protocol.tlog.proof import parse_receipt, verify_receipt
from voting.protocol.tlog.receipt_file import read_receipt_file, write_receipt_file
from voting.protocol.tlog.tiles import parse_bundle, parse_tile, parse_tile_path
from voting.web_client import WebClient

BOARD = note_key(ORIGIN, KEY.verify_key)
PLACE, SIZE = 217, 300
MAX_SECONDS = 2.0

__all__ = ["go"]  # the fixture


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "board"
    board_with(folder, [100, SIZE]).close()
    return folder


@pytest.fixture(scope="module")
def receipt(board: Path) -> tuple[bytes, bytes]:
    """A cosigned receipt, and its header."""
    with open_reader(board) as reader:
        proof, note = reader.receipt(PLACE), reader.checkpoint_note()
        return proof.replace(note, cosigned(note)), reader.header(PLACE)


# -- flipped bits ------------------------------------------------------------------------------------------------------


def flipped(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def meaning_of(proof: bytes, header: bytes) -> tuple[object, ...]:
    """What a receipt says to a verifier who knows the board and two witnesses. Raises UrneError if it is refused."""
    checkpoint = verify_receipt(proof, header, BOARD)
    parsed = parse_receipt(proof)
    witnesses = [parse_vkey(vkey) for vkey in WITNESS_VKEYS]
    found = verify_cosignatures(parse_note(parsed.checkpoint), witnesses, board=BOARD)
    return checkpoint, parsed.index, {(signature.key.name, signature.time) for signature in found}


def test_no_flipped_bit_makes_another_receipt(receipt: tuple[bytes, bytes]) -> None:
    proof, header = receipt
    chance = random.Random(1)
    *good, signers = meaning_of(proof, header)
    assert isinstance(signers, set)
    refused = 0
    for _ in range(rounds(400, 10_000)):
        is_proof = chance.random() < 0.8
        try:
            *found, fewer = meaning_of(
                *((flipped(proof, chance), header) if is_proof else (proof, flipped(header, chance)))
            )
        except UrneError:
            refused += 1
            continue
        assert is_proof
        assert found == good
        assert isinstance(fewer, set)
        assert fewer < signers  # a witness's name or key id: that signature does not count any more
    assert refused > rounds(300, 8000)


def test_no_flipped_bit_in_published_files_makes_another_log(board: Path, tmp_path: Path) -> None:
    """Tiles, bundles, bodies and the checkpoint, read by a client from a web server of files."""
    with open_reader(board) as reader:
        publish_board(reader, tmp_path / "public")
        expected = [(entry.header_bytes, entry.body) for entry in reader.entries()]
        seen = open_checkpoint(reader.checkpoint_note(100), BOARD)
    app = Flask("files", static_folder=str(tmp_path / "public"), static_url_path="")
    files = [path for path in (tmp_path / "public" / "log").rglob("*") if path.is_file()]
    chance = random.Random(2)
    refused = 0
    with web_client(app) as web:
        for _ in range(rounds(25, 1500)):
            path = chance.choice(files)
            original = path.read_bytes()
            path.write_bytes(flipped(original, chance))
            try:
                found = read_all(web, seen)
            except UrneError:
                refused += 1
            else:
                assert found == expected  # e.g. a hint, or a tile that nobody needed
            path.write_bytes(original)
    assert refused > rounds(5, 500)


def read_all(web: WebClient, seen: object) -> list[tuple[bytes, bytes]]:
    client = BoardClient(ADDRESS, web=web, key=BOARD, seen=seen)  # type: ignore[arg-type]
    client.checkpoint()  # with a consistency proof from tiles
    log = client.read()
    headers = list(client.pages.lines("headers", 0, len(log.headers)))
    return list(zip(headers, client.bodies(log, 0, len(log.headers)), strict=True))


def test_no_flipped_bit_in_the_write_ahead_file_makes_another_board(tmp_path: Path) -> None:
    """A board that was killed: part of it is in board.db, part in board.db-wal. The one or the other has a bad bit.

    A broken transaction at the end of the write-ahead file is as if it had never been: that is how SQLite mends what a
    power cut tore. So the board may be shorter by its last transactions, which a witness or a mirror notices. If more
    is missing, the board itself does.
    """
    source = tmp_path / "source"
    with Board.create(source, ORIGIN, KEY) as opened:
        opened.append_many([Submission("note.text", body_of(n)) for n in range(20)])
        opened.store.truncate_wal()
        for n in range(20, 40):
            opened.append("note.text", body_of(n))
        killed = {name: (source / name).read_bytes() for name in (DATABASE, f"{DATABASE}-wal")}
        expected = list(opened.headers())
        newest = Seen(opened.checkpoint(), "a witness")
    chance = random.Random(3)
    outcomes = {"refused": 0, "marked": 0, "whole": 0, "shorter": 0}
    for number in range(rounds(60, 5000)):
        folder = tmp_path / f"flip-{number}"
        folder.mkdir()
        bad = chance.choice(list(killed))
        for name, data in killed.items():
            (folder / name).write_bytes(flipped(data, chance) if name == bad else data)
        try:
            with Board.open(folder, KEY) as found:
                verify_board(found, signatures=True)
                headers = list(found.headers())
            assert headers == expected[: len(headers)]
            assert len(headers) >= len(expected) - 2
            outcomes["whole" if headers == expected else "shorter"] += 1
        except OutlivedError:
            outcomes["marked"] += 1
            with pytest.raises(OutlivedError, match="was damaged"):
                Board.open(folder, KEY)
            with pytest.raises(OutlivedError, match="has seen 40"):
                Board.open(folder, KEY, seen=[newest])
        except UrneError:
            outcomes["refused"] += 1
        shutil.rmtree(folder)
    print(f"flipped bits: {outcomes}")
    assert outcomes["refused"] > 3
    assert outcomes["marked"] > 3
    assert outcomes["shorter"] < rounds(15, 500)


# -- malformed input ---------------------------------------------------------------------------------------------------

_lines = st.sampled_from(
    [
        "", " ", "old 5", "old 05", "index 1", "index 01", "index -1", "extra ", "extra AA==", "c2sp.org/tlog-proof@v1",
        "—", "— ", "— a AAAA", "— a b c", ORIGIN, "0", "300", "9007199254740993", "\t", "\x00", "é", "+", "A" * 44,
        "IM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=", "IM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxN=",
    ]
)  # fmt: skip
_texts = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(_lines, max_size=12).map(lambda lines: "\n".join(lines).encode()),
    st.lists(_lines, max_size=12).map(lambda lines: ("\n".join(lines) + "\n").encode()),
)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "note": parse_note,
    "checkpoint": lambda data: open_checkpoint(data, BOARD),
    "receipt": parse_receipt,
    "receipt file": read_receipt_file,
    "evidence": read_evidence,
    "request": parse_request,
    "vkey": lambda data: parse_vkey(data.decode("utf-8", "replace")),
    "bundle": lambda data: parse_bundle(data, 3),
    "tile": lambda data: parse_tile(data, 4),
    "tile path": lambda data: parse_tile_path(data.decode("utf-8", "replace")),
}


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=rounds(60, 5000), deadline=None)
@given(data=_texts)
def test_only_our_errors_come_out_of_a_parser(name: str, data: bytes) -> None:
    with suppress(UrneError):
        PARSERS[name](data)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A text with some of its lines doubled, dropped, swapped, joined, or with a character changed."""
    lines = data.split(b"\n")
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(lines))
        other = chance.randrange(len(lines))
        kind = chance.randrange(6)
        if kind == 0:
            lines.insert(other, lines[place])
        elif kind == 1 and len(lines) > 1:
            del lines[place]
        elif kind == 2:
            lines[place], lines[other] = lines[other], lines[place]
        elif kind == 3:
            lines[place] = lines[place] + chance.choice((b" ", b"\r", b"=", b"A", b"\xe2\x80\x94 x AAAAAAA="))
        elif kind == 4 and lines[place]:
            lines[place] = flipped(lines[place], chance)
        else:
            lines.insert(place, chance.choice((b"", b"0", b"\xe2\x80\x94 x.example/y AAAAAAAA")))
    return b"\n".join(lines)


def test_what_we_accept_go_accepts_too(go: Path, receipt: tuple[bytes, bytes], tmp_path: Path) -> None:
    proof, header = receipt
    (tmp_path / "header").write_bytes(header)
    chance = random.Random(5)
    accepted = judged = 0
    for _ in range(rounds(1500, 40_000)):
        changed = mutated(proof, chance)
        try:
            _, _, signers = meaning_of(changed, header)
        except UrneError:
            # The other way round is not asked: we are stricter, e.g. with lines that repeat.
            continue
        accepted += 1
        if changed == proof or not isinstance(signers, set):
            continue
        judged += 1
        (tmp_path / "receipt").write_bytes(changed)
        names = {name for name, _ in signers}
        vkeys = [VKEYS[0], *(vkey for vkey in WITNESS_VKEYS if vkey.split("+")[0] in names)]
        done = run(go, "receipt", tmp_path / "receipt", tmp_path / "header", *vkeys)
        assert accepts(done), (changed, done.stderr)
    assert judged > rounds(10, 300)


def test_sizes_and_times_are_bounded(receipt: tuple[bytes, bytes]) -> None:
    """Huge input is refused quickly: 63 hashes, 100 signatures, a megabyte."""
    proof, header = receipt
    hash_line = b"A" * 43 + b"=\n"
    head, _, note = proof.partition(b"\n\n")
    line = note.splitlines(keepends=True)[4]
    huge = [
        head + b"\n" + hash_line * (MAX_PROOF_HASHES + 1) + b"\n" + note,
        head + b"\n" + hash_line * 20_000 + b"\n" + note,
        head + b"\n\n" + note + line * MAX_SIGNATURES,
        head + b"\n\n" + note + line * 20_000,
        head + b"\n\n" + b"x" * 5_000_000,
        b"\n" * 5_000_000,
        b"[" * 5_000_000,
    ]
    for data in huge:
        started = time.process_time()
        with pytest.raises(UrneError):
            verify_receipt(data, header, BOARD)
        for parse in PARSERS.values():
            with suppress(UrneError):
                parse(data)
        assert time.process_time() - started < MAX_SECONDS
    many = head + b"\n\n" + note + line * 13  # 16 in all: every tool must take so many
    assert verify_receipt(many, header, BOARD).size == SIZE
    assert read_receipt_file(write_receipt_file(header, proof)).proof.encode() == proof


def test_changed_evidence_convicts_nobody(board: Path, tmp_path: Path) -> None:
    """An honest board cannot be convicted by any change to true evidence against another one."""
    board_with(tmp_path / "forged", [SIZE], mark="x").close()
    with open_reader(board) as one, open_reader(tmp_path / "forged") as two:
        found = history_evidence(one.checkpoint_note(100), two.checkpoint_note(), two.store.node, BOARD)
        assert found is not None
        evidence = write_evidence(found)
        honest = history_evidence(one.checkpoint_note(100), one.checkpoint_note(), one.store.node, BOARD)
        assert honest is None
    chance = random.Random(6)
    good = check_evidence(read_evidence(evidence), BOARD)
    for _ in range(rounds(150, 5000)):
        changed = flipped(evidence, chance)
        try:
            again = check_evidence(read_evidence(changed), BOARD)
        except UrneError:
            continue
        assert again == good
