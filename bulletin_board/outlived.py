"""Protocol L19: a board that others have outlived must not go on (docs/spec/log.md, "Old copies").

A board that was restored from an old copy, and signs new entries, makes a second history: whoever holds a receipt for
the first one can prove it. So before a board is opened for writing it is compared with what others have seen of it:
witnesses, mirrors, a checkpoint that somebody kept, and its own notes of what witnesses signed.

This module asks nobody (see `bulletin_board.last_seen`) and must not know what entries mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bulletin_board.cosignature_store import CosignatureStore
from bulletin_board.errors import OutlivedError
from bulletin_board.files import write_whole
from bulletin_board.reader import BoardReader
from voting.protocol.errors import UnavailableError
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.merkle import tree_root

RESTORED = "restored"
"""A file of this name beside a board says that it comes from a copy, or was damaged so that its last entries may be
missing: until it is known that nobody saw more."""
RESUMED = "resumed"
"""A file of this name says that a copy became the board: it holds the checkpoint at which."""

_REMEDY = "do not go on with it: restore the newest copy, or a mirror's, and keep what was seen as evidence"


class Seen(NamedTuple):
    """A state of the board that somebody has seen, signed by the board, and who that is."""

    checkpoint: Checkpoint
    source: str


def require_not_outlived(board: BoardReader, seen: Iterable[Seen]) -> None:
    """Protocol L19a: check that a board extends all that was seen of it.

    Args:
        board: with all that it signed, published or not.
        seen: checkpoints whose signatures were checked. What witnesses signed, by the board's own notes, is added.

    Raises:
        OutlivedError: if it does not.
    """
    size = board.store.size()
    for checkpoint, source in (*seen, *_cosigned(board)):
        where = str(board.folder)
        if checkpoint.origin != board.origin:
            raise OutlivedError(f"is {board.origin}, but {source} is of {checkpoint.origin}", where=where)
        if checkpoint.size > size:
            raise OutlivedError(
                f"has {size} entries, but {source} has seen {checkpoint.size} that it had signed",
                where=where,
                remedy=_REMEDY,
            )
        if tree_root(checkpoint.size, board.store.node) != checkpoint.root:
            raise OutlivedError(
                f"has other first {checkpoint.size} entries than {source} has seen", where=where, remedy=_REMEDY
            )


def require_taken_over(board: BoardReader, *, is_compared: bool) -> None:
    """Protocol L19b: a copy may be written to only after it was compared with what somebody else saw.

    Args:
        is_compared: that it was, and extends it. This is then written down.

    Raises:
        OutlivedError: if it is a copy, and was not.
    """
    mark, resumed = board.folder / RESTORED, board.folder / RESUMED
    if not mark.exists() and (not board.is_mirror or resumed.exists()):
        return
    if not is_compared:
        raise OutlivedError(
            "is a copy, or was damaged, and nothing shows that it is the newest state",
            where=str(board.folder),
            remedy="compare it with a mirror, a witness or a kept checkpoint: see urne-board resume --help",
        )
    write_whole(resumed, board.checkpoint_note())
    try:
        mark.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot be removed ({error.strerror})", where=str(mark)) from None


def _cosigned(board: BoardReader) -> Iterator[Seen]:
    """What the board itself has written down of its witnesses: that file may be newer than the board's."""
    store = CosignatureStore.find(board.folder)
    if store is None:
        return
    try:
        for _size, rows in store.by_size():
            for row in rows:
                yield Seen(Checkpoint(board.origin, row.size, row.root), "a witness, by the board's own notes,")
    finally:
        store.close()
