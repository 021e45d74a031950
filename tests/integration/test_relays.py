"""Relays and disputes: a board that drops or refuses entries is got round, or convicted by what it signed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from flask import Flask

from bulletin_board.cli import main
from bulletin_board.client import BoardClient, UnsignedRefusal
from bulletin_board.delivery import UndeliveredError, deliver, dispute_of
from bulletin_board.errors import TokenError, refusal_of, refused_at
from bulletin_board.log import Board, Submission
from bulletin_board.mirror import Mirror
from bulletin_board.reader import Appended, open_reader
from bulletin_board.relay import RelayService
from bulletin_board.server import MAX_POST_BYTES, create_board_app
from bulletin_board.service import FolderService
from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, ROOT, RefuseMarked, body_of
from tests.torture.served import Server, init_board
from voting.address import parse_address
from voting.protocol.encoding import encode, sha256
from voting.protocol.errors import ProofError, SignatureInvalid, UnavailableError, UsageError
from voting.protocol.tlog.dispute import check_dispute, read_dispute, write_dispute
from voting.protocol.tlog.note import note_key
from voting.protocol.tlog.refusal import Refusal, open_refusal, sign_refusal
from voting.web_client import Refused, WebClient

BOARD = note_key(ORIGIN, KEY.verify_key)
PROGRAM = [sys.executable, "-m", "bulletin_board.cli"]


class Network(httpx.BaseTransport):
    """Hosts by their name, each an application; `spoil` may lose a request or its answer, or change it."""

    def __init__(self) -> None:
        self.hosts: dict[str, httpx.BaseTransport] = {}
        self.spoil: Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response] = lambda _r, go_on: go_on()
        self.posts: list[str] = []
        """Hosts that were posted to, in order."""

    def add(self, host: str, app: Flask) -> None:
        self.hosts[host] = httpx.WSGITransport(app=app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posts.append(request.url.host)
        if request.url.host not in self.hosts:
            raise httpx.ConnectError("no such host")
        return self.spoil(request, lambda: self.hosts[request.url.host].handle_request(request))


class World:
    """A board at board.example, and two mirrors that relay. The relays see the board as `board.inside`."""

    def __init__(self, stack: ExitStack, folder: Path, *, rules: Any = RefuseMarked) -> None:
        with Board.create(folder / "board", ORIGIN, KEY):
            pass
        self.folder = folder
        self.network = Network()
        self.service = stack.enter_context(FolderService(folder / "board", KEY, make_admission=rules))
        app = create_board_app(self.service)
        self.network.add("board.example", app)
        self.network.add("board.inside", app)
        self.http = stack.enter_context(httpx.Client(transport=self.network))
        self.relays: list[RelayService] = []
        for number in (1, 2):
            source = parse_address("http://board.inside")
            mirror = Mirror(folder / f"mirror-{number}", WebClient(self.http, sleep=lambda _s: None), source)
            self.relays.append(RelayService(stack.enter_context(mirror), source, self.http))
            self.network.add(f"relay-{number}.example", create_board_app(stack.enter_context(self.relays[-1])))

    def client(self, host: str, **more: Any) -> BoardClient:
        web = WebClient(self.http, sleep=lambda _seconds: None, attempts=1)
        return BoardClient(parse_address(f"http://{host}"), web=web, key=BOARD, **more)

    def ways(self) -> list[BoardClient]:
        return [self.client(host) for host in ("board.example", "relay-1.example", "relay-2.example")]

    def bodies(self) -> list[bytes]:
        with open_reader(self.folder / "board") as board:
            return [entry.body for entry in board.entries()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack, tmp_path)


def note(number: int) -> Submission:
    return Submission("note.text", body_of(number), encode({"hint": number}) if number % 2 else None)


def lose(host: str, *, every: int = 1, after: bool = False) -> Callable[..., httpx.Response]:
    """Every so many posts to a host get lost: the question, or, with `after`, only the answer."""
    count = 0

    def spoil(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
        nonlocal count
        if request.method == "POST" and request.url.host == host:
            count += 1
            if count % every == 0:
                if after:
                    go_on()
                raise httpx.ReadTimeout("lost")
        return go_on()

    return spoil


# -- a board that drops entries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
def test_a_board_that_drops_every_tenth_post_gets_every_entry_once(world: World, after: bool) -> None:
    world.network.spoil = lose("board.example", every=10, after=after)
    ways = world.ways()
    places = []
    for number in range(40):
        delivered = deliver(ways, note(number))
        places.append(delivered.placed.seq)
        assert delivered.client.read_back(note(number)).seq == places[-1]
    assert places == list(range(40))
    assert world.bodies() == [body_of(number) for number in range(40)]
    assert world.network.posts.count("relay-1.example") == 4
    assert "relay-2.example" not in world.network.posts


def test_the_second_relay_helps_where_the_first_is_down(world: World) -> None:
    del world.network.hosts["board.example"], world.network.hosts["relay-1.example"]
    delivered = deliver(world.ways(), note(1), "a token")
    assert str(delivered.client.pages.address) == "http://relay-2.example"
    with open_reader(world.folder / "mirror-2") as mirror, open_reader(world.folder / "board") as board:
        assert list(mirror.entries()) == list(board.entries())
        assert board.attachment(0) == encode({"hint": 1})


def test_what_is_there_already_is_answered_by_the_relay_itself(world: World) -> None:
    relay = world.client("relay-1.example")
    assert relay.append(note(1)).was_new
    del world.network.hosts["board.inside"]
    assert not relay.append(note(1)).was_new
    with pytest.raises(UnavailableError, match="no good answer"):
        relay.append(note(2))


def test_a_relay_hands_on_token_and_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Submission, str | None]] = []
    original = world.service.submit

    def spy(submission: Submission, token: str | None = None) -> Appended:
        seen.append((submission, token))
        if token != "right":
            raise TokenError("needs a token")
        return original(submission, token)

    monkeypatch.setattr(world.service, "submit", spy)
    relay = world.client("relay-1.example")
    with pytest.raises(TokenError, match="needs a token"):
        relay.append(note(1), "wrong")
    assert relay.append(note(1), "right").seq == 0
    assert seen == [(note(1), "wrong"), (note(1), "right")]


def test_a_relay_passes_on_what_the_board_says_and_nothing_else(world: World) -> None:
    direct, relayed = (
        world.http.post(f"http://{host}/log/entries", json={"type": "note.text", "body": {"refuse": 1}})
        for host in ("board.example", "relay-1.example")
    )
    assert (direct.status_code, relayed.status_code) == (409, 409)
    assert direct.content == relayed.content
    assert open_refusal(relayed.json()["refusal"].encode(), BOARD).size == 0
    for content in (
        b"<script>",
        b'{"error":1}',
        b'{"error":{"check":"","code":"","message":"","remedy":""},"x":1}',
        b"",
    ):

        def lie(request: httpx.Request, go_on: Callable[[], httpx.Response], said: bytes = content) -> httpx.Response:
            is_asked = request.method == "POST" and request.url.host == "board.inside"
            return httpx.Response(409, stream=httpx.ByteStream(said)) if is_asked else go_on()

        world.network.spoil = lie
        answer = world.http.post("http://relay-1.example/log/entries", json={"type": "note.text", "body": {"a": 1}})
        assert answer.status_code == 503
        assert "script" not in answer.text
        assert "send it again" in answer.json()["error"]["remedy"]


def test_a_relay_is_bounded(world: World) -> None:
    content = b'{"type":"note.text","body":{"a":"' + b"a" * MAX_POST_BYTES + b'"}}'
    headers = {"Content-Type": "application/json"}
    assert world.http.post("http://relay-1.example/log/entries", content=content, headers=headers).status_code == 413
    assert world.network.posts.count("board.inside") == 0
    waiting, go = threading.Semaphore(0), threading.Event()

    def hang(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
        if request.method == "POST" and request.url.host == "board.inside":
            waiting.release()
            assert go.wait(20)
        return go_on()

    world.network.spoil = hang
    relay = world.relays[0]
    threads = [threading.Thread(target=relay.submit, args=(note(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert waiting.acquire(timeout=20)
    busy = world.http.post("http://relay-1.example/log/entries", json={"type": "note.text", "body": {"number": 99}})
    assert (busy.status_code, busy.json()["error"]["code"]) == (429, "busy")
    assert "Retry-After" in busy.headers
    go.set()
    for thread in threads:
        thread.join()
    assert sorted(world.bodies()) == sorted(body_of(number) for number in range(8))
    with open_reader(world.folder / "mirror-1") as mirror:
        assert len(mirror) == 8


def test_a_relay_asks_the_board_once_and_leaves_repeating_to_the_sender(world: World) -> None:
    world.network.spoil = lose("board.inside")
    with pytest.raises(UnavailableError, match="no good answer"):
        world.client("relay-1.example").append(note(1))
    assert world.network.posts == ["relay-1.example", "board.inside"]


def test_a_mirror_takes_over_for_one_thread_at_a_time(world: World, tmp_path: Path) -> None:
    deliver(world.ways()[:1], note(1))
    inside, most, guard = 0, 0, threading.Lock()

    def slow(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        answer = go_on()
        with guard:
            inside -= 1
        return answer

    source = parse_address("http://board.inside")
    with Mirror(tmp_path / "third", WebClient(world.http), source) as mirror:
        world.network.spoil = slow
        acts = [mirror.update, lambda: mirror.hold(1)] * 4
        threads = [threading.Thread(target=act) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (most, len(mirror)) == (1, 1)
        with pytest.raises(UnavailableError, match="does not show the 2 entries"):
            mirror.hold(2)


def test_a_relay_believes_no_false_receipt(world: World, tmp_path: Path) -> None:
    with Board.create(tmp_path / "other", ORIGIN, OTHER_KEY):
        pass
    with FolderService(tmp_path / "other", OTHER_KEY) as other:
        false = httpx.WSGITransport(app=create_board_app(other))

        def lie(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
            is_asked = request.method == "POST" and request.url.host == "board.inside"
            return false.handle_request(request) if is_asked else go_on()

        world.network.spoil = lie
        with pytest.raises(UnavailableError, match="no good answer"):
            world.client("relay-1.example").append(note(1))
    assert world.bodies() == []


def test_a_mirror_that_does_not_relay_stays_read_only(world: World) -> None:
    deliver(world.ways()[1:], note(1))
    with FolderService(world.folder / "mirror-1", None) as service:
        world.network.add("plain.example", create_board_app(service))
        with pytest.raises(UnavailableError):
            world.client("plain.example").append(note(2))
    assert len(world.bodies()) == 1


# -- a board that refuses ----------------------------------------------------------------------------------------------


def test_a_signed_refusal_is_the_boards_last_word(world: World) -> None:
    deliver(world.ways(), note(1))
    with pytest.raises(UndeliveredError) as caught:
        deliver(world.ways(), Submission("note.text", b'{"refuse":1}'))
    assert world.network.posts == ["board.example", "board.example"]
    assert isinstance(caught.value.cause, Refused)
    assert not isinstance(caught.value.cause, UnsignedRefusal)
    signed = refusal_of(caught.value.cause)
    assert signed is not None
    refusal = open_refusal(signed, BOARD)
    assert refusal == Refusal(
        ORIGIN, 1, "note.text", sha256(b'{"refuse":1}'), "", "usage", "is refused by the rules of this test"
    )


def test_the_size_in_a_refusal_counts_what_the_same_transaction_took(tmp_path: Path) -> None:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as board:
        board.admission = RefuseMarked()
        outcomes = board.append_many(
            [note(1), Submission("note.text", b'{"refuse":1}'), note(2), Submission("note.text", b'{"refuse":2}')]
        )
        assert [refused_at(each) for each in outcomes if isinstance(each, UsageError)] == [1, 2]
        clash = board.append_many([Submission("other.text", body_of(2))])[0]
        assert isinstance(clash, UsageError)
        assert refused_at(clash) == 2
        malformed = board.append_many([Submission("other.text", b"{")])[0]
        assert not isinstance(malformed, Appended)
        assert refused_at(malformed) is None


FORGERIES: dict[str, Callable[[str], str]] = {
    "missing": lambda _note: "",
    "of another key": lambda _note: sign_refusal(refusal_of_note(7), OTHER_KEY).decode(),
    "of another entry": lambda _note: sign_refusal(refusal_of_note(8), KEY).decode(),
    "of another type": lambda _note: sign_refusal(refusal_of_note(7, "other.text"), KEY).decode(),
    "changed": lambda note: note.replace("too late", "too soon"),
    "nonsense": lambda _note: "x" * 10_000,
}


def refusal_of_note(number: int, type_: str = "note.text") -> Refusal:
    return Refusal(ORIGIN, 0, type_, sha256(body_of(number)), "04", "verification", "is too late")


def refuse_with(refusal: str, *hosts: str) -> Callable[..., httpx.Response]:
    told = {"check": "04", "code": "verification", "message": "is too late", "remedy": "", "where": ""}
    answer = encode({"error": told, "refusal": refusal} if refusal else {"error": told})

    def spoil(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
        is_asked = request.method == "POST" and request.url.host in hosts
        return httpx.Response(409, stream=httpx.ByteStream(answer)) if is_asked else go_on()

    return spoil


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_refusal_that_the_board_did_not_sign_is_got_round(world: World, kind: str) -> None:
    refusal = FORGERIES[kind](sign_refusal(refusal_of_note(7), KEY).decode())
    world.network.spoil = refuse_with(refusal, "board.example")
    with pytest.raises(UnsignedRefusal, match=r'the refusal .*It says: "is too late"') as caught:
        world.client("board.example").append(note(7))
    assert refusal_of(caught.value) is None
    delivered = deliver(world.ways(), note(7))
    assert str(delivered.client.pages.address) == "http://relay-1.example"
    assert world.bodies() == [body_of(7)]


@pytest.mark.parametrize("kind", FORGERIES)
def test_where_all_ways_refuse_without_signature_the_dispute_says_so(world: World, kind: str) -> None:
    refusal = FORGERIES[kind](sign_refusal(refusal_of_note(7), KEY).decode())
    world.network.spoil = refuse_with(refusal, "board.example", "board.inside")
    with pytest.raises(UndeliveredError) as caught:
        deliver(world.ways(), note(7))
    dispute = read_dispute(write_dispute(dispute_of(note(7), caught.value.attempts)))
    assert check_dispute(dispute, BOARD) == ()
    assert [other.via for other in dispute.others] == [
        "http://board.example", "http://relay-1.example", "http://relay-2.example",
    ]  # fmt: skip
    assert (dispute.body.encode(), dispute.hints.encode()) == (note(7).body, note(7).attachment)
    assert world.bodies() == []


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (200, b"<html>"),
        (201, b'{"header":"","proof":""}'),
        (204, b""),
        (302, b""),
        (400, b""),
        (403, encode({"error": {"check": "", "code": "token", "message": "no", "remedy": "", "where": ""}})),
        (404, b""),
        (409, b"\xff"),
        (413, b""),
        (500, b"Traceback"),
        (503, b""),
    ],
)
def test_whatever_else_a_server_answers_the_relay_is_asked(world: World, status: int, data: bytes) -> None:
    def lie(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
        is_asked = request.method == "POST" and request.url.host == "board.example"
        return httpx.Response(status, stream=httpx.ByteStream(data)) if is_asked else go_on()

    world.network.spoil = lie
    assert str(deliver(world.ways(), note(3)).client.pages.address) == "http://relay-1.example"
    assert world.bodies() == [body_of(3)]


def test_many_senders_by_many_ways_give_one_place(world: World) -> None:
    placed: list[int] = []

    def send(host: str) -> None:
        placed.append(world.client(host).append(note(5)).seq)

    hosts = ["board.example", "relay-1.example", "relay-2.example"] * 2
    threads = [threading.Thread(target=send, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert placed == [0] * len(hosts)
    assert world.bodies() == [body_of(5)]


def test_a_signed_refusal_that_comes_through_a_relay_counts_too(world: World) -> None:
    del world.network.hosts["board.example"]
    with pytest.raises(UndeliveredError) as caught:
        deliver(world.ways(), Submission("note.text", b'{"refuse":1}'))
    dispute = dispute_of(Submission("note.text", b'{"refuse":1}'), caught.value.attempts)
    [(via, refusal)] = check_dispute(dispute, BOARD)
    assert (via, refusal.size) == ("http://relay-1.example", 0)
    assert [other.via for other in dispute.others] == ["http://board.example"]
    assert "cannot be reached" in dispute.others[0].said


def test_a_service_without_a_key_signs_nothing(tmp_path: Path) -> None:
    with Board.create(tmp_path / "board", ORIGIN, KEY):
        pass
    with FolderService(tmp_path / "board", None) as service:
        error = UsageError("is refused")
        assert service.sign_refusal(note(1), error) is None
    with FolderService(tmp_path / "board", KEY) as service:
        assert service.sign_refusal(note(1), error) is None, "the rules never saw it"


def test_a_clients_check_of_a_receipt_through_a_relay_is_as_strict(world: World) -> None:
    """A relay that answers with somebody else's receipt gains nothing."""
    other = world.client("board.example").append(note(1))

    def lie(request: httpx.Request, go_on: Callable[[], httpx.Response]) -> httpx.Response:
        is_asked = request.method == "POST" and request.url.host == "relay-1.example"
        return httpx.Response(201, stream=httpx.ByteStream(other.receipt)) if is_asked else go_on()

    world.network.spoil = lie
    with pytest.raises(ProofError):
        world.client("relay-1.example").append(note(2))
    delivered = deliver(world.ways()[1:], note(2))
    assert str(delivered.client.pages.address) == "http://relay-2.example"


