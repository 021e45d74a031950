"""Protocol L18: a whole board in one file, and back (docs/spec/log.md, "Old copies").

    manifest.json    what the copy is: origin, key, size, root, the signed checkpoint, and the hash of the database
    board.db         one committed state of the database, rechecked after it was written
    witnesses.toml, mirrors, latest    what lies beside the board, or the mirror, if it is there

The board's key is not in it: keep that by itself. What is unpacked may be read, but not written to before it was
compared with what others have seen (`bulletin_board.outlived`). This module must not know what entries mean.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from bulletin_board.files import sync_folder, write_whole
from bulletin_board.fsck import verify_board
from bulletin_board.last_seen import MIRRORS
from bulletin_board.outlived import RESTORED
from bulletin_board.reader import LATEST, BoardReader, open_reader
from bulletin_board.store import DATABASE
from bulletin_board.witness_settings import WITNESSES
from voting.protocol.encoding import decode, encode
from voting.protocol.errors import DecodeError, ProofError, UnavailableError, UsageError
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.note import MAX_NOTE_BYTES
from voting.protocol.tlog.text import encode_base64

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2_000_000
MAX_BESIDE_BYTES = MAX_NOTE_BYTES
_BESIDE = (WITNESSES, MIRRORS, LATEST)
_CHUNK = 1024 * 1024
_BACKUP_FAULTS = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, ValueError, RuntimeError, NotImplementedError)


class BackupManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Protocol L18b: what a backup is a copy of. `sha256` and `bytes` are of the database; `root` is base64."""

    bytes: int
    checkpoint: str
    origin: str
    root: str
    sha256: str
    size: int
    version: int
    vkey: str


def backup_board(board: BoardReader, target: Path) -> Checkpoint:
    """Protocol L18c: write one state of a board, or of a mirror, to a new file; somebody else may go on writing to it.

    Args:
        board: open, with all that it signed.

    Returns:
        The checkpoint of the copy.

    Raises:
        UsageError: if the target exists.
        UnavailableError: if it cannot be written.
        ProofError, SignatureInvalid: if the copy does not hold: then the board itself is damaged. There is no file.
    """
    if os.path.lexists(target):
        raise UsageError("exists already", where=str(target), remedy="choose another name")
    partial = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
    try:
        partial.mkdir()
        board.store.copy_to(partial / DATABASE)
        with open_reader(partial, unpublished=True) as copy:
            verify_board(copy)
            checkpoint = copy.checkpoint()
            manifest = _manifest(copy, checkpoint, partial / DATABASE)
        _pack(partial / "packed", encode(manifest), partial / DATABASE, board.folder)
        os.replace(partial / "packed", target)
        sync_folder(target.parent)
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror or error})", where=str(target)) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return checkpoint


def restore_board(file: Path, folder: Path) -> Checkpoint:
    """Protocol L18d: unpack a backup into a new folder, and recheck it. It is marked as a copy.

    Returns:
        The checkpoint of the copy.

    Raises:
        UsageError: if the folder holds something.
        UnavailableError: if the file cannot be read, or the folder not be written.
        DecodeError: if the file is no backup.
        ProofError, SignatureInvalid: if it is damaged. Nothing is left of it in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("exists and is not empty", where=str(folder), remedy="choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with _opened(file) as archive:
                return _unpack(archive, folder, what=str(file))
        except BaseException:
            for left in folder.iterdir():
                left.unlink()
            raise
    except OSError as error:
        where = str(error.filename or file)
        raise UnavailableError(f"cannot be used ({error.strerror or error})", where=where) from None


def _manifest(copy: BoardReader, checkpoint: Checkpoint, database: Path) -> BackupManifest:
    with database.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return BackupManifest(
        bytes=database.stat().st_size,
        checkpoint=copy.checkpoint_note().decode("utf-8"),
        origin=copy.origin,
        root=encode_base64(checkpoint.root),
        sha256=digest,
        size=checkpoint.size,
        version=1,
        vkey=copy.key.vkey,
    )


def _pack(target: Path, manifest: bytes, database: Path, folder: Path) -> None:
    with target.open("xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(MANIFEST, manifest)
            archive.write(database, DATABASE)
            for name in _BESIDE:
                if (folder / name).is_file():
                    archive.write(folder / name, name)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever is wrong with its form becomes a DecodeError."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            known = {MANIFEST, DATABASE, *_BESIDE}
            if len(set(names)) != len(names) or not {MANIFEST, DATABASE} <= set(names) <= known:
                raise DecodeError("is no backup of a board", where=str(file))
            yield archive
    except _BACKUP_FAULTS:
        raise DecodeError("is no backup of a board, or is damaged", where=str(file)) from None


def _unpack(archive: zipfile.ZipFile, folder: Path, *, what: str) -> Checkpoint:
    manifest = decode(
        _small(archive, MANIFEST, MAX_MANIFEST_BYTES), BackupManifest, what=what, limit=MAX_MANIFEST_BYTES
    )
    if manifest.version != 1:
        raise DecodeError(f"is a backup of version {manifest.version}, unknown here", where=what)
    # First the mark: there is never a copy without it.
    write_whole(folder / RESTORED, manifest.checkpoint.encode("utf-8"))
    for name in _BESIDE:
        if name in archive.namelist():
            write_whole(folder / name, _small(archive, name, MAX_BESIDE_BYTES))
    with archive.open(DATABASE) as source, (folder / DATABASE).open("xb") as target:
        digest = _copy(source, target, manifest.bytes, what)
        target.flush()
        os.fsync(target.fileno())
    sync_folder(folder)
    if digest != manifest.sha256:
        raise ProofError("is damaged: the database has another hash than its manifest names", where=what)
    with open_reader(folder, unpublished=True) as board:
        verify_board(board, signatures=True)
        found = board.checkpoint()
        if (board.origin, board.key.vkey, found.size, encode_base64(found.root)) != (
            manifest.origin, manifest.vkey, manifest.size, manifest.root,
        ):  # fmt: skip
            raise ProofError("holds another board than its manifest names", where=what)
    return found


def _copy(source: IO[bytes], target: IO[bytes], length: int, what: str) -> str:
    digest = hashlib.sha256()
    copied = 0
    while chunk := source.read(_CHUNK):
        copied += len(chunk)
        if copied > length:
            raise ProofError("holds a longer database than its manifest names", where=what)
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def _small(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with archive.open(name) as source:
        data = source.read(limit + 1)
    if len(data) > limit:
        raise DecodeError(f"is longer than {limit} bytes", where=name)
    return data
