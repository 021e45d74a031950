"""Faults 1, 3, 4 and 20: a serving process is killed or stopped while many send. What was acknowledged stays."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from bulletin_board.fsck import verify_board
from bulletin_board.log import Board
from bulletin_board.reader import open_reader
from tests.strategies.boards import body_of
from tests.torture.effort import rounds
from tests.torture.served import Client, Server, init_board, send_from_threads
from voting.protocol.encoding import sha256
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.header import parse_header
from voting.protocol.tlog.merkle import tree_root
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file

CLIENTS = 12
ROUNDS_PER_BOARD = 10
PADS = (0, 300, 4000, 40_000)


class Promises:
    """What a board has signed for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with open_reader(folder) as board:
            self.key = board.key
        self.places: dict[bytes, int] = {}
        """Body -> its place."""
        self.roots: dict[int, bytes] = {}
        self.in_doubt: list[bytes] = []
        self.counts: Counter[str] = Counter()

    def take(self, clients: list[Client]) -> None:
        """Add what the clients were answered; every receipt is checked."""
        for sent in [sent for client in clients for sent in client.sent]:
            if sent.status in (200, 201):
                saved = read_receipt_file(sent.answer)
                header, checkpoint = check_receipt(saved, self.key)
                note = parse_receipt(saved.proof.encode()).checkpoint
                assert open_checkpoint(note, self.key) == checkpoint
                assert self.places.setdefault(sent.body, header.seq) == header.seq, "an entry has moved"
                assert self.roots.setdefault(checkpoint.size, checkpoint.root) == checkpoint.root, "two histories"
                self.counts["acknowledged"] += 1
            elif sent.status in (0, 503):
                self.in_doubt.append(sent.body)
                self.counts["in doubt"] += 1
            else:
                assert sent.status == -1, sent

    def resubmit(self, port: int) -> None:
        """Send again what got no answer: it is kept once, whether it was written or not."""
        client = Client(port)
        for body in self.in_doubt:
            sent = client.send(body)
            assert sent.status in (200, 201)
            self.counts["found committed"] += sent.status == 200
        client.close()
        self.in_doubt.clear()
        self.take([client])

    def verify(self) -> None:
        """Everything acknowledged is in its place, and every checkpoint let out is a beginning of the board.

        That the board holds together is checked by the server itself at every start, and here at the end.
        """
        with open_reader(self.folder) as board:
            hashes = {seq: sha256(body) for body, seq in self.places.items()}
            assert len(hashes) == len(self.places)
            found = {seq: parse_header(header).body for seq, header in enumerate(board.headers())}
            assert {seq: found.get(seq) for seq in hashes} == hashes, "entries are lost or have moved"
            for size, root in self.roots.items():
                assert tree_root(size, board.store.node) == root, f"the checkpoint of size {size} is of another history"

    def end(self) -> Counter[str]:
        with open_reader(self.folder) as board:
            verify_board(board, signatures=True)
            bodies = {seq: body for body, seq in self.places.items()}
            assert all(bodies.get(entry.seq, entry.body) == entry.body for entry in board.entries())
        return self.counts


def bodies_for(round_: int, chance: random.Random, count: int) -> list[list[bytes]]:
    return [
        [body_of(round_ * 10**6 + client * 10**4 + n, pad="x" * chance.choice(PADS)) for n in range(count)]
        for client in range(CLIENTS)
    ]


def test_what_was_acknowledged_survives_kill_9_of_the_server(tmp_path: Path) -> None:
    chance = random.Random(9)
    total: Counter[str] = Counter()
    count = rounds(2, 500)
    promises: Promises | None = None
    for number in range(count):
        if number % ROUNDS_PER_BOARD == 0:
            if promises is not None:
                total += promises.end()
                shutil.rmtree(promises.folder)
            folder = tmp_path / f"board-{number}"
            init_board(folder)
            promises = Promises(folder)
        assert promises is not None
        server = Server(promises.folder)
        promises.resubmit(server.port)
        clients, threads = send_from_threads(server.port, bodies_for(number, chance, 300))
        time.sleep(chance.uniform(0.05, 0.6))
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
        promises.take(clients)
        promises.verify()
    assert promises is not None
    total += promises.end()
    print(f"kill -9: {count} rounds, {dict(total)}")
    assert total["acknowledged"] > 10 * count
    assert total["in doubt"] > 0


def test_a_stopped_server_answers_what_it_took(tmp_path: Path) -> None:
    """SIGTERM: each client has a receipt, or its entry is not on the board."""
    chance = random.Random(4)
    folder = tmp_path / "board"
    key = init_board(folder)
    promises = Promises(folder)
    unanswered = 0
    for number in range(rounds(2, 50)):
        server = Server(folder)
        if sys.platform.startswith("linux"):
            assert len(os.sched_getaffinity(server.process.pid)) == 1
        clients, threads = send_from_threads(server.port, bodies_for(number, chance, 500))
        time.sleep(chance.uniform(0.1, 0.5))
        assert server.end(signal.SIGTERM) == 0
        for thread in threads:
            thread.join()
        promises.take(clients)
        with open_reader(folder) as board:
            for body in promises.in_doubt:
                assert board.find(body) is None, "an entry is on the board, and its sender was not told"
        unanswered += len(promises.in_doubt)
        promises.in_doubt.clear()
        promises.verify()
    promises.end()
    with Board.open(folder, key) as board:
        assert len(board) == len(promises.places)
    print(f"SIGTERM: {len(promises.places)} acknowledged, {unanswered} not taken")
