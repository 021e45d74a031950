"""Protocol Q: the board over HTTP, as a Flask blueprint (docs/spec/http.md). It knows nothing of elections.

    app.register_blueprint(board_api(find), url_prefix="/e/<name>/log")     # many boards
    app.register_blueprint(board_api(find), url_prefix="/log")              # one board, whose name is ""

Everything here is public and may be read from any page: no cookie is looked at and none is set, so forged requests
(CSRF) gain nothing, and whoever mounts this may exempt it from such protection. Addresses and errors are those of
`bulletin_board/openapi.json`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from bulletin_board.errors import NotThereError, RelayedError
from bulletin_board.http_errors import BAD_REQUEST, CONFLICT, FAULT, NOT_FOUND, RETRY_SECONDS, error_json, status_of
from bulletin_board.log import MAX_ATTACHMENT_BYTES, Submission
from bulletin_board.reader import BoardReader
from bulletin_board.service import BoardService
from bulletin_board.tiles import read_tile_at
from voting.protocol.encoding import encode, parse_hash
from voting.protocol.errors import DecodeError, ProofError, UrneError, UsageError
from voting.protocol.tlog.header import MAX_BODY_BYTES
from voting.protocol.tlog.receipt_file import write_receipt_file
from voting.protocol.tlog.text import decode_decimal, encode_base64

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Answers with many lines end at the line that passes this; a single line may be longer."""
MAX_ANSWER_LINES = 20_000
MAX_POST_BYTES = MAX_BODY_BYTES + MAX_ATTACHMENT_BYTES + 1024
MAX_TOKEN_LENGTH = 200
TOKEN_HEADER = "Urne-Token"  # noqa: S105 (the name of a header)

FOR_EVER = "public, max-age=31536000, immutable"
FOR_SECONDS = "public, max-age=2"
FOR_AN_HOUR = "public, max-age=3600"
NOT_AT_ALL = "no-store"

JSON = "application/json"
LINES = "application/jsonl; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
OPENAPI = Path(__file__).with_name("openapi.json")

FindService = Callable[[str], BoardService]
"""A board by its name in the address. Raises UsageError if there is none."""

_log = logging.getLogger(__name__)


