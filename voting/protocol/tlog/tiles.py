"""Protocol L14: the log as files that never change: tiles of tree hashes, and bundles of entries (C2SP tlog-tiles).

A tile holds up to 256 hashes next to each other: tile N of level L the roots of the complete subtrees of 256^L leaves
numbered from 256 N. The tiles of a tree of some size are all full but the last one of each level, which is named by its
width. A bundle N of entries holds the leaves 256 N and following. So that a whole board can be read from files, bodies
and hints are cut in the same way.

Pure. This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from voting.protocol.encoding import MAX_SAFE_INTEGER
from voting.protocol.errors import DecodeError
from voting.protocol.tlog.header import MAX_HEADER_BYTES
from voting.protocol.tlog.merkle import HASH_BYTES, NodeSource, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

ENTRIES = "entries"
BODIES = "bodies"
HINTS = "hints"
BUNDLES = (ENTRIES, BODIES, HINTS)
"""The rows that are not hashes. `entries` is the standard's own; the other two are lines as in a record."""

MAX_TILE_BYTES = TILE_WIDTH * HASH_BYTES
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_HEADER_BYTES)

_LENGTH_BYTES = 2
_DIGITS = 3
_PATH = re.compile(
    r"tile/(?P<row>0|[1-9][0-9]?|entries|bodies|hints)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?\Z",
    re.ASCII,
)


class Tile(NamedTuple):
    """The name of one file: `row` is a level ("0", "1", ...) or one of `BUNDLES`; `width` counts what is in it."""

    row: str
    number: int
    width: int = TILE_WIDTH

    @property
    def level(self) -> int:
        """The level of its hashes; 0 for bundles, which go by leaves."""
        return 0 if self.row in BUNDLES else int(self.row)

    @property
    def start(self) -> int:
        """The number, in its row, of the first thing in it."""
        return self.number * TILE_WIDTH

    @property
    def stop(self) -> int:
        """The number, in its row, after that of the last thing in it."""
        return self.start + self.width


def tile_path(tile: Tile) -> str:
    """Protocol L14a: `tile/<row>/<N>[.p/<W>]`, N in groups of three digits, all but the last marked with an x."""
    digits = str(tile.number)
    digits = digits.zfill(-(-len(digits) // _DIGITS) * _DIGITS)
    groups = [digits[i : i + _DIGITS] for i in range(0, len(digits), _DIGITS)]
    path = "/".join(["tile", tile.row, *(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if tile.width == TILE_WIDTH else f"{path}.p/{tile.width}"


def parse_tile_path(text: str) -> Tile:
    """Protocol L14b: read a path in its one form. Raises DecodeError."""
    match = _PATH.match(text)
    if match is not None:
        number = int(match["number"].replace("x", "").replace("/", ""))
        tile = Tile(match["row"], number, int(match["width"] or TILE_WIDTH))
        if 0 < tile.width <= TILE_WIDTH and tile.stop <= MAX_SAFE_INTEGER and tile_path(tile) == text:
            return tile
    raise DecodeError("is not the path of a tile", where="the address")


def row_length(row: str, size: int) -> int:
    """Protocol L14c: how many hashes (or leaves) a row has in a tree of `size` leaves: floor(size / 256^level)."""
    return size if row in BUNDLES else size >> TILE_HEIGHT * int(row)


def row_tiles(row: str, size: int, *, after: int = 0) -> Iterator[Tile]:
    """The tiles of one row of a tree of `size` leaves; those that a tree of `after` leaves has too are left out."""
    length = row_length(row, size)
    if length == row_length(row, after):
        return
    full, rest = divmod(length, TILE_WIDTH)
    for number in range(row_length(row, after) // TILE_WIDTH, full):
        yield Tile(row, number)
    if rest:
        yield Tile(row, full, rest)


def all_tiles(size: int, *, after: int = 0) -> Iterator[Tile]:
    """Protocol L14d: every file of a tree of `size` leaves, bundles first, that a tree of `after` leaves has not."""
    rows = list(BUNDLES)
    rows += [str(level) for level in range(-(-size.bit_length() // TILE_HEIGHT))]
    for row in rows:
        yield from row_tiles(row, size, after=after)


def encode_bundle(leaves: Sequence[bytes]) -> bytes:
    """Protocol L14e: the leaves one after the other, each after its length in two bytes, big-endian.

    Raises:
        DecodeError: if a leaf is longer than 65,535 bytes.
    """
    if any(len(leaf) > MAX_HEADER_BYTES for leaf in leaves):
        raise DecodeError(f"holds an entry of more than {MAX_HEADER_BYTES} bytes", where="the bundle")
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf for leaf in leaves)


def parse_bundle(data: bytes, count: int, *, what: str = "the bundle") -> list[bytes]:
    """Protocol L14f: the leaves of a bundle, unchecked. Raises DecodeError if they are not exactly `count`."""
    leaves: list[bytes] = []
    place = 0
    while place < len(data) and len(leaves) < count:
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(data[place:start], "big")
        leaves.append(data[start:place])
    if place != len(data) or len(leaves) != count:
        raise DecodeError(f"is not {count} entries, each after its length", where=what)
    return leaves


def parse_tile(data: bytes, width: int, *, what: str = "the tile") -> list[bytes]:
    """Protocol L14g: the hashes of a tile, unchecked. Raises DecodeError if they are not exactly `width`."""
    if len(data) != width * HASH_BYTES:
        raise DecodeError(f"is {len(data)} bytes long, not {width} hashes", where=what)
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def nodes_from_tiles(size: int, read: Callable[[Tile], bytes]) -> NodeSource:
    """Protocol L14h: the complete nodes of a tree, read from its tiles; unchecked, so check the proof made of them.

    Args:
        size: of the tree; tells how wide the last tile of a level is.
        read: gives the bytes of a tile of this tree.

    Raises (when the source is used):
        DecodeError: if a tile has another length, or the node is not in the tree.
    """

    @lru_cache(maxsize=64)
    def hashes(row: str, number: int) -> list[bytes]:
        width = min(TILE_WIDTH, row_length(row, size) - number * TILE_WIDTH)
        tile = Tile(row, number, width)
        return parse_tile(read(tile), width, what=tile_path(tile))

    def node(level: int, position: int) -> bytes:
        if level < 0 or position < 0 or (position + 1) << level > size:
            raise DecodeError(f"has no node {level}/{position}", where=f"the tree of {size} entries")
        row, above = divmod(level, TILE_HEIGHT)
        number, start = divmod(position << above, TILE_WIDTH)
        nodes = hashes(str(row), number)[start : start + (1 << above)]
        while len(nodes) > 1:
            nodes = [node_hash(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
        return nodes[0]

    return node
