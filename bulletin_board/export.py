"""Protocol L13: publish a board as a record that anyone can verify (docs/spec/log.md, "The record").

A record is `headers.jsonl`, `bodies.jsonl`, `hints.jsonl`, `checkpoint` and `vkey`, as a folder or as one .zip. One
state of one board gives the same bytes every time (a .zip: with the same zlib). It is written beside its target under
another name, flushed to disk and renamed: a half-written record never bears the name of a whole one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from bulletin_board.files import sync_folder
from bulletin_board.reader import BoardReader
from voting.protocol.errors import UnavailableError, UsageError

HEADERS = "headers.jsonl"
BODIES = "bodies.jsonl"
HINTS = "hints.jsonl"
CHECKPOINT = "checkpoint"
VKEY = "vkey"
RECORD_FILES = (HEADERS, BODIES, HINTS, CHECKPOINT, VKEY)

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_PLAIN_FILE = 0o100644 << 16

_OpenMember = Callable[[str], AbstractContextManager[IO[bytes]]]


def export_record(board: BoardReader, target: Path, *, force: bool = False) -> int:
    """Protocol L13a: write a record of the board's newest signed state.

    Args:
        board: an open board; what is appended meanwhile is left out.
        target: a name ending in `.zip` gives one file, any other name a folder.
        force: replace what bears this name, if it is a .zip file or the folder of a record.

    Returns:
        How many entries the record holds.

    Raises:
        UsageError: if the target exists and may not be replaced.
        UnavailableError: if it cannot be written.
    """
    _require_free(target, force)
    partial = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    try:
        if _is_zip(target):
            count = _write_zip(board, partial)
            os.replace(partial, target)
        else:
            count = _write_folder(board, partial)
            _replace_folder(partial, target)
        sync_folder(target.parent)
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror or error})", where=str(target)) from None
    finally:
        _remove(partial)
    return count


def _write_folder(board: BoardReader, folder: Path) -> int:
    folder.mkdir()

    @contextmanager
    def member(name: str) -> Iterator[IO[bytes]]:
        with (folder / name).open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    count = _write_members(board, member)
    sync_folder(folder)
    return count


def _write_zip(board: BoardReader, path: Path) -> int:
    with path.open("xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:

            @contextmanager
            def member(name: str) -> Iterator[IO[bytes]]:
                info = zipfile.ZipInfo(name, _ZIP_DATE)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.create_system = _UNIX
                info.external_attr = _PLAIN_FILE
                with archive.open(info, "w", force_zip64=True) as packed:
                    yield packed

            count = _write_members(board, member)
        file.flush()
        os.fsync(file.fileno())
    return count


def _write_members(board: BoardReader, member: _OpenMember) -> int:
    checkpoint = board.checkpoint()
    size = checkpoint.size
    with member(HEADERS) as file:
        count = _write_lines(file, board.headers(0, size))
    with member(BODIES) as file:
        _write_lines(file, (entry.body for entry in board.entries(0, size)))
    with member(HINTS) as file:
        _write_lines(file, (entry.attachment or b"" for entry in board.entries(0, size)))
    with member(CHECKPOINT) as file:
        file.write(board.checkpoint_note(size))
    with member(VKEY) as file:
        file.write(board.key.vkey.encode("ascii") + b"\n")
    if count != size:
        raise UnavailableError(f"has {count} of the {size} entries that it signed", where=str(board.folder))
    return count


def _write_lines(file: IO[bytes], lines: Iterator[bytes]) -> int:
    count = 0
    for line in lines:
        file.write(line + b"\n")
        count += 1
    return count


def _require_free(target: Path, force: bool) -> None:
    if not target.name or not target.parent.is_dir():
        raise UnavailableError("has no folder to be written into", where=str(target), remedy="make the folder first")
    if not os.path.lexists(target):
        return
    if not force:
        raise UsageError("exists already", where=str(target), remedy="choose another name, or replace it with --force")
    if target.is_symlink() or target.is_dir() == _is_zip(target):
        raise UsageError("is not a record, so it is not replaced", where=str(target), remedy="choose another name")
    if target.is_dir() and not {path.name for path in target.iterdir()} <= set(RECORD_FILES):
        raise UsageError("holds other files than a record's, so it is not replaced", where=str(target))


def _replace_folder(partial: Path, target: Path) -> None:
    """Rename, after moving a folder that is to be replaced out of the way."""
    old = target.with_name(f".{target.name}.old-{secrets.token_hex(4)}")
    if target.exists():
        target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    _remove(old)


def _is_zip(target: Path) -> bool:
    return target.suffix == ".zip"


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
