"""What stands between an election and its next stage, for its administrator: one pure function.

`blocking_issues` decides from `ElectionState` alone. The election's page shows all of it, and the first of it as "Next
step"; freezing and opening ask it once more, so that nobody gets past it by typing an address. What the board alone
says is in `voting.issues`. It must not import flask, the store or any page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from voting.protocol.errors import Problem
from voting.translations import text as _


class Stage(StrEnum):
    """Where an election stands. Draft, ready and archived are the site's; all others the board decides."""

    DRAFT = "draft"
    FROZEN = "frozen"
    """Defined on the board: trustees and voters get their keys."""
    READY = "ready"
    """Key and credentials are there: voting can be opened."""
    OPEN = "open"
    CLOSED = "closed"
    TALLIED = "tallied"
    PUBLISHED = "published"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"


class Rehearsed(StrEnum):
    """What is known of the rehearsal."""

    NEVER = "never"
    RUNNING = "running"
    FAILED = "failed"
    OTHER_DRAFT = "other-draft"
    """It succeeded, but the draft was changed since."""
    DONE = "done"


class Page(StrEnum):
    """Where an issue is resolved: the name of one of the election's pages."""

    OVERVIEW = "overview"
    GENERAL = "general"
    QUESTIONS = "questions"
    TRUSTEES = "trustees"
    TIMES = "times"
    CODES = "codes"
    WITNESSES = "witnesses"
    VOTERS = "voters"
    MAIL = "mail"
    PREVIEW = "preview"
    REHEARSAL = "rehearsal"
    FREEZE = "freeze"
    CEREMONY = "ceremony"
    VOTING = "voting"
    RESULT = "result"
    ARCHIVE = "archive"


class Move(NamedTuple):
    """Something that a trustee must do."""

    name: str
    text: str


class ElectionState(NamedTuple):
    """Everything that the checklist looks at."""

    stage: Stage
    now: str
    """UTC, as entries write it."""
    opens: str | None = None
    closes: str | None = None
    is_automatic: bool = False
    """Voting opens and closes by itself at these times."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the draft."""
    rehearsed: Rehearsed = Rehearsed.NEVER
    approvals: int = 0
    """People who looked at the preview of this draft and said yes."""
    objections: int = 0
    voters: int = 0
    voters_without_address: int = 0
    listed: int = 0
    """Credentials on the board."""
    outside_authority: bool = False
    has_outside_key: bool = False
    second_factor: bool = False
    codes_waiting: int = 0
    """Voters whose code was neither queued nor sent."""
    mails_failed: int = 0
    ceremony_moves: tuple[Move, ...] = ()
    failed_trustee: str = ""
    """Who dealt a wrong share; empty if nobody did."""
    is_key_made: bool = False
    threshold: int = 0
    decrypted: tuple[str, ...] = ()
    not_decrypted: tuple[str, ...] = ()
    has_deletion_day: bool = False
    quorum: int = 0
    """How many witnesses must sign; 0 if there are none."""
    witnesses_signing: int = 0
    """How many of them are asked and have not failed to sign when they were asked last."""


class Issue(NamedTuple):
    """One thing to do, or to wait for."""

    code: str
    """Stable, for machines and tests."""
    text: str
    """What must happen, as a sentence."""
    page: Page
    """Where it is done."""
    blocks: Stage | None
    """The stage that cannot begin before; None for advice that blocks nothing."""
    who: str = ""
    """Who must act, if it is not the administrator."""
    part: str = ""
    """Which part of the page: the number of a question."""
    is_coming: bool = False
    """It comes by itself: the administrator may wait."""

    @property
    def is_waiting(self) -> bool:
        """Whether the administrator has nothing to do but wait for others or for the clock."""
        return bool(self.who) or self.is_coming


def blocking_issues(state: ElectionState) -> list[Issue]:
    """Everything that must or should happen next, in order; nothing when the election is over.

    When nothing else blocks the next stage, the step into it is the last issue.
    """
    issues = list(_ISSUES[state.stage](state))
    if not any(issue.blocks for issue in issues):
        issues += _STEPS.get(state.stage, lambda _state: [])(state)
    return issues


def next_step(issues: list[Issue]) -> Issue | None:
    """The first issue that blocks something; None if nothing does."""
    return next((issue for issue in issues if issue.blocks), None)


def blocks_freeze(state: ElectionState) -> list[Issue]:
    """What must be done before freezing; freezing itself left out."""
    return [issue for issue in blocking_issues(state) if issue.blocks is Stage.FROZEN and issue.code != "freeze"]


def blocks_opening(state: ElectionState) -> list[Issue]:
    """What must be done before voting opens; opening itself left out."""
    return [issue for issue in blocking_issues(state) if issue.blocks is Stage.OPEN and issue.code != "open"]


# -- draft -------------------------------------------------------------------------------------------------------------

_QUESTION = re.compile(r"questions\[(\d+)\]")


