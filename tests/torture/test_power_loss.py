"""Faults 2 and 5: the power fails, or the disk does. What was acknowledged is there afterwards, and nothing is torn.

Each power cut gives an image of what the disk could hold then (tests/torture/power.py). Every image must open, hold
together, begin with every entry that had been acknowledged before the cut, and still take entries.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletin_board import log as log_module
from bulletin_board import store as store_module
from bulletin_board.errors import FatalError
from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from bulletin_board.store import DATABASE, Store
from tests.strategies.boards import KEY, ORIGIN, body_of
from tests.torture.effort import rounds
from tests.torture.power import Machine, powered
from voting.protocol.errors import UrneError
from voting.protocol.tlog.merkle import tree_root

FIRST = 3
"""Entries that lie on the disk before a run."""
CUTS_PER_RUN = 25


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: real flushes would only cost time."""
    shared = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="urne-torture-", dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def blank(memory: Path) -> bytes:
    """The database of a board of three entries."""
    with Board.create(memory / "blank", ORIGIN, KEY) as board:
        board.append_many([Submission("note.text", body_of(n)) for n in range(FIRST)])
        board.store.truncate_wal()
    return (memory / "blank" / DATABASE).read_bytes()


class Run:
    """One board on one machine; power cuts at random moments, and what had been acknowledged at each."""

    def __init__(self, folder: Path, blank: bytes, seed: int) -> None:
        self.folder = folder
        self.board_folder = folder / "board"
        self.board_folder.mkdir(parents=True)
        (self.board_folder / DATABASE).write_bytes(blank)
        self.chance = random.Random(seed)
        self.acknowledged: dict[int, bytes] = {}
        self.roots: dict[int, bytes] = {}
        """Every checkpoint that was let out: size -> root."""
        self.cuts: list[tuple[Path, dict[int, bytes], dict[int, bytes]]] = []

    def cut(self, machine: Machine, probability: float) -> None:
        if len(self.cuts) < CUTS_PER_RUN and self.chance.random() < probability:
            image = machine.cut(self.folder / f"cut-{len(self.cuts)}")
            self.cuts.append((image, dict(self.acknowledged), dict(self.roots)))

    def append(self, board: Board, machine: Machine) -> None:
        """One transaction, acknowledged. Raises FatalError if it fails."""
        count = self.chance.choice((1, 1, 2, 7, 30))
        pads = ["x" * self.chance.choice((0, 300, 4000, 30_000)) for _ in range(count)]
        number = len(self.acknowledged) * 1000 + self.chance.randrange(1000)
        bodies = [body_of(number * 100 + i, pad=pad) for i, pad in enumerate(pads)]
        for outcome in board.append_many([Submission("note.text", body) for body in bodies]):
            assert not isinstance(outcome, UrneError)
            self.acknowledged[outcome.seq] = outcome.header_bytes
        newest = board.checkpoint()
        self.roots[newest.size] = newest.root
        self.cut(machine, 0.3)

    def judge(self) -> Counter[str]:
        """What became of each image: "whole", "lost" acknowledged entries, or "damaged"."""
        found: Counter[str] = Counter()
        for image, acknowledged, roots in self.cuts:
            found[_judge(image, acknowledged, roots)] += 1
            shutil.rmtree(image)
        return found


def _judge(image: Path, acknowledged: dict[int, bytes], roots: dict[int, bytes]) -> str:
    try:
        board = Board.open(image, KEY)
    except UrneError:
        return "damaged"
    with board:
        headers = list(board.headers())
        if any(seq >= len(headers) or headers[seq] != header for seq, header in acknowledged.items()):
            return "lost"
        if any(tree_root(size, board.store.node) != root for size, root in roots.items()):
            return "another history"
        assert board.append("note.text", body_of(10**9)).seq == len(headers)
    return "whole"


def lose_power(folder: Path, blank: bytes, seed: int) -> Counter[str]:
    """A board that grows, while the power is cut at random writes and right after acknowledgements."""
    run = Run(folder, blank, seed)
    with powered(seed, wal_pages=random.Random(seed).choice((8, 30, 1000))) as machine:
        machine.load(DATABASE, blank)
        with Board.open(run.board_folder, KEY, full=False) as board, open_reader(run.board_folder):
            machine.on_write = lambda: run.cut(machine, 0.02)
            while len(run.cuts) < CUTS_PER_RUN:
                run.append(board, machine)
                if run.chance.random() < 0.05:
                    board.store.truncate_wal()
            machine.on_write = lambda: None
    found = run.judge()
    shutil.rmtree(folder)
    return found


