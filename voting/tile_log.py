"""Protocol Q9: reading a log whose address shows files only, as `urne-board publish` makes them (docs/spec/http.md).

Nothing is checked here but lengths; `voting.web_log` checks what is read, in the same way as a server's answers.

Imports of Urne only `voting.protocol` and `voting.web_client`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from voting.protocol.errors import DecodeError, UnavailableError
from voting.protocol.tlog.merkle import consistency_proof
from voting.protocol.tlog.tiles import (
    BODIES,
    ENTRIES,
    HINTS,
    MAX_BUNDLE_BYTES,
    MAX_TILE_BYTES,
    TILE_WIDTH,
    Tile,
    nodes_from_tiles,
    parse_bundle,
    row_tiles,
    tile_path,
)
from voting.web_client import Answer, WebClient, good_answer

MAX_LINES_BYTES = 256 * 1024 * 1024
"""The longest file of bodies or hints that is read: a megabyte for each entry in it."""

_ABSENT = frozenset({403, 404})
"""What web servers and object stores answer where there is no such file."""


def is_absent(answer: Answer) -> bool:
    """Whether an answer says that there is no such file."""
    return answer.status in _ABSENT


class TileFiles:
    """The files of a log under a checkpoint of `size` entries. `url` gives the address of a part of the log."""

    def __init__(self, web: WebClient, url: Callable[[str], str], size: int) -> None:
        self._web = web
        self._url = url
        self._size = size

    def headers(self, start: int, stop: int) -> Iterator[bytes]:
        """Protocol Q9a: the headers of [start, stop), from bundles of entries. Raises DecodeError, UnavailableError."""
        for tile in self._tiles(ENTRIES, start, stop):
            data, width = self._read(tile, MAX_BUNDLE_BYTES)
            yield from _between(parse_bundle(data, width, what=tile_path(tile)), tile, start, stop)

    def bodies(self, start: int, stop: int) -> Iterator[bytes]:
        """Protocol Q9b: the bodies of [start, stop). Raises DecodeError, UnavailableError."""
        return self._lines(BODIES, start, stop)

    def hints(self, start: int, stop: int) -> Iterator[bytes]:
        """The side values of [start, stop), empty for none. Raises DecodeError, UnavailableError."""
        return self._lines(HINTS, start, stop)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Protocol Q9c: the proof that the first `new` entries begin with the first `old`, made of tiles; unchecked.

        Raises:
            DecodeError: if the tiles are not of these sizes.
            UnavailableError: if one is missing.
        """
        return consistency_proof(old, new, nodes_from_tiles(self._size, self._hashes))

    def _hashes(self, tile: Tile) -> bytes:
        data, width = self._read(tile, MAX_TILE_BYTES)
        return data if width == tile.width else data[: MAX_TILE_BYTES * tile.width // TILE_WIDTH]

    def _lines(self, row: str, start: int, stop: int) -> Iterator[bytes]:
        for tile in self._tiles(row, start, stop):
            data, width = self._read(tile, MAX_LINES_BYTES)
            lines = data.split(b"\n")
            if len(lines) != width + 1 or lines.pop():
                raise DecodeError(f"is not {width} lines", where=tile_path(tile))
            yield from _between(lines, tile, start, stop)

    def _tiles(self, row: str, start: int, stop: int) -> Iterator[Tile]:
        if not 0 <= start <= stop <= self._size:
            raise DecodeError(f"names {self._size} entries, not {stop}", where="the checkpoint of the server")
        return (tile for tile in row_tiles(row, self._size) if tile.start < stop and tile.stop > start)

    def _read(self, tile: Tile, limit: int) -> tuple[bytes, int]:
        """A file and how many things are in it: the tile asked for, or the full one that has taken its place."""
        for width in dict.fromkeys((tile.width, TILE_WIDTH)):
            url = self._url(tile_path(tile._replace(width=width)))
            answer = self._web.ask(url, limit=limit)
            if not is_absent(answer):
                return good_answer(answer, url).data, width
        raise UnavailableError(
            "is missing, though a checkpoint covers it", where=tile_path(tile), remedy="tell whoever publishes the log"
        )


def _between(items: list[bytes], tile: Tile, start: int, stop: int) -> list[bytes]:
    return items[max(start - tile.start, 0) : min(stop, tile.stop) - tile.start]
