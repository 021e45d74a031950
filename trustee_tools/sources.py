"""Protocol T24: where a trustee reads the election, and what is checked before any of it is believed.

A source is a board's folder, an administrator's folder with `board/` in it, an exported record (folder or .zip), or a
web address, whose record is fetched.
Checked are: every header and its place in the chain, every body's length and hash, the Merkle root and the signature of
the newest checkpoint under the key that the manifest names, and the rules of `voting.election.rules` for every entry.
Proofs of ballots and of decryption shares are not: `trustee_tools.decrypt` does that before a share is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bulletin_board.client import BoardClient
from bulletin_board.log import Submission
from bulletin_board.reader import BoardReader, open_reader
from bulletin_board.store import DATABASE
from voting.address import Address
from voting.election.ballots import BALLOT
from voting.election.record import ElectionRecord
from voting.election.rules import apply
from voting.protocol.encoding import ZERO_HASH, Hash, sha256
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UsageError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.header import EntryHeader, check_body, check_link, parse_header
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import parse_vkey
from voting.verifier.fetch import RemoteRecord, private_folder
from voting.verifier.load import RecordSource, open_record
from voting.web_client import open_web

JOINED = "trustee.joined"
_HASH_BYTES = 32


class PublishedEntry(NamedTuple):
    """One entry as it was published, unchecked."""

    header_bytes: bytes
    body: bytes


class Source(NamedTuple):
    """An open source, unchecked: its entries up to the newest checkpoint, that checkpoint, and the key it names."""

    entries: Callable[[int, int | None], Iterator[PublishedEntry]]
    """Gives the entries of [start, stop); without `stop`, all."""
    checkpoint: bytes
    vkey: str
    board_folder: Path | None
    """Where the board is, if this is one; an exported record cannot be appended to."""


class ElectionView:
    """An election as one source shows it, replayed and checked. Open it with `open_view`."""

    def __init__(self, source: Source, *, allow_toy: bool) -> None:
        self.board_folder = source.board_folder
        self.record = ElectionRecord(allow_toy=allow_toy)
        self.latest: dict[str, str] = {}
        """Entry type -> the time in its newest entry."""
        self.size = 0
        self._entries = source.entries
        self._headers = bytearray()
        self._bodies = bytearray()
        frontier = Frontier()
        for entry in source.entries(0, None):
            self._take(entry)
            frontier.append(entry.header_bytes)
        if self.record.manifest is None:
            raise UsageError("there is no election here yet", remedy="ask the administrator to define it first")
        self.manifest: Manifest = self.record.manifest
        _verify_checkpoint(source, self.manifest, Checkpoint(_origin(self.manifest), self.size, frontier.root()))

    def header_hash(self, seq: int) -> Hash:
        """SHA-256 of the header of an entry; it fixes all entries up to this one."""
        return Hash(self._headers[seq * _HASH_BYTES : (seq + 1) * _HASH_BYTES].hex())

    def read_body(self, seq: int) -> bytes:
        """The body of an entry, read again and compared with what was checked. Raises VerificationError (check 02)."""
        return next(self.bodies([seq]))

    def bodies(self, places: Iterable[int]) -> Iterator[bytes]:
        """The bodies of several entries, as `read_body` gives them."""
        for seq in places:
            entry = next(self._entries(seq, seq + 1))
            if bytes.fromhex(sha256(entry.body)) != self._bodies[seq * _HASH_BYTES : (seq + 1) * _HASH_BYTES]:
                raise VerificationError("02", f"entry {seq}", "has changed while it was being read")
            yield entry.body

    def _take(self, entry: PublishedEntry) -> None:
        seq = self.size
        previous = self.header_hash(seq - 1) if seq else ZERO_HASH
        header = _checked_header(entry, seq, previous)
        apply(self.record, header, entry.body)
        self._headers += bytes.fromhex(sha256(entry.header_bytes))
        self._bodies += bytes.fromhex(header.body)
        self.size += 1
        if header.type != BALLOT:
            self.latest[header.type] = parse_body(header.type, entry.body, what=f"entry {seq}").content.time


class RemoteBoard:
    """A board behind a web address. What was fetched is kept until `close`, so that only news are fetched again."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.invitation: str | None = None
        """What lets a trustee join on a site that invites them (T32)."""
        self._stack = ExitStack()
        self._copy: RemoteRecord | None = None
        self._record: RecordSource | None = None

    def __str__(self) -> str:
        return str(self.address)

    def close(self) -> None:
        """Remove what was fetched."""
        self._stack.close()
        self._copy = self._record = None

    def fetch(self) -> RecordSource:
        """The record as the board shows it now, unchecked. Raises as `RemoteRecord.update` does."""
        if self._copy is None:
            web = self._stack.enter_context(open_web())
            self._copy = RemoteRecord(self.address, self._stack.enter_context(private_folder()), web=web)
        self._record = self._copy.update()
        return self._record

    def append(self, entry_type: str, body: bytes) -> int:
        """Append an entry; its number, once the board's receipt for it was checked. Raises as `BoardClient.append`."""
        record = self._record or self.fetch()
        key = parse_vkey(record.vkey, what="the board's key")
        with BoardClient(self.address, key=key, seen=open_checkpoint(record.checkpoint, key)) as client:
            token = self.invitation if entry_type == JOINED else None
            return client.append(Submission(entry_type, body), token).seq


