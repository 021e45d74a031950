"""What the board's web interface needs of whoever keeps the board, and the simplest keeper (docs/spec/http.md).

`BoardService` is the contract: a site with elections has its own, with rules and tokens. `FolderService` keeps one
board in one folder, without rules. This module must not know what entries mean, nor import any web code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bulletin_board.admission import AcceptAll, Admission
from bulletin_board.errors import FatalError
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended, BoardReader, open_reader
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UnavailableError


class BoardService(Protocol):
    """One board that is served. Both methods may be called from any thread at any time."""

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


class FolderService:
    """A board in a folder of this machine. With a key it is open for writing until `close`; without, only readable."""

    def __init__(
        self, folder: Path, key: SigningKey | None, *, make_admission: Callable[[], Admission] = AcceptAll
    ) -> None:
        """Args: `make_admission` gives the rules, afresh whenever the board is opened; it is then shown all entries."""
        self._folder = folder
        self._key = key
        self._make_admission = make_admission
        self._lock = threading.Lock()
        """Guards `_board`: one thread at a time may use it."""
        self._board = Board.open(folder, key, admission=make_admission()) if key is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process write. Nothing can be appended afterwards."""
        with self._lock:
            board, self._board, self._key = self._board, None, None
            if board is not None:
                board.close()

    def reader(self) -> AbstractContextManager[BoardReader]:
        """The board, open for reading."""
        return open_reader(self._folder)

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """Append an entry. Any token will do.

        After a write that failed the board is opened anew, so that a disk that was full for a moment does not stop it.
        """
        with self._lock:
            if self._key is None:
                raise UnavailableError("this board can only be read here", remedy="ask where it is written to")
            if self._board is None:
                self._board = Board.open(self._folder, self._key, admission=self._make_admission(), full=False)
            try:
                return self._board.append(*submission)
            except FatalError:
                board, self._board = self._board, None
                board.close()
                raise
