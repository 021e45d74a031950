"""The bulletin board: it only grows, proves what it holds, forgets nothing it acknowledged, and has one writer."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bulletin_board.errors import FatalError
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended, open_reader
from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, ROOT, RefuseMarked, body_of
from voting.protocol.encoding import ZERO_HASH, encode, sha256
from voting.protocol.errors import DecodeError, UnavailableError, UsageError
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.header import EntryHeader, check_body, check_link, parse_header
from voting.protocol.tlog.merkle import Frontier, leaf_hash, verify_consistency, verify_inclusion
from voting.protocol.tlog.proof import verify_receipt


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as made:
        yield made


class BoardMachine(RuleBasedStateMachine):
    """A board against a plain list. Any two states ever signed must be provably one log."""

    @initialize()
    def start(self) -> None:
        self.parent = tempfile.mkdtemp(prefix="urne-test-")
        self.folder = Path(self.parent) / "board"
        self.model: list[tuple[bytes, bytes | None]] = []
        self.headers: list[bytes] = []
        self.numbers = iter(range(10**9))
        self.admission = RefuseMarked()
        self.board = Board.create(self.folder, ORIGIN, KEY, admission=self.admission)
        self.roots = {0: Frontier().root()}

    def expect(self, outcome: Appended, body: bytes, hint: bytes | None) -> None:
        assert outcome.was_new
        assert outcome.seq == len(self.model)
        self.model.append((body, hint))
        self.headers.append(outcome.header_bytes)

    def remember_root(self) -> None:
        frontier = Frontier()
        for header in self.headers:
            frontier.append(header)
        self.roots[len(self.headers)] = frontier.root()

    @rule(with_hint=st.booleans())
    def append(self, with_hint: bool) -> None:
        body = body_of(next(self.numbers))
        hint = encode({"hint": body.decode()}) if with_hint else None
        self.expect(self.board.append("ballot.cast", body, hint), body, hint)
        self.remember_root()

    @rule(plan=st.lists(st.sampled_from(["new", "old", "twice", "refused", "malformed"]), max_size=6))
    def append_many(self, plan: list[str]) -> None:
        bodies = []
        for kind in plan:
            number = next(self.numbers)
            if kind == "old" and self.model:
                bodies.append((kind, self.model[number % len(self.model)][0]))
            elif kind == "twice":
                bodies += [("new", body_of(number)), ("old", body_of(number))]
            elif kind == "refused":
                bodies.append((kind, body_of(number, z="refuse")))
            elif kind == "malformed":
                bodies.append((kind, b'{"b":1,"a":%d}' % number))
            else:
                bodies.append(("new", body_of(number)))
        outcomes = self.board.append_many([Submission("ballot.cast", body) for _, body in bodies])
        for (kind, body), outcome in zip(bodies, outcomes, strict=True):
            if kind == "new":
                assert isinstance(outcome, Appended)
                self.expect(outcome, body, None)
            elif kind == "old":
                assert isinstance(outcome, Appended)
                assert not outcome.was_new
                assert self.model[outcome.seq][0] == body
            else:
                assert isinstance(outcome, UsageError if kind == "refused" else DecodeError)
        self.remember_root()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def resubmit(self, data: st.DataObject) -> None:
        seq = data.draw(st.integers(0, len(self.model) - 1))
        note = self.board.checkpoint_note()
        again = self.board.append("ballot.cast", self.model[seq][0], encode({"another": "hint"}))
        assert again == Appended(seq, self.headers[seq], False)
        assert self.board.checkpoint_note() == note
        with pytest.raises(UsageError, match="already"):
            self.board.append("ballot.other", self.model[seq][0])

    @rule()
    def refused(self) -> None:
        with pytest.raises(UsageError, match="rules of this test"):
            self.board.append("ballot.cast", body_of(next(self.numbers), z="refuse"))

    @rule()
    def reopen(self) -> None:
        self.board.close()
        self.admission = RefuseMarked()
        self.board = Board.open(self.folder, KEY, admission=self.admission)
        assert self.admission.admitted == [body for body, _ in self.model]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        sizes = sorted(size for size in self.roots if size)
        new = data.draw(st.sampled_from(sizes))
        old = data.draw(st.sampled_from([size for size in sizes if size <= new]))
        verify_consistency(old, new, self.roots[old], self.roots[new], self.board.consistency_proof(old, new))
        seq = data.draw(st.integers(0, new - 1))
        proof = self.board.inclusion_proof(seq, new)
        verify_inclusion(leaf_hash(self.headers[seq]), seq, new, proof, self.roots[new])
        assert verify_receipt(self.board.receipt(seq), self.headers[seq], self.board.key).size == len(self.model)
        assert open_checkpoint(self.board.checkpoint_note(new), self.board.key).root == self.roots[new]

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        with open_reader(self.folder) as reader:
            assert [(e.body, e.attachment) for e in reader.entries()] == self.model
            assert list(reader.headers()) == self.headers
            assert reader.checkpoint().root == self.roots[len(self.model)]

    def teardown(self) -> None:
        self.board.close()
        shutil.rmtree(self.parent)


BoardMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestBoardMachine = BoardMachine.TestCase


def test_headers_chain_and_name_their_bodies(board: Board) -> None:
    for number in range(5):
        board.append("ballot.cast", body_of(number))
    prev = ZERO_HASH
    for entry in board.entries():
        header = parse_header(entry.header_bytes)
        check_link(header, seq=entry.seq, prev=prev)
        check_body(header, entry.body)
        prev = sha256(entry.header_bytes)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b'{"a":1.5}', b'{"a":1}\n', b'{"a":1,"a":1}', b"\xff", b'{"a":9007199254740992}']
)
def test_a_body_that_is_not_canonical_json_is_refused(board: Board, body: bytes) -> None:
    with pytest.raises(DecodeError, match="the body"):
        board.append("ballot.cast", body)
    with pytest.raises(DecodeError, match="the attachment"):
        board.append("ballot.cast", b"{}", body)
    assert len(board) == 0


def test_bodies_at_their_limits(board: Board) -> None:
    frame = len(encode({"x": ""}))
    largest = encode({"x": "y" * (4 * 1024 * 1024 - frame)})
    assert board.append("ballot.cast", largest, largest).seq == 0
    assert board.body(0) == board.attachment(0) == largest
    with pytest.raises(DecodeError, match="4194304"):
        board.append("ballot.cast", encode({"x": "y" * (4 * 1024 * 1024 - frame + 1)}))


def test_what_is_not_there_is_an_error_with_words(board: Board) -> None:
    board.append("ballot.cast", b"{}")
    for seq in (1, -1, 2**64):
        for read in (board.header, board.body, board.attachment, board.receipt):
            with pytest.raises(UsageError, match="0 to 0"):
                read(seq)
    with pytest.raises(UsageError, match="no tree of 2"):
        board.inclusion_proof(0, 2)
    with pytest.raises(UsageError, match="no checkpoint of size 7"):
        board.checkpoint_note(7)
    assert board.find(b"{}") is not None
    assert board.find(b'{"a":1}') is None


@pytest.mark.parametrize("takes_effect", [False, True])
def test_after_a_commit_of_unknown_outcome_the_board_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes_effect: bool
) -> None:
    board = Board.create(tmp_path / "b", ORIGIN, KEY)
    board.append("ballot.cast", body_of(0))
    commit = board.store.commit

    def fail() -> None:
        if takes_effect:
            commit()
        raise UnavailableError("disk I/O error")

    monkeypatch.setattr(board.store, "commit", fail)
    with pytest.raises(FatalError, match="disk I/O error"):
        board.append("ballot.cast", body_of(1))
    monkeypatch.undo()
    with pytest.raises(FatalError, match="no longer"):
        board.append("ballot.cast", body_of(2))
    board.close()
    with Board.open(tmp_path / "b", KEY) as again:
        outcome = again.append("ballot.cast", body_of(1))
        assert (outcome.seq, outcome.was_new) == (1, not takes_effect)
        assert len(again) == 2


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    board = Board.create(tmp_path / "b", ORIGIN, KEY)
    board.append("ballot.cast", body_of(0))
    pages = board.store._rows("PRAGMA page_count")[0][0]
    board.store._run(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(FatalError, match="full"):
        board.append("ballot.cast", body_of(1, pad="x" * 100_000))
    board.close()
    with Board.open(tmp_path / "b", KEY) as again:
        assert [entry.body for entry in again.entries()] == [body_of(0)]
        assert again.append("ballot.cast", body_of(1, pad="x" * 100_000)).seq == 1


def test_a_failing_rule_kills_the_board_but_not_the_log(tmp_path: Path) -> None:
    class Broken:
        def admit(self, header: EntryHeader, header_bytes: bytes, body: bytes, attachment: bytes | None) -> None:
            raise ZeroDivisionError("secret")

    board = Board.create(tmp_path / "b", ORIGIN, KEY, admission=Broken())
    with pytest.raises(FatalError) as caught:
        board.append("ballot.cast", b"{}")
    assert "secret" not in str(caught.value)
    board.close()
    with Board.open(tmp_path / "b", KEY) as again:
        assert len(again) == 0


def test_entries_that_the_rules_refuse_stop_the_opening(tmp_path: Path) -> None:
    with Board.create(tmp_path / "b", ORIGIN, KEY) as board:
        board.append("ballot.cast", body_of(0, z="refuse"))
    with pytest.raises(UnavailableError, match="entry 0 that its rules refuse"):
        Board.open(tmp_path / "b", KEY, admission=RefuseMarked())
    Board.open(tmp_path / "b", KEY, admission=RefuseMarked(), replay=False).close()


def test_another_key_or_a_second_writer_is_refused(board: Board) -> None:
    with pytest.raises(UnavailableError, match="another process"):
        Board.open(board.folder, KEY)
    script = (
        "import sys; from pathlib import Path; from bulletin_board.log import Board;"
        " from tests.strategies.boards import KEY; Board.open(Path(sys.argv[1]), KEY)"
    )
    done = subprocess.run([sys.executable, "-c", script, board.folder], cwd=ROOT, capture_output=True, text=True)
    assert "another process" in done.stderr
    board.close()
    with pytest.raises(UnavailableError, match="another key"):
        Board.open(board.folder, OTHER_KEY)
    Board.open(board.folder, KEY).close()


def test_a_forked_child_must_not_write(board: Board) -> None:
    child = os.fork()
    if child == 0:
        try:
            board.append("ballot.cast", b"{}")
        except FatalError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert board.append("ballot.cast", b"{}").was_new


def test_a_board_is_made_once(board: Board) -> None:
    board.close()
    with pytest.raises(UnavailableError, match="exists already"):
        Board.create(board.folder, ORIGIN, KEY)


APPEND_FOR_EVER = """
import sys
from pathlib import Path
from bulletin_board.log import Board, Submission
from tests.strategies.boards import KEY, body_of
from voting.protocol.encoding import sha256
with Board.open(Path(sys.argv[1]), KEY) as board:
    number = len(board) * 1000
    while True:
        many = [Submission("ballot.cast", body_of(number + i, pad="x" * 3000)) for i in range(1 + number % 7)]
        number += len(many)
        for outcome in board.append_many(many):
            print(outcome.seq, sha256(outcome.header_bytes), flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    Board.create(folder, ORIGIN, KEY).close()
    chance = random.Random(20)
    acknowledged: dict[int, str] = {}
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", APPEND_FOR_EVER, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 60)):
            seq, header_hash = process.stdout.readline().split()
            acknowledged[int(seq)] = header_hash
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines(keepends=True)
        acknowledged |= {int(line.split()[0]): line.split()[1] for line in rest if line.endswith("\n")}
        process.stdout.close()
        process.wait()
        with Board.open(folder, KEY) as board:
            headers = [sha256(header) for header in board.headers()]
        assert {seq: headers[seq] for seq in acknowledged} == acknowledged
    assert len(acknowledged) > 5
