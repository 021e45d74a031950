"""Boards behind the web, for tests: over a real socket, or without one.

with serving(create_board_app(service)) as address: ...         # commands can be pointed at it
with web_client(app) as web: ...                                # httpx talks to the application itself
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from waitress import wasyncore
from waitress.server import create_server

from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended, BoardReader, open_reader
from bulletin_board.refusals import signed_refusal
from bulletin_board.service import FolderService
from tests.simulators.election import BOARD_KEY, StoredEntry
from tests.simulators.record import ORIGIN
from voting.address import Address, parse_address
from voting.crypto.signatures import SigningKey
from voting.local_board import open_election_board
from voting.protocol.errors import UrneError
from voting.web_client import WebClient

ADDRESS = parse_address("http://board.example")


class ElectionService:
    """An election's board with its rules, opened anew for every entry, so that commands can write to it as well."""

    def __init__(self, folder: Path, key: SigningKey = BOARD_KEY) -> None:
        self._folder = folder
        self._key = key
        self.tokens: list[str | None] = []

    def reader(self) -> AbstractContextManager[BoardReader]:
        return open_reader(self._folder)

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        self.tokens.append(token)
        board, _ = open_election_board(self._folder, self._key, allow_toy=True)
        with board:
            return board.append(*submission)

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        with self.reader() as board:
            return signed_refusal(submission, error, origin=board.key.name, key=self._key)


def fill_board(folder: Path, entries: list[StoredEntry]) -> Path:
    """A board without rules that holds these entries."""
    with Board.create(folder, ORIGIN, BOARD_KEY) as board:
        board.append_many([Submission(entry.header.type, entry.body, entry.hints) for entry in entries])
    return folder


@contextmanager
def serving(app: Any) -> Iterator[Address]:
    """Serve an application on a free port of this machine."""
    sockets: dict[int, Any] = {}
    server = create_server(
        app, map=sockets, host="127.0.0.1", port=0, threads=4, clear_untrusted_proxy_headers=True
    )  # fmt: skip
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            wasyncore.loop(timeout=1.0, map=sockets, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield parse_address(f"http://127.0.0.1:{server.effective_port}")
    finally:
        stop.set()
        server.pull_trigger()
        thread.join()
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


@contextmanager
def web_client(app: Any) -> Iterator[WebClient]:
    """A client that asks the application directly, and never waits."""
    with httpx.Client(transport=httpx.WSGITransport(app=app)) as http:
        yield WebClient(http, sleep=lambda _seconds: None)


__all__ = ["ADDRESS", "ElectionService", "FolderService", "fill_board", "serving", "web_client"]
