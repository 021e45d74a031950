"""Protocol L9b: find a write-ahead file that is damaged in its middle (docs/spec/log.md, "Storage").

SQLite reads its write-ahead file up to the first frame that does not hold, and takes that for the end: so it mends what
a power cut tore. If a bit went bad in the middle, everything behind is lost the same way, and silently. The difference
can be seen: a power cut can tear the last transaction only, because each is flushed before the next is written. Two or
more commits behind the end mean damage.

The file's form is that of SQLite's "WAL-mode File Format". This module must not write anything.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682
_PAGE_SIZES = {1 << n for n in range(9, 17)}


class WalCommits(NamedTuple):
    """In a write-ahead file: the numbers of the frames, from 1, that end a transaction of its present generation."""

    frames: tuple[int, ...]

    def behind(self, last: int) -> int:
        """How many transactions end behind frame `last`."""
        return sum(frame > last for frame in self.frames)


def read_commits(path: Path) -> WalCommits:
    """The commits that stand in a write-ahead file, whether SQLite can still read them or not. Raises OSError."""
    if not path.exists():
        return WalCommits(())
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            return WalCommits(())
        magic, _version, page_size, _sequence, *salts, one, two = _HEADER.unpack(head)
        is_whole = magic & ~1 == _MAGIC and _checksum(head[:24], big=bool(magic & 1)) == (one, two)
        page_size = page_size if page_size in _PAGE_SIZES else 4096
        found = []
        number = 0
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            number += 1
            _page, database_size, *frame_salts, _, _ = _FRAME.unpack(head)
            if number == 1 and not is_whole:
                salts = frame_salts  # a bad header: then the first frame tells the generation
            if database_size and frame_salts == salts:
                found.append(number)
            file.seek(page_size, 1)
    return WalCommits(tuple(found))


def _checksum(data: bytes, *, big: bool) -> tuple[int, int]:
    """SQLite's checksum of a header, over 32-bit words in the byte order that the magic number names."""
    one = two = 0
    words = struct.unpack(f"{'>' if big else '<'}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
