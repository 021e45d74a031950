"""The files of an ElectionGuard record: a folder or a .zip file, read strictly and with limits.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import msgspec

from voting.protocol.errors import DecodeError, UnavailableError
from voting.verifier.foreign.electionguard.numbers import Hook
from voting.verifier.foreign.json_text import read_json

T = TypeVar("T")

_BROKEN = (
    OSError,
    EOFError,
    KeyError,
    RuntimeError,  # NotImplementedError too: what zipfile says of an encrypted file, or of an unknown method
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged folder or archive may raise."""

MAX_FILE_BYTES = 64 << 20
MAX_FILES = 2_000_000
_DEEPEST = 3
_START = "constants.json"
_TOKENS = re.compile(r"(\d+)")


def convert(value: object, kind: type[T], hook: Hook, *, what: str) -> T:
    """Give parsed JSON its type. Raises DecodeError with the place of the fault."""
    try:
        return msgspec.convert(value, kind, strict=True, dec_hook=hook)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise DecodeError(f"has not the form that it should have: {str(error)[:200]}", where=what) from None


class RecordFiles:
    """The folder of the record: the one where `constants.json` is."""

    def __init__(self, root: Traversable) -> None:
        self._root = root

    def exists(self, name: str) -> bool:
        """Whether the record has this file or folder."""
        place = self._root.joinpath(name)
        return place.is_file() or place.is_dir()

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises DecodeError if it is missing or too large, UnavailableError if unreadable."""
        place = self._root.joinpath(name)
        try:
            if not place.is_file():
                raise DecodeError("is missing", where=name)
            with place.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except _BROKEN as error:
            raise UnavailableError(f"cannot be read ({_reason(error)})", where=name) from None
        if len(data) > MAX_FILE_BYTES:
            raise DecodeError(f"has more than {MAX_FILE_BYTES} bytes", where=name)
        return data

    def read_json(self, name: str) -> object:
        """The contents of a JSON file."""
        return read_json(self.read(name), what=name)

    def load(self, name: str, kind: type[T], hook: Hook) -> T:
        """The contents of a JSON file, with their type."""
        return convert(self.read_json(name), kind, hook, what=name)

    def names(self, folder: str, *, depth: int = 1) -> list[str]:
        """The JSON files in a folder, in the order that people count in; none if there is no such folder.

        Args:
            depth: 2 to look in the folder's own folders too.
        """
        place = self._root.joinpath(folder)
        try:
            found = list(_walk(place, folder, depth)) if place.is_dir() else []
        except _BROKEN as error:
            raise UnavailableError(f"cannot be read ({_reason(error)})", where=folder) from None
        return sorted(found, key=_natural)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(token), "") if token.isdecimal() else (0, token) for token in _TOKENS.split(name)]


def _walk(place: Traversable, name: str, depth: int) -> Iterator[str]:
    for count, item in enumerate(place.iterdir()):
        if count >= MAX_FILES:
            raise DecodeError(f"holds more than {MAX_FILES} files", where=name)
        below = f"{name}/{item.name}"
        if depth > 1 and item.is_dir():
            yield from _walk(item, below, depth - 1)
        elif item.name.endswith(".json") and item.is_file():
            yield below


def open_record(path: Path) -> RecordFiles:
    """Find the record in a folder or .zip file: the folder nearest to the top that holds `constants.json`.

    Raises:
        UnavailableError: if the path cannot be read.
        DecodeError: if there is no record in it.
    """
    try:
        top: Traversable
        if path.is_dir():
            top = path
        elif path.is_file():
            archive = zipfile.ZipFile(path)
            if len(set(archive.namelist())) != len(archive.namelist()):
                raise DecodeError("holds the same file twice", where=str(path))
            top = zipfile.Path(archive)
        else:
            raise UnavailableError("is not there", where=str(path))
        level = [top]
        for _depth in range(_DEEPEST):
            found = [place for place in level if place.joinpath(_START).is_file()]
            if len(found) == 1:
                return RecordFiles(found[0])
            if found:
                raise DecodeError("holds more than one ElectionGuard record", where=str(path))
            level = [item for place in level for item in place.iterdir() if item.is_dir()]
    except zipfile.BadZipFile as error:
        raise DecodeError(f"is no folder and no .zip file ({_reason(error)})", where=str(path)) from None
    except (*_BROKEN, ValueError) as error:
        raise UnavailableError(f"cannot be read ({_reason(error)})", where=str(path)) from None
    raise DecodeError(f"holds no ElectionGuard record: there is no {_START}", where=str(path))
