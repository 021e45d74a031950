"""Freezing: the draft becomes the manifest on a new board, for ever."""

from __future__ import annotations

import secrets
import shutil
import threading

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.checklist import blocks_freeze
from voting.admin.desk import desk, election_state, own_draft, own_election, pages
from voting.admin.draft_pages import apply_draft, form_version, language_name, time_sentences
from voting.admin.drafts import (
    SOURCE_NAME,
    Draft,
    authority_key,
    draft_hash,
    parse_draft,
    quorum_of,
    source_text,
    witness_settings_of,
)
from voting.admin.overview_pages import issue_link
from voting.admin.question_cost import draft_cost
from voting.admin.question_words import method_title, number_words, rule_words
from voting.election_folder import MakeManifest
from voting.protocol.errors import UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.manifest_source import read_manifest
from voting.site.election_store import ElectionRow, State
from voting.site.web import site_settings
from voting.translations import text as _

_freezing = threading.Lock()


@pages.get("/e/<name>/freeze")
def show_freeze(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _page(row, draft, "", "")


def _page(row: ElectionRow, draft: Draft, typed: str, problem: str) -> ResponseReturnValue:
    html = render_template(
        "admin_freeze.html",
        election=row,
        draft=draft,
        blockers=blocks_freeze(election_state(row)),
        issue_link=issue_link,
        language_name=language_name,
        method_title=method_title,
        number_words=number_words,
        rule_words=rule_words(),
        sentences=time_sentences(draft),
        cost=draft_cost(draft),
        quorum=quorum_of(draft),
        present=draft_hash(draft),
        typed=typed,
        problem=problem,
    )
    return make_response(html, 400 if problem else 200)


@pages.post("/e/<name>/freeze")
def freeze(name: str) -> ResponseReturnValue:
    with _freezing:  # the second of two clicks finds it frozen
        row = own_election(name)
        if row.state is not State.DRAFT:
            flash(_("The election is frozen."), "good")
            return redirect(url_for("admin.show_election", name=name))
        draft = parse_draft(row.draft)
        typed = request.form.get("confirm", "").strip()
        if form_version() != row.version:
            return _page(row, draft, typed, _("The draft was changed since you opened this page. Look at it again."))
        if blocks_freeze(election_state(row)):
            return _page(row, draft, typed, _("Something must be done first."))
        if typed != row.name:
            return _page(row, draft, typed[:100], _("This is not the short name, {name}.", name=row.name))
        manifest = desk().elections.create(
            row.name, manifest_maker(draft), random_bytes=secrets.token_bytes, witnesses=witness_settings_of(draft)
        )
        apply_draft(row.name, draft)
        desk().store.set_state(row.name, State.FROZEN)
    shutil.rmtree(site_settings().rehearsals / row.name, ignore_errors=True)
    flash(_("The election is frozen. Manifest hash: {hash}", hash=manifest.hash), "good")
    return redirect(url_for("admin.show_election", name=name))


def manifest_maker(draft: Draft) -> MakeManifest:
    """What turns new keys into the manifest of a draft."""
    allow_toy = site_settings().allow_toy

    def make(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
        outside = authority_key(draft) if draft.authority == "outside" else None
        manifest = read_manifest(
            source_text(draft),
            name=SOURCE_NAME,
            form="json",
            administrator=administrator,
            authority=outside or authority,
            board_vkey=vkey,
            nonce=nonce,
        )
        if manifest.crypto_group().is_toy and not allow_toy:
            raise UsageError(
                f"the group {manifest.group} is for tests only and protects nothing", remedy="choose another group"
            )
        return manifest

    return make
