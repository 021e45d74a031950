"""Protocol S13: what an election waits for, and whose move it is (docs/spec/record.md, "Status").

`blocking_issues` decides from the record alone, so that the command line, the administrator's pages and the trustees
say the same. It must not import any command, board or web code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from voting.election.ceremony import Ceremony, TrusteeState
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.translations import text as _


class Issue(NamedTuple):
    """One thing that must happen next."""

    code: str
    """Stable, for machines: e.g. "trustee-join"."""
    who: str
    """Who must act, in words."""
    text: str
    """What must happen, as a sentence."""
    command: str = ""
    """The command that does it, with DIR for the election's folder; empty if there is none."""


def blocking_issues(record: ElectionRecord) -> list[Issue]:
    """Protocol S13: everything that stands between an election and its next phase; nothing when it is over."""
    return list(_ISSUES[record.phase](record))


def phase_name(phase: Phase) -> str:
    """The phase in words."""
    return {
        Phase.EMPTY: _("not defined yet"),
        Phase.SETUP: _("being set up"),
        Phase.OPEN: _("open for voting"),
        Phase.CLOSED: _("voting is closed"),
        Phase.TALLIED: _("the encrypted tally is made"),
        Phase.PUBLISHED: _("the result is published"),
        Phase.CANCELLED: _("cancelled"),
    }[phase]


def _administrator() -> str:
    return _("the administrator")


def _empty(record: ElectionRecord) -> Iterator[Issue]:
    yield Issue("define", _administrator(), _("Define the election."), "urne election new DIR MANIFEST")


def _setup(record: ElectionRecord) -> Iterator[Issue]:
    ceremony = record.require_ceremony()
    yield from _ceremony(ceremony)
    if not record.credentials:
        yield Issue(
            "credentials",
            _administrator(),
            _("Give the voters their codes."),
            "urne credentials DIR VOTERS.csv --out FOLDER",
        )
    if ceremony.complete and record.credentials:
        yield Issue("open", _administrator(), _("Open the voting: from then on nothing can change."), "urne open DIR")


def _ceremony(ceremony: Ceremony) -> Iterator[Issue]:
    if ceremony.failed is not None:
        number = ceremony.failed
        name = ceremony.trustees[number].name
        yield Issue(
            "ceremony-restart",
            _administrator(),
            _("{name} dealt a wrong share. Begin the ceremony anew without this trustee.", name=name),
            f"urne restart-ceremony DIR --exclude {number}",
        )
        return
    for dealer, recipient in sorted(key for key, state in ceremony.complaints.items() if state == "open"):
        names = ceremony.trustees
        yield Issue(
            "trustee-answer",
            names[dealer].name,
            _(
                "{dealer} must answer the complaint of {name} about a share.",
                dealer=names[dealer].name,
                name=names[recipient].name,
            ),
            "urne-trustee step DIR --key KEYFILE",
        )
    for trustee in ceremony.trustees.values():
        code = _missing_step(ceremony, trustee)
        if code:
            yield Issue(code, trustee.name, _STEPS[code](trustee.name), "urne-trustee step DIR --key KEYFILE")


_STEPS = {
    "trustee-join": lambda name: _("{name} must join the ceremony (round 1 of 4).", name=name),
    "trustee-commit": lambda name: _("{name} must publish commitments (round 2 of 4).", name=name),
    "trustee-deal": lambda name: _("{name} must deal shares to the others (round 3 of 4).", name=name),
    "trustee-confirm": lambda name: _("{name} must check the shares and confirm the key (round 4 of 4).", name=name),
}


def _missing_step(ceremony: Ceremony, trustee: TrusteeState) -> str:
    """The step of the current round that this trustee has not made; "" if they wait for others."""
    if not ceremony.all_joined:
        return "" if trustee.signing_key is not None else "trustee-join"
    if not ceremony.all_committed:
        return "" if trustee.commitments else "trustee-commit"
    if not ceremony.all_dealt:
        return "" if trustee.sealed_shares else "trustee-deal"
    has_complaint = any(state == "open" and who == trustee.index for (_d, who), state in ceremony.complaints.items())
    return "" if trustee.confirmed or has_complaint else "trustee-confirm"


def _open(record: ElectionRecord) -> Iterator[Issue]:
    yield Issue(
        "close",
        _administrator(),
        _("Voting goes on. Close it when the time is over; no ballot is accepted afterwards."),
        "urne close DIR",
    )


def _closed(record: ElectionRecord) -> Iterator[Issue]:
    yield Issue("tally", _administrator(), _("Make the encrypted tally of the ballots that count."), "urne tally DIR")


def _tallied(record: ElectionRecord) -> Iterator[Issue]:
    missing = record.require_manifest().threshold - len(record.shares)
    if missing > 0:
        waiting = [
            trustee.name
            for index, trustee in sorted(record.require_ceremony().trustees.items())
            if index not in record.shares
        ]
        yield Issue(
            "decrypt",
            ", ".join(waiting),
            _("{count} more of these trustees must decrypt: {names}.", count=missing, names=", ".join(waiting)),
            "urne-trustee decrypt DIR --key KEYFILE",
        )
    else:
        yield Issue("result", _administrator(), _("Combine the shares and publish the result."), "urne result DIR")


def _over(record: ElectionRecord) -> Iterator[Issue]:
    yield from ()


_ISSUES = {
    Phase.EMPTY: _empty,
    Phase.SETUP: _setup,
    Phase.OPEN: _open,
    Phase.CLOSED: _closed,
    Phase.TALLIED: _tallied,
    Phase.PUBLISHED: _over,
    Phase.CANCELLED: _over,
}
