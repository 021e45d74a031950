"""A board and its witnesses: rounds, quorum, receipts that wait, one that hangs; what two views of a board come to."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bulletin_board import cosigning
from bulletin_board.cli import main
from bulletin_board.client import BoardClient
from bulletin_board.cosignature_store import DATABASE, CosignatureRow, CosignatureStore
from bulletin_board.cosigning import Cosigner, cosign_once
from bulletin_board.errors import QuorumError
from bulletin_board.export import export_record
from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from bulletin_board.witness_settings import WITNESSES, parse_witness_settings, read_witness_settings
from tests.simulators.web import ADDRESS, web_client
from tests.simulators.witnesses import Clock, SimulatedWitness, lying_witness, new_http, witness_at, write_settings
from tests.strategies.boards import KEY, ORIGIN, body_of
from voting.protocol.errors import InputErrors, SignatureInvalid, UnavailableError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.evidence import check_evidence, read_evidence
from voting.protocol.tlog.note import note_key
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file
from voting.protocol.tlog.witnesses import WitnessPolicy, verify_fresh, verify_quorum

LOG = note_key(ORIGIN, KEY.verify_key)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosigning, "SECONDS_BETWEEN_ROUNDS", 0.02)
    monkeypatch.setattr(cosigning, "SECONDS_BETWEEN_LOOKS", 0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as board:
        append(board, 5)
    return tmp_path / "board"


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[list[SimulatedWitness]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(witness_at(tmp_path / name, f"{name}.example", [LOG])) for name in ("w1", "w2", "w3")
        ]


def append(board: Board, count: int, start: int = 0) -> None:
    board.append_many([Submission("note.text", body_of(n)) for n in range(start, start + count)])


@contextmanager
def cosigning_of(folder: Path, witnesses: list[SimulatedWitness]) -> Iterator[Cosigner]:
    with Cosigner(folder, read_witness_settings(folder), new_http=new_http(witnesses)) as cosigner:
        yield cosigner


def policy_of(folder: Path) -> WitnessPolicy:
    return read_witness_settings(folder).policy


def published(folder: Path) -> tuple[Checkpoint, bytes]:
    """The published checkpoint, as a client checks it."""
    with open_reader(folder) as board:
        note = board.checkpoint_note()
    verify_quorum(note, policy_of(folder), board=LOG)
    return open_checkpoint(note, LOG), note


# -- rounds ------------------------------------------------------------------------------------------------------------


def test_what_is_published_has_its_quorum(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 2)
    with open_reader(folder) as board:
        assert len(board) == 0
        with pytest.raises(QuorumError, match="fewer than 2 witnesses"):
            board.receipt(3)
        assert not board.is_published(3)
        assert list(board.headers()) == []
    with cosigning_of(folder, witnesses) as cosigner:
        assert cosigner.wait(5, 10)
    checkpoint, _note = published(folder)
    assert checkpoint.size == 5
    with open_reader(folder) as board, Board.open(folder, KEY) as writer:
        append(writer, 2, 5)
        assert (len(board), len(writer)) == (5, 7)
        receipt = board.receipt(3)
        verify_quorum(parse_receipt(receipt).checkpoint, policy_of(folder), board=LOG)
        assert board.is_published(4)
        with pytest.raises(QuorumError):
            board.receipt(6)


def test_witnesses_follow_with_consistency_proofs(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 3)
    with cosigning_of(folder, witnesses) as cosigner, Board.open(folder, KEY) as board:
        for start in range(5, 25, 4):
            append(board, 4, start)
            cosigner.notify()
            assert cosigner.wait(start + 4, 10)
            assert published(folder)[0].size == start + 4
    for witness in witnesses:
        old = [request.split(b"\n", 1)[0] for request in witness.requests]
        assert old[0] == b"old 0"
        assert old[-4:] == [b"old 9", b"old 13", b"old 17", b"old 21"]
    with CosignatureStore.open(folder / DATABASE) as store:
        keys = [witness.key.key.raw for witness in witnesses]
        assert next(size for size, _rows in store.by_size()) == 25
        assert list(store.sizes_with(keys, 3))[:4] == [25, 21, 17, 13]
        assert list(store.sizes_with(keys, 4)) == []


def test_old_signatures_are_forgotten_after_a_while(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    """Not at once: a reader that is copying the board still finds the quorum on the checkpoint it began with."""
    write_settings(folder, witnesses, 3)
    clock = Clock()
    with Cosigner(folder, read_witness_settings(folder), new_http=new_http(witnesses), clock=clock) as cosigner:
        assert cosigner.settle(10)
        with open_reader(folder) as reader:
            begun = reader.checkpoint()
            for start in (5, 9):
                with Board.open(folder, KEY) as board:
                    append(board, 4, start)
                cosigner.notify()
                assert cosigner.settle(10)
                verify_quorum(reader.checkpoint_note(begun.size), policy_of(folder), board=LOG)
                clock.now += 2000
        clock.now += 2000
        with Board.open(folder, KEY) as board:
            append(board, 4, 13)
        cosigner.notify()
        assert cosigner.settle(10)
    with CosignatureStore.open(folder / DATABASE) as store:
        kept = [size for size, _rows in store.by_size()]
    assert 5 not in kept
    assert kept[0] == 17


def test_a_burst_of_entries_is_one_question(
    folder: Path, witnesses: list[SimulatedWitness], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cosigning, "SECONDS_BETWEEN_ROUNDS", 0.25)
    write_settings(folder, witnesses, 3)
    with cosigning_of(folder, witnesses) as cosigner, Board.open(folder, KEY) as board:
        assert cosigner.wait(5, 10)
        asked = len(witnesses[0].requests)
        for number in range(40):
            append(board, 1, 5 + number)
            cosigner.notify()
        assert cosigner.wait(45, 10)
    assert len(witnesses[0].requests) - asked <= 5


def test_it_goes_on_when_one_hangs(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    """Fault 20, the witness's part: the quorum comes from the others, and nobody waits for the one that hangs."""
    write_settings(folder, witnesses, 2)
    release = threading.Event()

    def hang() -> None:
        release.wait(20)

    witnesses[1].before = hang
    before = threading.active_count()
    with cosigning_of(folder, witnesses) as cosigner, Board.open(folder, KEY) as board:
        for start in range(5, 20, 5):
            append(board, 5, start)
            cosigner.notify()
            started = time.monotonic()
            assert cosigner.wait(start + 5, 10)
            assert time.monotonic() - started < 2
        assert threading.active_count() <= before + 1 + 3  # the leader, and one question to each
        release.set()
        assert cosigner.settle(10)
    assert threading.active_count() <= before
    checkpoint, note = published(folder)
    assert checkpoint.size == 20
    assert note.count("— w".encode()) == 3


