"""What all pages of the administrator share: the blueprint, the services behind it, and whose election it is.

Every page below /admin needs a login. An election of somebody else does not exist for those it is not shared with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import Blueprint, abort, current_app, flash, redirect, request, url_for

from voting.admin.board_view import BoardView, view_board
from voting.admin.checklist import ElectionState, Rehearsed, Stage
from voting.admin.drafts import (
    Draft,
    authority_key,
    closing_moment,
    draft_hash,
    draft_problems,
    opening_moment,
    parse_draft,
)
from voting.admin.jobs import Jobs
from voting.admin.once import Once
from voting.admin.preparation import Preparation, read_preparation
from voting.admin.turnout import TurnoutCounter
from voting.election.phases import Phase
from voting.protocol.errors import UsageError
from voting.protocol.moment import format_moment, parse_moment
from voting.rehearsal import rehearsal_state
from voting.site.election_store import ElectionRow, ElectionStore, State
from voting.site.elections import Elections, HostedElection
from voting.site.letters import Kind
from voting.site.outbox import Outbox
from voting.site.services import Services
from voting.site.web import now, site_settings
from voting.site.witness_view import view_witnesses
from voting.translations import language
from voting.translations.problems import said, sentence

pages = Blueprint(
    "admin",
    __name__,
    url_prefix="/admin",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)


class Desk(NamedTuple):
    """The services behind the pages."""

    services: Services
    jobs: Jobs
    turnout: TurnoutCounter
    once: Once
    account: Callable[[], int]
    """Number of the account that is logged in."""

    @property
    def elections(self) -> Elections:
        return self.services.elections

    @property
    def store(self) -> ElectionStore:
        return self.services.site

    @property
    def outbox(self) -> Outbox:
        return self.services.outbox


def make_desk(services: Services, account: Callable[[], int]) -> Desk:
    """The desk of one site."""
    return Desk(services, Jobs(), TurnoutCounter(), Once(), account)


@pages.context_processor
def _words() -> dict[str, object]:
    """What the templates of these pages use besides what all pages have."""
    return {"said": said, "sentence": sentence, "short_moment": short_moment, "day": day}


def short_moment(point: str, zone: str) -> str:
    """A point in time for tables, e.g. "24 Nov 2026, 12:49"; the table says which zone."""
    local = parse_moment(point).astimezone(ZoneInfo(zone))
    return str(format_datetime(local, "d MMM y, HH:mm", locale=language()))


def day(point: str, zone: str) -> str:
    """The day of a point in time, e.g. "Sunday 31 January 2027"."""
    return str(format_datetime(parse_moment(point).astimezone(ZoneInfo(zone)), "EEEE d MMMM y", locale=language()))


def desk() -> Desk:
    """The services of the running site."""
    found: Desk = current_app.extensions["urne-desk"]
    return found


def moment_now() -> str:
    """The time of this request as entries write it."""
    return format_moment(now())


def own_election(name: str) -> ElectionRow:
    """An election that the account may manage; for any other name there is no such page."""
    row = desk().store.get(name)
    if row is None or not desk().store.is_open_to(name, desk().account()):
        abort(404)
    if row.state is State.DRAFT and name in desk().elections.names():
        # The program ended between making the board and noting it.
        desk().store.set_state(name, State.FROZEN)
        row = desk().store.get(name) or row
    return row


def own_draft(name: str) -> tuple[ElectionRow, Draft]:
    """An election that is still a draft. Raises UsageError if it is frozen."""
    row = own_election(name)
    if row.state is not State.DRAFT:
        _wrong_stage(name, "the election is frozen, so its definition cannot change any more")
    return row, parse_draft(row.draft)


def own_board(name: str) -> tuple[ElectionRow, HostedElection]:
    """An election that has a board. Raises UsageError while it is a draft."""
    row = own_election(name)
    if row.state is State.DRAFT:
        _wrong_stage(name, "the election is still a draft", "freeze it first")
    return row, desk().elections.get(name)


def _wrong_stage(name: str, problem: str, remedy: str = "") -> NoReturn:
    """Nothing is done; who only wanted to look is led to the election's page. Raises UsageError otherwise."""
    if request.method == "GET":
        flash(sentence(problem), "warn")
        abort(redirect(url_for("admin.show_election", name=name)))
    raise UsageError(problem, remedy=remedy)


