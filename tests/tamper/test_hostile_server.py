"""A server that lies, breaks off, floods or dawdles: each lie is named by its error, and nothing false is accepted."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulletin_board.client import BoardClient
from bulletin_board.log import Board, Submission
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from tests.simulators.record import sample_election
from tests.simulators.web import ADDRESS, fill_board
from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, body_of
from voting.address import is_address, parse_address
from voting.election.phases import Phase
from voting.protocol.encoding import encode
from voting.protocol.errors import (
    DecodeError,
    ProofError,
    SignatureInvalid,
    UnavailableError,
    UrneError,
    UsageError,
    VerificationError,
)
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from voting.protocol.tlog.note import note_key
from voting.verifier.fetch import RemoteRecord
from voting.verifier.setup_view import SetupView, read_setup
from voting.verifier.verify import verify_record
from voting.web_client import ATTEMPTS, Refused, WebClient
from voting.web_log import LogPages

COUNT = 9
BOARD = note_key(ORIGIN, KEY.verify_key)
Change = Callable[[bytes], bytes]


def response(status: int, data: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """An answer that was not read yet, as from a socket."""
    return httpx.Response(status, stream=httpx.ByteStream(data), headers=headers)


class Liar(httpx.BaseTransport):
    """Passes questions on to an honest application, and changes what comes back."""

    def __init__(self, app: Any) -> None:
        self._honest = httpx.WSGITransport(app=app)
        self.changes: dict[str, Change] = {}
        """End of an address -> what is done to the answer."""
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        answer = self._honest.handle_request(request)
        for end, change in self.changes.items():
            if request.url.path.endswith(end):
                data = b"".join(answer.stream)  # type: ignore[arg-type]
                return response(200, change(data))
        return answer


def make_board(folder: Path, bodies: list[bytes], key: Any = KEY) -> FolderService:
    with Board.create(folder, ORIGIN, key) as board:
        board.append_many([Submission("note.text", body) for body in bodies])
    return FolderService(folder, key)


@pytest.fixture
def liar(tmp_path: Path) -> Iterator[Liar]:
    with make_board(tmp_path / "board", [body_of(n) for n in range(COUNT)]) as service:
        yield Liar(create_board_app(service))


@contextmanager
def client_of(transport: httpx.BaseTransport, **more: Any) -> Iterator[BoardClient]:
    with httpx.Client(transport=transport) as http:
        yield BoardClient(ADDRESS, web=WebClient(http, sleep=lambda _seconds: None), key=BOARD, **more)


def dropping(number: int) -> Change:
    def change(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        return b"".join(lines[:number] + lines[number + 1 :])

    return change


def swapping(old: bytes, new: bytes) -> Change:
    def change(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new)

    return change


def forged(size: int, key: Any = KEY, *, root: bytes = bytes(32), origin: str = ORIGIN) -> Change:
    return lambda _data: sign_checkpoint(Checkpoint(origin, size, root), key)


def always(data: bytes) -> Change:
    return lambda _data: data


# -- a log that is not the one that was signed -------------------------------------------------------------------------

LIES: list[tuple[str, str, Change, type[UrneError], str]] = [
    ("a changed header", "headers", swapping(b'"size":12', b'"size":13'), ProofError,
     "does not name the header before"),
    ("a changed last header", "headers", swapping(b'"seq":8,"size":12', b'"seq":8,"size":13'), ProofError,
     "is not of the headers"),
    ("a header out of form", "headers", swapping(b'{"body"', b'{ "body"'), DecodeError, "canonical"),
    ("a dropped first header", "headers", dropping(0), ProofError, "says it is entry 1"),
    ("a dropped header", "headers", dropping(4), ProofError, "says it is entry 5"),
    ("a header too many", "headers", lambda data: data + data, DecodeError, "more than were asked for"),
    ("no header", "headers", always(b""), DecodeError, "cut short"),
    ("an empty line", "headers", always(b"\n"), DecodeError, "empty or too long"),
    ("half a line", "headers", lambda data: data[:-20], DecodeError, "cut short"),
    ("a line without end", "headers", always(b"x" * 70_000 + b"\n"), DecodeError, "empty or too long"),
    ("not UTF-8", "headers", always(b"\xff\n" * COUNT), DecodeError, "entry 0"),
    ("a checkpoint of somebody else", "checkpoint", forged(COUNT, OTHER_KEY), SignatureInvalid, "no signature by"),
    ("a checkpoint with another root", "checkpoint", forged(COUNT), ProofError, "is not of the headers"),
    ("a checkpoint of another log", "checkpoint", forged(COUNT, origin="board.example/other"), SignatureInvalid, ""),
    ("a changed checkpoint", "checkpoint", swapping(b"\n9\n", b"\n8\n"), SignatureInvalid, ""),
    ("no note", "checkpoint", always(b"<html>"), DecodeError, "is not a text"),
]  # fmt: skip


@pytest.mark.parametrize(("end", "change", "kind", "words"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_a_false_log_is_refused(liar: Liar, end: str, change: Change, kind: type[UrneError], words: str) -> None:
    liar.changes[end] = change
    with client_of(liar) as client, pytest.raises(kind) as caught:
        client.read()
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert client.seen is None


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (swapping(b'"number":3', b'"number":4'), ProofError),
        (dropping(3), ProofError),
        (always(b"{}\n" * COUNT), ProofError),
        (always(b"{}\n" * (COUNT + 1)), DecodeError),
        (always(b""), DecodeError),
        (lambda data: data[:-1], DecodeError),
    ],
)
def test_false_bodies_are_refused(liar: Liar, change: Change, kind: type[UrneError]) -> None:
    with client_of(liar) as client:
        log = client.read()
        liar.changes["bodies"] = change
        liar.changes["body"] = always(b"{}")
        with pytest.raises(kind):
            list(client.bodies(log, 0, COUNT))
        with pytest.raises(ProofError, match="its body is"):
            client.body(log.headers[3])


def test_a_lie_that_names_a_changed_body(liar: Liar) -> None:
    with client_of(liar) as client:
        log = client.read()
        liar.changes["bodies"] = swapping(b'"number":3', b'"number":4')
        found = client.bodies(log, 0, COUNT)
        assert [next(found) for _ in range(3)] == [body_of(n) for n in range(3)]
        with pytest.raises(ProofError, match="entry 3: its body is not the one"):
            next(found)


# -- an election without its ballots -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def election_app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    entries = sample_election(until="voting").board.entries
    return create_board_app(FolderService(fill_board(tmp_path_factory.mktemp("board") / "b", entries), None))


def setup_of(app: Any, **changes: Change) -> SetupView:
    liar = Liar(app)
    liar.changes.update(changes)
    with httpx.Client(transport=liar) as http:
        return read_setup(LogPages(WebClient(http, sleep=lambda _seconds: None), ADDRESS), allow_toy=True)


def test_an_election_is_read_without_its_ballots(election_app: Any) -> None:
    view = setup_of(election_app)
    assert (view.phase, view.ballots) == (Phase.OPEN, 4)
    assert view.record.opened is not None
    assert not view.record.ballots


@pytest.mark.parametrize(
    ("end", "change", "check"),
    [
        ("bodies", swapping(b'"voters":3', b'"voters":4'), "02"),
        ("bodies", swapping(b'"threshold":2', b'"threshold":1'), "02"),
        ("bodies", dropping(2), "02"),
        ("headers", dropping(2), "02"),
        ("headers", swapping(b"ballot.cast", b"election.closed"), "02"),
        ("checkpoint", forged(5, OTHER_KEY), "03"),
        ("vkey", always(BOARD.vkey.encode() + b"\n"), "03"),
    ],
)
def test_a_false_election_is_refused(election_app: Any, end: str, change: Change, check: str) -> None:
    with pytest.raises(VerificationError) as caught:
        setup_of(election_app, **{end: change})
    assert caught.value.check == check


def test_another_board_with_its_own_key_is_refused(election_app: Any, tmp_path: Path) -> None:
    """The very entries of the election, signed by somebody else's key."""
    with Board.create(tmp_path / "b", ORIGIN, OTHER_KEY) as board:
        entries = sample_election(until="voting").board.entries
        board.append_many([Submission(entry.header.type, entry.body, entry.hints) for entry in entries])
    with pytest.raises(VerificationError, match="another board than the manifest's"):
        setup_of(create_board_app(FolderService(tmp_path / "b", None)))