def page_of(problem: Problem) -> tuple[Page, str]:
    """The page, and its part, on which a fault of the draft is put right."""
    question = _QUESTION.match(problem.where)
    if question:
        return Page.QUESTIONS, question[1]
    for prefix, page in (
        ("questions", Page.QUESTIONS),
        ("trustees", Page.TRUSTEES),
        ("threshold", Page.TRUSTEES),
        ("group", Page.TRUSTEES),
        ("schedule", Page.TIMES),
        ("deletion", Page.TIMES),
        ("zone", Page.TIMES),
        ("authority", Page.CODES),
        ("factor", Page.CODES),
        ("witnesses", Page.WITNESSES),
        ("quorum", Page.WITNESSES),
    ):
        if problem.where.startswith(prefix):
            return page, ""
    return Page.GENERAL, ""


def _draft(state: ElectionState) -> Iterator[Issue]:
    frozen = Stage.FROZEN
    counts: dict[tuple[Page, str], int] = {}
    for problem in state.problems:
        place = page_of(problem)
        counts[place] = counts.get(place, 0) + 1
    for (page, part), count in sorted(counts.items(), key=lambda item: (_ORDER.index(item[0][0]), item[0][1].zfill(3))):
        yield Issue(f"draft-{page}", _problem_sentence(page, part, count), page, frozen, part=part)
    if state.opens is not None and state.opens <= state.now:
        yield Issue("opens-past", _("The announced opening is in the past. Choose a later time."), Page.TIMES, frozen)
    if state.outside_authority and not state.has_outside_key:
        yield Issue("authority-key", _("Enter the public key of the outside authority."), Page.CODES, frozen)
    if state.second_factor and state.voters_without_address:
        yield Issue(
            "voters-address",
            _(
                "{count} voters have no mail address, and would not get their one-time code.",
                count=state.voters_without_address,
            ),
            Page.VOTERS,
            frozen,
        )
    if not state.has_deletion_day:
        yield Issue(
            "deletion-day", _("Say on which day the voters’ names and addresses are deleted."), Page.TIMES, frozen
        )
    if not state.voters and not state.outside_authority:
        yield Issue(
            "voters", _("Bring in the list of voters. This can also wait until after the freeze."), Page.VOTERS, None
        )
    if state.problems:
        return
    if state.objections:
        yield Issue(
            "objections",
            _("Somebody who looked at the preview found something wrong. Settle it, or remove the remark."),
            Page.PREVIEW,
            frozen,
        )
    elif not state.approvals:
        yield Issue("preview", _("Let the committee or the candidates look at the preview."), Page.PREVIEW, None)
    text = {
        Rehearsed.NEVER: _("Rehearse: a whole election with made-up voters, which must verify."),
        Rehearsed.RUNNING: _("The rehearsal is running."),
        Rehearsed.FAILED: _("The rehearsal failed. Look at it, and start it again."),
        Rehearsed.OTHER_DRAFT: _("The draft was changed since the rehearsal. Rehearse again."),
    }.get(state.rehearsed)
    if text:
        yield Issue("rehearse", text, Page.REHEARSAL, frozen, is_coming=state.rehearsed is Rehearsed.RUNNING)


_ORDER = (Page.GENERAL, Page.QUESTIONS, Page.TRUSTEES, Page.TIMES, Page.CODES, Page.WITNESSES)


def _problem_sentence(page: Page, part: str, count: int) -> str:
    where = {
        Page.GENERAL: _("Title and contact"),
        Page.QUESTIONS: _("Question {number}", number=part) if part else _("Questions"),
        Page.TRUSTEES: _("Trustees"),
        Page.TIMES: _("Times"),
        Page.CODES: _("Voters’ codes"),
        Page.WITNESSES: _("Witnesses"),
    }[page]
    if count == 1:
        return _("{where}: 1 thing is missing or wrong.", where=where)
    return _("{where}: {count} things are missing or wrong.", where=where, count=count)


def _freeze(state: ElectionState) -> list[Issue]:
    text = _("Freeze the election: its texts, trustees and times become final, and the trustees can make the key.")
    return [Issue("freeze", text, Page.FREEZE, Stage.FROZEN)]


# -- frozen and ready --------------------------------------------------------------------------------------------------


def _frozen(state: ElectionState) -> Iterator[Issue]:
    opens = Stage.OPEN
    yield from _witnesses(state, opens)  # without them trustees cannot read the board
    if state.failed_trustee:
        text = _("{name} dealt a wrong share. Begin the ceremony anew without this trustee.", name=state.failed_trustee)
        yield Issue("ceremony-restart", text, Page.CEREMONY, opens)
    else:
        for move in state.ceremony_moves:
            yield Issue("ceremony", move.text, Page.CEREMONY, opens, who=move.name)
    if not state.listed:
        if state.outside_authority:
            text = _("Bring in the public keys that the outside authority made for the voters.")
        elif not state.voters:
            text = _("Bring in the list of voters.")
        else:
            text = _("Make the voters’ codes: the board then shows how many may vote.")
        yield Issue("credentials", text, Page.VOTERS, opens)
    elif state.listed < state.voters and not state.outside_authority:
        text = (
            _("1 voter has no credential on the board yet. Publish it: the opening makes the list final.")
            if state.voters - state.listed == 1
            else _(
                "{count} voters have no credential on the board yet. Publish them: the opening makes the list final.",
                count=state.voters - state.listed,
            )
        )
        yield Issue("credentials-rest", text, Page.VOTERS, opens)
    elif state.codes_waiting and not state.outside_authority:
        text = (
            _("Send 1 voter the code.")
            if state.codes_waiting == 1
            else _("Send {count} voters their codes.", count=state.codes_waiting)
        )
        yield Issue("send-codes", text, Page.MAIL, None)
    yield from _mails(state)
    if state.opens is not None and state.opens <= state.now:
        yield Issue("opens-late", _("The announced opening has passed."), Page.OVERVIEW, None)


