"""The commands with a web address in place of a path: trustees, voters and observers of one election."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from flask import Flask, Response, request

from bulletin_board.log import Board, Submission
from bulletin_board.server import board_api, create_board_app
from bulletin_board.service import FolderService
from tests.simulators.election import ADMINISTRATOR, BOARD_KEY
from tests.simulators.office import Office
from tests.simulators.record import ADA, GRACE, SampleElection, parts_of, rechain, sample_election
from tests.simulators.trustees import LAST_TIME, TrusteeOffice
from tests.simulators.web import ElectionService, fill_board, serving
from voting.address import Address
from voting.crypto.kdf import frame
from voting.crypto.signatures import VerifyKey
from voting.election.steps import open_election
from voting.election_folder import read_signing_key
from voting.protocol.encoding import encode, from_base64, sha256
from voting.protocol.messages import BoothFile
from voting.protocol.tracker import tracker
from voting.verifier.cli import main as verify_main

TOY = "--allow-toy-group"


def verifier(*words: str | Path | Address, code: int | None = None) -> Result:
    result = CliRunner().invoke(verify_main, ["--language", "en", *map(str, words)])
    assert code is None or result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.web_client.WAITS", (0.0,))


# -- observers ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture
def address(election: SampleElection, tmp_path: Path) -> Iterator[Address]:
    """The whole election, finished."""
    folder = fill_board(tmp_path / "board", election.board.entries)
    with serving(create_board_app(FolderService(folder, None))) as address:
        yield address


def test_a_served_record_is_verified(address: Address, election: SampleElection) -> None:
    assert "VERIFIED" in verifier(address, TOY, code=0).stdout
    report = json.loads(verifier(address, TOY, "--json", code=0).stdout)
    assert report["ballots"] == 4
    ballot = election.record.ballots[0]
    assert "It is the ballot that counts" in verifier("tracker", tracker(ballot.hash), address, TOY, code=0).stdout


def test_a_receipt_is_checked_against_a_served_record(address: Address, tmp_path: Path) -> None:
    with FolderService(tmp_path / "board", None).reader() as board:
        receipt = encode({"header": board.header(20).decode(), "proof": board.receipt(20).decode()})
    (tmp_path / "receipt.json").write_bytes(receipt)
    shown = verifier("receipt", tmp_path / "receipt.json", "--record", address, TOY, code=0).stdout
    assert "The record holds this very entry" in shown


def test_what_is_no_board_is_told(tmp_path: Path) -> None:
    with serving(Flask("nothing")) as address:
        assert "has no board at this address" in verifier(address, TOY, code=3).stderr
    assert "cannot be reached" in verifier(address, TOY, code=3).stderr
    assert "belongs on no command line" in verifier("https://vote.example/e/x#SECRET", code=2).stderr
    assert "for web addresses" in verifier(tmp_path, "--cache", tmp_path / "x", code=2).stderr


def test_forged_entries_fail_their_checks_as_in_a_file(election: SampleElection, tmp_path: Path) -> None:
    parts = parts_of(election.board.entries)
    last = parts[-1]
    parts[-1] = last._replace(body=last.body.replace(b'"totals":[3,5', b'"totals":[4,4'))
    folder = fill_board(tmp_path / "forged", rechain(parts))
    with serving(create_board_app(FolderService(folder, None))) as address:
        report = json.loads(verifier(address, TOY, "--json", code=1).stdout)
    assert "05" in {check["id"] for check in report["checks"] if check["status"] == "failed"}


# -- visits ------------------------------------------------------------------------------------------------------------


def test_visits_go_on_from_the_last_one(election: SampleElection, tmp_path: Path) -> None:
    entries = election.board.entries
    folder, state, cache = fill_board(tmp_path / "board", entries[:15]), tmp_path / "state.json", tmp_path / "cache"
    asked: list[str] = []
    service = FolderService(folder, BOARD_KEY)
    app = create_board_app(service)
    app.before_request(lambda: asked.append(request.full_path))
    with service, serving(app) as address:
        words = (address, TOY, "--json", "--state", state, "--cache", cache)
        first = json.loads(verifier(*words, code=4).stdout)
        assert status_of(first, "21") == "not applicable"
        kept = json.loads(state.read_bytes())
        assert kept["manifest"] == election.record.require_manifest().hash
        for entry in entries[15:]:
            service.submit(Submission(entry.header.type, entry.body, entry.hints))
        asked.clear()
        second = json.loads(verifier(*words, code=0).stdout)
        assert status_of(second, "21") == "passed"
        assert all("start=15" in path for path in asked if "start" in path)
        assert any("start" in path for path in asked)
        assert json.loads(state.read_bytes())["election"] == election.record.election
        asked.clear()
        verifier(*words, code=0)
        assert not any("start" in path for path in asked)
        # A visit serves as --since too, and the copy is a record like any other.
        assert status_of(json.loads(verifier(cache, TOY, "--json", "--since", state, code=0).stdout), "21") == "passed"
    assert "cannot both" in verifier(cache, TOY, "--since", state, "--state", state, code=2).stderr


def test_a_changed_history_is_proved_by_the_copy(election: SampleElection, tmp_path: Path) -> None:
    entries = election.board.entries
    state, cache = tmp_path / "state.json", tmp_path / "cache"
    with serving(create_board_app(FolderService(fill_board(tmp_path / "old", entries[:15]), None))) as address:
        verifier(address, TOY, "--state", state, "--cache", cache, code=4)
    before = state.read_bytes(), (cache / "headers.jsonl").read_bytes()
    parts = parts_of(entries)
    parts[3], parts[4] = parts[4], parts[3]
    for name, forged in (("other", rechain(parts)), ("shorter", entries[:14])):
        with serving(create_board_app(FolderService(fill_board(tmp_path / name, forged), None))) as address:
            shown = verifier(address, TOY, "--cache", cache, code=1).stderr
            assert "check 21" in shown
            assert f"keep {cache}" in shown
            assert (cache / "checkpoint.contradiction").exists()
            report = json.loads(verifier(address, TOY, "--json", "--state", state, code=1).stdout)
            assert status_of(report, "21") == "failed"
        assert (state.read_bytes(), (cache / "headers.jsonl").read_bytes()) == before


def test_a_copy_of_another_board_is_left_alone(election: SampleElection, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with serving(create_board_app(FolderService(fill_board(tmp_path / "a", election.board.entries), None))) as address:
        verifier(address, TOY, "--cache", cache, code=0)
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    with Board.create(tmp_path / "b", "board.example/other", BOARD_KEY):
        pass
    with serving(create_board_app(FolderService(tmp_path / "b", None))) as address:
        assert "is a copy of the board board.example/test" in verifier(address, TOY, "--cache", cache, code=2).stderr
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before


def test_an_interrupted_copy_is_mended(election: SampleElection, tmp_path: Path) -> None:
    folder, cache = fill_board(tmp_path / "board", election.board.entries), tmp_path / "cache"
    with serving(create_board_app(FolderService(folder, None))) as address:
        verifier(address, TOY, "--cache", cache, code=0)
        whole = {path.name: path.read_bytes() for path in cache.iterdir()}
        with (cache / "headers.jsonl").open("ab") as file:
            file.write(b"half a li")
        with (cache / "bodies.jsonl").open("ab") as file:
            file.write(b"{}\n{}")
        verifier(address, TOY, "--cache", cache, code=0)
        assert {path.name: path.read_bytes() for path in cache.iterdir()} == whole
        (cache / "hints.jsonl").write_bytes(b"\n")
        assert "the copy is damaged" in verifier(address, TOY, "--cache", cache, code=3).stderr
        (cache / "checkpoint").unlink()
        verifier(address, TOY, "--cache", cache, code=0)
        assert {path.name: path.read_bytes() for path in cache.iterdir()} == whole
        (cache / "letter.txt").write_text("mine")
        assert "holds other files" in verifier(address, TOY, "--cache", cache, code=2).stderr


def test_a_state_that_is_none_is_refused(address: Address, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for data in (b"", b"{}", b"\xff", b'{"checkpoint":"x","election":null,"manifest":"","version":1}'):
        state.write_bytes(data)
        assert verifier(address, TOY, "--state", state).exit_code in (2, 3)
        assert state.read_bytes() == data


def status_of(report: dict[str, Any], number: str) -> str:
    return next(str(check["status"]) for check in report["checks"] if check["id"] == number)


# -- trustees ----------------------------------------------------------------------------------------------------------


def test_a_ceremony_and_a_decryption_over_the_web(tmp_path: Path) -> None:
    office = TrusteeOffice(tmp_path, trustees=3, threshold=2)
    (office.folder / "keys" / "board.key").unlink()  # nobody but the server has the board's key
    with serving(create_board_app(ElectionService(office.folder / "board"))) as address:
        for round_number in range(4):
            for index in (1, 2, 3):
                more = ["--index", str(index)] if round_number == 0 else []
                if index == 2:  # one of them has no network
                    message = tmp_path / f"message-{round_number}.json"
                    office.step(index, *more, "--out", message, source=address)
                    done = office.run("submit", address, message, TOY)
                else:
                    done = office.step(index, *more, source=address)
                assert "is on the board, and was read back" in done.stdout
        assert "Waiting for the administrator to open" in office.run("status", address, TOY).stdout
        office.vote((ADA, GRACE))
        office.tally()
        for index in (1, 3):
            done = office.decrypt(index, source=address)
            assert "was read back" in done.stdout
        assert office.result() == (1, 1, 0)
        assert f"`urne-trustee step {address} --key" not in done.stdout
        assert "VERIFIED" in verifier(address, TOY, code=0).stdout


def test_what_the_rules_refuse_is_told_as_at_home(tmp_path: Path) -> None:
    office = TrusteeOffice(tmp_path, trustees=3, threshold=2)
    with serving(create_board_app(ElectionService(office.folder / "board"))) as address:
        message = tmp_path / "message.json"
        office.step(1, "--index", "1", "--out", message, source=address)
        office.run("submit", address, message, TOY)
        office.run("submit", address, message, TOY)
        (office.key(1).with_name("1.key.seen")).unlink(missing_ok=True)
        other = tmp_path / "other.json"
        data = json.loads(message.read_bytes())
        data["body"] = data["body"].replace('"attempt":1', '"attempt":2')
        other.write_bytes(encode(data))
        assert "check 0" in office.run("submit", address, other, TOY, code=1).stderr


# -- voters ------------------------------------------------------------------------------------------------------------


class Site:
    """An open election behind a small voting site with a second factor by mail."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder)
        self.office.new()
        self.office.ceremony()
        self.codes = self.office.give_codes()
        self.office.run("open")
        self.service = ElectionService(self.office.folder / "board", read_signing_key(self.office.folder, "board"))
        self.factor = "none"
        self.is_site = True
        self.manifest = self.office.record().require_manifest()
        self.asked: list[str] = []
        self.app = Flask(__name__)
        self.app.register_blueprint(board_api(lambda _name: self.service), url_prefix="/e/<name>/log")
        self.app.before_request(lambda: self.asked.append(request.path))
        self.app.get("/e/<name>/booth.json")(self.booth_json)
        self.app.get("/e/<name>/credentials/<prefix>")(self.credentials)
        self.app.post("/e/<name>/factor/request")(self.factor_request)
        self.app.post("/e/<name>/factor/confirm")(self.factor_confirm)

    def booth_json(self, name: str) -> Response:
        if not self.is_site:
            return Response(status=404)
        return Response(encode({"name": name, "now": "2026-11-24T10:00:00.000Z", "factor": self.factor, "prefix": 2}))

    def credentials(self, name: str, prefix: str) -> Response:
        record = self.office.record()
        return Response(
            encode(
                {
                    "credentials": [
                        {"key": key, "voted": key in record.last_ballot, "weight": weight}
                        for key, weight in record.credentials.items()
                        if key.startswith(prefix)
                    ]
                }
            )
        )

    def factor_request(self, name: str) -> Response:
        asked = msgspec.json.decode(request.get_data())
        key = VerifyKey.decode(from_base64(asked["credential"], 32, what="credential"), what="credential")
        signed = frame(b"urne-v1-factor", bytes.fromhex(self.manifest.hash), asked["time"].encode())
        key.verify(signed, from_base64(asked["signature"], 64, what="signature"), what="signature")
        return Response(encode({"hint": "a•••@example.org\x1b"}))

    def factor_confirm(self, name: str) -> Response:
        given = msgspec.json.decode(request.get_data())
        key = VerifyKey.decode(from_base64(given["credential"], 32, what="credential"), what="credential")
        signed = frame(b"urne-v1-factor-confirm", bytes.fromhex(self.manifest.hash), given["code"].encode())
        key.verify(signed, from_base64(given["signature"], 64, what="signature"), what="signature")
        if given["code"] != "123456":
            error = {"check": "", "code": "token", "message": "is not the code", "remedy": "", "where": "the code"}
            return Response(encode({"error": error}), status=403)
        return Response(encode({"token": "token-7"}))

    def vote(self, address: Address, code: str, *answers: str, exit_code: int = 0) -> Result:
        receipt = self.office.home / f"receipt-{len(list(self.office.home.glob('receipt-*')))}.json"
        lines = "\n".join([code, *answers]) + "\n"
        return self.office.urne("vote", f"{address}/e/club", "--receipt", receipt, TOY, answers=lines, code=exit_code)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    return Site(tmp_path)


