"""A board, its mirror, a witness and a client against a plain list, in any order of events; and faults to be found.

The board is appended to, killed, reopened, rolled back to an old copy, and shows other people other histories. The
model knows what was ever acknowledged and signed. Nobody honest may believe two things that cannot both be true.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bulletin_board import log as log_module
from bulletin_board import reader as reader_module
from bulletin_board import witness as witness_module
from bulletin_board.client import BoardClient
from bulletin_board.copies_cli import cosigning
from bulletin_board.log import Board, Submission
from bulletin_board.mirror import EVIDENCE, Mirror
from bulletin_board.outlived import Seen
from bulletin_board.reader import Appended, open_reader
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from bulletin_board.store import DATABASE, Store
from bulletin_board.witness import format_request
from bulletin_board.witness_store import DATABASE as WITNESS_DATABASE
from bulletin_board.witness_store import WitnessStore
from tests.simulators.web import ADDRESS, web_client
from tests.simulators.witnesses import witness_at
from tests.strategies.boards import KEY, ORIGIN, body_of
from tests.torture.effort import rounds
from voting.protocol.errors import ProofError, UnavailableError, UrneError
from voting.protocol.tlog import merkle
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.merkle import Frontier, verify_consistency
from voting.protocol.tlog.note import note_key
from voting.protocol.tlog.proof import verify_receipt

BOARD = note_key(ORIGIN, KEY.verify_key)


class LogMachine(RuleBasedStateMachine):
    """Everybody is honest here but the disk, the network, and in `show_another_history` the board's keeper."""

    @initialize()
    def start(self) -> None:
        self.parent = Path(tempfile.mkdtemp(prefix="urne-model-"))
        self.folder = self.parent / "board"
        self.acknowledged: list[tuple[bytes, bytes]] = []
        """Header and body of each entry, by its place."""
        self.receipts: list[tuple[int, bytes]] = []
        self.signed: dict[int, bytes] = {0: Frontier().root()}
        """Size -> root of everything that was signed by the true board."""
        self.numbers = iter(range(10**9))
        self.board = Board.create(self.folder, ORIGIN, KEY)
        self.client_saw: Checkpoint | None = None
        self.mirrored = 0
        self.witnessed = Checkpoint(ORIGIN, 0, Frontier().root())
        self.copy: tuple[bytes, int] | None = None
        self._witness = witness_at(self.parent / "witness", "w.example", [BOARD])
        self.witness = self._witness.__enter__()

    def teardown(self) -> None:
        if hasattr(self, "board"):
            self.board.close()
            self._witness.__exit__(None, None, None)
            shutil.rmtree(self.parent)

    # -- the board -----------------------------------------------------------------------------------------------------

    @rule(count=st.integers(1, 5))
    def append(self, count: int) -> None:
        bodies = [body_of(next(self.numbers)) for _ in range(count)]
        self.take(bodies, self.board.append_many([Submission("note.text", body) for body in bodies]))

    def take(self, bodies: list[bytes], outcomes: list[Appended | UrneError]) -> None:
        """What the board acknowledged, each for the body that its sender had sent."""
        for body, outcome in zip(bodies, outcomes, strict=True):
            assert isinstance(outcome, Appended)
            if outcome.was_new:
                assert outcome.seq == len(self.acknowledged)
                self.acknowledged.append((outcome.header_bytes, body))
            assert self.acknowledged[outcome.seq] == (outcome.header_bytes, body)
        newest = self.board.checkpoint()
        assert self.signed.setdefault(newest.size, newest.root) == newest.root
        self.receipts.append((outcomes[-1].seq, self.board.receipt(outcomes[-1].seq)))  # type: ignore[union-attr]

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data())
    def resubmit(self, data: st.DataObject) -> None:
        body = data.draw(st.sampled_from(self.acknowledged))[1]
        self.take([body], self.board.append_many([Submission("note.text", body)]))

    @rule(takes_effect=st.booleans(), count=st.integers(1, 3))
    def die_while_committing(self, takes_effect: bool, count: int) -> None:
        """Nobody gets an answer; the board starts again; everybody sends again."""
        bodies = [body_of(next(self.numbers)) for _ in range(count)]
        commit = self.board.store.commit

        def fail() -> None:
            if takes_effect:
                commit()
            raise UnavailableError("disk I/O error")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.board.store, "commit", fail)
            with pytest.raises(UnavailableError):
                self.board.append_many([Submission("note.text", body) for body in bodies])
        self.reopen()
        outcomes = self.board.append_many([Submission("note.text", body) for body in bodies])
        assert all(isinstance(outcome, Appended) and outcome.was_new != takes_effect for outcome in outcomes)
        for body, outcome in zip(bodies, outcomes, strict=True):
            assert isinstance(outcome, Appended)
            assert outcome.seq == len(self.acknowledged)
            self.acknowledged.append((outcome.header_bytes, body))
        self.take([bodies[-1]], self.board.append_many([Submission("note.text", bodies[-1])]))

    @rule()
    def reopen(self) -> None:
        self.board.close()
        self.board = Board.open(self.folder, KEY)

    @rule()
    def keep_a_copy(self) -> None:
        self.board.store.truncate_wal()
        self.copy = ((self.folder / DATABASE).read_bytes(), len(self.acknowledged))

    @precondition(lambda self: self.copy and self.copy[1] < self.witnessed.size)
    @rule()
    def an_old_copy_does_not_start(self) -> None:
        assert self.copy is not None
        old = self.parent / "old"
        old.mkdir()
        (old / DATABASE).write_bytes(self.copy[0])
        with pytest.raises(UnavailableError, match="has seen"):
            Board.open(old, KEY, seen=[Seen(self.witnessed, "the witness")])
        shutil.rmtree(old)

    # -- those who look ------------------------------------------------------------------------------------------------

    @contextmanager
    def seen_at(self, folder: Path) -> Iterator[Any]:
        with FolderService(folder, None) as service, web_client(create_board_app(service)) as web:
            yield web

    @rule()
    def a_client_reads(self) -> None:
        with self.seen_at(self.folder) as web:
            client = BoardClient(ADDRESS, web=web, key=BOARD, seen=self.client_saw)
            self.client_saw = client.checkpoint()
            log = client.read()
            bodies = list(client.bodies(log, 0, len(log.headers)))
        assert bodies == [body for _, body in self.acknowledged]
        self.client_saw = log.checkpoint
        assert self.signed[self.client_saw.size] == self.client_saw.root

    @precondition(lambda self: len(self.signed) > 2)
    @rule(data=st.data())
    def any_two_states_are_one_log(self, data: st.DataObject) -> None:
        sizes = sorted(size for size in self.signed if size)
        new = data.draw(st.sampled_from(sizes))
        old = data.draw(st.sampled_from([size for size in sizes if size <= new]))
        proof = self.board.consistency_proof(old, new)
        verify_consistency(old, new, self.signed[old], self.signed[new], proof)

    @rule()
    def the_mirror_follows(self) -> None:
        with self.seen_at(self.folder) as web, Mirror(self.parent / "mirror", web, ADDRESS, key=BOARD) as mirror:
            assert mirror.update().size == len(self.acknowledged)
        self.mirrored = len(self.acknowledged)
        with open_reader(self.parent / "mirror") as copy:
            assert [(entry.header_bytes, entry.body) for entry in copy.entries()] == self.acknowledged

    @rule()
    def the_witness_signs(self) -> None:
        with WitnessStore.open(self.parent / "witness" / WITNESS_DATABASE) as store:
            assert self.witness.witness is not None
            cosigning(self.witness.witness, store)(self.board.checkpoint(), self.board.checkpoint_note(), self.board)
        self.witnessed = self.board.checkpoint()

    # -- a keeper who lies ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.acknowledged)
    @rule(data=st.data(), more=st.integers(0, 8))
    def show_another_history(self, data: st.DataObject, more: int) -> None:
        """The same key signs a log that leaves out, or replaces, something that others have seen: nobody takes it."""
        common = data.draw(st.integers(0, len(self.acknowledged) - 1))
        forged = self.parent / "forged"
        bodies = [body for _, body in self.acknowledged[:common]]
        bodies += [body_of(-1 - number) for number in range(more)]
        with Board.create(forged, ORIGIN, KEY) as board:
            board.append_many([Submission("note.text", body) for body in bodies])
            note, size = board.checkpoint_note(), len(board)
            proof = board.consistency_proof(self.witnessed.size) if 0 < self.witnessed.size < size else ()
        with self.seen_at(forged) as web:
            if self.client_saw is not None and self.client_saw.size > common:
                with pytest.raises(ProofError):
                    BoardClient(ADDRESS, web=web, key=BOARD, seen=self.client_saw).checkpoint()
            if self.mirrored > common:
                with (
                    Mirror(self.parent / "mirror", web, ADDRESS, key=BOARD) as mirror,
                    pytest.raises(ProofError),
                ):
                    mirror.update()
                assert list((self.parent / "mirror").glob(f"{EVIDENCE}/*"))
            if self.witnessed.size > common:
                assert self.witness.witness is not None
                for old in {self.witnessed.size, 0, size}:
                    reply = self.witness.witness.add_checkpoint(format_request(old, proof, note))
                    assert reply.status in (400, 409, 422)
        shutil.rmtree(forged)

    # -- always --------------------------------------------------------------------------------------------------------

    @invariant()
    def the_board_holds_what_it_acknowledged(self) -> None:
        if not hasattr(self, "board"):
            return
        with open_reader(self.folder) as reader:
            assert [(entry.header_bytes, entry.body) for entry in reader.entries()] == self.acknowledged
            assert reader.checkpoint().root == self.signed[len(self.acknowledged)]

    @invariant()
    def every_receipt_is_good_for_ever(self) -> None:
        for seq, receipt in getattr(self, "receipts", [])[-5:]:
            checkpoint = verify_receipt(receipt, self.acknowledged[seq][0], BOARD)
            assert self.signed[checkpoint.size] == checkpoint.root

    @invariant()
    def nobody_has_seen_more_than_there_is(self) -> None:
        if hasattr(self, "board"):
            for checkpoint in (self.witnessed, self.client_saw or self.witnessed):
                assert self.signed[checkpoint.size] == checkpoint.root


_QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

LogMachine.TestCase.settings = settings(
    max_examples=rounds(12, 300), stateful_step_count=rounds(20, 50), deadline=None, suppress_health_check=_QUIET
)
TestLogMachine = LogMachine.TestCase


# -- faults that the machine must find ---------------------------------------------------------------------------------


def stale_size(patch: pytest.MonkeyPatch) -> None:
    """A board that remembers its size, and does not look again when it is opened."""
    size = Store.size
    remembered: dict[Path, int] = {}

    def stale(store: Store) -> int:
        found = size(store)
        known = remembered.get(store._path, found)
        remembered[store._path] = found if found <= known + 1 else known
        return remembered[store._path]

    patch.setattr(Store, "size", stale)


def short_proofs(patch: pytest.MonkeyPatch) -> None:
    """Consistency proofs that leave out their last hash."""
    whole = merkle.consistency_proof
    patch.setattr(reader_module, "consistency_proof", lambda old, new, source: whole(old, new, source)[:-1])


def swapped_places(patch: pytest.MonkeyPatch) -> None:
    """Two of those who sent at the same time are told each other's place."""
    append_many = Board.append_many

    def swap(board: Board, submissions: Any) -> Any:
        outcomes = append_many(board, submissions)
        return [*outcomes[:-2], *reversed(outcomes[-2:])]

    patch.setattr(Board, "append_many", swap)


