"""The one writer of a board: turns in order, faults told to whoever waits, the board opened again after each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bulletin_board import group_commit
from bulletin_board.errors import BusyError, FatalError
from bulletin_board.group_commit import GroupWriter
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended
from tests.strategies.boards import KEY, ORIGIN, body_of
from voting.protocol.errors import UnavailableError, UsageError


class Opener:
    """Opens the board, counts how often, and is told when it is lost."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened: list[Board] = []
        self.lost = 0
        self.commits = 0
        self.fails: Exception | None = None

    def __call__(self) -> Board:
        if self.fails is not None:
            raise self.fails
        self.opened.append(Board.open(self.folder, KEY))
        return self.opened[-1]

    def writer(self, **options: int) -> GroupWriter:
        return GroupWriter(self, on_commit=self.committed, on_lost=self.forget, **options)  # type: ignore[arg-type]

    def committed(self) -> None:
        self.commits += 1

    def forget(self) -> None:
        self.lost += 1


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    Board.create(tmp_path / "board", ORIGIN, KEY).close()
    return Opener(tmp_path / "board")


@pytest.fixture
def writer(opener: Opener) -> Iterator[GroupWriter]:
    writer = opener.writer()
    yield writer
    writer.close()


def note(number: int) -> Submission:
    return Submission("note.text", body_of(number))


class Stalled:
    """The writer's thread is held up by a job until `release`; what others hand over meanwhile waits."""

    def __init__(self, writer: GroupWriter) -> None:
        self._go = threading.Event()
        begun = threading.Event()

        def stall(_board: Board) -> None:
            begun.set()
            self._go.wait(10)

        self._thread = threading.Thread(target=lambda: writer.run(stall))
        self._thread.start()
        assert begun.wait(10)

    def release(self) -> None:
        self._go.set()
        self._thread.join()


