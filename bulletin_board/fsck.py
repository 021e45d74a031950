"""Protocol L11: recheck a whole board from its bytes (docs/spec/log.md, "Recheck").

Everything that can be computed is computed again: the chain of headers, the bodies' hashes, every node of the tree, and
every signed checkpoint. The first fault is named by its place.
"""

from __future__ import annotations

from bulletin_board.reader import BoardReader
from bulletin_board.store import CheckpointRow, FullRow
from voting.protocol.encoding import ZERO_HASH, Hash, require_canonical, sha256
from voting.protocol.errors import DecodeError, ProofError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.header import check_body, check_link, parse_header
from voting.protocol.tlog.merkle import Frontier


def verify_board(board: BoardReader, *, signatures: bool = False) -> None:
    """Protocol L11a: recheck a board, as far as its newest checkpoint and beyond.

    Args:
        board: entries that another process appends meanwhile may be left out.
        signatures: check the signature of every checkpoint, not only of the newest. The texts are always checked.

    Raises:
        ProofError: naming the first fault; also where something is malformed.
        SignatureInvalid: for a checkpoint that the board's key did not sign.
        UnavailableError: if the file cannot be read at all.
    """
    faults = board.store.faults()
    if faults:
        raise ProofError(f"SQLite finds its file damaged: {faults[0]}", where="the database")
    newest = board.store.checkpoint()
    if newest is None or (board.store.checkpoint(0) is None and not board.is_mirror):
        raise ProofError("the first or the newest checkpoint is missing", where="the database")
    try:
        _verify_entries(board, newest, signatures)
    except DecodeError as error:
        raise ProofError(error.problem, where=error.where) from None


def _verify_entries(board: BoardReader, newest: CheckpointRow, signatures: bool) -> None:
    store = board.store
    size = newest.size
    frontier = Frontier()
    prev = ZERO_HASH
    nodes = 0
    due = store.next_checkpoint(0)
    rows = store.full_entries(0, size)
    while True:
        if due is not None and due.size == frontier.size:
            _verify_checkpoint(board, due, frontier, signatures or due.size == size)
            due = store.next_checkpoint(due.size + 1)
        row = next(rows, None)
        if row is None:
            break
        if row.seq != frontier.size:
            raise ProofError("is missing", where=f"entry {frontier.size}")
        prev = _verify_entry(row, prev)
        for node in frontier.append(row.header):
            nodes += 1
            if store.find_node(node.level, node.position) != node.hash:
                raise ProofError("does not fit the stored tree", where=f"entry {row.seq}")
    if frontier.size != size:
        raise ProofError(f"is missing, though a checkpoint of size {size} was signed", where=f"entry {frontier.size}")
    if store.size() == size:
        _verify_counts(board, size, nodes)
    elif store.checkpoint() == newest:
        raise ProofError("no checkpoint covers it", where=f"entry {size}")


def _verify_entry(row: FullRow, prev: Hash) -> Hash:
    where = f"entry {row.seq}"
    header = parse_header(row.header, what=f"{where}, header")
    check_link(header, seq=row.seq, prev=prev)
    if row.body is None:
        raise ProofError("has no body", where=where)
    check_body(header, row.body)
    require_canonical(row.body, what=f"{where}, body")
    if row.hint is not None:
        require_canonical(row.hint, what=f"{where}, attachment")
    if row.id.hex() != header.body or row.type != header.type:
        raise ProofError("is filed under another type or hash than its header names", where=where)
    return sha256(row.header)


def _verify_checkpoint(board: BoardReader, row: CheckpointRow, frontier: Frontier, signed: bool) -> None:
    where = f"checkpoint {row.size}"
    expected = Checkpoint(board.origin, frontier.size, frontier.root())
    if row.root != expected.root or not row.note.startswith(expected.text + b"\n"):
        raise ProofError("does not name the root of the entries before it", where=where)
    if signed:
        open_checkpoint(row.note, board.key, what=where)


def _verify_counts(board: BoardReader, size: int, nodes: int) -> None:
    """No rows beyond those that were looked at."""
    for table, expected in (("entry", size), ("body", size), ("node", nodes)):
        found = board.store.count(table)
        if found != expected and board.store.size() == size:
            raise ProofError(f"holds {found} rows instead of {expected}", where=f"table {table}")
