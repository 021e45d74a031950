"""The board over HTTP: every answer, its documented form, and `BoardClient` on an honest server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from bulletin_board import server as server_module
from bulletin_board.client import BoardClient, UnsignedRefusal
from bulletin_board.errors import BusyError, TokenError
from bulletin_board.log import Board, Submission
from bulletin_board.reader import Appended
from bulletin_board.server import MAX_POST_BYTES, OPENAPI, board_api, create_board_app
from bulletin_board.service import FolderService
from tests.simulators.web import ADDRESS, serving, web_client
from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, RefuseMarked, body_of
from voting.protocol.encoding import encode, sha256
from voting.protocol.errors import UnavailableError, UsageError, VerificationError
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.merkle import leaf_hash, verify_consistency, verify_inclusion
from voting.protocol.tlog.note import note_key, parse_vkey
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file
from voting.protocol.tlog.text import decode_base64
from voting.protocol.tlog.tiles import parse_bundle
from voting.web_client import Refused
from voting.web_log import read_verified

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
COUNT = 9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as board:
        board.append_many([Submission("note.text", body_of(n), body_of(-n) if n % 2 else None) for n in range(COUNT)])
    return tmp_path / "board"


@pytest.fixture
def service(folder: Path) -> Iterator[FolderService]:
    with FolderService(folder, KEY, make_admission=RefuseMarked) as service:
        yield service


@pytest.fixture
def app(service: FolderService) -> Flask:
    return create_board_app(service)


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    return app.test_client()


def post(http: FlaskClient, body: bytes, **more: Any) -> TestResponse:
    content = b'{"attachment":null,"body":%b,"type":"note.text"}' % body
    return http.post("/log/entries", data=content, content_type="application/json", **more)


def error_of(answer: TestResponse) -> dict[str, str]:
    jsonschema.validate(answer.get_json(), schema("Error"))
    found: dict[str, str] = answer.get_json()["error"]
    return found


def hashes_of(answer: TestResponse) -> list[bytes]:
    return [decode_base64(text, 32, what="hash") for text in answer.get_json()]


def schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


# -- answers -----------------------------------------------------------------------------------------------------------


def test_lines_and_single_parts_are_the_boards_own_bytes(http: FlaskClient, folder: Path) -> None:
    with FolderService(folder, None).reader() as board:
        entries = list(board.entries())
    headers = http.get(f"/log/headers?start=0&stop={COUNT}").data
    bodies = http.get(f"/log/bodies?start=0&stop={COUNT}").data
    hints = http.get(f"/log/hints?start=0&stop={COUNT}").data
    assert headers == b"".join(entry.header_bytes + b"\n" for entry in entries)
    assert bodies == b"".join(entry.body + b"\n" for entry in entries)
    assert hints == b"".join((entry.attachment or b"") + b"\n" for entry in entries)
    for entry in entries:
        assert http.get(f"/log/entries/{entry.seq}/header").data == entry.header_bytes
        assert http.get(f"/log/entries/{entry.seq}/body").data == entry.body
        hint = http.get(f"/log/entries/{entry.seq}/hints")
        assert (hint.status_code, hint.data) == (200, entry.attachment) if entry.attachment else hint.status_code == 404


def test_receipts_and_proofs_hold(http: FlaskClient) -> None:
    key = parse_vkey(http.get("/log/vkey").text.removesuffix("\n"))
    assert key == note_key(ORIGIN, KEY.verify_key)
    checkpoint = open_checkpoint(http.get("/log/checkpoint").data, key)
    assert checkpoint.size == COUNT
    header, signed = check_receipt(read_receipt_file(http.get("/log/entries/3/receipt").data), key)
    assert (header.seq, signed) == (3, checkpoint)
    leaf = leaf_hash(http.get("/log/entries/3/header").data)
    hashes = hashes_of(http.get("/log/proof/inclusion?index=3&size=9"))
    verify_inclusion(leaf, 3, COUNT, hashes, checkpoint.root)
    appended = post(http, body_of(100))
    assert appended.status_code == 201
    newer = open_checkpoint(http.get("/log/checkpoint").data, key)
    hashes = hashes_of(http.get("/log/proof/consistency?old=9&new=10"))
    verify_consistency(COUNT, COUNT + 1, checkpoint.root, newer.root, hashes)


def test_the_same_body_is_kept_once(http: FlaskClient) -> None:
    first, again = post(http, body_of(50)), post(http, body_of(50))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert http.get(f"/log/find?body={sha256(body_of(50))}").json == {"seq": COUNT}


@pytest.mark.parametrize("body", [b'{"number": 1}', b'{"number":1.5}', b"[]", b'"\xff"', b"{", b'{"b":1,"a":2}'])
def test_a_body_that_is_not_canonical_is_refused(http: FlaskClient, body: bytes) -> None:
    answer = post(http, body)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "malformed"
    assert open_checkpoint(http.get("/log/checkpoint").data, note_key(ORIGIN, KEY.verify_key)).size == COUNT


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"type":"note.text","body":' + b"[" * 100_000 + b"}", "application/json", 400),
        (b'{"type":"note.text","body":{},"more":1}', "application/json", 400),
        (b'{"type":"Note","body":{}}', "application/json", 400),
        (b'{"type":"note.text","body":{"number":1},"attachment":7}', "application/json", 400),
        (b'{"type":"other.text","body":{"number":1}}', "application/json", 409),
        (b'{"type":"note.text","body":{"refuse":1}}', "application/json", 409),
        (b'{"type":"note.text","body":{}}', "text/plain", 415),
        (b"type=note.text", "application/x-www-form-urlencoded", 415),
        (b'{"type":"note.text","body":{"a":"' + b"a" * MAX_POST_BYTES + b'"}}', "application/json", 413),
        (b'{"type":"note.text","body":{"a":"' + b"a" * (4 << 20) + b'"}}', "application/json", 400),
    ],
)
def test_malformed_posts(http: FlaskClient, content: bytes, kind: str, status: int) -> None:
    answer = http.post("/log/entries", data=content, content_type=kind)
    assert answer.status_code == status
    assert error_of(answer)["message"]
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("headers?start=9", 404),
        ("headers?start=9&stop=10", 404),
        ("headers?start=3&stop=3", 400),
        ("headers?start=x", 400),
        ("headers?start=-1", 400),
        ("headers?start=007", 400),
        ("headers?start=1&start=2", 400),
        ("bodies?start=99999999999999999999999", 400),
        ("entries/9/body", 404),
        ("entries/99999999999999999999999999999/body", 404),
        ("entries/99999999999999999999999999999/receipt", 404),
        ("entries/x/body", 404),
        ("find", 400),
        ("find?body=xyz", 400),
        (f"find?body={'0' * 64}", 404),
        ("proof/inclusion?index=9&size=9", 404),
        ("proof/inclusion?index=1&size=10", 404),
        ("proof/inclusion?index=1", 400),
        ("proof/consistency?old=0&new=5", 404),
        ("proof/consistency?old=6&new=5", 404),
        ("proof/consistency?old=1&new=10", 404),
        ("tile/0/000", 404),
        ("tile/0/000.p/10", 404),
        ("tile/0/000.p/0", 404),
        ("tile/1/000.p/1", 404),
        ("tile/entries/000", 404),
        ("tile/bodies/000.p/9", 404),
        ("tile/0/../../checkpoint", 404),
        ("tile/", 404),
        ("", 404),
        ("../log/checkpoint/x", 404),
    ],
)
def test_wrong_questions(http: FlaskClient, address: str, status: int) -> None:
    answer = http.get(f"/log/{address}")
    assert answer.status_code == status
    error_of(answer)
    assert answer.headers["Cache-Control"] == "no-store"


def test_tiles_hold_the_tree_and_the_headers(http: FlaskClient, folder: Path) -> None:
    with FolderService(folder, None).reader() as board:
        headers = list(board.headers())
    for width in range(1, COUNT + 1):
        tile = http.get(f"/log/tile/0/000.p/{width}")
        assert tile.mimetype == "application/octet-stream"
        assert tile.data == b"".join(leaf_hash(header) for header in headers[:width])
        bundle = http.get(f"/log/tile/entries/000.p/{width}")
        assert parse_bundle(bundle.data, width) == headers[:width]
    post(http, body_of(100))
    assert len(http.get("/log/tile/0/000.p/10").data) == 320


def test_what_never_changes_can_be_kept_and_what_does_cannot(http: FlaskClient) -> None:
    for_ever = (
        "tile/0/000.p/9",
        "tile/entries/000.p/9",
        "headers?start=2&stop=9",
        "bodies?start=0&stop=1",
        "entries/2/body",
        "proof/consistency?old=2&new=9",
    )
    for address in for_ever:
        assert "immutable" in http.get(f"/log/{address}").headers["Cache-Control"], address
    for address in ("headers?start=2", "headers?start=2&stop=10", "entries/2/receipt"):
        assert http.get(f"/log/{address}").headers["Cache-Control"] == "no-store", address
    assert "max-age=2" in http.get("/log/checkpoint").headers["Cache-Control"]


def test_every_answer_is_open_to_any_page_and_nobodys_script(http: FlaskClient) -> None:
    for address in ("checkpoint", "headers?start=0&stop=1", "entries/0/body", "entries/99/body", "nothing"):
        headers = http.get(f"/log/{address}").headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Set-Cookie" not in headers


def test_long_answers_are_cut_at_a_line_and_can_be_continued(
    http: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_ANSWER_BYTES", 400)
    first = http.get(f"/log/headers?start=0&stop={COUNT}")
    lines = first.data.splitlines()
    assert 1 <= len(lines) < COUNT
    assert len(first.data) < 400
    assert first.headers["Cache-Control"] == "no-store"
    monkeypatch.setattr(server_module, "MAX_ANSWER_BYTES", 1)
    assert len(http.get("/log/headers?start=0").data.splitlines()) == 1
    with web_client(app) as web, BoardClient(ADDRESS, web=web) as client:
        assert len(client.read().headers) == COUNT


# -- trouble -----------------------------------------------------------------------------------------------------------


class Troubled(FolderService):
    """A service in which something goes wrong."""

    trouble: Exception = UnavailableError("is full", where="/secret/place")

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        raise self.trouble


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (UnavailableError("is full", where="/secret/place"), 503, "unavailable"),
        (OSError("secret: /secret/place"), 500, "fault"),
        (TokenError("wants a token"), 403, "token"),
        (BusyError("too many secrets at once"), 429, "busy"),
        (VerificationError("04", "entry 9", "comes too late"), 409, "verification"),
    ],
)
def test_errors_of_the_service(folder: Path, trouble: Exception, status: int, code: str) -> None:
    with Troubled(folder, None) as service:
        service.trouble = trouble
        answer = post(create_board_app(service).test_client(), body_of(77))
    assert answer.status_code == status
    error = error_of(answer)
    assert error["code"] == code
    assert "place" not in answer.text
    assert "Traceback" not in answer.text
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    if status == 409:
        assert (error["check"], error["where"], error["message"]) == ("04", "entry 9", "comes too late")


def test_many_boards_under_one_application(folder: Path, tmp_path: Path) -> None:
    with Board.create(tmp_path / "other", "board.example/other", OTHER_KEY):
        pass
    boards = {"one": FolderService(folder, None), "two": FolderService(tmp_path / "other", None)}

    def find(name: str) -> FolderService:
        if name not in boards:
            raise UsageError("there is no such election here")
        return boards[name]

    app = Flask(__name__)
    app.register_blueprint(board_api(find), url_prefix="/e/<name>/log")
    http = app.test_client()
    assert b"election-1\n9\n" in http.get("/e/one/log/checkpoint").data
    assert b"other\n0\n" in http.get("/e/two/log/checkpoint").data
    for path in ("checkpoint", "headers", "entries/0/body", "openapi.json"):
        assert http.get(f"/e/three/log/{path}").status_code == 404
    assert http.get("/e/two/log/headers").status_code == 404
    assert post_to(http, "/e/one/log/entries").status_code == 503


def post_to(http: FlaskClient, path: str) -> TestResponse:
    return http.post(path, data=b'{"type":"note.text","body":{"number":70}}', content_type="application/json")


def test_after_a_failed_write_the_board_goes_on(service: FolderService, monkeypatch: pytest.MonkeyPatch) -> None:
    http = create_board_app(service).test_client()
    with monkeypatch.context() as broken:
        broken.setattr("bulletin_board.store.Store.commit", lambda _self: 1 / 0)
        assert post(http, body_of(60)).status_code == 503
    assert post(http, body_of(60)).status_code == 201
    service.close()
    assert post(http, body_of(61)).status_code == 503
    assert http.get("/log/checkpoint").status_code == 200


# -- the document ------------------------------------------------------------------------------------------------------


def test_the_document_is_sound_and_served(http: FlaskClient) -> None:
    validate(DOCUMENT)
    assert http.get("/log/openapi.json").json == DOCUMENT


def test_every_route_is_documented_and_every_documented_one_exists(app: Flask) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix("/log"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {
        (method, path) for path, methods in DOCUMENT["paths"].items() for method in methods.keys() - {"parameters"}
    }
    assert routes == documented


EXAMPLES = {
    "/openapi.json": "", "/checkpoint": "", "/vkey": "", "/headers": "?start=0&stop=2", "/bodies": "?start=1",
    "/hints": "", "/entries/{seq}/header": "", "/entries/{seq}/body": "", "/entries/{seq}/hints": "",
    "/entries/{seq}/receipt": "", "/find": f"?body={sha256(body_of(1))}", "/proof/inclusion": "?index=1&size=5",
    "/proof/consistency": "?old=1&new=5", "/tile/{tile}": "",
}  # fmt: skip


@pytest.mark.parametrize("path", [path for path in DOCUMENT["paths"] if "get" in DOCUMENT["paths"][path]])
def test_every_answer_has_the_documented_form(http: FlaskClient, path: str) -> None:
    question = DOCUMENT["paths"][path]["get"]
    answer = http.get(f"/log{path.replace('{seq}', '1').replace('{tile}', '0/000.p/3')}{EXAMPLES[path]}")
    require_documented(question, answer)
    for parameter in question.get("parameters", []):
        if parameter["required"] and parameter["in"] == "query":
            wrong = http.get(f"/log{path}?{parameter['name']}=wrong")
            assert wrong.status_code == 400
            require_documented(question, wrong)


def test_every_answer_to_a_post_has_the_documented_form(http: FlaskClient) -> None:
    question = DOCUMENT["paths"]["/entries"]["post"]
    for body, status in ((body_of(80), 201), (body_of(80), 200), (b"{", 400), (b'{"refuse":1}', 409)):
        answer = post(http, body)
        assert answer.status_code == status
        require_documented(question, answer)
    require_documented(question, http.post("/log/entries", data=b"x"))


def require_documented(question: dict[str, Any], answer: TestResponse) -> None:
    assert str(answer.status_code) in question["responses"], answer.status_code
    ((kind, content),) = question["responses"][str(answer.status_code)]["content"].items()
    assert answer.mimetype == kind
    value = answer.get_json() if kind == "application/json" else answer.data.decode("latin-1")
    jsonschema.validate(value, {**content["schema"], "components": DOCUMENT["components"]})


# -- the client on an honest server ------------------------------------------------------------------------------------


def test_a_client_reads_appends_and_reads_back(app: Flask) -> None:
    with web_client(app) as web, BoardClient(ADDRESS, web=web) as client:
        log = client.read()
        assert log.key == note_key(ORIGIN, KEY.verify_key)
        assert list(client.bodies(log, 2, 5)) == [body_of(n) for n in (2, 3, 4)]
        assert client.body(log.headers[7]) == body_of(7)
        submission = Submission("note.text", body_of(40), body_of(41))
        assert client.find(submission) is None
        placed = client.append(submission)
        assert (placed.seq, placed.was_new) == (COUNT, True)
        assert client.append(submission).was_new is False
        assert client.read_back(submission).seq == COUNT
        assert client.checkpoint().size == COUNT + 1
        assert len(client.read().headers) == COUNT + 1


def test_a_client_tells_what_the_rules_say(app: Flask, folder: Path) -> None:
    with web_client(app) as web, BoardClient(ADDRESS, web=web) as client:
        with pytest.raises(Refused, match="refused by the rules of this test") as refused:
            client.append(Submission("note.text", b'{"refuse":1}'))
        assert refused.value.status == 409
    with Troubled(folder, None) as service, web_client(create_board_app(service)) as web:
        client = BoardClient(ADDRESS, web=web)
        for trouble, kind in (
            (TokenError("wants a token"), TokenError),
            (BusyError("slow down"), UnavailableError),
            (VerificationError("04", "entry 9", "comes too late"), UnsignedRefusal),
            (OSError("x"), UnavailableError),
        ):
            service.trouble = trouble
            with pytest.raises(kind):
                client.append(Submission("note.text", body_of(1)))


def test_tokens_reach_the_service(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    original = FolderService.submit

    def spy(self: FolderService, submission: Submission, token: str | None = None) -> Appended:
        seen.append(token)
        return original(self, submission, token)

    monkeypatch.setattr(FolderService, "submit", spy)
    with FolderService(folder, KEY) as service, web_client(create_board_app(service)) as web:
        client = BoardClient(ADDRESS, web=web)
        client.append(Submission("note.text", body_of(1)), token="a secret")
        client.append(Submission("note.text", body_of(2)))
    assert seen == ["a secret", None]


def test_many_voters_at_once_over_a_real_socket(service: FolderService) -> None:
    with serving(create_board_app(service)) as address:

        def vote(number: int) -> int:
            with BoardClient(address) as client:
                return client.append(Submission("note.text", body_of(1000 + number % 20))).seq

        with ThreadPoolExecutor(8) as pool:
            places = list(pool.map(vote, range(40)))
        assert len(set(places)) == 20
        with BoardClient(address) as client:
            assert len(read_verified(client.pages, key=client.key).headers) == COUNT + 20


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    board = tmp_path / "board"
    program = [sys.executable, "-m", "bulletin_board.cli"]
    subprocess.run([*program, "init", board, "--origin", ORIGIN], check=True, capture_output=True)
    for words, status in (([], 201), (["--read-only"], 503)):
        server = subprocess.Popen(
            [*program, "serve", board, "--listen", "127.0.0.1:0", *words], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            body = encode({"words": words})
            answer = httpx.post(
                f"{address}/log/entries",
                content=b'{"body":%b,"type":"note.text"}' % body,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == status
            assert "server" not in answer.headers
            taken = subprocess.run(
                [*program, "serve", board, "--read-only", "--listen", address.removeprefix("http://")],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
            assert taken.returncode == 3
            assert "choose another port" in taken.stderr
        finally:
            server.terminate()
            assert server.wait(10) == 0
            server.stdout.close()  # type: ignore[union-attr]
    wrong = subprocess.run([*program, "serve", board, "--listen", "x"], check=False, capture_output=True, text=True)
    assert wrong.returncode == 2


# -- anything at all ---------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
posts = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"type": json_values | st.just("note.text"), "body": json_values}, optional={"attachment": json_values}
    ).map(
        lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode(
            errors="replace"
        )
    ),
)


questions = st.dictionaries(
    st.sampled_from(["start", "stop", "body", "index", "size", "old", "new"]),
    st.text(max_size=8) | st.integers().map(str),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=posts, path=st.text(max_size=30), query=questions)
def test_nothing_makes_a_fault(http: FlaskClient, content: bytes, path: str, query: dict[str, str]) -> None:
    answer = http.post("/log/entries", data=content, content_type="application/json")
    assert answer.status_code in (200, 201, 400, 409)
    require_documented(DOCUMENT["paths"]["/entries"]["post"], answer)
    for address in ("headers", "bodies", "hints", "find", "proof/inclusion", "proof/consistency"):
        answer = http.get(f"/log/{address}", query_string=query)
        assert answer.status_code in (200, 400, 404)
        require_documented(DOCUMENT["paths"][f"/{address}"]["get"], answer)
    assert http.get(f"/log/entries/{quote(path)}/body").status_code in (200, 404, 308)