def rehearsal_key(name: str) -> str:
    """Names the job that rehearses an election."""
    return f"rehearse {name}"


def rehearsed(name: str, draft: Draft, preparation: Preparation) -> Rehearsed:
    """What is known of the rehearsal of a draft."""
    if desk().jobs.is_running(rehearsal_key(name)):
        return Rehearsed.RUNNING
    own = draft_hash(draft)
    if preparation.rehearsed == own:
        return Rehearsed.DONE
    outcome = rehearsal_state(site_settings().rehearsals / name).outcome
    if outcome is not None and not outcome.is_verified and outcome.draft == own:
        return Rehearsed.FAILED
    if preparation.rehearsed is not None or (outcome is not None and outcome.is_verified):
        return Rehearsed.OTHER_DRAFT
    return Rehearsed.NEVER


def election_state(row: ElectionRow) -> ElectionState:
    """What the checklist looks at."""
    if row.state is State.DRAFT:
        return _draft_state(row)
    return board_state(row, view_board(desk().elections.get(row.name)))


def _draft_state(row: ElectionRow) -> ElectionState:
    draft = parse_draft(row.draft)
    preparation = read_preparation(row.preparation)
    counts = desk().services.voters.counts(row.name)
    own = draft_hash(draft)
    opinions = [opinion for opinion in preparation.opinions if opinion.draft == own]
    return ElectionState(
        stage=Stage.DRAFT,
        now=moment_now(),
        opens=opening_moment(draft),
        closes=closing_moment(draft),
        is_automatic=draft.automatic,
        problems=tuple(draft_problems(draft)),
        rehearsed=rehearsed(row.name, draft, preparation),
        approvals=sum(opinion.agrees for opinion in opinions),
        objections=sum(not opinion.agrees for opinion in preparation.opinions),
        voters=counts.voters,
        voters_without_address=counts.without_mail,
        outside_authority=draft.authority == "outside",
        has_outside_key=authority_key(draft) is not None,
        second_factor=draft.factor == "mail",
        has_deletion_day=bool(draft.deletion.strip()),
    )


def stage_of(row: ElectionRow, view: BoardView) -> Stage:
    """Where a frozen election stands."""
    if row.state is State.ARCHIVED:
        return Stage.ARCHIVED
    if view.phase is Phase.SETUP:
        return Stage.READY if view.is_key_made and view.listed else Stage.FROZEN
    return {
        Phase.OPEN: Stage.OPEN,
        Phase.CLOSED: Stage.CLOSED,
        Phase.TALLIED: Stage.TALLIED,
        Phase.PUBLISHED: Stage.PUBLISHED,
        Phase.CANCELLED: Stage.CANCELLED,
    }[view.phase]


def board_state(row: ElectionRow, view: BoardView) -> ElectionState:
    """What the checklist looks at, of an election with a board."""
    counts = desk().services.voters.counts(row.name)
    mails = desk().outbox.rows.counts(row.name, Kind.INVITATION)
    schedule = view.manifest.schedule
    witnesses = view_witnesses(desk().elections.get(row.name), view.manifest)
    return ElectionState(
        stage=stage_of(row, view),
        now=moment_now(),
        opens=schedule.opens if schedule else None,
        closes=view.closes,
        is_automatic=row.settings.automatic and schedule is not None,
        voters=counts.voters,
        voters_without_address=counts.without_mail,
        listed=view.listed,
        outside_authority=not row.settings.has_server_codes,
        second_factor=row.settings.factor == "mail",
        codes_waiting=max(counts.voters - counts.without_mail - sum(mails.values()), 0),
        mails_failed=mails.get("failed", 0),
        ceremony_moves=view.moves,
        failed_trustee=view.failed,
        is_key_made=view.is_key_made,
        threshold=view.manifest.threshold,
        decrypted=tuple(line.name for line in view.trustees if line.has_decrypted),
        not_decrypted=tuple(line.name for line in view.trustees if not line.has_decrypted and not line.is_excluded),
        has_deletion_day=row.settings.erase_after is not None,
        quorum=view.manifest.quorum,
        witnesses_signing=witnesses.signing if witnesses else 0,
    )