class _Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted to `entries`. Body and attachment are kept byte for byte as they stand."""

    type: str
    body: msgspec.Raw
    attachment: msgspec.Raw = msgspec.Raw(b"null")


_posted = msgspec.json.Decoder(_Posted)


def board_api(find: FindService, *, blueprint: str = "board") -> Blueprint:
    """Protocol Q1: the web interface of the boards that `find` gives, to be mounted under an address of choice.

    Args:
        find: called with the part `<name>` of the prefix, or "" if the prefix has none; once per request.
        blueprint: its name in the application, if it is mounted more than once.
    """
    api = Blueprint(blueprint, __name__)

    @contextmanager
    def reading(board: str) -> Iterator[BoardReader]:
        service = _found(find, board)
        with service.reader() as reader:
            yield reader

    @api.get("/openapi.json")
    def openapi(name: str = "") -> Response:
        _found(find, name)
        return _answer(OPENAPI.read_bytes(), JSON, FOR_AN_HOUR)

    @api.get("/checkpoint")
    def checkpoint(name: str = "") -> Response:
        with reading(name) as board:
            return _answer(board.checkpoint_note(), TEXT, FOR_SECONDS)

    @api.get("/tile/<path:tile>")
    def tile(tile: str, name: str = "") -> Response:
        with reading(name) as board, _absent():
            return _answer(read_tile_at(board, f"tile/{tile}"), BYTES, FOR_EVER)

    @api.get("/vkey")
    def vkey(name: str = "") -> Response:
        with reading(name) as board:
            return _answer(board.key.vkey.encode("ascii") + b"\n", TEXT, FOR_AN_HOUR)

    @api.get("/headers")
    def headers(name: str = "") -> Response:
        with reading(name) as board:
            start, stop = _range(board)
            return _lines_answer(board.headers(start, stop), start)

    @api.get("/bodies")
    def bodies(name: str = "") -> Response:
        with reading(name) as board:
            start, stop = _range(board)
            return _lines_answer((entry.body for entry in board.entries(start, stop)), start)

    @api.get("/hints")
    def hints(name: str = "") -> Response:
        with reading(name) as board:
            start, stop = _range(board)
            return _lines_answer((board.attachment(seq) or b"" for seq in range(start, stop)), start)

    @api.get("/entries/<int:seq>/header")
    def header(seq: int, name: str = "") -> Response:
        with reading(name) as board, _absent():
            return _answer(board.header(seq), JSON, FOR_EVER)

    @api.get("/entries/<int:seq>/body")
    def body(seq: int, name: str = "") -> Response:
        with reading(name) as board, _absent():
            return _answer(board.body(seq), JSON, FOR_EVER)

    @api.get("/entries/<int:seq>/hints")
    def hint(seq: int, name: str = "") -> Response:
        with reading(name) as board, _absent():
            found = board.attachment(seq)
            if found is None:
                raise NotThereError("has no hints", where=f"entry {seq}")
            return _answer(found, JSON, FOR_EVER)

    @api.get("/entries/<int:seq>/receipt")
    def receipt(seq: int, name: str = "") -> Response:
        with reading(name) as board, _absent():
            return _answer(_receipt_file(board, seq), JSON, NOT_AT_ALL)

    @api.get("/find")
    def find_body(name: str = "") -> Response:
        wanted = parse_hash(_text_argument("body"), what="body")
        with reading(name) as board:
            found = board.find_hash(wanted)
        if found is None:
            raise NotThereError("no entry has this body")
        return _answer(encode({"seq": found.seq}), JSON, FOR_EVER)

    @api.get("/proof/inclusion")
    def inclusion(name: str = "") -> Response:
        index, size = _number("index"), _number("size")
        with reading(name) as board, _absent():
            return _hashes_answer(board.inclusion_proof(index, size))

    @api.get("/proof/consistency")
    def consistency(name: str = "") -> Response:
        old, new = _number("old"), _number("new")
        with reading(name) as board, _absent():
            return _hashes_answer(board.consistency_proof(old, new))

    @api.post("/entries")
    def append(name: str = "") -> Response:
        service = _found(find, name)
        token = request.headers.get(TOKEN_HEADER)
        submission = _posted_submission()
        try:
            appended = service.submit(submission, token[:MAX_TOKEN_LENGTH] if token else None)
        except RelayedError:
            raise
        except UrneError as error:
            if status_of(error) != CONFLICT:
                raise
            return _answer(error_json(error, service.sign_refusal(submission, error)), JSON, NOT_AT_ALL, CONFLICT)
        with service.reader() as board:
            receipt = write_receipt_file(appended.header_bytes, board.receipt(appended.seq))
        answer = _answer(receipt, JSON, NOT_AT_ALL)
        answer.status_code = 201 if appended.was_new else 200
        return answer

    api.register_error_handler(Exception, _error_answer)
    api.after_request(_protect)
    return api


def create_board_app(service: BoardService) -> Flask:
    """Protocol Q1a: an application that serves one board and nothing else, under `/log`."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(board_api(lambda _name: service), url_prefix="/log")
    app.register_error_handler(Exception, _error_answer)
    app.after_request(_protect)
    return app


# -- reading -----------------------------------------------------------------------------------------------------------


def _found(find: FindService, name: str) -> BoardService:
    try:
        return find(name)
    except UsageError as error:
        raise NotThereError(error.problem, where=error.where, remedy=error.remedy) from None


@contextmanager
def _absent() -> Iterator[None]:
    """Inside, what the board finds wrong with the numbers asked for means that there is no such thing."""
    try:
        yield
    except (UsageError, ProofError) as error:
        raise NotThereError(error.problem, where=error.where, remedy=error.remedy) from None