def test_a_lying_server_is_reported_like_a_lying_file(election_app: Any, tmp_path: Path) -> None:
    def statuses(**changes: Change) -> dict[str, str]:
        liar, folder = Liar(election_app), Path(tempfile.mkdtemp(dir=tmp_path))
        liar.changes.update(changes)
        with httpx.Client(transport=liar) as http:
            source = RemoteRecord(ADDRESS, folder, web=WebClient(http)).update()
            return {check.id: check.status.value for check in verify_record(source, allow_toy=True).checks}

    assert "failed" not in statuses().values()
    assert statuses(bodies=swapping(b'"voters":3', b'"voters":4'))["02"] == "failed"
    assert statuses(headers=swapping(b"ballot.cast", b"ballot.lost"))["02"] == "failed"
    assert statuses(checkpoint=forged(5, OTHER_KEY))["03"] == "failed"
    for end, change in (
        ("headers", always(b"")),
        ("checkpoint", always(b"x")),
        ("hints", always(b"x" * 9 + b"\n" * 99)),
    ):
        with pytest.raises(DecodeError):
            statuses(**{end: change})


# -- a history that changes --------------------------------------------------------------------------------------------


def test_another_history_is_noticed(tmp_path: Path) -> None:
    old = [body_of(n) for n in range(5)]
    seen = checkpoint_of(make_board(tmp_path / "old", old))
    others = {
        "shorter": old[:4],
        "same length": [*old[:4], body_of(77)],
        "longer": [body_of(99), *old, body_of(5)],
        "nothing": [],
    }
    for name, bodies in others.items():
        with make_board(tmp_path / name, bodies) as service:
            liar = Liar(create_board_app(service))
            for act in (BoardClient.read, BoardClient.checkpoint):
                with client_of(liar, seen=seen) as client, pytest.raises(ProofError):
                    act(client)
    with make_board(tmp_path / "honest", [*old, body_of(5), body_of(6)]) as service:
        liar = Liar(create_board_app(service))
        with client_of(liar, seen=seen) as client:
            assert client.checkpoint().size == 7
            assert len(client.read().headers) == 7
        for proof in (b"[]", b'["AAAA"]', b"{}", b"[7]", b"null", b"[" * 50_000, b"\xff", encode(["A" * 43 + "="] * 3)):
            liar.changes["proof/consistency"] = always(proof)
            with client_of(liar, seen=seen) as client, pytest.raises((ProofError, DecodeError)):
                client.checkpoint()
            assert client.seen == seen


