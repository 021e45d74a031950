"""Reading and writing small files for the commands, with errors a person can use.

New files are written with their final permissions, flushed to disk, and never over another file. Imports nothing of
Urne but `voting.protocol.errors`.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

from voting.protocol.errors import UnavailableError, UsageError

MAX_BYTES = 64 * 1024 * 1024
"""No file that a person hands to a command may be longer, unless the caller says so."""

_PIECE = 1024 * 1024

PRIVATE = 0o600
PUBLIC = 0o644


def read_file(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file.

    Raises:
        UnavailableError: if it cannot be read, or is longer than `limit` bytes.
    """
    try:
        with path.open("rb") as file:
            data = _read_at_most(file, limit + 1)
    except (OSError, ValueError) as error:
        raise UnavailableError(f"cannot be read ({_reason(error)})", where=str(path)) from None
    if len(data) > limit:
        raise UnavailableError(f"is longer than the {limit} bytes allowed", where=str(path))
    return data


def _read_at_most(file: BinaryIO, count: int) -> bytes:
    """Piece by piece: a single `read` takes memory for all that is asked for, however short the file is."""
    pieces = []
    while count > 0 and (piece := file.read(min(count, _PIECE))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def read_text(path: Path, *, limit: int = MAX_BYTES) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises:
        UnavailableError: if it cannot be read or is too long.
        UsageError: if it is not UTF-8.
    """
    data = read_file(path, limit=limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"is not UTF-8 text (line {line})", where=str(path), remedy="save it as UTF-8") from None


def require_new(path: Path) -> None:
    """Raises UsageError if something bears this name already, or its folder does not exist."""
    if os.path.lexists(path):
        raise UsageError("exists already", where=str(path), remedy="choose another name")
    if not path.absolute().parent.is_dir():
        raise UsageError("the folder for it does not exist", where=str(path), remedy="make the folder first")


def write_new_file(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write a file that did not exist; on return it is on the disk. A file that could not be written whole is removed.

    Raises:
        UsageError: if it exists already.
        UnavailableError: if it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise UsageError("exists already", where=str(path), remedy="choose another name") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"cannot be written ({_reason(error)})", where=str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.absolute().parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise UnavailableError(f"cannot be written ({_reason(error)})", where=str(path)) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def make_new_folder(path: Path, *, mode: int = 0o700) -> None:
    """Make a folder that did not exist.

    Raises:
        UsageError: if it exists already.
        UnavailableError: if it cannot be made.
    """
    try:
        path.mkdir(mode=mode)
        sync_folder(path.absolute().parent)
    except FileExistsError:
        raise UsageError("exists already", where=str(path), remedy="choose another name") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"cannot be made ({_reason(error)})", where=str(path)) from None


def replace_file(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write a file, in place of one that bears its name: whole or not at all. Raises UnavailableError."""
    partial = path.with_name(f".{path.name}.partial-{secrets.token_hex(4)}")
    try:
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(path.absolute().parent)
    except (OSError, ValueError) as error:
        raise UnavailableError(f"cannot be written ({_reason(error)})", where=str(path)) from None


def sync_folder(path: Path) -> None:
    """Flush a folder's list of names to disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "this is no name for a file"
