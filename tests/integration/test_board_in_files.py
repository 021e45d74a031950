"""A board published as files: what is in them, in which order they come, and that our own tools read and check them."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from bulletin_board.cli import main
from bulletin_board.client import BoardClient
from bulletin_board.log import Board, Submission
from bulletin_board.publish import Published, publish_board
from bulletin_board.reader import BoardReader, open_reader
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from bulletin_board.tiles import read_tile, read_tile_at
from tests.simulators.record import sample_election
from tests.simulators.tiled_log import board_with
from tests.simulators.web import fill_board, serving
from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, body_of
from voting.address import Address, parse_address
from voting.protocol.encoding import encode
from voting.protocol.errors import DecodeError, ProofError, UnavailableError, UrneError, UsageError
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.merkle import tree_root, verify_consistency
from voting.protocol.tlog.tiles import BODIES, BUNDLES, HINTS, all_tiles, parse_bundle, parse_tile_path, tile_path
from voting.verifier.cli import main as verify_main

Question = Callable[[BoardClient, BoardReader], None]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.web_client.WAITS", (0.0,))


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.create(tmp_path / "board", ORIGIN, KEY) as made:
        yield made


def grow(board: Board, size: int) -> None:
    board.append_many(
        [Submission("note.text", body_of(n), encode({"h": n}) if n % 3 else None) for n in range(len(board), size)]
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def require_whole(board: BoardReader, log: Path) -> None:
    """All that the published checkpoint covers is there, byte for byte as the board has it."""
    size = open_checkpoint((log / "checkpoint").read_bytes(), board.key).size
    entries = list(board.entries(0, size))
    for tile in all_tiles(size):
        data = (log / tile_path(tile)).read_bytes()
        if tile.row == BODIES:
            assert data == b"".join(entry.body + b"\n" for entry in entries[tile.start : tile.stop])
        elif tile.row == HINTS:
            assert data == b"".join((entry.attachment or b"") + b"\n" for entry in entries[tile.start : tile.stop])
        else:
            assert data == read_tile(board, tile)
        if tile.row == "entries":
            headers = [entry.header_bytes for entry in entries[tile.start : tile.stop]]
            assert parse_bundle(data, tile.width) == headers


# -- publishing --------------------------------------------------------------------------------------------------------


def test_what_is_published_step_by_step_is_the_whole(board: Board, tmp_path: Path) -> None:
    public = tmp_path / "public"
    before = 0
    for size in (0, 1, 44, 44, 255, 256, 257, 300, 700):
        grow(board, size)
        done = publish_board(board, public)
        assert (done.size, done.before) == (size, before)
        require_whole(board, public / "log")
        before = size
    publish_board(board, tmp_path / "at once")
    at_once = contents(tmp_path / "at once")
    publish_board(board, public)
    found = contents(public)
    assert {name: found[name] for name in at_once} == at_once
    assert sorted(set(found) - set(at_once)) == ["log/tile/1/000.p/1"]
    assert set(at_once) == {".publish.lock", "log/checkpoint", "log/vkey"} | {
        f"log/{tile_path(tile)}" for tile in all_tiles(700)
    }
    assert (public / "log/vkey").read_text() == board.key.vkey + "\n"


def test_nothing_new_is_nothing_to_do(board: Board, tmp_path: Path) -> None:
    grow(board, 300)
    assert publish_board(board, tmp_path / "public") == Published(300, 0, 9)
    assert publish_board(board, tmp_path / "public") == Published(300, 300, 0)


def test_a_part_stays_for_those_who_read_under_the_last_checkpoint(board: Board, tmp_path: Path) -> None:
    part = tmp_path / "public/log/tile/0/000.p"
    for size, is_there in ((100, True), (300, True), (301, False)):
        grow(board, size)
        publish_board(board, tmp_path / "public")
        assert (part / "100").exists() == is_there
        assert part.exists() == is_there


def test_an_interrupted_publication_shows_a_state_that_is_whole(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine stops at the n-th flush, for every n; the next run makes good."""
    public = tmp_path / "public"
    grow(board, 250)
    publish_board(board, public)
    old = (public / "log/checkpoint").read_bytes()
    grow(board, 520)
    shown = []
    for fails_at in count():
        left = iter(range(fails_at))

        def fsync(_handle: int, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise OSError(5, "Input/output error")

        with monkeypatch.context() as broken:
            broken.setattr("bulletin_board.files.os.fsync", fsync)
            try:
                publish_board(board, public)
            except UnavailableError:
                shown.append((public / "log/checkpoint").read_bytes())
            else:
                break
        require_whole(board, public / "log")
    assert len(shown) > 20
    assert set(shown[:-1]) == {old}
    assert shown[-1] == board.checkpoint_note(520)  # only the flush after its renaming failed
    (public / "log/tile/0/.001.p.0123abcd").write_bytes(b"left by kill -9")
    publish_board(board, public)
    require_whole(board, public / "log")
    assert not list((public / "log").rglob(".*"))


def test_the_checkpoint_comes_last(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(board, 300)
    order: list[str] = []
    replace = Path.replace

    def spy(self: Path, target: Path) -> Path:
        order.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spy)
    publish_board(board, tmp_path / "public")
    assert order[-1] == "checkpoint"
    assert order.count("checkpoint") == 1


def test_what_was_published_is_never_taken_back(board: Board, tmp_path: Path) -> None:
    public = tmp_path / "public"
    grow(board, 200)
    publish_board(board, public)
    shown = contents(public)
    with board_with(tmp_path / "shorter", [100]) as shorter, pytest.raises(ProofError, match="does not begin with"):
        publish_board(shorter, public)
    with board_with(tmp_path / "forked", [300], mark="x") as forked, pytest.raises(ProofError, match="not begin with"):
        publish_board(forked, public)
    with (
        Board.create(tmp_path / "other", ORIGIN, OTHER_KEY) as other,
        pytest.raises(UnavailableError, match="not of this board"),
    ):
        publish_board(other, public)
    assert contents(public) == shown


def test_places_that_cannot_be_used(board: Board, tmp_path: Path) -> None:
    grow(board, 3)
    with pytest.raises(UsageError, match="holds a board and its key"):
        publish_board(board, board.folder)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError, match="cannot be written"):
        publish_board(board, tmp_path / "file")
    public = tmp_path / "public"
    publish_board(board, public)
    (public / "log/checkpoint").write_bytes(b"something else")
    with pytest.raises(UnavailableError, match="not of this board"):
        publish_board(board, public)
    (public / "log/checkpoint").unlink()
    (public / "log/vkey").write_bytes(b"another key\n")
    with pytest.raises(UnavailableError, match="shows another board"):
        publish_board(board, public)


