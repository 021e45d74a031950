"""What the board's web interface needs of whoever keeps the board, and the simplest keeper (docs/spec/http.md).

`BoardService` is the contract: a site with elections has its own, with rules and tokens. `FolderService` keeps one
board in one folder, without rules. This module must not know what entries mean, nor import any web code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bulletin_board.admission import AcceptAll, Admission
from bulletin_board.cosigning import Cosigner, start_cosigner
from bulletin_board.group_commit import GroupWriter
from bulletin_board.log import Board, Submission
from bulletin_board.outlived import Seen
from bulletin_board.reader import Appended, BoardReader, require_board
from bulletin_board.reader_pool import ReaderPool
from bulletin_board.refusals import signed_refusal
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UnavailableError, UrneError

QUORUM_SECONDS = 10.0
"""So long an entry waits for its witnesses before its sender is told that they are missing."""


class BoardService(Protocol):
    """One board that is served. All methods may be called from any thread at any time."""

    def reader(self) -> AbstractContextManager[BoardReader]:
        """The board, open for reading, for the calling thread and the `with` block."""

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """Append an entry; on return it is on the disk.

        Args:
            submission: what was posted; unchecked.
            token: what came with it in the header `Urne-Token`, if anything.

        Raises:
            TokenError: if a token is needed and this is none, or not the right one.
            BusyError: if this sender has sent too much.
            UnavailableError: if nothing can be written now; the sender may try again.
            UrneError: if the rules refuse the entry.
        """

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        """The board's signed word (L24) that its rules refused an entry with this error of `submit`.

        None where the rules never looked at the entry, or the board's key is not at hand.
        """


class FolderService:
    """A board in a folder of this machine. With a key it is open for writing until `close`; without, only readable."""

    def __init__(
        self,
        folder: Path,
        key: SigningKey | None,
        *,
        make_admission: Callable[[], Admission] = AcceptAll,
        seen: Iterable[Seen] = (),
    ) -> None:
        """Args:
        make_admission: gives the rules, afresh whenever the board is opened; it is then shown all entries.
        seen: what others know of the board: it must extend all of that (see `Board.open`).
        """
        self._folder = folder
        self._key = key
        self._readers = ReaderPool(folder)
        self._cosigner: Cosigner | None = None
        self._writer: GroupWriter | None = None
        if key is None:
            require_board(folder)
            return
        board = Board.open(folder, key, admission=make_admission(), seen=seen)
        self._writer = GroupWriter(
            lambda: Board.open(folder, key, admission=make_admission(), full=False),
            board,
            on_commit=lambda: self._cosigner.notify() if self._cosigner is not None else None,
        )
        try:
            self._cosigner = start_cosigner(folder)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits, then let another process write. Nothing can be appended afterwards."""
        if self._writer is not None:
            self._writer.close()
        if self._cosigner is not None:
            self._cosigner.close()
        self._readers.close()

    def reader(self) -> AbstractContextManager[BoardReader]:
        """The board, open for reading."""
        return self._readers.reader()

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """Append an entry, and give the witnesses a moment to sign it if there is a quorum. Any token will do.

        After a write that failed the board is opened anew, so that a disk that was full for a moment does not stop it.
        """
        if self._writer is None:
            raise UnavailableError("this board can only be read here", remedy="ask where it is written to")
        appended = self._writer.submit(submission)
        if self._cosigner is not None:
            self._cosigner.wait(appended.seq + 1, QUORUM_SECONDS)
        return appended

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        """The signed refusal, if there is a key."""
        if self._key is None:
            return None
        with self.reader() as board:
            return signed_refusal(submission, error, origin=board.key.name, key=self._key)
