"""The witnesses of an election's board: named in the draft; after the freeze, what they have signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.board_view import view_board
from voting.admin.checklist import Page
from voting.admin.desk import desk, own_draft, own_election, pages
from voting.admin.draft_forms import change_witnesses, field_text, read_witnesses
from voting.admin.draft_pages import after_saving, render_draft, save_draft
from voting.admin.drafts import Draft, quorum_of
from voting.admin.field_problems import FieldProblems
from voting.protocol.errors import InputErrors, Problem
from voting.protocol.tlog.witnesses import MAX_WITNESSES, tolerated_witnesses
from voting.site.election_store import ElectionRow, State
from voting.site.web import site_settings
from voting.site.witness_places import change_witness_addresses, witness_field
from voting.site.witness_view import view_witnesses
from voting.translations import text as _


@pages.get("/e/<name>/witnesses")
def show_witnesses(name: str) -> ResponseReturnValue:
    row = own_election(name)
    if row.state is State.DRAFT:
        return _draft(*own_draft(name))
    return _board(row)


def _board(
    row: ElectionRow, typed: Mapping[str, str] | None = None, problems: Sequence[Problem] = ()
) -> ResponseReturnValue:
    """What the witnesses have signed, and the form of their addresses."""
    hosted = desk().elections.get(row.name)
    found = view_witnesses(hosted, view_board(hosted).manifest)
    lines = found.lines if found else ()
    urls = {witness_field(number): line.url for number, line in enumerate(lines, start=1)}
    labels = {witness_field(number): line.name for number, line in enumerate(lines, start=1)}
    html = render_template(
        "admin_witnesses_board.html",
        election=row,
        witnesses=found,
        zone=row.settings.time_zone or site_settings().time_zone,
        f=FieldProblems(problems, [*urls, "witnesses"], labels),
        labels=labels,
        urls={**urls, **(typed or {})},
    )
    return make_response(html, 400 if problems else 200)


def _draft(row: ElectionRow, draft: Draft, **context: Any) -> ResponseReturnValue:
    rows = range(1, len(draft.witnesses) + 1)
    fields = [f"witnesses[{i}]{part}" for i in rows for part in ("", ".url")]
    labels = {
        field: _("Witness {number}", number=i) for i in rows for field in fields if field.startswith(f"witnesses[{i}]")
    }
    return render_draft(
        "admin_witnesses.html",
        row,
        draft,
        [*fields, "witnesses", "quorum"],
        page=Page.WITNESSES,
        labels={**labels, "quorum": _("Quorum")},
        sentences=quorum_sentences(len(draft.witnesses), quorum_of(draft)),
        most=MAX_WITNESSES,
        **context,
    )


def quorum_sentences(count: int, quorum: int) -> list[str]:
    """What a quorum comes to; nothing while it is none."""
    tolerated = tolerated_witnesses(count, quorum)
    if not count or tolerated < 0 or quorum > count:
        return []
    absent = count - quorum
    return [
        _("No single witness may lie.") if tolerated == 0
        else _("1 witness may lie: it alone cannot help to show two different boards.") if tolerated == 1
        else _("{count} witnesses may lie: together they cannot help to show two different boards.", count=tolerated),
        _("None may be out of reach: without it no voter gets a receipt.") if absent == 0
        else _("1 may be out of reach; with one more, no voter gets a receipt until it is back.") if absent == 1
        else _("{count} may be out of reach; with one more, no voter gets a receipt until it is back.", count=absent),
    ]  # fmt: skip


@pages.post("/e/<name>/witnesses")
def save_witnesses(name: str) -> ResponseReturnValue:
    row = own_election(name)
    if row.state is not State.DRAFT:
        return _change_addresses(row)
    row, before = own_draft(name)
    button = request.form.get("do", "save")
    draft = change_witnesses(read_witnesses(before, request.form), button)
    if not save_draft(row, draft):
        return _draft(row, draft, theirs=url_for("admin.show_witnesses", name=name))
    return after_saving("admin.show_witnesses", Page.WITNESSES, name, draft, button)


def _change_addresses(row: ElectionRow) -> ResponseReturnValue:
    hosted = desk().elections.get(row.name)
    manifest = view_board(hosted).manifest
    fields = [witness_field(number) for number in range(1, len(manifest.witnesses) + 1)]
    typed = {field: field_text(request.form, field) for field in fields}
    try:
        change_witness_addresses(hosted, manifest, typed)
    except InputErrors as error:
        return _board(row, typed, error.problems)
    flash(_("Saved. The witnesses are asked there from now on."), "good")
    return redirect(url_for("admin.show_witnesses", name=row.name))
