"""Protocol S: the phases of an election and what may happen in each (docs/spec/record.md)."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where an election stands."""

    EMPTY = "empty"
    SETUP = "setup"
    OPEN = "open"
    CLOSED = "closed"
    TALLIED = "tallied"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


ALLOWED: dict[str, frozenset[Phase]] = {
    "election.defined": frozenset({Phase.EMPTY}),
    "trustee.joined": frozenset({Phase.SETUP}),
    "trustee.committed": frozenset({Phase.SETUP}),
    "trustee.dealt": frozenset({Phase.SETUP}),
    "trustee.confirmed": frozenset({Phase.SETUP}),
    "trustee.complained": frozenset({Phase.SETUP}),
    "trustee.answered": frozenset({Phase.SETUP}),
    "trustee.restarted": frozenset({Phase.SETUP}),
    "credentials.listed": frozenset({Phase.SETUP}),
    "election.opened": frozenset({Phase.SETUP}),
    "ballot.cast": frozenset({Phase.OPEN}),
    "election.extended": frozenset({Phase.OPEN}),
    "election.closed": frozenset({Phase.OPEN}),
    "tally.encrypted": frozenset({Phase.CLOSED}),
    "tally.share": frozenset({Phase.TALLIED}),
    "election.result": frozenset({Phase.TALLIED}),
    "election.notice": frozenset(Phase) - {Phase.EMPTY},
    "election.cancelled": frozenset({Phase.SETUP, Phase.OPEN, Phase.CLOSED, Phase.TALLIED}),
}
"""Protocol S1: entry type -> phases in which it may be appended."""

LEADS_TO: dict[str, Phase] = {
    "election.defined": Phase.SETUP,
    "election.opened": Phase.OPEN,
    "election.closed": Phase.CLOSED,
    "tally.encrypted": Phase.TALLIED,
    "election.result": Phase.PUBLISHED,
    "election.cancelled": Phase.CANCELLED,
}
"""Protocol S2: entry types that end a phase -> the phase that follows."""
