"""Protocol L10: the bulletin board: an append-only log of entries, with a signed checkpoint for every state.

An entry, its body, its side data, the tree nodes it completes and the new checkpoint are written in one transaction.
Nothing is acknowledged before that transaction is on the disk. The same body submitted again keeps its first place, so
whoever got no answer may simply try again (docs/spec/log.md, "Appending").

Only one `Board` is open at a time, and one thread at a time may use it; others read through `bulletin_board.reader`.
This module must not know what entries mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bulletin_board.admission import AcceptAll, Admission
from bulletin_board.errors import FatalError, mark_refused
from bulletin_board.files import read_small, sync_folder, write_whole
from bulletin_board.fsck import verify_board
from bulletin_board.guards import Lock, require_local_disk
from bulletin_board.outlived import RESTORED, Seen, require_not_outlived, require_taken_over
from bulletin_board.reader import Appended, BoardReader, identity, require_board
from bulletin_board.store import DATABASE, CheckpointRow, FullRow, Store
from bulletin_board.wal import read_commits
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import ZERO_HASH, require_canonical, sha256
from voting.protocol.errors import UnavailableError, UrneError, UsageError
from voting.protocol.tlog.checkpoint import Checkpoint, require_origin, sign_checkpoint
from voting.protocol.tlog.header import MAX_BODY_BYTES, encode_header, make_header, parse_header, require_entry_type
from voting.protocol.tlog.merkle import Frontier, Node, tree_root
from voting.protocol.tlog.note import note_key

LOCK = "board.lock"
MAX_ATTACHMENT_BYTES = MAX_BODY_BYTES
MAX_DAMAGED_BYTES = 1024**3


class Submission(NamedTuple):
    """What someone wants to append. `body` is canonical JSON; so is `attachment`, if there is one."""

    type: str
    body: bytes
    attachment: bytes | None = None


class Board(BoardReader):
    """A board open for writing. `admission` decides what may be appended."""

    def __init__(self, folder: Path, store: Store, key: SigningKey, lock: Lock) -> None:
        super().__init__(folder, store, unpublished=True)
        if self.key.key != key.verify_key:
            raise UnavailableError(
                "was made with another key than the one given", where=str(folder), remedy="use the board's own key file"
            )
        self.admission: Admission = AcceptAll()
        self._key = key
        self._lock = lock
        self._is_dead = False

    @classmethod
    def create(cls, folder: Path, origin: str, key: SigningKey, *, admission: Admission | None = None) -> Board:
        """Protocol L10a: make a board, with a signed checkpoint of size 0, and open it for writing.

        Args:
            folder: made if it does not exist.
            origin: the log's name for ever, e.g. `board.example/election-1`.
            key: signs every checkpoint.
            admission: the rules; without them every well-formed entry is accepted.

        Raises:
            DecodeError: for a wrong origin.
            UnavailableError: if there is a board already, or the place cannot hold one.
        """
        require_origin(origin)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"cannot be made ({error.strerror})", where=str(folder)) from None
        lock = _lock(folder)
        try:
            store = Store.create(folder / DATABASE)
            try:
                store.put_meta("origin", origin)
                store.put_meta("vkey", note_key(origin, key.verify_key).vkey)
                store.put_checkpoint(_signed(Frontier(), origin, key))
                store.commit()
            finally:
                store.close()
            sync_folder(folder)
        finally:
            lock.release()
        return cls.open(folder, key, admission=admission)

    @classmethod
    def open(
        cls,
        folder: Path,
        key: SigningKey,
        *,
        admission: Admission | None = None,
        replay: bool = True,
        full: bool = True,
        seen: Iterable[Seen] = (),
        force: bool = False,
    ) -> Board:
        """Protocol L10b: open a board for writing.

        Args:
            folder: where the board is.
            key: the board's own key.
            admission: the rules; without them every well-formed entry is accepted.
            replay: show all existing entries to `admission` first. With False the caller has brought it up to date.
            full: recheck the whole board first; with False, only that its tree has the root it signed last.
            seen: what others have seen of the board; it must extend all of it (L19).
            force: write to it even if it was restored from a copy, or others have seen more: a second history.

        Raises:
            OutlivedError: if others have seen more of the board, or it was restored and nothing was seen.
            UnavailableError: if it is open for writing elsewhere, missing, on a network disk, or refused by the rules.
            ProofError, SignatureInvalid: if the recheck fails: it must not be written to.
        """
        require_board(folder)
        lock = _lock(folder)
        try:
            store = _open_store(folder)
            try:
                board = cls(folder, store, key, lock)
                if full:
                    verify_board(board)
                else:
                    board._verify_head()
                seen = tuple(seen)
                if not force:
                    require_not_outlived(board, seen)
                require_taken_over(board, is_compared=force or bool(seen))
                if admission is not None:
                    if replay:
                        board._replay(admission)
                    board.admission = admission
            except BaseException:
                store.close()
                raise
        except BaseException:
            lock.release()
            raise
        return board

    def close(self) -> None:
        """Close the board's files and let another process write."""
        super().close()
        self._lock.release()

    def append(self, type_: str, body: bytes, attachment: bytes | None = None) -> Appended:
        """Protocol L10c: append one entry; on return it is on the disk.

        Raises:
            UrneError: if the body is malformed or the rules refuse it: nothing was written.
            FatalError: if writing failed: close the board, open it again and submit again.
        """
        outcome = self.append_many([Submission(type_, body, attachment)])[0]
        if isinstance(outcome, UrneError):
            raise outcome
        return outcome

    def append_many(self, submissions: Sequence[Submission]) -> list[Appended | UrneError]:
        """Protocol L10d: append entries in one transaction, each of them accepted or refused for itself.

        Returns:
            For each submission, in order, where it stands or why it was refused.

        Raises:
            FatalError: if writing failed: close the board, open it again and submit all of them again.
        """
        if self._is_dead or not self._lock.is_mine():
            raise FatalError("can no longer be written to", where=str(self.folder), remedy="open it again")
        outcomes: list[Appended | UrneError] = []
        well_formed = [_malformation(submission) for submission in submissions]
        try:
            self._store.begin()
            frontier = Frontier.load(self._store.size(), self._store.node)
            last = self.header(frontier.size - 1) if frontier.size else None
            nodes: list[Node] = []
            for submission, malformation in zip(submissions, well_formed, strict=True):
                outcome = malformation or self._append_one(submission, frontier.size, last)
                if isinstance(outcome, Appended) and outcome.was_new:
                    last = outcome.header_bytes
                    nodes += frontier.append(last)
                outcomes.append(outcome)
            if nodes:
                self._store.put_nodes(nodes)
                self._store.put_checkpoint(_signed(frontier, self.origin, self._key))
                self._store.commit()
            else:
                self._store.rollback()
        except BaseException as error:
            self._die()
            if not isinstance(error, Exception):
                raise
            reason = str(error) if isinstance(error, UrneError) else type(error).__name__
            raise FatalError(
                f"writing failed ({reason})", where=str(self.folder), remedy="open it again and submit again"
            ) from error
        return outcomes

    def _append_one(self, submission: Submission, seq: int, last: bytes | None) -> Appended | UrneError:
        """Inside the transaction: find the submission, or have it admitted and write it behind the header `last`."""
        type_, body, attachment = submission
        id_ = identity(body)
        known = self._store.find(id_)
        if known is not None:
            if known.type != type_:
                clash = UsageError(f"the same body is entry {known.seq} already, of type {known.type}, not {type_}")
                return mark_refused(clash, seq)
            return Appended(known.seq, known.header, False)
        header = make_header(seq, ZERO_HASH if last is None else sha256(last), type_, body)
        header_bytes = encode_header(header)
        try:
            self.admission.admit(header, header_bytes, body, attachment)
        except FatalError:
            raise
        except UrneError as refusal:
            return mark_refused(refusal, seq)
        self._store.put_entry(FullRow(seq, id_, type_, header_bytes, body, attachment))
        return Appended(seq, header_bytes, True)

    def _replay(self, admission: Admission) -> None:
        for entry in self.entries():
            header = parse_header(entry.header_bytes, what=f"entry {entry.seq}")
            try:
                admission.admit(header, entry.header_bytes, entry.body, entry.attachment)
            except UrneError as error:
                raise UnavailableError(
                    f"holds an entry {entry.seq} that its rules refuse ({error})", where=str(self.folder)
                ) from error

    def _verify_head(self) -> None:
        newest = self.checkpoint()
        size = self._store.size()
        if newest.size != size or newest.root != tree_root(size, self._store.node):
            raise UnavailableError(
                "does not have the tree that it signed last", where=str(self.folder), remedy="run urne-board fsck"
            )

    def _die(self) -> None:
        """After a failed write nothing is certain but the disk: a fresh start must read it."""
        self._is_dead = True
        try:
            self._store.rollback()
        except UrneError:
            return


