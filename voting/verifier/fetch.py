"""Protocol V13: fetch a record from a board's web address, whole or only what is new (docs/spec/http.md, "Fetching").

What is fetched is written down as it comes and believed by nobody: the checks of the record are what judges it. Only a
*copy* that is kept between visits (`--cache`) is brought up to date with more care: what the board shows now must go on
from the copy, or the copy stays as it is.

Of the verifier, only this module and the command may use the network. It must not import the board's own code.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voting.address import Address
from voting.files import PUBLIC, replace_file
from voting.protocol.errors import DecodeError, UnavailableError, UsageError, VerificationError
from voting.protocol.tlog.checkpoint import Checkpoint, parse_checkpoint
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import parse_note
from voting.verifier.load import (
    BODIES,
    CHECKPOINT,
    HEADERS,
    HINTS,
    MAX_RECORD_BYTES,
    RECORD_FILES,
    VKEY,
    RecordSource,
    open_record,
)
from voting.verifier.replay import Progress, no_progress
from voting.web_client import WebClient, open_web
from voting.web_log import PAGE_BYTES, LogPages

CONTRADICTION = "checkpoint.contradiction"
"""Where a copy keeps the checkpoint of a board that does not go on from it. Two signatures: that is the proof."""

KEEP_FREE_BYTES = 256 * 1024**2
"""Nothing more is fetched when the disk has less room than this."""

_KINDS = ((HEADERS, "headers"), (BODIES, "bodies"), (HINTS, "hints"))
_CHECK_EVERY = 16 * 1024**2
"""Room on the disk is looked at after so many bytes."""


class RemoteRecord:
    """The record of the board at an address, in a folder of this machine; `update` fetches what is not there yet."""

    def __init__(
        self,
        address: Address,
        folder: Path,
        *,
        web: WebClient,
        is_kept: bool = False,
        max_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        """`folder` must exist: empty, or with what an earlier `RemoteRecord` of the same board left in it.

        Args:
            is_kept: the folder outlives this program, as the user knows.
        """
        self.address = address
        self.folder = folder
        self._pages = LogPages(web, address)
        self._is_kept = is_kept
        self._max_bytes = max_bytes

    def update(self, progress: Progress = no_progress) -> RecordSource:
        """Protocol V13: bring the folder up to the board's newest checkpoint.

        Returns:
            The record, to be checked. It stays good until the next update.

        Raises:
            UnavailableError: if the server cannot be reached, or the folder not be written.
            DecodeError: if the server's answers are no lines, or no checkpoint.
        UsageError: if there is a copy of another board.
            VerificationError: (check 21) if there is a copy already, and what the board shows does not go on from it.
        """
        try:
            return self._update(progress)
        except OSError as error:
            raise UnavailableError(f"cannot be written ({error.strerror or error})", where=str(self.folder)) from None

    def _update(self, progress: Progress) -> RecordSource:
        old = self._kept_size()
        note = self._pages.checkpoint()
        newest = _claimed(note)
        if not (self.folder / VKEY).exists():
            replace_file(self.folder / VKEY, self._pages.vkey().encode("ascii") + b"\n", mode=PUBLIC)
        if old:
            self._require_more(old, newest, note)
        for name, kind in _KINDS:
            self._fetch(name, kind, old, newest.size, progress)
        if old:
            self._require_root(newest, note)
        replace_file(self.folder / CHECKPOINT, note, mode=PUBLIC)
        return RecordSource(self.folder)

    def _kept_size(self) -> int:
        """How many entries the copy has. What an interrupted update left beyond its checkpoint is cut off."""
        if not (self.folder / CHECKPOINT).exists():
            for name, _kind in _KINDS:
                (self.folder / name).unlink(missing_ok=True)
            return 0
        size = _claimed(RecordSource(self.folder).checkpoint).size
        for name, _kind in _KINDS:
            _cut(self.folder / name, size)
        return size

    def _fetch(self, name: str, kind: str, start: int, stop: int, progress: Progress) -> None:
        """Append the lines of [start, stop) to one file."""
        with (self.folder / name).open("ab") as file:
            written = 0
            for count, line in enumerate(self._pages.lines(kind, start, stop), start=start + 1):
                file.write(line + b"\n")
                written += len(line) + 1
                if written >= _CHECK_EVERY:
                    written = 0
                    progress("fetching", count, stop)
                    self._require_room(file.tell())
            file.flush()
            os.fsync(file.fileno())

    def _require_room(self, size: int) -> None:
        if size > self._max_bytes:
            raise DecodeError(f"is longer than the {self._max_bytes} bytes allowed", where="the record of the server")
        if shutil.disk_usage(self.folder).free < KEEP_FREE_BYTES:
            raise UnavailableError(
                "the disk is nearly full, so no more is fetched",
                where=str(self.folder),
                remedy="point TMPDIR or --cache at a larger disk",
            )

    def _require_more(self, old: int, newest: Checkpoint, note: bytes) -> None:
        origin = _claimed(RecordSource(self.folder).checkpoint).origin
        if origin != newest.origin:
            raise UsageError(
                f"is a copy of the board {origin}, not of {newest.origin}",
                where=str(self.folder),
                remedy="use a folder of its own for each election",
            )
        if newest.size < old:
            raise self._contradiction(
                note, f"shows {newest.size} entries, fewer than the {old} that it had shown before"
            )

    def _require_root(self, newest: Checkpoint, note: bytes) -> None:
        """The copy with what was added has the root that the board signed; else the copy goes back to what it was."""
        frontier = Frontier()
        for header in RecordSource(self.folder).headers():
            frontier.append(header)
        if frontier.root() != newest.root:
            self._kept_size()
            raise self._contradiction(note, "does not go on from what it had shown before")

    def _contradiction(self, note: bytes, reason: str) -> VerificationError:
        replace_file(self.folder / CONTRADICTION, note, mode=PUBLIC)
        error = VerificationError("21", f"the board at {self.address}", reason)
        error.remedy = "tell the others who watch this election"
        if self._is_kept:
            error.remedy = (
                f"keep {self.folder}: if both checkpoints in it are signed by the board, they prove that it has changed"
                " its history. Without --cache you see what it shows now"
            )
        return error


@contextmanager
def open_place(
    place: Path | Address, *, cache: Path | None = None, progress: Progress = no_progress
) -> Iterator[RecordSource]:
    """Protocol V13a: open a record, wherever it is. What was fetched is removed at the end, unless `cache` keeps it.

    Args:
        cache: a folder for the copy, made if it does not exist; only for an address.

    Raises:
        UnavailableError, DecodeError, VerificationError: as `open_record` and `RemoteRecord.update` do.
    """
    if isinstance(place, Path):
        with open_record(place) as record:
            yield record
        return
    with open_web() as web, copy_folder(cache) as folder:
        yield RemoteRecord(place, folder, web=web, is_kept=cache is not None).update(progress)


@contextmanager
def copy_folder(cache: Path | None) -> Iterator[Path]:
    """The folder for a copy: `cache`, made if need be, or a private one that is removed at the end of the `with` block.

    Raises:
        UnavailableError: if it cannot be made.
        UsageError: if `cache` holds something else.
    """
    if cache is not None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot be made ({error.strerror})", where=str(cache)) from None
        foreign = {path.name for path in cache.iterdir() if not path.name.startswith(".")} - {
            *RECORD_FILES,
            CONTRADICTION,
        }
        if foreign:
            raise UsageError("holds other files than a copy's", where=str(cache), remedy="name an empty folder")
        yield cache
        return
    with private_folder() as folder:
        yield folder


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for what is fetched, removed at the end of the `with` block. Raises UnavailableError."""
    try:
        private = tempfile.TemporaryDirectory(prefix="urne-record-")
    except OSError as error:
        raise UnavailableError(
            f"no temporary folder can be made ({error.strerror})", remedy="point TMPDIR at a folder you may write to"
        ) from None
    with private as name:
        yield Path(name)


def _claimed(note: bytes) -> Checkpoint:
    """What a checkpoint says, whoever signed it."""
    what = "the checkpoint of the server"
    return parse_checkpoint(parse_note(note, what=what).text, what=what)


def _cut(path: Path, lines: int) -> None:
    """Shorten a file to its first `lines` lines. Raises UnavailableError if it has fewer."""
    with path.open("r+b") as file:
        end, missing = 0, lines
        while missing and (line := file.readline(PAGE_BYTES)).endswith(b"\n"):
            missing -= 1
            end += len(line)
        if missing:
            raise UnavailableError(
                f"has {lines - missing} of the {lines} lines that it should have",
                where=str(path),
                remedy="the copy is damaged: name an empty folder",
            )
        file.truncate(end)
