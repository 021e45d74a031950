"""The whole site in one application: booth, public pages, boards and administration (docs/architecture.md, "The site").

The data directory is the site: `site.db`, `secret.key`, `elections/`, `mail/`, `rehearsals/`, `cache/`. One process at
a time may use it. It must not import any command.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from bulletin_board.guards import Lock, require_local_disk
from bulletin_board.server import board_api
from voting.admin.register import register_admin
from voting.booth.factor import factor_blueprint
from voting.booth.files import booth_files, served_files
from voting.booth.pages import public_blueprint
from voting.booth.vote_pages import file_blueprint, vote_blueprint
from voting.files import read_file, write_new_file
from voting.protocol.errors import UnavailableError
from voting.site import web
from voting.site.invitations import InvitedElection
from voting.site.mail import Transport
from voting.site.services import Services, make_services
from voting.site.settings import Settings

SECRET = "secret.key"  # noqa: S105 (the name of a file)
SECRET_BYTES = 32
LOCK = "site.lock"
CACHE = "cache"
POSTS = "600 per minute"
"""Entries, and requests of one-time codes, from one network address: a whole school may vote behind one."""
LOOKUPS = "1200 per minute"
"""Look-ups of credentials from one network address."""


class Site(NamedTuple):
    """A site whose data directory is open."""

    services: Services
    secret: bytes
    lock: Lock
    first_account: tuple[str, str] | None
    """Name and passphrase of the account that was made on the first start; shown once."""

    def close(self) -> None:
        """End all threads, close everything, let another process use the directory."""
        self.services.stop()
        self.lock.release()


def open_site(
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    transport: Transport | None = None,
) -> Site:
    """Open the data directory of a site, and make what is missing. No thread is started yet.

    Raises:
        UnavailableError: if the directory cannot be used, or another process uses it.
    """
    data = settings.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot be made ({error.strerror})", where=str(data)) from None
    require_local_disk(data)
    lock = Lock(data / LOCK)
    lock.take()
    try:
        secret = _secret(data / SECRET, random_bytes)
        services = make_services(
            settings, secret, now=now, random_bytes=random_bytes, transport=transport, booth=booth_files
        )
        try:
            first_account = services.accounts.create_first()
        except BaseException:
            services.stop()
            raise
    except BaseException:
        lock.release()
        raise
    return Site(services, secret, lock, first_account)


def create_app(site: Site) -> Flask:
    """The application of an open site. It starts no thread."""
    services = site.services
    settings = services.settings
    app = Flask("voting.site", template_folder="templates", static_folder=None)
    web.prepare(app, settings, site.secret)
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    app.config["URNE_BOOTH_FILES"] = booth_files()
    app.config["URNE_VOTE_PAGE"] = served_files()["vote.html"].data

    board = board_api(lambda name: InvitedElection(services.elections.get(name), services.invitations))
    vote = vote_blueprint(
        services.elections,
        factor_of=lambda name: services.site.settings(name).factor,
        replaced_keys=services.codes.replaced_keys,
    )
    factor = factor_blueprint(services.elections, services.factor)
    # These take no cookies, so that no other site can make a browser act in somebody's name.
    for pages in (board, vote, factor):
        web.csrf.exempt(pages)
    web.limiter.limit(POSTS, methods=["POST"])(board)
    web.limiter.limit(POSTS)(factor)
    web.limiter.limit(LOOKUPS)(vote)
    app.register_blueprint(board, url_prefix="/e/<name>/log")
    app.register_blueprint(file_blueprint(services.elections))
    app.register_blueprint(vote)
    app.register_blueprint(factor)
    cache = settings.data / CACHE
    cache.mkdir(mode=0o700, exist_ok=True)
    app.register_blueprint(public_blueprint(services.elections, cache))
    register_admin(app, services)
    return app


def _secret(path: Path, random_bytes: Callable[[int], bytes]) -> bytes:
    """The site's secret key; made on the first start."""
    if not path.exists():
        write_new_file(path, random_bytes(SECRET_BYTES))
    secret = read_file(path, limit=SECRET_BYTES)
    if len(secret) != SECRET_BYTES or path.stat().st_mode & 0o077:
        raise UnavailableError(
            "is damaged, or may be read by others", where=str(path), remedy="restore it, and chmod 600"
        )
    return secret
