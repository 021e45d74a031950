"""Logs in files, as third parties read them: cosigned by two witnesses, and large ones made without a database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bulletin_board.log import Board, Submission
from bulletin_board.publish import publish_board
from tests.strategies.boards import KEY, ORIGIN, body_of
from voting.crypto.signatures import SigningKey
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import TYPE_COSIGNATURE, cosign, format_signature_line, note_key, parse_note
from voting.protocol.tlog.tiles import BODIES, ENTRIES, HINTS, TILE_HEIGHT, all_tiles, encode_bundle, tile_path

WITNESSES = {f"witness.example/{i}": SigningKey.from_seed(bytes([i]) * 32) for i in (1, 2)}
TIME = 1_767_225_600

VKEY = note_key(ORIGIN, KEY.verify_key).vkey
WITNESS_VKEYS = [note_key(name, key.verify_key, TYPE_COSIGNATURE).vkey for name, key in WITNESSES.items()]
VKEYS = [VKEY, *WITNESS_VKEYS]


def cosigned(checkpoint: bytes) -> bytes:
    """A checkpoint with the cosignatures of both witnesses below."""
    text = parse_note(checkpoint).text
    lines = [
        format_signature_line(cosign(text, name, key, TIME + i)) for i, (name, key) in enumerate(WITNESSES.items())
    ]
    return checkpoint + b"".join(lines)


def board_with(folder: Path, sizes: Sequence[int], *, mark: str = "") -> Board:
    """An open board that signed a checkpoint of each of these sizes."""
    board = Board.create(folder, ORIGIN, KEY)
    for size in sizes:
        board.append_many(
            [Submission("note.text", body_of(i, **({"mark": mark} if mark else {}))) for i in range(len(board), size)]
        )
    return board


def publish_cosigned(board: Board, folder: Path) -> Path:
    """The files of a board, with the cosignatures on the checkpoint. Returns the folder that is the log's prefix."""
    publish_board(board, folder)
    checkpoint = folder / "log" / "checkpoint"
    checkpoint.write_bytes(cosigned(checkpoint.read_bytes()))
    return folder / "log"


def write_small_entries(prefix: Path, size: int) -> Path:
    """The standard's files of a log of many tiny entries, without a board; cosigned too. Returns `prefix`."""
    entries = [b"%d" % i for i in range(size)]
    frontier = Frontier()
    nodes = {node[:2]: node.hash for entry in entries for node in frontier.append(entry)}
    for tile in all_tiles(size):
        if tile.row in (BODIES, HINTS):
            continue
        if tile.row == ENTRIES:
            data = encode_bundle(entries[tile.start : tile.stop])
        else:
            data = b"".join(nodes[tile.level * TILE_HEIGHT, i] for i in range(tile.start, tile.stop))
        path = prefix / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    prefix.mkdir(parents=True, exist_ok=True)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), KEY)
    (prefix / "checkpoint").write_bytes(cosigned(note))
    return prefix
