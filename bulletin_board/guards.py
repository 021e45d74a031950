"""Protocol L7: what must hold of the machine before a board is opened for writing (docs/spec/log.md, "The machine").

One writer at a time, a local disk, and a SQLite without the WAL-reset bug. Imports no SQL.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
from pathlib import Path

from voting.protocol.errors import UnavailableError

FIXED_SQLITE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""The first release without the WAL-reset bug, and the two older lines that carry its repair."""

NETWORK_FILE_SYSTEMS = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB",
    0x65735546: "FUSE",
    0x01021997: "9P",
    0x73757245: "Coda",
    0x5346414F: "AFS",
    0x6B414653: "AFS",
    0x00C36400: "Ceph",
    0x7461636F: "OCFS2",
    0x01161970: "GFS2",
    0x0BD00BD0: "Lustre",
    0x47504653: "GPFS",
}
"""Types of `statfs` on which SQLite's locks or its shared memory cannot be relied on."""

_STATFS_BYTES = 512
_ADVICE = "install the Python package pysqlite3, version 0.6.1 or later"


def require_safe_sqlite(version: tuple[int, ...]) -> None:
    """Protocol L7a: refuse a SQLite that can lose committed data when a log is reset (3.7.0 to 3.51.2).

    Raises:
        UnavailableError: unless the version is 3.51.3 or later, or carries the repair: 3.50.7 and later 3.50, 3.44.6
            and later 3.44 releases.
    """
    newest, *repaired = FIXED_SQLITE
    if version >= newest or any(version[:2] == line[:2] and version >= line for line in repaired):
        return
    number = ".".join(map(str, version))
    raise UnavailableError(f"SQLite {number} can lose committed entries, so no board may use it", remedy=_ADVICE)


def file_system_type(folder: Path) -> int:
    """The type that statfs(2) gives for the file system of `folder`; 0 where there is no such call."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    if libc.statfs(os.fsencode(folder), buffer) != 0:
        raise UnavailableError(f"cannot be examined ({os.strerror(ctypes.get_errno())})", where=str(folder))
    return ctypes.c_long.from_buffer(buffer).value & 0xFFFFFFFF


def require_local_disk(folder: Path) -> None:
    """Protocol L7b: refuse a folder on a network file system. Raises UnavailableError."""
    name = NETWORK_FILE_SYSTEMS.get(file_system_type(folder))
    if name is not None:
        raise UnavailableError(
            f"lies on a network file system ({name}), where a power cut or a second machine could damage the board",
            where=str(folder),
            remedy="keep the board on a local disk and publish it by export",
        )


class Lock:
    """Protocol L7c: the right to write, held from `take` to `release` and never by two processes at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._process = os.getpid()

    def take(self) -> None:
        """Take the lock. Raises UnavailableError if another process, or another object in this one, has it."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UnavailableError(f"cannot be opened ({error.strerror})", where=str(self._path)) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise UnavailableError(
                "is open for writing in another process",
                where=str(self._path.parent),
                remedy="stop that process, e.g. a running server, or wait for it to end",
            ) from None
        except OSError as error:
            os.close(handle)
            raise UnavailableError(f"cannot be locked ({error.strerror})", where=str(self._path)) from None
        self._handle = handle

    def is_mine(self) -> bool:
        """False after release, and in a child process: a fork inherits the handle, but must not write."""
        return self._handle is not None and os.getpid() == self._process

    def release(self) -> None:
        """Give the lock back. Does nothing if it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
