"""Pages of the draft: title and contact, trustees, times, voters' codes, and the whole draft as a file.

Saving never loses what was typed: a draft is kept as it is, right or not. A form that is older than the draft changes
nothing and shows both (docs/guide-administrator.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.checklist import Page, page_of
from voting.admin.desk import desk, own_draft, pages
from voting.admin.draft_forms import (
    change_trustees,
    language_problems,
    read_general,
    read_languages,
    read_times,
    read_trustees,
    read_voting,
)
from voting.admin.draft_import import read_source, read_witness_urls, with_source
from voting.admin.drafts import (
    Draft,
    closing_moment,
    deletion_moment,
    draft_problems,
    encode_draft,
    opening_moment,
    settings_of,
    source_text,
)
from voting.admin.field_problems import FieldProblems
from voting.admin.zones import zone_names
from voting.crypto.group import GROUP_NAMES
from voting.protocol.errors import InputErrors, Problem
from voting.protocol.manifest_source import MAX_SOURCE_BYTES
from voting.site.election_store import ElectionRow, TrusteeRow
from voting.site.settings import is_zone
from voting.site.times import from_now, in_words
from voting.site.web import now, site_settings
from voting.translations import LANGUAGES, language
from voting.translations import text as _

Read = Callable[[Draft], Draft]


def form_version() -> int:
    """The version of the draft that this form was made for; 0 if it says none."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def save_draft(row: ElectionRow, draft: Draft) -> bool:
    """Keep a draft, if the form was made for the version that is there; False if it was changed meanwhile."""
    if not desk().store.save_draft(row.name, encode_draft(draft), form_version()):
        return False
    apply_draft(row.name, draft)
    return True


def apply_draft(name: str, draft: Draft) -> None:
    """Let the site's other parts know what the draft says of settings and of the trustees' addresses."""
    language_of_mails = draft.languages[0] if draft.languages[0] in LANGUAGES else ""
    desk().store.save_settings(name, settings_of(draft))
    desk().store.set_trustees(
        name,
        [
            TrusteeRow(name, place, trustee.name, trustee.email, language_of_mails)
            for place, trustee in enumerate(draft.trustees, start=1)
        ],
    )


def render_draft(
    template: str,
    row: ElectionRow,
    draft: Draft,
    fields: Sequence[str],
    *,
    page: Page,
    part: str = "",
    problems: Sequence[Problem] | None = None,
    theirs: str | None = None,
    version: int | None = None,
    **context: Any,
) -> Response:
    """A form of the draft.

    Args:
        fields: names of its fields.
        page, part: whose faults are shown.
        problems: faults to show; None: all of this page, if the address asks for them.
        theirs: after a conflict, where the newer version is shown.
    """
    if problems is None:
        wanted = (page, part) if part else (page,)
        shown = [p for p in draft_problems(draft) if page_of(p)[: len(wanted)] == wanted]
        problems = shown if "checked" in request.args or theirs else []
    html = render_template(
        template,
        election=row,
        draft=draft,
        f=FieldProblems(problems, fields, context.pop("labels", None)),
        theirs=theirs,
        version=row.version if version is None else version,
        language_name=language_name,
        **context,
    )
    return make_response(html, 200 if theirs is None else 409)


def language_name(code: str) -> str:
    """A language's name in the reader's language; its code if it has none."""
    try:
        found = Locale.parse(code, sep="-").get_display_name(language())
    except (UnknownLocaleError, ValueError):
        return code
    return str(found) if found else code


def _localized_fields(names: Sequence[str], draft: Draft) -> list[str]:
    return [f"{name}.{code}" for name in names for code in draft.languages]


def after_saving(endpoint: str, page: Page, name: str, draft: Draft, button: str) -> ResponseReturnValue:
    """Back to the form while it has faults or rows are being added; else to the election's page."""
    if button != "save":
        return redirect(url_for(endpoint, name=name))
    if any(page_of(problem)[0] is page for problem in draft_problems(draft)):
        flash(_("Saved. Some things are still missing or wrong."), "warn")
        return redirect(url_for(endpoint, name=name, checked=1))
    flash(_("Saved."), "good")
    return redirect(url_for("admin.show_election", name=name))


