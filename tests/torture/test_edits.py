"""Faults 10 and 12: somebody edits the database, or cuts the log off and signs it again. Everybody outside notices.

What the recheck says of each edit is in tests/tamper/test_board_tamper.py; here is what others see.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulletin_board.client import BoardClient
from bulletin_board.copies_cli import cosigning
from bulletin_board.log import Board, Submission
from bulletin_board.mirror import EVIDENCE, Mirror
from bulletin_board.reader import open_reader
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from bulletin_board.witness import format_request
from bulletin_board.witness_store import DATABASE as WITNESS_DATABASE
from bulletin_board.witness_store import WitnessStore
from tests.simulators.web import ADDRESS, web_client
from tests.simulators.witnesses import witness_at
from tests.strategies.boards import KEY, ORIGIN, body_of
from tests.tamper.test_board_tamper import Edit, edit, lose_one, run, swap
from voting.protocol.errors import ProofError, UrneError
from voting.protocol.tlog.note import note_key
from voting.protocol.tlog.proof import verify_receipt

BOARD = note_key(ORIGIN, KEY.verify_key)
COUNT = 11


def make(folder: Path, size: int) -> Path:
    with Board.create(folder, ORIGIN, KEY) as board:
        board.append_many([Submission("note.text", body_of(n)) for n in range(size)])
        board.store.truncate_wal()
    return folder


def mirror(folder: Path, source: Path) -> None:
    with (
        FolderService(source, None) as service,
        web_client(create_board_app(service)) as web,
        Mirror(folder, web, ADDRESS) as opened,
    ):
        opened.update()


def read_all(client: BoardClient) -> list[bytes]:
    log = client.read()
    return list(client.bodies(log, 0, len(log.headers)))


@pytest.mark.parametrize(
    "change",
    [
        run("UPDATE body SET data = ? WHERE seq = 3", body_of(9999)),
        run("DELETE FROM body WHERE seq = 3"),
        swap("body", "data", 3, 4),
        swap("entry", "header", 3, 4),
        lose_one,
        run("UPDATE entry SET header = CAST(header || ' ' AS BLOB) WHERE seq = 3"),
    ],
    ids=["changed", "deleted", "bodies swapped", "headers swapped", "lost", "lengthened"],
)
def test_an_edited_board_convinces_nobody(tmp_path: Path, change: Edit) -> None:
    board = make(tmp_path / "board", COUNT)
    with open_reader(board) as reader:
        receipts = [(reader.header(seq), reader.receipt(seq)) for seq in range(COUNT)]
    edit(board, change)
    with pytest.raises(UrneError):
        Board.open(board, KEY)
    with pytest.raises(UrneError):
        mirror(tmp_path / "mirror", board)
    with (
        FolderService(board, None) as service,
        web_client(create_board_app(service)) as web,
        pytest.raises(UrneError),
    ):
        read_all(BoardClient(ADDRESS, web=web, key=BOARD))
    for header, receipt in receipts:
        assert verify_receipt(receipt, header, BOARD).size == COUNT


@pytest.mark.parametrize("cut", [1, 4, COUNT])
def test_a_log_that_was_cut_off_and_signed_again_is_refused_by_all_who_saw_more(tmp_path: Path, cut: int) -> None:
    board, shorter = make(tmp_path / "board", COUNT), make(tmp_path / "shorter", COUNT - cut)
    mirror(tmp_path / "mirror", board)
    with (
        witness_at(tmp_path / "witness", "w.example", [BOARD]) as one,
        WitnessStore.open(tmp_path / "witness" / WITNESS_DATABASE) as store,
    ):
        assert one.witness is not None
        with open_reader(board) as reader:
            cosigning(one.witness, store)(reader.checkpoint(), reader.checkpoint_note(), reader)
            seen = reader.checkpoint()
        with open_reader(shorter) as reader:
            note = reader.checkpoint_note()
        assert one.witness.add_checkpoint(format_request(0, (), note)).status == 409
        assert one.witness.add_checkpoint(format_request(COUNT, (), note)).status == 400
    with pytest.raises(ProofError, match=f"shows {COUNT - cut} entries, and had shown {COUNT}"):
        mirror(tmp_path / "mirror", shorter)
    assert [path.name.split("-")[0] for path in (tmp_path / "mirror" / EVIDENCE).iterdir()] == ["shrunk"]
    with (
        FolderService(shorter, None) as service,
        web_client(create_board_app(service)) as web,
        pytest.raises(ProofError, match=f"had signed {COUNT} before"),
    ):
        BoardClient(ADDRESS, web=web, key=BOARD, seen=seen).checkpoint()
