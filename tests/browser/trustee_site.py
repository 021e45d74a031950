"""A small live site for the trustees' page: one election's board over HTTP, and the static files of the booth.

The board lies in the folder of a `TrusteeOffice`, so that `urne-trustee` and the browser work on the same one. It is
opened for each entry, as the command does, and never kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from flask import Flask, Response, abort, request
from werkzeug.serving import WSGIRequestHandler, make_server

from bulletin_board.log import Submission
from bulletin_board.reader import Appended, BoardReader, open_reader
from bulletin_board.refusals import signed_refusal
from bulletin_board.server import board_api
from tests.browser.conftest import BOOTH, CONTENT_SECURITY_POLICY
from tests.simulators.election import BOARD_KEY
from tests.simulators.trustees import TrusteeOffice
from voting.booth.files import MEDIA_TYPES, texts
from voting.local_board import open_election_board
from voting.protocol.errors import UrneError
from voting.translations import LANGUAGES

NAME = "club"


class OfficeBoard:
    """The board of an office's folder, as the web interface of the board wants it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()

    def reader(self) -> AbstractContextManager[BoardReader]:
        return open_reader(self._folder)

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        with self._turn:
            board, _ = open_election_board(self._folder, BOARD_KEY, allow_toy=True)
            with board:
                return board.append(*submission)

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        with self.reader() as board:
            return signed_refusal(submission, error, origin=board.key.name, key=BOARD_KEY)


class TrusteeSite:
    """What runs at `address`. `spoil` may change any answer of the board, to play a site that lies."""

    more = ""
    """What an invitation adds to the link; this site demands none."""

    def __init__(self, office: TrusteeOffice, address: str) -> None:
        self.office = office
        self.address = address
        self.spoil: Callable[[str, bytes], bytes] | None = None

    @property
    def page(self) -> str:
        return f"{self.address}/e/{NAME}/trustee"


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Requests are not written down."""


def _app(site: TrusteeSite) -> Flask:
    app = Flask(__name__, static_folder=None)
    board = OfficeBoard(site.office.folder / "board")
    app.register_blueprint(board_api(lambda _name: board), url_prefix=f"/e/{NAME}/log")

    @app.get(f"/e/{NAME}/trustee")
    def trustee() -> Response:
        return _file("trustee.html")

    @app.get("/booth/<path:path>")
    def booth(path: str) -> Response:
        language = path.removeprefix("texts/").removesuffix(".json")
        if path.startswith("texts/") and language in LANGUAGES:
            return Response(texts(language), content_type="application/json")
        return _file(path)

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    @app.after_request
    def finish(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        answer.headers["Cache-Control"] = "no-store"
        if site.spoil is not None and "/log/" in request.path:
            answer.direct_passthrough = False
            answer.set_data(site.spoil(request.full_path, answer.get_data()))
        return answer

    return app


@contextmanager
def serve(office: TrusteeOffice) -> Iterator[TrusteeSite]:
    """Serve an office's election on a free port of this machine."""
    site = TrusteeSite(office, "")
    server = make_server("127.0.0.1", 0, _app(site), threaded=True, request_handler=_Silent)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _file(path: str) -> Response:
    """A file of the booth, read at once: a browser that leaves early leaves no open file behind."""
    file = (BOOTH / path).resolve()
    if not file.is_relative_to(BOOTH.resolve()) or not file.is_file():
        abort(404)
    return Response(file.read_bytes(), mimetype=MEDIA_TYPES[file.suffix].partition(";")[0])
