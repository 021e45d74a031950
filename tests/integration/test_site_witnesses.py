"""An election on a site whose board has three witnesses: one hangs, two are dead, and come back; what the pages say."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from bulletin_board import cosigning, last_seen
from bulletin_board.cosigning import Cosigner
from bulletin_board.errors import OutlivedError
from bulletin_board.export import export_record
from bulletin_board.log import Submission
from bulletin_board.server import board_api
from bulletin_board.witness_settings import WITNESSES, format_witness_settings, read_witness_settings
from tests.simulators.admin import AdminSite, sound_draft, wait_for
from tests.simulators.hosted import HostedSimulator
from tests.simulators.witnesses import SimulatedWitness, lying_witness, new_http, witness_at, write_settings
from voting import site as site_package
from voting.admin.drafts import Draft, DraftWitness, draft_hash, parse_draft
from voting.booth.pages import public_blueprint
from voting.booth.vote_pages import vote_blueprint
from voting.election.ballots import BALLOT, EncryptedBallot
from voting.election.steps import give_notice
from voting.election_folder import board_folder
from voting.protocol.methods.choose import Choose, ChooseSelection
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file, write_receipt_file
from voting.protocol.tlog.witnesses import verify_quorum
from voting.protocol.tracker import tracker
from voting.site import elections
from voting.site.elections import HostedElection
from voting.site.settings import Settings
from voting.site.web import csrf, limiter, prepare
from voting.site.witness_view import quorum_problems
from voting.verifier.cli import main

QUESTION = Choose(title={"en": "Who?"}, options=({"en": "Ada"}, {"en": "Bob"}), blank=True)
NAMES = ("w1.example", "w2.example", "w3.example")


class Down:
    """Breaks witnesses: dead ones refuse at once, a hanging one is released by `mend`."""

    def __init__(self, witnesses: list[SimulatedWitness]) -> None:
        self.witnesses = witnesses
        self._released = threading.Event()

    def dead(self, index: int) -> None:
        def refuse() -> None:
            raise httpx.ConnectError("no answer")

        self.witnesses[index].before = refuse

    def hang(self, index: int) -> None:
        def wait() -> None:
            self._released.wait(30)

        self.witnesses[index].before = wait

    def mend(self) -> None:
        for witness in self.witnesses:
            witness.before = lambda: None
        self._released.set()


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[list[SimulatedWitness]]:
    with ExitStack() as stack:
        yield [stack.enter_context(witness_at(tmp_path / name, name, [])) for name in NAMES]


@pytest.fixture
def down(witnesses: list[SimulatedWitness]) -> Iterator[Down]:
    made = Down(witnesses)
    yield made
    made.mend()


@pytest.fixture
def club(
    tmp_path: Path, witnesses: list[SimulatedWitness], down: Down, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostedSimulator]:
    """A club election; its board publishes nothing without two of the three."""

    def start(folder: Path) -> Cosigner | None:
        cosigner = Cosigner(folder, read_witness_settings(folder), new_http=new_http(witnesses))
        cosigner.start()
        return cosigner

    monkeypatch.setattr(elections, "start_cosigner", start)
    ask = partial(last_seen.seen_elsewhere, new_http=new_http(witnesses))
    monkeypatch.setattr(elections, "seen_elsewhere", ask)
    monkeypatch.setattr(elections, "QUORUM_SECONDS", 1.5)
    monkeypatch.setattr(cosigning, "SECONDS_BETWEEN_ROUNDS", 0.02)
    monkeypatch.setattr(cosigning, "SECONDS_BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr(cosigning, "LONGEST_REST", 0.3)
    vkeys = tuple(witness.key.vkey for witness in witnesses)
    made = HostedSimulator(
        tmp_path, [QUESTION], manifest_of=lambda m: msgspec.structs.replace(m, witnesses=vkeys, quorum=2)
    )
    write_settings(board_folder(made.hosted.folder), witnesses, 2)
    log = parse_vkey(made.manifest.board)
    for witness in witnesses:
        assert witness.witness is not None
        witness.witness._logs = lambda: {log.name: (log,)}
    yield made
    down.mend()
    made.close()


@pytest.fixture
def client(club: HostedSimulator, tmp_path: Path) -> FlaskClient:
    app = Flask("urne-test", template_folder=str(Path(site_package.__file__).parent / "templates"))
    prepare(app, Settings(tmp_path, "http://localhost"), b"k" * 32)
    api = board_api(club.elections.get)
    csrf.exempt(api)
    limiter.enabled = False
    app.register_blueprint(api, url_prefix="/e/<name>/log")
    app.register_blueprint(vote_blueprint(club.elections))
    app.register_blueprint(public_blueprint(club.elections, tmp_path / "cache"))
    return app.test_client()


def ready(club: HostedSimulator) -> list[str]:
    """The ceremony is done, codes are given, voting is open, all of it is published."""
    club.run_ceremony()
    codes = club.give_codes([1, 1, 1])
    club.open()
    assert club.hosted.settle(10)
    return codes


def post(client: FlaskClient, ballot: EncryptedBallot) -> Any:
    content = b'{"attachment":%b,"body":%b,"type":"%b"}' % (ballot.hints, ballot.body, BALLOT.encode())
    return client.post("/e/club/log/entries", data=content, content_type="application/json")


def require_receipt(club: HostedSimulator, data: bytes, seq: int) -> None:
    receipt = read_receipt_file(data)
    board = parse_vkey(club.manifest.board)
    header, _checkpoint = check_receipt(receipt, board)
    assert header.seq == seq
    verify_quorum(parse_receipt(receipt.proof.encode()).checkpoint, club.manifest.witness_policy(), board=board)


def test_a_receipt_comes_with_its_quorum(club: HostedSimulator, client: FlaskClient, down: Down) -> None:
    ada, bob, _cyd = ready(club)
    answer = post(client, club.encrypt(ada, [ChooseSelection((0,))]))
    assert answer.status_code == 201, answer.text
    seq = read_seq(answer.data)
    require_receipt(club, answer.data, seq)

    # One hangs: the other two are enough, and nobody waits for it.
    down.hang(0)
    started = time.monotonic()
    answer = post(client, club.encrypt(bob, [ChooseSelection((1,))]))
    assert answer.status_code == 201, answer.text
    assert time.monotonic() - started < 1.4
    require_receipt(club, answer.data, seq + 1)


def read_seq(data: bytes) -> int:
    return int(msgspec.json.decode(read_receipt_file(data).header)["seq"])


def test_without_the_quorum_it_is_kept_and_said_so(club: HostedSimulator, client: FlaskClient, down: Down) -> None:
    ada, *_ = ready(club)
    published = len_of(club)
    down.hang(0)
    down.dead(1)
    down.dead(2)
    ballot = club.encrypt(ada, [ChooseSelection((0,))])
    for _ in range(2):
        answer = post(client, ballot)
        assert answer.status_code == 503
        assert answer.json["error"]["code"] == "quorum"
        assert int(answer.headers["Retry-After"]) > 0
    assert club.hosted.look(lambda record: len(record.ballots)) == 1, "kept, and only once"
    assert len_of(club) == published
    log = "/e/club/log"
    assert client.get(f"{log}/checkpoint").data.split(b"\n")[1] == str(published).encode()
    for part in ("header", "body", "receipt"):
        assert client.get(f"{log}/entries/{published}/{part}").status_code == 503
    assert client.get(f"{log}/headers?start={published}").status_code == 404

    # Every page still answers; the look-up says that the vote is waiting, not that it is lost.
    looked_up = client.get(f"/e/club/check?tracker={tracker(ballot.hash)}")
    assert looked_up.status_code == 200
    assert "witnesses have not signed it yet" in looked_up.text
    assert "Not found" not in looked_up.text
    for page in ("", "/board", "/keys", "/verify", "/booth.json", "/record.zip"):
        with client.get(f"/e/club{page}") as answer:
            assert answer.status_code == 200, page
    assert client.get(f"/e/club/board/{published}").status_code == 503

    down.mend()
    assert club.hosted.settle(10)
    answer = post(client, ballot)
    assert answer.status_code == 200
    require_receipt(club, answer.data, published)
    looked_up = client.get(f"/e/club/check?tracker={tracker(ballot.hash)}")
    assert sum(name in looked_up.text for name in NAMES) >= 2
    assert "2 of its 3 witnesses are needed" in looked_up.text


def len_of(club: HostedSimulator) -> int:
    with club.hosted.reader() as board:
        return len(board)


def test_an_opening_that_is_not_signed_yet(club: HostedSimulator, client: FlaskClient, down: Down) -> None:
    def data() -> dict[str, Any]:
        answer = client.get("/e/club/booth.json")
        assert answer.status_code == 200
        found: dict[str, Any] = msgspec.json.decode(answer.data)
        return found

    for index in range(3):
        down.dead(index)
    assert data()["waiting"]
    assert data()["defined"] is None
    down.mend()
    club.run_ceremony()
    club.give_codes([1])
    assert club.hosted.settle(10)
    before = data()
    assert not before["waiting"]
    assert before["opened"] is None
    for index in range(3):
        down.dead(index)
    club.open()
    found = data()
    assert found["waiting"]
    assert (found["phase"], found["opened"]) == ("open", None)
    assert found["defined"] is not None
    assert client.get("/e/club").status_code == 200
    assert client.get("/").status_code == 200
    down.mend()
    assert club.hosted.settle(10)
    assert data()["opened"] is not None


def test_nothing_is_published_yet(club: HostedSimulator, client: FlaskClient, down: Down) -> None:
    for index in range(3):
        down.dead(index)
    club.run_ceremony()
    assert len_of(club) == 0
    statuses = {}
    for page in ("/", "/e/club", "/e/club/board", "/e/club/keys", "/e/club/verify", "/e/club/check", "/e/club/results"):
        statuses[page] = client.get(page).status_code
    assert set(statuses.values()) == {200}, statuses
    assert "club" in client.get("/").text
    assert client.get("/e/club/board/0").status_code == 503
    with client.get("/e/club/record.zip") as answer:
        assert answer.status_code in {200, 503}


def test_a_whole_election(club: HostedSimulator, client: FlaskClient) -> None:
    ada, bob, _ = ready(club)
    club.vote(ada, [ChooseSelection((0,))])
    club.vote(bob, [ChooseSelection((0,))])
    club.finish()
    assert club.hosted.settle(10)
    assert client.get("/e/club/results").status_code == 200
    with client.get("/e/club/record.zip") as answer:
        assert answer.status_code == 200


def test_many_who_wait_do_not_take_all_threads(
    club: HostedSimulator, client: FlaskClient, down: Down, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = ready(club)
    monkeypatch.setattr(club.hosted, "_awaiting", threading.BoundedSemaphore(1))
    down.hang(0)
    down.hang(1)
    ballots = [club.encrypt(code, [ChooseSelection((0,))]) for code in codes]
    times: list[float] = []

    def send(ballot: EncryptedBallot) -> None:
        started = time.monotonic()
        club.hosted.submit(Submission(BALLOT, ballot.body, ballot.hints))
        times.append(time.monotonic() - started)

    threads = [threading.Thread(target=send, args=(ballot,)) for ballot in ballots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(times)[1] < 1.0 < max(times)


def test_urne_verify_says_whether_the_quorum_signed(club: HostedSimulator, client: FlaskClient, tmp_path: Path) -> None:
    ada, *_ = ready(club)
    answer = post(client, club.encrypt(ada, [ChooseSelection((0,))]))
    assert club.hosted.settle(10)
    (tmp_path / "receipt.json").write_bytes(answer.data)
    file = read_receipt_file(answer.data)
    alone = file.proof[: file.proof.index("\u2014 w")]
    (tmp_path / "alone.json").write_bytes(write_receipt_file(file.header.encode(), alone.encode()))
    with club.hosted.reader() as board:
        export_record(board, tmp_path / "record")

    def receipt(name: str, *options: str) -> str:
        words = ["receipt", str(tmp_path / name), "--record", str(tmp_path / "record"), "--allow-toy-group", *options]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "The quorum of witnesses has signed it, too: w1.example" in receipt("receipt.json")
    assert "The quorum of witnesses is missing: signed by nobody, and 2 of 3 are needed" in receipt("alone.json")
    told = msgspec.json.decode(receipt("alone.json", "--json"))["witnesses"]
    assert told == {"named": 3, "quorum": 2, "reached": False, "signed": []}


# -- administration ----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[AdminSite]:
    made = AdminSite(tmp_path / "site")
    yield made
    made.close()


def typed(keys: list[str]) -> dict[str, str]:
    fields = {f"witnesses[{number}]": key for number, key in enumerate(keys, start=1)}
    return fields | {f"witnesses[{number}].url": f"https://w{number}.example" for number in range(1, len(keys) + 1)}


def draft_of(desk: AdminSite) -> Draft:
    row = desk.services.site.get("club")
    assert row is not None
    return parse_draft(row.draft)


def test_from_the_draft_to_the_board(desk: AdminSite) -> None:
    browser = desk.browser()
    desk.add_draft("club", sound_draft())
    before = draft_hash(draft_of(desk))
    keys = [lying_witness(name).key.vkey for name in NAMES]
    page = browser.get("/admin/e/club/witnesses")
    for _number in range(3):
        page = page.form("Add a witness").press("Add a witness")
    page = page.form("Save").type({**typed(keys), "quorum": "1"}).press("Save")
    assert page.path == "/admin/e/club/witnesses?checked=1"
    assert "two halves could sign two different boards" in page.text
    assert "Witnesses: 1 thing is missing or wrong." in browser.get("/admin/e/club/").text
    page = page.form("Save").type({"quorum": "2", "witnesses[2].url": "nowhere"}).press("Save")
    assert "quorum" in page.text
    assert browser.get("/admin/e/club/").text.count("1 thing is missing or wrong") == 1
    page = browser.get("/admin/e/club/witnesses").form("Save").type(typed(keys)).press("Save")
    assert page.path == "/admin/e/club/", page.text
    assert "2 of 3 must sign the board" in page.text
    assert draft_hash(draft_of(desk)) != before
    understood = browser.get("/admin/e/club/witnesses").text
    assert "No single witness may lie." in understood
    assert "1 may be out of reach" in understood

    # A draft as a file keeps them, with their addresses; a file without addresses does not take them away.
    exported = browser.get("/admin/e/club/draft.json").data.decode()
    desk.add_draft("copy", sound_draft())
    for source in (exported, exported.replace('"url": "https://w1.example"', '"url": ""')):
        page = browser.get("/admin/e/copy/source").form("Replace the draft").fill(source=source).press("Replace")
        row = desk.services.site.get("copy")
        assert row is not None
        assert parse_draft(row.draft).witnesses == draft_of(desk).witnesses

    # The rehearsal goes without witnesses; the frozen board asks them.
    page = browser.get("/admin/e/club/rehearsal").form("Start").fill(voters="2").press("Start")
    page = wait_for(desk, "rehearse club", page)
    assert "NOT VERIFIED" not in page.text
    assert "VERIFIED" in page.text
    page = browser.get("/admin/e/club/freeze")
    assert keys[0] in page.text
    page = page.form("Freeze").fill(confirm="club").press("Freeze")
    hosted = desk.services.elections.get("club")
    assert hosted.look(lambda record: record.require_manifest().witnesses) == tuple(keys)
    settings = read_witness_settings(board_folder(hosted.folder))
    assert (settings.quorum, [str(place.url) for place in settings.witnesses]) == (2, [f"https://{n}" for n in NAMES])


def test_the_page_of_a_board(desk: AdminSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witnesses = [lying_witness(name) for name in NAMES]

    def start(folder: Path) -> Cosigner:
        cosigner = Cosigner(folder, read_witness_settings(folder), new_http=new_http(witnesses))
        cosigner.start()
        return cosigner

    monkeypatch.setattr(elections, "start_cosigner", start)
    ask = partial(last_seen.seen_elsewhere, new_http=new_http(witnesses))
    monkeypatch.setattr(elections, "seen_elsewhere", ask)
    rows = tuple(DraftWitness(vkey=each.key.vkey, url=f"http://{each.name}") for each in witnesses)
    draft = sound_draft(witnesses=rows)
    services = desk.services
    desk.add_draft("club", draft)
    maker = HostedSimulator(
        tmp_path,
        [QUESTION],
        elections=services.elections,
        manifest_of=lambda m: msgspec.structs.replace(m, witnesses=tuple(row.vkey for row in rows), quorum=2),
    )
    write_settings(board_folder(maker.hosted.folder), witnesses, 2)
    browser = desk.browser()
    assert browser.get("/admin/e/club/").status == 200
    assert maker.hosted.settle(10)
    page = browser.get("/admin/e/club/")
    assert "have signed everything" in page.text
    assert "signed last on" in page.text
    assert "needed: 2" not in page.text

    def refuse() -> None:
        raise httpx.ConnectError("no answer")

    for witness in witnesses[1:]:
        witness.before = refuse
    maker.hosted.act(lambda record, key, now: give_notice(record, key, "Hello", now))
    assert not maker.hosted.settle(1)
    page = browser.get("/admin/e/club/")
    assert "Witnesses that sign the board: 1, needed: 2." in page.text
    page = browser.get("/admin/e/club/witnesses")
    assert "has not signed" in page.text
    assert maker.manifest.board in page.text
    assert "1 of 2 entries are published" in page.text
    assert [problem.where for problem in quorum_problems(maker.hosted)] == ["witnesses"], "nor does it open by itself"
    assert "Hello" in browser.get("/admin/e/club/acts").text

    # Two of them moved. What is typed wrong changes nothing.
    page = browser.get("/admin/e/club/witnesses")
    page = page.form("Save the addresses").type({"witnesses[2].url": "nowhere"}).press("Save the addresses")
    assert page.status == 400
    assert "w2.example" in page.text
    empty = {"witnesses[2].url": "", "witnesses[3].url": ""}
    page = page.form("Save the addresses").type(empty).press("Save the addresses")
    assert "fewer witnesses would be asked than must sign" in page.text
    settings = read_witness_settings(board_folder(maker.hosted.folder))
    assert [str(place.url) for place in settings.witnesses] == [row.url for row in rows]
    moved = lying_witness("w2.example")
    moved.name = "moved.example"
    witnesses.append(moved)
    typed_now = {"witnesses[2].url": "http://moved.example", "witnesses[3].url": ""}
    page = page.form("Save the addresses").type(typed_now).press("Save the addresses")
    assert "The witnesses are asked there from now on." in page.text
    assert "is not asked" in page.text
    assert maker.hosted.settle(10)
    assert "2 of 2 entries are published" in browser.get("/admin/e/club/witnesses").text


def test_a_board_that_its_witnesses_have_outlived_is_not_written_to(
    club: HostedSimulator, witnesses: list[SimulatedWitness], down: Down
) -> None:
    """Fault 7 on a site: an old copy of the folder comes back; silent witnesses alone hold nothing up."""
    ready(club)
    hosted = club.hosted
    hosted.close()
    old = hosted.folder.with_name("old")
    shutil.copytree(hosted.folder, old)
    hosted.act(lambda record, key, now: give_notice(record, key, "Hello", now))
    assert hosted.settle(10)
    hosted.close()
    shutil.rmtree(hosted.folder)
    old.rename(hosted.folder)
    back = HostedElection("club", hosted.folder, allow_toy=True)
    with pytest.raises(OutlivedError, match=r"the witness w\d.example has seen"):
        back.act(lambda record, key, now: give_notice(record, key, "Hello again", now))
    back.close()
    for index in range(3):
        down.dead(index)
    unasked = HostedElection("club", hosted.folder, allow_toy=True)
    unasked.act(lambda record, key, now: give_notice(record, key, "Hello again", now))
    unasked.close()


def test_settings_that_are_written_are_read(tmp_path: Path) -> None:
    odd = [lying_witness(name) for name in ("w1.example", 'quo"te', "back\\slash", "é")]
    write_settings(tmp_path, odd[:1], 1)
    settings = read_witness_settings(tmp_path)
    (tmp_path / WITNESSES).write_bytes(format_witness_settings(settings))
    assert read_witness_settings(tmp_path) == settings
    url = settings.witnesses[0].url
    more = settings._replace(witnesses=tuple(settings.witnesses[0]._replace(key=each.key, url=url) for each in odd))
    (tmp_path / WITNESSES).write_bytes(format_witness_settings(more._replace(quorum=3)))
    assert read_witness_settings(tmp_path) == more._replace(quorum=3)
