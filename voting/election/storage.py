"""Protocol S: bytes that grow, and a table of keys in them: the compact form of what grows with voters and ballots.

A live site and the trustees' tools keep them in memory; a verifier may give storage that goes to a file when it gets
large (`voting.verifier.spill`). This module must not import anything that reads or writes files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol


class Storage(Protocol):
    """Bytes that grow at their end and can be changed in place."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, position: int, length: int) -> bytes:
        """Bytes that are there; fewer at the end."""

    def write(self, position: int, data: bytes) -> None:
        """Put bytes into place; `position` is `size` at most."""

    def grow(self, size: int) -> None:
        """Add zeros up to this size."""


NewStorage = Callable[[], Storage]


class MemoryStorage:
    """Storage in memory."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        """As `Storage.size`."""
        return len(self._data)

    def read(self, position: int, length: int) -> bytes:
        """As `Storage.read`."""
        return bytes(self._data[position : position + length])

    def write(self, position: int, data: bytes) -> None:
        """As `Storage.write`."""
        self._data[position : position + len(data)] = data

    def grow(self, size: int) -> None:
        """As `Storage.grow`."""
        self._data.extend(bytes(size - len(self._data)))


_SLOT = 8
_BLOCK = 16
"""Slots that are read at once."""
_FIRST_SLOTS = 64
_NUMBER_BITS = 48
_NUMBER = (1 << _NUMBER_BITS) - 1
_ROWS_AT_ONCE = 1024


class KeyTable:
    """Different keys of one length, numbered from 0 in the order of their coming, each with some bytes of value.

    Open addressing: a slot holds a key's number (plus 1; 0 is an empty slot) and 16 bits of its hash. At most half of
    the slots are used. The hash is Python's own, which nobody outside this process can foresee, so that keys cannot be
    chosen to collide.
    """

    __slots__ = ("_count", "_key_bytes", "_new_storage", "_row_bytes", "_rows", "_slot_count", "_slots")

    def __init__(self, new_storage: NewStorage, key_bytes: int, value_bytes: int = 0) -> None:
        self._new_storage = new_storage
        self._key_bytes = key_bytes
        self._row_bytes = key_bytes + value_bytes
        self._rows = new_storage()
        self._slots = new_storage()
        self._slot_count = _FIRST_SLOTS
        self._slots.grow(_SLOT * _FIRST_SLOTS)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, key: bytes) -> int | None:
        """The number of a key; None if it is not there."""
        hashed = hash(key)
        tag = (hashed >> _NUMBER_BITS) & 0xFFFF
        mask = self._slot_count - 1
        place = hashed & mask
        while True:
            block = self._slots.read(place * _SLOT, _BLOCK * _SLOT)
            for start in range(0, len(block), _SLOT):
                slot = int.from_bytes(block[start : start + _SLOT], "little")
                if not slot:
                    return None
                number = (slot & _NUMBER) - 1
                if slot >> _NUMBER_BITS == tag and self.key(number) == key:
                    return number
            place = (place + _BLOCK) & mask if place + _BLOCK < self._slot_count else 0

    def add(self, key: bytes, value: bytes = b"") -> int:
        """Add a key that is not there yet; gives its number."""
        if 2 * (self._count + 1) > self._slot_count:
            self._double()
        number = self._count
        self._rows.write(number * self._row_bytes, key + value)
        self._occupy(self._slots, self._slot_count, key, number)
        self._count += 1
        return number

    def key(self, number: int) -> bytes:
        """The key with a number."""
        return self._rows.read(number * self._row_bytes, self._key_bytes)

    def value(self, number: int) -> bytes:
        """The value of the key with a number."""
        return self._rows.read(number * self._row_bytes + self._key_bytes, self._row_bytes - self._key_bytes)

    def set_value(self, number: int, value: bytes) -> None:
        """Change the value of the key with a number."""
        self._rows.write(number * self._row_bytes + self._key_bytes, value)

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their values, in order."""
        width = self._row_bytes
        for first in range(0, self._count, _ROWS_AT_ONCE):
            rows = self._rows.read(first * width, _ROWS_AT_ONCE * width)
            for start in range(0, len(rows), width):
                yield rows[start : start + self._key_bytes], rows[start + self._key_bytes : start + width]

    def _double(self) -> None:
        slots, slot_count = self._new_storage(), 2 * self._slot_count
        slots.grow(_SLOT * slot_count)
        for number, (key, _) in enumerate(self.rows()):
            self._occupy(slots, slot_count, key, number)
        self._slots, self._slot_count = slots, slot_count

    @staticmethod
    def _occupy(slots: Storage, slot_count: int, key: bytes, number: int) -> None:
        hashed = hash(key)
        place = hashed & (slot_count - 1)
        while any(slots.read(place * _SLOT, _SLOT)):
            place = (place + 1) & (slot_count - 1)
        tag = (hashed >> _NUMBER_BITS) & 0xFFFF
        slots.write(place * _SLOT, (tag << _NUMBER_BITS | (number + 1)).to_bytes(_SLOT, "little"))
