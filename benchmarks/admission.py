"""Measure the admission of ballots: `python -m benchmarks admission`.

A real `urne serve` hosts an election of one question, choose 0 or 1 of 10, at 3072 bits. Ready ballots of as many
voters are sent over HTTP, each answered with its receipt after every check was made and the ballot is on the disk. One
process plays all clients; each sends its next ballot when the last is answered, and sends it again when the answer was
"busy". `latency` counts from the first sending to the receipt.

Then the same once more on a fresh copy, with the server killed (SIGKILL) midway and started again: whoever got no
answer sends again, and at the end every ballot that was acknowledged must be in the record, where its receipt says.

Ballots are made once, and kept in a cache folder outside the repository. `processor` is the time that server and
workers took for one ballot, whatever else the machine did meanwhile.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.admission_election import cached_election, read_ballots
from benchmarks.board import processor_seconds
from bulletin_board.reader import open_reader
from voting.election_folder import board_folder
from voting.protocol.encoding import sha256
from voting.protocol.tlog.note import NoteKey
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file

NAME = "benchmark"
CACHE = Path("~/.cache/urne-benchmarks")
SECONDS_TO_START = 120.0
RETRY_SECONDS = 0.5
CHECKED = 50
"""Every so many receipts one is checked."""
BALLOTS_A_SECOND = 170
"""So many are made beforehand for each second; if they run out, the measurement ends earlier."""


class AdmissionRow(NamedTuple):
    """What one run showed: times in milliseconds."""

    run: str
    clients: int
    workers: int
    ballots: int
    seconds: float
    per_second: float
    slowest_ten: float
    """Ballots a second in the slowest ten seconds."""
    median: float
    slowest_percent: float
    slowest: float
    busy: int
    """Answers "busy, try again"."""
    server: float
    """Processor milliseconds of the server's own process for one ballot; 0 where it was killed."""
    worker: float
    """The same of all its workers together."""


