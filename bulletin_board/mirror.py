"""Protocol L17: a full copy of a board, followed over HTTP and served without its key (docs/spec/log.md, "Mirrors").

A mirror believes nothing: it takes over what the board has signed, extends what the mirror holds, and is complete. So
an election can be verified from it when the board is gone. A board that shows something else than before is refused,
and what it signed is kept: as an evidence file where it convicts the board.

This module must not know what entries mean.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from bulletin_board.files import write_whole
from bulletin_board.guards import Lock, require_local_disk
from bulletin_board.log import LOCK, MAX_ATTACHMENT_BYTES
from bulletin_board.outlived import RESUMED
from bulletin_board.reader import LATEST, MIRROR, BoardReader
from bulletin_board.store import DATABASE, CheckpointRow, FullRow, Store
from voting.address import Address
from voting.protocol.encoding import ZERO_HASH, Hash, require_canonical, sha256
from voting.protocol.errors import DecodeError, ProofError, UnavailableError, UrneError, UsageError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.evidence import history_evidence, tree_of, write_evidence
from voting.protocol.tlog.header import EntryHeader, check_body, check_link, parse_header
from voting.protocol.tlog.merkle import Frontier, tree_root
from voting.protocol.tlog.note import NoteKey, parse_note, parse_vkey
from voting.web_client import WebClient
from voting.web_log import BODIES, HEADERS, HINTS, LogPages

EVIDENCE = "evidence"
"""The folder for what convicts the board, or at least speaks against it."""

MAX_NEW_ENTRIES = 2_000_000
"""No more are taken over at once: their headers are held in memory until all of them were checked."""

Cosign = Callable[[Checkpoint, bytes, BoardReader], bytes]
"""Given a checkpoint, its note and the mirror: the line of a witness who signs it. Raises UrneError."""


class Update(NamedTuple):
    """What was done: how many entries the mirror holds now, and how many of them are new."""

    size: int
    new: int


class _Fetched(NamedTuple):
    header_bytes: bytes
    header: EntryHeader


class Mirror:
    """A mirror that is open for writing. Threads that bring it up to date wait for each other; others read it as they
    read a board."""

    def __init__(
        self,
        folder: Path,
        web: WebClient,
        address: Address,
        *,
        key: NoteKey | None = None,
        cosign: Cosign | None = None,
    ) -> None:
        """Protocol L17a: open the mirror in a folder, or begin one.

        Args:
            address: of the board, or of another mirror of it.
            key: the board's. Without it that of the mirror is used, and for a new one the server's word is taken.
            cosign: asked to sign every new checkpoint.

        Raises:
            UsageError: if the folder holds a board, or the mirror of another one.
            UnavailableError: if it cannot be used.
        """
        self.folder = folder
        self._pages = LogPages(web, address)
        self._cosign = cosign
        self._turn = threading.Lock()
        """Held while something is taken over."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot be made ({error.strerror})", where=str(folder)) from None
        require_local_disk(folder)
        self._lock = Lock(folder / LOCK)
        self._lock.take()
        try:
            self._open(key)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the mirror's files."""
        self._board.close()
        self._lock.release()

    @property
    def key(self) -> NoteKey:
        """The board's key."""
        return self._board.key

    def __len__(self) -> int:
        """How many entries it holds."""
        return self._held().size

    def update(self) -> Update:
        """Protocol L17b: take over what is new; all of it is on the disk on return, or nothing of it.

        Raises:
            UnavailableError: if the board cannot be read now.
            DecodeError, SignatureInvalid, ProofError: if what it shows does not hold, or does not extend the mirror.
                The mirror stays as it is. What the board signed is kept in the folder `evidence`.
        """
        with self._turn:
            return self._update()

    def hold(self, size: int) -> None:
        """Protocol L17f: bring the mirror up to date, unless it has so many entries already.

        Raises:
            UnavailableError: if the board does not show so many; or as `update` does.
        """
        with self._turn:
            if len(self) < size and self._update().size < size:
                raise UnavailableError(f"does not show the {size} entries that it has signed", where="the board")

    def _update(self) -> Update:
        note = self._pages.checkpoint()
        shown = open_checkpoint(note, self.key, what="the checkpoint of the board")
        held = self._held()
        if shown.size - held.size > MAX_NEW_ENTRIES:
            raise UnavailableError(f"has more than {MAX_NEW_ENTRIES} new entries", where="the board")
        if shown.size <= held.size:
            self._require_same(note, shown, held)
        if shown.size < held.size:
            self._keep_as_evidence(f"shrunk-{shown.size}-{shown.root.hex()[:16]}", note)
            raise ProofError(
                f"shows {shown.size} entries, and had shown {held.size} before", where="the board", remedy=_ASK_OTHERS
            )
        if shown.size > held.size or self._board.store.checkpoint() is None:
            self._take_over(note, shown, held.size)
        self._keep_note(shown, note)
        return Update(shown.size, shown.size - held.size)

    # -- what is held --------------------------------------------------------------------------------------------------

    def _open(self, key: NoteKey | None) -> None:
        if (self.folder / RESUMED).exists():
            raise UsageError("was a mirror, and is a board now", where=str(self.folder), remedy="choose another folder")
        path = self.folder / DATABASE
        try:
            store = Store.open(path, read_only=False)
        except UnavailableError as error:
            store = self._create(path, key, error)
        try:
            store.settle()
            self._board = BoardReader(self.folder, store, unpublished=True)
            if not self._board.is_mirror:
                raise UsageError("is a board, not a mirror", where=str(self.folder), remedy="choose another folder")
            if key is not None and key != self._board.key:
                raise UsageError(f"is a mirror of another board: {self._board.key.vkey}", where=str(self.folder))
        except BaseException:
            store.close()
            raise

    def _create(self, path: Path, key: NoteKey | None, why: UnavailableError) -> Store:
        """A new store; also where an earlier run ended before it had written anything. Otherwise raises `why`."""
        key = key or parse_vkey(self._pages.vkey(), what="the vkey of the server")
        try:
            store = Store.create(path)
        except UnavailableError:
            raise why from None
        store.put_meta("origin", key.name)
        store.put_meta("vkey", key.vkey)
        store.put_meta(MIRROR, str(self._pages.address))
        store.commit()
        return store

    def _held(self) -> Checkpoint:
        """The state that the mirror is in; that of no entries at the beginning."""
        store = self._board.store
        row = store.checkpoint()
        if row is None:
            return Checkpoint(self.key.name, 0, Frontier().root())
        return open_checkpoint(row.note, self.key, what="the mirror's checkpoint")

    def _require_same(self, note: bytes, shown: Checkpoint, held: Checkpoint) -> None:
        if tree_root(shown.size, self._board.store.node) == shown.root:
            return
        evidence = history_evidence(self._held_note(), note, self._board.store.node, self.key)
        if evidence is not None:
            self._convict(write_evidence(evidence), f"other first {shown.size} entries than before")

    def _held_note(self) -> bytes:
        row = self._board.store.checkpoint()
        if row is None:
            raise UnavailableError("holds nothing yet", where=str(self.folder))
        return row.note

    # -- taking over ---------------------------------------------------------------------------------------------------

    def _take_over(self, note: bytes, shown: Checkpoint, held: int) -> None:
        store = self._board.store
        frontier = Frontier.load(held, store.node)
        last = store.entry(held - 1) if held else None
        try:
            fetched = _linked(
                self._pages.lines(HEADERS, held, shown.size), frontier, sha256(last.header) if last else ZERO_HASH
            )
            if frontier.size != shown.size or frontier.root() != shown.root:
                raise ProofError("shows entries that its checkpoint is not of, or that do not go on", where="the board")
        except (ProofError, DecodeError):
            if held:
                self._look_for_another_history(note, shown)
            self._keep_as_evidence(f"checkpoint-{shown.size}-{shown.root.hex()[:16]}", note)
            raise
        store.begin()
        try:
            self._write(fetched, held, shown)
            store.put_checkpoint(CheckpointRow(shown.size, shown.root, note))
            store.commit()
        except BaseException:
            store.rollback()
            raise

    def _write(self, fetched: list[_Fetched], held: int, shown: Checkpoint) -> None:
        store = self._board.store
        frontier = Frontier.load(held, store.node)
        bodies = self._pages.lines(BODIES, held, shown.size)
        hints = self._pages.lines(HINTS, held, shown.size)
        for header_bytes, header in fetched:
            where = f"entry {header.seq}"
            body, hint = next(bodies, None), next(hints, None)
            if body is None or hint is None:
                raise DecodeError("has no body or no line of hints", where=where)
            check_body(header, body)
            require_canonical(body, what=f"{where}, body")
            if hint:
                require_canonical(hint, what=f"{where}, hint", limit=MAX_ATTACHMENT_BYTES)
            id_ = bytes.fromhex(header.body)
            if store.find(id_) is not None:
                raise ProofError("has the body of an earlier entry", where=where)
            store.put_entry(FullRow(header.seq, id_, header.type, header_bytes, body, hint or None))
            store.put_nodes(frontier.append(header_bytes))

    def _keep_note(self, shown: Checkpoint, note: bytes) -> None:
        """Protocol L17c: show the newest checkpoint with all signatures it has come to have, the own witness's too."""
        if self._cosign is not None:
            note += self._cosign(shown, note, self._board)
            parse_note(note, what="the cosigned checkpoint")
        write_whole(self.folder / LATEST, note)

    # -- a board that lies ---------------------------------------------------------------------------------------------

    def _look_for_another_history(self, note: bytes, shown: Checkpoint) -> None:
        """Protocol L17d: if the board has another history than the mirror, keep the proof, and raise ProofError."""
        try:
            headers = list(self._pages.lines(HEADERS, 0, shown.size))
            evidence = history_evidence(self._held_note(), note, tree_of(headers), self.key)
        except UrneError:
            return  # what it shows is not what it signed: that proves nothing
        if evidence is not None:
            self._convict(write_evidence(evidence), "another history than before")

    def _convict(self, evidence: bytes, what: str) -> None:
        path = self._keep_as_evidence(f"{hashlib.sha256(evidence).hexdigest()[:16]}.json", evidence)
        raise ProofError(
            f"has signed {what}: {path} proves it to anybody",
            where="the board",
            remedy="check it with urne-verify evidence, and publish it",
        )

    def _keep_as_evidence(self, name: str, data: bytes) -> Path:
        path = self.folder / EVIDENCE / name
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot be made ({error.strerror})", where=str(path.parent)) from None
        write_whole(path, data)
        return path


_ASK_OTHERS = "ask the board again; if it stays so, entries that it had signed are gone: the mirror has them"


def _linked(lines: Iterator[bytes], frontier: Frontier, previous: Hash) -> list[_Fetched]:
    """New headers, each linked to the one before; the frontier grows with them."""
    fetched = []
    for line in lines:
        header = parse_header(line, what=f"entry {frontier.size}")
        check_link(header, seq=frontier.size, prev=previous)
        previous = sha256(line)
        frontier.append(line)
        fetched.append(_Fetched(line, header))
    return fetched