def test_a_missing_quorum_is_said_and_mended(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 2)
    is_down = [True]

    def fail() -> None:
        if is_down[0]:
            raise RuntimeError

    witnesses[0].before = witnesses[1].before = fail
    with cosigning_of(folder, witnesses) as cosigner:
        started = time.monotonic()
        assert not cosigner.wait(5, 30)
        assert time.monotonic() - started < 10
        shown = CliRunner().invoke(main, ["witnesses", str(folder)]).output
        assert "QUORUM MISSING: 2 of 3 must sign, so only 0 of 5 entries are published" in shown
        assert "problem" in shown
        is_down[0] = False
        for asked in cosigner._asked:
            asked.rests_until = 0.0
        deadline = time.monotonic() + 20
        while not cosigner.wait(5, 1) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert published(folder)[0].size == 5
    shown = CliRunner().invoke(main, ["witnesses", str(folder)]).output
    assert "quorum: 2 of 3 have signed all 5 entries" in shown
    assert "up to 0 dishonest witnesses" in shown


def test_without_a_quorum_nothing_waits(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 0)
    with open_reader(folder) as board:
        assert len(board) == 5
    with cosigning_of(folder, witnesses) as cosigner:
        assert cosigner.wait(5, 0)
        assert cosigner.settle(10)
    with open_reader(folder) as board:
        assert board.checkpoint_note().count("— w".encode()) == 3
        assert "no quorum" in CliRunner().invoke(main, ["witnesses", str(folder)]).output