def test_every_width_is_served_from_the_table(board: Board) -> None:
    grow(board, 300)
    for size in range(1, 301):
        for tile in all_tiles(size):
            if tile.row not in BUNDLES and tile.width < 256:
                assert len(read_tile_at(board, tile_path(tile))) == 32 * tile.width
    for path in ("tile/0/001", "tile/0/001.p/45", "tile/1/000", "tile/1/000.p/2", "tile/2/000.p/1", "tile/0/002.p/1"):
        parse_tile_path(path)
        with pytest.raises(UsageError, match="not there"):
            read_tile_at(board, path)
    for path in ("tile/bodies/000", "tile/x", "checkpoint"):
        with pytest.raises(UsageError):
            read_tile_at(board, path)


def test_the_command(tmp_path: Path) -> None:
    with board_with(tmp_path / "board", [300]):
        pass
    words = ["publish", str(tmp_path / "board"), str(tmp_path / "public")]
    first = CliRunner().invoke(main, words)
    assert (first.exit_code, first.output.endswith("300 entries, 300 of them new, in 9 new files\n")) == (0, True)
    assert "0 of them new" in CliRunner().invoke(main, words).output
    assert CliRunner().invoke(main, ["publish", str(tmp_path), str(tmp_path / "public")]).exit_code == 3


# -- reading, with our own tools ---------------------------------------------------------------------------------------


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        return


