"""Protocol L12: open readers of one board that are used again (docs/spec/log.md, "Reading").

Opening a database costs more than most questions to it. A reader holds nothing between two uses: every question sees
what is committed when it is asked. This module must not know what entries mean.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bulletin_board.reader import BoardReader, NodeCache, open_reader
from bulletin_board.witness_settings import read_witness_settings

MAX_IDLE = 16


class ReaderPool:
    """Readers of the board in a folder, for any number of threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._nodes = NodeCache()
        self._idle: list[BoardReader] = []
        self._is_closed = False

    @contextmanager
    def reader(self) -> Iterator[BoardReader]:
        """A reader for the calling thread and the `with` block. Raises UnavailableError if there is no board."""
        board = self._take()
        try:
            yield board
        except BaseException:
            board.close()
            raise
        with self._lock:
            if not self._is_closed and len(self._idle) < MAX_IDLE:
                self._idle.append(board)
                return
        board.close()

    def close(self) -> None:
        """Close all readers that are not in use; the others close when they are given back."""
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for board in idle:
            board.close()

    def _take(self) -> BoardReader:
        settings = read_witness_settings(self._folder)
        while True:
            with self._lock:
                if not self._idle:
                    break
                board = self._idle.pop()
            if board.is_mirror or board.witnesses == settings:
                return board
            board.close()
        return open_reader(self._folder, nodes=self._nodes)
