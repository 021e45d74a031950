"""What is known of the witnesses of an election's board: who signed last and when, and whether the quorum can be there.

It must not ask them, nor import flask.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from bulletin_board.cosignature_store import CosignatureStore, WitnessRow
from bulletin_board.reader import BoardReader
from voting.protocol.errors import Problem
from voting.protocol.manifest import Manifest
from voting.protocol.moment import format_moment
from voting.site.elections import HostedElection


class WitnessLine(NamedTuple):
    """One witness that the manifest names."""

    name: str
    vkey: str
    url: str
    """Where it is asked; empty if it is not."""
    size: int
    """Of the newest checkpoint that it signed."""
    signed: str | None
    """When, by its own clock."""
    asked: str | None
    problem: str
    """Why it did not sign when it was asked last; empty if it did, or was not asked yet."""


class WitnessesView(NamedTuple):
    """All of them."""

    lines: tuple[WitnessLine, ...]
    quorum: int
    tolerated: int
    """So many dishonest ones cannot make two boards look right."""
    published: int
    """Entries that the quorum has signed."""
    entries: int
    board: str
    """The board's key: what a witness must know to watch it."""

    @property
    def signing(self) -> int:
        """How many are asked and did not fail when they were asked last."""
        return sum(bool(line.url) and not line.problem for line in self.lines)


def view_witnesses(hosted: HostedElection, manifest: Manifest) -> WitnessesView | None:
    """The witnesses of an election; None if its manifest names none. Raises UnavailableError if it cannot be read."""
    if not manifest.witnesses:
        return None
    policy = manifest.witness_policy()
    with hosted.reader() as board, hosted.reader(unpublished=True) as whole:
        urls = {place.key.key.raw: str(place.url) for place in board.witnesses.witnesses}
        rows = _rows(board)
        lines = []
        for key in policy.keys:
            row = rows.get(key.key.raw)
            lines.append(
                WitnessLine(
                    name=key.name,
                    vkey=key.vkey,
                    url=urls.get(key.key.raw, ""),
                    size=row.size if row else 0,
                    signed=_moment(row.signed) if row else None,
                    asked=_moment(row.asked) if row else None,
                    problem=row.problem if row else "",
                )
            )
        return WitnessesView(tuple(lines), policy.quorum, policy.tolerated, len(board), len(whole), manifest.board)


def quorum_problems(hosted: HostedElection) -> list[Problem]:
    """Why voting should not open because of the witnesses: no voter would get a receipt."""
    found = view_witnesses(hosted, hosted.look(lambda record: record.require_manifest()))
    if found is None or found.signing >= found.quorum:
        return []
    return [Problem("witnesses", "the witnesses of the board do not sign it", "look at the page of the witnesses")]


def _rows(board: BoardReader) -> dict[bytes, WitnessRow]:
    """How asking them went, by their public keys."""
    store = CosignatureStore.find(board.folder)
    if store is None:
        return {}
    with store:
        found = (store.witness(place.key.key.raw) for place in board.witnesses.witnesses)
        return {row.key: row for row in found if row is not None}


def _moment(seconds: int) -> str | None:
    """POSIX seconds as a moment; None for 0, and for a time that no clock shows."""
    try:
        return format_moment(datetime.fromtimestamp(seconds, UTC)) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
