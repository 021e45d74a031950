"""Protocol V5 (check 15): find ciphertexts that occur twice, among all ballots of a record, in little memory.

16 bytes of SHA-256 stand for each alpha. They are kept in 256 buckets and compared bucket by bucket at the end: that
takes 24 bytes a ciphertext, and a table of 1/256 of them at a time.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from voting.protocol.messages import Ballot

FINGERPRINT_BYTES = 16
_INDEX_BYTES = 8
_ROW_BYTES = FINGERPRINT_BYTES + _INDEX_BYTES


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
    """Collects the fingerprints of ballots, added in the order of casting."""

    def __init__(self) -> None:
        self._buckets: dict[int, bytearray] = {}

    def add(self, ballot: int, fingerprints: bytes) -> None:
        """Add one ballot's `fingerprints_of`, with the ballot's number."""
        tail = ballot.to_bytes(_INDEX_BYTES, "big")
        for start in range(0, len(fingerprints), FINGERPRINT_BYTES):
            row = fingerprints[start : start + FINGERPRINT_BYTES]
            self._buckets.setdefault(row[0], bytearray()).extend(row + tail)

    def repetitions(self, owners: Sequence[str]) -> list[Repetition]:
        """Every ballot that repeats a ciphertext within itself, or one that another credential was the first to cast.

        Each ballot is named once, in the order of casting.

        Args:
            owners: ballot number -> credential. A credential may repeat its own earlier ballot's ciphertexts: that
                shows nobody anything new.
        """
        found: dict[int, Repetition] = {}
        for bucket in self._buckets.values():
            for repetition in _repeated(_rows(bucket), owners):
                known = found.get(repetition.second)
                if known is None or repetition < known:
                    found[repetition.second] = repetition
        return [found[ballot] for ballot in sorted(found)]


def _rows(bucket: bytearray) -> Iterator[tuple[bytes, int]]:
    for start in range(0, len(bucket), _ROW_BYTES):
        middle = start + FINGERPRINT_BYTES
        yield bytes(bucket[start:middle]), int.from_bytes(bucket[middle : start + _ROW_BYTES], "big")


def _repeated(rows: Iterable[tuple[bytes, int]], owners: Sequence[str]) -> Iterator[Repetition]:
    first_seen: dict[bytes, int] = {}
    last_seen: dict[bytes, int] = {}
    for fingerprint, ballot in rows:
        first = first_seen.setdefault(fingerprint, ballot)
        if last_seen.get(fingerprint) == ballot or owners[first] != owners[ballot]:
            yield Repetition(ballot if last_seen.get(fingerprint) == ballot else first, ballot)
        last_seen[fingerprint] = ballot