def test_what_was_collected_is_only_a_copy(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    """Fault 4: a crash between commit and cosignature, or a lost store, is mended by asking again."""
    write_settings(folder, witnesses, 3)
    settings = read_witness_settings(folder)
    assert cosign_once(folder, settings, timeout=10, new_http=new_http(witnesses))
    before = published(folder)
    for path in folder.glob(DATABASE + "*"):
        path.unlink()
    with open_reader(folder) as board:
        assert len(board) == 0
    for witness in witnesses:
        witness.clock.now += 5
    assert cosign_once(folder, settings, timeout=10, new_http=new_http(witnesses))
    assert published(folder)[0] == before[0]
    # 409 told where each of them stands.
    assert witnesses[0].requests[-2].startswith(b"old 0\n")
    assert witnesses[0].requests[-1].startswith(b"old 5\n")


def test_a_quiet_board_is_signed_anew(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 2)
    clock = Clock()
    with Cosigner(folder, read_witness_settings(folder), new_http=new_http(witnesses), clock=clock) as cosigner:
        assert cosigner.settle(10)
        for other in (clock, *(witness.clock for witness in witnesses)):
            other.now += 3601
        deadline = time.monotonic() + 10
        while min(asked.signed for asked in cosigner._asked) < clock.now and time.monotonic() < deadline:
            time.sleep(0.02)
    found = verify_quorum(published(folder)[1], policy_of(folder), board=LOG)
    assert {cosignature.time for cosignature in found} == {int(clock.now)}


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\n", "— w1.example AAAAAAAA\n".encode(), b"\xff\xff", b"x" * 100_000]
)
def test_an_answer_that_is_no_signature(folder: Path, witnesses: list[SimulatedWitness], answer: bytes) -> None:
    write_settings(folder, witnesses[:1], 1)

    def app(environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])  # type: ignore[operator]
        return [answer]

    witnesses[0]._app = app  # type: ignore[assignment]
    assert not cosign_once(folder, read_witness_settings(folder), timeout=0.5, new_http=new_http(witnesses))
    with open_reader(folder) as board:
        assert len(board) == 0


def test_a_signature_by_somebody_else_does_not_count(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, [witnesses[0]], 1)
    other = lying_witness("w2.example")
    other.name = "w1.example"
    assert not cosign_once(folder, read_witness_settings(folder), timeout=0.5, new_http=new_http([other]))


# -- over HTTP ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(folder: Path, witnesses: list[SimulatedWitness], monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    write_settings(folder, witnesses, 2)

    def start(board: Path) -> Cosigner:
        cosigner = Cosigner(board, read_witness_settings(board), new_http=new_http(witnesses))
        cosigner.start()
        return cosigner

    monkeypatch.setattr("bulletin_board.service.start_cosigner", start)
    with FolderService(folder, KEY) as service:
        yield create_board_app(service).test_client()


def post_entry(http: FlaskClient) -> TestResponse:
    content = b'{"attachment":null,"body":{"number":50},"type":"note.text"}'
    return http.post("/log/entries", data=content, content_type="application/json")


def test_a_receipt_has_its_quorum(served: FlaskClient, folder: Path) -> None:
    answer = post_entry(served)
    assert answer.status_code == 201, answer.data
    receipt = read_receipt_file(answer.data)
    header, _checkpoint = check_receipt(receipt, LOG)
    assert header.seq == 5
    verify_quorum(parse_receipt(receipt.proof.encode()).checkpoint, policy_of(folder), board=LOG)
    verify_quorum(served.get("/log/checkpoint").data, policy_of(folder), board=LOG)


def test_503_until_the_quorum_is_there(served: FlaskClient, folder: Path, witnesses: list[SimulatedWitness]) -> None:
    is_down = [True]

    def fail() -> None:
        if is_down[0]:
            raise RuntimeError

    for witness in witnesses:
        witness.before = fail
    for _attempt in range(2):
        answer = post_entry(served)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        error = answer.get_json()["error"]
        assert error["code"] == "quorum"
        assert "witnesses" in error["message"]
        assert "kept once" in error["remedy"]
    assert served.get("/log/entries/5/receipt").status_code == 503
    is_down[0] = False
    deadline = time.monotonic() + 30
    while served.get("/log/entries/5/receipt").status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    answer = post_entry(served)
    assert answer.status_code == 200
    assert check_receipt(read_receipt_file(answer.data), LOG)[0].seq == 5


# -- split view --------------------------------------------------------------------------------------------------------


