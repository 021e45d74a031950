"""The pages of voters and observers, asked as a browser without JavaScript would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bulletin_board.reader import BoardReader
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.posted import PublicSiteSimulator, shown, simulated
from tests.simulators.record import sample_election
from voting.booth.board_pages import PAGE_SIZE
from voting.booth.overview import phase_after
from voting.election.phases import ALLOWED, Phase
from voting.election.steps import cancel_election, extend_election, give_notice
from voting.protocol.manifest import Schedule
from voting.protocol.tracker import lock_number, tracker
from voting.translations import set_language
from voting.verifier.cli import main as verify
from voting.verifier.receipt import check_receipt, read_receipt_file

SCHEDULE = Schedule(opens="2026-11-24T08:00:00.000Z", closes="2026-12-01T17:00:00.000Z")
PAGES = ("", "/check", "/results", "/board", "/board/0", "/keys", "/verify")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


class Club:
    """A site with elections in every phase; "open" has a replaced ballot."""

    def __init__(self, folder: Path) -> None:
        self.site = PublicSiteSimulator(folder, time_zone="Europe/Paris", contact="site@example.org")
        self.open = sample_election(until="voting", lenient=True, seed=1)
        self.site.host("defined", sample_election(until="defined", seed=2))
        self.site.host("ceremony", sample_election(until="ceremony", seed=3))
        self.site.host("open", self.open)
        self.site.host("closed", sample_election(until="closed", lenient=True, seed=4))
        self.site.host("shared", sample_election(until="shared", lenient=True, seed=5))
        self.site.host("published", sample_election(lenient=True, seed=6))
        cancelled = sample_election(until="voting", lenient=True, seed=7)
        reason = "The list was <wrong>."
        cancelled.board.append(*cancel_election(cancelled.record, ADMINISTRATOR, reason, cancelled.now()))
        self.site.host("cancelled", cancelled)
        self.client = self.site.app.test_client()

    def trackers(self) -> list[str]:
        return [tracker(reference.hash) for reference in self.open.record.ballots]


@pytest.fixture(scope="module")
def club_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    made = Club(tmp_path_factory.mktemp("public"))
    with made.site:
        yield made


@pytest.fixture
def client(club_site: Club) -> FlaskClient:
    return club_site.client


# -- all pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["defined", "ceremony", "open", "closed", "shared", "published", "cancelled"])
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_in_every_phase(client: FlaskClient, name: str, page: str, language: str) -> None:
    answer = client.get(f"/e/{name}{page}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert "style=" not in answer.text
    assert "<script>" not in answer.text
    assert "help@example.org" in answer.text, "the help contact is on every page"
    assert answer.text.count("<h1") == 1
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_every_page_bears_the_fingerprint_and_the_same_help(club_site: Club) -> None:
    grouped = re.sub(r"(.{8})(?=.)", r"\1 ", club_site.open.manifest.hash)
    for page in PAGES:
        text = shown(club_site.client, f"/e/open{page}")
        assert grouped in text
        assert text.rindex("Help: help@example.org") > len(text) - 600


@pytest.mark.parametrize(
    "path",
    [
        "/e/nothing",
        "/e/nothing/board",
        "/e/open/board/999",
        "/e/open/nothing",
        "/e/..%2f",
        "/e/open/board/-1",
        "/e/open/results.csv",
        "/e/open/results.json",
    ],
)
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


# -- the list of elections ---------------------------------------------------------------------------------------------


def test_the_list_of_elections_says_how_each_stands(client: FlaskClient) -> None:
    page = client.get("/").text
    places = [page.index(f'href="/e/{name}"') for name in ("open", "ceremony", "shared", "published", "cancelled")]
    assert places == sorted(places), "open ones come first, ended ones last"
    text = shown(client, "/")
    for words in ("Voting is open", "In preparation", "the result is to come", "The result is published", "Cancelled"):
        assert words in text


def test_a_board_that_cannot_be_read_does_not_stop_the_list(tmp_path: Path) -> None:
    with PublicSiteSimulator(tmp_path) as site:
        hosted = site.host("good", sample_election(until="defined"))
        site.host("bad", sample_election(until="defined", seed=1))
        (hosted.folder.parent / "bad" / "board" / "board.db").write_bytes(b"damaged")
        text = site.app.test_client().get("/").text
        assert "/e/good" in text
        assert "/e/bad" not in text


def test_no_election_at_all(tmp_path: Path) -> None:
    with PublicSiteSimulator(tmp_path) as site:
        assert "no election here yet" in shown(site.app.test_client(), "/")


def test_the_newest_entry_tells_the_phase() -> None:
    for entry_type, allowed in ALLOWED.items():
        phase = phase_after(entry_type)
        if entry_type == "election.notice":
            assert phase is None
        else:
            assert isinstance(phase, Phase), entry_type
            assert phase is not Phase.EMPTY
            assert len(allowed) == 1 or entry_type in ("election.cancelled",)


def test_many_notices_hide_no_phase(tmp_path: Path) -> None:
    simulator = sample_election(until="open")
    for number in range(70):
        entry = give_notice(simulator.record, ADMINISTRATOR, f"Notice {number}", simulator.now())
        simulator.board.append(*entry)
    with PublicSiteSimulator(tmp_path) as site:
        site.host("talkative", simulator)
        assert "Voting is open" in shown(site.app.test_client(), "/")


# -- the page of an election -------------------------------------------------------------------------------------------


def test_an_open_election(club_site: Club) -> None:
    page = club_site.client.get("/e/open").text
    assert page.count('class="button primary"') == 1
    assert 'class="button primary" href="/e/open/vote"' in page
    text = shown(club_site.client, "/e/open")
    assert "3 of 3 have voted (100.0%)" in text
    assert "by weight: 8 of 8" in text
    assert "only your last vote counts" in text
    assert "Chair?" in text
    assert "Choose at most 1 of the options. A blank vote is possible." in text


def test_times_have_the_zone_of_the_site_and_utc(tmp_path: Path) -> None:
    simulator = simulated(schedule=SCHEDULE)
    simulator.run_ceremony()
    simulator.give_credentials([1])
    simulator.open()
    with PublicSiteSimulator(tmp_path, time_zone="Europe/Paris") as site:
        site.host("club", simulator)
        client = site.app.test_client()
        assert "Tuesday 1 December 2026 at 18:00 Paris time (17:00 UTC)" in shown(client, "/e/club")
        assert "mardi 1 décembre 2026" in shown(client, "/e/club?lang=fr")


def test_an_extension_moves_the_end(tmp_path: Path) -> None:
    simulator = simulated(schedule=SCHEDULE)
    simulator.run_ceremony()
    simulator.give_credentials([1])
    simulator.open()
    later = "2026-12-02T17:00:00.000Z"
    simulator.board.append(*extend_election(simulator.record, ADMINISTRATOR, later, simulator.now()))
    with PublicSiteSimulator(tmp_path) as site:
        site.host("club", simulator)
        for path in ("/", "/e/club", "/e/club/results"):
            assert "Wednesday 2 December 2026 at 17:00 UTC" in shown(site.app.test_client(), path)


def test_a_cancelled_election_says_why(client: FlaskClient) -> None:
    for path in ("/e/cancelled", "/e/cancelled/results"):
        assert "The list was <wrong>." in shown(client, path)
    assert 'href="/e/cancelled/vote"' not in client.get("/e/cancelled").text


def test_who_holds_the_keys(club_site: Club) -> None:
    text = shown(club_site.client, "/e/ceremony/keys")
    assert "Any 2 of the 3" in text
    assert text.count("has confirmed the key") == 3
    assert "has not begun" in shown(club_site.client, "/e/defined/keys")
    assert shown(club_site.client, "/e/shared/keys").count("has done their part of opening the sum") == 2
    entries = re.findall(r"/e/ceremony/board/(\d+)", club_site.client.get("/e/ceremony/keys").text)
    assert len(entries) == 12


def test_the_commands_for_verifying_name_this_election(club_site: Club) -> None:
    text = shown(club_site.client, "/e/open/verify")
    record = club_site.open.record
    assert "urne-verify https://vote.example.org/e/open" in text
    assert f"--manifest {record.require_manifest().hash} --election {record.election}" in text
    assert text.count("urne-verify") >= 6
    for name in re.findall(r"urne-verify (tracker|receipt|booth|explain)", text):
        assert name in verify.commands


# -- check my vote -----------------------------------------------------------------------------------------------------


def test_a_vote_that_counts(club_site: Club) -> None:
    code = club_site.trackers()[0]
    for typed in (code, code.lower().replace("-", " "), code.replace("-", "")):
        text = shown(club_site.client, f"/e/open/check?tracker={typed}")
        assert "This vote is in the ballot box. It counts" in text
        assert code in text
    reference = club_site.open.record.ballots[0]
    assert reference.credential[:10] in text
    assert "c2sp.org/tlog-proof@v1" in text


def test_a_vote_that_was_replaced(club_site: Club) -> None:
    record = club_site.open.record
    replaced = next(each for each in record.ballots if record.last_ballot[each.credential] != each)
    later = record.last_ballot[replaced.credential]
    page = club_site.client.get(f"/e/open/check?tracker={tracker(replaced.hash)}").text
    assert "Found, but replaced" in page
    assert f'href="/e/open/board/{later.seq}"' in page


def test_after_the_result_the_vote_was_counted(club_site: Club) -> None:
    hosted = club_site.site.elections.get("published")
    code = tracker(hosted.look(lambda record: record.ballots[0]).hash)
    assert "This vote was counted. It is one of the 3 in the result." in shown(
        club_site.client, f"/e/published/check?tracker={code}"
    )


def test_a_mistyped_tracker_is_told_from_one_that_is_not_there(club_site: Club) -> None:
    code = club_site.trackers()[0]
    wrong = ("1" if code[0] != "1" else "2") + code[1:]
    page = club_site.client.get(f"/e/open/check?tracker={wrong}").text
    assert "has a typing error" in page
    assert 'aria-invalid="true"' in page
    assert f'value="{wrong}"' in page, "what was typed is kept"
    text = shown(club_site.client, "/e/open/check?tracker=0000-0000-0000-0000-0", 404)
    order = [text.index(words) for words in ("belongs to another election", "did not cast", "tell the organisers")]
    assert order == sorted(order)
    assert "try again" not in text.lower()


def test_a_lock_number_is_recognised(club_site: Club) -> None:
    number = lock_number(club_site.open.record.ballots[0].hash)
    assert "This is a lock number" in shown(club_site.client, f"/e/open/check?tracker={number}")


def test_before_the_opening_there_is_nothing_to_look_for(client: FlaskClient) -> None:
    assert "Voting is not open yet" in shown(client, "/e/ceremony/check?tracker=0000-0000-0000-0000-0", 404)


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "\u202eabc", "x" * 5000, "' OR 1=1 --", "%00"])
def test_hostile_trackers(client: FlaskClient, typed: str) -> None:
    answer = client.get("/e/open/check", query_string={"tracker": typed})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert len(answer.text) < 20_000


def test_the_receipt_that_the_page_offers_is_good(club_site: Club) -> None:
    code = club_site.trackers()[0]
    page = club_site.client.get(f"/e/open/check?tracker={code}").text
    link = re.search(r'href="(/e/open/log/entries/\d+/receipt)"', page)
    assert link
    receipt = read_receipt_file(club_site.client.get(link[1]).data, what="receipt")
    with club_site.site.elections.get("open").reader() as board:
        header, _checkpoint = check_receipt(receipt, board.key, what="receipt")
    assert header.seq == club_site.open.record.ballots[0].seq


# -- the board ---------------------------------------------------------------------------------------------------------


def test_every_entry_has_a_page(club_site: Club) -> None:
    hosted = club_site.site.elections.get("published")
    with hosted.reader() as board:
        size = len(board)
    types = set()
    for seq in range(size):
        page = club_site.client.get(f"/e/published/board/{seq}").text
        assert "the chain is broken" not in page
        assert "Which checks look at it" in page
        types.add(re.findall(r"<h1>Entry \d+: ([^<]+)</h1>", page)[0])
    assert len(types) == 12
    assert "this is the first entry" in club_site.client.get("/e/published/board/0").text
    assert "this is the newest entry" in club_site.client.get(f"/e/published/board/{size - 1}").text


def test_an_entry_of_a_trustee_names_them(club_site: Club) -> None:
    assert "Trustee 1: Trustee 1" in shown(club_site.client, "/e/open/board/1")


def test_a_replaced_ballot_says_so(club_site: Club) -> None:
    record = club_site.open.record
    replaced = next(each for each in record.ballots if record.last_ballot[each.credential] != each)
    assert "a later vote of the same voter code replaced it" in shown(club_site.client, f"/e/open/board/{replaced.seq}")
    assert f"replaced by {record.last_ballot[replaced.credential].seq}" in shown(club_site.client, "/e/open/board")


def test_the_list_has_pages_and_reads_no_more_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = sample_election(until="defined")
    for number in range(2 * PAGE_SIZE + 19):
        entry = give_notice(simulator.record, ADMINISTRATOR, f"Notice {number}", simulator.now())
        simulator.board.append(*entry)
    with PublicSiteSimulator(tmp_path) as site:
        site.host("long", simulator)
        client = site.app.test_client()
        client.get("/e/long/board")  # opens the board for writing, which reads all of it
        ranges: list[tuple[int, int]] = []
        headers = BoardReader.headers

        def watched(self: BoardReader, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
            assert stop is not None
            ranges.append((start, stop))
            return headers(self, start, stop)

        monkeypatch.setattr(BoardReader, "headers", watched)
        newest = client.get("/e/long/board").text
        first = client.get("/e/long/board?page=1").text
        beyond = client.get("/e/long/board?page=99999").text
        client.get("/e/long/board?page=x")
        client.get("/e/long/board?page=-5")
        assert all(stop - start <= PAGE_SIZE for start, stop in ranges)
    numbers = [int(number) for number in re.findall(r'/board/(\d+)"', newest)]
    assert numbers == list(range(119, 99, -1))
    assert re.findall(r"<tr>.*", beyond) == re.findall(r"<tr>.*", newest)
    assert [int(number) for number in re.findall(r'/board/(\d+)"', first)] == list(range(49, -1, -1))
    assert 'href="?page=2" rel="prev"' in first


def test_going_to_an_entry_by_its_number(client: FlaskClient) -> None:
    assert client.get("/e/open/board?entry=3").headers["Location"] == "/e/open/board/3"
    assert client.get("/e/open/board?entry=%3Cb%3E").status_code == 200
    assert client.get("/e/open/board?entry=" + "9" * 50, follow_redirects=True).status_code == 404