@contextmanager
def plain_web_server(folder: Path) -> Iterator[Address]:
    """A web server that knows nothing of Urne."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(folder)))
    server.daemon_threads = False  # so that closing waits for what is being answered
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield parse_address(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_our_client_reads_files_and_follows_them(board: Board, tmp_path: Path) -> None:
    public = tmp_path / "public"
    grow(board, 250)
    publish_board(board, public)
    with plain_web_server(public) as address, BoardClient(address) as client:
        log = client.read()
        assert [header.seq for header in log.headers] == list(range(250))
        assert list(client.bodies(log, 3, 250)) == [body_of(n) for n in range(3, 250)]
        for size in (256, 300, 700):
            grow(board, size)
            publish_board(board, public)
            assert client.checkpoint().size == size
        log = client.read()
        assert list(client.bodies(log, 0, 700)) == [body_of(n) for n in range(700)]
        hints = list(client.pages.lines("hints", 250, 520))
        assert hints == [encode({"h": n}) if n % 3 else b"" for n in range(250, 520)]
        assert client.key == board.key


def test_a_part_that_is_gone_is_read_from_the_whole(board: Board, tmp_path: Path) -> None:
    public = tmp_path / "public"
    grow(board, 100)
    publish_board(board, public)
    with plain_web_server(public) as address, BoardClient(address) as early:
        assert early.pages.checkpoint() == board.checkpoint_note(100)
        for size in (300, 301):
            grow(board, size)
            publish_board(board, public)
        assert not (public / "log/tile/bodies/000.p").exists()
        assert list(early.pages.lines("bodies", 90, 100)) == [body_of(n) for n in range(90, 100)]
        assert list(early.pages.lines("headers", 0, 100)) == list(board.headers(0, 100))
        assert early.pages.hashes("proof/consistency", {"old": 44, "new": 100}) == board.consistency_proof(44, 100)


def test_files_that_lie_are_noticed(board: Board, tmp_path: Path) -> None:
    grow(board, 300)
    publish_board(board, tmp_path / "public")
    names = [f"log/{tile_path(tile)}" for tile in all_tiles(300)]
    for number, name in enumerate(names):
        public = tmp_path / str(number)
        shutil.copytree(tmp_path / "public", public)
        for change in ("flip", "cut", "longer", "gone"):
            data = bytearray((tmp_path / "public" / name).read_bytes())
            if change == "flip":
                data[len(data) // 2] ^= 1
            elif change == "cut":
                data = data[:-1]
            elif change == "longer":
                data += b"\n"
            (public / name).write_bytes(data)
            if change == "gone":
                (public / name).unlink()
            with plain_web_server(public) as address, BoardClient(address, key=board.key) as client:
                errors = [error for question in (_read_all, _follow) if (error := _error_of(question, client, board))]
            is_unauthenticated = "/hints/" in name and change == "flip"
            assert bool(errors) != is_unauthenticated, (name, change)
            assert all(isinstance(error, (DecodeError, ProofError, UnavailableError)) for error in errors)


def _error_of(question: Question, client: BoardClient, board: BoardReader) -> UrneError | None:
    try:
        question(client, board)
    except UrneError as error:
        return error
    return None


def _read_all(client: BoardClient, _board: BoardReader) -> None:
    log = client.read()
    assert len(list(client.bodies(log, 0, 300))) == 300
    assert len(list(client.pages.lines("hints", 0, 300))) == 300


def _follow(client: BoardClient, board: BoardReader) -> None:
    """Proofs that need every tile of hashes, and the hash in the middle of each."""
    client.pages.checkpoint()
    for old in (1, 128, 256, 278, 299):
        proof = client.pages.hashes("proof/consistency", {"old": old, "new": 300})
        root = tree_root(old, board.store.node)
        verify_consistency(old, 300, root, tree_root(300, board.store.node), proof)


def test_a_server_of_boards_that_has_no_such_entry_is_not_taken_for_files(tmp_path: Path) -> None:
    """A 404 in a board's own words stays an error."""
    with board_with(tmp_path / "board", [3]):
        pass
    app = create_board_app(FolderService(tmp_path / "board", None))
    with serving(app) as address, BoardClient(address) as client, pytest.raises(UrneError, match="no entry 5"):
        list(client.pages.lines("headers", 5, 6))


def test_an_election_in_files_is_verified(tmp_path: Path) -> None:
    """From a plain web server, with the copy kept and brought up to date."""
    election = sample_election()
    folder = fill_board(tmp_path / "board", election.board.entries)
    with open_reader(folder) as board:
        publish_board(board, tmp_path / "public/e/club")
    with plain_web_server(tmp_path / "public") as address:
        words = ["--language", "en", f"{address}/e/club", "--allow-toy-group", "--cache", str(tmp_path / "copy")]
        for _ in range(2):
            result = CliRunner().invoke(verify_main, [*words, "--json"])
            assert result.exit_code == 0, result.output
            assert json.loads(result.stdout)["ballots"] == 4
