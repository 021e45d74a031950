"""Protocol L15: publish a board as a folder of files that any web server can show (docs/spec/log.md, "Files").

    FOLDER/log/checkpoint           the signed checkpoint; the only file that changes
    FOLDER/log/vkey                 the board's key
    FOLDER/log/tile/<L>/<N>[.p/<W>] tiles (C2SP tlog-tiles)
    FOLDER/log/tile/entries/...     headers; tile/bodies/... and tile/hints/...: lines as in a record

Done again, it adds what is new. Each file appears under its name only when it is whole, and the checkpoint only when
all that it covers is there. This module must not know what entries mean.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bulletin_board.export import CHECKPOINT, VKEY
from bulletin_board.files import sync_folder, write_and_rename
from bulletin_board.guards import Lock
from bulletin_board.reader import BoardReader
from bulletin_board.store import DATABASE
from bulletin_board.tiles import read_tile
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UnavailableError, UsageError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.merkle import tree_root
from voting.protocol.tlog.note import MAX_NOTE_BYTES
from voting.protocol.tlog.tiles import (
    BODIES,
    HINTS,
    TILE_WIDTH,
    Tile,
    all_tiles,
    parse_tile_path,
    row_length,
    tile_path,
)

LOG = "log"
LOCK = ".publish.lock"
_PARTIAL = ".p"
_ELSEWHERE = "choose another folder"


class Published(NamedTuple):
    """What was done: how many entries the folder shows now, how many it showed before, and how many files are new."""

    size: int
    before: int
    files: int


def publish_board(board: BoardReader, folder: Path) -> Published:
    """Protocol L15a: bring a folder up to the board's newest checkpoint.

    Args:
        board: an open board; what is appended meanwhile is left out.
        folder: made if it does not exist; or what this function made before of the same board.

    Raises:
        ProofError: if the folder shows something that the board does not extend: nothing is changed.
        UnavailableError: if the folder holds something else, is being written to, or cannot be written.
        UsageError: if it is a board's own folder.
    """
    log = folder / LOG
    if (folder / DATABASE).exists():
        raise UsageError("holds a board and its key, which must not be shown", where=str(folder), remedy=_ELSEWHERE)
    try:
        log.mkdir(parents=True, exist_ok=True)
        lock = Lock(folder / LOCK)
        lock.take()
        try:
            return _publish(board, log)
        finally:
            lock.release()
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror or error})", where=str(folder)) from None


def _publish(board: BoardReader, log: Path) -> Published:
    newest = board.checkpoint()
    before = _shown_before(board, log, newest)
    touched: set[Path] = {log}
    files = 0
    for tile in all_tiles(newest.size, after=before):
        _write(log / tile_path(tile), _content(board, tile), touched, log)
        files += 1
    _write(log / VKEY, [board.key.vkey.encode("ascii") + b"\n"], touched, log)
    for place in touched:
        sync_folder(place)
    _write(log / CHECKPOINT, [board.checkpoint_note(newest.size)], set(), log)
    sync_folder(log)
    _remove_outgrown(log, before)
    return Published(newest.size, before, files)


def _shown_before(board: BoardReader, log: Path, newest: Checkpoint) -> int:
    """The size that the folder shows. Raises unless the board extends it: what was published is never taken back."""
    path = log / CHECKPOINT
    if not path.exists():
        if (log / VKEY).exists() and (log / VKEY).read_bytes() != board.key.vkey.encode("ascii") + b"\n":
            raise UnavailableError("shows another board", where=str(log), remedy=_ELSEWHERE)
        return 0
    with path.open("rb") as file:
        note = file.read(MAX_NOTE_BYTES + 1)
    try:
        shown = open_checkpoint(note, board.key, what=str(path))
    except (DecodeError, SignatureInvalid) as error:
        raise UnavailableError(
            f"shows something that is not of this board ({error.problem})",
            where=str(path),
            remedy=_ELSEWHERE,
        ) from None
    if shown.size > newest.size or tree_root(shown.size, board.store.node) != shown.root:
        raise ProofError(
            f"shows {shown.size} entries, signed by the board, that the board does not begin with",
            where=str(path),
            remedy="find out whether the board was restored from an old copy; keep this checkpoint",
        )
    return shown.size


def _content(board: BoardReader, tile: Tile) -> Iterable[bytes]:
    if tile.row == BODIES:
        return (entry.body + b"\n" for entry in board.entries(tile.start, tile.stop))
    if tile.row == HINTS:
        return ((board.attachment(seq) or b"") + b"\n" for seq in range(tile.start, tile.stop))
    return [read_tile(board, tile)]


def _write(path: Path, content: Iterable[bytes], touched: set[Path], log: Path) -> None:
    """Write a file beside its place, flush it, rename it. `touched` gains the folders whose names changed."""
    parent = path.parent
    while parent != log and not parent.is_dir():
        touched.add(parent.parent)
        parent = parent.parent
    path.parent.mkdir(parents=True, exist_ok=True)
    touched.add(path.parent)
    write_and_rename(path, content)


def _remove_outgrown(log: Path, before: int) -> None:
    """Remove parts of tiles that were full one publication ago: whoever reads under an older checkpoint had time.

    The standard lets a reader take the full tile where the part is gone. What an interrupted run left goes too.
    """
    for left in [*log.glob(".*"), *(log / "tile").rglob(".*")]:
        left.unlink()
    for folder in list(_parts(log / "tile")):
        try:
            tile = parse_tile_path(folder.relative_to(log).as_posix().removesuffix(_PARTIAL))
        except DecodeError:
            continue  # not ours
        if row_length(tile.row, before) >= tile.start + TILE_WIDTH:
            shutil.rmtree(folder)


def _parts(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob(f"*{_PARTIAL}") if path.is_dir())
