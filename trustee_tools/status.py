"""Protocol T26: whose move it is, from the record alone (docs/spec/trustees.md, "Status").

Pure: the record in, the situation out. How it is told is in `trustee_tools.status_text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from trustee_tools.ceremony import TrusteeSecrets, faulty_dealers
from voting.election.ceremony import Ceremony
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import valid_factors

STEPS = 8


class Act(StrEnum):
    """What a trustee can have to do."""

    JOIN = "join"
    COMMIT = "commit"
    DEAL = "deal"
    ANSWER = "answer"
    COMPLAIN = "complain"
    CONFIRM = "confirm"
    DECRYPT = "decrypt"


class Stage(StrEnum):
    """Where an election stands, as trustees see it, in order but for `failed` and `cancelled`."""

    JOINING = "joining"
    COMMITTING = "committing"
    DEALING = "dealing"
    CONFIRMING = "confirming"
    FAILED = "failed"
    READY = "ready"
    VOTING = "voting"
    CLOSED = "closed"
    DECRYPTING = "decrypting"
    DECRYPTED = "decrypted"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


STEP_OF = {
    Stage.JOINING: 1,
    Stage.COMMITTING: 2,
    Stage.DEALING: 3,
    Stage.CONFIRMING: 4,
    Stage.FAILED: 4,
    Stage.READY: 5,
    Stage.VOTING: 6,
    Stage.CLOSED: 7,
    Stage.DECRYPTING: 7,
    Stage.DECRYPTED: 8,
    Stage.PUBLISHED: 8,
    Stage.CANCELLED: 8,
}
"""Stage -> its number among `STEPS`."""

_BEGAN_BY = {
    Stage.COMMITTING: "trustee.joined",
    Stage.DEALING: "trustee.committed",
    Stage.CONFIRMING: "trustee.dealt",
    Stage.FAILED: "trustee.answered",
    Stage.READY: "trustee.confirmed",
    Stage.VOTING: "election.opened",
    Stage.CLOSED: "election.closed",
    Stage.DECRYPTING: "tally.encrypted",
    Stage.DECRYPTED: "tally.share",
    Stage.PUBLISHED: "election.result",
    Stage.CANCELLED: "election.cancelled",
}


class Situation(NamedTuple):
    """Whose move it is."""

    stage: Stage
    duties: Mapping[int, Act]
    """Trustee -> what they have to do now. Nobody: the administrator, or the voters, are next."""
    missing: int
    """While decrypting: how many more valid shares are needed."""
    since: str
    """When this stage began: time of the entry that began it, UTC."""


class Move(NamedTuple):
    """What one trustee does next; `act` is None if there is nothing to do now."""

    act: Act | None
    others: tuple[int, ...] = ()
    """COMPLAIN: the dealers; ANSWER: the trustees who complained."""


def situation(record: ElectionRecord, latest: Mapping[str, str]) -> Situation:
    """Protocol T26: where the election stands and who has to act.

    Args:
        record: replayed; there must be a manifest.
        latest: entry type -> time in the newest entry of that type.
    """
    duties: dict[int, Act] = {}
    missing = 0
    ceremony = record.require_ceremony()
    if record.phase is Phase.SETUP:
        stage, duties = _ceremony_situation(ceremony)
    elif record.phase is Phase.OPEN:
        stage = Stage.VOTING
    elif record.phase is Phase.CLOSED:
        stage = Stage.CLOSED
    elif record.phase is Phase.TALLIED:
        missing = max(0, ceremony.manifest.threshold - len(valid_factors(record)))
        stage = Stage.DECRYPTING if missing else Stage.DECRYPTED
        if missing:
            duties = {index: Act.DECRYPT for index in sorted(ceremony.trustees) if index not in record.shares}
    else:
        stage = Stage.PUBLISHED if record.phase is Phase.PUBLISHED else Stage.CANCELLED
    if stage is Stage.JOINING:
        since = latest.get("trustee.restarted") or latest["election.defined"]
    else:
        since = latest.get(_BEGAN_BY[stage], "")
    return Situation(stage, duties, missing, since)


def next_move(record: ElectionRecord, secrets: TrusteeSecrets) -> Move:
    """Protocol T27: what the trustee with these keys does next. Opens the shares dealt to them, once all have dealt."""
    ceremony = record.require_ceremony()
    index = secrets.index
    if record.phase is Phase.TALLIED:
        is_missing = index in ceremony.trustees and index not in record.shares
        return Move(Act.DECRYPT if is_missing else None)
    if record.phase is not Phase.SETUP:
        return Move(None)
    duty = _ceremony_situation(ceremony)[1].get(index)
    if duty is Act.ANSWER:
        return Move(duty, tuple(sorted(who for dealer, who in _open_complaints(ceremony) if dealer == index)))
    if duty is Act.CONFIRM:
        dealers = tuple(dealer for dealer in faulty_dealers(secrets, ceremony) if dealer != index)
        return Move(Act.COMPLAIN, dealers) if dealers else Move(duty)
    return Move(duty)


def _ceremony_situation(ceremony: Ceremony) -> tuple[Stage, dict[int, Act]]:
    trustees = ceremony.trustees
    if ceremony.failed is not None:
        return Stage.FAILED, {}
    if not ceremony.all_joined:
        return Stage.JOINING, {index: Act.JOIN for index, t in trustees.items() if t.signing_key is None}
    if not ceremony.all_committed:
        return Stage.COMMITTING, {index: Act.COMMIT for index, t in trustees.items() if not t.commitments}
    if not ceremony.all_dealt:
        return Stage.DEALING, {index: Act.DEAL for index, t in trustees.items() if not t.sealed_shares}
    if ceremony.complete:
        return Stage.READY, {}
    complaints = _open_complaints(ceremony)
    complaining = {who for _, who in complaints}
    duties = {index: Act.CONFIRM for index, t in trustees.items() if not t.confirmed and index not in complaining}
    duties.update({dealer: Act.ANSWER for dealer, _ in complaints})
    return Stage.CONFIRMING, dict(sorted(duties.items()))


def _open_complaints(ceremony: Ceremony) -> list[tuple[int, int]]:
    return sorted(pair for pair, state in ceremony.complaints.items() if state == "open")