def _text_argument(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1:
        raise DecodeError("is missing" if not values else "is given twice", where=name)
    return values[0]


def _number(name: str) -> int:
    return decode_decimal(_text_argument(name), what=name)


def _range(board: BoardReader) -> tuple[int, int]:
    """Which entries are asked for, and are there. Raises NotThereError if the first is not."""
    size = len(board)
    start = _number("start") if "start" in request.args else 0
    stop = _number("stop") if "stop" in request.args else size
    if stop <= start and "stop" in request.args:
        raise DecodeError("must be greater than start", where="stop")
    if start >= size:
        raise NotThereError(f"there is no entry {start}: the board has {size} entries")
    return start, min(stop, size)


def _lines_answer(lines: Iterator[bytes], start: int) -> Response:
    """Protocol Q2: as many lines as fit, at least one. What was published never changes, so it can be kept for ever.

    Only an answer to a whole question may be kept: without `stop`, or beyond the end, there will be more lines later.
    """
    data = bytearray()
    count = 0
    for line in lines:
        if data and (len(data) + len(line) >= MAX_ANSWER_BYTES or count >= MAX_ANSWER_LINES):
            break
        data += line + b"\n"
        count += 1
    stop = request.args.get("stop", type=int)
    is_whole = stop is not None and start + count == stop
    return _answer(bytes(data), LINES, FOR_EVER if is_whole else NOT_AT_ALL)


def _hashes_answer(hashes: tuple[bytes, ...]) -> Response:
    return _answer(encode([encode_base64(hash_) for hash_ in hashes]), JSON, FOR_EVER)


def _receipt_file(board: BoardReader, seq: int) -> bytes:
    return write_receipt_file(board.header(seq), board.receipt(seq))


# -- writing -----------------------------------------------------------------------------------------------------------


def _posted_submission() -> Submission:
    """Protocol Q3: what was posted, its body and attachment untouched. The board itself requires canonical JSON.

    Raises:
        DecodeError: if it is no JSON object with exactly these fields.
        HTTPException: 413 if it is too long, 415 if it is not said to be JSON.
    """
    request.max_content_length = MAX_POST_BYTES
    if request.mimetype != JSON:
        raise _UnsupportedType
    try:
        posted = _posted.decode(request.get_data(cache=False))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise DecodeError("is not JSON of the form {attachment, body, type}", where="what was posted") from None
    attachment = bytes(posted.attachment)
    return Submission(posted.type, bytes(posted.body), None if attachment == b"null" else attachment)


class _UnsupportedType(HTTPException):
    code = 415
    description = "post JSON, with the content type application/json"


# -- answers -----------------------------------------------------------------------------------------------------------


def _answer(data: bytes, content_type: str, keep: str, status: int = 200) -> Response:
    answer = Response(data, status=status, content_type=content_type)
    answer.headers["Cache-Control"] = keep
    return answer


def _error_answer(error: Exception) -> Response:
    if isinstance(error, RelayedError):
        answer = _answer(error.data, JSON, NOT_AT_ALL, error.status)
    elif isinstance(error, UrneError):
        answer = _answer(error_json(error), JSON, NOT_AT_ALL, status_of(error))
    elif isinstance(error, HTTPException):
        answer = _answer(_http_error_json(error), JSON, NOT_AT_ALL, error.code or BAD_REQUEST)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    else:
        # The text of an unforeseen error may hold anything: only its type and place are written down.
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
        _log.error("fault while answering %s: %s in %s", request.endpoint, type(error).__name__, place)
        answer = _answer(_FAULT, JSON, NOT_AT_ALL, FAULT)
    if answer.status_code in (429, 503):
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


_FAULT = encode(
    {"error": {"check": "", "code": "fault", "message": "a fault in the server", "remedy": "try again", "where": ""}}
)


def _http_error_json(error: HTTPException) -> bytes:
    code, message = "http", error.description or error.name
    if isinstance(error, RequestEntityTooLarge):
        code, message = "too-long", f"what was posted is longer than {MAX_POST_BYTES} bytes"
    elif error.code == NOT_FOUND:
        code, message = "not-there", "there is nothing at this address"
    return encode({"error": {"check": "", "code": code, "message": message, "remedy": "", "where": ""}})


def _protect(answer: Response) -> Response:
    """Whatever a body holds, no browser may take it for a page or a script."""
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    if request.method in ("GET", "HEAD"):
        answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer
