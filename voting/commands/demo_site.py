"""The end of `urne demo`: a site with an election whose voting is open, for whoever wants to try everything.

The trustees' key files, the administrator's passphrase and the voters' links are laid out: this election protects
nothing. The site itself is the real one (`voting.server`).
"""

from __future__ import annotations

import secrets
import shlex
import socket
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bulletin_board.log import Submission
from bulletin_board.server import MAX_POST_BYTES
from bulletin_board.serving import parse_listen, serve_app
from trustee_tools.keystore import create_key_files
from voting.booth.files import booth_files
from voting.commands.serve import LISTEN, THREADS
from voting.crypto.passphrase import generate_passphrase
from voting.demo_ballots import demo_manifest_maker, sample_election, trustee_names
from voting.election.ballots import BALLOT, SEED_BYTES, encrypt_ballot
from voting.election.credentials import derive_credential
from voting.election.steps import NewEntry, open_election
from voting.election_folder import OpenElection, writing
from voting.files import PRIVATE, write_new_file
from voting.played_parts import SEED_BYTES as TRUSTEE_SEED_BYTES
from voting.played_parts import make_joint_key
from voting.protocol.moment import format_moment
from voting.server import Site, create_app, open_site
from voting.site.codes import open_codes
from voting.site.settings import Settings
from voting.terminal import say, tell
from voting.translations import text as _

NAME = "walking-club"
VOTERS = 10
VOTED = 5
"""So many have voted when the site opens; the codes of the others are printed."""
TRUSTEES, THRESHOLD = 3, 2


class DemoSite(NamedTuple):
    """What a visitor needs to play every part."""

    site: Site
    codes: tuple[str, ...]
    """Codes of voters who have not voted."""
    keys: tuple[Path, ...]
    passphrase: Path
    """A file with the passphrase of all key files."""


def serve_demo_site(folder: Path, group: str, listen: str | None) -> None:
    """Make the election of the site in `folder`, say how to use it, and serve it until Ctrl-C.

    Args:
        listen: `HOST:PORT`; None for the usual place, or any free port if that is taken.

    Raises:
        UsageError, UnavailableError: if it cannot be served there.
    """
    place = listen or _free_place()
    host, port = parse_listen(place)
    address = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"
    demo = make_demo_site(folder, group, address)
    try:
        app = create_app(demo.site)
        demo.site.services.start()
        _tell(demo, address)
        serve_app(
            app,
            place,
            announce=lambda local: tell(_("Listening on {address}. Ctrl-C ends it.", address=local)),
            longest_body=MAX_POST_BYTES,
            threads=THREADS,
        )
    finally:
        demo.site.close()


def make_demo_site(folder: Path, group: str, address: str) -> DemoSite:
    """A site in `folder` with one election: its key made, voting open, half of the voters done."""
    settings = Settings(folder / "site", address, allow_toy=group.startswith("toy-"))
    site = open_site(settings)
    try:
        sample = sample_election(VOTERS)
        make = demo_manifest_maker(sample, group, TRUSTEES, THRESHOLD, contact="demonstration@example.org")
        services = site.services
        services.elections.create(NAME, make, random_bytes=secrets.token_bytes)
        seeds = [secrets.token_bytes(TRUSTEE_SEED_BYTES) for _trustee in range(TRUSTEES)]
        with writing(settings.elections / NAME, allow_toy=settings.allow_toy) as election:
            make_joint_key(election, partial(_append, election), secrets.token_bytes, seeds)
        keys, passphrase = _write_keys(folder, seeds)
        owner = services.accounts.rows.all()[0].id
        services.site.adopt(NAME, owner, format_moment(datetime.now(UTC)))
        codes = _give_codes(site)
        hosted = services.elections.get(NAME)
        hosted.act(lambda record, key, time: open_election(record, key, time, booth_files()))
        context = hosted.look(lambda record: record.ballot_context())
        for code, (_voter, selections) in zip(codes[:VOTED], sample.ballots, strict=False):
            credential = derive_credential(code, context.manifest.hash)
            ballot = encrypt_ballot(context, credential, selections, secrets.token_bytes(SEED_BYTES))
            hosted.submit(Submission(BALLOT, ballot.body, ballot.hints))
    except BaseException:
        site.close()
        raise
    return DemoSite(site, tuple(codes[VOTED:]), tuple(keys), passphrase)


def _append(election: OpenElection, entry: NewEntry) -> None:
    election.append(entry)


def _write_keys(folder: Path, seeds: list[bytes]) -> tuple[list[Path], Path]:
    """The trustees' key files, and a file with the passphrase that opens them all."""
    words = generate_passphrase(secrets.token_bytes)
    passphrase = folder / "passphrase.txt"
    write_new_file(passphrase, f"{words}\n".encode(), mode=PRIVATE)
    keys = []
    for name, seed in zip(trustee_names(TRUSTEES), seeds, strict=True):
        path = folder / f"{name.lower()}.key"
        create_key_files([path], seed, label=name, passphrase=words)
        keys.append(path)
    return keys, passphrase


def _give_codes(site: Site) -> list[str]:
    """Enter the voters, publish their credentials; gives their codes."""
    services = site.services
    lines = ["id", *(f"voter {number}" for number in range(1, VOTERS + 1))]
    data = "\n".join(lines).encode()
    services.voters.carry_out(NAME, data, services.voters.plan(NAME, data, is_whole=True).digest, is_whole=True)
    hosted = services.elections.get(NAME)
    services.codes.list_credentials(hosted)
    codes = open_codes(hosted)
    return [codes.code(voter) for voter in services.voters.rows.each(NAME)]


def _tell(demo: DemoSite, address: str) -> None:
    election = f"{address}/e/{NAME}"
    programs = Path(sys.argv[0]).resolve().parent
    toy = ["--allow-toy-group"] if demo.site.services.settings.allow_toy else []
    say()
    say(_("Now it is your turn. A small election is open on this machine, and you have every part in it."))
    say()
    say(_("Vote. Each link belongs to one voter:"))
    for code in demo.codes:
        say(f"  {election}/vote#code={code}")
    say()
    say(_("Look at it as an observer does:"))
    say(f"  {election}")
    say()
    if demo.site.first_account is not None:
        name, words = demo.site.first_account
        say(
            _(
                "Administer it. The name is {name}, the password {password}. Close voting, then tally:",
                name=name,
                password=words,
            )
        )
        say(f"  {address}/admin/e/{NAME}")
        say()
    say(_("Decrypt it: any two of the three trustees. In the terminal:"))
    for key in demo.keys[:THRESHOLD]:
        options = ["--key", str(key), "--passphrase-file", str(demo.passphrase), *toy]
        say(f"  {shlex.join([str(programs / 'urne-trustee'), 'decrypt', *options, election])}")
    say(_("or in the browser, with a key file and the passphrase in {file}:", file=demo.passphrase))
    say(f"  {election}/trustee")
    say()
    say(_("Publish the result on the administrator's page. Then verify all of it:"))
    say(f"  {shlex.join([str(programs / 'urne-verify'), *toy, election])}")
    say()


def _free_place() -> str:
    """The usual place to listen, or one with a free port."""
    host, port = parse_listen(LISTEN)
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return f"{host}:{probe.getsockname()[1]}"
    return LISTEN
