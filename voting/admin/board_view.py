"""What the administrator's pages show of an election's board: plain frozen data, read between two changes.

It must not import flask or any page.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.admin.checklist import Move
from voting.election.ceremony import Ceremony, TrusteeState
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.issues import blocking_issues
from voting.protocol.encoding import Hash
from voting.protocol.manifest import Manifest
from voting.protocol.messages import ElectionNotice, ElectionResult
from voting.site.elections import HostedElection

ROUNDS = ("trustee.joined", "trustee.committed", "trustee.dealt", "trustee.confirmed")


class TrusteeLine(NamedTuple):
    """One trustee in the table of the ceremony."""

    number: int
    name: str
    times: tuple[str, ...]
    """When each of the four rounds was done; "" for those that were not."""
    is_excluded: bool
    is_moving: bool
    """Whether it is this trustee's move."""
    has_decrypted: bool
    complaint: str
    """"complained", "accused", "guilty" or ""."""

    @property
    def last_seen(self) -> str:
        """When this trustee did something last; "" if never."""
        return max(self.times)


class BoardView(NamedTuple):
    """What the pages show of a board."""

    phase: Phase
    manifest: Manifest
    election: Hash | None
    attempt: int
    """Number of the ceremony, from 1."""
    trustees: tuple[TrusteeLine, ...]
    moves: tuple[Move, ...]
    failed: str
    """Who dealt a wrong share."""
    is_key_made: bool
    listed: int
    weight: int
    voted: int
    cast: int
    closes: str | None
    tally_weight: int | None
    shares: tuple[int, ...]
    result: ElectionResult | None
    notices: tuple[ElectionNotice, ...]
    cancelled: str | None
    """The reason."""
    entries: int


def view_board(hosted: HostedElection) -> BoardView:
    """The board as it is now. Raises UnavailableError if it cannot be opened."""
    return hosted.look(_view)


def _view(record: ElectionRecord) -> BoardView:
    ceremony = record.require_ceremony()
    manifest = record.require_manifest()
    codes = {"trustee-join", "trustee-commit", "trustee-deal", "trustee-confirm", "trustee-answer"}
    moves = tuple(Move(issue.who, issue.text) for issue in blocking_issues(record) if issue.code in codes)
    return BoardView(
        phase=record.phase,
        manifest=manifest,
        election=record.election,
        attempt=ceremony.attempt,
        trustees=tuple(
            _line(record, ceremony, index, info.name, {move.name for move in moves})
            for index, info in enumerate(manifest.trustees, start=1)
        ),
        moves=moves,
        failed=ceremony.trustees[ceremony.failed].name if ceremony.failed is not None else "",
        is_key_made=ceremony.complete,
        listed=len(record.credentials),
        weight=record.weight,
        voted=len(record.last_ballot),
        cast=len(record.ballots),
        closes=record.closes,
        tally_weight=record.tally.weight if record.tally else None,
        shares=tuple(sorted(record.shares)),
        result=record.result,
        notices=tuple(record.notices),
        cancelled=record.cancelled.reason if record.cancelled else None,
        entries=record.entries,
    )


def _line(record: ElectionRecord, ceremony: Ceremony, index: int, name: str, moving: set[str]) -> TrusteeLine:
    state = ceremony.trustees.get(index) or TrusteeState(index, name)
    complaint = ""
    if ceremony.failed == index:
        complaint = "guilty"
    elif any(dealer == index and what == "open" for (dealer, _who), what in ceremony.complaints.items()):
        complaint = "accused"
    elif any(who == index and what == "open" for (_dealer, who), what in ceremony.complaints.items()):
        complaint = "complained"
    return TrusteeLine(
        number=index,
        name=name,
        times=tuple(state.times.get(kind, "") for kind in ROUNDS),
        is_excluded=index in ceremony.excluded,
        is_moving=name in moving and record.phase is Phase.SETUP and index not in ceremony.excluded,
        has_decrypted=index in record.shares,
        complaint=complaint,
    )
