"""Our witness beside somebody else's (PyPI `aics-witness`): the same requests, the same statuses; our board asks both.

Optional: that package wants Python 3.12. Run with URNE_AICS_WITNESS=<path of its command>, or with it on the PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from bulletin_board.cosigning import cosign_once
from bulletin_board.log import Board, Submission
from bulletin_board.reader import open_reader
from bulletin_board.witness import format_request
from bulletin_board.witness_server import create_witness_app
from bulletin_board.witness_settings import WITNESSES, read_witness_settings
from tests.integration.test_witness import FORKED, KEY, LOG, ORIGIN, asking, note
from tests.simulators.web import serving
from tests.simulators.witnesses import Clock, witness_at
from tests.strategies.boards import body_of
from voting.crypto.signatures import SigningKey
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.merkle import consistency_proof
from voting.protocol.tlog.note import Note, format_note, parse_note, parse_vkey, sign_note
from voting.protocol.tlog.witnesses import verify_quorum

COMMAND = os.environ.get("URNE_AICS_WITNESS") or shutil.which("aics-witness")

pytestmark = pytest.mark.skipif(COMMAND is None, reason="aics-witness is not installed (optional)")


def requests() -> list[tuple[str, bytes]]:
    five, six = parse_note(note(5)), parse_note(note(6))
    proof = consistency_proof(5, 9, lambda level, position: bytes(32))
    return [
        ("nothing", b""),
        ("no old size", b"old\n\n" + note(5)),
        ("leading zero", b"old 00\n\n" + note(5)),
        ("64 hashes", b"old 0\n" + b"QsN8Z4b/YiRuOVy00EmqqYmLnCi1iuKN3pW3WcE/EEo=\n" * 64 + b"\n" + note(5)),
        ("unknown log", b"old 0\n\n" + sign_note(five.text.replace(b"-1", b"-2"), "board.example/election-2", KEY)),
        ("unknown key", asking(0, 5, key=SigningKey.from_seed(bytes(32)))),
        ("failing signature", b"old 0\n\n" + format_note(Note(five.text, six.signatures))),
        ("proof from nothing", format_request(0, proof, note(5))),
        ("size 0, other root", format_request(0, (), sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), KEY))),
        ("wrong old, nothing signed", asking(3, 5)),
        ("first", asking(0, 5)),
        ("again from 0", asking(0, 5)),
        ("refresh", asking(5, 5)),
        ("old above size", format_request(9, (), note(5))),
        ("wrong proof", format_request(5, proof, note(9))),
        ("next", asking(5, 9)),
        ("lower", asking(5, 7)),
        ("to the fork's beginning", asking(9, 200)),
        ("up to a fork", asking(200, 210)),
        ("the fork, same size", asking(210, 210, FORKED)),
        ("the fork, later", asking(210, 220, FORKED)),
        ("still honest", asking(210, 220)),
    ]


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A running aics-witness: its address and its vkey."""
    assert COMMAND is not None
    with closing(socket.socket()) as place:
        place.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{place.getsockname()[1]}"
    config = tmp_path / "aics" / "witness.json"
    config.parent.mkdir()
    base = ["--config", str(config)]
    made = subprocess.run(
        [COMMAND, "init", *base, "--name", "peer.example", "--listen", listen],
        capture_output=True,
        text=True,
        check=True,
    )
    subprocess.run([COMMAND, "add-log", *base, "--origin", ORIGIN, "--vkey", LOG.vkey], capture_output=True, check=True)
    with subprocess.Popen([COMMAND, "serve", *base], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _attempt in range(100):
                try:
                    httpx.get(f"http://{listen}/")
                except httpx.TransportError:
                    time.sleep(0.1)
                else:
                    break
            yield f"http://{listen}", made.stdout.strip()
        finally:
            process.terminate()


def test_both_witnesses_answer_alike(peer: tuple[str, str], tmp_path: Path) -> None:
    with witness_at(tmp_path / "ours", "ours.example", [LOG], clock=Clock(time.time())) as ours:
        assert ours.witness is not None
        http = create_witness_app(ours.witness).test_client()
        answers = []
        for name, body in requests():
            theirs = httpx.post(f"{peer[0]}/add-checkpoint", content=body)
            mine = http.post("/add-checkpoint", data=body)
            told = theirs.content if theirs.status_code == 409 else b""
            kind = theirs.headers["content-type"] if theirs.status_code == 409 else ""
            answers.append((name, theirs.status_code, told, kind))
            is_409 = mine.status_code == 409
            assert (
                name,
                mine.status_code,
                mine.data if is_409 else b"",
                mine.content_type if is_409 else "",
            ) == answers[-1]
    assert {status for _name, status, _told, _kind in answers} == {200, 400, 403, 404, 409, 422}


def test_a_board_with_both_as_witnesses(peer: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "board"
    with Board.create(folder, ORIGIN, KEY) as board:
        board.append_many([Submission("note.text", body_of(n)) for n in range(7)])
    with witness_at(tmp_path / "ours", "ours.example", [LOG]) as ours:
        assert ours.witness is not None
        with serving(create_witness_app(ours.witness)) as address:
            rows = [(ours.key.vkey, str(address)), (peer[1], peer[0])]
            text = "".join(f'[[witness]]\nvkey = "{vkey}"\nurl = "{url}"\n' for vkey, url in rows)
            (folder / WITNESSES).write_text(f"quorum = 2\n{text}", "ascii")
            assert cosign_once(folder, read_witness_settings(folder), timeout=20)
    with open_reader(folder) as reader:
        assert len(reader) == 7
        found = verify_quorum(reader.checkpoint_note(), read_witness_settings(folder).policy, board=LOG)
    assert {cosignature.key for cosignature in found} == {ours.key, parse_vkey(peer[1])}
