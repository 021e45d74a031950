"""Who is logged in: every page of the administration needs a login, but for those marked `open_to_all`.

The cookie holds a random number that means nothing outside this site. It must not import other pages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from flask import Response, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.desk import pages
from voting.site.account_store import AccountRow
from voting.site.services import Services
from voting.site.sessions import LONGEST, WARN_BEFORE, Login
from voting.site.web import now, site_settings

EXTENSION = "urne-services"
BROWSER_COOKIE = "urne-browser"
BROWSER_LASTS = timedelta(days=365)
LOGIN_PATH = "/admin/login"

View = TypeVar("View", bound=Callable[..., Any])


def services() -> Services:
    """The services of the running site."""
    found: Services = current_app.extensions[EXTENSION]
    return found


def open_to_all(view: View) -> View:
    """Mark a page below /admin that needs no login."""
    view.is_open_to_all = True  # type: ignore[attr-defined]
    return view


def current_login() -> Login:
    """The login of this request. On a page that is open to all there may be none: that is a fault of the page."""
    login: Login = g.login
    return login


def account() -> AccountRow:
    """Who is logged in."""
    return current_login().account


def account_number() -> int:
    """Number of the account that is logged in."""
    return account().id


def require_manager() -> AccountRow:
    """Who is logged in; for accounts that may not manage others there is no such page."""
    found = account()
    if not found.is_manager:
        abort(404)
    return found


def cookie_name() -> str:
    """The login cookie. Over https its name forbids other sites of the same domain to set it."""
    return "__Host-urne-login" if site_settings().is_secure else "urne-login"


def set_login_cookie(response: Response, token: str) -> None:
    """Give the browser its number; an empty one takes it away."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(LONGEST.total_seconds()) if token else 0,
        secure=site_settings().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def login_token() -> str:
    """The number in the browser's cookie; empty if there is none."""
    return request.cookies.get(cookie_name(), "")


@pages.before_request
def require_login() -> ResponseReturnValue | None:
    """Send whoever is not logged in to the login page."""
    view = current_app.view_functions.get(request.endpoint or "")
    g.login = services().sessions.find(login_token())
    if g.login is not None or request.endpoint == "admin.static" or getattr(view, "is_open_to_all", False):
        return None
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    reason = "ended" if login_token() else ""
    return redirect(url_for("admin.show_login", next=back or None, reason=reason or None))


@pages.after_request
def keep_nothing(response: Response) -> Response:
    """No cache keeps an answer that a login was needed for, whatever its kind."""
    if request.endpoint != "admin.static":
        response.headers["Cache-Control"] = "no-store"
    return response


@pages.context_processor
def about_login() -> dict[str, object]:
    """What the foot of every page says about the login."""
    login: Login | None = g.get("login")
    if login is None:
        return {"login": None}
    return {"login": login, "login_now": now(), "login_warning": int(WARN_BEFORE.total_seconds())}