# -- title and contact -------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/general")
def show_general(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _general(row, draft)


def _general(row: ElectionRow, draft: Draft, **context: Any) -> ResponseReturnValue:
    fields = ["languages", "contact", *_localized_fields(["title", "description"], draft)]
    return render_draft("admin_general.html", row, draft, fields, page=Page.GENERAL, **context)


@pages.post("/e/<name>/general")
def save_general(name: str) -> ResponseReturnValue:
    row, before = own_draft(name)
    codes = read_languages(request.form)
    draft = read_general(before, request.form)
    wrong = language_problems(codes)
    if wrong:
        typed = msgspec.structs.replace(draft, languages=before.languages)
        return _general(row, typed, problems=wrong, version=form_version())
    if not save_draft(row, draft):
        typed = msgspec.structs.replace(draft, languages=before.languages)
        return _general(row, typed, theirs=url_for("admin.show_general", name=name))
    if draft.languages != before.languages:
        flash(_("Saved. Fill in the texts of the new languages."), "warn")
        return redirect(url_for("admin.show_general", name=name, checked=1))
    return after_saving("admin.show_general", Page.GENERAL, name, draft, "save")


# -- trustees ----------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/trustees")
def show_trustees(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _trustees(row, draft)


def _trustees(row: ElectionRow, draft: Draft, **context: Any) -> ResponseReturnValue:
    rows = range(1, len(draft.trustees) + 1)
    fields = [f"trustees[{i}].{key}" for i in rows for key in ("name", "email")]
    groups = [g for g in GROUP_NAMES if site_settings().allow_toy or not g.startswith("toy") or g == draft.group]
    labels = {f"trustees[{i}].{key}": _("Trustee {number}", number=i) for i in rows for key in ("name", "email")}
    return render_draft(
        "admin_trustees.html",
        row,
        draft,
        [*fields, "trustees", "threshold", "group"],
        page=Page.TRUSTEES,
        groups=groups,
        labels=labels,
        **context,
    )


@pages.post("/e/<name>/trustees")
def save_trustees(name: str) -> ResponseReturnValue:
    row, before = own_draft(name)
    button = request.form.get("do", "save")
    draft = change_trustees(read_trustees(before, request.form), button)
    if not save_draft(row, draft):
        return _trustees(row, draft, theirs=url_for("admin.show_trustees", name=name))
    return after_saving("admin.show_trustees", Page.TRUSTEES, name, draft, button)


# -- times -------------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/times")
def show_times(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _times(row, draft)


def _times(row: ElectionRow, draft: Draft, **context: Any) -> ResponseReturnValue:
    fields = ["schedule.opens", "schedule.closes", "zone", "automatic", "deletion"]
    labels = {"schedule.opens": _("Voting opens"), "schedule.closes": _("Voting closes"), "deletion": _("Deletion")}
    return render_draft(
        "admin_times.html",
        row,
        draft,
        fields,
        page=Page.TIMES,
        zones=zone_names(draft.zone),
        sentences=time_sentences(draft),
        labels=labels,
        **context,
    )


@pages.post("/e/<name>/times")
def save_times(name: str) -> ResponseReturnValue:
    row, before = own_draft(name)
    draft = read_times(before, request.form)
    if not is_zone(draft.zone):
        draft = msgspec.structs.replace(draft, zone=before.zone)
    if not save_draft(row, draft):
        return _times(row, draft, theirs=url_for("admin.show_times", name=name))
    for sentence in time_sentences(draft):
        flash(sentence, "")
    return after_saving("admin.show_times", Page.TIMES, name, draft, "save")


def time_sentences(draft: Draft) -> list[str]:
    """The times as the program understands them, so that a wrong zone or noon for midnight is seen."""
    sentences = []
    opens, closes, deletion = opening_moment(draft), closing_moment(draft), deletion_moment(draft)
    if opens is not None:
        words = in_words(opens, draft.zone, language())
        sentences.append(_("Voting opens on {moment}, {away}.", moment=words, away=_away(opens)))
    if closes is not None:
        words = in_words(closes, draft.zone, language())
        sentences.append(_("Voting closes on {moment}, {away}.", moment=words, away=_away(closes)))
    if deletion is not None:
        day = format_date(date.fromisoformat(draft.deletion.strip()), "EEEE d MMMM y", locale=language())
        sentences.append(_("Names and addresses are deleted on {day}, {away}.", day=day, away=_away(deletion)))
    return sentences


def _away(moment: str) -> str:
    return from_now(moment, now(), language())


# -- codes -------------------------------------------------------------------------------------------------------------


@pages.get("/e/<name>/codes")
def show_codes(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _codes(row, draft)


def _codes(row: ElectionRow, draft: Draft, **context: Any) -> ResponseReturnValue:
    fields = ["authority", "authority_key", "factor"]
    return render_draft("admin_codes.html", row, draft, fields, page=Page.CODES, **context)


@pages.post("/e/<name>/codes")
def save_codes(name: str) -> ResponseReturnValue:
    row, before = own_draft(name)
    draft = read_voting(before, request.form)
    if not save_draft(row, draft):
        return _codes(row, draft, theirs=url_for("admin.show_codes", name=name))
    return after_saving("admin.show_codes", Page.CODES, name, draft, "save")


# -- the draft as a file -----------------------------------------------------------------------------------------------


@pages.get("/e/<name>/source")
def show_source(name: str) -> ResponseReturnValue:
    row, _draft = own_draft(name)
    return _source(row, "", ())


def _source(
    row: ElectionRow, typed: str, problems: Sequence[Problem], theirs: str | None = None
) -> ResponseReturnValue:
    html = render_template(
        "admin_source.html",
        election=row,
        typed=typed,
        f=FieldProblems(problems, [], None),
        problems=problems,
        theirs=theirs,
        version=row.version,
    )
    return make_response(html, 409 if theirs else 200)


@pages.get("/e/<name>/draft.json")
def export_source(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    response = make_response(source_text(draft))
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = f'attachment; filename="{row.name}.json"'
    return response


@pages.post("/e/<name>/source")
def import_source(name: str) -> ResponseReturnValue:
    row, before = own_draft(name)
    typed = request.form.get("source", "")
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        data = upload.read(MAX_SOURCE_BYTES + 1)
        try:
            typed = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return _source(row, "", [Problem("file", "is not UTF-8 text", "save it as UTF-8")])
    try:
        manifest = read_source(typed, name="source")
        draft = with_source(before, manifest, read_witness_urls(typed, name="source"))
    except InputErrors as error:
        return _source(row, typed, error.problems)
    if not save_draft(row, draft):
        return _source(row, typed, (), theirs=url_for("admin.show_election", name=name))
    flash(_("The draft was replaced by what the file says."), "good")
    return redirect(url_for("admin.show_election", name=name))
