"""Pages about accounts: logging in and out, one's own password, other accounts, and who may manage an election."""

from __future__ import annotations

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from voting.admin.access import (
    BROWSER_COOKIE,
    BROWSER_LASTS,
    LOGIN_PATH,
    account,
    current_login,
    login_token,
    open_to_all,
    require_manager,
    services,
    set_login_cookie,
)
from voting.admin.desk import own_election, pages
from voting.admin.field_problems import FieldProblems
from voting.crypto.passphrase import generate_passphrase
from voting.protocol.errors import InputErrors, Problem, UrneError
from voting.site.account_store import AccountRow
from voting.site.accounts import LoginDelayed, LoginError, password_problems
from voting.site.election_store import ElectionRow
from voting.site.web import limiter, now, site_settings
from voting.translations import LANGUAGES
from voting.translations import text as _
from voting.voter_list import is_mail_address

MAX_FIELD = 2000
"""Longest text that a field of these forms may hold."""


def field(name: str) -> str:
    """What was typed into a field, cut to a bearable length."""
    return request.form.get(name, "")[:MAX_FIELD]


# -- logging in and out ------------------------------------------------------------------------------------------------


@pages.get("/login")
@open_to_all
def show_login() -> ResponseReturnValue:
    if services().sessions.find(login_token(), is_use=False) is not None:
        return redirect(safe_target(request.args.get("next", "")))
    return _login_page([], request.args.get("next", ""), was_ended=request.args.get("reason") == "ended")


@pages.post("/login")
@limiter.limit("60 per minute")
@open_to_all
def log_in() -> ResponseReturnValue:
    target = safe_target(field("next"))
    site = services()
    try:
        found = site.accounts.check(
            field("name"), field("password"), request.remote_addr or "", request.cookies.get(BROWSER_COOKIE, "")
        )
    except LoginDelayed as error:
        text = _("Too many wrong attempts. Wait {seconds} seconds, then try again.", seconds=error.seconds)
        return _login_page([text], target, status=429)
    except LoginError:
        return _login_page([_("Name and password do not belong together. Type both again.")], target, status=403)
    site.sessions.end(login_token())
    session.clear()
    answer = make_response(redirect(target))
    set_login_cookie(answer, site.sessions.begin(found))
    _remember_browser(answer, found)
    return answer


@pages.post("/logout")
@open_to_all
def log_out() -> ResponseReturnValue:
    services().sessions.end(login_token())
    session.clear()
    answer = make_response(redirect(url_for("admin.show_login")))
    set_login_cookie(answer, "")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@pages.post("/extend")
def extend_login() -> ResponseReturnValue:
    """Stay logged in: the request itself begins the eight hours anew."""
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify(ends=current_login().ends, now=now().isoformat())
    flash(_("You stay logged in."), "good")
    return redirect(safe_target(field("next")))


def safe_target(target: str) -> str:
    """Where to go after logging in: a page of the administration, never another site."""
    fine = target.startswith("/admin/") and "\\" not in target and target.isprintable()
    return target if fine and not target.startswith((LOGIN_PATH, "/admin/logout")) else url_for("admin.list_elections")


def _login_page(problems: list[str], target: str, *, was_ended: bool = False, status: int = 200) -> ResponseReturnValue:
    html = render_template(
        "login.html", problems=problems, next=target, name=field("name"), was_ended=was_ended, election=None
    )
    return make_response(html, status)


def _remember_browser(answer: Response, found: AccountRow) -> None:
    answer.set_cookie(
        BROWSER_COOKIE,
        services().accounts.known_browser(found),
        max_age=int(BROWSER_LASTS.total_seconds()),
        secure=site_settings().is_secure,
        httponly=True,
        samesite="Strict",
        path=LOGIN_PATH,
    )


# -- one's own account -------------------------------------------------------------------------------------------------


@pages.get("/account")
def show_account() -> ResponseReturnValue:
    return _account_page([])


@pages.post("/account")
def save_account() -> ResponseReturnValue:
    email, chosen = field("email").strip(), field("language")
    if email and not is_mail_address(email):
        return _account_page([Problem("email", "is no mail address", "write it like name@example.org")])
    services().accounts.rows.set_contact(account().id, email, chosen if chosen in LANGUAGES else LANGUAGES[0])
    flash(_("Saved."), "good")
    return redirect(url_for("admin.show_account"))


@pages.post("/account/password")
@limiter.limit("10 per minute")
def save_password() -> ResponseReturnValue:
    old, new, again = field("old"), field("password"), field("again")
    problems = [*password_problems(new)]
    if new != again:
        problems.append(Problem("again", "is not the same as the new password", "type both again"))
    if not problems:
        try:
            services().accounts.change_password(account(), old, new, keep=current_login().hash)
        except LoginError as error:
            problems.append(Problem("old", error.problem, error.remedy))
    if problems:
        return _account_page(problems)
    flash(_("The password is changed. All other logins of this account have ended."), "good")
    return redirect(url_for("admin.show_account"))


def _account_page(problems: list[Problem]) -> ResponseReturnValue:
    fields = ["email", "old", "password", "again"]
    labels = {
        "email": _("Mail address"),
        "old": _("Present password"),
        "password": _("New password"),
        "again": _("New password again"),
    }
    html = render_template(
        "login_account.html",
        election=None,
        account=account(),
        email=field("email") or account().email,
        f=FieldProblems(problems, fields, labels),
    )
    return make_response(html, 400 if problems else 200)


# -- other accounts ----------------------------------------------------------------------------------------------------


@pages.get("/accounts")
def list_accounts() -> ResponseReturnValue:
    return _accounts_page([])


@pages.post("/accounts")
def add_account() -> ResponseReturnValue:
    require_manager()
    site = services()
    password = generate_passphrase(site.random_bytes)
    try:
        made = site.accounts.create(
            field("name"), password, email=field("email").strip(), is_manager=field("manager") == "yes"
        )
    except InputErrors as error:
        return _accounts_page(list(error.problems))
    except UrneError as error:
        return _accounts_page([Problem("name", error.problem, error.remedy)])
    return _password_once(made, password)


@pages.post("/accounts/<int:number>")
def change_account(number: int) -> ResponseReturnValue:
    manager, site = require_manager(), services()
    found = site.accounts.rows.get(number)
    action = field("do")
    if found is None or found.id == manager.id:
        return _accounts_page([Problem("", "cannot be changed here", "use the page of your own account")])
    if action == "reset":
        return _password_once(found, site.accounts.reset_password(found.id))
    if action in {"disable", "enable"}:
        site.accounts.rows.set_disabled(found.id, action == "disable")
        if action == "disable":
            site.sessions.end_all(found.id)
        flash(_("Saved."), "good")
    return redirect(url_for("admin.list_accounts"))


def _accounts_page(problems: list[Problem]) -> ResponseReturnValue:
    require_manager()
    html = render_template(
        "login_accounts.html",
        election=None,
        accounts=services().accounts.rows.all(),
        account=account(),
        name=field("name"),
        email=field("email"),
        f=FieldProblems(problems, ["name", "email"], {"name": _("Name"), "email": _("Mail address")}),
    )
    return make_response(html, 400 if problems else 200)


def _password_once(made: AccountRow, password: str) -> ResponseReturnValue:
    """The one time that a generated passphrase is shown: it is nowhere in a link or a cookie."""
    html = render_template(
        "login_passphrase.html", election=None, made=made, password=password, address=site_settings().link(LOGIN_PATH)
    )
    return make_response(html)


# -- who may manage an election ----------------------------------------------------------------------------------------


@pages.get("/e/<name>/people")
def show_people(name: str) -> ResponseReturnValue:
    return _people_page(own_election(name), [])


@pages.post("/e/<name>/people")
def change_people(name: str) -> ResponseReturnValue:
    row = own_election(name)
    site = services()
    if row.owner != account().id:
        return _people_page(row, [Problem("", "can be changed by the owner only")])
    if field("do") == "remove":
        number = field("account")
        site.site.unshare(name, int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0)
        flash(_("Saved."), "good")
        return redirect(url_for("admin.show_people", name=name))
    found = site.accounts.rows.by_name(field("who").strip())
    if found is None or found.is_disabled:
        return _people_page(row, [Problem("who", "is the name of no account here", "ask for the exact name")])
    if found.id != row.owner:
        site.site.share(name, found.id)
    flash(_("Saved."), "good")
    return redirect(url_for("admin.show_people", name=name))


def _people_page(row: ElectionRow, problems: list[Problem]) -> ResponseReturnValue:
    site = services()
    known = {found.id: found for found in site.accounts.rows.all()}
    html = render_template(
        "login_people.html",
        election=row,
        owner=known.get(row.owner or 0),
        others=[known[number] for number in site.site.shared_with(row.name) if number in known],
        is_owner=row.owner == account().id,
        who=field("who"),
        f=FieldProblems(problems, ["who"], {"who": _("Name of the account")}),
    )
    return make_response(html, 400 if problems else 200)
