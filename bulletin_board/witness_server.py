"""Protocol L21h: a witness over HTTP, as a Flask application (docs/spec/log.md, "Witnesses").

    POST add-checkpoint                       asks for a cosignature
    GET  <hex SHA-256 of origin>/checkpoint   the last note that was cosigned

The logic is `bulletin_board.witness`. This module must not decide anything.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bulletin_board.http_errors import RETRY_SECONDS
from bulletin_board.witness import MAX_REQUEST_BYTES, TEXT, Reply, Witness
from voting.protocol.errors import UnavailableError

_log = logging.getLogger(__name__)
_UNAVAILABLE = Reply(503, b"the witness cannot be used right now\n")
_FAULT = Reply(500, b"a fault in the witness\n")


def create_witness_app(witness: Witness) -> Flask:
    """The application of one witness, at the root of its address."""
    app = Flask(__name__, static_folder=None)

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        request.max_content_length = MAX_REQUEST_BYTES + 1
        return _answer(witness.add_checkpoint(request.get_data(cache=False)))

    @app.get("/<origin_hash>/checkpoint")
    def checkpoint(origin_hash: str) -> Response:
        note = witness.checkpoint(origin_hash)
        return _answer(Reply(404, b"no such log was seen here\n") if note is None else Reply(200, note))

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            status = error.code or 500
            return _answer(Reply(400 if status == 413 else status, f"{error.name}\n".encode(), TEXT))
        if isinstance(error, UnavailableError):
            _log.error("the witness's database fails: %s", error)
            return _answer(_UNAVAILABLE)
        _log.error("fault while answering %s: %s", request.endpoint, type(error).__name__)
        return _answer(_FAULT)

    return app


def _answer(reply: Reply) -> Response:
    answer = Response(reply.body, status=reply.status, content_type=reply.content_type)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if reply.status == 503:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer
