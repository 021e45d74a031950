"""A small live site for the browser tests of the booth: one election on a real board, served by waitress.

    with BoothSite(tmp_path, TOML) as site:
        page.goto(site.address + "/e/club/vote")

The toy group, honest trustees, as many voters as asked for.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from flask import Flask, Response, request
from msgspec.structs import replace
from waitress.server import create_server

from bulletin_board.server import board_api
from voting import site as site_package
from voting.booth.factor import FactorService, factor_blueprint
from voting.booth.files import booth_files
from voting.booth.vote_pages import ReplacedKeys, file_blueprint, vote_blueprint
from voting.election.credentials import derive_credential
from voting.election.steps import NewEntry, close_election, open_election
from voting.election_folder import read_signing_key, writing
from voting.played_parts import give_codes, make_joint_key
from voting.protocol.encoding import to_base64
from voting.protocol.manifest import Manifest
from voting.protocol.manifest_source import check_source
from voting.site.elections import Elections
from voting.site.settings import Settings
from voting.site.web import csrf, prepare

CLUB = """
title = { en = "Club election", fr = "Élection du club" }
languages = ["en", "fr"]
contact = "office@example.org"
trustees = ["Anna", "Bea", "Carlo"]
group = "toy-512"

[schedule]
opens = 2026-11-24T09:00:00+01:00
closes = 2099-12-01T18:00:00+01:00

[[questions]]
method = "choose"
title = { en = "Who shall chair?", fr = "Qui préside ?" }
options = [{ en = "Ada", fr = "Ada" }, { en = "Blaise", fr = "Blaise" }, { en = "Chien-Shiung", fr = "Chien-Shiung" }]
blank = true

[[questions]]
method = "choose"
title = { en = "Which days suit you?", fr = "Quels jours vous conviennent ?" }
options = [{ en = "Monday", fr = "Lundi" }, { en = "Tuesday", fr = "Mardi" }, { en = "Friday", fr = "Vendredi" }]
min = 1
max = 2
"""


NAME = "club"
TEMPLATES = Path(site_package.__file__).parent / "templates"


class BoothSite:
    """A site with the election "club". `prepared` is called with the app before it is served."""

    def __init__(
        self,
        folder: Path,
        source: str = CLUB,
        *,
        voters: int = 2,
        opened: bool = True,
        factor: FactorService | None = None,
        replaced_keys: ReplacedKeys = lambda _name, _prefix: (),
        prepared: Callable[[Flask], None] = lambda _app: None,
    ) -> None:
        draft = check_source(source, name="test", form="toml")

        def make(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
            keys = {"administrator": to_base64(administrator), "authority": to_base64(authority)}
            return replace(draft, board=vkey, nonce=nonce, **keys)

        self.elections = Elections(folder / "elections", allow_toy=True)
        self.elections.folder.mkdir()
        self.manifest = self.elections.create(NAME, make, random_bytes=secrets.token_bytes)
        self.hosted = self.elections.get(NAME)
        with writing(self.hosted.folder, allow_toy=True) as election:

            def append(entry: NewEntry) -> None:
                election.append(entry)

            make_joint_key(election, append, secrets.token_bytes)
            authority = read_signing_key(self.hosted.folder, "authority")
            self.codes = give_codes(election, voters, authority, append, secrets.token_bytes)
        if opened:
            self.open()
        self.app = Flask("urne-test", template_folder=str(TEMPLATES))
        prepare(self.app, Settings(folder, "http://localhost"), b"k" * 32)
        api = board_api(self.elections.get)
        csrf.exempt(api)
        self.app.register_blueprint(api, url_prefix="/e/<name>/log")
        kinds: dict[str, Any] = {"factor_of": lambda _name: "mail"} if factor else {}
        self.app.register_blueprint(file_blueprint(self.elections))
        self.app.register_blueprint(vote_blueprint(self.elections, replaced_keys=replaced_keys, **kinds))
        if factor:
            factors = factor_blueprint(self.elections, factor)
            csrf.exempt(factors)
            self.app.register_blueprint(factors)
        self.app.add_url_rule(
            "/e/<name>",
            "home",
            lambda name: Response(f'<link rel="icon" href="data:,"><title>{name}</title>', mimetype="text/html"),
        )
        self.requests: list[str] = []
        self.app.before_request(lambda: self.requests.append(request.full_path))
        prepared(self.app)
        self.server: Any = create_server(self.app, host="127.0.0.1", port=0, threads=6)
        self.address = f"http://127.0.0.1:{self.server.effective_port}"
        self.vote = f"{self.address}/e/{NAME}/vote"
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.close()
        self.elections.close()

    def open(self) -> None:
        self.hosted.act(lambda record, key, time: open_election(record, key, time, booth_files()))

    def close(self) -> None:
        self.hosted.act(close_election)

    def key(self, code: str) -> str:
        """The public key that a code gives, as the board lists it."""
        return to_base64(derive_credential(code, self.manifest.hash).verify_key.raw)

    def ballots(self) -> int:
        """How many ballots are on the board."""
        return self.hosted.look(lambda record: len(record.ballots))

    def voters(self) -> int:
        """How many credentials have cast a ballot."""
        return self.hosted.look(lambda record: len(record.last_ballot))
