"""Protocol V20: keep what was found out about chunks of ballots, so that a run that was broken off goes on from there.

The file is a line of its own and then a line for each finished chunk: what the chunk was (a hash of the election's
context, of every ballot's body, and of the version of the checks), what came of it, and a code (HMAC) under a key that
only this user on this machine has. A line with another code counts as not there: a file that somebody else made, or
changed, proves nothing. A record that has changed has other chunks. The file must be trusted as far as that key.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from voting import __version__
from voting.crypto.kdf import frame
from voting.files import PRIVATE, read_file, write_new_file
from voting.protocol.encoding import Hash, decode, encode
from voting.protocol.errors import DecodeError, UnavailableError, UsageError
from voting.verifier.chunks import Chunk, ChunkResult, PassSetup
from voting.verifier.workers import Workers

CHECKS_VERSION = 1
"""Raised when the checks of ballots change: what an older version has found does not count."""

KEY_BYTES = 32
MAX_LINE_BYTES = 32 * 1024**2
_FIRST_LINE = b'{"kept":"urne-verify chunks","version":1}\n'


class KeptLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finished chunk."""

    chunk: Hash
    code: str
    result: ChunkResult


def chunk_hash(setup: PassSetup, chunk: Chunk) -> Hash:
    """Protocol V20a: what a chunk's result follows from: version, context, and each ballot's place, body and weight."""
    hashed = hashlib.sha256(
        frame(
            b"urne-v1-kept-chunk",
            b"%d" % CHECKS_VERSION,
            __version__.encode(),
            setup.manifest,
            setup.election.encode(),
            setup.joint_key.encode(),
            b"%d" % chunk.first,
        )
    )
    for place in chunk.ballots:
        hashed.update(b"%d %s %d\n" % (place.seq, place.hash.encode(), place.weight))
    return Hash(hashed.hexdigest())


def own_key(path: Path) -> bytes:
    """The key in a file; it is made if it does not exist. Raises UnavailableError if it is not this user's alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            write_new_file(path, secrets.token_bytes(KEY_BYTES), mode=PRIVATE)
        status = path.stat()
    except OSError as error:
        raise UnavailableError(f"cannot be used ({error.strerror})", where=str(path)) from None
    except UsageError:  # another run has just made it
        status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise UnavailableError("can be read by others", where=str(path), remedy="delete it: a new one is made")
    key = read_file(path, limit=KEY_BYTES)
    if len(key) != KEY_BYTES:
        raise UnavailableError("is not whole", where=str(path), remedy="delete it: a new one is made")
    return key


class KeptChunks:
    """The file, open for this run alone."""

    def __init__(self, file: IO[bytes], path: Path, key: bytes) -> None:
        self._file = file
        self._path = path
        self._key = key
        self._places: dict[Hash, tuple[int, int]] = {}
        self.ignored = 0
        """Lines that another user, another machine or another program wrote."""
        self.used = 0
        """Ballots that were not checked again."""
        self.is_complete = False
        """Whether the pass came to its end: then nothing is left to go on with."""
        self.problem = ""
        """Why nothing is kept any more; empty if all is well."""
        self._read_places()

    def _read_places(self) -> None:
        """Note where the good lines are. What was written last may be cut short: it is cut off."""
        self._file.seek(0)
        first = self._file.readline(len(_FIRST_LINE))
        if first not in (b"", _FIRST_LINE):
            raise UsageError("is not a file of kept results", where=str(self._path), remedy="name another file")
        end = len(first)
        while (line := self._file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            kept = self._parse(line[:-1])
            if kept is None:
                self.ignored += 1
            else:
                self._places[kept.chunk] = (end, len(line))
            end += len(line)
        self._file.truncate(end)
        self._file.seek(end)
        if not first:
            self._file.write(_FIRST_LINE)

    def _parse(self, line: bytes) -> KeptLine | None:
        try:
            kept = decode(line, KeptLine, what="a kept line", limit=MAX_LINE_BYTES)
        except DecodeError:
            return None
        return kept if hmac.compare_digest(kept.code.encode(), self._code(kept.chunk, kept.result).encode()) else None

    def _code(self, chunk: Hash, result: ChunkResult) -> str:
        return hmac.new(self._key, frame(chunk.encode(), encode(result)), hashlib.sha256).hexdigest()

    def has(self, chunk: Hash) -> bool:
        """Whether a chunk's result is kept."""
        return chunk in self._places

    def result(self, chunk: Hash) -> ChunkResult:
        """A kept result. Raises DecodeError if the file has changed meanwhile."""
        place, length = self._places[chunk]
        kept = self._parse(os.pread(self._file.fileno(), length, place)[:-1])
        if kept is None or kept.chunk != chunk:
            raise DecodeError("has changed while it was used", where=str(self._path))
        self.used += len(kept.result.fingerprints)
        return kept.result

    def add(self, chunk: Hash, result: ChunkResult) -> None:
        """Keep a result. A full disk does not end the verification: it is noted in `problem`."""
        if self.problem:
            return
        try:
            self._file.write(encode(KeptLine(chunk, self._code(chunk, result), result)) + b"\n")
            self._file.flush()
        except OSError as error:
            self.problem = error.strerror or type(error).__name__

    def close(self) -> None:
        """Delete the file if nothing is left to go on with."""
        if self.is_complete:
            self._path.unlink(missing_ok=True)


@contextmanager
def open_kept(path: Path, key: bytes) -> Iterator[KeptChunks]:
    """Protocol V20b: open a file of kept results, or begin one.

    Raises:
        UsageError: if it is another kind of file, or another run uses it.
        UnavailableError: if it cannot be read or written.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "this is no name for a file"
        raise UnavailableError(f"cannot be opened ({reason})", where=str(path)) from None
    with os.fdopen(handle, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                "is in use by another run", where=str(path), remedy="wait for it, or name another"
            ) from None
        kept = KeptChunks(file, path, key)
        yield kept
        kept.close()


class Resuming:
    """Workers that do not check again what is kept, and keep what they check."""

    def __init__(self, workers: Workers, kept: KeptChunks) -> None:
        self._workers = workers
        self._kept = kept

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        """As `Workers.run`."""
        waiting: deque[tuple[Hash, bool]] = deque()
        """Chunks whose turn has not come, in order, and whether their results are kept."""

        def missing() -> Iterator[Chunk]:
            for chunk in chunks:
                name = chunk_hash(setup, chunk)
                waiting.append((name, self._kept.has(name)))
                if not waiting[-1][1]:
                    yield chunk

        for result in self._workers.run(setup, missing()):
            yield from self._kept_before(waiting)
            name, _ = waiting.popleft()
            self._kept.add(name, result)
            yield result
        yield from self._kept_before(waiting)
        self._kept.is_complete = True

    def _kept_before(self, waiting: deque[tuple[Hash, bool]]) -> Iterator[ChunkResult]:
        while waiting and waiting[0][1]:
            yield self._kept.result(waiting.popleft()[0])
