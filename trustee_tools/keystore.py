"""Protocol F: a trustee's key file on disk: made twice, opened, destroyed (docs/spec/key-file.md).

A trustee's seed is only ever written under a passphrase. A file that exists is never overwritten, and a file that could
not be written whole is removed again. The format itself is in `voting.crypto.keyfile`.
This module asks nobody anything: see `trustee_tools.prompts`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from voting.crypto.keyfile import (
    DEFAULT_WORK_FACTOR,
    MAX_FILE_BYTES,
    KeyFileHeader,
    open_key_file,
    read_key_file_header,
    write_key_file,
)
from voting.crypto.signatures import SigningKey
from voting.files import require_new, sync_folder, write_new_file
from voting.protocol.errors import KeyFileError, UnavailableError, UrneError, UsageError

TRUSTEE_KIND = "trustee"
BOARD_KIND = "board"

_OTHERS = 0o077
_MAX_PASSPHRASE_BYTES = 1024


def create_key_files(
    paths: Sequence[Path],
    seed: bytes,
    *,
    label: str,
    passphrase: str,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    work_factor: int = DEFAULT_WORK_FACTOR,
) -> None:
    """Protocol F5: write a trustee's seed to several new files and open each of them again.

    Args:
        paths: where the copies go; no two may be the same file, none may exist.
        seed: 32 secret bytes.
        label: whose key it is; readable without the passphrase.
        passphrase: opens every copy.
        random_bytes: source of randomness; each copy has a salt of its own.
        work_factor: scrypt's N; lower it in tests only.

    Raises:
        UsageError: if a path exists, or two are the same. Nothing was written.
        UnavailableError, KeyFileError: if a copy cannot be written or does not open. What was written is removed.
    """
    if len({path.resolve() for path in paths}) != len(paths):
        raise UsageError("the copies would be one and the same file", remedy="name two places, on two devices")
    for path in paths:
        require_new(path)
    written: list[Path] = []
    try:
        for path in paths:
            data = write_key_file(
                seed,
                kind=TRUSTEE_KIND,
                label=label,
                passphrase=passphrase,
                random_bytes=random_bytes,
                work_factor=work_factor,
            )
            write_new_file(path, data)
            written.append(path)
        for path in paths:
            if open_trustee_key(path, passphrase) != seed:
                raise KeyFileError("does not hold what was written to it", where=str(path), remedy="use another disk")
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def is_open_to_others(path: Path) -> bool:
    """Whether other users of this machine may read a file."""
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def open_trustee_key(path: Path, passphrase: str) -> bytes:
    """Protocol F6: the seed in a trustee's key file.

    Raises:
        UnavailableError: if the file cannot be read.
        KeyFileError: if it is damaged or of another kind, or the passphrase is wrong.
    """
    try:
        return open_key_file(_read(path, MAX_FILE_BYTES), passphrase=passphrase, kind=TRUSTEE_KIND)
    except KeyFileError as error:
        raise error.at(str(path)) from None


def read_header(path: Path) -> KeyFileHeader:
    """What a trustee's key file says without its passphrase.

    Raises:
        UnavailableError: if it cannot be read.
        KeyFileError: if it is no key file, or one of another kind.
    """
    try:
        header = read_key_file_header(_read(path, MAX_FILE_BYTES))
        if header.kind != TRUSTEE_KIND:
            raise KeyFileError(f"is a key of kind {header.kind!r}, not {TRUSTEE_KIND!r}", remedy="name the right file")
    except KeyFileError as error:
        raise error.at(str(path)) from None
    return header


def open_board_key(path: Path) -> SigningKey:
    """The signing key of a board that lies on this machine: a file without passphrase, for its owner's eyes only.

    Raises:
        UnavailableError: if it is missing, cannot be read, or others than its owner may read it.
        KeyFileError: if it is damaged or of another kind.
    """
    data = _read(path, MAX_FILE_BYTES, private=True)
    try:
        return SigningKey.from_seed(open_key_file(data, passphrase=None, kind=BOARD_KIND))
    except UrneError as error:
        raise error.at(str(path)) from None


def read_passphrase_file(path: Path) -> str:
    """A passphrase from a file of one line, for unattended runs.

    Raises:
        UnavailableError: if it cannot be read, or others than its owner may read it.
        UsageError: if it is not one line of text.
    """
    data = _read(path, _MAX_PASSPHRASE_BYTES, private=True)
    try:
        passphrase = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        passphrase = ""
    if not passphrase or "\n" in passphrase or "\r" in passphrase:
        raise UsageError(
            "is not one line of UTF-8 text", where=str(path), remedy="write the passphrase and nothing else"
        )
    return passphrase


def destroy_key_file(path: Path, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> None:
    """Protocol F7: overwrite a trustee's key file once with random bytes, and remove it.

    What the disk, its snapshots and backups keep is out of reach.

    Raises:
        UsageError: if it is a link.
        UnavailableError: if it cannot be opened, written or removed.
        KeyFileError: if it is no trustee's key file: nothing else is ever destroyed.
    """
    if path.is_symlink():
        raise UsageError("is a link", where=str(path), remedy="name the file itself")
    read_header(path)
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.write(random_bytes(size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.absolute().parent)
    except OSError as error:
        raise UnavailableError(f"cannot be destroyed ({error.strerror})", where=str(path)) from None


def _read(path: Path, limit: int, *, private: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(limit + 1)
    except OSError as error:
        raise UnavailableError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="check its name and your rights"
        ) from None
    if private and mode & _OTHERS:
        raise UnavailableError("may be read by other users", where=str(path), remedy=f"chmod 600 {path.name}")
    return data
