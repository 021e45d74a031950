"""The public pages of the site, for voters and observers: they work without JavaScript (docs/architecture.md).

    app.register_blueprint(public_blueprint(elections, cache))

The list of elections, the page of an election, who holds the keys, and how to verify are here; result, look-up, board
and downloads have modules of their own. The booth itself is `voting.booth.vote_pages`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from babel import Locale, UnknownLocaleError
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from voting.booth import texts
from voting.booth.board_pages import add_board_pages, ceremony_entries
from voting.booth.downloads import add_downloads
from voting.booth.entry_words import all_checks, entry_words
from voting.booth.lookup_pages import add_lookup_pages
from voting.booth.overview import Overview, PublicSite
from voting.booth.result_pages import add_result_pages
from voting.booth.texts import choose_texts
from voting.booth.verifier_file import FILE_NAME, verifier_file
from voting.booth.wording import how_it_is_decided, how_to_answer, in_groups, number, percent
from voting.election.ceremony import TrusteeState
from voting.election.record import ElectionRecord
from voting.protocol.encoding import sha256, to_base64
from voting.protocol.methods import Lists, Question
from voting.protocol.text import plain
from voting.protocol.tlog.header import EntryHeader
from voting.protocol.tracker import tracker
from voting.site.elections import Elections
from voting.site.web import now, site_settings
from voting.translations import LANGUAGES
from voting.translations import text as _


class TrusteeView(NamedTuple):
    """A trustee as the board shows them."""

    number: int
    name: str
    step: str
    """What they have done last, in words."""
    is_done: bool
    fingerprint: str
    """Of their signing key, as they read it aloud."""
    commitments: tuple[str, ...]
    """The published coefficients, base64url."""
    has_decrypted: bool


class KeysView(NamedTuple):
    """Who holds the election's key."""

    trustees: tuple[TrusteeView, ...]
    excluded: tuple[str, ...]
    attempt: int
    is_complete: bool
    joint_key: str
    joint_fingerprint: str


def public_blueprint(
    elections: Elections, cache: Path, *, is_listed: Callable[[str], bool] = lambda _name: True
) -> Blueprint:
    """All public pages but the booth.

    Args:
        elections: of the site.
        cache: folder for records that were asked for.
        is_listed: whether an election is shown in the list of all; its page is public in any case.
    """
    site = PublicSite(elections, cache, is_listed=is_listed)
    pages = Blueprint("public", __name__, template_folder="templates")

    @pages.get("/")
    def home() -> ResponseReturnValue:
        return render_template("home.html", glances=site.glances())

    @pages.get("/e/<name>")
    def election(name: str) -> ResponseReturnValue:
        found = site.overview(name)
        choose_texts(found.manifest)
        return render_template(
            "election.html", election=found, how_to_answer=how_to_answer, how_it_is_decided=how_it_is_decided,
            options_of=options_of, is_lists=lambda question: isinstance(question, Lists), now=now(),
        )  # fmt: skip

    @pages.get("/e/<name>/keys")
    def keys(name: str) -> ResponseReturnValue:
        found = site.overview(name)
        choose_texts(found.manifest)
        hosted = site.get(name)
        with hosted.reader() as board:
            entries = ceremony_entries(board)
        return render_template("keys.html", election=found, keys=hosted.look(_keys), entries=_described(entries))

    @pages.get("/e/<name>/verify")
    def verify(name: str) -> ResponseReturnValue:
        found = site.overview(name)
        choose_texts(found.manifest)
        hosted = site.get(name)
        with hosted.reader() as board:
            size, vkey, checkpoint = len(board), board.key.vkey, board.checkpoint_note().decode("utf-8")
        return render_template(
            "verify.html", election=found, checks=all_checks(), size=size, vkey=vkey, checkpoint=checkpoint,
            address=site_settings().link(found.path), verifier=FILE_NAME, verifier_hash=verifier_file().sha256,
        )  # fmt: skip

    add_result_pages(pages, site)
    add_lookup_pages(pages, site)
    add_board_pages(pages, site)
    add_downloads(pages, site)
    pages.app_context_processor(_helpers)
    return pages


def _helpers() -> dict[str, Any]:
    """What the templates of these pages call."""
    return {
        "words": texts.words,
        "person": texts.person,
        "contact": texts.contact,
        "paragraphs": texts.paragraphs,
        "kept": texts.kept,
        "title_of": _title,
        "number": number,
        "percent": percent,
        "in_groups": in_groups,
        "other_texts": _other_texts,
    }


def _title(election: Overview) -> str:
    """The election's title for places that hold no markup."""
    return plain(election.manifest.title, texts.texts_language())


def _other_texts(election: Overview) -> list[tuple[str, str]]:
    """The languages of the election's texts to offer: code and own name. The page's own switch offers some already."""
    shown = texts.texts_language()
    offered = () if texts.kept() else LANGUAGES
    return [(code, language_name(code)) for code in election.manifest.languages if code not in (shown, *offered)]


def language_name(code: str) -> str:
    """A language by its own name; its code if nobody knows it."""
    try:
        locale = Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return code
    return locale.get_display_name(code.replace("-", "_")) or code


def options_of(question: Question) -> list[Any]:
    """What can be chosen in a question: options, or lists with their candidates."""
    return list(question.lists if isinstance(question, Lists) else question.options)  # type: ignore[attr-defined]


# -- keys --------------------------------------------------------------------------------------------------------------


def _keys(record: ElectionRecord) -> KeysView:
    ceremony = record.require_ceremony()
    joint = ceremony.joint_key().encode() if ceremony.all_committed else b""
    return KeysView(
        trustees=tuple(
            _trustee(trustee, index in record.shares, ceremony.failed == index)
            for index, trustee in sorted(ceremony.trustees.items())
        ),
        excluded=tuple(ceremony.manifest.trustees[index - 1].name for index in ceremony.excluded),
        attempt=ceremony.attempt,
        is_complete=ceremony.complete,
        joint_key=to_base64(joint),
        joint_fingerprint=tracker(sha256(joint)) if joint else "",
    )


def _trustee(trustee: TrusteeState, has_decrypted: bool, has_failed: bool) -> TrusteeView:
    step = _("has not begun")
    for is_so, text in (
        (trustee.signing_key is not None, _("has joined")),
        (bool(trustee.commitments), _("has published their part of the key")),
        (bool(trustee.sealed_shares), _("has given shares to the others")),
        (trustee.confirmed, _("has confirmed the key")),
        ("trustee.complained" in trustee.times and not trustee.confirmed, _("has complained about a share")),
        (has_failed, _("gave a wrong share: the ceremony has to begin anew without them")),
        (has_decrypted, _("has done their part of opening the sum")),
    ):
        if is_so:
            step = text
    key = trustee.signing_key
    return TrusteeView(
        number=trustee.index,
        name=trustee.name,
        step=step,
        is_done=(trustee.confirmed or has_decrypted) and not has_failed,
        fingerprint=tracker(sha256(key.raw)) if key is not None else "",
        commitments=tuple(to_base64(element.encode()) for element in trustee.commitments),
        has_decrypted=has_decrypted,
    )


def _described(entries: list[EntryHeader]) -> list[tuple[int, str]]:
    return [(header.seq, entry_words(header.type).name) for header in entries]