def test_no_power_cut_loses_an_acknowledged_entry(memory: Path, blank: bytes) -> None:
    found: Counter[str] = Counter()
    for seed in range(rounds(3, 40)):
        found += lose_power(memory / f"run-{seed}", blank, seed)
    print(f"power cuts: {dict(found)}")
    assert found == {"whole": rounds(3, 40) * CUTS_PER_RUN}


def test_the_power_cuts_have_teeth(memory: Path, blank: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: without a flush for each commit (WAL with synchronous=NORMAL) entries are lost."""
    monkeypatch.setitem(store_module._PRAGMAS, "synchronous", 1)
    found: Counter[str] = Counter()
    for seed in range(rounds(1, 10)):
        found += lose_power(memory / f"weak-{seed}", blank, seed)
    print(f"power cuts with NORMAL: {dict(found)}")
    assert found["lost"] > 3


# -- a disk that fails -------------------------------------------------------------------------------------------------


def fail_flushes(folder: Path, blank: bytes, seed: int) -> Counter[str]:
    """Flushes fail now and then, and the system then takes for clean what never reached the disk.

    After each failure the process dies and starts again, and finds what the system shows: the transaction that was in
    doubt looks committed. It goes on; then the power is cut.
    """
    run = Run(folder, blank, seed)
    dead = []
    with powered(seed, wal_pages=1000) as machine:
        machine.load(DATABASE, blank)
        board = Board.open(run.board_folder, KEY, full=False)
        for start in range(8):
            for _ in range(run.chance.randrange(1, 4)):
                run.append(board, machine)
            machine.fail = lambda operation, name: operation == "sync" and name.endswith("-wal")
            with pytest.raises(FatalError, match="sync fails"):
                run.append(board, machine)
            machine.fail = lambda _operation, _name: False
            dead.append(board)  # never closed: its process is gone, and tidies nothing up
            restarted = folder / f"restarted-{start}"
            restarted.mkdir()
            for path in board.folder.glob(f"{DATABASE}*"):
                if not path.name.endswith("-shm"):
                    shutil.copy(path, restarted)
            board = Board.open(restarted, KEY, full=False)
        for opened in (*dead, board):
            opened.close()
    found = run.judge()
    shutil.rmtree(folder)
    return found


def test_after_a_failed_flush_nothing_is_built_on_what_is_not_on_the_disk(memory: Path, blank: bytes) -> None:
    found: Counter[str] = Counter()
    for seed in range(rounds(4, 40)):
        found += fail_flushes(memory / f"flush-{seed}", blank, seed)
    assert set(found) == {"whole"}
    assert found["whole"] > rounds(8, 100)


def test_the_failing_flushes_have_teeth(memory: Path, blank: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: if nothing is written again at the opening, entries behind the hole are lost."""
    monkeypatch.setattr(log_module, "_open_store", lambda at: Store.open(at / DATABASE, read_only=False))
    found: Counter[str] = Counter()
    for seed in range(rounds(4, 20)):
        found += fail_flushes(memory / f"hole-{seed}", blank, seed)
    assert found["lost"] > 3


@pytest.mark.parametrize("operation", ["write", "sync"])
@pytest.mark.parametrize("name", [DATABASE, f"{DATABASE}-wal"])
def test_any_error_of_the_disk_is_fatal_and_clean(memory: Path, blank: bytes, operation: str, name: str) -> None:
    """Fault 5: a full or failing disk, at every single operation of an append that also moves the write-ahead file."""
    unharmed = 0
    for moment in range(rounds(12, 60)):
        folder = memory / f"{operation}-{name}-{moment}"
        folder.mkdir()
        (folder / DATABASE).write_bytes(blank)
        with powered(moment, wal_pages=4) as machine:
            machine.load(DATABASE, blank)
            count = 0

            def fails(which: str, where: str) -> bool:
                nonlocal count
                count += which == operation and where == name
                return which == operation and where == name and count > moment  # noqa: B023

            with open_reader(folder) as reader:
                board = Board.open(folder, KEY, full=False)
                machine.fail = fails
                acknowledged = []
                try:
                    for n in range(6):
                        acknowledged.append(board.append("note.text", body_of(100 + n, pad="x" * 5000)))
                except FatalError:
                    with pytest.raises(FatalError, match="no longer"):
                        board.append("note.text", body_of(7))
                else:
                    unharmed += 1
                # Readers go on, and see nothing that was not acknowledged but at most the one in doubt.
                assert len(acknowledged) <= len(reader) - FIRST <= len(acknowledged) + 1
                assert list(reader.headers())[FIRST:][: len(acknowledged)] == [a.header_bytes for a in acknowledged]
                machine.fail = lambda _operation, _name: False
                board.close()
            image = machine.cut(folder / "cut")
        assert _judge(image, {a.seq: a.header_bytes for a in acknowledged}, {}) == "whole"
        shutil.rmtree(folder)
    assert unharmed < rounds(12, 60)
