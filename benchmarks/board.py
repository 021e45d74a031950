"""Measure the bulletin board: `python -m benchmarks board`.

Ready entries are appended over HTTP: a server of its own (`urne-board serve`), bodies of 4 kB, each answer with its
receipt and only after the entry is on the disk. One process plays all clients; each sends its next entry when the last
is answered. Then, on a board of 50,000 entries: one receipt, one tile, and the full check that a board makes when it
is opened.

What a disk needs to flush 4 kB differs from machine to machine and from minute to minute, so it is measured just
before. `processor` is the server's own time for one entry, whatever else the machine does; all other times are by the
clock.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from bulletin_board.tiles import read_tile
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import encode
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file
from voting.protocol.tlog.tiles import Tile

ORIGIN = "board.example/benchmark"
BODY_BYTES = 4096
KEY = SigningKey.from_seed(bytes(32))
SECONDS_TO_START = 60


class AppendRow(NamedTuple):
    """One number of clients: entries a second, milliseconds to the receipt, and the server's processor time."""

    clients: int
    entries: int
    per_second: float
    median: float
    slowest_percent: float
    processor: float
    flush: float


class OtherRow(NamedTuple):
    """One other figure, with its unit."""

    work: str
    figure: float
    unit: str


class _Client:
    """One connection that always waits for an answer."""

    def __init__(self, port: int, number: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = number
        self.count = 0
        self.data = b""
        self.sent = 0.0

    def send(self, salt: str) -> None:
        body = encode({"client": self.number, "count": self.count, "pad": "x" * (BODY_BYTES - 80), "salt": salt})
        content = b'{"attachment":null,"body":%b,"type":"note.text"}' % body
        head = b"POST /log/entries HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.count += 1
        self.data = b""
        self.sent = time.perf_counter()
        self.socket.sendall(head % len(content) + content)

    def receive(self) -> bytes | None:
        """The body of the answer, when it is whole."""
        self.data += self.socket.recv(1 << 16)
        head, separator, body = self.data.partition(b"\r\n\r\n")
        if not separator:
            return None
        if b" 201 " not in head[:20]:
            raise SystemExit(f"the server answered {head[:60]!r}: this is a fault, please report it")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return body if len(body) >= length else None


def flush_milliseconds(folder: Path, count: int = 50) -> float:
    """How long the disk takes to write and flush 4 kB: the median."""
    taken = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(count):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - started) * 1e3)
    (folder / "probe").unlink()
    return statistics.median(taken)


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_appending(folder: Path, clients: int, seconds: float) -> AppendRow:
    """Append for some seconds. Every hundredth receipt is checked."""
    flush = flush_milliseconds(folder)
    board = folder / f"served-{clients}"
    command = [sys.executable, "-m", "bulletin_board.cli"]
    subprocess.run([*command, "init", board, "--origin", ORIGIN], check=True, stdout=subprocess.DEVNULL)
    server = subprocess.Popen(
        [*command, "serve", board, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().rpartition(":")[2])
        with open_reader(board) as reader:
            key = reader.key
        connections = [_Client(port, number) for number in range(clients)]
        taken: list[float] = []
        with selectors.DefaultSelector() as waiting:
            for client in connections:
                waiting.register(client.socket, selectors.EVENT_READ, client)
                client.send("warm")
            started, processor = time.perf_counter(), processor_seconds(server.pid)
            pending = clients
            while pending:
                for event, _ in waiting.select():
                    one: _Client = event.data
                    answer = one.receive()
                    if answer is None:
                        continue
                    now = time.perf_counter()
                    taken.append((now - one.sent) * 1e3)
                    if len(taken) % 100 == 0:
                        check_receipt(read_receipt_file(answer), key)
                    if now - started < seconds:
                        one.send("")
                    else:
                        pending -= 1
            took, spent = time.perf_counter() - started, processor_seconds(server.pid) - processor
        for client in connections:
            client.socket.close()
    finally:
        server.terminate()
        server.wait(timeout=60)
    with open_reader(board) as reader:
        assert len(reader) == len(taken), "an acknowledged entry is missing: this is a fault, please report it"
    shutil.rmtree(board)
    taken.sort()
    slowest = taken[int(len(taken) * 0.99)]
    return AppendRow(
        clients, len(taken), len(taken) / took, statistics.median(taken), slowest, spent / len(taken) * 1e3, flush
    )


def measure_reading(folder: Path, entries: int) -> list[OtherRow]:
    """A board of many entries: making it, receipts, tiles, and the check when it is opened."""
    where = folder / "large"
    rows = []
    with Board.create(where, ORIGIN, KEY) as board:
        started = time.perf_counter()
        for start in range(0, entries, 500):
            bodies = [encode({"number": n, "pad": "x" * (BODY_BYTES - 30)}) for n in range(start, start + 500)]
            board.append_many([Submission("note.text", body) for body in bodies])
        rows.append(OtherRow("append, 500 in a transaction", entries / (time.perf_counter() - started), "entries/s"))
    chance = random.Random(1)
    with open_reader(where) as reader:
        places = [chance.randrange(entries) for _ in range(2000)]
        rows.append(_timed("receipt", places, reader.receipt))
        rows.append(_timed("inclusion proof", places, reader.inclusion_proof))
        rows.append(_timed("consistency proof", [1 + place for place in places], reader.consistency_proof))
        rows.append(_timed("tile of 256 hashes", [p // 256 for p in places], lambda n: _tile(reader, entries, n)))
    started, processor = time.perf_counter(), time.process_time()
    with Board.open(where, KEY) as board:
        assert len(board) == entries
    rows.append(OtherRow("open, everything checked", time.perf_counter() - started, "s"))
    rows.append(OtherRow("the same, processor", time.process_time() - processor, "s"))
    rows.append(OtherRow("largest memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB"))
    return rows


def _tile(reader: object, size: int, number: int) -> None:
    from bulletin_board.reader import BoardReader

    assert isinstance(reader, BoardReader)
    read_tile(reader, Tile("0", number, min(256, size - number * 256)))


def _timed(work: str, numbers: list[int], ask: Callable[[int], object]) -> OtherRow:
    taken = []
    for number in numbers:
        started = time.perf_counter()
        ask(number)
        taken.append((time.perf_counter() - started) * 1e3)
    return OtherRow(work, statistics.median(taken), "ms")


def main(arguments: list[str]) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks board", description=__doc__)
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8, 64], help="how many send at the same time")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each number of clients sends")
    parser.add_argument("--entries", type=int, default=50_000, help="of the board that is read; 0 leaves that out")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured (default: a temporary one)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="urne-benchmark-", dir=options.folder) as name:
        folder = Path(name)
        appended = [measure_appending(folder, clients, options.seconds) for clients in options.clients]
        others = measure_reading(folder, options.entries) if options.entries else []
    if options.json:
        rows = {"append": [row._asdict() for row in appended], "other": [row._asdict() for row in others]}
        json.dump(rows, sys.stdout, indent=2)
        return
    print(f"{'clients':>7} {'entries':>8} {'a second':>9} {'median':>8} {'99 %':>8} {'processor':>10} {'flush':>7}  ms")
    for row in appended:
        print(
            f"{row.clients:7} {row.entries:8} {row.per_second:9.0f} {row.median:8.1f} {row.slowest_percent:8.1f}"
            f" {row.processor:10.2f} {row.flush:7.2f}"
        )
    for other in others:
        print(f"{other.work:30} {other.figure:10.3f} {other.unit}")
