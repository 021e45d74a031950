"""The witnesses of an election's board: named in the draft; after the freeze, what they have signed."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.board_view import view_board
from voting.admin.checklist import Page
from voting.admin.desk import desk, own_draft, own_election, pages
from voting.admin.draft_forms import change_witnesses, read_witnesses
from voting.admin.draft_pages import after_saving, render_draft, save_draft
from voting.admin.drafts import Draft, quorum_of
from voting.protocol.tlog.witnesses import MAX_WITNESSES, tolerated_witnesses
from voting.site.election_store import ElectionRow, State
from voting.site.web import site_settings
from voting.site.witness_view import view_witnesses
from voting.translations import text as _


@pages.get("/e/<name>/witnesses")
def show_witnesses(name: str) -> ResponseReturnValue:
    row = own_election(name)
    if row.state is State.DRAFT:
        return _draft(*own_draft(name))
    hosted = desk().elections.get(name)
    return render_template(
        "admin_witnesses_board.html",
        election=row,
        witnesses=view_witnesses(hosted, view_board(hosted).manifest),
        zone=row.settings.time_zone or site_settings().time_zone,
    )


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
    row, before = own_draft(name)
    button = request.form.get("do", "save")
    draft = change_witnesses(read_witnesses(before, request.form), button)
    if not save_draft(row, draft):
        return _draft(row, draft, theirs=url_for("admin.show_witnesses", name=name))
    return after_saving("admin.show_witnesses", Page.WITNESSES, name, draft, button)
