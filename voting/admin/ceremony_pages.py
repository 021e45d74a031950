"""The trustees after the freeze: whose move it is, invitations and reminders, their addresses, a new beginning."""

from __future__ import annotations

import secrets

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.board_view import view_board
from voting.admin.desk import desk, own_board, pages
from voting.crypto.signatures import SigningKey
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry, restart_ceremony
from voting.protocol.errors import UsageError
from voting.protocol.manifest import MAX_TRUSTEES
from voting.site.election_store import TrusteeRow
from voting.site.letters import Kind, trustee_link
from voting.site.web import site_settings
from voting.translations import LANGUAGES
from voting.translations import text as _


@pages.get("/e/<name>/ceremony")
def show_ceremony(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    view = view_board(hosted)
    contacts = {trustee.place: trustee for trustee in desk().store.trustees(name)}
    sent = {
        message.trustee: message
        for message in desk().outbox.rows.of_trustees(name)
        if message.kind in {Kind.TRUSTEE_INVITATION, Kind.TRUSTEE_MOVE}
    }
    address = site_settings().link(f"/e/{name}")
    numbers = [line.number for line in view.trustees]
    return render_template(
        "admin_ceremony.html",
        election=row,
        view=view,
        contacts=contacts,
        sent=sent,
        is_setup=view.phase is Phase.SETUP,
        is_erased=row.erased is not None,
        waiting=[line.number for line in view.trustees if line.is_moving],
        not_joined=[line.number for line in view.trustees if not line.times[0] and not line.is_excluded],
        address=address,
        links={n: trustee_link(address, n, desk().services.invitations.code(name, n)) for n in numbers},
        rounds=(_("joined"), _("committed"), _("dealt"), _("confirmed")),
        zone=row.settings.time_zone or site_settings().time_zone,
        batch=secrets.token_hex(8),
        languages=LANGUAGES,
    )


@pages.post("/e/<name>/ceremony/write")
def write_to_trustees(name: str) -> ResponseReturnValue:
    """Invite those who have not joined, or remind those whose move it is."""
    _row, hosted = own_board(name)
    view = view_board(hosted)
    batch = request.form.get("batch", "")[:64] or secrets.token_hex(8)
    if request.form.get("do") == "remind":
        places = [line.number for line in view.trustees if line.is_moving]
        count = desk().outbox.send_to_trustees(name, Kind.TRUSTEE_MOVE, places, batch)
    else:
        places = [line.number for line in view.trustees if not line.times[0] and not line.is_excluded]
        count = desk().outbox.send_to_trustees(name, Kind.TRUSTEE_INVITATION, places, batch)
    if count < len(places):
        flash(
            _("{count} trustees have no mail address: give them the link yourself.", count=len(places) - count), "warn"
        )
    if count:
        flash(_("1 message is queued.") if count == 1 else _("{count} messages are queued.", count=count), "good")
    return redirect(url_for("admin.show_ceremony", name=name))


@pages.post("/e/<name>/ceremony/addresses")
def save_addresses(name: str) -> ResponseReturnValue:
    """Correct the trustees' addresses; their names are in the manifest and stay."""
    row, hosted = own_board(name)
    if row.erased is not None:
        raise UsageError("the personal data of this election was deleted on the announced day")
    contacts, wrong = [], []
    for line in view_board(hosted).trustees:
        email = request.form.get(f"email-{line.number}", "").strip()
        language = request.form.get(f"language-{line.number}", "")
        if email and ("@" not in email.strip("@") or len(email) > 254 or any(c.isspace() for c in email)):
            wrong.append(line.name)
        contacts.append(TrusteeRow(name, line.number, line.name, email, language if language in LANGUAGES else ""))
    if wrong:
        flash(_("This is no mail address: {names}. Nothing was changed.", names=", ".join(wrong)), "bad")
    else:
        desk().store.set_trustees(name, contacts)
        flash(_("Saved."), "good")
    return redirect(url_for("admin.show_ceremony", name=name))


@pages.post("/e/<name>/ceremony/restart")
def restart(name: str) -> ResponseReturnValue:
    """Begin the ceremony anew, without those named."""
    row, hosted = own_board(name)
    if request.form.get("confirm", "").strip() != row.name:
        flash(_("This is not the short name, {name}.", name=row.name) + " " + _("Nothing was done."), "bad")
        return redirect(url_for("admin.show_ceremony", name=name))
    places = {str(number): number for number in range(1, MAX_TRUSTEES + 1)}
    excluded = [places[text] for text in request.form.getlist("exclude")[:MAX_TRUSTEES] if text in places]
    attempt = request.form.get("attempt", "")

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry:
        if record.phase is not Phase.SETUP:
            raise UsageError("the ceremony can begin anew only before voting opens")
        if str(record.require_ceremony().attempt) != attempt:
            raise UsageError("the ceremony has begun anew already", remedy="look at its page")
        return restart_ceremony(record, key, excluded, time)

    hosted.act(make)
    flash(_("A new ceremony begins. Every trustee joins again."), "good")
    return redirect(url_for("admin.show_ceremony", name=name))
