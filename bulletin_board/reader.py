"""Protocol L12: read a board that another process may be writing to (docs/spec/log.md, "Reading").

Any number of readers may be open. Each sees what was committed, never more than the newest *published* checkpoint
covers: the newest that the board signed or, where a quorum of witnesses is demanded, that they signed too.
This module must not know what entries mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bulletin_board.cosignature_store import CosignatureStore
from bulletin_board.errors import QuorumError
from bulletin_board.files import read_small
from bulletin_board.store import DATABASE, CheckpointRow, EntryRow, Store
from bulletin_board.witness_settings import NO_WITNESSES, read_witness_settings
from voting.protocol.encoding import Hash, sha256
from voting.protocol.errors import UnavailableError, UsageError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.merkle import NodeSource, consistency_proof, inclusion_proof
from voting.protocol.tlog.note import MAX_NOTE_BYTES, NoteKey, parse_vkey
from voting.protocol.tlog.proof import Receipt, format_receipt

MIRROR = "mirror"
"""Among a database's settings: that it is a mirror's, and of which address."""
LATEST = "latest"
"""A mirror's file with the newest checkpoint, with all signatures that it has."""


class Appended(NamedTuple):
    """Where a submission stands. `was_new` is False if the same body stood there before."""

    seq: int
    header_bytes: bytes
    was_new: bool


class BoardEntry(NamedTuple):
    """One entry as it is stored."""

    seq: int
    header_bytes: bytes
    body: bytes
    attachment: bytes | None


class NodeCache:
    """Complete nodes of one board's tree that were read lately. They never change, so any thread may share them."""

    def __init__(self, size: int = 1 << 16) -> None:
        self._size = size
        self._hashes: dict[tuple[int, int], bytes] = {}

    def source(self, read: NodeSource) -> NodeSource:
        """The same nodes, read only where they are not remembered."""

        def node(level: int, position: int) -> bytes:
            known = self._hashes.get((level, position))
            if known is None:
                known = read(level, position)
                if len(self._hashes) >= self._size:
                    self._hashes = {}
                self._hashes[level, position] = known
            return known

        return node