def checkpoint_of(service: FolderService) -> Checkpoint:
    with service, service.reader() as board:
        return board.checkpoint()


# -- receipts ----------------------------------------------------------------------------------------------------------


def test_false_receipts_are_refused(liar: Liar, tmp_path: Path) -> None:
    mine, other = Submission("note.text", body_of(40)), Submission("note.text", body_of(3))
    with make_board(tmp_path / "forger", [body_of(40)], OTHER_KEY) as service, service.reader() as board:
        forger = encode({"header": board.header(0).decode(), "proof": board.receipt(0).decode()})
    with client_of(liar) as client:
        honest = client.append(other).receipt
    for answer in (
        b"", b"{}", b"null", b"<html>", b'{"header":"","proof":""}', b"[" * 90_000,
        honest,
        forger,
        honest.replace(b"index 3", b"index 4"),
        honest + b" ",
    ):  # fmt: skip
        liar.changes["entries"] = always(answer)
        with client_of(liar) as client, pytest.raises((DecodeError, ProofError, SignatureInvalid)):
            client.append(mine)
    liar.changes.clear()
    with client_of(liar) as client:
        wrong_type = Submission("other.text", body_of(3))
        liar.changes["entries"] = always(honest)
        with pytest.raises(ProofError, match=r"type note\.text, not other\.text"):
            client.append(wrong_type)


