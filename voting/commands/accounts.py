"""`urne account`: accounts of a voting site, for whoever keeps its machine (docs/operating.md).

A passphrase is made here and shown once; none can be typed, so none stands in a list of commands.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from voting.crypto.passphrase import generate_passphrase
from voting.files import read_file
from voting.protocol.errors import UsageError
from voting.server import SECRET, SECRET_BYTES
from voting.site.accounts import Accounts
from voting.site.store import DATABASE, SiteStore
from voting.terminal import say, table, tell
from voting.translations import text as _

_data = click.argument("data", metavar="DATA", type=click.Path(path_type=Path))


@click.group()
def account() -> None:
    """Make accounts of a voting site, list them, or give one a new passphrase. The site may be running."""


@account.command("add")
@_data
@click.argument("name")
@click.option("--manager", is_flag=True, help="Let this account make other accounts.")
def add(data: Path, name: str, manager: bool) -> None:
    """Make an account NAME on the site in the directory DATA, and show its passphrase, once."""
    new = generate_passphrase(secrets.token_bytes)
    _show(_accounts(data).create(name, new, is_manager=manager).name, new)


@account.command("passphrase")
@_data
@click.argument("name")
def passphrase(data: Path, name: str) -> None:
    """Give the account NAME a new passphrase, show it once, and end its logins."""
    accounts = _accounts(data)
    found = accounts.rows.by_name(name)
    if found is None:
        raise UsageError("is the name of no account", where=name, remedy="list them with `urne account list`")
    _show(found.name, accounts.reset_password(found.id))


@account.command("list")
@_data
def list_accounts(data: Path) -> None:
    """List the accounts of the site in the directory DATA."""
    rows = [
        (
            one.name,
            _("locked") if one.is_disabled else _("manages accounts") if one.is_manager else _("usual"),
        )
        for one in _accounts(data).rows.all()
    ]
    for line in table(rows):
        say(line)


def _accounts(data: Path) -> Accounts:
    if not (data / DATABASE).is_file():
        raise UsageError("is not the directory of a site", where=str(data), remedy="make one with `urne serve`")
    store = SiteStore.open(data / DATABASE)
    click.get_current_context().call_on_close(store.close)
    secret = read_file(data / SECRET, limit=SECRET_BYTES)
    return Accounts(store, secret, now=lambda: datetime.now(UTC), random_bytes=secrets.token_bytes)


def _show(name: str, new: str) -> None:
    tell(_("The passphrase is shown this once:"))
    say(f"{name}: {new}")