# -- processes ---------------------------------------------------------------------------------------------------------


@contextmanager
def relaying(board: str, folder: Path, vkey: str) -> Iterator[str]:
    """`urne-board mirror --relay`, as a process; gives its address."""
    words = ["mirror", board, str(folder), "--vkey", vkey, "--every", "60", "--listen", "127.0.0.1:0", "--relay"]
    process = subprocess.Popen(
        [*PROGRAM, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("http://"):
            lines.append(process.stdout.readline())
            assert lines[-1], process.communicate()[1]
        yield lines[-1].strip()
    finally:
        process.terminate()
        _out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def test_a_relay_in_a_process_of_its_own(tmp_path: Path) -> None:
    key = init_board(tmp_path / "board")
    board_key = note_key(ORIGIN, key.verify_key)
    server = Server(tmp_path / "board")
    board = f"http://127.0.0.1:{server.port}"
    try:
        with (
            relaying(board, tmp_path / "mirror", board_key.vkey) as relay,
            BoardClient(parse_address(relay), key=board_key) as client,
        ):
            assert [client.append(note(number)).seq for number in range(3)] == [0, 1, 2]
            assert client.read_back(note(2)).seq == 2
            with pytest.raises(Refused, match="the same body is entry 0 already") as caught:
                client.append(Submission("other.text", body_of(0)))
            signed = refusal_of(caught.value)
            assert signed is not None
            assert open_refusal(signed, board_key).size == 3
            code = server.end(15)
            assert code == 0
            client.web.attempts = 1
            with pytest.raises(UnavailableError, match="no good answer"):
                client.append(note(9))
            assert client.append(note(1)).seq == 1
    finally:
        if server.process.poll() is None:
            server.end(9)
    with open_reader(tmp_path / "mirror") as mirror, open_reader(tmp_path / "board") as kept:
        assert list(mirror.entries()) == list(kept.entries())


@pytest.mark.parametrize("words", [["--relay"], ["--relay", "--once", "--listen", "127.0.0.1:0"]])
def test_relay_needs_a_place_to_listen(tmp_path: Path, words: list[str]) -> None:
    result = CliRunner().invoke(main, ["mirror", "http://board.example", str(tmp_path / "m"), *words])
    assert result.exit_code == 2
    assert "--relay needs --listen" in result.output
    assert not (tmp_path / "m").exists()


def test_dispute_signatures_are_those_of_the_board(world: World) -> None:
    with pytest.raises(UndeliveredError) as caught:
        deliver(world.ways(), Submission("note.text", b'{"refuse":1}'))
    dispute = dispute_of(Submission("note.text", b'{"refuse":1}'), caught.value.attempts)
    with pytest.raises(SignatureInvalid):
        check_dispute(dispute, note_key(ORIGIN, OTHER_KEY.verify_key))


def test_an_answer_in_a_browser_is_never_a_page(world: World) -> None:
    answer = world.http.post("http://relay-1.example/log/entries", json={"type": "note.text", "body": {"refuse": 1}})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
