"""A witness: every status of C2SP tlog-witness, its memory, its race, its clock, its evidence."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pysqlite3
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulletin_board.cli import main
from bulletin_board.witness import MAX_REQUEST_BYTES, Witness, format_request, parse_request
from bulletin_board.witness_server import create_witness_app
from bulletin_board.witness_store import DATABASE, MAX_EVIDENCE, Cosigned, Moved, WitnessStore
from tests.simulators.witnesses import START, Clock, SimulatedWitness, witness_at
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UnavailableError, UrneError
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.evidence import check_evidence, read_evidence, tree_of
from voting.protocol.tlog.merkle import EMPTY_ROOT, consistency_proof, tree_root
from voting.protocol.tlog.note import (
    Note,
    format_note,
    note_key,
    parse_note,
    parse_signature_line,
    sign_note,
    verify_cosignatures,
)

ORIGIN = "board.example/election-1"
KEY = SigningKey.from_seed(hashlib.sha256(b"demo log key").digest())
LOG = note_key(ORIGIN, KEY.verify_key)
WITNESS_SEED = hashlib.sha256(b"demo witness 1").digest()
NAME = "witness.example/w1"
LEAVES = [b'{"seq":%d,"type":"ballot","v":1}' % seq for seq in range(300)]
FORKED = [*LEAVES[:200], *(b"other %d" % seq for seq in range(200, 300))]

DEMO_REQUEST = """old 256
QsN8Z4b/YiRuOVy00EmqqYmLnCi1iuKN3pW3WcE/EEo=

board.example/election-1
300
c0hrxZx74G1ywGXnx6uiMrEYPvdG/LmMPVjFTstb5cU=

