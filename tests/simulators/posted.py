"""Elections that were simulated in memory, put on real boards of a site at one go, and the public pages over them.

with PublicSiteSimulator(tmp_path) as site:
    site.host("club", sample_election(until="voting"))
    site.app.test_client().get("/e/club")
"""

from __future__ import annotations

import html
import re
import threading
from pathlib import Path
from typing import Any, Self

import msgspec
from flask import Flask
from flask.testing import FlaskClient
from waitress.server import create_server

from bulletin_board.log import Board, Submission
from bulletin_board.server import board_api
from tests.simulators.election import BOARD_KEY, ElectionSimulator
from tests.simulators.record import SampleElection, sample_election
from voting import site as site_package
from voting.booth.pages import public_blueprint
from voting.booth.vote_pages import file_blueprint, vote_blueprint
from voting.crypto.keyfile import write_plain_key_file
from voting.election_folder import KEYS, MANIFEST
from voting.files import PRIVATE, write_new_file
from voting.protocol.encoding import encode
from voting.protocol.manifest import Manifest, manifest_problems
from voting.site.elections import Elections, HostedElection
from voting.site.settings import Settings
from voting.site.web import csrf, prepare

ORIGIN = "board.example/test"
"""The board's name in `manifest_for`."""
TEMPLATES = Path(site_package.__file__).parent / "templates"
ADDRESS = "https://vote.example.org"
_SEEDS = {"administrator": bytes([1]) * 32, "authority": bytes([2]) * 32, "board": bytes([3]) * 32}


def host(elections: Elections, name: str, simulator: ElectionSimulator) -> HostedElection:
    """Put an election into the site's folder: its board with all entries so far, and its keys."""
    folder = elections.folder / name
    (folder / KEYS).mkdir(parents=True, mode=0o700)
    for kind, seed in _SEEDS.items():
        data = write_plain_key_file(seed, kind=kind, label=f"election {simulator.manifest.nonce}")
        write_new_file(folder / KEYS / f"{kind}.key", data, mode=PRIVATE)
    with Board.create(folder / "board", ORIGIN, BOARD_KEY) as board:
        board.append_many([Submission(each.header.type, each.body, each.hints) for each in simulator.board.entries])
    (folder / MANIFEST).write_bytes(encode(simulator.manifest))
    return elections.get(name)


class PublicSiteSimulator:
    """A site with its public pages, the booth's files and the boards' interface; no administration."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.elections = Elections(folder / "elections", allow_toy=True)
        self.elections.folder.mkdir(parents=True)
        self.app = Flask("urne-test", template_folder=str(TEMPLATES))
        prepare(self.app, Settings(folder, ADDRESS, **settings), b"k" * 32)
        api = board_api(self.elections.get)
        csrf.exempt(api)
        self.app.register_blueprint(api, url_prefix="/e/<name>/log")
        self.app.register_blueprint(file_blueprint(self.elections))
        self.app.register_blueprint(vote_blueprint(self.elections))
        self.app.register_blueprint(public_blueprint(self.elections, folder / "cache"))
        self._server: Any = None

    def host(self, name: str, simulator: ElectionSimulator) -> HostedElection:
        return host(self.elections, name, simulator)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.close()
        self.elections.close()

    def serve(self) -> str:
        """Serve the site on a free port; gives its address."""
        self._server = create_server(self.app, host="127.0.0.1", port=0, threads=4)
        threading.Thread(target=self._server.run, daemon=True).start()
        return f"http://127.0.0.1:{self._server.effective_port}"


def shown(client: FlaskClient, path: str, status: int = 200) -> str:
    """The text of a page, without markup and with single spaces."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "text/html"
    without = re.sub(r"<(style|title)[^>]*>.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


def simulated(**changes: object) -> SampleElection:
    """An election with these fields of the manifest."""
    template = sample_election(until="defined").manifest
    manifest: Manifest = msgspec.structs.replace(template, **changes)
    assert not list(manifest_problems(manifest))
    return SampleElection(manifest, lenient=True)
