"""Witnesses for tests: honest ones, with the program's own code, and others that sign whatever they are shown.

with witness_at(tmp_path / "w1", "w1.example", [board_key]) as one: ...
    one.url                 # "http://w1.example"
    new_http([one, ...])    # makes clients that reach them without a network
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from flask import Flask, Response, request

from bulletin_board.witness import Witness, parse_request
from bulletin_board.witness_server import create_witness_app
from bulletin_board.witness_settings import WITNESSES
from bulletin_board.witness_store import DATABASE, WitnessStore
from voting.crypto.signatures import SigningKey
from voting.protocol.tlog.note import TYPE_COSIGNATURE, NoteKey, cosign, format_signature_line, note_key

START = 1_800_000_000


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class SimulatedWitness:
    """A witness, its application and its clock. `before` may stall or refuse a request."""

    def __init__(self, name: str, key: SigningKey, app: Flask, clock: Clock, witness: Witness | None) -> None:
        self.name = name
        self.signing_key = key
        self.key: NoteKey = note_key(name, key.verify_key, TYPE_COSIGNATURE)
        self.clock = clock
        self.witness = witness
        self.requests: list[bytes] = []
        self.before: Callable[[], None] = lambda: None
        self._app = app

    @property
    def url(self) -> str:
        return f"http://{self.name}"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """As a web application. Its body is read here, so that `requests` shows what was asked."""
        import io

        data = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(data)
        environ["CONTENT_LENGTH"] = str(len(data))
        self.requests.append(data)
        self.before()
        return self._app(environ, start_response)


def witness_key(name: str) -> SigningKey:
    return SigningKey.from_seed(hashlib.sha256(f"witness {name}".encode()).digest())


@contextmanager
def witness_at(
    folder: Path, name: str, logs: Sequence[NoteKey], *, clock: Clock | None = None, key: SigningKey | None = None
) -> Iterator[SimulatedWitness]:
    """An honest witness that keeps its memory in `folder`; made there if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    key = key or witness_key(name)
    clock = clock or Clock()
    is_new = not (folder / DATABASE).exists()
    with (WitnessStore.create if is_new else WitnessStore.open)(folder / DATABASE) as store:
        if is_new:
            store.set_key(note_key(name, key.verify_key, TYPE_COSIGNATURE).vkey)
        by_origin = {log.name: (log,) for log in logs}
        witness = Witness(store, name, key, lambda: by_origin, clock=clock)
        yield SimulatedWitness(name, key, create_witness_app(witness), clock, witness)


def lying_witness(name: str, clock: Clock | None = None) -> SimulatedWitness:
    """A witness that signs everything, whatever it signed before."""
    key = witness_key(name)
    clock = clock or Clock()
    app = Flask(name)

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        asked = parse_request(request.get_data())
        line = format_signature_line(cosign(asked.note.text, name, key, int(clock())))
        return Response(line, content_type="text/plain; charset=utf-8")

    return SimulatedWitness(name, key, app, clock, None)


def new_http(witnesses: Iterable[SimulatedWitness]) -> Callable[[], httpx.Client]:
    """Makes clients that reach these witnesses, and nothing else."""
    mounts = {f"all://{witness.name}": witness for witness in witnesses}

    def nobody(asked: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no such host", request=asked)

    def make() -> httpx.Client:
        transports = {place: httpx.WSGITransport(app=app) for place, app in mounts.items()}
        return httpx.Client(mounts=transports, transport=httpx.MockTransport(nobody))

    return make


def write_settings(board: Path, witnesses: Iterable[SimulatedWitness], quorum: int) -> None:
    """`witnesses.toml` beside a board."""
    rows = [f'\n[[witness]]\nvkey = "{witness.key.vkey}"\nurl = "{witness.url}"\n' for witness in witnesses]
    (board / WITNESSES).write_text(f"quorum = {quorum}\n" + "".join(rows), "ascii")
