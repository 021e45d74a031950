"""Running a web server: of one board (docs/spec/http.md), or of a whole site that brings its own application."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from flask import Flask
from waitress.server import create_server

from bulletin_board.server import MAX_POST_BYTES, create_board_app
from bulletin_board.service import FolderService
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UnavailableError, UsageError

THREADS = 8
HEADER_BYTES = 32 * 1024


def serve_board(folder: Path, key: SigningKey | None, listen: str, *, announce: Callable[[str], None]) -> None:
    """Serve a board until the process is told to stop (SIGTERM, or the keyboard).

    Args:
        folder: where the board is.
        key: the board's own; None to let nobody append.
        listen: `HOST:PORT`; port 0 for any free one.
        announce: told the address, once it is open.

    Raises:
        UsageError: if `listen` has another form.
        UnavailableError: if the place is taken, or the board cannot be opened.
    """
    with FolderService(folder, key) as service:
        serve_app(create_board_app(service), listen, announce=announce, longest_body=MAX_POST_BYTES)


def serve_app(
    app: Flask, listen: str, *, announce: Callable[[str], None], longest_body: int, threads: int = THREADS
) -> None:
    """Serve a web application until the process is told to stop (SIGTERM, or the keyboard).

    Args:
        app: the application.
        listen: `HOST:PORT`; port 0 for any free one.
        announce: told the address, once it is open.
        longest_body: no request may have more bytes than this.
        threads: requests that are worked on at the same time.

    Raises:
        UsageError: if `listen` has another form.
        UnavailableError: if the place is taken.
    """
    host, port = parse_listen(listen)
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            max_request_body_size=longest_body,
            max_request_header_size=HEADER_BYTES,
        )
    except OSError as error:
        raise UnavailableError(
            f"cannot be listened on ({error.strerror or error})", where=listen, remedy="choose another port"
        ) from None
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it tells of every request that waits a moment
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        announce(f"http://{_shown(host)}:{server.effective_port}")
        server.run()
    finally:
        signal.signal(signal.SIGTERM, before)
        server.close()


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, also with an IPv6 address in brackets. Raises UsageError."""
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError("is not HOST:PORT", where="--listen", remedy="write it like 127.0.0.1:8080")
    return host, int(port)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
