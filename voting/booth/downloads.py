"""The record of an election as one .zip, made when somebody asks for it and kept until the board has moved on.

While voting goes on, the board moves with every ballot: then a record that is a little old is given out again, so that
asking often costs the server nothing. Its own checkpoint says how far it goes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, send_file
from flask.typing import ResponseReturnValue

from bulletin_board.export import export_record
from bulletin_board.reader import BoardReader
from voting.booth.overview import PublicSite
from voting.protocol.encoding import sha256
from voting.protocol.errors import UnavailableError

LEAST_SECONDS = 30.0
"""A record is not made again before so long."""
PATIENCE = 20
"""And not before so many times the time that making it took: it may take at most 5 % of a processor."""
WAIT_SECONDS = 5.0
"""Who asks while the first record is being made waits no longer than this, so that other pages stay quick."""
KEPT = 2
"""Records kept of each election: somebody may be reading the older one."""


class CachedRecord(NamedTuple):
    """A record on the disk."""

    path: Path
    tag: str
    """Names the state of the board: its size, and a hash of its signed checkpoint."""
    made: float
    seconds: float
    """How long making it took."""


class RecordCache:
    """The newest record of each election. Every method may be called from any thread."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._newest: dict[str, CachedRecord] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def record(self, name: str, board: BoardReader) -> CachedRecord:
        """A record that is new enough. One thread makes it; others get the older one, or wait a little for the first.

        Raises:
            UnavailableError: if it cannot be written, or is being made and takes long.
        """
        tag = tag_of(board)
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
            kept = self._newest.get(name)
        if kept is not None and (kept.tag == tag or self._is_fresh(kept)) and kept.path.is_file():
            return kept
        if not lock.acquire(timeout=WAIT_SECONDS if kept is None else 0):
            if kept is not None:
                return kept
            raise UnavailableError("is being made", where="the record", remedy="try again in a moment")
        try:
            return self._make(name, board, tag)
        finally:
            lock.release()

    def _is_fresh(self, kept: CachedRecord) -> bool:
        return self._clock() - kept.made < max(LEAST_SECONDS, PATIENCE * kept.seconds)

    def _make(self, name: str, board: BoardReader, tag: str) -> CachedRecord:
        kept = self._newest.get(name)
        if kept is not None and kept.tag == tag and kept.path.is_file():
            return kept  # another thread made it while this one waited
        folder = self._folder / name
        begun = self._clock()
        path = folder / f"{tag}.zip"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not path.is_file():
                export_record(board, path)
            for old in sorted(folder.glob("*.zip"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot be written ({error.strerror or error})", where="the record") from None
        made = CachedRecord(path, tag, self._clock(), self._clock() - begun)
        with self._guard:
            self._newest[name] = made
        return made


def tag_of(board: BoardReader) -> str:
    """Names the newest state of a board."""
    note = board.checkpoint_note()
    return f"{len(board)}-{sha256(note)[:16]}"


def add_downloads(pages: Blueprint, site: PublicSite) -> None:
    """Put the downloads into the blueprint."""
    cache = RecordCache(site.cache)

    @pages.get("/e/<name>/record.zip")
    def record(name: str) -> ResponseReturnValue:
        with site.get(name).reader() as board:
            kept = cache.record(name, board)
        try:
            response = send_file(
                kept.path,
                mimetype="application/zip",
                as_attachment=True,
                download_name=f"{name}-record.zip",
                conditional=True,
                etag=kept.tag,
                max_age=0,
            )
        except OSError:
            raise UnavailableError("is being made anew", where="the record", remedy="try again in a moment") from None
        response.headers["Cache-Control"] = "no-cache"
        return response
