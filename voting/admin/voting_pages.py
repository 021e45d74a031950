"""Acts while an election runs: open, extend, close, announce, cancel; what happens by itself; and the log of acts.

Each act is an entry on the board, signed with the election's key, which nobody can take back.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.board_view import view_board
from voting.admin.checklist import blocks_opening
from voting.admin.desk import board_state, desk, own_board, pages, short_moment
from voting.crypto.signatures import SigningKey
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import (
    NewEntry,
    cancel_election,
    close_election,
    extend_election,
    give_notice,
    open_election,
)
from voting.protocol.errors import DecodeError, UrneError, UsageError
from voting.protocol.messages import BoothFile
from voting.protocol.moment import format_moment, parse_moment
from voting.protocol.text import text_problems
from voting.protocol.tlog.header import parse_header
from voting.site.election_store import ElectionRow
from voting.site.times import from_now, in_words
from voting.site.web import now, site_settings
from voting.translations import language
from voting.translations import text as _
from voting.translations.problems import said


def zone_of(row: ElectionRow) -> str:
    """The zone in which this election's times are shown."""
    return row.settings.time_zone or site_settings().time_zone


@pages.get("/e/<name>/voting")
def show_voting(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    view = view_board(hosted)
    zone = zone_of(row)
    state = board_state(row, view)
    return render_template(
        "admin_voting.html",
        election=row,
        view=view,
        state=state,
        blockers=blocks_opening(state),
        is_setup=view.phase is Phase.SETUP,
        is_open=view.phase is Phase.OPEN,
        can_cancel=view.phase not in {Phase.PUBLISHED, Phase.CANCELLED},
        is_over=view.phase in {Phase.PUBLISHED, Phase.CANCELLED},
        turnout=desk().turnout.count(name, view, now(), is_open=view.phase is Phase.OPEN),
        zone=zone,
        closes_local=_local(view.closes, zone),
        erase_local=_local(row.settings.erase_after, zone)[:10],
        sentence=_closing_sentence(view.closes, zone),
        mark=secrets.token_hex(8),
    )


def _local(moment: str | None, zone: str) -> str:
    return f"{parse_moment(moment).astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" if moment else ""


def _closing_sentence(closes: str | None, zone: str) -> str:
    if closes is None:
        return ""
    away = from_now(closes, now(), language())
    return _("Voting closes on {moment}, {away}.", moment=in_words(closes, zone, language()), away=away)


def _back(name: str) -> ResponseReturnValue:
    return redirect(url_for("admin.show_voting", name=name))


def _is_confirmed(row: ElectionRow) -> bool:
    if request.form.get("confirm", "").strip() == row.name:
        return True
    flash(_("This is not the short name, {name}.", name=row.name) + " " + _("Nothing was done."), "bad")
    return False


def _typed_moment(field: str, zone: str) -> str | None:
    """A local time from a form as a moment; None, with a message, if it is none."""
    try:
        local = datetime.fromisoformat(request.form.get(field, "").strip())
        return format_moment(local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, OverflowError):
        flash(_("This is no date with a time. Nothing was done."), "bad")
        return None


def _typed_text(field: str) -> str | None:
    """A text for the board; None, with a message, if it may not stand there."""
    text = request.form.get(field, "").replace("\r\n", "\n").strip()
    for problem in text_problems(text, "", multiline=True):
        flash(_("The text {problem}. Nothing was done.", problem=said(problem.problem)), "bad")
        return None
    return text


# -- opening and closing -----------------------------------------------------------------------------------------------


@pages.post("/e/<name>/voting/open")
def open_voting(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    if not _is_confirmed(row):
        return _back(name)
    files: tuple[BoothFile, ...] = current_app.config.get("URNE_BOOTH_FILES", ())
    voters = desk().services.voters

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | list[NewEntry]:
        if record.phase is Phase.OPEN:
            return []
        if record.phase is not Phase.SETUP:
            raise UsageError("voting is over, so it cannot be opened")
        if row.settings.has_server_codes and len(record.credentials) < voters.counts(name).voters:
            raise UsageError(
                "there are voters without a credential on the board, whom the opening would leave out for good",
                remedy="publish the credentials first",
            )
        return open_election(record, key, time, files)

    hosted.act(make)
    flash(_("Voting is open."), "good")
    return redirect(url_for("admin.show_election", name=name))


@pages.post("/e/<name>/voting/close")
def close_voting(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    if not _is_confirmed(row):
        return _back(name)

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | list[NewEntry]:
        if record.phase in {Phase.CLOSED, Phase.TALLIED, Phase.PUBLISHED}:
            return []
        if record.phase is not Phase.OPEN:
            raise UsageError("voting is not open, so it cannot be closed")
        return close_election(record, key, time)

    hosted.act(make)
    flash(_("Voting is closed. No ballot is accepted any more."), "good")
    return redirect(url_for("admin.show_election", name=name))


@pages.post("/e/<name>/voting/extend")
def extend_voting(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    moment = _typed_moment("closes", zone_of(row))
    if moment is None:
        return _back(name)
    if moment <= format_moment(now()):
        flash(_("This time is in the past. Nothing was done."), "bad")
        return _back(name)

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | list[NewEntry]:
        if record.phase is not Phase.OPEN:
            raise UsageError("voting can be extended only while it is open")
        if record.closes == moment:
            return []
        if record.closes is not None and moment <= record.closes:
            raise UsageError("the end of voting can only be moved later, never earlier")
        return extend_election(record, key, moment, time)

    hosted.act(make)
    flash(_closing_sentence(moment, zone_of(row)), "good")
    return _back(name)


# -- announcements and cancelling --------------------------------------------------------------------------------------


@pages.post("/e/<name>/voting/notice")
def publish_notice(name: str) -> ResponseReturnValue:
    _row, hosted = own_board(name)
    text = _typed_text("text")
    if text is None:
        return _back(name)
    mark = request.form.get("mark", "")
    if desk().once.is_first(mark):
        try:
            hosted.act(lambda record, key, time: give_notice(record, key, text, time))
        except UrneError:
            desk().once.forget(mark)
            raise
    flash(_("The announcement is on the board."), "good")
    return _back(name)


@pages.post("/e/<name>/voting/cancel")
def cancel_voting(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    reason = _typed_text("reason")
    if reason is None or not _is_confirmed(row):
        return _back(name)

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | list[NewEntry]:
        if record.phase is Phase.CANCELLED:
            return []
        if record.phase is Phase.PUBLISHED:
            raise UsageError("the election is over, so it cannot be cancelled")
        return cancel_election(record, key, reason, time)

    hosted.act(make)
    flash(_("The election is cancelled."), "good")
    return redirect(url_for("admin.show_election", name=name))


@pages.post("/e/<name>/voting/site")
def save_site_settings(name: str) -> ResponseReturnValue:
    """What the site does by itself: opening and closing, and the day of deletion. This is not on the board."""
    row, _hosted = own_board(name)
    erase = row.settings.erase_after
    if row.erased is None and request.form.get("deletion", "").strip():
        erase = _typed_moment("deletion", zone_of(row))
        if erase is None:
            return _back(name)
    changed = msgspec.structs.replace(row.settings, automatic=request.form.get("automatic") == "yes", erase_after=erase)
    desk().store.save_settings(name, changed)
    flash(_("Saved."), "good")
    return _back(name)


# -- the log of acts ---------------------------------------------------------------------------------------------------


class Act(NamedTuple):
    """One act, as the board shows it."""

    seq: int
    time: str
    what: str
    detail: str


class _Timed(msgspec.Struct):
    """What entries have in common, and what some of them say to readers."""

    time: str = ""
    text: str = ""
    reason: str = ""
    closes: str = ""
    name: str = ""
    index: int = 0


class _Body(msgspec.Struct):
    content: _Timed


_BALLOT = b'"type":"ballot.cast"'


def act_words(entry_type: str) -> str:
    """A kind of entry in words."""
    return {
        "election.defined": _("The election was defined"),
        "trustee.joined": _("A trustee joined"),
        "trustee.committed": _("A trustee published commitments"),
        "trustee.dealt": _("A trustee dealt shares"),
        "trustee.confirmed": _("A trustee confirmed the key"),
        "trustee.complained": _("A trustee complained about a share"),
        "trustee.answered": _("A trustee answered a complaint"),
        "trustee.restarted": _("The ceremony began anew"),
        "credentials.listed": _("Voters’ keys were listed"),
        "election.opened": _("Voting was opened"),
        "election.extended": _("The end of voting was moved"),
        "election.closed": _("Voting was closed"),
        "election.notice": _("Announcement"),
        "election.cancelled": _("The election was cancelled"),
        "tally.encrypted": _("The encrypted tally was made"),
        "tally.share": _("A trustee decrypted"),
        "election.result": _("The result was published"),
    }.get(entry_type, entry_type)


@pages.get("/e/<name>/acts")
def show_acts(name: str) -> ResponseReturnValue:
    """Every entry but the ballots, read from the board."""
    row, hosted = own_board(name)
    zone = zone_of(row)
    acts = []
    with hosted.reader(unpublished=True) as board:
        trustees = {i: info.name for i, info in enumerate(view_board(hosted).manifest.trustees, start=1)}
        for seq, data in enumerate(board.headers()):
            if _BALLOT not in data:
                header = parse_header(data, what=f"entry {seq}")
                acts.append(_act(seq, header.type, board.body(seq), trustees, zone))
    return render_template("admin_acts.html", election=row, acts=acts, zone=zone)


def _act(seq: int, entry_type: str, body: bytes, trustees: dict[int, str], zone: str) -> Act:
    try:
        content = msgspec.json.decode(body, type=_Body).content
    except msgspec.DecodeError:
        content = _Timed()
    detail = content.text or content.reason or content.name or trustees.get(content.index, "")
    if content.closes:
        detail = in_words(content.closes, zone, language())
    try:
        time = short_moment(content.time, zone)
    except DecodeError:
        time = ""
    return Act(seq, time, act_words(entry_type), detail)
