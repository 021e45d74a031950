"""Pages about voters: the list and its import, single voters, their codes, and letters to print.

Names and addresses are shown to the election's administrators only, and never kept in a link. It must not import other
pages than the desk and the login.
"""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.access import services
from voting.admin.desk import desk, own_board, own_election, pages
from voting.admin.field_problems import FieldProblems
from voting.election.phases import Phase
from voting.protocol.errors import InputErrors, Problem, UrneError, UsageError
from voting.site.codes import open_codes
from voting.site.election_store import ElectionRow, State
from voting.site.letters import Kind, Letter
from voting.site.voter_store import VoterCounts, VoterRow
from voting.site.web import LANGUAGE_NAMES
from voting.translations import text as _
from voting.translations.problems import said
from voting.voter_list import MAX_CELL_CHARACTERS, Voter

ROWS_PER_PAGE = 50
AT_ONCE = 1000
"""More credentials than this are made in a thread of their own, while the page shows that it works."""
MAX_LETTERS = 2000
"""Letters on one page to print; more than this go through a file."""
FIELDS = ["id", "name", "email", "weight", "language"]
CSV = "text/csv; charset=utf-8"


class Access(NamedTuple):
    """What can be done with the voters of an election now."""

    is_frozen: bool
    can_add: bool
    has_codes: bool
    """Whether this site can make the voters' codes now."""
    is_outside: bool
    """Whether another authority makes them."""
    on_board: int
    """Credentials on the board."""


def _access(row: ElectionRow) -> Access:
    is_outside = not row.settings.has_server_codes
    if row.state is State.DRAFT:
        return Access(False, True, False, is_outside, 0)
    hosted = services().elections.get(row.name)
    phase, on_board = hosted.look(lambda record: (record.phase, len(record.credentials)))
    return Access(True, phase == Phase.SETUP, _can_make_codes(row), is_outside, on_board)


def _can_make_codes(row: ElectionRow) -> bool:
    try:
        open_codes(services().elections.get(row.name))
    except UrneError:
        return False
    return True


def _fields(labels: list[Problem]) -> FieldProblems:
    names = {
        "id": _("Identifier"),
        "name": _("Name"),
        "email": _("Mail address"),
        "weight": _("Weight"),
        "language": _("Language"),
    }
    return FieldProblems(labels, FIELDS, names)


def sentence(problem: Problem) -> str:
    """A fault with its place, in the reader's language."""
    where = f"{said(problem.where)}: " if problem.where else ""
    remedy = f" ({said(problem.remedy)})" if problem.remedy else ""
    return f"{where}{said(problem.problem)}{remedy}"


