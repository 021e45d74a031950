"""Faults 3, 4, 6, 16 and 20: many at once, two writers, slow disks, slow readers, slow witnesses, lost answers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bulletin_board.errors import FatalError
from bulletin_board.fsck import verify_board
from bulletin_board.guards import Lock
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended, open_reader
from bulletin_board.service import FolderService
from bulletin_board.store import DATABASE, Store
from bulletin_board.witness_settings import WITNESSES
from tests.simulators.web import serving
from tests.simulators.witnesses import SimulatedWitness, witness_at
from tests.strategies.boards import KEY, ORIGIN, RefuseMarked, body_of
from tests.torture.effort import rounds
from voting.protocol.errors import UnavailableError, UrneError
from voting.protocol.tlog.note import note_key, parse_note, verify_cosignatures
from voting.protocol.tlog.proof import parse_receipt, verify_receipt

BOARD = note_key(ORIGIN, KEY.verify_key)
CLIENTS = 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Board.create(tmp_path / "board", ORIGIN, KEY).close()
    return tmp_path / "board"


def submit_all(service: FolderService, bodies: list[bytes]) -> list[Appended | UrneError]:
    """Each body from a thread of its own, all at the same time."""
    start = threading.Barrier(len(bodies))

    def submit(body: bytes) -> Appended | UrneError:
        start.wait()
        try:
            return service.submit(Submission("note.text", body))
        except UrneError as error:
            return error

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(submit, bodies))


# -- duplicates --------------------------------------------------------------------------------------------------------


def test_the_same_entry_from_many_clients_is_kept_once(folder: Path) -> None:
    with FolderService(folder, KEY, make_admission=RefuseMarked) as service:
        for number in range(rounds(5, 200)):
            bodies = [body_of(number)] * CLIENTS
            outcomes = submit_all(service, bodies)
            assert [outcome.seq for outcome in outcomes if isinstance(outcome, Appended)] == [number] * CLIENTS
            assert sum(outcome.was_new for outcome in outcomes if isinstance(outcome, Appended)) == 1
            with service.reader() as reader:
                receipts = {reader.receipt(number) for _ in bodies}
                assert {parse_receipt(receipt).index for receipt in receipts} == {number}


def test_what_the_rules_refuse_is_refused_among_many_and_nothing_of_it_is_written(folder: Path) -> None:
    with FolderService(folder, KEY, make_admission=RefuseMarked) as service:
        bodies = [body_of(n, z="refuse" if n % 2 else "keep") for n in range(CLIENTS)]
        outcomes = submit_all(service, bodies)
    assert [isinstance(outcome, Appended) for outcome in outcomes] == [n % 2 == 0 for n in range(CLIENTS)]
    with open_reader(folder) as reader:
        assert {entry.body for entry in reader.entries()} == set(bodies[::2])
        verify_board(reader)


# -- two writers -------------------------------------------------------------------------------------------------------


def test_two_writers_without_a_lock_cannot_make_two_histories(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is the first guard; here it does not hold."""
    with Board.open(folder, KEY), pytest.raises(UnavailableError, match="another process"):
        Board.open(folder, KEY)
    monkeypatch.setattr(Lock, "take", lambda self: None)
    monkeypatch.setattr(Lock, "is_mine", lambda self: True)
    count = rounds(30, 1000)

    def write(start: int) -> list[Appended]:
        with Board.open(folder, KEY) as board:
            return [board.append("note.text", body_of(start + n)) for n in range(count)]

    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(write, (0, 10**6))]
    places = [appended.seq for appended in (*found[0], *found[1])]
    assert sorted(places) == list(range(2 * count))
    with open_reader(folder) as reader:
        verify_board(reader, signatures=True)
        for appended in (*found[0], *found[1]):
            assert reader.header(appended.seq) == appended.header_bytes


def test_a_writer_with_a_stale_size_is_stopped_by_the_tables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lock, "take", lambda self: None)
    monkeypatch.setattr(Lock, "is_mine", lambda self: True)
    with Board.open(folder, KEY) as stale, Board.open(folder, KEY) as other:
        other.append("note.text", body_of(1))
        monkeypatch.setattr(stale.store, "size", lambda: 0)
        with pytest.raises(FatalError, match=r"the row exists|not the next place"):
            stale.append("note.text", body_of(2))
    with open_reader(folder) as reader:
        assert len(reader) == 1
        verify_board(reader, signatures=True)


# -- slow ones ---------------------------------------------------------------------------------------------------------


@contextmanager
def served_witnesses(folder: Path, board: Path, quorum: int, names: list[str]) -> Iterator[list[SimulatedWitness]]:
    """Witnesses over real sockets, named in the settings of the board."""
    with ExitStack() as stack:
        found = [stack.enter_context(witness_at(folder / name, name, [BOARD])) for name in names]
        rows = []
        for witness in found:
            address = stack.enter_context(serving(witness))
            rows.append(f'\n[[witness]]\nvkey = "{witness.key.vkey}"\nurl = "{address}"\n')
            witness.clock.now = time.time()
        (board / WITNESSES).write_text(f"quorum = {quorum}\n" + "".join(rows), "ascii")
        yield found