def test_voting_over_the_web(site: Site) -> None:
    with serving(site.app) as address:
        cast = site.vote(address, site.codes["ada"], "2", "1 2=3", "cast")
        assert "Your vote is on the board. Your tracker:" in cast.stdout
        assert "You have voted before" not in cast.stdout
        bodies = [path for path in site.asked if path.endswith("/bodies")]
        assert site.codes["ada"] not in " ".join(site.asked)
        assert len(bodies) == 1
        receipt = site.office.home / "receipt-0.json"
        assert verifier("receipt", receipt, "--record", f"{address}/e/club", TOY).exit_code == 0
        again = site.vote(address, site.codes["ada"], "1", "3", "cast")
        assert "You have voted before." in again.stdout
        foreign = site.vote(address, "x", "y", "z", exit_code=3)
        assert "on the board" not in foreign.stdout
        site.is_site = False
        assert "Your vote is on the board." in site.vote(address, site.codes["bob"], "1", "3", "cast").stdout
        site.office.run("close", "--yes")
        assert "the voting is closed" in site.vote(address, site.codes["cleo"], exit_code=2).stderr
    assert site.service.tokens == [None] * 3


def test_a_second_factor_is_asked_for(site: Site) -> None:
    site.factor = "mail"
    with serving(site.app) as address:
        cast = site.vote(address, site.codes["ada"], "2", "1 2=3", "cast", "123456")
        assert "The code that was mailed to a•••@example.org?" in cast.output
        assert "Your vote is on the board." in cast.stdout
        assert site.service.tokens == ["token-7"]
        assert "token-7" not in cast.output
        again = site.vote(address, site.codes["cleo"], "2", "", "cast", "000000", " 123456 ")
        assert "Your vote is on the board." in again.stdout
        assert "is not the code" in again.stderr
        wrong = site.vote(address, site.codes["bob"], "2", "", "cast", *["000000"] * 3, exit_code=1)
        assert "is not the code" in wrong.stderr
        assert "on the board." not in wrong.stdout
        site.factor = "palm"
        assert "vote in the browser" in site.vote(address, site.codes["bob"], "2", "", "cast", exit_code=3).stderr
    assert site.service.tokens == ["token-7", "token-7"]


