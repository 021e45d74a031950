"""Protocol F: signing keys that lie on this machine without a passphrase (docs/spec/key-file.md).

It must not know what the key signs.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from voting.crypto.keyfile import MAX_FILE_BYTES, open_key_file, write_plain_key_file
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UnavailableError, UrneError

OTHERS = 0o077
"""Permissions of anybody but the owner."""
_SEED_BYTES = 32


def make_plain_signing_key(path: Path, kind: str, label: str) -> SigningKey:
    """Make a new signing key and keep it in a file that only its owner may read. A key that is there stays.

    Raises:
        UnavailableError: if there is one already, or the folder cannot be written.
    """
    seed = secrets.token_bytes(_SEED_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(write_plain_key_file(seed, kind=kind, label=label))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise UnavailableError("exists already", where=str(path), remedy="choose another folder") from None
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror})", where=str(path)) from None
    return SigningKey.from_seed(seed)


def read_plain_signing_key(path: Path, kind: str) -> SigningKey:
    """The signing key in a plain key file that nobody but its owner may read.

    Raises:
        UnavailableError: if the file is missing, unreadable, or may be read by others than its owner.
        KeyFileError: if it is damaged or of another kind.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if mode & OTHERS:
        raise UnavailableError("may be read by other users", where=str(path), remedy=f"run: chmod 600 {path}")
    try:
        return SigningKey.from_seed(open_key_file(data, passphrase=None, kind=kind))
    except UrneError as error:
        raise error.at(str(path)) from None
