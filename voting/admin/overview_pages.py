"""The list of an account's elections, a new election, and the page of each with its next step and checklist."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import NamedTuple

import msgspec
from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.board_view import BoardView, view_board
from voting.admin.checklist import Issue, Page, Stage, blocking_issues, next_step, page_of
from voting.admin.desk import (
    board_state,
    desk,
    election_state,
    moment_now,
    own_draft,
    own_election,
    pages,
    stage_of,
)
from voting.admin.draft_pages import apply_draft, time_sentences
from voting.admin.drafts import Draft, encode_draft, parse_draft, quorum_of
from voting.admin.field_problems import FieldProblems
from voting.admin.question_cost import draft_cost
from voting.admin.question_words import method_title
from voting.election.phases import Phase
from voting.protocol.errors import Problem, UrneError, UsageError
from voting.protocol.text import plain
from voting.site.election_store import ElectionRow, State
from voting.site.elections import is_name
from voting.site.web import now, site_settings
from voting.site.witness_view import view_witnesses
from voting.translations import LANGUAGES, language
from voting.translations import text as _

MAX_TITLE = 2000


class ListLine(NamedTuple):
    """One election in the list."""

    row: ElectionRow
    title: str
    stage: str
    next: str
    """What is to be done next."""


def stage_words(stage: Stage) -> str:
    """A stage in words."""
    return {
        Stage.DRAFT: _("Draft"),
        Stage.FROZEN: _("Frozen: key and codes are being made"),
        Stage.READY: _("Ready to open"),
        Stage.OPEN: _("Open for voting"),
        Stage.CLOSED: _("Voting has closed"),
        Stage.TALLIED: _("Tallied: waiting for the trustees"),
        Stage.PUBLISHED: _("Result published"),
        Stage.ARCHIVED: _("Archived"),
        Stage.CANCELLED: _("Cancelled"),
    }[stage]


def issue_link(name: str, issue: Issue) -> str:
    """The page on which an issue is resolved."""
    return page_link(name, issue.page, issue.part)


def page_link(name: str, page: Page, part: str = "") -> str:
    """One of the election's pages; forms show their faults."""
    if page is Page.QUESTIONS and part:
        return url_for("admin.show_question", name=name, number=int(part), checked=1)
    endpoint = {
        Page.OVERVIEW: "admin.show_election",
        Page.GENERAL: "admin.show_general",
        Page.QUESTIONS: "admin.list_questions",
        Page.TRUSTEES: "admin.show_trustees",
        Page.TIMES: "admin.show_times",
        Page.CODES: "admin.show_codes",
        Page.WITNESSES: "admin.show_witnesses",
        Page.PREVIEW: "admin.show_preview",
        Page.REHEARSAL: "admin.show_rehearsal",
        Page.FREEZE: "admin.show_freeze",
        Page.CEREMONY: "admin.show_ceremony",
        Page.VOTING: "admin.show_voting",
        Page.RESULT: "admin.show_result",
        Page.ARCHIVE: "admin.show_archive",
        Page.VOTERS: "admin.show_voters",
        Page.MAIL: "admin.show_mail",
    }[page]
    if page in {Page.GENERAL, Page.QUESTIONS, Page.TRUSTEES, Page.TIMES, Page.CODES, Page.WITNESSES}:
        return url_for(endpoint, name=name, checked=1)
    return url_for(endpoint, name=name)


@pages.get("/")
def list_elections() -> ResponseReturnValue:
    rows = desk().store.of_account(desk().account())
    return render_template("admin_list.html", election=None, lines=[_list_line(row) for row in rows])


def _list_line(row: ElectionRow) -> ListLine:
    try:
        title, state = _title(row), election_state(row)
        step = next_step(blocking_issues(state))
        return ListLine(row, title, stage_words(state.stage), step.text if step else "")
    except UrneError as error:
        # One damaged board must not hide the other elections.
        return ListLine(row, row.name, _("cannot be read"), error.problem)


def _title(row: ElectionRow) -> str:
    if row.state is State.DRAFT:
        draft = parse_draft(row.draft)
        return plain({k: v for k, v in draft.title.items() if v} or {"": ""}, language()) or row.name
    manifest = desk().elections.get(row.name).look(lambda record: record.require_manifest())
    return plain(manifest.title, language())


# -- a new election ----------------------------------------------------------------------------------------------------


@pages.get("/new")
def show_new() -> ResponseReturnValue:
    return _new("", "", language(), [])


def _new(short: str, title: str, main: str, problems: list[Problem]) -> ResponseReturnValue:
    labels = {"short": _("Short name"), "title": _("Title")}
    html = render_template(
        "admin_new.html",
        election=None,
        short=short,
        title=title,
        main=main,
        languages=LANGUAGES,
        address=site_settings().link("/e/"),
        f=FieldProblems(problems, ["short", "title"], labels),
    )
    return make_response(html, 400 if problems else 200)


