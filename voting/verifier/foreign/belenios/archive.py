"""The container of a Belenios archive (.bel): records one behind the other, each with a 512-byte header, and the chain.

A record is named by the SHA-256 of its body and is data or an event. Each event names the event before it, and the
hash of the last data record before itself. This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from voting.protocol.errors import DecodeError, UnavailableError
from voting.verifier.foreign.json_text import read_canonical, read_json

BLOCK = 512
MAX_EVENT_BYTES = 4096
MAX_DATA_BYTES = 1024**3
"""No single body is longer: an encrypted tally of 100,000 ranked ballots has 130 MB."""

EVENT_TYPES = (
    "Setup",
    "Ballot",
    "EndBallots",
    "EncryptedTally",
    "Shuffle",
    "EndShuffles",
    "PartialDecryption",
    "Result",
)

_FIRST = "BELENIOS"
_NAME = re.compile(r"([0-9a-f]{64})\.(data|event)\.json")


class RawRecord(NamedTuple):
    """One record: its name, the place of its body, and the time in its header."""

    name: str
    start: int
    size: int
    time: int


class Event(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One event, in its field order. `parent` is absent in the first, `payload` where the type has none."""

    parent: str | None = None
    height: int | None = None
    type: str | None = None
    payload: str | None = None


class Step(NamedTuple):
    """One event with the data records between the event before and itself. All unchecked but for their hashes."""

    number: int
    hash: str
    event: Event
    data: tuple[RawRecord, ...]


class Fault(NamedTuple):
    """What is wrong with the container or the chain, and which event it is about."""

    check: str
    subject: str
    reason: str
    expected: str = ""
    found: str = ""
    entry: int | None = None


class Archive:
    """An open archive. `steps` are the events in order; `faults` is what is wrong with container (1) and chain (2)."""

    def __init__(self, data: bytes | mmap.mmap, path: Path | None = None) -> None:
        self._data = data
        self.path = path
        self.faults: list[Fault] = []
        self.records = 0
        self.steps: list[Step] = []
        self._read()

    def body(self, record: RawRecord) -> bytes:
        """The bytes of a record."""
        return bytes(self._data[record.start : record.start + record.size])

    def _read(self) -> None:
        pending: list[RawRecord] = []
        last: Step | None = None
        try:
            for record in self._records():
                found = _NAME.fullmatch(record.name)
                if found is None:
                    raise DecodeError("is not named by a hash and a kind", where=f"record {self.records}")
                body = self.body(record)
                name, kind = found.groups()
                subject = f"{kind} record {name[:12]}"
                if (digest := hashlib.sha256(body).hexdigest()) != name:
                    self.faults.append(Fault("B02", subject, "its content has another hash", name, digest))
                if kind == "data":
                    pending.append(record)
                    continue
                last = self._add_event(digest, body, tuple(pending), last)
                pending = []
        except DecodeError as error:
            self.faults.append(Fault("B01", error.where or "archive", error.problem))
        if pending:
            self.faults.append(Fault("B02", "archive", f"{len(pending)} data records follow the last event"))

    def _add_event(self, digest: str, body: bytes, data: tuple[RawRecord, ...], last: Step | None) -> Step:
        number = len(self.steps)
        event = read_canonical(body, Event, what=f"event {number}")
        step = Step(number, digest, event, data)
        self.faults.extend(_link_faults(step, last))
        self.steps.append(step)
        return step

    def _records(self) -> Iterator[RawRecord]:
        """The records behind the first. Raises DecodeError where the container is not well formed."""
        position, time = 0, None
        while position < len(self._data):
            where = f"record {self.records}"
            record = _parse_header(bytes(self._data[position : position + BLOCK]), position + BLOCK, where)
            end = record.start + -(-record.size // BLOCK) * BLOCK
            if end > len(self._data):
                raise DecodeError("is cut off", where=where)
            if any(self._data[record.start + record.size : end]):
                raise DecodeError("has something other than zeros behind its content", where=where)
            if time is None:
                time = self._first(record)
            elif record.time != time:
                raise DecodeError("has another time than the first record", where=where)
            else:
                yield record
            self.records += 1
            position = end
        if time is None:
            raise DecodeError("is empty", where="archive")

    def _first(self, record: RawRecord) -> int:
        if record.name != _FIRST or record.size > MAX_EVENT_BYTES:
            raise DecodeError("does not begin as a Belenios archive", where="archive")
        header = read_json(self.body(record), what="archive header")
        if not isinstance(header, dict) or header.get("version") != 1 or isinstance(header["version"], bool):
            raise DecodeError("is not of version 1", where="archive header")
        if str(header.get("timestamp")) != str(record.time):
            raise DecodeError("has another time than the records", where="archive header")
        return record.time


def _link_faults(step: Step, last: Step | None) -> Iterator[Fault]:
    event, number = step.event, step.number
    subject = f"event {number}"
    if event.type not in EVENT_TYPES:
        yield Fault("B02", subject, "is of an unknown type", found=str(event.type)[:40], entry=number)
    if event.height != number:
        yield Fault("B02", subject, "has the wrong height", str(number), str(event.height), number)
    parent = last.hash if last is not None else None
    if event.parent != parent:
        yield Fault("B02", subject, "does not follow the event before it", parent or "", str(event.parent)[:80], number)
    newest = step.data[-1].name[:64] if step.data else None
    if event.payload != newest:
        reason = "its payload is not the data record before it"
        yield Fault("B02", subject, reason, newest or "", str(event.payload)[:80], number)


def _parse_header(block: bytes, start: int, where: str) -> RawRecord:
    """A header. It must be, byte for byte, what the writer makes of name, size and time."""
    if len(block) < BLOCK:
        raise DecodeError("is cut off", where=where)
    try:
        name = block[:100].rstrip(b"\0").decode("ascii")
        size = _octal(block[124:135])
        time = _octal(block[136:147])
    except ValueError:
        raise DecodeError("has a malformed header", where=where) from None
    if size > MAX_DATA_BYTES:
        raise DecodeError("is too long", where=where)
    if block != make_header(name, size, time):
        raise DecodeError("has a header in another form", where=where)
    return RawRecord(name, start, size, time)


def _octal(digits: bytes) -> int:
    if not re.fullmatch(rb"[0-7]{11}", digits):
        raise ValueError("not octal")
    return int(digits, 8)


def make_header(name: str, size: int, time: int) -> bytes:
    """The 512 bytes before a record: name, mode, owner, size, time, checksum, kind."""
    block = bytearray(BLOCK)
    block[: len(name)] = name.encode("ascii")
    block[100:107] = b"0000644"
    block[108:115] = block[116:123] = b"0000000"
    block[124:135] = b"%011o" % size
    block[136:147] = b"%011o" % time
    block[148:156] = b"        "
    block[156:157] = b"0"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The archive at `path`, or the only .bel file in the folder `path`.

    Raises:
        UnavailableError: if there is none, or it cannot be read.
    """
    if path.is_dir():
        found = sorted(path.glob("*.bel"))
        if len(found) != 1:
            raise UnavailableError(f"holds {len(found)} .bel files, not one", where=str(path))
        path = found[0]
    data = _map_file(path)
    try:
        yield Archive(data, path)
    finally:
        if isinstance(data, mmap.mmap):
            data.close()


def read_part(path: Path, record: RawRecord) -> bytes:
    """The body of a record, from the file: for processes that work on parts of an archive."""
    with path.open("rb") as file:
        file.seek(record.start)
        return file.read(record.size)


def _map_file(path: Path) -> bytes | mmap.mmap:
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UnavailableError(f"cannot be read ({reason})", where=str(path)) from None