def test_an_entry_that_disappears_after_its_receipt_is_missed(liar: Liar) -> None:
    with client_of(liar) as client:
        submission = Submission("note.text", body_of(40))
        client.append(submission)
        liar.changes["find"] = always(b'{"seq":3}')
        with pytest.raises(ProofError):
            client.read_back(submission)
        for answer in (b"{}", b"[]", b'{"seq":-1}', b'{"seq":true}', b'{"seq":"1"}', b"\xff"):
            liar.changes["find"] = always(answer)
            with pytest.raises(DecodeError):
                client.read_back(submission)
        del liar.changes["find"]
        liar.changes["body"] = always(b'{"number":41}')
        with pytest.raises(ProofError):
            client.read_back(submission)


def test_a_key_taken_on_first_use_is_shown_to_be_compared(tmp_path: Path) -> None:
    with (
        make_board(tmp_path / "board", [body_of(1)], OTHER_KEY) as service,
        httpx.Client(transport=Liar(create_board_app(service))) as http,
    ):
        client = BoardClient(ADDRESS, http=http)
        client.read()
        assert client.key != BOARD
        for answer in (b"", b"a\nb\n", b"\xff\n", b"nonsense\n"):
            liar = Liar(create_board_app(service))
            liar.changes["vkey"] = always(answer)
            with httpx.Client(transport=liar) as other, pytest.raises(DecodeError):
                BoardClient(ADDRESS, http=other).read()


# -- a server that is no server ----------------------------------------------------------------------------------------


def answering(make: Callable[[], httpx.Response]) -> httpx.BaseTransport:
    return httpx.MockTransport(lambda _request: make())


class Endless(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * 65_536


def test_an_endless_answer_ends(liar: Liar) -> None:
    with client_of(answering(lambda: httpx.Response(200, stream=Endless()))) as client:
        for act in (client.read, client.checkpoint, lambda: client.append(Submission("note.text", body_of(1)))):
            with pytest.raises(DecodeError, match="longer than"):
                act()
    with (
        client_of(answering(lambda: httpx.Response(409, stream=Endless()))) as client,
        pytest.raises(Refused, match="status 409"),
    ):
        client.read()


def test_a_slow_answer_is_given_up() -> None:
    time = iter(range(0, 10_000_000, 100))
    slept: list[float] = []
    with httpx.Client(transport=answering(lambda: httpx.Response(200, stream=Endless()))) as http:
        web = WebClient(http, sleep=slept.append, clock=lambda: next(time))
        with pytest.raises(UnavailableError, match="too slow"):
            web.get("http://board.example/x", limit=10**9)
    assert len(slept) == ATTEMPTS - 1


def test_a_packed_answer_is_refused() -> None:
    bomb = answering(lambda: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Endless()))
    with client_of(bomb) as client, pytest.raises(DecodeError, match="packed"):
        client.read()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Refused), (403, Refused), (404, UnavailableError), (410, Refused), (429, UnavailableError),
     (500, UnavailableError), (502, UnavailableError), (503, UnavailableError), (302, UsageError), (304, UrneError)],
)  # fmt: skip
@pytest.mark.parametrize(
    "text", ["", "<html>", "\x1b[2J\u202e" * 5000, '{"error":7}', '{"error":{"code":[]}}', "[" * 9999]
)
def test_statuses_and_foreign_texts(status: int, kind: type[UrneError], text: str) -> None:
    headers = {"location": "http://elsewhere.example/x"} if status == 302 else {}
    asked: list[int] = []

    def make() -> httpx.Response:
        asked.append(1)
        return response(status, text.encode(), headers)

    with client_of(answering(make)) as client, pytest.raises(kind) as caught:
        client.checkpoint()
    assert len(asked) == (ATTEMPTS if status in (429, 502, 503, 504) else 1)
    shown = str(caught.value)
    assert shown.isprintable()
    assert len(shown) < 1000


