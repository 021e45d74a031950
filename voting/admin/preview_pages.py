"""The preview of a draft: the real booth in practice mode, for the administrator, and by a link for others.

The link's address cannot be guessed. Whoever has it may look, try, and say whether all is right; what they say is kept
with the draft it was said of.
"""

from __future__ import annotations

import hmac
import re
import secrets
from functools import partial

import msgspec
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from voting.admin.desk import desk, moment_now, own_draft, pages
from voting.admin.draft_pages import language_name, time_sentences
from voting.admin.drafts import Draft, draft_hash, draft_manifest, parse_draft
from voting.admin.preparation import MAX_OPINIONS, Opinion, Preparation, change_preparation, read_preparation
from voting.admin.question_cost import question_manifest
from voting.admin.question_forms import title_of
from voting.admin.question_words import method_title
from voting.protocol.errors import InputErrors, UnavailableError, UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.text import text_problems
from voting.site.election_store import ElectionRow, State
from voting.site.web import POLICY, limiter, site_settings
from voting.translations import text as _

public_preview = Blueprint("preview", __name__, url_prefix="/preview", template_folder="templates")

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\Z")
MAX_NAME = 100
MAX_REMARK = 2000


# -- the booth with a draft --------------------------------------------------------------------------------------------


def _booth_page(*, framed: bool = False) -> ResponseReturnValue:
    """The booth's own page, the same bytes as for an election."""
    vote_page: bytes | None = current_app.config.get("URNE_VOTE_PAGE")
    if vote_page is None:
        raise UnavailableError("the booth is not installed")
    response = make_response(vote_page)
    response.mimetype = "text/html"
    if framed:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return response


def _practice(manifest: Manifest) -> ResponseReturnValue:
    response = jsonify(manifest=msgspec.to_builtins(manifest))
    response.headers["Cache-Control"] = "no-store"
    return response


def _require_sound(draft: Draft) -> Manifest:
    try:
        return draft_manifest(draft)
    except InputErrors as error:
        first = error.problems[0]
        raise UsageError("the draft cannot be shown yet", remedy=f"{first.where}: {first.problem}") from None


@pages.get("/e/<name>/preview/practice")
def preview_booth(name: str) -> ResponseReturnValue:
    own_draft(name)
    return _booth_page()


@pages.get("/e/<name>/preview/practice.json")
def preview_data(name: str) -> ResponseReturnValue:
    _row, draft = own_draft(name)
    return _practice(_require_sound(draft))


@pages.get("/e/<name>/questions/<int:number>/practice")
def preview_question(name: str, number: int) -> ResponseReturnValue:
    """One question in the booth, whatever is still missing elsewhere."""
    _question(name, number)
    return _booth_page(framed=True)


@pages.get("/e/<name>/questions/<int:number>/practice.json")
def preview_question_data(name: str, number: int) -> ResponseReturnValue:
    try:
        return _practice(question_manifest(_question(name, number), number))
    except InputErrors:
        raise UsageError("the question cannot be shown yet", remedy="complete it first") from None


def _question(name: str, number: int) -> Draft:
    _row, draft = own_draft(name)
    if not 1 <= number <= len(draft.questions):
        abort(404)
    return draft


# -- the administrator's side ------------------------------------------------------------------------------------------


