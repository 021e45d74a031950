"""A machine that may lose its power at any moment, for SQLite: what was not flushed is kept, lost or torn, by chance.

The disk keeps what a flush (`xSync`) has confirmed. Later writes are in the system's memory: at a power cut any of
them may have reached the disk, in any order, and a write may have reached it with some of its 512-byte sectors only.
While the power is on, everybody sees all that was written.

    with powered(seed) as machine:          # boards opened now are on this machine
        ...
        machine.cut(folder)                 # what a disk could hold if the power failed at this moment
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import pysqlite3
import pytest

from bulletin_board.store import DATABASE

NAME = "urne-power"
SECTOR = 512
_FILES = (DATABASE, f"{DATABASE}-wal")
_Pending = tuple[int, bytes | None]
"""A write at an offset, or (data is None) the end of the file."""


class Machine:
    """The disk of the machine: what is durable, and what is written but not flushed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[_Pending]] = {}
        self.on_write: Callable[[], None] = lambda: None
        """Told before each write: a good moment for a power cut."""
        self.fail: Callable[[str, str], bool] = lambda _operation, _name: False
        """Asked before each operation ("write", "sync", "truncate") whether it fails."""
        self.flushes = 0

    def load(self, name: str, data: bytes) -> None:
        """A file that is on the disk from the beginning."""
        self.durable[name] = bytearray(data)
        self.pending[name] = []

    def cut(self, folder: Path) -> Path:
        """Write to `folder` what a disk could hold if the power failed now."""
        folder.mkdir()
        keep = self.chance.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        for name, durable in self.durable.items():
            image = bytearray(durable)
            for offset, data in self.pending[name]:
                if data is None:
                    if self.chance.random() < keep:
                        del image[offset:]
                elif self.chance.random() < 0.1:
                    for start in range(0, len(data), SECTOR):
                        if self.chance.random() < keep:
                            _put(image, offset + start, data[start : start + SECTOR])
                elif self.chance.random() < keep:
                    _put(image, offset, data)
            (folder / name).write_bytes(image)
        return folder

    def write(self, name: str, offset: int, data: bytes) -> None:
        self.on_write()
        self.pending[name].append((offset, data))

    def truncate(self, name: str, length: int) -> None:
        self.pending[name].append((length, None))

    def flush(self, name: str) -> None:
        self.flushes += 1
        image = self.durable[name]
        for offset, data in self.pending[name]:
            if data is None:
                del image[offset:]
            else:
                _put(image, offset, data)
        self.pending[name] = []

    def forget(self, name: str) -> None:
        """A flush failed, and the system takes its memory for clean: nothing of it will ever reach the disk."""
        self.pending[name] = []


def _put(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data


class _File(apsw.VFSFile):
    """A file of which the machine is told; the real one shows what the system's memory shows."""

    def __init__(self, machine: Machine, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._machine = machine
        shown = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._name = Path(shown).name
        self._is_watched = self._name in _FILES
        if self._is_watched and self._name not in machine.durable:
            machine.load(self._name, b"")

    def _may(self, operation: str, error: type[Exception]) -> None:
        if self._is_watched and self._machine.fail(operation, self._name):
            raise error(f"{operation} fails")

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._may("write", apsw.FullError)
        if self._is_watched:
            self._machine.write(self._name, offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._may("truncate", apsw.IOError)
        if self._is_watched:
            self._machine.truncate(self._name, newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._is_watched and self._machine.fail("sync", self._name):
            self._machine.forget(self._name)
            raise apsw.IOError("sync fails")
        if self._is_watched:
            self._machine.flush(self._name)


class _Vfs(apsw.VFS):
    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        super().__init__(NAME, "")

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802
        return _File(self._machine, name, flags)


class _Connection:
    """An apsw connection with the little of pysqlite3's that the store uses."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        try:
            return _Rows(self._connection.execute(statement, values or None).fetchall())
        except apsw.Error as error:
            raise pysqlite3.OperationalError(str(error)) from error

    def close(self) -> None:
        # A reader that is the last to close tries to tidy up, and may not write: SQLite ignores that, apsw tells it.
        with suppress(apsw.Error):
            self._connection.close(True)


class _Rows(list[Any]):
    description = ()
    """Not None: sqlite-utils closes its cursor on that."""

    def fetchall(self) -> list[Any]:
        return self


@contextmanager
def powered(seed: int, *, wal_pages: int = 1000) -> Iterator[Machine]:
    """A machine, on which every board that is opened in the `with` block lies.

    Args:
        wal_pages: after how many pages SQLite moves its write-ahead file into the database.
    """
    machine = Machine(seed)
    vfs = _Vfs(machine)

    def connect(address: str, **_options: Any) -> _Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(address, flags=flags, vfs=NAME)
        connection.execute(f"PRAGMA wal_autocheckpoint = {wal_pages}")
        return _Connection(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pysqlite3, "connect", connect)
        try:
            yield machine
        finally:
            vfs.unregister()