class BoardReader:
    """An open board. Use it in a `with` block, or call `close`. `open_reader` makes one."""

    def __init__(
        self, folder: Path, store: Store, *, unpublished: bool = False, nodes: NodeCache | None = None
    ) -> None:
        """Args:
        unpublished: show all that the board signed, whoever else must sign before it is published.
        nodes: a memory of nodes that other readers of the same board share.
        """
        self.folder = folder
        self._store = store
        self._node = nodes.source(store.node) if nodes is not None else store.node
        self._is_unpublished = unpublished
        self._cosignatures: CosignatureStore | None = None
        meta = store.meta()
        self.is_mirror = MIRROR in meta
        """Whether this is a copy of a board that lies elsewhere (`bulletin_board.mirror`)."""
        self.witnesses = NO_WITNESSES if self.is_mirror else read_witness_settings(folder)
        if set(meta) - {MIRROR} != {"origin", "vkey"}:
            raise UnavailableError("does not name its origin and key, so it is damaged", where=str(folder))
        self.origin = meta["origin"]
        self.key: NoteKey = parse_vkey(meta["vkey"], what="the board's stored key")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the board's files."""
        self._store.close()
        if self._cosignatures is not None:
            self._cosignatures.close()

    def __len__(self) -> int:
        """How many entries the newest published checkpoint covers."""
        return self._newest().size

    @property
    def store(self) -> Store:
        """The tables, for `bulletin_board.fsck`."""
        return self._store

    def header(self, seq: int) -> bytes:
        """The header's bytes of one entry. Raises UsageError if there is no such entry."""
        return self._entry(seq).header

    def body(self, seq: int) -> bytes:
        """The body's bytes of one entry. Raises UsageError if there is no such entry."""
        self._entry(seq)
        return _present(self._store.body(seq), seq)

    def attachment(self, seq: int) -> bytes | None:
        """The side data of one entry, which nothing authenticates. Raises UsageError if there is no such entry."""
        self._entry(seq)
        return self._store.hint(seq)

    def headers(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The headers' bytes of [start, stop), in order; without `stop`, of all that the newest checkpoint covers."""
        for row in self._store.entries(start, self._stop(stop)):
            yield row.header

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[BoardEntry]:
        """The entries of [start, stop), in order; without `stop`, all that the newest checkpoint covers."""
        for row in self._store.full_entries(start, self._stop(stop)):
            yield BoardEntry(row.seq, row.header, _present(row.body, row.seq), row.hint)

    def find(self, body: bytes) -> Appended | None:
        """Where this body stands, if it does."""
        row = self._store.find(identity(body))
        return Appended(row.seq, row.header, False) if row else None

    def find_hash(self, body_hash: Hash) -> Appended | None:
        """Where the body with this SHA-256 stands, if there is one."""
        row = self._store.find(bytes.fromhex(body_hash))
        return Appended(row.seq, row.header, False) if row else None

    def checkpoint_note(self, size: int | None = None) -> bytes:
        """The signed checkpoint of one size, or the newest published one, with what witnesses signed of it.

        Raises:
            UsageError: if the board signed none of that size.
        """
        row = self._newest() if size is None else self._store.checkpoint(size)
        if row is None:
            raise UsageError(f"the board signed no checkpoint of size {size}")
        return self._cosigned(row)

    def is_published(self, seq: int) -> bool:
        """Whether the published checkpoint covers an entry: a quorum of witnesses may still be missing."""
        return 0 <= seq < self._newest().size

    def checkpoint(self) -> Checkpoint:
        """The newest published checkpoint. Raises SignatureInvalid if it is not signed by the board's key."""
        return open_checkpoint(self._newest().note, self.key)

    def inclusion_proof(self, seq: int, size: int | None = None) -> tuple[bytes, ...]:
        """The proof that entry `seq` is in the tree of the first `size` entries (default: all)."""
        return inclusion_proof(seq, self._stop(size), self._node)

    def consistency_proof(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first `new` entries (default: all) begin with the first `old`."""
        return consistency_proof(old, self._stop(new), self._node)

    def receipt(self, seq: int) -> bytes:
        """The proof, under the newest published checkpoint, that entry `seq` is on the board: a tlog-proof.

        Raises:
            UsageError: if there is no such entry.
            QuorumError: if it is there, but too few witnesses have signed so far.
        """
        newest = self._newest()
        if newest.size <= seq < self._store.size():
            raise self._not_published(seq)
        if not 0 <= seq < newest.size:
            raise _no_entry(seq, newest.size)
        proof = inclusion_proof(seq, newest.size, self._node)
        return format_receipt(Receipt(seq, proof, self._cosigned(newest)))

    def _entry(self, seq: int) -> EntryRow:
        row = self._store.entry(seq) if 0 <= seq < 2**63 else None
        if row is None:
            raise _no_entry(seq, len(self))
        if self.witnesses.quorum and not self._is_unpublished and not self.is_published(seq):
            raise self._not_published(seq)
        return row

    def _not_published(self, seq: int) -> QuorumError:
        return QuorumError(
            f"entry {seq} is on the disk of the board, but fewer than {self.witnesses.quorum} witnesses have signed"
            " it so far, so it is not published yet",
            remedy="ask again in a minute; an entry that is sent again is kept once",
        )

    def _stop(self, stop: int | None) -> int:
        size = len(self)
        if stop is not None and not 0 <= stop <= size:
            raise UsageError(f"the board has {size} entries, so there is no tree of {stop}")
        return size if stop is None else stop

    def _newest(self) -> CheckpointRow:
        row = self._store.checkpoint()
        if self.witnesses.quorum and not self._is_unpublished:
            row = self._published()
        if row is None:
            raise UnavailableError("holds no checkpoint, so it is damaged", where=str(self.folder))
        return row

    def _published(self) -> CheckpointRow | None:
        """Protocol L22g: the newest checkpoint with its quorum; that of no entries if there is none."""
        keys = {witness.key.key.raw for witness in self.witnesses.witnesses}
        collected = self._collected()
        if collected is None:
            return self._store.checkpoint(0)
        for size in collected.sizes_with(keys, self.witnesses.quorum):
            row = self._store.checkpoint(size)
            if row is None:
                continue
            signers = {found.key for found in collected.of(size) if found.root == row.root} & keys
            if len(signers) >= self.witnesses.quorum:
                return row
        return self._store.checkpoint(0)

    def _collected(self) -> CosignatureStore | None:
        """What the witnesses signed, if there are any; the file may come while this reader is open."""
        if self._cosignatures is None and self.witnesses.witnesses:
            self._cosignatures = CosignatureStore.find(self.folder)
        return self._cosignatures

    def _cosigned(self, row: CheckpointRow) -> bytes:
        """A signed note, with the lines of the witnesses."""
        collected = self._collected()
        if collected is None:
            return self._latest(row) if self.is_mirror else row.note
        lines = {found.key: found.line for found in collected.of(row.size) if found.root == row.root}
        return row.note + b"".join(lines.get(witness.key.key.raw, b"") for witness in self.witnesses.witnesses)

    def _latest(self, row: CheckpointRow) -> bytes:
        """The same note as a mirror saw it last: signatures may have been added."""
        text, separator, _ = row.note.rpartition(b"\n\n")
        path = self.folder / LATEST
        latest = read_small(path, MAX_NOTE_BYTES) if path.exists() else b""
        return latest if latest.startswith(text + separator) else row.note


def open_reader(folder: Path, *, unpublished: bool = False, nodes: NodeCache | None = None) -> BoardReader:
    """Protocol L12a: open a board for reading.

    Args:
        unpublished: show what the board signed even before its witnesses have (to those who work with the board).
        nodes: a memory of nodes that other readers of the same board share.

    Raises:
        UnavailableError: if there is no board, or it cannot be read.
    """
    require_board(folder)
    store = Store.open(folder / DATABASE, read_only=True)
    try:
        return BoardReader(folder, store, unpublished=unpublished, nodes=nodes)
    except BaseException:
        store.close()
        raise


def identity(body: bytes) -> bytes:
    """What tells whether a body is on the board already: its SHA-256, 32 bytes."""
    return bytes.fromhex(sha256(body))


def require_board(folder: Path) -> None:
    """Raises UnavailableError if there is no board in the folder."""
    if not (folder / DATABASE).is_file():
        raise UnavailableError("is not a board", where=str(folder), remedy="make one: urne-board init")


def _present(data: bytes | None, seq: int) -> bytes:
    if data is None:
        raise UnavailableError("has lost its body, so the board is damaged", where=f"entry {seq}")
    return data


def _no_entry(seq: int, size: int) -> UsageError:
    held = f"the board has {size} entries" + (f", 0 to {size - 1}" if size else "")
    return UsageError(f"there is no entry {seq}: {held}")
