"""Protocol V12: what an observer keeps of a visit, to go on from at the next one (docs/spec/verification.md, "Visits").

The file holds nothing that must be believed: the checkpoint is signed by the board, and the hashes only say which
election was looked at. This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from voting.files import PUBLIC, read_file, replace_file
from voting.protocol.encoding import Hash, decode, encode, parse_hash
from voting.protocol.errors import DecodeError
from voting.protocol.tlog.note import MAX_NOTE_BYTES

MAX_VISIT_BYTES = 2 * MAX_NOTE_BYTES


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a record showed when nothing was wrong with it."""

    checkpoint: str
    """The signed note."""
    election: Hash | None
    """The election id; None before the opening."""
    manifest: Hash
    version: Literal[1] = 1


def write_visit(path: Path, visit: Visit) -> None:
    """Protocol V12: keep a visit, in place of an earlier one. Raises UnavailableError if it cannot be written."""
    replace_file(path, encode(visit), mode=PUBLIC)


def read_visit(path: Path) -> Visit | None:
    """Protocol V12a: the visit in a file; None if there is no such file.

    Raises:
        DecodeError: if the file is none of `write_visit`.
        UnavailableError: if it cannot be read.
    """
    if not path.exists():
        return None
    return parse_visit(read_file(path, limit=MAX_VISIT_BYTES), what=str(path))


def parse_visit(data: bytes, *, what: str) -> Visit:
    """Protocol V12b: read a visit's bytes, unchecked. Raises DecodeError if they have another form."""
    visit = decode(data, Visit, what=what, limit=MAX_VISIT_BYTES)
    parse_hash(visit.manifest, what=f"{what}, manifest")
    if visit.election is not None:
        parse_hash(visit.election, what=f"{what}, election")
    if not visit.checkpoint.endswith("\n"):
        raise DecodeError("holds no signed checkpoint", where=what)
    return visit