def forgetful_witness(patch: pytest.MonkeyPatch) -> None:
    """A witness that does not compare with what it signed before."""
    patch.setattr(witness_module, "_verify_extends", lambda request, known: None)


def believing_mirror(patch: pytest.MonkeyPatch) -> None:
    """A mirror that goes on from any state of the board, as long as it is signed."""

    def believe(mirror: Mirror, *_arguments: object) -> None:
        raise ProofError("refused, but nothing is kept")

    patch.setattr(Mirror, "_convict", believe)
    patch.setattr(Mirror, "_keep_as_evidence", lambda mirror, name, data: Path(name))


def half_transactions(patch: pytest.MonkeyPatch) -> None:
    """A checkpoint that is signed for the entries before the last one."""
    signed = log_module._signed

    def lag(frontier: Frontier, *more: Any) -> Any:
        row = signed(frontier, *more)
        return row._replace(root=bytes(32)) if frontier.size > 3 else row

    patch.setattr(log_module, "_signed", lag)


@pytest.mark.parametrize(
    "fault",
    [stale_size, short_proofs, swapped_places, forgetful_witness, believing_mirror, half_transactions],
    ids=lambda fault: fault.__name__,
)
def test_the_machine_finds_seeded_faults(fault: Callable[[pytest.MonkeyPatch], None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        with pytest.raises((AssertionError, UrneError, pytest.fail.Exception, ExceptionGroup)):
            run_state_machine_as_test(
                LogMachine,
                settings=settings(
                    max_examples=200,
                    stateful_step_count=25,
                    deadline=None,
                    database=None,
                    derandomize=True,
                    phases=[Phase.generate],
                    suppress_health_check=_QUIET,
                    print_blob=False,
                ),
            )