class _Server:
    """`urne serve`, on a port that it chooses at its first start."""

    def __init__(self, data: Path, workers: int) -> None:
        self._data = data
        self._workers = workers
        self.port = 0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "voting.cli", "--language", "en", "serve", str(self._data), "--behind-proxy"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--workers", str(self._workers)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        said = ""
        while "Listening" not in said:
            said = process.stderr.readline()
            if not said:
                raise SystemExit(f"urne serve ended with {process.wait()}")
        found = re.search(r"http://[^ ]*:([0-9]+)", said)
        assert found is not None
        self.port = int(found[1])
        return process

    @property
    def children(self) -> list[int]:
        """The workers' process numbers (Linux)."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return [int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()]

    def kill_and_restart(self) -> None:
        """SIGKILL, wait until the workers are gone, too, and start again."""
        workers = self.children
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        until = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() and _is_alive(pid) for pid in workers):
            assert time.monotonic() < until, "a worker outlives its site: this is a fault, please report it"
            time.sleep(0.05)
        self.process = self._start()

    def end(self) -> None:
        self.process.terminate()
        if self.process.wait(timeout=60):
            raise SystemExit(f"urne serve ended with {self.process.returncode}")


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class _Sent(NamedTuple):
    number: int
    body: bytes
    hints: bytes
    first: float
    """When it was sent first."""


class _Client:
    """One connection, which waits for an answer or for the time to send again."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket: socket.socket | None = None
        self.sent: _Sent | None = None
        self._answer = b""
        self._left = memoryview(b"")

    def send(self, port: int, ballot: _Sent) -> None:
        """Begin to send a ballot. Raises OSError if nobody listens."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self._answer = ballot, b""
        content = b'{"attachment":%b,"body":%b,"type":"ballot.cast"}' % (ballot.hints, ballot.body)
        # Voters come from many addresses: the site limits what one may send.
        address = f"10.{ballot.number >> 16 & 255}.{ballot.number >> 8 & 255}.{ballot.number & 255}"
        head = (
            f"POST /e/{NAME}/log/entries HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: {address}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.socket.sendall(head.encode("ascii") + content)

    def receive(self) -> tuple[int, bytes] | None:
        """Status and content of the answer, when it is whole. Raises OSError if the connection ends."""
        assert self.socket is not None
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionResetError
        self._answer += part
        head, separator, content = self._answer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return (int(head[9:12]), content) if len(content) >= length else None

    def disconnect(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None


class _Crowd:
    """All clients, and what came of their ballots."""

    def __init__(self, server: _Server, ballots: Iterator[tuple[bytes, bytes]], clients: int, key: NoteKey) -> None:
        self._server = server
        self._ballots = enumerate(ballots)
        self._clients = [_Client(number) for number in range(clients)]
        self._key = key
        self._waiting = selectors.DefaultSelector()
        self._later: list[tuple[float, int]] = []
        self.acknowledged: list[tuple[float, float, int, str]] = []
        """When, after how many seconds, place, hash of the body."""
        self.busy = 0

    def run(self, seconds: float, kill_after: float | None = None) -> float:
        """Send for so long, and until all is answered. Gives the seconds that it took."""
        started = time.perf_counter()
        for client in self._clients:
            self._next(client, started)
        while any(client.sent for client in self._clients):
            now = time.perf_counter()
            if kill_after is not None and now - started > kill_after:
                kill_after = None
                self._server.kill_and_restart()
            while self._later and self._later[0][0] <= now:
                self._again(self._clients[heapq.heappop(self._later)[1]])
            for event, _ in self._waiting.select(0.05 if self._later or kill_after else 1.0):
                one: _Client = event.data
                if self._received(one) and time.perf_counter() - started < seconds:
                    self._next(one, time.perf_counter())
        took = time.perf_counter() - started
        for client in self._clients:
            client.disconnect()
        return took

    def _next(self, client: _Client, now: float) -> None:
        number, ballot = next(self._ballots, (0, None))
        if ballot is not None:
            client.sent = _Sent(number, *ballot, now)
            self._again(client)

    def _again(self, client: _Client) -> None:
        assert client.sent is not None
        is_new = client.socket is None
        try:
            client.send(self._server.port, client.sent)
        except OSError:
            self._lost(client, is_registered=not is_new)
            return
        if is_new and client.socket is not None:
            self._waiting.register(client.socket, selectors.EVENT_READ, client)

    def _lost(self, client: _Client, *, is_registered: bool) -> None:
        if is_registered and client.socket is not None:
            self._waiting.unregister(client.socket)
        client.disconnect()
        heapq.heappush(self._later, (time.perf_counter() + RETRY_SECONDS, client.number))

    def _received(self, client: _Client) -> bool:
        """Whether the client is done with its ballot."""
        try:
            answer = client.receive()
        except OSError:
            self._lost(client, is_registered=True)
            return False
        if answer is None or client.sent is None:
            return False
        status, content = answer
        if status in {429, 503}:
            self.busy += 1
            heapq.heappush(self._later, (time.perf_counter() + RETRY_SECONDS, client.number))
            return False
        if status not in {200, 201}:
            raise SystemExit(f"the server answered {status} {content[:200]!r}: this is a fault, please report it")
        now = time.perf_counter()
        found = re.search(rb'"seq\\":([0-9]+)', content)
        assert found is not None
        hash_ = sha256(client.sent.body)
        self.acknowledged.append((now, now - client.sent.first, int(found[1]), hash_))
        if len(self.acknowledged) % CHECKED == 0:
            header, _checkpoint = check_receipt(read_receipt_file(content), self._key)
            assert header.body == hash_, "a receipt is for another ballot: this is a fault, please report it"
        client.sent = None
        return True


def measure(place: Path, election: Path, ballots: Path, options: argparse.Namespace, *, kill: bool) -> AdmissionRow:
    """One run on a fresh copy of the election. Every acknowledged ballot is looked up in the record afterwards."""
    data = place / ("killed" if kill else "sustained")
    folder = data / "elections" / NAME
    shutil.copytree(election, folder)
    data.chmod(0o700)
    with open_reader(board_folder(folder)) as board:
        key = board.key
    server = _Server(data, options.workers)
    try:
        crowd = _Crowd(server, read_ballots(ballots), options.clients, key)
        before = processor_seconds(server.process.pid)
        seconds = min(options.seconds, 20.0) if kill else options.seconds
        took = crowd.run(seconds, kill_after=seconds / 2 if kill else None)
        own = processor_seconds(server.process.pid) - before
        others = sum(processor_seconds(pid) for pid in server.children)
    finally:
        server.end()
    _verify_kept(folder, crowd.acknowledged)
    shutil.rmtree(data)
    count = len(crowd.acknowledged)
    latencies = sorted(latency * 1e3 for _when, latency, _seq, _hash in crowd.acknowledged)
    return AdmissionRow(
        run="killed" if kill else "sustained",
        clients=options.clients,
        workers=options.workers,
        ballots=count,
        seconds=took,
        per_second=count / took,
        slowest_ten=_slowest_ten([when for when, *_rest in crowd.acknowledged]),
        median=latencies[count // 2],
        slowest_percent=latencies[int(count * 0.99)],
        slowest=latencies[-1],
        busy=crowd.busy,
        server=0.0 if kill else own / count * 1e3,
        worker=0.0 if kill else others / count * 1e3,
    )


def _verify_kept(folder: Path, acknowledged: Sequence[tuple[float, float, int, str]]) -> None:
    with open_reader(board_folder(folder)) as board:
        for _when, _latency, seq, hash_ in acknowledged:
            assert sha256(board.body(seq)) == hash_, f"ballot {seq} is not in the record: a fault, please report it"
    assert len({seq for _when, _latency, seq, _hash in acknowledged}) == len(acknowledged)


def _slowest_ten(times: Sequence[float]) -> float:
    """Ballots a second in the slowest whole ten seconds."""
    if not times or times[-1] - times[0] < 10:
        return 0.0
    counts = [0] * int((times[-1] - times[0]) / 10)
    for when in times:
        window = int((when - times[0]) / 10)
        if window < len(counts):
            counts[window] += 1
    return min(counts) / 10


def main(arguments: list[str]) -> None:
    """Print a table, and write JSON if a file is named."""
    parser = argparse.ArgumentParser(prog="benchmarks admission", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long ballots are sent")
    parser.add_argument("--clients", type=int, default=48, help="how many send at the same time")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="urne serve --workers")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the ballots are kept")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured (default: a temporary one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON, too")
    parser.add_argument("--no-kill", action="store_true", help="leave out the run in which the server is killed")
    options = parser.parse_args(arguments)
    wanted = int(options.seconds * BALLOTS_A_SECOND)
    election, ballots = cached_election(options.cache.expanduser(), wanted)
    with tempfile.TemporaryDirectory(prefix="urne-benchmark-", dir=options.folder) as name:
        rows = [measure(Path(name), election, ballots, options, kill=False)]
        _print(rows[0], is_first=True)
        if not options.no_kill:
            rows.append(measure(Path(name), election, ballots, options, kill=True))
            _print(rows[1], is_first=False)
    if options.json is not None:
        options.json.write_text(json.dumps([row._asdict() for row in rows], indent=2) + "\n", "utf-8")


def _print(row: AdmissionRow, *, is_first: bool) -> None:
    if is_first:
        print(
            f"{'run':10} {'clients':>7} {'workers':>7} {'ballots':>8} {'a second':>9} {'slowest':>8} {'median':>7}"
            f" {'99 %':>7} {'longest':>8} {'busy':>6} {'server':>7} {'workers':>8}  ms"
        )
    print(
        f"{row.run:10} {row.clients:7} {row.workers:7} {row.ballots:8} {row.per_second:9.1f} {row.slowest_ten:8.1f}"
        f" {row.median:7.0f} {row.slowest_percent:7.0f} {row.slowest:8.0f} {row.busy:6} {row.server:7.2f}"
        f" {row.worker:8.2f}",
        flush=True,
    )
