"""Mirrors: complete, checked, good without the board; and boards that lie to them are refused and convicted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from flask import Flask, Response, request

from bulletin_board.cli import main
from bulletin_board.client import BoardClient
from bulletin_board.copies_cli import cosigning, follow
from bulletin_board.fsck import verify_board
from bulletin_board.log import Board, Submission
from bulletin_board.mirror import EVIDENCE, Mirror, Update
from bulletin_board.reader import open_reader
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from bulletin_board.witness_store import DATABASE as WITNESS_DATABASE
from bulletin_board.witness_store import WitnessStore
from tests.simulators.record import sample_election
from tests.simulators.web import ADDRESS, fill_board, serving, web_client
from tests.simulators.witnesses import witness_at
from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, body_of
from voting.protocol.encoding import encode
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UnavailableError, UrneError, UsageError
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.evidence import check_evidence, read_evidence
from voting.protocol.tlog.note import note_key, parse_note, verify_cosignatures
from voting.protocol.tracker import tracker
from voting.verifier.cli import main as verify_main

BOARD = note_key(ORIGIN, KEY.verify_key)


def submissions(start: int, stop: int, mark: str = "") -> list[Submission]:
    more = {"mark": mark} if mark else {}
    return [
        Submission("note.text", body_of(n, **more), encode({"hint": n}) if n % 3 else None) for n in range(start, stop)
    ]


def make_board(folder: Path, size: int, mark: str = "", *, common: int = 0) -> Path:
    """A board whose first `common` entries bear no mark."""
    with Board.create(folder, ORIGIN, KEY) as board:
        board.append_many(submissions(0, common))
        board.append_many(submissions(common, size, mark))
    return folder


def grow(folder: Path, size: int) -> None:
    with Board.open(folder, KEY) as board:
        board.append_many(submissions(len(board), size))


@contextmanager
def mirroring(mirror: Path, source: Path | Flask, **more: object) -> Iterator[Mirror]:
    """A mirror that follows a board of this machine, without a socket."""
    with ExitStack() as stack:
        app = source
        if isinstance(app, Path):
            app = create_board_app(stack.enter_context(FolderService(app, None)))
        web = stack.enter_context(web_client(app))
        yield stack.enter_context(Mirror(mirror, web, ADDRESS, **more))  # type: ignore[arg-type]


def update(mirror: Path, source: Path | Flask, **more: object) -> Update:
    with mirroring(mirror, source, **more) as opened:
        return opened.update()


def same(one: Path, other: Path) -> bool:
    with open_reader(one) as first, open_reader(other) as second:
        verify_board(second, signatures=True)
        return (
            list(first.entries()) == list(second.entries())
            and first.checkpoint_note() == second.checkpoint_note()
            and first.receipt(0) == second.receipt(0)
        )


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result


# -- honest boards -----------------------------------------------------------------------------------------------------


def test_a_mirror_holds_all_and_follows(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 5), tmp_path / "mirror"
    assert update(mirror, board) == Update(5, 5)
    assert same(board, mirror)
    assert update(mirror, board) == Update(5, 0)
    for size in (6, 7, 300, 2000):
        grow(board, size)
        with open_reader(mirror) as reader:
            old = len(reader)
        assert update(mirror, board) == Update(size, size - old)
        assert same(board, mirror)
    # A mirror can be mirrored, and the copy is as good.
    assert update(tmp_path / "second", mirror) == Update(2000, 2000)
    assert same(board, tmp_path / "second")


def test_a_mirror_begins_with_an_empty_board(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 0), tmp_path / "mirror"
    assert update(mirror, board) == Update(0, 0)
    with open_reader(mirror) as reader:
        assert len(reader) == 0
    grow(board, 3)
    assert update(mirror, board) == Update(3, 3)
    assert same(board, mirror)


def test_an_election_is_verified_from_a_mirror_when_the_board_is_gone(tmp_path: Path) -> None:
    election = sample_election()
    board = fill_board(tmp_path / "board", election.board.entries)
    with FolderService(board, None) as service, serving(create_board_app(service)) as address:
        run("mirror", address, tmp_path / "mirror", "--once")
    assert "cannot be reached" in run("mirror", address, tmp_path / "late", "--once", code=3).output
    with FolderService(tmp_path / "mirror", None) as service, serving(create_board_app(service)) as address:
        for words, expected in (
            ([address], "VERIFIED"),
            (["tracker", tracker(election.record.ballots[0].hash), address], "It is the ballot that counts"),
        ):
            result = CliRunner().invoke(
                verify_main, ["--language", "en", *map(str, words), "--allow-toy-group"]
            )  # fmt: skip
            assert result.exit_code == 0, result.output
            assert expected in result.output
        answer = httpx.post(f"{address}/log/entries", json={"type": "note.text", "body": {}})
        assert answer.status_code == 503
    # And without any server: the record that a mirror exports.
    run("export", tmp_path / "mirror", tmp_path / "record.zip")
    result = CliRunner().invoke(verify_main, [str(tmp_path / "record.zip"), "--allow-toy-group"])
    assert result.exit_code == 0, result.output


def test_a_mirror_is_served_without_a_key_and_is_no_board(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 4), tmp_path / "mirror"
    update(mirror, board)
    run("fsck", mirror)
    assert "cannot be read" in run("append", mirror, "note.text", board / "board.db", code=3).output
    with pytest.raises(UnavailableError, match="is a copy"):
        Board.open(mirror, KEY)
    with pytest.raises(UsageError, match="is a board, not a mirror"):
        update(board, mirror)
    with mirroring(mirror, board), pytest.raises(UnavailableError, match="another process"):
        update(mirror, board)


def test_an_interrupted_beginning_is_begun_again(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 4), tmp_path / "mirror"

    app = Flask("hostile")

    @app.get("/log/vkey")
    def vkey() -> str:
        return f"{BOARD.vkey}\n"

    with pytest.raises(UrneError):
        update(mirror, app)
    assert update(mirror, board) == Update(4, 4)
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "board.db").write_bytes(b"")
    assert update(tmp_path / "blank", board) == Update(4, 4)


def test_later_signatures_on_the_same_state_are_shown(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 4), tmp_path / "mirror"
    with witness_at(tmp_path / "w", "w.example", [BOARD]) as simulated:
        assert simulated.witness is not None
        update(mirror, board)
        with WitnessStore.open(tmp_path / "w" / WITNESS_DATABASE) as store:
            clock = iter(range(0, 10**6, 1800))
            cosign = cosigning(simulated.witness, store, lambda: next(clock))
            with mirroring(mirror, board, cosign=cosign) as opened:
                opened.update()
                grow(board, 9)
                opened.update()
                opened.update()
        with open_reader(mirror) as reader:
            note = reader.checkpoint_note()
            assert reader.receipt(2).endswith(note)
        found = verify_cosignatures(parse_note(note), [simulated.key], board=BOARD)
        assert [cosignature.key for cosignature in found] == [simulated.key]
        assert open_checkpoint(note, BOARD).size == 9
        assert len(note.splitlines()) == 6
        # The witness remembers: another history is not signed, whoever mirrors it.
        forged = make_board(tmp_path / "forged", 9, "other")
        with WitnessStore.open(tmp_path / "w" / WITNESS_DATABASE) as store, pytest.raises(SignatureInvalid):
            update(tmp_path / "second", forged, cosign=cosigning(simulated.witness, store))


def test_the_board_may_show_files_only(tmp_path: Path) -> None:
    board = make_board(tmp_path / "board", 300)
    run("publish", board, tmp_path / "public")

    app = Flask("files", static_folder=str(tmp_path / "public"), static_url_path="")
    assert update(tmp_path / "mirror", app) == Update(300, 300)
    assert same(board, tmp_path / "mirror")


# -- boards that lie ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5, 8, 20])
def test_another_history_is_refused_and_convicts_the_board(tmp_path: Path, size: int) -> None:
    board, mirror = make_board(tmp_path / "board", 8), tmp_path / "mirror"
    update(mirror, board)
    before = list(open_reader(mirror).entries())
    forged = make_board(tmp_path / "forged", size, "other", common=3)
    with pytest.raises(ProofError, match="proves it to anybody"):
        update(mirror, forged)
    (file,) = (mirror / EVIDENCE).glob("*.json")
    contradiction = check_evidence(read_evidence(file.read_bytes()), BOARD)
    assert {contradiction.first.size, contradiction.second.size} == {size, 8}
    assert list(open_reader(mirror).entries()) == before
    assert update(mirror, board) == Update(8, 0)


def test_a_board_that_shrank_is_refused_and_what_it_signed_is_kept(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 8), tmp_path / "mirror"
    update(mirror, board)
    shorter = make_board(tmp_path / "shorter", 6)
    with pytest.raises(ProofError, match="shows 6 entries, and had shown 8"):
        update(mirror, shorter)
    assert [path.name[:8] for path in (mirror / EVIDENCE).iterdir()] == ["shrunk-6"]
    with open_reader(mirror) as reader:
        assert len(reader) == 8


def test_another_key_is_refused(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 3), tmp_path / "mirror"
    with Board.create(tmp_path / "other", ORIGIN, OTHER_KEY) as other:
        other.append_many(submissions(0, 5))
    with pytest.raises(SignatureInvalid):
        update(mirror, tmp_path / "other", key=BOARD)
    update(mirror, board)
    with pytest.raises(SignatureInvalid):
        update(mirror, tmp_path / "other")
    with pytest.raises(UsageError, match="another board"):
        update(mirror, board, key=note_key(ORIGIN, OTHER_KEY.verify_key))


def hostile(service: FolderService, part: str, change: bytes | str) -> Flask:
    """A server that changes its answers about one part."""
    app = create_board_app(service)

    def lie(answer: Response) -> Response:
        if request.path.endswith(part):
            data = answer.get_data()
            if change == "drop":
                data = b"".join(data.splitlines(keepends=True)[:-1])
            elif change == "swap":
                lines = data.splitlines(keepends=True)
                data = b"".join([lines[0], lines[2], lines[1], *lines[3:]])
            elif change == "flip":
                place = len(data) // 2
                data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            elif isinstance(change, bytes):
                data = change
            answer.set_data(data)
        return answer

    app.after_request(lie)
    return app


@pytest.mark.parametrize("part", ["checkpoint", "headers", "bodies", "vkey"])
@pytest.mark.parametrize("change", ["drop", "swap", "flip", b"", b"\xff\n", b"\n" * 9, b"{}\n"])
def test_nothing_false_gets_into_a_mirror(tmp_path: Path, part: str, change: bytes | str) -> None:
    """A hostile server, at the beginning and later; what was there stays, and an honest server mends all."""
    board, mirror = make_board(tmp_path / "board", 5), tmp_path / "mirror"
    with FolderService(board, None) as service:
        liar = hostile(service, part, change)
        if part == "vkey":
            with pytest.raises(UrneError):
                update(mirror, liar)
            return
        with pytest.raises((DecodeError, ProofError, SignatureInvalid)):
            update(mirror, liar)
        update(mirror, service_app(service))
        grow(board, 9)
        with pytest.raises((DecodeError, ProofError, SignatureInvalid)):
            update(mirror, liar)
        with open_reader(mirror) as reader:
            assert len(reader) == 5
            verify_board(reader, signatures=True)
        update(mirror, service_app(service))
    assert same(board, mirror)


def service_app(service: FolderService) -> Flask:
    return create_board_app(service)


def test_a_client_refuses_a_lying_mirror_and_the_next_one_helps(tmp_path: Path) -> None:
    board, mirror = make_board(tmp_path / "board", 8), tmp_path / "mirror"
    update(mirror, board)
    older = make_board(tmp_path / "older", 6)
    with FolderService(mirror, None) as good, FolderService(older, None) as stale:
        with web_client(create_board_app(good)) as web, BoardClient(ADDRESS, web=web, key=BOARD) as client:
            seen = client.checkpoint()
        for app in (create_board_app(stale), hostile(good, "headers", "flip")):
            with (
                web_client(app) as web,
                BoardClient(ADDRESS, web=web, key=BOARD, seen=seen) as client,
                pytest.raises(UrneError),
            ):
                client.read()
        with web_client(create_board_app(good)) as web:
            assert len(BoardClient(ADDRESS, web=web, key=BOARD, seen=seen).read().headers) == 8


# -- following ---------------------------------------------------------------------------------------------------------


def test_following_survives_an_outage_and_tells_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board, mirror = make_board(tmp_path / "board", 3), tmp_path / "mirror"
    with FolderService(board, None) as service:
        app = create_board_app(service)
        is_down = False

        def switch() -> Response | None:
            return Response(status=503) if is_down else None

        app.before_request(switch)
        rounds = iter(range(7))

        def sleep(_seconds: float) -> bool:
            nonlocal is_down
            number = next(rounds)
            is_down = 1 <= number < 4
            if number == 3:
                grow(board, 1000)
            return number == 6

        with mirroring(mirror, app) as opened:
            follow(opened, 1.0, sleep)
    shown = capsys.readouterr()
    assert shown.err.count("error:") == 1
    assert "3 entries, 3 of them new" in shown.out
    assert "1000 entries, 997 of them new" in shown.out
    assert same(board, mirror)
