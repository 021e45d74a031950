"""Protocol V4b: where each ballot's lines are in the record's files, and what its body must be. 64 bytes a ballot.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from voting.election.storage import MemoryStorage, NewStorage
from voting.protocol.encoding import Hash

_ROW = struct.Struct("<32sQQQQ")
_ROWS_AT_ONCE = 1024


class BallotLine(NamedTuple):
    """SHA-256 of a ballot's body, and begin and end of its lines in the files of bodies and of hints, in bytes."""

    body: Hash
    body_start: int
    body_end: int
    hint_start: int
    hint_end: int


class BallotLines:
    """One for each ballot, in the order of casting."""

    def __init__(self, new_storage: NewStorage = MemoryStorage) -> None:
        self._rows = new_storage()

    def __len__(self) -> int:
        return self._rows.size // _ROW.size

    def append(self, line: BallotLine) -> None:
        """Add the next ballot's."""
        self._rows.write(self._rows.size, _ROW.pack(bytes.fromhex(line.body), *line[1:]))

    def since(self, first: int) -> Iterator[BallotLine]:
        """Those of the ballots from a number on."""
        for number in range(first, len(self), _ROWS_AT_ONCE):
            for body, *places in _ROW.iter_unpack(self._rows.read(number * _ROW.size, _ROWS_AT_ONCE * _ROW.size)):
                yield BallotLine(Hash(body.hex()), *places)
