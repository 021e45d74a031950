"""Protocol L14: the tiles and bundles of a board, as far as its newest checkpoint covers them (docs/spec/log.md).

Nothing is kept for this: a tile is a run of rows of the node table. This module must not know what entries mean.
"""

from __future__ import annotations

from bulletin_board.errors import NotThereError
from bulletin_board.reader import BoardReader
from voting.protocol.errors import DecodeError
from voting.protocol.tlog.tiles import (
    BODIES,
    ENTRIES,
    HINTS,
    TILE_HEIGHT,
    Tile,
    encode_bundle,
    parse_tile_path,
    row_length,
    tile_path,
)


def read_tile_at(board: BoardReader, path: str) -> bytes:
    """Protocol L14i: the bytes of a tile or of a bundle of entries, of any width that the newest checkpoint covers.

    Raises:
        NotThereError: for any other path. Bodies and hints may be too long for one answer.
    """
    try:
        tile = parse_tile_path(path)
    except DecodeError as error:
        raise NotThereError(error.problem, where=error.where) from None
    if tile.row in (BODIES, HINTS):
        raise NotThereError(f"is not shown here: ask for {tile.row} by their numbers", where=path)
    return read_tile(board, tile)


def read_tile(board: BoardReader, tile: Tile) -> bytes:
    """The bytes of a tile, or of a bundle of entries. Raises NotThereError if the newest checkpoint covers less."""
    size = len(board)
    if tile.stop > row_length(tile.row, size):
        raise NotThereError(f"is not there: the board has {size} entries", where=tile_path(tile))
    if tile.row == ENTRIES:
        return encode_bundle(list(board.headers(tile.start, tile.stop)))
    return b"".join(board.store.nodes(tile.level * TILE_HEIGHT, tile.start, tile.stop))
