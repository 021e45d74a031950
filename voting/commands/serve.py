"""`urne serve`: the whole site from one data directory (docs/guide-administrator.md, docs/operating.md)."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bulletin_board.server import MAX_POST_BYTES
from bulletin_board.serving import parse_listen, serve_app
from voting.server import create_app, open_site
from voting.site.settings import read_settings
from voting.site.web import MAX_FORM_BYTES
from voting.terminal import say, tell, toy_option
from voting.translations import text as _

LISTEN = "127.0.0.1:8080"
THREADS = 80
"""A request that brings an entry holds one until it is on the disk; `voting.site.elections` leaves some to readers."""
MAX_WORKERS = 64


@click.command()
@click.argument("data", metavar="DATA", type=click.Path(path_type=Path))
@click.option("--listen", default=LISTEN, show_default=True, metavar="HOST:PORT", help="Where to wait for browsers.")
@click.option("--address", help="Where people reach the site, such as https://vote.example.org.")
@click.option("--behind-proxy", is_flag=True, help="Believe a proxy in front about who the client is.")
@click.option(
    "--workers",
    type=click.IntRange(0, MAX_WORKERS),
    metavar="N",
    help="Processes that check ballots. Default: one a processor core; 0: check them one by one.",
)
@toy_option
def serve(
    data: Path, listen: str, address: str | None, behind_proxy: bool, workers: int | None, allow_toy: bool
) -> None:
    """Serve booth, board, administration and results from the directory DATA, which is made if it is missing.

    One process, no other server. The first start prints the administrator's passphrase, once.
    """
    host, port = parse_listen(listen)
    shown = address or f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"
    if workers is None:
        workers = min(len(os.sched_getaffinity(0)), MAX_WORKERS)
    settings = read_settings(data, shown, allow_toy=allow_toy, behind_proxy=behind_proxy, workers=workers)
    site = open_site(settings)
    try:
        app = create_app(site)
        site.services.start()
        if site.first_account is not None:
            name, passphrase = site.first_account
            say(_("An account was made for the administrator. Its passphrase is shown this once:"))
            say(f"  {name}")
            say(f"  {passphrase}")
        if settings.mail is None:
            say(_("No mail server is set up: messages are written to {folder}.", folder=settings.mail_folder))

        def announce(local: str) -> None:
            say(_("Open {address}/admin to run elections; voters begin at {address}.", address=shown))
            tell(_("Listening on {address}. Ctrl-C ends it.", address=local))

        serve_app(app, listen, announce=announce, longest_body=max(MAX_POST_BYTES, MAX_FORM_BYTES), threads=THREADS)
    finally:
        site.close()
