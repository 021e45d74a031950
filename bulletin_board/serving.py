"""Running a web server: of one board (docs/spec/http.md), or of a whole site that brings its own application."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server

from bulletin_board.outlived import Seen
from bulletin_board.server import MAX_POST_BYTES, create_board_app
from bulletin_board.service import BoardService, FolderService
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UnavailableError, UsageError

THREADS = 8
BOARD_THREADS = 64
"""Each request that appends holds a thread until its entry is on the disk; together they share the flush."""
SHORT_ANSWER_BYTES = 256 * 1024
SECONDS_TO_END = 15.0
"""So long requests that are being worked on may take to end after the server was told to stop."""
HEADER_BYTES = 32 * 1024
MAX_CONNECTIONS = 1000
"""Open connections; more wait. A browser holds up to six, and keeps them for a while."""
IDLE_SECONDS = 45
CLEAN_UP_SECONDS = 10
OTHER_FILES = 400
"""Files that may be open besides connections: boards, databases, long requests."""


def serve_board(
    folder: Path,
    key: SigningKey | None,
    listen: str,
    *,
    announce: Callable[[str], None],
    seen: Iterable[Seen] = (),
) -> None:
    """Serve a board until the process is told to stop (SIGTERM, or the keyboard).

    Args:
        folder: where the board is.
        key: the board's own; None to let nobody append.
        listen: `HOST:PORT`; port 0 for any free one.
        announce: told the address, once it is open.
        seen: what others have seen of the board (L19).

    Raises:
        UsageError: if `listen` has another form.
        UnavailableError: if the place is taken, or the board cannot be opened.
    """
    _stay_on_one_core()
    with FolderService(folder, key, seen=seen) as service:
        serve_service(service, listen, announce=announce)


def serve_service(service: BoardService, listen: str, *, announce: Callable[[str], None]) -> None:
    """Serve one board, whoever keeps it, as `serve_board` does."""
    serve_app(create_board_app(service), listen, announce=announce, longest_body=MAX_POST_BYTES, threads=BOARD_THREADS)


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
    sockets: dict[int, Any] = {}
    try:
        server = create_server(
            app,
            map=sockets,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            max_request_body_size=longest_body,
            max_request_header_size=HEADER_BYTES,
            connection_limit=_room_for_connections(),
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=CLEAN_UP_SECONDS,
            # Who the client is says the application, which knows whether there is a proxy to be believed.
            clear_untrusted_proxy_headers=False,
        )
    except OSError as error:
        raise UnavailableError(
            f"cannot be listened on ({error.strerror or error})", where=listen, remedy="choose another port"
        ) from None
    server.channel_class = _Channel
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it tells of every request that waits a moment
    with _stopping(server.pull_trigger) as stop:
        announce(f"http://{_shown(host)}:{server.effective_port}")
        while not stop.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=sockets, count=1)
        _drain(server, sockets)


def _room_for_connections() -> int:
    """How many connections may be open: the system lets a process open only so many files. It is asked for more."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if now != resource.RLIM_INFINITY and now < wanted:
        now = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
        now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MAX_CONNECTIONS if now == resource.RLIM_INFINITY else max(min(MAX_CONNECTIONS, now - OTHER_FILES), 50)


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that does not call itself ready for writing while a thread is just writing to it.

    Otherwise the server's loop turns without end, and takes Python's one turn away from that very thread.
    """

    def writable(self) -> bool:
        if self.requests and not self.will_close and self.total_outbufs_len < SHORT_ANSWER_BYTES:
            if not self.outbuf_lock.acquire(False):
                return False  # whoever has it wakes the loop when something is left
            self.outbuf_lock.release()
        return bool(super().writable())


def _stay_on_one_core() -> None:
    """Keep all threads of this process on one processor core, where the system can (Linux).

    Python runs one of them at a time. On several cores they take that turn from each other at every call of SQLite, and
    with many senders most of the time is lost that way (docs/performance.md). Other processes make room.
    """
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            os.sched_setaffinity(0, {secrets.choice(sorted(os.sched_getaffinity(0)))})


@contextmanager
def _stopping(wake: Callable[[], None]) -> Iterator[threading.Event]:
    """An event that SIGTERM or the keyboard sets, for the `with` block. Told twice, the process ends at once."""
    stop = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        stop.set()
        wake()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _drain(server: Any, sockets: dict[int, Any]) -> None:
    """Protocol Q10: take no new connection, answer what was asked already, then close."""
    server.accepting = False
    server.del_channel(sockets)
    server.socket.close()
    until = time.monotonic() + SECONDS_TO_END
    while server.active_channels and time.monotonic() < until:
        for channel in list(server.active_channels.values()):
            if not channel.requests and not channel.total_outbufs_len:
                channel.will_close = True  # what comes on this connection now is not read any more
        wasyncore.loop(timeout=0.1, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(sockets)


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, also with an IPv6 address in brackets. Raises UsageError."""
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not separator or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError("is not HOST:PORT", where="--listen", remedy="write it like 127.0.0.1:8080")
    return host, int(port)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
