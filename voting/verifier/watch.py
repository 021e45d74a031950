"""Protocol V16: what a monitor keeps between its visits (docs/spec/verification.md, "Monitoring").

A `Visit` (V12), and what a visit at which nothing is new needs to know without the record. Unlike a visit, this file is
believed: ballots that it covers are not checked again.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from voting.election.phases import Phase
from voting.files import PUBLIC, read_file, replace_file
from voting.protocol.encoding import decode, encode
from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.protocol.messages import BoothFile
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.note import NoteKey, parse_vkey
from voting.verifier.visit import Visit, parse_visit

MAX_WATCH_BYTES = 4 * 1024 * 1024


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a monitor remembers. `board`, `booth` and `phase` are those of the visit; empty without one."""

    board: str
    """The board's key, from the manifest."""
    booth: tuple[BoothFile, ...]
    phase: Phase
    unanswered: int
    """How many visits in a row have come to nothing."""
    visit: Visit | None
    """The last one at which nothing was wrong with the record."""
    version: Literal[1] = 1

    @property
    def key(self) -> NoteKey:
        """The board's key. Raises DecodeError if there was no visit."""
        return parse_vkey(self.board, what="the board's key in the state")

    @property
    def note(self) -> bytes:
        """The visit's signed checkpoint; empty without a visit."""
        return self.visit.checkpoint.encode("utf-8") if self.visit is not None else b""


NOTHING_SEEN = Watch(board="", booth=(), phase=Phase.EMPTY, unanswered=0, visit=None)
"""Before the first visit."""


def write_watch(path: Path, watch: Watch) -> None:
    """Protocol V16a: keep what a monitor knows. Raises UnavailableError if it cannot be written."""
    replace_file(path, encode(watch), mode=PUBLIC)


def read_watch(path: Path) -> Watch:
    """Protocol V16b: what a monitor knew; `NOTHING_SEEN` if there is no such file.

    Raises:
        DecodeError: if the file is none of `write_watch`.
        UnavailableError: if it cannot be read.
    """
    if not path.exists():
        return NOTHING_SEEN
    return parse_watch(read_file(path, limit=MAX_WATCH_BYTES), what=str(path))


def parse_watch(data: bytes, *, what: str) -> Watch:
    """Protocol V16c: read a monitor's state. Raises DecodeError if it is none, or the board did not sign it."""
    watch = decode(data, Watch, what=what, limit=MAX_WATCH_BYTES)
    if watch.unanswered < 0:
        raise DecodeError("counts fewer than no visits", where=what)
    if watch.visit is not None:
        parse_visit(encode(watch.visit), what=what)
        try:
            open_checkpoint(watch.note, watch.key, what=what)
        except SignatureInvalid:
            raise DecodeError("holds a checkpoint that its board did not sign", where=what) from None
    return watch
