"""What the public pages say of an election, read from its board as frozen facts (docs/architecture.md).

`Overview` is taken from the live record in one look. `Glance` needs only the newest headers of a board, so that the
list of all elections does not replay them. It must not import flask.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from voting.election.phases import ALLOWED, LEADS_TO, Phase
from voting.election.record import ElectionRecord
from voting.protocol.encoding import Hash
from voting.protocol.entries import parse_body
from voting.protocol.errors import UrneError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import (
    ElectionCancelled,
    ElectionClosed,
    ElectionDefined,
    ElectionNotice,
    ElectionOpened,
    ElectionResult,
    TallyEncrypted,
)
from voting.protocol.tlog.header import parse_header
from voting.site.elections import Elections, HostedElection

PSEUDONYM_CHARACTERS = 10
"""So much of a credential's key is shown where its owner only has to recognise it; the booth shows the same."""
NOTICE = "election.notice"
_CHUNK = 64


class Overview(NamedTuple):
    """One election as its pages need it."""

    name: str
    manifest: Manifest
    phase: Phase
    election: Hash | None
    opened: ElectionOpened | None
    closes: str | None
    """Announced end of voting."""
    closed: ElectionClosed | None
    cancelled: ElectionCancelled | None
    notices: tuple[ElectionNotice, ...]
    credentials: int
    weight: int
    """Of all credentials."""
    ballots: int
    """Ballots on the board, replaced ones included."""
    voters: int
    """Credentials that have cast a ballot."""
    weight_voted: int
    shares: tuple[int, ...]
    """Trustees whose share of the decryption is there."""
    tally: TallyEncrypted | None
    result: ElectionResult | None

    @property
    def path(self) -> str:
        """The path of the election's page."""
        return f"/e/{self.name}"

    @property
    def is_weighted(self) -> bool:
        """Whether some votes count more than others."""
        return self.weight != self.credentials


class Glance(NamedTuple):
    """An election in the list of all."""

    name: str
    manifest: Manifest
    phase: Phase
    time: str | None
    """Of the opening (announced), the end of voting, or the end of the election, as the phase has it."""

    @property
    def path(self) -> str:
        return f"/e/{self.name}"


class PublicSite:
    """The elections of a site, as the public may see them."""

    def __init__(self, elections: Elections, cache: Path, *, is_listed: Callable[[str], bool] = lambda _name: True):
        """
        Args:
            cache: folder for records that were asked for; made when it is needed.
            is_listed: whether the election of this name is shown in the list of all.
        """
        self.elections = elections
        self.cache = cache
        self._is_listed = is_listed

    def get(self, name: str) -> HostedElection:
        """One election. Raises UsageError if there is none."""
        return self.elections.get(name)

    def overview(self, name: str) -> Overview:
        """The facts of one election. Raises UsageError if there is none, UnavailableError if it cannot be read."""

        def read(record: ElectionRecord) -> Overview:
            return _overview(name, record, record.register.counted_weight)

        return self.get(name).look(read)

    def glances(self) -> list[Glance]:
        """All elections that are listed: those that are open first. One that cannot be read is left out."""
        found = []
        for name in self.elections.names():
            if self._is_listed(name):
                try:
                    found.append(self._glance(name))
                except UrneError:
                    continue
        latest_first = sorted(found, key=lambda glance: glance.time or "", reverse=True)
        return sorted(latest_first, key=lambda glance: _ORDER[glance.phase])

    def _glance(self, name: str) -> Glance:
        with self.get(name).reader(unpublished=True) as board:
            manifest = defined_manifest(board.body(0))
            position = len(board)
            while position > 0:
                start = max(position - _CHUNK, 0)
                for header in map(parse_header, reversed(list(board.headers(start, position)))):
                    phase = phase_after(header.type)
                    if phase is not None:
                        return Glance(name, manifest, phase, self._time(name, manifest, phase, board.body, header.seq))
                position = start
        return Glance(name, manifest, Phase.SETUP, None)

    def _time(
        self, name: str, manifest: Manifest, phase: Phase, read_body: Callable[[int], bytes], seq: int
    ) -> str | None:
        match phase:
            case Phase.SETUP:
                return manifest.schedule.opens if manifest.schedule else None
            case Phase.OPEN:
                return self.get(name).look(lambda record: record.closes)
            case Phase.PUBLISHED | Phase.CANCELLED:
                type_ = "election.result" if phase is Phase.PUBLISHED else "election.cancelled"
                time: str = parse_body(type_, read_body(seq), what=f"entry {seq}").content.time
                return time
        return None


_ORDER = {
    phase: position
    for position, phase in enumerate(
        (Phase.OPEN, Phase.SETUP, Phase.CLOSED, Phase.TALLIED, Phase.PUBLISHED, Phase.CANCELLED, Phase.EMPTY)
    )
}


def phase_after(entry_type: str) -> Phase | None:
    """The phase that an election is in when its newest entry has this type; None if it may be any (a notice)."""
    if entry_type in LEADS_TO:
        return LEADS_TO[entry_type]
    allowed = ALLOWED.get(entry_type, frozenset())
    return next(iter(allowed)) if len(allowed) == 1 else None


def defined_manifest(body: bytes) -> Manifest:
    """The manifest in the body of the first entry."""
    content: ElectionDefined = parse_body("election.defined", body, what="entry 0").content
    return content.manifest


def pseudonym(credential: str) -> str:
    """The short form of a credential's key."""
    return credential[:PSEUDONYM_CHARACTERS]


def _overview(name: str, record: ElectionRecord, weight_voted: int) -> Overview:
    opened = record.opened
    return Overview(
        name=name,
        manifest=record.require_manifest(),
        phase=record.phase,
        election=record.election,
        opened=opened,
        closes=record.closes,
        closed=record.closed,
        cancelled=record.cancelled,
        notices=tuple(record.notices),
        credentials=opened.voters if opened else len(record.credentials),
        weight=opened.weight if opened else record.weight,
        ballots=len(record.ballots),
        voters=len(record.last_ballot),
        weight_voted=weight_voted,
        shares=tuple(sorted(record.shares)),
        tally=record.tally,
        result=record.result,
    )
