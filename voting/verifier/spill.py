"""Protocol V5a: bytes that stay in memory while they are few, and go to a temporary file when they get many.

The file has no name (it was deleted as soon as it was opened, or never had one), so nobody else can open it, and it is
gone when this program ends, however it ends. The system's folder for temporary files is used: TMPDIR names another.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import os
import tempfile
import weakref

from voting.protocol.errors import UnavailableError

SPILL_BYTES = 4 * 1024**2
"""So much stays in memory."""


class SpillingStorage:
    """`voting.election.storage.Storage` in memory, then in a file."""

    __slots__ = ("__weakref__", "_data", "_file", "_limit", "_size")

    def __init__(self, limit: int | None = None) -> None:
        self._limit = SPILL_BYTES if limit is None else limit
        self._data = bytearray()
        self._file = -1
        self._size = 0

    @property
    def size(self) -> int:
        """As `Storage.size`."""
        return self._size

    @property
    def is_spilled(self) -> bool:
        """Whether the bytes are in a file."""
        return self._file >= 0

    def read(self, position: int, length: int) -> bytes:
        """As `Storage.read`. Raises UnavailableError if the file cannot be read."""
        if self._file < 0:
            return bytes(self._data[position : position + length])
        try:
            return os.pread(self._file, length, position)
        except OSError as error:
            raise _unavailable(error) from None

    def write(self, position: int, data: bytes) -> None:
        """As `Storage.write`. Raises UnavailableError if there is no room on the disk."""
        end = position + len(data)
        if self._file < 0:
            self._data[position:end] = data
            self._size = len(self._data)
            self._spill()
            return
        self._write(position, data)
        self._size = max(self._size, end)

    def grow(self, size: int) -> None:
        """As `Storage.grow`. Raises UnavailableError if there is no room on the disk."""
        if self._file < 0 and size <= self._limit:
            self._data.extend(bytes(size - self._size))
        else:
            self._spill(now=True)
            try:
                os.ftruncate(self._file, size)
            except OSError as error:
                raise _unavailable(error) from None
        self._size = size

    def _spill(self, *, now: bool = False) -> None:
        if self._file >= 0 or (self._size <= self._limit and not now):
            return
        try:
            with tempfile.TemporaryFile(buffering=0) as file:
                self._file = os.dup(file.fileno())
        except OSError as error:
            raise _unavailable(error) from None
        weakref.finalize(self, os.close, self._file)
        self._write(0, bytes(self._data))
        self._data = bytearray()

    def _write(self, position: int, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._file, view, position)
                view, position = view[written:], position + written
        except OSError as error:
            raise _unavailable(error) from None


def _unavailable(error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the temporary files cannot be used ({error.strerror or error})",
        remedy="point TMPDIR at a folder on a disk with more room",
    )
