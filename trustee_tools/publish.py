"""Protocol T30: how a trustee's entry reaches the board, and how the trustee knows that it did (docs/spec/trustees.md).

Success is never taken on trust: after appending, the whole election is read and checked again, what was seen before
must still be there, and the entry must stand where the board said it would.
"""

from __future__ import annotations

from pathlib import Path

from trustee_tools.ceremony import Step
from trustee_tools.keystore import open_board_key
from trustee_tools.sources import Place, RemoteBoard, find_board, find_board_key, open_view
from voting.files import read_file
from voting.local_board import open_election_board
from voting.message_file import MAX_MESSAGE_FILE_BYTES, read_message_file
from voting.protocol.encoding import Hash
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, ProofError, UsageError

TRUSTEE_TYPES = (
    "trustee.joined",
    "trustee.committed",
    "trustee.dealt",
    "trustee.confirmed",
    "trustee.complained",
    "trustee.answered",
    "tally.share",
)
"""The entries that trustees make."""


def publish(path: Place, step: Step, *, board_key: Path | None, allow_toy: bool, size: int, head: Hash) -> int:
    """Protocol T30: append an entry, and read it back from the board.

    Args:
        path: a board's folder, an administrator's, or a board behind a web address.
        step: the entry.
        board_key: file of the board's key; None for the usual places. Not needed for an address.
        size, head: how many entries were seen before, and the hash of the last one's header.

    Returns:
        The number of the entry.

    Raises:
        UsageError: if there is no board at `path`.
        UrneError: if the board refuses the entry, cannot be written to, or its key is not found.
        ProofError: if the board does not show the entry afterwards, or not what it showed before.
    """
    if isinstance(path, RemoteBoard):
        seq = path.append(step.entry_type, step.body)
    else:
        seq = _append_here(path, step, board_key=board_key, allow_toy=allow_toy)
    with open_view(path, allow_toy=allow_toy) as view:
        if size and (view.size < size or view.header_hash(size - 1) != head):
            raise ProofError("the board no longer shows what it showed before", remedy="tell the other trustees")
        if seq >= view.size or view.read_body(seq) != step.body:
            raise ProofError("the board does not show your entry", where=f"entry {seq}", remedy="run the command again")
    return seq


def _append_here(path: Path, step: Step, *, board_key: Path | None, allow_toy: bool) -> int:
    folder = find_board(path)
    if folder is None:
        raise UsageError("is not a board, so nothing can be appended to it", where=str(path))
    key = open_board_key(board_key or find_board_key(folder))
    board, _ = open_election_board(folder, key, allow_toy=allow_toy)
    with board:
        return board.append(step.entry_type, step.body).seq


def read_message(path: Path) -> Step:
    """A trustee's entry from a message file (N7); its signature is for the board's rules to check.

    Raises:
        UnavailableError: if the file cannot be read.
        DecodeError: if it is no message file, or not of a trustee's entry.
    """
    what = str(path)
    entry_type, body = read_message_file(read_file(path, limit=MAX_MESSAGE_FILE_BYTES), what=what)
    if entry_type not in TRUSTEE_TYPES:
        raise DecodeError(f"holds an entry of type {entry_type!r}, which no trustee makes", where=what)
    parse_body(entry_type, body, what=what)
    return Step(entry_type, body)
