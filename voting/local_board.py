"""Protocol S: open the board of an election that lies on this machine, with the election's rules in front of it.

`bulletin_board` knows nothing of elections and `voting.election` nothing of boards: they meet here. Used by the
commands `urne` and `urne-trustee` and by the servers. It must not import them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bulletin_board.log import Board
from bulletin_board.outlived import Seen
from bulletin_board.reader import BoardReader
from voting.crypto.signatures import SigningKey
from voting.election.admission import ElectionAdmission
from voting.election.record import ElectionRecord
from voting.election.rules import apply
from voting.protocol.errors import UnavailableError, UrneError, VerificationError
from voting.protocol.tlog.header import parse_header


def open_election_board(
    folder: Path, key: SigningKey, *, allow_toy: bool = False, seen: Iterable[Seen] = ()
) -> tuple[Board, ElectionAdmission]:
    """Protocol S16: open a board for writing, and replay it into the rules that will admit new entries.

    The costly checks of entries that this board admitted before are not repeated.

    Args:
        folder: where the board is (`board.db` and `board.lock`).
        key: the board's own signing key.
        allow_toy: accept a group that is for tests only.
        seen: what others know of the board: it must extend all of that.

    Returns:
        The open board, to be closed by the caller, and its rules; `admission.record` is the state of the election.

    Raises:
        UnavailableError: if the board is missing, open for writing elsewhere, or holds what the rules refuse.
        OutlivedError: if others have seen more of it, or something else.
        ProofError, SignatureInvalid: if the board does not hold together.
    """
    board = Board.open(folder, key, seen=seen)
    try:
        admission = ElectionAdmission(board.body, allow_toy=allow_toy)
        for entry in board.entries():
            header = parse_header(entry.header_bytes, what=f"entry {entry.seq}")
            try:
                admission.replay(header, entry.body)
            except UrneError as error:
                raise _refused(folder, entry.seq, error) from error
        board.admission = admission
    except BaseException:
        board.close()
        raise
    return board, admission


def replay_record(board: BoardReader, *, allow_toy: bool = False) -> ElectionRecord:
    """Protocol S17: the state of the election on a board that is open for reading.

    Raises:
        UnavailableError: if the board holds an entry that the rules refuse.
    """
    record = ElectionRecord(allow_toy=allow_toy)
    for entry in board.entries():
        try:
            apply(record, parse_header(entry.header_bytes, what=f"entry {entry.seq}"), entry.body)
        except UrneError as error:
            raise _refused(board.folder, entry.seq, error) from error
    return record


def _refused(folder: Path, seq: int, error: UrneError) -> UnavailableError:
    remedy = ""
    if isinstance(error, VerificationError) and "for tests only" in error.reason:
        remedy = "give --allow-toy-group if this is a test"
    return UnavailableError(f"holds an entry {seq} that its rules refuse ({error})", where=str(folder), remedy=remedy)