def test_slow_reader_slow_disk_and_hanging_witness_hold_up_nobody(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Store.commit

    def slow(store: Store) -> None:
        time.sleep(0.05)
        commit(store)

    monkeypatch.setattr(Store, "commit", slow)
    release = threading.Event()
    with served_witnesses(tmp_path, folder, 2, ["w1.example", "w2.example", "w3.example"]) as witnesses:
        witnesses[0].before = lambda: (release.wait(30), None)[1]
        threads = threading.active_count()
        with FolderService(folder, KEY) as service, open_reader(folder, unpublished=True) as spectator:
            service.submit(Submission("note.text", body_of(0, pad="x" * 4000)))
            long_read = spectator.store._db.execute("SELECT seq FROM entry UNION ALL SELECT seq FROM body")
            long_read.fetchone()  # and no more: it stands in the middle of its read transaction
            taken: list[float] = []

            def send(client: int) -> None:
                for n in range(rounds(3, 20)):
                    started = time.monotonic()
                    appended = service.submit(Submission("note.text", body_of(1 + client * 100 + n, pad="x" * 4000)))
                    with service.reader() as reader:
                        receipt = reader.receipt(appended.seq)
                        verify_receipt(receipt, reader.header(appended.seq), BOARD)
                    taken.append(time.monotonic() - started)
                    signed = verify_cosignatures(
                        parse_note(parse_receipt(receipt).checkpoint), [w.key for w in witnesses], board=BOARD
                    )
                    assert len(signed) >= 2

            with ThreadPoolExecutor(16) as pool:
                list(pool.map(send, range(16)))
            assert max(taken) < 10
            assert len(spectator) == 1  # it still sees what was there when it began
            long_read.close()
            release.set()
        with Board.open(folder, KEY) as board:
            verify_board(board, signatures=True)
            assert board.store.truncate_wal()
            assert (folder / f"{DATABASE}-wal").stat().st_size == 0
        for _ in range(50):
            if threading.active_count() <= threads + 4:
                break
            time.sleep(0.1)  # threads of the witnesses' servers end by themselves
        assert threading.active_count() <= threads + 4


def test_readers_and_writers_leave_no_file_open(folder: Path) -> None:
    files = Path("/proc/self/fd")
    if not files.is_dir():
        pytest.skip("only Linux lists a process's open files")
    for _ in range(3):
        with FolderService(folder, KEY) as service:
            submit_all(service, [body_of(n) for n in range(CLIENTS)])
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(lambda n: _ask(service, n), range(200)))
        assert [name for path in files.iterdir() if str(folder) in (name := _link(path))] == []


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _ask(service: FolderService, number: int) -> None:
    with service.reader() as reader:
        reader.receipt(number % CLIENTS)


# -- lost answers ------------------------------------------------------------------------------------------------------


def test_a_crash_between_the_disk_and_the_witnesses_is_mended_by_sending_again(folder: Path, tmp_path: Path) -> None:
    """Fault 4: the process died when nobody had signed the entry yet; or when all had, and no answer went."""
    with served_witnesses(tmp_path, folder, 2, ["w1.example", "w2.example"]) as witnesses:
        with Board.open(folder, KEY) as board:
            before = board.append("note.text", body_of(1))
        with open_reader(folder) as reader:
            assert len(reader) == 0
        for _ in range(2):
            with FolderService(folder, KEY) as service:
                again = service.submit(Submission("note.text", body_of(1)))
                assert (again.seq, again.was_new) == (before.seq, False)
                with service.reader() as reader:
                    note = parse_note(parse_receipt(reader.receipt(again.seq)).checkpoint)
            assert len(verify_cosignatures(note, [w.key for w in witnesses], board=BOARD)) == 2


@pytest.mark.parametrize("takes_effect", [False, True])
def test_a_commit_of_unknown_outcome_lets_out_nothing_that_may_vanish(
    folder: Path, monkeypatch: pytest.MonkeyPatch, takes_effect: bool
) -> None:
    """Fault 3, with many waiting: all are told that it failed; sent again, each has one place."""
    commit = Store.commit
    failing = True

    def fail(store: Store) -> None:
        if not failing or takes_effect:
            commit(store)
        if failing:
            raise UnavailableError("disk I/O error")

    with FolderService(folder, KEY) as service:
        service.submit(Submission("note.text", body_of(0)))
        monkeypatch.setattr(Store, "commit", fail)
        bodies = [body_of(n) for n in range(1, 17)]
        outcomes = submit_all(service, bodies)
        assert all(isinstance(outcome, FatalError) for outcome in outcomes)
        failing = False
        again = submit_all(service, bodies)
        assert sorted(outcome.seq for outcome in again if isinstance(outcome, Appended)) == list(range(1, 17))
        is_new = [outcome.was_new for outcome in again if isinstance(outcome, Appended)]
        assert all(is_new) != takes_effect
        with service.reader() as reader:
            assert len(reader) == 17
            verify_board(reader, signatures=True)