def _witnesses(state: ElectionState, blocks: Stage | None = None) -> Iterator[Issue]:
    if state.witnesses_signing < state.quorum:
        text = _(
            "Witnesses that sign the board: {signing}, needed: {quorum}. As long as they are missing, nothing new is"
            " published and no voter gets a receipt.",
            signing=state.witnesses_signing,
            quorum=state.quorum,
        )
        yield Issue("witnesses", text, Page.WITNESSES, blocks)


def _mails(state: ElectionState) -> Iterator[Issue]:
    if state.mails_failed:
        text = (
            _("1 message could not be sent.")
            if state.mails_failed == 1
            else _("{count} messages could not be sent.", count=state.mails_failed)
        )
        yield Issue("mail-failed", text, Page.MAIL, None)


def _open_now(state: ElectionState) -> list[Issue]:
    is_coming = state.is_automatic and state.opens is not None and state.opens > state.now
    if is_coming:
        text = _("Everything is ready. Voting opens by itself at the announced time, or now if you say so.")
    else:
        text = _("Open the voting: from then on nothing can change.")
    return [Issue("open", text, Page.VOTING, Stage.OPEN, is_coming=is_coming)]


# -- open to archived --------------------------------------------------------------------------------------------------


def _open(state: ElectionState) -> Iterator[Issue]:
    if state.codes_waiting and not state.outside_authority:
        text = (
            _("1 voter was not sent a code.")
            if state.codes_waiting == 1
            else _("{count} voters were not sent a code.", count=state.codes_waiting)
        )
        yield Issue("send-codes", text, Page.MAIL, None)
    yield from _mails(state)
    yield from _witnesses(state)


def _close(state: ElectionState) -> list[Issue]:
    is_running = state.closes is not None and state.closes > state.now
    if is_running:
        text = (
            _("Voting goes on, and closes by itself at the announced time.")
            if state.is_automatic
            else _("Voting goes on. Close it at the announced time.")
        )
    elif state.closes is not None:
        text = _("The announced end of voting has passed. Close the voting.")
    else:
        text = _("Voting goes on. Close it when the time is over; no ballot is accepted afterwards.")
    return [Issue("close", text, Page.VOTING, Stage.CLOSED, is_coming=is_running and state.is_automatic)]


def _tally(state: ElectionState) -> list[Issue]:
    text = _("Make the encrypted tally of the ballots that count.")
    return [Issue("tally", text, Page.RESULT, Stage.TALLIED)]


def _tallied(state: ElectionState) -> Iterator[Issue]:
    yield from _witnesses(state)
    missing = state.threshold - len(state.decrypted)
    if missing > 0:
        names = ", ".join(state.not_decrypted)
        text = (
            _("1 more of these trustees must decrypt: {names}.", names=names)
            if missing == 1
            else _("{count} more of these trustees must decrypt: {names}.", count=missing, names=names)
        )
        yield Issue("decrypt", text, Page.RESULT, Stage.PUBLISHED, who=names)


def _publish(state: ElectionState) -> list[Issue]:
    text = _("Combine the shares and publish the result.")
    return [Issue("publish", text, Page.RESULT, Stage.PUBLISHED)]


def _archive(state: ElectionState) -> list[Issue]:
    text = _("Make the archive: a file that shows the result and can be verified without this site.")
    return [Issue("archive", text, Page.ARCHIVE, Stage.ARCHIVED)]


def _nothing(state: ElectionState) -> Iterator[Issue]:
    yield from ()


_ISSUES = {
    Stage.DRAFT: _draft,
    Stage.FROZEN: _frozen,
    Stage.READY: _frozen,
    Stage.OPEN: _open,
    Stage.CLOSED: _witnesses,
    Stage.TALLIED: _tallied,
    Stage.PUBLISHED: _witnesses,
    Stage.ARCHIVED: _nothing,
    Stage.CANCELLED: _nothing,
}
_STEPS = {
    Stage.DRAFT: _freeze,
    Stage.FROZEN: _open_now,
    Stage.READY: _open_now,
    Stage.OPEN: _close,
    Stage.CLOSED: _tally,
    Stage.TALLIED: _publish,
    Stage.PUBLISHED: _archive,
}
