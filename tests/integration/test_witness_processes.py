"""A board and its witnesses as programs that talk over sockets: a receipt has its quorum; without it there is a 503."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bulletin_board.witness_settings import WITNESSES, read_witness_settings
from tests.strategies.boards import ORIGIN, ROOT
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file
from voting.protocol.tlog.witnesses import verify_quorum

PROGRAM = [sys.executable, "-m", "bulletin_board.cli"]


def run(*words: object) -> str:
    done = subprocess.run([*PROGRAM, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@contextmanager
def serving(*words: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A program that serves; its address is the first thing it says."""
    command = [*PROGRAM, *map(str, words), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_a_board_with_two_witnesses(tmp_path: Path) -> None:
    board = tmp_path / "board"
    log = parse_vkey(run("init", board, "--origin", ORIGIN))
    with ExitStack() as stack:
        rows, processes = [], []
        for number in (1, 2):
            folder = tmp_path / f"w{number}"
            vkey = run("witness", "init", folder, "--name", f"w{number}.example")
            run("witness", "watch", folder, log.vkey)
            address, process = stack.enter_context(serving("witness", "serve", folder))
            rows.append(f'[[witness]]\nvkey = "{vkey}"\nurl = "{address}"\n')
            processes.append(process)
        (board / WITNESSES).write_text("quorum = 2\n" + "".join(rows), "ascii")
        address, _process = stack.enter_context(serving("serve", board))

        def post(number: int) -> httpx.Response:
            content = b'{"attachment":null,"body":{"number":%d},"type":"note.text"}' % number
            kind = {"Content-Type": "application/json"}
            return httpx.post(f"{address}/log/entries", content=content, headers=kind, timeout=30)

        answer = post(1)
        assert answer.status_code == 201, answer.text
        receipt = read_receipt_file(answer.content)
        check_receipt(receipt, log)
        policy = read_witness_settings(board).policy
        verify_quorum(parse_receipt(receipt.proof.encode()).checkpoint, policy, board=log)
        processes[0].kill()
        processes[0].wait()
        missing = post(2)
        assert missing.status_code == 503
        assert missing.json()["error"]["code"] == "quorum"
        assert "QUORUM MISSING" in run("witnesses", board)
        checkpoint = httpx.get(f"{address}/log/checkpoint").content
        assert checkpoint.split(b"\n")[1] == b"1"
        assert "1 entries" in run("witness", "status", tmp_path / "w1")
