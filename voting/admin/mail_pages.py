"""Pages about messages: what they say, a sample, sending them to all, and how far each has come.

Of reminders only numbers are shown: a list of those reminded would be a list of those who had not voted. It must not
import other pages than the desk and the login.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.access import account, services
from voting.admin.desk import own_board, own_election, pages
from voting.protocol.errors import UrneError
from voting.site.election_store import ElectionRow, State
from voting.site.letters import FOR_VOTERS, Kind, Letter, kind_name
from voting.site.mail import Envelope
from voting.site.outbox import require_batch
from voting.site.outbox_store import DeliveryRow
from voting.site.web import LANGUAGE_NAMES, limiter, site_settings
from voting.translations import LANGUAGES
from voting.translations import text as _
from voting.translations.problems import said

ROWS_PER_PAGE = 50
STATES = ("queued", "sent", "failed", "cancelled", "none")
WITHOUT_LIST = frozenset({Kind.REMINDER})
"""Kinds whose recipients are not shown one by one."""


class KindLine(NamedTuple):
    """One kind of message on the page of all."""

    kind: Kind
    name: str
    counts: dict[str, int]
    obstacle: str
    """Why it cannot be sent now; empty if it can."""


def state_name(state: str) -> str:
    """The state of a message in words."""
    return {
        "queued": _("waiting"),
        "sent": _("sent"),
        "failed": _("failed"),
        "cancelled": _("taken back"),
        "none": _("not sent"),
        "": _("not sent"),
    }[state]


def _kind(text: str) -> Kind:
    if text not in set(FOR_VOTERS):
        abort(404)
    return Kind(text)


def _obstacle(name: str, kind: Kind) -> str:
    try:
        services().outbox.require_sendable(name, kind)
    except UrneError as error:
        return f"{said(error.problem)} ({said(error.remedy)})" if error.remedy else said(error.problem)
    return ""


def _new_batch() -> str:
    return services().random_bytes(8).hex()


# -- all kinds ---------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/mail")
def show_mail(name: str) -> ResponseReturnValue:
    row = own_election(name)
    rows = services().outbox.rows
    lines = [KindLine(k, kind_name(k), rows.counts(name, k), _obstacle(name, k)) for k in FOR_VOTERS]
    html = render_template(
        "mail.html",
        election=row,
        lines=lines,
        counts=services().voters.counts(name),
        trouble=said(services().mail.trouble),
        as_files=site_settings().mail is None,
        folder=f"mail/{name}/",
        is_draft=row.state is State.DRAFT,
    )
    return make_response(html)


# -- one kind ----------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/mail/<kind>")
def show_kind(name: str, kind: str) -> ResponseReturnValue:
    row, _hosted = own_board(name)
    return _kind_page(row, _kind(kind))


@pages.post("/e/<name>/mail/<kind>")
@limiter.limit("60 per minute")
def send_kind(name: str, kind: str) -> ResponseReturnValue:
    row, _hosted = own_board(name)
    chosen, outbox, action = _kind(kind), services().outbox, request.form.get("do", "")
    batch = request.form.get("batch", "")[:64]
    if action == "sample":
        return _send_sample(row, chosen, batch)
    if action == "all":
        if request.form.get("count") != str(len(outbox.recipients(name, chosen))):
            flash(_("The number of recipients has changed. Nothing was sent: look again."), "bad")
            return redirect(url_for("admin.show_kind", name=name, kind=kind))
        count = outbox.send_to_voters(name, chosen, batch)
        flash(_("{count} messages are in the outbox. They are sent one after the other.", count=count), "good")
    elif action == "failed":
        count = outbox.resend_failed(name, chosen)
        flash(_("{count} messages are in the outbox again.", count=count), "good")
    elif action == "cancel":
        count = outbox.cancel(name, chosen)
        flash(_("{count} messages were taken back.", count=count), "good")
    return redirect(url_for("admin.show_kind", name=name, kind=kind))


@pages.post("/e/<name>/mail/<kind>/<int:number>")
@limiter.limit("120 per minute")
def send_one(name: str, kind: str, number: int) -> ResponseReturnValue:
    own_board(name)
    voter = services().voters.rows.get(name, number)
    chosen = _kind(kind)
    if voter is None or chosen in WITHOUT_LIST:
        abort(404)
    services().outbox.send_to_voter(name, chosen, voter, request.form.get("batch", "")[:64])
    flash(_("The message is in the outbox."), "good")
    if request.form.get("back") == "voter":
        return redirect(url_for("admin.show_voter", name=name, number=number))
    return redirect(url_for("admin.show_kind", name=name, kind=kind))


def _send_sample(row: ElectionRow, kind: Kind, batch: str) -> ResponseReturnValue:
    here = redirect(url_for("admin.show_kind", name=row.name, kind=kind))
    me, site = account(), services()
    if not me.email:
        flash(_("Your account has no mail address. Add one on the page of your account."), "bad")
        return here
    letter = site.outbox.sample(row.name, kind, me.name, me.language)
    require_batch(batch)
    label = f"sample-{kind}-{batch[:8]}"
    try:
        with site.mail.transport.session() as send:
            send(Envelope(row.name, label, me.email, me.name, letter, site.outbox.facts(row.name).contact))
    except UrneError as error:
        flash(_("The sample could not be sent: the mail server {problem}.", problem=said(error.problem)), "bad")
        return here
    if site_settings().mail is None:
        flash(_("The sample is a file in the data directory: {place}", place=f"mail/{row.name}/{label}.eml"), "good")
    else:
        flash(_("The sample is on its way to you."), "good")
    return here


def _kind_page(row: ElectionRow, kind: Kind) -> ResponseReturnValue:
    outbox, name = services().outbox, row.name
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    text = request.args.get("page", "")
    page = max(1, int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 1)
    deliveries: list[DeliveryRow] = []
    total = 0
    if kind not in WITHOUT_LIST:
        deliveries, total = outbox.rows.deliveries(name, kind, state, (page - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
    previews: list[tuple[str, Letter]] = [(code, outbox.sample(name, kind, "", code)) for code in LANGUAGES]
    counts = outbox.rows.counts(name, kind)
    html = render_template(
        "mail_kind.html",
        election=row,
        kind=kind,
        title=kind_name(kind),
        previews=previews,
        language_names=LANGUAGE_NAMES,
        obstacle=_obstacle(name, kind),
        recipients=len(outbox.recipients(name, kind)),
        counts=counts,
        voters=services().voters.counts(name),
        batch=_new_batch(),
        has_list=kind not in WITHOUT_LIST,
        deliveries=deliveries,
        total=total,
        state=state,
        states=STATES,
        state_name=state_name,
        page=page,
        last_page=max(1, -(-total // ROWS_PER_PAGE)),
        trouble=said(services().mail.trouble),
        said=said,
        as_files=site_settings().mail is None,
    )
    return make_response(html)