def test_what_the_server_says_is_cut_and_cleaned() -> None:
    message = json.dumps({"error": {"check": "", "code": "x", "message": "\x1b]0;" + "a" * 5000, "where": "b\nc"}})
    with (
        client_of(answering(lambda: response(409, message.encode()))) as client,
        pytest.raises(Refused) as caught,
    ):
        client.checkpoint()
    assert str(caught.value).startswith("b?c: ?]0;aaa")
    assert len(str(caught.value)) < 400
    message = json.dumps({"error": {"check": "04", "code": "x", "message": "m", "where": "entry 1"}})
    with (
        client_of(answering(lambda: response(409, message.encode()))) as client,
        pytest.raises(VerificationError, match="check 04: entry 1: m"),
    ):
        client.checkpoint()


def test_trying_again_appends_once(liar: Liar) -> None:
    class Lossy(httpx.BaseTransport):
        lost = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = liar.handle_request(request)
            if request.method == "POST" and self.lost < 2:
                self.lost += 1
                raise httpx.ReadError("the network is gone")
            return answer

    with client_of(Lossy()) as client:
        placed = client.append(Submission("note.text", body_of(40)))
        assert (placed.seq, client.checkpoint().size) == (COUNT, COUNT + 1)


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """A socket that answers everything with these bytes, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
    ],
)
def test_a_broken_connection_is_told_and_tried_again(answer: bytes) -> None:
    slept: list[float] = []
    with raw_server(answer) as address, httpx.Client() as http:
        web = WebClient(http, sleep=slept.append)
        with pytest.raises(UnavailableError, match="broke off its answer") as caught:
            BoardClient(parse_address(address), web=web, key=BOARD).checkpoint()
    assert caught.value.exit_code == 3
    assert len(slept) == ATTEMPTS - 1


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with httpx.Client() as http:
        client = BoardClient(parse_address(f"http://127.0.0.1:{port}"), web=WebClient(http, sleep=lambda _s: None))
        with pytest.raises(UnavailableError, match="cannot be reached"):
            client.checkpoint()


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Vote.example/e/club", "https://vote.example/e/club"),
        ("https://vote.example/e/club/", "https://vote.example/e/club"),
        ("https://vote.example/e/club/vote", "https://vote.example/e/club"),
        ("https://vote.example/e/club/log", "https://vote.example/e/club"),
        ("https://vote.example/e/vote", "https://vote.example/e/vote"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/log", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    assert is_address(text)
    assert str(parse_address(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["https://", "http:/x", "https://vote.example/e/club#ABCDE-SECRET", "https://vote.example/?code=SECRET",
     "https://user:SECRET@vote.example", "https://vote.example:99999", "https://vote.example:0", "https://[::1",
     "https://vote .example", "https://vote.example/\x1b[2J", "https://" + "a" * 3000, "https://é.example"],
)  # fmt: skip
def test_addresses_that_are_none(text: str) -> None:
    assert is_address(text)
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert "SECRET" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_paths_are_no_addresses() -> None:
    for text in ("record.zip", "/srv/httpd", "http.zip", "./https", "C:\\record"):
        assert not is_address(text)


def test_the_opened_checkpoint_is_the_boards(liar: Liar) -> None:
    with client_of(liar) as client:
        assert client.checkpoint() == open_checkpoint(client.pages.checkpoint(), BOARD)