def _malformation(submission: Submission) -> UrneError | None:
    try:
        require_entry_type(submission.type)
        require_canonical(submission.body, what="the body", limit=MAX_BODY_BYTES)
        if submission.attachment is not None:
            require_canonical(submission.attachment, what="the attachment", limit=MAX_ATTACHMENT_BYTES)
    except UrneError as error:
        return error
    return None


def _signed(frontier: Frontier, origin: str, key: SigningKey) -> CheckpointRow:
    checkpoint = Checkpoint(origin, frontier.size, frontier.root())
    return CheckpointRow(checkpoint.size, checkpoint.root, sign_checkpoint(checkpoint, key))


def _open_store(folder: Path) -> Store:
    """Protocol L9c: open the tables for writing; if entries may be missing behind a bad place, mark them as a copy."""
    path = folder / f"{DATABASE}-wal"
    try:
        commits = read_commits(path)
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    store = Store.open(folder / DATABASE, read_only=False)
    try:
        if commits.behind(store.wal_frames()) > 1:
            write_whole(folder / f"{DATABASE}-wal.damaged", read_small(path, MAX_DAMAGED_BYTES))
            write_whole(folder / RESTORED, b"The write-ahead file was damaged: entries may be missing.\n")
        store.settle()
    except BaseException:
        store.close()
        raise
    return store


def _lock(folder: Path) -> Lock:
    require_local_disk(folder)
    lock = Lock(folder / LOCK)
    lock.take()
    return lock
