"""What the administrator's pages keep of an election besides its draft: who looked at the preview, what was rehearsed.

It must not import flask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from voting.protocol.encoding import Hash
from voting.protocol.errors import UnavailableError
from voting.site.election_store import ElectionStore

MAX_OPINIONS = 200
_changing = threading.Lock()


class Opinion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody said who looked at the preview."""

    name: str
    agrees: bool
    remark: str
    draft: Hash
    """Of which draft they said it."""
    time: str

    def __repr__(self) -> str:
        return f"<Opinion agrees={self.agrees}>"


class Preparation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it."""

    preview: str = ""
    """Unguessable part of the preview's address; empty while there is none."""
    opinions: tuple[Opinion, ...] = ()
    rehearsed: Hash | None = None
    """The draft whose rehearsal succeeded."""
    is_archived: bool = False


def read_preparation(text: str) -> Preparation:
    """From the store; an empty text is an empty preparation. Raises UnavailableError if it is damaged."""
    if not text:
        return Preparation()
    try:
        return msgspec.json.decode(text, type=Preparation)
    except (msgspec.DecodeError, ValueError):
        raise UnavailableError("cannot be read", where="the preparation of an election in site.db") from None


def change_preparation(store: ElectionStore, name: str, change: Callable[[Preparation], Preparation]) -> Preparation:
    """Change what is kept; changes of several people at once come one after the other."""
    with _changing:
        row = store.get(name)
        before = read_preparation(row.preparation if row else "")
        after = change(before)
        if after != before:
            store.save_preparation(name, msgspec.json.encode(after).decode("utf-8"))
    return after