@pages.get("/e/<name>/preview")
def show_preview(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    preparation = read_preparation(row.preparation)
    link = site_settings().link(f"/preview/{preparation.preview}/") if preparation.preview else ""
    try:
        draft_manifest(draft)
        is_sound = True
    except InputErrors:
        is_sound = False
    return render_template(
        "admin_preview.html",
        election=row,
        link=link,
        opinions=list(enumerate(preparation.opinions, start=1)),
        present=draft_hash(draft),
        is_sound=is_sound,
    )


@pages.post("/e/<name>/preview")
def change_preview(name: str) -> ResponseReturnValue:
    """Make a new link (an older one ends), end it, or remove a remark."""
    row, _draft = own_draft(name)
    step, _colon, number = request.form.get("do", "").partition(":")
    if step == "new-link":
        token = secrets.token_urlsafe(16)
        change_preparation(desk().store, row.name, lambda p: msgspec.structs.replace(p, preview=token))
    elif step == "end-link":
        change_preparation(desk().store, row.name, lambda p: msgspec.structs.replace(p, preview=""))
        flash(_("The link leads nowhere any more."), "good")
    elif step == "remove" and number.isdigit():
        change_preparation(
            desk().store, row.name, partial(_without_opinion, number=int(number), time=request.form.get("time", ""))
        )
    return redirect(url_for("admin.show_preview", name=name))


def _without_opinion(preparation: Preparation, number: int, time: str) -> Preparation:
    kept = tuple(
        opinion
        for place, opinion in enumerate(preparation.opinions, start=1)
        if (place, opinion.time) != (number, time)
    )
    return msgspec.structs.replace(preparation, opinions=kept)


@public_preview.after_request
def keep_nothing(response: Response) -> Response:
    """A draft changes, and its link can be ended: no cache keeps what it showed."""
    response.headers["Cache-Control"] = "no-store"
    return response


# -- by the link -------------------------------------------------------------------------------------------------------


def _shared(token: str) -> tuple[ElectionRow, Draft]:
    """The draft that a link shows, or the public page once it is frozen; no such page for any other."""
    if _TOKEN.match(token):
        for row in desk().store.prepared_with(token):
            known = read_preparation(row.preparation).preview
            if known and hmac.compare_digest(known, token):
                if row.state is not State.DRAFT:
                    abort(redirect(f"/e/{row.name}"))
                return row, parse_draft(row.draft)
    raise NotFound


@public_preview.get("/<token>/")
def look_at_preview(token: str) -> ResponseReturnValue:
    return _shared_page(token, "", "", "")


def _shared_page(token: str, name: str, remark: str, problem: str) -> ResponseReturnValue:
    row, draft = _shared(token)
    html = render_template(
        "preview_shared.html",
        election=row,
        draft=draft,
        token=token,
        title=title_of(draft.title, draft),
        title_of=lambda text: title_of(text, draft),
        method_title=method_title,
        language_name=language_name,
        sentences=time_sentences(draft),
        present=draft_hash(draft),
        name=name,
        remark=remark,
        problem=problem,
    )
    response = make_response(html, 400 if problem else 200)
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@public_preview.get("/<token>/practice")
def try_preview(token: str) -> ResponseReturnValue:
    _shared(token)
    return _booth_page()


@public_preview.get("/<token>/practice.json")
def try_preview_data(token: str) -> ResponseReturnValue:
    _row, draft = _shared(token)
    return _practice(_require_sound(draft))


@public_preview.post("/<token>/")
@limiter.limit("30/hour")
def sign_preview(token: str) -> ResponseReturnValue:
    """Somebody says whether the draft is right."""
    row, draft = _shared(token)
    name, remark = (request.form.get(key, "").replace("\r\n", "\n").strip() for key in ("name", "remark"))
    agrees = request.form.get("agrees")
    problem = ""
    if any(True for _p in text_problems(name, "", limit=MAX_NAME)):
        problem = _("Write your name: at most {count} characters.", count=MAX_NAME)
    elif agrees not in {"yes", "no"}:
        problem = _("Say whether everything is right.")
    elif agrees == "no" and not remark:
        problem = _("Say what is wrong.")
    elif remark and any(True for _p in text_problems(remark, "", limit=MAX_REMARK, multiline=True)):
        problem = _("The remark is too long, or holds hidden characters: at most {count} characters.", count=MAX_REMARK)
    elif request.form.get("draft") != draft_hash(draft):
        problem = _("The draft was changed while you were looking. Look at it again.")
    if problem:
        return _shared_page(token, name, remark, problem)
    said = Opinion(name=name, agrees=agrees == "yes", remark=remark, draft=draft_hash(draft), time=moment_now())

    def add(preparation: Preparation) -> Preparation:
        if len(preparation.opinions) >= MAX_OPINIONS:
            raise UsageError("the preview has been commented on too often", remedy="tell the administrator")
        others = tuple(o for o in preparation.opinions if (o.name, o.draft) != (said.name, said.draft))
        return msgspec.structs.replace(preparation, opinions=(*others, said))

    change_preparation(desk().store, row.name, add)
    flash(_("Thank you. The administrator sees what you said."), "good")
    return redirect(url_for("preview.look_at_preview", token=token))