— board.example/election-1 f1Wssn3sgxq2eQXWlkCoxd8pXdErQ4b8RceScCF2nxtKhpctHJDkbpcmxRRhuyj9XUfnihKHXCr6Tg9yJ3D7mgAupg4=
"""
DEMO_COSIGNATURE = (
    "— witness.example/w1 yfU01wAAAABpVbkAEP2OIBLv/KDkaRxLgRWmILDPXk4Nfa6p8+gioYhnTccRWqsLPUNSi+mToQeeI3pFuDyjpKOU"
    "vDrVgDzsG2+ECw==\n"
)


def note(size: int, leaves: Sequence[bytes] = LEAVES, key: SigningKey = KEY) -> bytes:
    root = tree_root(size, tree_of(leaves[:size])) if size else EMPTY_ROOT
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), key)


def asking(old: int, size: int, leaves: Sequence[bytes] = LEAVES, key: SigningKey = KEY) -> bytes:
    proof = consistency_proof(old, size, tree_of(leaves[:size])) if 0 < old < size else ()
    return format_request(old, proof, note(size, leaves, key))


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[SimulatedWitness]:
    with witness_at(tmp_path, NAME, [LOG], key=SigningKey.from_seed(WITNESS_SEED)) as made:
        yield made


@pytest.fixture
def http(witness: SimulatedWitness) -> FlaskClient:
    assert witness.witness is not None
    return create_witness_app(witness.witness).test_client()


def post(http: FlaskClient, body: bytes, status: int) -> bytes:
    answer = http.post("/add-checkpoint", data=body)
    assert answer.status_code == status, answer.data
    if status != 409:
        assert answer.content_type == "text/plain; charset=utf-8"
    data: bytes = answer.data
    return data


def refusals(folder: Path) -> list[tuple[str, bool]]:
    with WitnessStore.open(folder / DATABASE, read_only=True) as store:
        return [(suspicion.reason, suspicion.is_proof) for suspicion in store.suspicions()]


# -- conformance -------------------------------------------------------------------------------------------------------


def test_the_published_example_is_reproduced(http: FlaskClient, witness: SimulatedWitness) -> None:
    body = asking(256, 300)
    assert body == DEMO_REQUEST.encode()
    assert hashlib.sha256(body).hexdigest().startswith("795393ee")
    witness.clock.now = 1_767_225_600
    post(http, asking(0, 256), 200)
    assert post(http, body, 200) == DEMO_COSIGNATURE.encode()
    assert witness.key.vkey == "witness.example/w1+c9f534d7+BBv3o7nhxOs5dEa01kMG9fifprIpN1QH9I+xQ/M2GsFM"


def test_a_cosignature_verifies_and_is_shown(http: FlaskClient, witness: SimulatedWitness) -> None:
    line = post(http, asking(0, 5), 200)
    signature = parse_signature_line(line.decode().removesuffix("\n"))
    found = verify_cosignatures(Note(parse_note(note(5)).text, (signature,)), [witness.key], board=LOG)
    assert [(c.key, c.time) for c in found] == [(witness.key, START)]
    place = hashlib.sha256(ORIGIN.encode()).hexdigest()
    answer = http.get(f"/{place}/checkpoint")
    assert answer.data == note(5) + line
    assert http.get(f"/{place.upper()}/checkpoint").status_code == 404
    assert http.get("/checkpoint").status_code == 404


def test_200_also_to_refresh(http: FlaskClient, witness: SimulatedWitness) -> None:
    first = post(http, asking(0, 5), 200)
    witness.clock.now += 60
    second = post(http, asking(5, 5), 200)
    assert first != second
    post(http, asking(5, 9), 200)
    post(http, asking(9, 10), 200)


def test_200_from_the_empty_log(http: FlaskClient) -> None:
    post(http, asking(0, 0), 200)
    post(http, asking(0, 0), 200)
    post(http, asking(0, 3), 200)
    assert post(http, asking(0, 0), 409) == b"3\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 00\n\n" + note(5),
        b"old +0\n\n" + note(5),
        b"old -1\n\n" + note(5),
        b"Old 0\n\n" + note(5),
        b"old 0\nnonsense\n\n" + note(5),
        b"old 0\nAAAA\n\n" + note(5),
        b"old 0\n" + b"QsN8Z4b/YiRuOVy00EmqqYmLnCi1iuKN3pW3WcE/EEo=\n" * 64 + b"\n" + note(5),
        b"old 0\r\n\r\n" + note(5),
        b"old 9\n\n" + note(5),
        b"old 0\n\n" + parse_note(note(5)).text,
        b"old 0\n\n" + sign_note(b"board.example/election-1\n05\n" + b"A" * 43 + b"=\n", ORIGIN, KEY),
        b"old 0\n\n" + sign_note(b"board.example/election-1\n5\nAAAA\n", ORIGIN, KEY),
        b"old 0\n\n" + sign_note(b"board.example/election-1\n5\n", ORIGIN, KEY),
        b"old 0\n\n" + note(5) + b"x" * MAX_REQUEST_BYTES,
    ],
)
def test_400_malformed(http: FlaskClient, body: bytes) -> None:
    post(http, body, 400)
    post(http, asking(0, 1), 200)


def test_403_and_404(http: FlaskClient) -> None:
    stranger = SigningKey.from_seed(bytes(32))
    post(http, asking(0, 5, key=stranger), 403)
    good, bad = parse_note(note(5)), parse_note(note(6))
    post(http, b"old 0\n\n" + format_note(Note(good.text, bad.signatures)), 403)
    post(http, b"old 0\n\n" + format_note(Note(good.text, (*good.signatures, *bad.signatures))), 403)
    text = good.text.replace(b"election-1", b"election-2")
    post(http, b"old 0\n\n" + sign_note(text, "board.example/election-2", KEY), 404)
    post(http, asking(0, 5), 200)


def test_409_byte_for_byte(http: FlaskClient) -> None:
    for old, known in ((3, b"0\n"), (0, b"5\n"), (4, b"5\n"), (6, b"5\n")):
        if known != b"0\n":
            http.post("/add-checkpoint", data=asking(0, 5))
        answer = http.post("/add-checkpoint", data=asking(old, 8))
        assert (answer.status_code, answer.data, answer.content_type) == (409, known, "text/x.tlog.size")


def test_422_wrong_proofs(http: FlaskClient, tmp_path: Path) -> None:
    proof = consistency_proof(5, 9, tree_of(LEAVES[:9]))
    post(http, format_request(0, proof, note(5)), 422)
    root_of_nothing = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), KEY)
    post(http, format_request(0, (), root_of_nothing), 422)
    post(http, asking(0, 5), 200)
    post(http, format_request(5, proof[:-1], note(9)), 422)
    post(http, format_request(5, (), note(9)), 422)
    post(http, format_request(5, proof, note(5)), 422)
    post(http, format_request(5, (bytes(32), *proof[1:]), note(9)), 422)
    post(http, asking(5, 9), 200)
    assert not any(is_proof for _reason, is_proof in refusals(tmp_path))


# -- memory and evidence -----------------------------------------------------------------------------------------------


def test_equivocation_is_refused_and_convicts(http: FlaskClient, tmp_path: Path) -> None:
    post(http, asking(0, 250), 200)
    post(http, asking(250, 250, FORKED), 422)
    assert refusals(tmp_path)[0] == ("two checkpoints of size 250 have different roots", True)
    post(http, asking(250, 260), 200)
    post(http, asking(260, 280, FORKED), 422)
    # An older size, too, even if the request is refused for another reason:
    before = len(refusals(tmp_path))
    post(http, asking(0, 250, FORKED), 409)
    assert len(refusals(tmp_path)) == before
    with WitnessStore.open(tmp_path / DATABASE) as store:
        (tmp_path / "logs").write_text(LOG.vkey + "\n# a remark\n")
        proofs = [suspicion.number for suspicion in store.suspicions() if suspicion.is_proof]
    shown = CliRunner().invoke(main, ["witness", "evidence", str(tmp_path), str(proofs[0])])
    assert shown.exit_code == 0, shown.output
    contradiction = check_evidence(read_evidence(shown.output.encode()), LOG)
    assert contradiction.first.size == contradiction.second.size == 250
    unproved = next(n for n in range(1, 9) if n not in proofs)
    assert CliRunner().invoke(main, ["witness", "evidence", str(tmp_path), str(unproved)]).exit_code == 2
    status = CliRunner().invoke(main, ["witness", "status", str(tmp_path)]).output
    assert "260 entries" in status
    assert "PROOF" in status


def test_a_flood_of_refusals_is_not_kept(http: FlaskClient, tmp_path: Path) -> None:
    post(http, asking(0, 150), 200)
    for size in range(150, 150 + MAX_EVIDENCE + 3):
        post(http, asking(150, size, [b"other", *LEAVES]), 422)
    assert len(refusals(tmp_path)) == MAX_EVIDENCE


def test_foreign_lines_are_neither_signed_nor_kept(http: FlaskClient) -> None:
    forged = "— witness.example/w1 " + DEMO_COSIGNATURE.split(" ")[2]
    post(http, asking(0, 5) + forged.encode(), 200)
    place = hashlib.sha256(ORIGIN.encode()).hexdigest()
    assert http.get(f"/{place}/checkpoint").data.count("— ".encode()) == 2
    post(http, asking(5, 9), 200)


def test_other_logs_may_have_further_lines(tmp_path: Path) -> None:
    key = note_key("log.example/packages", KEY.verify_key)
    text = b"log.example/packages\n1\n" + note(1).split(b"\n")[2] + b"\nsome extension\n"
    with witness_at(tmp_path, NAME, [key]) as made:
        assert made.witness is not None
        body = format_request(0, (), sign_note(text, key.name, KEY))
        reply = made.witness.add_checkpoint(body)
        assert reply.status == 200
        bad = format_request(0, (), sign_note(text.replace(b"\nsome", b"\n\nsome"), key.name, KEY))
        assert made.witness.add_checkpoint(bad).status == 400


def test_it_remembers_across_restarts(tmp_path: Path) -> None:
    for old, size in ((0, 5), (5, 9)):
        with witness_at(tmp_path, NAME, [LOG]) as made:
            assert made.witness is not None
            assert made.witness.add_checkpoint(asking(old, size)).status == 200
    with witness_at(tmp_path, NAME, [LOG]) as made:
        assert made.witness is not None
        assert made.witness.add_checkpoint(asking(0, 12)).body == b"9\n"
    with pytest.raises(UnavailableError), witness_at(tmp_path, NAME, [LOG], key=KEY):
        pass
    with WitnessStore.open(tmp_path / DATABASE) as store, pytest.raises(UnavailableError, match="another witness"):
        Witness(store, NAME, KEY, dict, clock=Clock())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET size = 4",
        "UPDATE log SET time = 1",
        "UPDATE log SET root = zeroblob(32)",
        "DELETE FROM log",
        "DELETE FROM cosigned",
        "UPDATE cosigned SET size = 4",
        "DELETE FROM witness",
        "INSERT OR REPLACE INTO cosigned SELECT origin, size, zeroblob(32), note FROM cosigned",
    ],
)
def test_its_memory_never_goes_back(http: FlaskClient, tmp_path: Path, statement: str) -> None:
    post(http, asking(0, 5), 200)
    connection = pysqlite3.connect(tmp_path / DATABASE)
    connection.execute("PRAGMA recursive_triggers = 1")
    try:
        with pytest.raises(pysqlite3.Error):
            connection.execute(statement)
    finally:
        connection.close()


def test_a_changed_memory_is_not_opened(tmp_path: Path) -> None:
    with witness_at(tmp_path, NAME, [LOG]):
        pass
    connection = pysqlite3.connect(tmp_path / DATABASE)
    connection.execute("DROP TRIGGER log_forward")
    connection.commit()
    connection.close()
    with pytest.raises(UnavailableError, match="changed from outside"):
        WitnessStore.open(tmp_path / DATABASE)


# -- race, clock -------------------------------------------------------------------------------------------------------


class StalledStore(WitnessStore):
    """Lets nobody write until two have checked."""

    gate: threading.Barrier

    def swap(self, origin: str, old: Cosigned | None, make: Callable[[int], Cosigned]) -> Cosigned:
        self.gate.wait(timeout=20)
        return super().swap(origin, old, make)


@pytest.mark.parametrize("sizes", [(8, 12), (12, 8), (8, 8), (12, 12)])
def test_two_requests_between_check_and_write(tmp_path: Path, sizes: tuple[int, int]) -> None:
    """Fault 13: both were checked against size 5. One is written; the other is told where the log is now."""
    with witness_at(tmp_path, NAME, [LOG]) as made:
        assert made.witness is not None
        assert made.witness.add_checkpoint(asking(0, 5)).status == 200
    StalledStore.gate = threading.Barrier(2)
    replies: dict[int, tuple[int, bytes]] = {}
    with StalledStore.open(tmp_path / DATABASE) as store:
        witness = Witness(store, NAME, made.signing_key, lambda: {ORIGIN: (LOG,)}, clock=Clock())

        def ask(number: int) -> None:
            reply = witness.add_checkpoint(asking(5, sizes[number]))
            replies[number] = (reply.status, reply.body)

        threads = [threading.Thread(target=ask, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        final = store.latest(ORIGIN)
    winner = next(number for number in (0, 1) if replies[number][0] == 200)
    assert replies[1 - winner] == (409, b"%d\n" % sizes[winner])
    assert final is not None
    assert final.size == sizes[winner]


def test_the_race_test_can_fail(tmp_path: Path) -> None:
    """A store that does not compare lets the log go back: its trigger stops that, and nothing is answered."""

    class Careless(WitnessStore):
        def swap(self, origin: str, old: Cosigned | None, make: Callable[[int], Cosigned]) -> Cosigned:
            return super().swap(origin, self.latest(origin), make)

    with witness_at(tmp_path, NAME, [LOG]) as made:
        assert made.witness is not None
        assert made.witness.add_checkpoint(asking(0, 5)).status == 200
        stale = made.witness._store.latest(ORIGIN)
        assert made.witness.add_checkpoint(asking(5, 12)).status == 200
    with WitnessStore.open(tmp_path / DATABASE) as store, pytest.raises(Moved):
        store.swap(ORIGIN, stale, lambda time: Cosigned(ORIGIN, 8, bytes(32), b"", time))
    with Careless.open(tmp_path / DATABASE) as store, pytest.raises(UnavailableError, match="never goes back"):
        store.swap(ORIGIN, stale, lambda time: Cosigned(ORIGIN, 8, bytes(32), b"", time))


def test_it_is_on_the_disk_before_it_answers(tmp_path: Path) -> None:
    with witness_at(tmp_path, NAME, [LOG]) as made:
        assert made.witness is not None
        reply = made.witness.add_checkpoint(asking(0, 5))
        connection = pysqlite3.connect(f"file:{tmp_path / DATABASE}?mode=ro", uri=True)
        rows = connection.execute("SELECT size, note FROM log").fetchall()
        connection.close()
    assert rows == [(5, note(5) + reply.body)]


def test_a_failing_disk_signs_nothing(tmp_path: Path) -> None:
    class Full(WitnessStore):
        def _run(self, statement: str, values: tuple[object, ...] = ()) -> None:
            if statement == "COMMIT":
                raise UnavailableError("SQLite reports: disk full", where=str(self._path))
            super()._run(statement, values)

    with witness_at(tmp_path, NAME, [LOG]) as made:
        pass
    with Full.open(tmp_path / DATABASE) as full:
        witness = Witness(full, NAME, made.signing_key, lambda: {ORIGIN: (LOG,)}, clock=Clock())
        answer = create_witness_app(witness).test_client().post("/add-checkpoint", data=asking(0, 5))
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert b"\xe2\x80\x94" not in answer.data
    with WitnessStore.open(tmp_path / DATABASE) as store:
        assert store.logs() == []


def test_no_cosignature_is_dated_before_the_one_before(http: FlaskClient, witness: SimulatedWitness) -> None:
    """Fault 18: the clock steps a day forward, then back."""
    post(http, asking(0, 5), 200)
    witness.clock.now += 86_400
    line = post(http, asking(5, 6), 200)
    witness.clock.now -= 86_400
    for body in (asking(6, 6), asking(6, 7)):
        answer = http.post("/add-checkpoint", data=body)
        assert answer.status_code == 503
        assert "clock" in answer.text
    witness.clock.now += 86_400
    assert post(http, asking(6, 6), 200) == line
    post(http, asking(6, 7), 200)
    witness.clock.now = 0
    assert http.post("/add-checkpoint", data=asking(7, 8)).status_code == 503


# -- commands ----------------------------------------------------------------------------------------------------------


def test_the_commands_of_a_witness(tmp_path: Path) -> None:
    def run(*arguments: object, code: int = 0) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result.output

    folder = tmp_path / "w"
    vkey = run("witness", "init", folder, "--name", NAME).strip()
    assert vkey.startswith(NAME + "+")
    run("witness", "init", folder, "--name", NAME, code=3)
    run("witness", "init", tmp_path / "x", "--name", "no name", code=2)
    assert "is watched" in run("witness", "watch", folder, LOG.vkey)
    assert "already" in run("witness", "watch", folder, LOG.vkey)
    assert (folder / "logs").read_text().splitlines() == [LOG.vkey]
    run("witness", "watch", folder, vkey, code=3)
    assert "nothing signed yet" in run("witness", "status", folder)
    assert '"size": null' in run("witness", "status", folder, "--json")
    assert "no refusal" in run("witness", "evidence", folder, 1, code=2)
    assert (folder / "witness.key").stat().st_mode & 0o777 == 0o600
    (folder / DATABASE).unlink()
    assert "must not be used again" in run("witness", "status", folder, code=3)
    assert "must not be used again" in run("witness", "serve", folder, code=3)


# -- anything ----------------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=300) | st.builds(lambda at, bit: _flip(asking(0, 5), at, bit), st.integers(0), st.integers(0, 7))
)
def test_whatever_is_sent_gets_a_status(body: bytes) -> None:
    try:
        request = parse_request(body)
    except UrneError:
        return
    assert request.size >= 0
    assert len(request.root) == 32


def _flip(data: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[at % len(changed)] ^= 1 << bit
    return bytes(changed)