def _number(text: str, fallback: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 else fallback


# -- the list ----------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/voters")
def show_voters(name: str) -> ResponseReturnValue:
    return _list_page(own_election(name), "", _number(request.args.get("page", ""), 1))


@pages.post("/e/<name>/voters/find")
def find_voters(name: str) -> ResponseReturnValue:
    """A search is a form that is sent, so that no name stands in an address."""
    words = request.form.get("words", "")[:MAX_CELL_CHARACTERS].strip()
    return _list_page(own_election(name), words, _number(request.form.get("page", ""), 1))


def _list_page(row: ElectionRow, words: str, page: int) -> ResponseReturnValue:
    rows = services().voters.rows
    found, total = rows.page(row.name, words, (max(page, 1) - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
    html = render_template(
        "voters.html",
        election=row,
        counts=rows.counts(row.name),
        access=_access(row),
        voters=found,
        found=total,
        words=words,
        page=max(page, 1),
        last_page=max(1, -(-total // ROWS_PER_PAGE)),
    )
    return make_response(html)


@pages.post("/e/<name>/voters/export.csv")
def export_voters(name: str) -> ResponseReturnValue:
    own_election(name)
    return _download(services().voters.export(name), f"{name}-voters.csv")


def _download(data: bytes, file_name: str) -> Response:
    answer = Response(data, content_type=CSV)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


# -- import ------------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/voters/import")
def ask_import(name: str) -> ResponseReturnValue:
    return _import_page(own_election(name), [], "", is_whole=True)


@pages.post("/e/<name>/voters/import")
def check_import(name: str) -> ResponseReturnValue:
    """Look at a list: nothing changes yet."""
    row = own_election(name)
    _require_not_erased(row)
    file = request.files.get("file")
    pasted = request.form.get("pasted", "")
    is_whole = request.form.get("mode") != "add"
    data = file.read() if file is not None and file.filename else pasted.encode("utf-8", "replace")
    try:
        services().voters.plan(name, data, is_whole=is_whole)
    except InputErrors as error:
        return _import_page(row, list(error.problems), pasted, is_whole=is_whole)
    services().voters.keep_list(name, data, is_whole=is_whole)
    return redirect(url_for("admin.look_at_import", name=name))


@pages.get("/e/<name>/voters/import/look")
def look_at_import(name: str) -> ResponseReturnValue:
    row = own_election(name)
    kept = services().voters.rows.kept_list(name)
    if kept is None:
        return redirect(url_for("admin.ask_import", name=name))
    data, is_whole = kept
    try:
        plan = services().voters.plan(name, data, is_whole=is_whole)
    except InputErrors as error:
        return _import_page(row, list(error.problems), "", is_whole=is_whole)
    return make_response(render_template("voters_look.html", election=row, plan=plan, is_whole=is_whole))


@pages.post("/e/<name>/voters/import/confirm")
def confirm_import(name: str) -> ResponseReturnValue:
    row = own_election(name)
    _require_not_erased(row)
    site = services()
    kept = site.voters.rows.kept_list(name)
    if request.form.get("do") != "import":
        site.voters.rows.drop_list(name)
        flash(_("Nothing was imported."), "good")
        return redirect(url_for("admin.show_voters", name=name))
    if kept is None:
        flash(_("This list was imported already, or given up: look at the voters."), "warn")
        return redirect(url_for("admin.show_voters", name=name))
    try:
        plan = site.voters.carry_out(name, kept[0], request.form.get("digest", ""), is_whole=kept[1])
    except InputErrors as error:
        return _import_page(row, list(error.problems), "", is_whole=kept[1])
    except UsageError:
        flash(_("The voters were changed meanwhile, so nothing was imported. Look at the changes again."), "bad")
        return redirect(url_for("admin.look_at_import", name=name))
    site.voters.rows.drop_list(name)
    flash(_("The list is imported: {count} voters.", count=plan.voters), "good")
    return redirect(url_for("admin.show_voters", name=name))


def _import_page(row: ElectionRow, problems: list[Problem], pasted: str, *, is_whole: bool) -> ResponseReturnValue:
    html = render_template(
        "voters_import.html",
        election=row,
        pasted=pasted,
        is_whole=is_whole,
        access=_access(row),
        faults=[sentence(problem) for problem in problems],
    )
    return make_response(html, 400 if problems else 200)


def _require_not_erased(row: ElectionRow) -> None:
    if row.erased is not None:
        raise UsageError("was deleted on the announced date; nothing is added any more", where="the personal data")


# -- one voter ---------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/voters/new")
def show_new_voter(name: str) -> ResponseReturnValue:
    return _voter_page(own_election(name), None, {"weight": "1"}, [])


@pages.post("/e/<name>/voters/new")
def add_voter(name: str) -> ResponseReturnValue:
    row = own_election(name)
    _require_not_erased(row)
    typed = _typed()
    try:
        services().voters.add(name, _read_voter(typed))
    except InputErrors as error:
        return _voter_page(row, None, typed, list(error.problems))
    flash(_("The voter is added."), "good")
    return redirect(url_for("admin.show_voters", name=name))


@pages.get("/e/<name>/voters/<int:number>")
def show_voter(name: str, number: int) -> ResponseReturnValue:
    row, voter = _own_voter(name, number)
    typed = {
        "id": voter.identifier,
        "name": voter.name,
        "email": voter.email,
        "weight": str(voter.weight),
        "language": voter.language,
    }
    return _voter_page(row, voter, typed, [])


@pages.post("/e/<name>/voters/<int:number>")
def change_voter(name: str, number: int) -> ResponseReturnValue:
    row, voter = _own_voter(name, number)
    site, action = services(), request.form.get("do", "")
    if action == "remove":
        site.voters.remove(voter)
        flash(_("The voter is removed."), "good")
        return redirect(url_for("admin.show_voters", name=name))
    if action == "replace":
        site.codes.replace_code(own_board(name)[1], voter)
        flash(_("The old code is worthless now. Send or print the new one."), "good")
        return redirect(url_for("admin.show_voter", name=name, number=number))
    typed = _typed()
    try:
        site.voters.change(voter, _read_voter(typed))
    except InputErrors as error:
        return _voter_page(row, voter, typed, list(error.problems))
    flash(_("Saved."), "good")
    return redirect(url_for("admin.show_voter", name=name, number=number))


def _own_voter(name: str, number: int) -> tuple[ElectionRow, VoterRow]:
    row = own_election(name)
    voter = services().voters.rows.get(name, number)
    if voter is None:
        abort(404)
    return row, voter


def _typed() -> dict[str, str]:
    return {field: request.form.get(field, "")[: MAX_CELL_CHARACTERS + 1].strip() for field in FIELDS}


def _read_voter(typed: dict[str, str]) -> Voter:
    """The voter of a form. Raises InputErrors if the weight is no number; the rest is checked by the list's rules."""
    weight = _number(typed["weight"] or "1", 0)
    if not weight:
        raise InputErrors("voter", [Problem("weight", "is no whole number from 1", "write 1 for one vote")])
    return Voter(typed["id"], typed["name"] or None, typed["email"] or None, weight, typed["language"] or None)


def _voter_page(
    row: ElectionRow, voter: VoterRow | None, typed: dict[str, str], problems: list[Problem]
) -> ResponseReturnValue:
    html = render_template(
        "voters_one.html",
        election=row,
        voter=voter,
        typed=typed,
        access=_access(row),
        languages=LANGUAGE_NAMES,
        batch=services().random_bytes(8).hex(),
        f=_fields(problems),
    )
    return make_response(html, 400 if problems else 200)


# -- credentials on the board ------------------------------------------------------------------------------------------


@pages.get("/e/<name>/voters/credentials")
def show_credentials(name: str) -> ResponseReturnValue:
    return _credentials_page(own_board(name)[0], [])


@pages.post("/e/<name>/voters/credentials")
def list_credentials(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    site = services()
    try:
        if not row.settings.has_server_codes:
            files = [(file.filename or "file", file.read()) for file in request.files.getlist("files") if file.filename]
            if not files:
                raise UsageError("was not chosen", where="a file", remedy="choose the authority's files")
            outcome = site.codes.accept_lists(hosted, files)
        else:
            counts = site.voters.counts(name)
            if counts.voters - counts.listed > AT_ONCE:
                desk().jobs.start(_listing_key(name), lambda: site.codes.list_credentials(hosted))
                return redirect(url_for("admin.show_credentials", name=name))
            outcome = site.codes.list_credentials(hosted)
    except UrneError as error:
        return _credentials_page(row, [error])
    flash(_("{count} credentials of weight {weight} are on the board now.", count=outcome.added, weight=outcome.weight))
    return redirect(url_for("admin.show_voters", name=name))


def _credentials_page(row: ElectionRow, errors: list[UrneError]) -> ResponseReturnValue:
    counts: VoterCounts = services().voters.counts(row.name)
    faults = [sentence(Problem(error.where, error.problem, error.remedy)) for error in errors]
    is_working, failure = desk().jobs.is_running(_listing_key(row.name)), desk().jobs.failure(_listing_key(row.name))
    if failure is not None:
        faults.append(sentence(Problem("", failure.problem, failure.remedy)))
    html = render_template(
        "voters_credentials.html",
        election=row,
        counts=counts,
        waiting=counts.voters - counts.listed,
        access=_access(row),
        faults=faults,
        is_working=is_working,
    )
    answer = make_response(html, 400 if errors else 200)
    if is_working:
        answer.headers["Refresh"] = "3"
    return answer


def _listing_key(name: str) -> str:
    return f"credentials {name}"


# -- letters to print --------------------------------------------------------------------------------------------------


@pages.post("/e/<name>/voters/letters")
def print_letters(name: str) -> ResponseReturnValue:
    """Letters with codes, as a page to print or a file for a mail merge. Sent, not linked: nothing is kept anywhere."""
    row, hosted = own_board(name)
    site = services()
    codes = open_codes(hosted)
    chosen = [voter for voter in site.voters.rows.each(name) if _is_chosen(voter, request.form.get("whom", ""))]
    if request.form.get("as") == "file":
        return _download(_merge_table([(voter, codes.code(voter)) for voter in chosen]), f"{name}-codes.csv")
    if len(chosen) > MAX_LETTERS:
        flash(_("That is more than {count} letters: take the file instead.", count=MAX_LETTERS), "bad")
        return redirect(url_for("admin.show_voters", name=name))
    letters: list[Letter] = [site.outbox.letter_with_code(name, voter) for voter in chosen]
    html = render_template("voters_letters.html", election=row, letters=letters, kind=Kind.INVITATION)
    return make_response(html)


def _is_chosen(voter: VoterRow, whom: str) -> bool:
    if whom == "without-mail":
        return not voter.email
    return whom == "all" or whom == str(voter.id)


def _merge_table(rows: list[tuple[VoterRow, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "name", "email", "weight", "code"))
    for voter, code in rows:
        writer.writerow((voter.identifier, voter.name, voter.email, voter.weight, code))
    return text.getvalue().encode("utf-8-sig")
