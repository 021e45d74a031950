"""`urne-verify monitor`: quiet while nothing is wrong, a line for each thing that is, and proof where there is one."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from flask import Flask, Response, request

from bulletin_board.log import Board, Submission
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from tests.docs.report_schemas import schemas
from tests.integration.test_http_tools import served_booth
from tests.simulators.election import BOARD_KEY, StoredEntry
from tests.simulators.record import (
    ADA,
    GRACE,
    ORIGIN,
    SampleElection,
    checkpoint_of,
    parts_of,
    rechain,
    sample_election,
    write_record,
)
from tests.simulators.web import fill_board, serving
from tests.strategies.boards import OTHER_KEY
from voting.address import Address, parse_address
from voting.protocol.encoding import encode, sha256
from voting.protocol.tlog.note import note_key
from voting.protocol.tracker import tracker
from voting.verifier import chunks
from voting.verifier.ballot_checks import check_ballots
from voting.verifier.cli import main

TOY = "--allow-toy-group"
FIRST = 17
"""Entries at the first visit: two of four ballots."""
VOTED = 19
VKEY = note_key(ORIGIN, BOARD_KEY.verify_key).vkey


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.web_client.WAITS", (0.0,))


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture(scope="module")
def entries(election: SampleElection) -> list[StoredEntry]:
    """All that there is when the four ballots have been cast."""
    return election.board.entries[:VOTED]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["--language", "en", *map(str, words)])


class Observer:
    """Somebody with a crontab."""

    def __init__(self, folder: Path, *, with_copy: bool) -> None:
        folder.mkdir()
        self.state, self.cache = folder / "state", folder / "copy"
        self.evidence = folder / "state.evidence"
        self.words: list[object] = ["--state", self.state, TOY, *(("--cache", self.cache) if with_copy else ())]

    def visit(self, address: object, *more: object, code: int = 0) -> list[str]:
        """The lines that one visit prints."""
        result = run("monitor", address, *self.words, *more)
        assert result.exit_code == code, result.output
        return result.stdout.splitlines()

    def ask(self, address: object, *more: object, code: int = 0) -> dict[str, Any]:
        """The same as JSON, which keeps to the schema."""
        found: dict[str, Any] = json.loads("\n".join(self.visit(address, "--json", *more, code=code)))
        jsonschema.validate(found, schemas()["urne-monitor-1"])
        return found


@pytest.fixture(params=[True, False], ids=["copy", "no-copy"])
def observer(request: pytest.FixtureRequest, tmp_path: Path) -> Observer:
    return Observer(tmp_path / "observer", with_copy=request.param)


def lie_about(app: Flask, path: str, answer: bytes | None, *, change: Any = None) -> dict[str, bool]:
    """Let the server answer something else at `path`, until what this gives is cleared."""
    lies = {path: True}

    def lie(response: Response) -> Response:
        if request.path in lies:
            response.direct_passthrough = False
            response.set_data(answer if answer is not None else change(response.get_data()))
        return response

    app.after_request(lie)
    return lies


@contextmanager
def board(folder: Path, entries: Sequence[StoredEntry]) -> Iterator[Address]:
    with serving(create_board_app(FolderService(fill_board(folder, list(entries)), None))) as address:
        yield address


def convicts(evidence: Path) -> bool:
    return run("evidence", evidence, "--vkey", VKEY).exit_code == 0


def swapped(entries: Sequence[StoredEntry], first: int, second: int) -> list[StoredEntry]:
    parts = parts_of(entries)
    parts[first], parts[second] = parts[second], parts[first]
    return rechain(parts)


# -- nothing wrong -----------------------------------------------------------------------------------------------------


def test_a_whole_election_is_watched_in_silence(observer: Observer, election: SampleElection, tmp_path: Path) -> None:
    """Two visits at each stage, from the definition to the result; at the second of them nothing is new."""
    entries = election.board.entries
    asked: list[str] = []
    service = FolderService(fill_board(tmp_path / "board", entries[:1]), BOARD_KEY)
    app = create_board_app(service)
    app.before_request(lambda: asked.append(request.path))
    known = 1
    with service, serving(app) as address:
        for stop in (1, 7, 14, 15, FIRST, 19, 20, 21, 23, len(entries)):
            for entry in entries[known:stop]:
                service.submit(Submission(entry.header.type, entry.body, entry.hints))
            known = stop
            assert observer.visit(address) == []
            asked.clear()
            told = observer.ask(address)
            assert (told["size"], told["new_entries"], told["alarms"]) == (stop, 0, [])
            assert asked == ["/log/checkpoint"]
    assert told["phase"] == "published"
    assert not observer.evidence.exists()
    assert "PASS    21" in run(write_record(entries, tmp_path / "record"), "--since", observer.state, TOY).stdout


def test_only_new_ballots_are_checked_again(
    observer: Observer, election: SampleElection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = election.board.entries
    checked: list[int] = []
    check = check_ballots

    def watched(context: Any, ballots: Sequence[Any]) -> Any:
        checked.extend(ballot.seq for ballot in ballots)
        return check(context, ballots)

    monkeypatch.setattr(chunks, "check_ballots", watched)
    with board(tmp_path / "first", entries[:FIRST]) as address:
        observer.visit(address)
    assert checked == [15, 16]
    checked.clear()
    with board(tmp_path / "second", entries[:VOTED]) as address:
        assert observer.ask(address)["new_entries"] == 2
    assert checked == [17, 18]
    checked.clear()
    with board(tmp_path / "third", entries) as address:
        observer.visit(address)
    assert checked == [15, 16, 17, 18]


def test_an_election_that_is_not_there_yet(observer: Observer, tmp_path: Path) -> None:
    with board(tmp_path / "empty", []) as address:
        assert observer.visit(address) == []
    assert not observer.state.exists()


# -- two histories -----------------------------------------------------------------------------------------------------


def seen(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> bytes:
    """The observer has visited the honest board."""
    with board(tmp_path / "seen", entries) as address:
        assert observer.visit(address) == []
    return observer.state.read_bytes()


def test_a_split_view_convicts(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    before = seen(observer, entries, tmp_path)
    with board(tmp_path / "split", swapped(entries, 15, 16)) as address:
        lines = observer.visit(address, code=1)
        assert lines[0] == f"{address}: SPLIT VIEW: the board has signed two different lists of 19 entries"
        assert lines[1:] == [
            f"The board has signed two histories. {observer.evidence} proves it to anybody: publish it."
        ]
        told = observer.ask(address, code=1)
        assert [alarm["kind"] for alarm in told["alarms"]] == ["split view"]
        assert told["evidence"] == str(observer.evidence)
    assert convicts(observer.evidence)
    assert list(observer.state.parent.glob("*.evidence*")) == [observer.evidence]
    assert observer.state.read_bytes() == before
    with board(tmp_path / "other-split", swapped(entries, 16, 17)) as address:
        second = observer.ask(address, code=1)["evidence"]
        assert second == f"{observer.evidence}.2"
        assert convicts(Path(second))
    with board(tmp_path / "honest", entries) as address:
        assert observer.visit(address) == []


def test_a_rewritten_log_convicts_and_names_what_is_gone(
    observer: Observer, election: SampleElection, entries: list[StoredEntry], tmp_path: Path
) -> None:
    """A dropped ballot, hidden by a longer log."""
    seen(observer, entries[:FIRST], tmp_path)
    parts = parts_of(entries)
    with board(tmp_path / "rewritten", rechain([*parts[:15], *parts[16:]])) as address:
        told = observer.ask(address, code=1)
    assert told["alarms"][0]["kind"] == "rewritten"
    assert convicts(Path(told["evidence"]))
    if observer.cache.exists():
        gone = [(alarm["kind"], alarm["entry"], alarm["tracker"]) for alarm in told["alarms"][1:]]
        assert gone == [("vanished entry", 15, tracker(election.record.ballots[0].hash))]


def test_a_shrunk_log_is_told(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    before = seen(observer, entries, tmp_path)
    with board(tmp_path / "shrunk", entries[:FIRST]) as address:
        lines = observer.visit(address, code=1)
        assert lines[0] == f"{address}: SHRUNK: the board shows 17 entries, and had signed 19"
        if observer.cache.exists():
            assert ["VANISHED: entry 17" in lines[1], "VANISHED: entry 18" in lines[2]] == [True, True]
    assert not observer.evidence.exists()
    assert observer.state.read_bytes() == before


def test_a_shorter_other_log_convicts_by_the_copy(
    observer: Observer, entries: list[StoredEntry], tmp_path: Path
) -> None:
    seen(observer, entries, tmp_path)
    with board(tmp_path / "other", swapped(entries, 15, 16)[:18]) as address:
        told = observer.ask(address, code=1)
    if observer.cache.exists():
        assert told["alarms"][0]["kind"] == "rewritten"
        assert convicts(observer.evidence)
        assert [alarm["entry"] for alarm in told["alarms"][1:]] == [18]
    else:
        assert [alarm["kind"] for alarm in told["alarms"]] == ["shrunk"]


def test_many_that_are_gone_are_counted(tmp_path: Path) -> None:
    ballots = [(0, [ADA]), (1, [GRACE])] * 12
    entries = sample_election(ballots=ballots, until="voting").board.entries
    observer = Observer(tmp_path / "observer", with_copy=True)
    seen(observer, entries, tmp_path)
    with board(tmp_path / "shrunk", entries[:15]) as address:
        lines = observer.visit(address, code=1)
    assert len(lines) == 22
    assert lines[-1].endswith("VANISHED: 4 more entries")


def test_a_board_that_proves_nothing(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    """The log is right, but the proof is not: nothing convicts the board, and it is told all the same."""
    seen(observer, entries[:FIRST], tmp_path)
    app = create_board_app(FolderService(fill_board(tmp_path / "grown", entries), None))
    lie_about(app, "/log/proof/consistency", b"[]")
    with serving(app) as address:
        told = observer.ask(address, code=1)
    assert [alarm["kind"] for alarm in told["alarms"]] == ["unproven"]
    assert not observer.evidence.exists()


def test_a_copy_that_is_ahead_of_the_state(entries: list[StoredEntry], tmp_path: Path) -> None:
    """A visit was cut off after the copy was written. What the board had signed then binds it, too."""
    observer = Observer(tmp_path / "observer", with_copy=True)
    early = seen(observer, entries[:FIRST], tmp_path)
    with board(tmp_path / "later", entries[:18]) as address:
        observer.visit(address)
    observer.state.write_bytes(early)
    with board(tmp_path / "other", swapped(entries, 17, 18)) as address:
        told = observer.ask(address, code=1)
    assert told["alarms"][0]["kind"] == "rewritten"
    assert convicts(observer.evidence)
    with board(tmp_path / "honest", entries) as address:
        assert observer.visit(address) == []
    observer.state.write_bytes(early)
    (observer.cache / "checkpoint").write_bytes(checkpoint_of(entries, OTHER_KEY))
    with board(tmp_path / "shorter", swapped(entries, 17, 18)[:18]) as address:
        assert [alarm["kind"] for alarm in observer.ask(address, code=1)["alarms"]] == ["unsigned"]
    with board(tmp_path / "again", entries) as address:
        assert observer.visit(address) == []


# -- other addresses ---------------------------------------------------------------------------------------------------


def test_mirrors_are_compared(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    with (
        board(tmp_path / "main", entries[:18]) as address,
        board(tmp_path / "behind", entries[:16]) as behind,
        board(tmp_path / "ahead", entries) as ahead,
        board(tmp_path / "split", swapped(entries, 16, 17)[:18]) as split,
        board(tmp_path / "old-split", swapped(entries, 15, 16)[:17]) as old_split,
        board(tmp_path / "long-split", swapped(entries, 16, 17)) as long_split,
    ):
        good = ("--mirror", behind, "--mirror", ahead, "--mirror", address)
        assert observer.visit(address, *good) == []
        for mirror in (split, old_split, long_split):
            told = observer.ask(address, *good, "--mirror", mirror, code=1)
            assert [alarm["kind"] for alarm in told["alarms"]] == ["split view"]
            assert str(mirror) in told["alarms"][0]["text"]
            assert convicts(Path(told["evidence"]))
    with board(tmp_path / "main-again", entries[:18]) as address:
        assert observer.ask(address, "--mirror", behind)["silent_mirrors"] == [str(behind)]


def test_a_mirror_with_another_key(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    with Board.create(tmp_path / "forger", ORIGIN, OTHER_KEY) as forger:
        forger.append_many([Submission(entry.header.type, entry.body, entry.hints) for entry in entries])
    with (
        board(tmp_path / "main", entries) as address,
        serving(create_board_app(FolderService(tmp_path / "forger", None))) as mirror,
    ):
        assert observer.visit(address, "--mirror", mirror, code=1) == [
            f"{mirror}: UNSIGNED: the newest checkpoint is not signed by the board's key"
        ]


# -- entries, booth, silence -------------------------------------------------------------------------------------------


def test_a_bad_new_ballot_is_named(observer: Observer, tmp_path: Path) -> None:
    """A server that lets in what it must not: once with bad proofs, once a copy of a ballot seen at the last visit."""
    honest = sample_election(until="voting")
    parts = parts_of(honest.board.entries)
    bad = parts[17]._replace(body=re.sub(rb'"challenges":\["..', b'"challenges":["AA', parts[17].body, count=1))
    first = rechain(parts[:FIRST])
    seen(observer, first, tmp_path)
    with board(tmp_path / "bad", rechain([*parts[:FIRST], bad])) as address:
        for _visit in range(2):
            told = observer.ask(address, code=1)
            alarms = [(alarm["kind"], alarm["check"], alarm["entry"]) for alarm in told["alarms"]]
            assert alarms == [("check failed", "11", 17), ("check failed", "14", 17)]
            assert all(alarm["tracker"] and alarm["rule"] for alarm in told["alarms"])
            assert told["size"] == FIRST
    values = json.loads(parts[15].body)["content"]["ciphertexts"]
    copied = json.loads(parts[17].body)
    copied["content"]["ciphertexts"] = values
    with board(tmp_path / "copied", rechain([*parts[:FIRST], parts[17]._replace(body=encode(copied))])) as address:
        told = observer.ask(address, code=1)
    assert "15" in {alarm["check"] for alarm in told["alarms"]}
    with board(tmp_path / "mended", honest.board.entries) as address:
        assert observer.visit(address) == []


def test_bytes_that_do_not_fit_are_fetched_anew(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    seen(observer, entries[:FIRST], tmp_path)
    app = create_board_app(FolderService(fill_board(tmp_path / "grown", entries), None))
    lies = lie_about(app, "/log/bodies", None, change=lambda data: data.replace(b'"alpha":"', b'"alpha":"A', 1))
    with serving(app) as address:
        assert {alarm["check"] for alarm in observer.ask(address, code=1)["alarms"]} == {"02"}
        lies.clear()
        assert observer.visit(address) == []


def test_a_foreign_signature(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    seen(observer, entries, tmp_path)
    app = create_board_app(FolderService(fill_board(tmp_path / "same", entries), None))
    lie_about(app, "/log/checkpoint", checkpoint_of(entries, OTHER_KEY))
    with serving(app) as address:
        assert observer.visit(address, code=1) == [
            f"{address}: UNSIGNED: the newest checkpoint is not signed by the board's key"
        ]


def test_a_changed_booth_is_told_at_every_visit(observer: Observer, tmp_path: Path) -> None:
    named = {"booth/vote.html": b"<p>", "booth/js/core/group.js": b"js"}
    served = dict(named)
    with serving(served_booth(tmp_path, served, named)) as site:
        address = f"{site}/e/club"
        assert observer.visit(address) == []
        served["booth/js/core/group.js"] = b"evil"
        for _visit in range(2):
            assert observer.visit(address, code=1) == [
                f"{address}: CHANGED BOOTH: {site}/booth/js/core/group.js: has other bytes"
            ]
        alarm = observer.ask(address, code=1)["alarms"][0]
        assert (alarm["expected"], alarm["found"]) == (sha256(b"js"), sha256(b"evil"))
        assert observer.visit(address, "--no-booth") == []
        del served["booth/vote.html"], served["booth/js/core/group.js"]
        assert len(observer.visit(address, code=1)) == 3
        served.update(named)
        assert observer.visit(address) == []


@pytest.mark.parametrize("answer", ["nobody", "garbage", "error", "elsewhere", "nothing"])
def test_silence_is_told_when_it_lasts(
    answer: str, observer: Observer, entries: list[StoredEntry], tmp_path: Path
) -> None:
    with board(tmp_path / "board", entries) as address:
        observer.visit(address)
        app = Flask("silent")
        responses = {
            "garbage": Response("<html>"),
            "error": Response(status=500),
            "elsewhere": Response(status=302, headers={"Location": "https://elsewhere.example"}),
            "nothing": Response(status=404),
        }
        app.get("/<path:_path>")(lambda _path: responses[answer])
        with serving(app) as silent:
            if answer == "nobody":
                silent = parse_address("http://127.0.0.1:9")
            for count in (1, 2):
                assert observer.visit(silent, code=3) == []
                assert json.loads(observer.state.read_bytes())["unanswered"] == count
            lines = observer.visit(silent, code=3)
            assert len(lines) == 1
            assert f"{silent}: NO ANSWER at 3 visits in a row: " in lines[0]
            told = observer.ask(silent, code=3)
            assert (told["unanswered"], told["alarms"][0]["kind"]) == (4, "no answer")
            assert observer.visit(silent, "--patience", "9", code=3) == []
        assert observer.visit(address) == []
        assert json.loads(observer.state.read_bytes())["unanswered"] == 0


# -- use ---------------------------------------------------------------------------------------------------------------


def test_a_first_visit_that_fails_is_an_error(observer: Observer, entries: list[StoredEntry], tmp_path: Path) -> None:
    result = run("monitor", "http://127.0.0.1:9", *observer.words)
    assert (result.exit_code, "cannot be reached" in result.stderr) == (3, True)
    with board(tmp_path / "board", entries) as address:
        result = run("monitor", address, *observer.words, "--manifest", "0" * 64)
        assert (result.exit_code, "CHECK 01 FAILED" in result.stdout) == (1, True)
        assert not observer.state.exists()
        assert run("monitor", address, *observer.words, "--manifest", "x").exit_code == 2
        assert "CHECK 01 FAILED" in run("monitor", address, *observer.words[:2]).stdout  # a toy group


def test_a_state_that_was_changed_is_refused(entries: list[StoredEntry], tmp_path: Path) -> None:
    observer = Observer(tmp_path / "observer", with_copy=False)
    state = seen(observer, entries, tmp_path)
    for change in (
        (b"\\n19\\n", b"\\n29\\n"),
        (b'"version":1', b'"version":2'),
        (b'"unanswered":0', b'"unanswered":-1'),
        (b'"phase":"open"', b'"phase":"opened"'),
        (b'"board":"board.example/test', b'"board":"board.example/best'),
        (state, b"{}"),
        (state, b""),
    ):
        assert change[0] in state
        observer.state.write_bytes(state.replace(*change))
        with board(tmp_path / f"board-{len(list(tmp_path.iterdir()))}", entries) as address:
            result = run("monitor", address, *observer.words)
        assert result.exit_code == 3
        assert result.stderr.startswith("error: ")
        assert "fault in this program" not in result.stderr


def test_one_visit_at_a_time(entries: list[StoredEntry], tmp_path: Path) -> None:
    observer = Observer(tmp_path / "observer", with_copy=False)
    handle = os.open(observer.state.with_name(".state.lock"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with board(tmp_path / "board", entries) as address:
        result = run("monitor", address, *observer.words)
        assert (result.exit_code, "another visit is still going on" in result.stderr) == (3, True)
        os.close(handle)
        assert observer.visit(address) == []