def test_a_vote_that_comes_too_late_is_told_in_words(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from voting.commands import vote as vote_command

    original = vote_command._prepare

    def slow_voter(*arguments: Any, **options: Any) -> Any:
        ballot = original(*arguments, **options)
        site.office.run("close", "--yes")
        return ballot

    monkeypatch.setattr(vote_command, "_prepare", slow_voter)
    with serving(site.app) as address:
        late = site.vote(address, site.codes["ada"], "1", "", "cast", exit_code=2)
    assert "the voting is closed" in late.stderr
    assert not list(site.office.home.glob("receipt-*"))


def test_an_opening_made_elsewhere_is_checked(site: Site) -> None:
    with serving(site.app) as address:
        tested = site.vote(address, site.codes["ada"], "2", "", "test", "quit", exit_code=4)
        lock = tested.stdout.split("Lock number: ")[1].split()[0]
        opening = next(site.office.home.glob("opening-*.json"))
        assert lock in verifier("opening", opening, f"{address}/e/club", TOY, code=0).stdout


# -- the booth's files -------------------------------------------------------------------------------------------------


def served_booth(tmp_path: Path, files: dict[str, bytes], named: dict[str, bytes]) -> Flask:
    """A site that serves `files`, for an election that was opened with `named`."""
    election = sample_election(until="listed")
    booth = [BoothFile(path=path, sha256=sha256(data)) for path, data in sorted(named.items())]
    entry = open_election(election.record, ADMINISTRATOR, LAST_TIME, booth=booth)
    election.board.append(entry.entry_type, entry.body)
    folder = fill_board(tmp_path / f"board-{len(list(tmp_path.iterdir()))}", election.board.entries)
    app = Flask(__name__)
    app.register_blueprint(board_api(lambda _name: FolderService(folder, None)), url_prefix="/e/<name>/log")
    pages = {"e/club/vote": "booth/vote.html", "e/club/test": "booth/test.html", "e/club/trustee": "booth/trustee.html"}

    def serve(path: str) -> Response:
        data = files.get(path, files.get(pages.get(path, "")))
        return Response(status=404) if data is None else Response(data, content_type="text/plain")

    app.get("/<path:path>")(serve)
    return app


def test_the_booth_is_compared_with_the_opening(tmp_path: Path) -> None:
    files = {"booth/vote.html": b"<p>", "booth/js/core/group.js": b"js", "booth/test.html": b"<b>"}
    with serving(served_booth(tmp_path, files, files)) as address:
        shown = verifier("booth", f"{address}/e/club", TOY, code=0).stdout
        assert "All 5 addresses" in shown
    with serving(served_booth(tmp_path, {**files, "booth/js/core/group.js": b"evil"}, files)) as address:
        shown = verifier("booth", f"{address}/e/club/vote", TOY, code=1).stdout
        assert f"{address}/booth/js/core/group.js: has other bytes" in shown
        assert "1 of 5 addresses" in shown
        data = json.loads(verifier("booth", f"{address}/e/club", TOY, "--json", code=1).stdout)
        assert data["differences"][0]["path"] == "booth/js/core/group.js"
        assert data["differences"][0]["found"] == sha256(b"evil")
    with serving(served_booth(tmp_path, {**files, "e/club/vote": b"evil"}, files)) as address:
        assert "/e/club/vote: has other bytes" in verifier("booth", f"{address}/e/club", TOY, code=1).stdout
    with serving(served_booth(tmp_path, {"booth/vote.html": b"<p>"}, files)) as address:
        assert "3 of 5 addresses" in verifier("booth", f"{address}/e/club", TOY, code=1).stdout
    with serving(served_booth(tmp_path, files, {})) as address:
        assert "names no files of a booth" in verifier("booth", f"{address}/e/club", TOY, code=3).stderr
    assert "cannot be reached" in verifier("booth", f"{address}/e/club", TOY, code=3).stderr
    assert "is no web address" in verifier("booth", "record.zip", TOY, code=2).stderr