def wait_until(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to that")


def test_the_board_is_opened_when_the_first_turn_comes(opener: Opener, writer: GroupWriter) -> None:
    assert opener.opened == []
    assert writer.submit(note(0)).seq == 0
    assert writer.run(lambda board: (len(board), board is opener.opened[0])) == (1, True)
    assert (len(opener.opened), opener.lost) == (1, 0)


def test_a_board_that_is_open_is_taken_over(opener: Opener) -> None:
    board = Board.open(opener.folder, KEY)
    writer = GroupWriter(opener, board)
    assert writer.run(lambda own: own is board)
    writer.close()
    assert opener.opened == []
    Board.open(opener.folder, KEY).close()  # nobody holds it any more


def test_jobs_have_their_turn_between_entries(opener: Opener, writer: GroupWriter) -> None:
    stalled = Stalled(writer)
    waiting = writer._waiting
    with ThreadPoolExecutor(6) as pool:
        answers: list[object] = []
        for number in range(6):
            if number % 3 == 2:
                answers.append(pool.submit(writer.run, len))
            else:
                answers.append(pool.submit(writer.submit, note(number)))
            wait_until(lambda count=number: len(waiting) == count + 1)  # type: ignore[misc]
        stalled.release()
        results = [answer.result() for answer in answers]  # type: ignore[attr-defined]
    seen = [result.seq if isinstance(result, Appended) else f"{result} entries" for result in results]
    assert seen == [0, 1, "2 entries", 2, 3, "4 entries"]


def test_what_waits_is_written_together_up_to_the_limit(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    original = Board.append_many

    def counted(self: Board, submissions: list[Submission]) -> object:
        sizes.append(len(submissions))
        return original(self, submissions)

    monkeypatch.setattr(Board, "append_many", counted)
    writer = opener.writer(max_batch=4)
    stalled = Stalled(writer)
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(writer.submit, note(number)) for number in range(10)]
        wait_until(lambda: len(writer._waiting) == 10)
        stalled.release()
        assert sorted(answer.result().seq for answer in answers) == list(range(10))
    writer.close()
    assert sizes == [4, 4, 2]


def test_a_job_that_fails_reaches_its_sender_alone(opener: Opener, writer: GroupWriter) -> None:
    def fail(_board: Board) -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        writer.run(fail)
    with pytest.raises(TimeoutError, match="also its own"):
        writer.run(lambda _board: (_ for _ in ()).throw(TimeoutError("also its own")))
    assert writer.submit(note(0)).seq == 0
    assert (len(opener.opened), opener.lost) == (1, 0)


def test_a_job_whose_writing_failed_loses_the_board(opener: Opener, writer: GroupWriter) -> None:
    def fail(board: Board) -> None:
        board.append("note.text", body_of(0))
        raise FatalError("the disk is full")

    with pytest.raises(FatalError, match="disk is full"):
        writer.run(fail)
    assert opener.lost == 1
    assert writer.run(len) == 1
    assert len(opener.opened) == 2


def test_a_fault_while_writing_loses_the_board_and_its_text_is_not_logged(
    opener: Opener, writer: GroupWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_arguments: object) -> None:
        raise RuntimeError(str(617 * 2))

    writer.submit(note(0))
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(Board, "append_many", fault)
        with pytest.raises(FatalError, match="RuntimeError") as caught:
            writer.submit(note(1))
    assert "1234" not in f"{caught.value}{caplog.text}"
    assert "in fault" in caplog.text
    assert opener.lost == 1
    with pytest.raises(Exception, match="closed"):
        opener.opened[0].body(0)
    assert writer.submit(note(1)).seq == 1


def test_a_board_that_cannot_be_opened_is_told_and_tried_again(opener: Opener, writer: GroupWriter) -> None:
    opener.fails = UsageError("is no board")
    with pytest.raises(UsageError, match="is no board"):
        writer.run(len)
    with pytest.raises(UsageError, match="is no board"):
        writer.submit(note(0))
    opener.fails = KeyError("nobody foresaw this")
    with pytest.raises(FatalError, match="KeyError"):
        writer.run(len)
    opener.fails = None
    assert writer.submit(note(0)).seq == 0


def test_a_full_queue_is_told_at_once(opener: Opener, writer: GroupWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MAX_WAITING", 2)
    stalled = Stalled(writer)
    with ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(writer.submit, note(number)) for number in range(2)]
        wait_until(lambda: len(writer._waiting) == 2)
        with pytest.raises(BusyError):
            writer.submit(note(2))
        with pytest.raises(BusyError):
            writer.run(len)
        stalled.release()
        assert sorted(answer.result().seq for answer in taken) == [0, 1]
    assert writer.run(len) == 2


def test_who_waits_too_long_is_told_and_the_entry_is_written(opener: Opener) -> None:
    writer = GroupWriter(opener, answer_seconds=0.05)
    writer._answer_seconds = 10.0
    stalled = Stalled(writer)
    writer._answer_seconds = 0.05
    with pytest.raises(UnavailableError, match="did not answer"):
        writer.submit(note(0))
    stalled.release()
    writer._answer_seconds = 10.0
    assert writer.run(len) == 1
    writer.close()


def test_closing_writes_what_waits_and_takes_nothing_more(opener: Opener) -> None:
    writer = opener.writer()
    stalled = Stalled(writer)
    with ThreadPoolExecutor(4) as pool:
        taken = [pool.submit(writer.submit, note(number)) for number in range(3)]
        wait_until(lambda: len(writer._waiting) == 3)
        closing = pool.submit(writer.close)
        wait_until(lambda: writer._is_closed)
        with pytest.raises(UnavailableError, match="being closed"):
            writer.submit(note(3))
        stalled.release()
        closing.result()
        assert sorted(answer.result().seq for answer in taken) == [0, 1, 2]
    assert opener.lost == 1
    with Board.open(opener.folder, KEY) as board:
        assert len(board) == 3


def test_commits_are_told_before_the_senders(opener: Opener, writer: GroupWriter) -> None:
    writer.submit(note(0))
    assert opener.commits == 1
    writer.submit(note(0))  # not new
    assert opener.commits == 1
    writer.run(len)
    assert opener.commits == 2