@pages.post("/new")
def create_election() -> ResponseReturnValue:
    short = request.form.get("short", "").strip().lower()
    title = request.form.get("title", "").strip()
    main = request.form.get("main", "")
    main = main if main in LANGUAGES else LANGUAGES[0]
    problems = []
    if not is_name(short):
        problems.append(
            Problem(
                "short",
                "cannot be the short name of an election",
                "use 1 to 40 of the letters a to z, digits, and hyphens between them",
            )
        )
    elif short in desk().elections.names() or desk().store.get(short) is not None:
        problems.append(Problem("short", "is the short name of another election", "choose another one"))
    if not title:
        problems.append(Problem("title", "is empty", "write a text"))
    elif len(title) > MAX_TITLE:
        problems.append(Problem("title", f"has {len(title)} characters, more than {MAX_TITLE}", "shorten it"))
    if problems:
        return _new(short[:200], title, main, problems)
    settings = site_settings()
    draft = Draft(languages=(main,), title={main: title}, zone=settings.time_zone, contact=settings.contact)
    try:
        desk().store.add(short, desk().account(), moment_now(), draft=encode_draft(draft))
    except UsageError as error:
        return _new(short, title, main, [Problem("short", error.problem, error.remedy)])
    apply_draft(short, draft)
    flash(_("The draft is made. Nobody else sees it yet."), "good")
    return redirect(url_for("admin.show_election", name=short))


# -- the election's page -----------------------------------------------------------------------------------------------


@pages.get("/e/<name>/")
def show_election(name: str) -> ResponseReturnValue:
    row = own_election(name)
    if row.state is State.DRAFT:
        return _draft_overview(row, parse_draft(row.draft))
    return _board_overview(row, view_board(desk().elections.get(name)))


def _draft_overview(row: ElectionRow, draft: Draft) -> ResponseReturnValue:
    state = election_state(row)
    issues = blocking_issues(state)
    faults = Counter(page_of(problem)[0].value for problem in state.problems)
    return render_template(
        "admin_draft.html",
        faults=faults,
        state=state,
        election=row,
        draft=draft,
        title=_title(row),
        stage=state.stage,
        stage_words=stage_words,
        issues=issues,
        next=next_step(issues),
        issue_link=issue_link,
        sentences=time_sentences(draft),
        cost=draft_cost(draft),
        quorum=quorum_of(draft),
        method_title=method_title,
        voters=state.voters,
        language=language,
    )


def _board_overview(row: ElectionRow, view: BoardView) -> ResponseReturnValue:
    state = board_state(row, view)
    issues = blocking_issues(state)
    return render_template(
        "admin_board.html",
        election=row,
        view=view,
        title=plain(view.manifest.title, language()),
        stage=stage_of(row, view),
        witnesses=view_witnesses(desk().elections.get(row.name), view.manifest),
        stage_words=stage_words,
        issues=issues,
        next=next_step(issues),
        issue_link=issue_link,
        turnout=desk().turnout.count(row.name, view, now(), is_open=view.phase is Phase.OPEN),
        remarks=desk().store.remarks(row.name),
        public=site_settings().link(f"/e/{row.name}"),
        zone=row.settings.time_zone or site_settings().time_zone,
    )


@pages.get("/e/<name>/delete")
def ask_delete(name: str) -> ResponseReturnValue:
    row, _draft = own_draft(name)
    return render_template("admin_delete.html", election=row, title=_title(row))


@pages.post("/e/<name>/delete")
def delete_draft(name: str) -> ResponseReturnValue:
    row, _draft = own_draft(name)
    if request.form.get("confirm", "").strip() != row.name:
        raise UsageError("that is not the short name; nothing was done", remedy="go back and type it")
    desk().store.delete_draft(row.name)
    # Whoever takes this short name next shall not find the rehearsal of this draft.
    shutil.rmtree(site_settings().rehearsals / row.name, ignore_errors=True)
    flash(_("The draft {name} is deleted.", name=row.name), "good")
    return redirect(url_for("admin.list_elections"))


@pages.get("/e/<name>/copy")
def ask_copy(name: str) -> ResponseReturnValue:
    row = own_election(name)
    return render_template("admin_copy.html", election=row, title=_title(row), short="", problem="")


@pages.post("/e/<name>/copy")
def copy_election(name: str) -> ResponseReturnValue:
    """A new draft with the texts, trustees and questions of this election; times and voters are not taken over."""
    row = own_election(name)
    if not row.draft:
        raise UsageError("the election has no draft to copy")
    short = request.form.get("short", "").strip().lower()
    problem = ""
    if not is_name(short):
        problem = _("Use 1 to 40 of the letters a to z, digits, and hyphens between them.")
    elif short in desk().elections.names() or desk().store.get(short) is not None:
        problem = _("This is the short name of another election. Choose another one.")
    if problem:
        html = render_template("admin_copy.html", election=row, title=_title(row), short=short[:200], problem=problem)
        return make_response(html, 400)
    draft = msgspec.structs.replace(parse_draft(row.draft), opens="", closes="", deletion="")
    desk().store.add(short, desk().account(), moment_now(), draft=encode_draft(draft))
    apply_draft(short, draft)
    return redirect(url_for("admin.show_election", name=short))