def branches(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A board and its clone with the same key; each goes on in its own way."""
    clone = tmp_path / "clone"
    shutil.copytree(folder, clone)
    for place, start in ((folder, 100), (clone, 200)):
        with Board.open(place, KEY) as board:
            append(board, 3, start)
    return folder, clone


@pytest.mark.parametrize(("liars", "quorum"), [(0, 2), (1, 3), (2, 3)])
def test_a_split_view_within_the_bound(
    folder: Path, tmp_path: Path, witnesses: list[SimulatedWitness], liars: int, quorum: int
) -> None:
    """Faults 8 and 9: with f liars among n = 3 and 2k - n > f, one branch only gets its quorum, whoever is asked."""
    group = [*(lying_witness(f"w{n + 1}.example") for n in range(liars)), *witnesses[liars:]]
    write_settings(folder, group, quorum)
    one, other = branches(folder, tmp_path)
    settings = read_witness_settings(one)
    assert settings.policy.tolerated >= liars
    assert cosign_once(one, settings, timeout=10, new_http=new_http(group))
    assert not cosign_once(other, settings, timeout=0.7, new_http=new_http(group))
    assert published(one)[0].size == 8
    with open_reader(other, unpublished=True) as board:
        note = board.checkpoint_note()
    assert open_checkpoint(note, LOG).size == 8
    with pytest.raises(SignatureInvalid, match=f"is signed by {liars} of the {quorum}"):
        verify_quorum(note, settings.policy, board=LOG)
    with open_reader(other) as board:
        assert len(board) < 8


@pytest.mark.parametrize(("liars", "quorum"), [(1, 2), (3, 3)])
def test_beyond_the_bound_two_views_are_accepted(
    folder: Path, tmp_path: Path, witnesses: list[SimulatedWitness], liars: int, quorum: int
) -> None:
    """Fault 9, negative control: with one liar more than the bound, each half sees its own board with its quorum."""
    group = [*(lying_witness(f"w{n + 1}.example") for n in range(liars)), *witnesses[liars:]]
    write_settings(folder, group, quorum)
    one, other = branches(folder, tmp_path)
    settings = read_witness_settings(one)
    assert settings.policy.tolerated == liars - 1
    assert cosign_once(one, settings, timeout=3, new_http=new_http(group[:2] if liars == 1 else group))
    assert cosign_once(other, settings, timeout=3, new_http=new_http(group[::2] if liars == 1 else group))
    first, second = published(one)[0], published(other)[0]
    assert first.size == second.size
    assert first.root != second.root


def test_the_witness_keeps_what_convicts_the_board(
    folder: Path, tmp_path: Path, witnesses: list[SimulatedWitness]
) -> None:
    write_settings(folder, witnesses, 2)
    one, other = branches(folder, tmp_path)
    settings = read_witness_settings(one)
    assert cosign_once(one, settings, timeout=5, new_http=new_http(witnesses))
    assert not cosign_once(other, settings, timeout=1, new_http=new_http(witnesses))
    shown = CliRunner().invoke(main, ["witnesses", str(other)]).output
    assert "refuses: this board is not what it signed before" in shown
    (tmp_path / "w1" / "logs").write_text(LOG.vkey + "\n")
    file = CliRunner().invoke(main, ["witness", "evidence", str(tmp_path / "w1"), "1"])
    contradiction = check_evidence(read_evidence(file.output.encode()), LOG)
    assert contradiction.first.size == contradiction.second.size == 8


def test_an_old_copy_is_noticed(folder: Path, tmp_path: Path, witnesses: list[SimulatedWitness]) -> None:
    """Fault 7, the witnesses' part: a restored board that they have outlived gets no signature, and is told why."""
    write_settings(folder, witnesses, 2)
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    with Board.open(folder, KEY) as board:
        append(board, 3, 50)
    settings = read_witness_settings(folder)
    assert cosign_once(folder, settings, timeout=5, new_http=new_http(witnesses))
    assert not cosign_once(old, settings, timeout=1, new_http=new_http(witnesses))
    shown = CliRunner().invoke(main, ["witnesses", str(old)]).output
    assert "has signed 8 entries of this board, which has 5" in shown
    with Board.open(old, KEY) as board:
        append(board, 4, 70)
    assert not cosign_once(old, settings, timeout=1, new_http=new_http(witnesses))
    # What the real board had collected does not count for the fork, though the files were copied.
    for path in folder.glob(DATABASE + "*"):
        shutil.copy(path, old / path.name)
    with open_reader(old) as reader:
        assert len(reader) == 0


def test_a_cosignature_of_another_root_is_not_used(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses[:1], 1)
    with CosignatureStore.ensure(folder) as store:
        store.add(CosignatureRow(5, bytes(32), witnesses[0].key.key.raw, 1, b"x\n"), 1)
    with open_reader(folder) as board:
        assert len(board) == 0
        assert b"x\n" not in board.checkpoint_note(5)


# -- the client's policy -----------------------------------------------------------------------------------------------


def test_stale_and_future_checkpoints(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    """Fault 18, the client's part: yesterday's quorum, or tomorrow's, is told from today's."""
    write_settings(folder, witnesses, 2)
    assert cosign_once(folder, read_witness_settings(folder), timeout=5, new_http=new_http(witnesses))
    policy = policy_of(folder)
    found = verify_quorum(published(folder)[1], policy, board=LOG)
    now = int(witnesses[0].clock.now)
    verify_fresh(found, policy.quorum, now=now)
    for later, problem in ((2 * 86_400, "stale"), (-86_400, "future")):
        with pytest.raises(SignatureInvalid, match=problem):
            verify_fresh(found, policy.quorum, now=now + later)


def test_a_client_that_knows_the_witnesses(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 2)
    policy = policy_of(folder)
    now = int(witnesses[0].clock.now)
    with FolderService(folder, None) as service, web_client(create_board_app(service)) as web:
        with pytest.raises(SignatureInvalid, match="0 of the 2 witnesses"):
            BoardClient(ADDRESS, web=web, key=LOG, witnesses=policy).checkpoint()
        assert cosign_once(folder, read_witness_settings(folder), timeout=5, new_http=new_http(witnesses))
        client = BoardClient(ADDRESS, web=web, key=LOG, witnesses=policy, clock=lambda: now)
        assert client.checkpoint().size == 5
        assert client.read().checkpoint.size == 5
        late = BoardClient(ADDRESS, web=web, key=LOG, witnesses=policy, clock=lambda: now + 10**6)
        with pytest.raises(SignatureInvalid, match="stale"):
            late.checkpoint()


# -- settings, commands ------------------------------------------------------------------------------------------------


def test_the_settings_are_read_or_refused(witnesses: list[SimulatedWitness], tmp_path: Path) -> None:
    row = f'[[witness]]\nvkey = "{witnesses[0].key.vkey}"\nurl = "https://w1.example/x"\n'
    good = parse_witness_settings(f"quorum = 1\n{row}".encode())
    assert (good.quorum, good.witnesses[0].url.text) == (1, "https://w1.example/x")
    assert parse_witness_settings(row.encode()).quorum == 0
    for bad, problem in (
        ("quorum = 2\n" + row, "quorum"),
        (row + row, "witnesses\\[2\\]"),
        ('[[witness]]\nvkey = "x"\nurl = "https://w"\n', "witnesses\\[1\\]"),
        ('[[witness]]\nvkey = 3\nurl = "https://w"\n', "not a text"),
        (f'[[witness]]\nvkey = "{witnesses[0].key.vkey}"\n', "url: is missing"),
        (row.replace("https", "ftp"), "web address"),
        (row + 'name = "x"\n', "no known key"),
        ("colour = 1\n" + row, "no known key"),
        ("quorum = true\n" + row, "not a number"),
        ("witness = 3\n", "list of tables"),
        ("= =", "TOML"),
    ):
        with pytest.raises(InputErrors, match=problem):
            parse_witness_settings(bad.encode())
    assert read_witness_settings(tmp_path).witnesses == ()
    (tmp_path / WITNESSES).write_text("quorum = 9\n")
    with pytest.raises(InputErrors):
        read_witness_settings(tmp_path)


def test_the_commands(folder: Path, witnesses: list[SimulatedWitness], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result.output

    assert "no witnesses" in run("witnesses", folder)
    assert "has no witnesses" in run("cosign", folder, code=2)
    write_settings(folder, witnesses, 2)
    make = new_http(witnesses)
    monkeypatch.setattr(
        "bulletin_board.witness_cli.cosign_once",
        lambda board, settings, timeout: cosign_once(board, settings, timeout=timeout, new_http=make),
    )
    assert "3 of 3 witnesses have signed all 5 entries" in run("cosign", folder, "--timeout", 10)
    assert '"published": 5' in run("witnesses", folder, "--json")
    with Board.open(folder, KEY) as board:
        append(board, 1, 9)
    assert "note.text" in run("log", folder, "--from", 5)
    assert "sound: 6 entries" in run("fsck", folder)
    target = folder.parent / "record"
    with open_reader(folder) as reader:
        assert export_record(reader, target) == 5
    verify_quorum((target / "checkpoint").read_bytes(), policy_of(folder), board=LOG)


def test_a_read_only_copy_asks_nobody(folder: Path, witnesses: list[SimulatedWitness]) -> None:
    write_settings(folder, witnesses, 2)
    with FolderService(folder, None) as service:
        assert service._cosigner is None
        with pytest.raises(UnavailableError):
            service.submit(Submission("note.text", body_of(1)))
