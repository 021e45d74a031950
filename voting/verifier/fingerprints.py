"""Protocol V5 (check 15): find ciphertexts that occur twice, among all ballots of a record, in bounded memory.

16 bytes of SHA-256 stand for each alpha. They are sorted in runs of a few megabytes, which go to a temporary file if
there is more than one; the runs are merged at the end, so that equal ones come side by side. A small record needs no
file. 24 bytes a ciphertext, in the file.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from voting.protocol.messages import Ballot
from voting.verifier.spill import SpillingStorage

FINGERPRINT_BYTES = 16
_NUMBER_BYTES = 8
_ROW_BYTES = FINGERPRINT_BYTES + _NUMBER_BYTES
RUN_ROWS = 150_000
"""Rows that are sorted at once: 15 MB as Python's objects."""
_MERGE_BYTES = 16 * 1024**2
"""What all runs together may read ahead while they are merged."""
_MERGE_BYTES_EACH = (_ROW_BYTES * 64, _ROW_BYTES * 4096)


class Repetition(NamedTuple):
    """Ballots by their number in the order of casting; `first` equals `second` for a repetition within one ballot."""

    first: int
    second: int


def fingerprints_of(ballot: Ballot) -> bytes:
    """The fingerprints of all alphas of a ballot, 16 bytes each, in order."""
    return b"".join(
        hashlib.sha256(value.alpha.encode("utf-8", "surrogatepass")).digest()[:FINGERPRINT_BYTES]
        for value in ballot.ciphertexts
    )


class Fingerprints:
    """Collects the fingerprints of ballots, in any order."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._sorted = SpillingStorage(limit=0)
        self._runs: list[tuple[int, int]] = []

    def add(self, ballot: int, fingerprints: bytes) -> None:
        """Add one ballot's `fingerprints_of`, with the ballot's number. Raises UnavailableError if the disk is full."""
        tail = ballot.to_bytes(_NUMBER_BYTES, "big")
        self._rows.extend(
            fingerprints[start : start + FINGERPRINT_BYTES] + tail
            for start in range(0, len(fingerprints), FINGERPRINT_BYTES)
        )
        if len(self._rows) >= RUN_ROWS:
            self._rows.sort()
            start = self._sorted.size
            self._sorted.write(start, b"".join(self._rows))
            self._runs.append((start, self._sorted.size))
            self._rows = []

    def repetitions(self, owner: Callable[[int], object]) -> list[Repetition]:
        """Every ballot that repeats a ciphertext within itself, or one that another credential was the first to cast.

        Each ballot is named once, in the order of casting.

        Args:
            owner: whose a ballot is, by its number. A credential may repeat its own earlier ballot's ciphertexts: that
                shows nobody anything new.
        """
        found: dict[int, Repetition] = {}
        for repetition in _repeated(self._merged(), owner):
            known = found.get(repetition.second)
            if known is None or repetition < known:
                found[repetition.second] = repetition
        return [found[ballot] for ballot in sorted(found)]

    def _merged(self) -> Iterable[bytes]:
        """All rows, sorted."""
        self._rows.sort()
        if not self._runs:
            return self._rows
        smallest, largest = _MERGE_BYTES_EACH
        share = _MERGE_BYTES // len(self._runs) // _ROW_BYTES * _ROW_BYTES
        ahead = min(max(share, smallest), largest)
        return heapq.merge(*(self._run(start, end, ahead) for start, end in self._runs), self._rows)

    def _run(self, start: int, end: int, ahead: int) -> Iterator[bytes]:
        for position in range(start, end, ahead):
            block = self._sorted.read(position, min(ahead, end - position))
            for row in range(0, len(block), _ROW_BYTES):
                yield block[row : row + _ROW_BYTES]


def _repeated(rows: Iterable[bytes], owner: Callable[[int], object]) -> Iterator[Repetition]:
    previous = b""
    first = last = -1
    for row in rows:
        if not row.startswith(previous) or not previous:
            previous = row[:FINGERPRINT_BYTES]
            first = last = int.from_bytes(row[FINGERPRINT_BYTES:], "big")
            continue
        ballot = int.from_bytes(row[FINGERPRINT_BYTES:], "big")
        if ballot == last:
            yield Repetition(ballot, ballot)
        elif owner(first) != owner(ballot):
            yield Repetition(first, ballot)
        last = ballot
