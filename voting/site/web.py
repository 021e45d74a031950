"""Flask glue that every page of the site shares: headers, languages, forms that cannot be forged, limits, error pages.

The pages set no inline script or style, load nothing from other hosts, and are never shown in a frame. Requests are not
logged: an address of a reader with a time is nobody's business.
"""

from __future__ import annotations

from datetime import UTC, datetime
from traceback import format_tb
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from voting.protocol.errors import UnavailableError, UrneError, UsageError, VerificationError
from voting.site import times
from voting.site.settings import Settings
from voting.translations import LANGUAGES, language, set_language
from voting.translations import text as _
from voting.translations.problems import said, sentence

LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
LANGUAGE_COOKIE = "language"
LANGUAGE_SECONDS = 180 * 24 * 3600
MAX_FORM_BYTES = 16 * 1024 * 1024
"""Files with voter lists are the longest forms. The board's own interface has a limit of its own."""
MAX_TYPED_BYTES = 4 * 1024 * 1024
"""All fields of a form together, files left out."""
MAX_FIELDS = 20_000
"""Fields of one form: each costs a few hundred bytes of memory, however short it is."""
FORM = "application/x-www-form-urlencoded"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)


def prepare(app: Flask, settings: Settings, secret: bytes) -> None:
    """Give an app what all pages share.

    Args:
        secret: 32 bytes that sign cookies; the site's own, kept in its data directory.
    """
    app.config.update(
        SECRET_KEY=secret,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_TYPED_BYTES,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_secure,
        # This prefix forbids sites on other names of the same domain to set it: they could lend their form token.
        SESSION_COOKIE_NAME="__Host-urne" if settings.is_secure else "urne",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        URNE_SETTINGS=settings,
    )
    app.url_map.strict_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.before_request(_choose_language)  # first: the pages of refused requests are in the reader's language, too
    app.before_request(_require_bearable_form)
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(_finish)
    app.teardown_request(_forget_language)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(UrneError, _our_problem)
    app.register_error_handler(Exception, _unforeseen)
    app.context_processor(_for_templates)


def site_settings() -> Settings:
    """The settings of the running site."""
    settings: Settings = current_app.config["URNE_SETTINGS"]
    return settings


def now() -> datetime:
    """The time of this request, UTC. Tests put another clock into the app's configuration."""
    clock = current_app.config.get("URNE_CLOCK")
    return clock() if clock else datetime.now(UTC)


# -- forms -------------------------------------------------------------------------------------------------------------


def _require_bearable_form() -> None:
    """Refuse what would take much memory to take apart; before anything else looks at the form."""
    if request.mimetype != FORM or (request.content_length or 0) <= MAX_FIELDS:
        return
    if (request.content_length or 0) > MAX_TYPED_BYTES or request.get_data().count(b"&") >= MAX_FIELDS:
        raise RequestEntityTooLarge


# -- languages ---------------------------------------------------------------------------------------------------------


def _choose_language() -> None:
    """The address says which language, else the cookie, else the browser."""
    asked = request.args.get("lang", "")
    wanted = asked if asked in LANGUAGES else request.cookies.get(LANGUAGE_COOKIE, "")
    if wanted not in LANGUAGES:
        wanted = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    set_language(wanted)
    g.keep_language = asked in LANGUAGES


def _forget_language(_error: BaseException | None) -> None:
    """The thread goes on to other readers."""
    set_language("en")


def language_link(code: str) -> str:
    """This page in another language."""
    if request.method != "GET":
        return f"?{urlencode({'lang': code})}"
    fields = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return f"?{urlencode([*fields, ('lang', code)])}"


def _for_templates() -> dict[str, object]:
    settings = site_settings()
    return {
        "_": _,
        "language": language,
        "language_link": language_link,
        "site_contact": settings.contact,
        "site_languages": [(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        "moment": moment,
    }


def moment(point: str | datetime, zone: str | None = None) -> str:
    """A point in time in words, in the reader's language and the site's zone."""
    return times.in_words(point, zone or site_settings().time_zone, language())


# -- headers -----------------------------------------------------------------------------------------------------------


def _finish(response: Response) -> Response:
    settings = site_settings()
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if settings.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Content-Language", language())
        response.vary.update(("Accept-Language", "Cookie"))
    if getattr(g, "keep_language", False):
        response.set_cookie(
            LANGUAGE_COOKIE,
            language(),
            max_age=LANGUAGE_SECONDS,
            secure=settings.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response


# -- problems ----------------------------------------------------------------------------------------------------------


def _problem_page(status: int, code: str, heading: str, what: str, remedy: str = "") -> ResponseReturnValue:
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify(error={"code": code, "message": what, "remedy": remedy}), status
    page = render_template("problem.html", code=code, heading=heading, what=what, remedy=remedy)
    return make_response(page, status)


def _forged(error: CSRFError) -> ResponseReturnValue:
    return _problem_page(
        400,
        "form-expired",
        _("This form is too old"),
        _("Nothing was changed. The page was open for too long, or cookies are switched off."),
        _("Go back, reload the page, and send the form again."),
    )


def _http_problem(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error.get_response()  # a redirect
    heading, what, remedy = {
        404: (
            _("There is no such page"),
            _("The address leads nowhere. It may be mistyped, or the page is gone."),
            _("Check the address, or begin on the first page."),
        ),
        405: (_("This cannot be done here"), _("Nothing was changed."), _("Begin on the first page.")),
        413: (_("This is too long"), _("Nothing was changed."), _("Send something shorter.")),
        429: (
            _("Too many attempts"),
            _("Nothing was changed. For safety, the number of attempts is limited."),
            _("Wait a minute, then try again."),
        ),
    }.get(status, (_("This did not work"), _("Nothing was changed."), _("Go back and try again.")))
    response = make_response(_problem_page(status, f"http-{status}", heading, what, remedy))
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _our_problem(error: UrneError) -> ResponseReturnValue:
    status = 500
    if isinstance(error, UsageError):
        status = 404 if error.code == "usage" and request.method in {"GET", "HEAD"} else 400
    elif isinstance(error, UnavailableError):
        status = 503
    elif isinstance(error, VerificationError):
        status = 409
    heading = _("There is no such page") if status == 404 else _("This did not work")
    if "/" in error.where:  # a file of the server: its name is for the log, not for readers
        current_app.logger.error("%s: %s", error.where, error.problem)
        what, remedy = _("A part of this site cannot be used right now."), _("Try again in a minute.")
        return _problem_page(status, error.code, heading, what, remedy)
    return _problem_page(status, error.code, heading, _whole(error), sentence(error.remedy))


def _whole(error: UrneError) -> str:
    """What is wrong, and where if the error says so."""
    what = sentence(error.problem)
    return f"{said(error.where)}: {said(error.problem)}" if error.where else what


def _unforeseen(error: Exception) -> ResponseReturnValue:
    """What nobody foresaw: the log gets the place in the code, the reader gets no details."""
    place = "".join(format_tb(error.__traceback__))  # without the error's text: it may hold what somebody typed
    current_app.logger.error("unforeseen %s at %s\n%s", type(error).__name__, request.endpoint, place)
    return _problem_page(
        500,
        "unforeseen",
        _("Something is wrong with this site"),
        _("What you asked for was perhaps not done."),
        _("Try again in a moment. If it goes on, tell whoever runs this site."),
    )