Place = Path | RemoteBoard
"""Where a trustee finds an election."""


@contextmanager
def open_view(path: Place, *, allow_toy: bool = False) -> Iterator[ElectionView]:
    """Protocol T24: open and check an election.

    Args:
        path: a board's folder, an administrator's folder, a record (folder or .zip), or a board behind a web address.
        allow_toy: accept a group that is for tests only.

    Raises:
        UnavailableError: if it cannot be read.
        DecodeError: if it is no record.
        UsageError: if there is no election on it yet.
        VerificationError: (checks 01 to 10, 16 and 18) if it breaks a rule.
    """
    if isinstance(path, RemoteBoard):
        yield ElectionView(_record_source(path.fetch()), allow_toy=allow_toy)
        return
    folder = find_board(path)
    if folder is not None:
        with open_reader(folder, unpublished=True) as reader:
            yield ElectionView(_board_source(reader, folder), allow_toy=allow_toy)
        return
    with open_record(path) as record:
        yield ElectionView(_record_source(record), allow_toy=allow_toy)


def find_board(path: Place) -> Path | None:
    """The folder of the board at `path` or in it; None if there is none, as for an exported record."""
    if isinstance(path, RemoteBoard):
        return None
    for folder in (path, path / "board"):
        if (folder / DATABASE).is_file():
            return folder
    return None


def find_board_key(folder: Path) -> Path:
    """Where the key of a board on this machine is kept. Raises UsageError if it is in neither of the usual places."""
    for path in (folder.parent / "keys" / "board.key", folder / "board.key"):
        if path.is_file():
            return path
    raise UsageError(
        "the board's key is not here, so nothing can be appended",
        where=str(folder),
        remedy="name it with --board-key, or write a message file with --out and let the administrator submit it",
    )


def _board_source(reader: BoardReader, folder: Path) -> Source:
    size = len(reader)

    def entries(start: int, stop: int | None) -> Iterator[PublishedEntry]:
        for entry in reader.entries(start, size if stop is None else stop):
            yield PublishedEntry(entry.header_bytes, entry.body)

    return Source(entries, reader.checkpoint_note(size), reader.key.vkey, folder)


def _record_source(record: RecordSource) -> Source:
    def entries(start: int, stop: int | None) -> Iterator[PublishedEntry]:
        for entry in record.entries(start, stop):
            yield PublishedEntry(entry.header_bytes, entry.body_bytes)

    return Source(entries, record.checkpoint, record.vkey, None)


def _checked_header(entry: PublishedEntry, seq: int, previous: Hash) -> EntryHeader:
    try:
        header = parse_header(entry.header_bytes)
        check_link(header, seq=seq, prev=previous)
        check_body(header, entry.body)
    except (DecodeError, ProofError) as error:
        raise VerificationError("02", f"entry {seq}", error.problem) from None
    return header


def _verify_checkpoint(source: Source, manifest: Manifest, expected: Checkpoint) -> None:
    """Part of T24 (check 03): the board that the manifest names has signed exactly these entries."""
    if source.vkey != manifest.board:
        raise VerificationError(
            "03",
            "checkpoint",
            "comes from another board than the manifest's",
            expected=manifest.board,
            found=source.vkey,
        )
    try:
        signed = open_checkpoint(source.checkpoint, parse_vkey(manifest.board, what="the manifest's board"))
    except (DecodeError, SignatureInvalid) as error:
        raise VerificationError("03", "checkpoint", error.problem) from None
    if signed != expected:
        raise VerificationError(
            "03",
            "checkpoint",
            "is not of these entries",
            expected=f"{expected.size} entries, root {expected.root.hex()}",
            found=f"{signed.size} entries, root {signed.root.hex()}",
        )


def _origin(manifest: Manifest) -> str:
    try:
        return parse_vkey(manifest.board, what="the manifest's board").name
    except DecodeError as error:
        raise VerificationError("01", "manifest", str(error)) from None
