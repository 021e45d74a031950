"""Protocol V: read a published record, from a folder or a .zip file (docs/spec/record.md, "The record").

A record is five files: `headers.jsonl` and `bodies.jsonl` (one entry per line), `hints.jsonl` (one side value per line,
an empty line for none; the file may be absent), `checkpoint` (a signed note) and `vkey` (the board's key, one line).
Nothing here is believed: this module only cuts the files into lines of bounded length and pairs them.

A .zip is unpacked into a private temporary folder first, under limits, so that several readers can start anywhere.
This module must not import the board's own code (`bulletin_board`): an observer does not need it.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from voting.protocol.errors import DecodeError, UnavailableError
from voting.protocol.tlog.header import MAX_BODY_BYTES, MAX_HEADER_BYTES
from voting.protocol.tlog.note import MAX_NOTE_BYTES

HEADERS = "headers.jsonl"
BODIES = "bodies.jsonl"
HINTS = "hints.jsonl"
CHECKPOINT = "checkpoint"
VKEY = "vkey"
RECORD_FILES = (HEADERS, BODIES, HINTS, CHECKPOINT, VKEY)

MAX_RECORD_BYTES = 64 * 1024**3
"""No record is unpacked beyond this, unless the caller allows more."""

MAX_RATIO = 200
RATIO_FREE_BYTES = 64 * 1024**2
"""Beyond this size, a .zip that grows more than `MAX_RATIO` times is refused as a trap."""

_LIMITS = {HEADERS: MAX_HEADER_BYTES, BODIES: MAX_BODY_BYTES, HINTS: MAX_BODY_BYTES}
_MAX_VKEY_BYTES = 4096
_CHUNK = 1024 * 1024
_ENCRYPTED = 0x1
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError)


class RawEntry(NamedTuple):
    """One entry as it was published, unchecked. `hint_bytes` is None if there is no side value."""

    seq: int
    header_bytes: bytes
    body_bytes: bytes
    hint_bytes: bytes | None


class RecordSource:
    """An open record. `checkpoint` is the signed note, `vkey` the board's published key; both are unchecked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has_hints = _is_present(folder / HINTS)
        for name in (HEADERS, BODIES):
            if not _is_present(folder / name):
                raise _missing(folder, name)
        self.checkpoint = _read_small(folder, CHECKPOINT, MAX_NOTE_BYTES)
        self.vkey = _parse_vkey_file(_read_small(folder, VKEY, _MAX_VKEY_BYTES))

    def headers(self, start: int = 0) -> Iterator[bytes]:
        """The header lines from entry `start` on, without their line feeds."""
        return self._lines(HEADERS, start)

    def bodies(self, start: int = 0) -> Iterator[bytes]:
        """The body lines from entry `start` on, without their line feeds."""
        return self._lines(BODIES, start)

    def hints(self, start: int = 0) -> Iterator[bytes]:
        """The side values from entry `start` on; b"" for none. Nothing at all if the record has no such file."""
        return self._lines(HINTS, start) if self.has_hints else iter(())

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[RawEntry]:
        """The entries from `start` up to, not including, `stop`; without `stop`, to the end of the record.

        Raises:
            DecodeError: if a line is too long, empty or cut short, or if one file ends before another.
            UnavailableError: if a file cannot be read.
        """
        bodies, hints = self.bodies(start), self.hints(start)
        seq = start
        for header in self.headers(start):
            if stop is not None and seq >= stop:
                return
            body = next(bodies, None)
            hint = next(hints, None)
            if body is None:
                raise _shorter(BODIES, HEADERS, seq)
            if hint is None and self.has_hints:
                raise _shorter(HINTS, HEADERS, seq)
            yield RawEntry(seq, header, body, hint or None)
            seq += 1
        if stop is not None and seq < stop:
            raise DecodeError(f"ends after {seq} lines, entry {stop - 1} was asked for", where=HEADERS)
        if stop is None:
            for name, rest in ((BODIES, bodies), (HINTS, hints)):
                if next(rest, None) is not None:
                    raise _shorter(HEADERS, name, seq)

    def lines_at(self, name: str, number: int, position: int) -> Iterator[bytes]:
        """The lines of a file from a byte position on, where line `number` begins."""
        return _read_lines(self.folder / name, name, number, position)

    @property
    def total_bytes(self) -> int:
        """The length of bodies and hints together. Raises UnavailableError if they cannot be looked at."""
        try:
            return sum(
                (self.folder / name).stat().st_size for name in (BODIES, HINTS) if _is_present(self.folder / name)
            )
        except OSError as error:
            raise _unreadable(BODIES, error) from None

    def __len__(self) -> int:
        """How many headers the record has. Reads the file of headers once."""
        return sum(1 for _ in self.headers())

    def _lines(self, name: str, start: int) -> Iterator[bytes]:
        """The lines from one on. The lines before it are read, too: nothing is kept of them."""
        lines = _read_lines(self.folder / name, name, 0, 0)
        for passed in range(start):
            if next(lines, None) is None:
                raise DecodeError(f"ends after {passed} lines, line {start + 1} was asked for", where=name)
        return lines


