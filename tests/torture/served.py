"""A board served by a process of its own, and clients that send to it from many threads, for tests that kill it."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from bulletin_board.keys import read_plain_signing_key
from tests.strategies.boards import ORIGIN, ROOT
from voting.crypto.signatures import SigningKey

PROGRAM = [sys.executable, "-m", "bulletin_board.cli"]
SECONDS_TO_ANSWER = 20


class Sent(NamedTuple):
    """What became of one entry: status 0 for no answer at all, -1 if nobody listened."""

    body: bytes
    status: int
    answer: bytes


def init_board(folder: Path) -> SigningKey:
    subprocess.run([*PROGRAM, "init", folder, "--origin", ORIGIN], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return read_plain_signing_key(folder / "board.key", "board")


class Server:
    """`urne-board serve`, as a process."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "serve", folder, "--listen", "127.0.0.1:0"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("http://"), self.process.communicate()[1]
        self.port = int(line.rpartition(":")[2])

    def end(self, signal_: int) -> int:
        """Send a signal, and wait. Gives the exit code."""
        self.process.send_signal(signal_)
        code = self.process.wait(timeout=60)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


class Client:
    """Sends one entry after the other over one connection until it is stopped or nobody answers."""

    def __init__(self, port: int) -> None:
        self.sent: list[Sent] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_ANSWER)
        self._is_stopped = threading.Event()

    def send(self, body: bytes) -> Sent:
        """Send one entry. Whatever happens is written down."""
        content = b'{"attachment":null,"body":%b,"type":"note.text"}' % body
        status, data = 0, b""
        try:
            self._connection.request("POST", "/log/entries", content, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            data = answer.read()
            status = answer.status
        except ConnectionRefusedError:
            status = -1
        except (OSError, http.client.HTTPException):
            status = 0
        if status <= 0:
            self._connection.close()
        self.sent.append(Sent(body, status, data))
        return self.sent[-1]

    def run(self, bodies: list[bytes]) -> None:
        """Send all, until there is no answer."""
        for body in bodies:
            if self._is_stopped.is_set() or self.send(body).status <= 0:
                break
        self.close()

    def close(self) -> None:
        self._connection.close()

    def stop(self) -> None:
        self._is_stopped.set()


def send_from_threads(port: int, bodies: list[list[bytes]]) -> tuple[list[Client], list[threading.Thread]]:
    """Clients that send, each in a thread of its own."""
    clients = [Client(port) for _ in bodies]
    threads = [threading.Thread(target=client.run, args=(mine,)) for client, mine in zip(clients, bodies, strict=True)]
    for thread in threads:
        thread.start()
    return clients, threads
