"""Protocol L9: small files that must be whole or not there, whatever happens (docs/spec/log.md, "Storage")."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from voting.protocol.errors import UnavailableError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, flush it, rename it, and flush the name. Raises UnavailableError."""
    try:
        write_and_rename(path, [data])
        sync_folder(path.parent)
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror or error})", where=str(path)) from None


def write_and_rename(path: Path, content: Iterable[bytes]) -> None:
    """Write a file beside its place, flush it, rename it. The name is not flushed yet. Raises OSError."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_small(path: Path, limit: int) -> bytes:
    """The bytes of a file, at most `limit` and one more. Raises UnavailableError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror or error})", where=str(path)) from None


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