@contextmanager
def open_record(
    path: Path, *, max_bytes: int = MAX_RECORD_BYTES, temporary_folder: Path | None = None
) -> Iterator[RecordSource]:
    """Protocol V1: open a record. What was unpacked is removed at the end of the `with` block.

    Args:
        path: a folder, or a .zip file.
        max_bytes: a .zip that unpacks to more is refused.
        temporary_folder: where to unpack; by default the system's folder for temporary files.

    Raises:
        UnavailableError: if it is missing or cannot be read, or there is no room to unpack it.
        DecodeError: if it is not a record.
    """
    if path.is_dir():
        yield RecordSource(path)
        return
    if not path.is_file():
        reason = "is neither a folder nor a file" if path.exists() else "does not exist"
        raise UnavailableError(reason, where=str(path), remedy="name a record: a folder or a .zip file")
    try:
        private = tempfile.TemporaryDirectory(prefix="urne-record-", dir=temporary_folder)
    except OSError as error:
        raise UnavailableError(
            f"no temporary folder can be made ({error.strerror})", remedy="point TMPDIR at a folder you may write to"
        ) from None
    with private as name:
        folder = Path(name)
        _unpack(path, folder, max_bytes)
        yield RecordSource(folder)


def _unpack(path: Path, folder: Path, max_bytes: int) -> None:
    """Unpack the known files of a .zip, and refuse the .zip if it holds anything else."""
    where = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members, where, max_bytes, path.stat().st_size)
            if sum(member.file_size for member in members) > shutil.disk_usage(folder).free:
                raise UnavailableError(
                    "does not fit on the disk when unpacked", where=where, remedy="point TMPDIR at a larger disk"
                )
            for member in members:
                with archive.open(member) as source, (folder / member.filename).open("xb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
                    if target.tell() != member.file_size:
                        raise DecodeError("is not as long as the .zip says", where=f"{where}, {member.filename}")
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        ValueError,
        RuntimeError,
        struct.error,
    ) as error:
        raise DecodeError(f"is not a sound .zip file ({error})", where=where) from None
    except OSError as error:
        raise UnavailableError(f"cannot be unpacked ({error.strerror or error})", where=where) from None


def _check_members(members: list[zipfile.ZipInfo], where: str, max_bytes: int, packed_bytes: int) -> None:
    seen: set[str] = set()
    for member in members:
        name = member.orig_filename
        place = f"{where}, {name[:80]!r}"
        if name not in RECORD_FILES or member.filename != name:
            raise DecodeError("is not one of the files of a record", where=place)
        if name in seen:
            raise DecodeError("occurs twice", where=place)
        seen.add(name)
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise DecodeError("is a link or a special file", where=place)
        if member.flag_bits & _ENCRYPTED:
            raise DecodeError("is encrypted", where=place)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DecodeError("is packed in a way other than deflate", where=place)
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise DecodeError(f"unpacks to {total} bytes, more than the {max_bytes} allowed", where=where)
    if total > RATIO_FREE_BYTES and total > MAX_RATIO * packed_bytes:
        raise DecodeError(f"grows more than {MAX_RATIO} times when unpacked, which no record does", where=where)
    for name in RECORD_FILES:
        if name not in seen and name != HINTS:
            raise DecodeError(f"holds no file {name}", where=where)


def _read_lines(path: Path, name: str, start: int, position: int) -> Iterator[bytes]:
    limit = _LIMITS[name]
    number = start
    try:
        with _open(path) as file:
            file.seek(position)
            while line := file.readline(limit + 1):
                number += 1
                yield _checked_line(line, name, number, limit)
    except OSError as error:
        raise _unreadable(name, error) from None


def _checked_line(line: bytes, name: str, number: int, limit: int) -> bytes:
    if not line.endswith(b"\n"):
        reason = f"is longer than {limit} bytes" if len(line) > limit else "is cut short: it has no line feed"
        raise DecodeError(reason, where=f"{name}, line {number}")
    if len(line) == 1 and name != HINTS:
        raise DecodeError("is empty", where=f"{name}, line {number}")
    return line[:-1]


def _open(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe or a device would make the verifier hang."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DecodeError("is not a regular file", where=path.name)
    return os.fdopen(handle, "rb", buffering=_CHUNK)


def _read_small(folder: Path, name: str, limit: int) -> bytes:
    if not _is_present(folder / name):
        raise _missing(folder, name)
    try:
        with _open(folder / name) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(name, error) from None
    if len(data) > limit:
        raise DecodeError(f"is longer than {limit} bytes", where=name)
    return data


def _parse_vkey_file(data: bytes) -> str:
    line = data[:-1]
    if not data.endswith(b"\n") or not line or b"\n" in line or not line.isascii():
        raise DecodeError("is not exactly one line of ASCII", where=VKEY)
    return line.decode("ascii")


def _is_present(path: Path) -> bool:
    return os.path.lexists(path)


def _missing(folder: Path, name: str) -> UnavailableError:
    if (folder / "board.db").exists():
        return UnavailableError(
            "is a board's own folder, not a record", where=str(folder), remedy="export it: urne-board export"
        )
    return UnavailableError(f"holds no file {name}", where=str(folder), remedy="is this the folder of a record?")


def _unreadable(name: str, error: OSError) -> UnavailableError:
    return UnavailableError(f"cannot be read ({error.strerror or error})", where=name)


def _shorter(short: str, long: str, lines: int) -> DecodeError:
    return DecodeError(f"ends after {lines} lines, but {long} goes on", where=short)
