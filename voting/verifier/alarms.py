"""Protocol V17: what a monitor tells: nothing, or one line for each thing that is wrong.

`SCHEMA` changes when a field changes its meaning or goes away; new fields may come without that.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from voting import __version__
from voting.election.phases import Phase
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.text import encode_base64
from voting.translations import text as _
from voting.verifier.booth import BoothDifference
from voting.verifier.findings import Cause, Status
from voting.verifier.report import CheckReport
from voting.verifier.report_text import MOST_FINDINGS, clean

SCHEMA = "urne-monitor-1"


class Kind(StrEnum):
    """What may be wrong."""

    SPLIT_VIEW = "split view"
    """The board shows two lists at one time, or signed two of one length."""
    REWRITTEN = "rewritten"
    """It signed a list that does not begin with one that it had signed before."""
    SHRUNK = "shrunk"
    """It shows fewer entries than it had signed before."""
    UNPROVEN = "unproven"
    """It does not prove that it extends what it had signed before, and perhaps does not."""
    VANISHED = "vanished entry"
    UNSIGNED = "unsigned"
    """Its newest checkpoint is not signed by the board's key."""
    CHECK_FAILED = "check failed"
    NOT_CHECKED = "not checked"
    """A check could not be made."""
    BOOTH = "changed booth file"
    SILENT = "no answer"
    """Several visits in a row have come to nothing."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    kind: Kind
    text: str
    """One line, in the language of the reader."""
    check: str = ""
    rule: str = ""
    """What the check demands."""
    entry: int | None = None
    tracker: str = ""
    """The ballot's, if it is about one."""
    expected: str = ""
    found: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one visit of a monitor."""

    schema: str = SCHEMA
    program: str = f"urne {__version__}"
    address: str
    exit_code: int
    """0 nothing is wrong, 1 something is, 3 the visit came to nothing."""
    size: int
    """Entries of the newest checkpoint at which nothing was wrong."""
    phase: Phase
    new_entries: int
    unanswered: int
    """How many visits in a row have come to nothing."""
    reason: str = ""
    """Why the visit came to nothing; empty if it did not."""
    evidence: str = ""
    """The file that convicts the board; empty if there is none."""
    silent_mirrors: tuple[str, ...] = ()
    """Addresses to compare with that did not answer."""
    alarms: tuple[Alarm, ...] = ()


def two_histories(kind: Kind, place: str, known: Checkpoint, shown: Checkpoint) -> Alarm:
    """The board contradicts what it had signed."""
    match kind:
        case Kind.SPLIT_VIEW if known.size != shown.size:
            text = _(
                "{place}: SPLIT VIEW: its {found} entries do not agree with the {count} that the board shows elsewhere",
                place=place,
                found=shown.size,
                count=known.size,
            )
        case Kind.SPLIT_VIEW:
            text = _(
                "{place}: SPLIT VIEW: the board has signed two different lists of {count} entries",
                place=place,
                count=known.size,
            )
        case Kind.SHRUNK:
            text = _(
                "{place}: SHRUNK: the board shows {found} entries, and had signed {count}",
                place=place,
                found=shown.size,
                count=known.size,
            )
        case Kind.REWRITTEN:
            text = _(
                "{place}: REWRITTEN: the board has signed {count} entries, and {found} that do not agree with them",
                place=place,
                count=known.size,
                found=shown.size,
            )
        case _:
            text = _(
                "{place}: UNPROVEN: the board does not prove that its {found} entries begin with the {count} that it"
                " had signed",
                place=place,
                found=shown.size,
                count=known.size,
            )
    expected, found = (f"{point.size} {encode_base64(point.root)}" for point in (known, shown))
    return Alarm(kind=kind, text=text, check="21", expected=expected, found=found)


def vanished(place: str, entry: int, entry_type: str, tracker: str) -> Alarm:
    """An entry that was seen is no longer there."""
    if tracker:
        text = _("{place}: VANISHED: entry {entry}, the ballot {tracker}", place=place, entry=entry, tracker=tracker)
    else:
        text = _("{place}: VANISHED: entry {entry} ({type})", place=place, entry=entry, type=entry_type)
    return Alarm(kind=Kind.VANISHED, text=text, check="21", entry=entry, tracker=tracker)


def more_vanished(place: str, count: int) -> Alarm:
    """So many more entries are gone."""
    return Alarm(kind=Kind.VANISHED, text=_("{place}: VANISHED: {count} more entries", place=place, count=count))


def unsigned(place: str) -> Alarm:
    """The newest checkpoint is not the board's."""
    text = _("{place}: UNSIGNED: the newest checkpoint is not signed by the board's key", place=place)
    return Alarm(kind=Kind.UNSIGNED, text=text, check="03")


def silence(place: str, count: int, reason: str) -> Alarm:
    """Several visits in a row have come to nothing."""
    text = _("{place}: NO ANSWER at {count} visits in a row: {reason}", place=place, count=count, reason=clean(reason))
    return Alarm(kind=Kind.SILENT, text=text)


def booth_alarm(place: str, difference: BoothDifference) -> Alarm:
    """A file of the booth is not what the opening names."""
    text = _(
        "{place}: CHANGED BOOTH: {url}: {reason}",
        place=place,
        url=clean(difference.url),
        reason=clean(_(difference.reason)),
    )
    return Alarm(kind=Kind.BOOTH, text=text, expected=difference.expected, found=difference.found or "")


def check_alarms(place: str, checks: tuple[CheckReport, ...]) -> Iterator[Alarm]:
    """One line for each finding of a failed check; those that could not be made, if none failed."""
    for check in checks:
        if check.status is not Status.FAILED:
            continue
        for finding in check.findings[:MOST_FINDINGS]:
            text = _(
                "{place}: CHECK {check} FAILED: {finding}", place=place, check=check.id, finding=clean(str(finding))
            )
            yield Alarm(
                kind=Kind.CHECK_FAILED,
                text=text,
                check=check.id,
                rule=check.rule,
                entry=finding.entry,
                tracker=finding.tracker,
                expected=finding.expected,
                found=finding.found,
            )
        if len(check.findings) > MOST_FINDINGS:
            count = len(check.findings) - MOST_FINDINGS
            text = _("{place}: CHECK {check} FAILED: {count} more", place=place, check=check.id, count=count)
            yield Alarm(kind=Kind.CHECK_FAILED, text=text, check=check.id, rule=check.rule)
    if any(check.status is Status.FAILED for check in checks):
        return
    for check in checks:
        if check.status is Status.NOT_RUN and check.cause is not Cause.NOT_YET:
            text = _(
                "{place}: CHECK {check} NOT MADE: {reason}", place=place, check=check.id, reason=clean(_(check.reason))
            )
            yield Alarm(kind=Kind.NOT_CHECKED, text=text, check=check.id, rule=check.rule)
