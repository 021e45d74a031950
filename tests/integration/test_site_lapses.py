"""Stops at bad moments, people who come late, names that are used again: nothing lost, nobody left out."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import pytest

from bulletin_board.log import Board
from bulletin_board.reader import Appended
from tests.simulators.admin import AdminSite, sound_draft
from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import QUESTION
from voting.election.phases import Phase
from voting.election.steps import open_election
from voting.protocol.manifest import Schedule
from voting.protocol.methods import ChooseSelection
from voting.site import elections
from voting.site.election_settings import ElectionSettings
from voting.site.elections import HostedElection, Make
from voting.site.store import SiteStore

# -- stops at bad moments ----------------------------------------------------------------------------------------------


def test_a_fault_while_writing_reaches_its_sender_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elections, "ANSWER_SECONDS", 10)
    site = AdminSite(tmp_path)
    club = HostedSimulator(site.settings.data, [QUESTION], name="club", elections=site.services.elections)
    club.run_ceremony()
    (code,) = club.give_codes([1])
    club.open()

    def fault(*_arguments: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(Board, "append_many", fault)
        begun = time.monotonic()
        ballot = club.encrypt(code, [ChooseSelection((1,))])
        content = b'{"attachment":%b,"body":%b,"type":"ballot.cast"}' % (ballot.hints, ballot.body)
        answer = site.app.test_client().post("/e/club/log/entries", data=content, content_type="application/json")
        assert answer.status_code == 503
        assert time.monotonic() - begun < 5
    # The same bytes again: the board goes on.
    answer = site.app.test_client().post("/e/club/log/entries", data=content, content_type="application/json")
    assert answer.status_code == 201
    site.close()


# -- nobody is left out ------------------------------------------------------------------------------------------------


LATE = b"id,name,email\nada,Ada,ada@example.org\nlate,Late,late@example.org\n"


def with_a_latecomer(site: AdminSite, **settings: object) -> HostedSimulator:
    """An election that opens in an hour, ready but for one voter who was added after the credentials were listed."""
    announced = Schedule(opens=site.clock.at(hours=1), closes=site.clock.at(hours=3))
    club = HostedSimulator(
        site.settings.data, [QUESTION], name="club", elections=site.services.elections,
        manifest_of=lambda manifest: msgspec.structs.replace(manifest, schedule=announced),
    )  # fmt: skip
    site.services.site.adopt("club", site.account("editor").id, site.clock.at())
    site.services.site.save_settings("club", ElectionSettings(**settings))  # type: ignore[arg-type]
    voters = site.services.voters
    voters.carry_out("club", LATE[:36], voters.plan("club", LATE[:36], is_whole=True).digest, is_whole=True)
    site.services.codes.list_credentials(club.hosted)
    voters.carry_out("club", LATE, voters.plan("club", LATE, is_whole=True).digest, is_whole=True)
    club.run_ceremony()
    return club


def test_voting_does_not_open_over_the_head_of_a_voter(tmp_path: Path) -> None:
    site = AdminSite(tmp_path)
    club = with_a_latecomer(site)
    browser = site.browser()
    page = browser.get("/admin/e/club/voting")
    assert "1 voter has no credential on the board yet" in page.text
    assert not any("Open the voting" in words for form in page.forms for _n, _v, words in form.buttons)
    token = page.form("Publish").fields["csrf_token"]
    page = browser.send("post", "/admin/e/club/voting/open", {"csrf_token": token, "confirm": "club"})
    assert page.status == 400
    assert club.hosted.look(lambda record: record.phase) is Phase.SETUP
    site.services.codes.list_credentials(club.hosted)
    form = browser.get("/admin/e/club/voting").form("Open the voting")
    assert "Voting is open" in form.fill(confirm="club").press("Open the voting").text
    assert club.hosted.look(lambda record: len(record.credentials)) == 2
    site.close()


def test_voting_that_opens_by_itself_takes_everybody_with_it(tmp_path: Path) -> None:
    site = AdminSite(tmp_path)
    club = with_a_latecomer(site)
    site.clock.move(hours=1)
    site.services.schedule.look()
    assert club.hosted.look(lambda record: (record.phase, len(record.credentials))) == (Phase.OPEN, 2)
    assert site.services.site.remarks("club") == []
    site.close()


def test_administrator_and_clock_open_at_the_same_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = AdminSite(tmp_path)
    club = with_a_latecomer(site)
    site.services.codes.list_credentials(club.hosted)
    site.clock.move(hours=1)
    act = HostedElection.act

    def first_the_administrator(hosted: HostedElection, make: Make, key: str = "administrator") -> list[Appended]:
        monkeypatch.undo()
        act(hosted, lambda record, key, time: open_election(record, key, time, ()))
        return act(hosted, make, key)

    monkeypatch.setattr(HostedElection, "act", first_the_administrator)
    site.services.schedule.look()
    assert club.hosted.look(lambda record: record.phase) is Phase.OPEN
    assert site.services.site.remarks("club") == []
    site.close()


# -- what others left behind -------------------------------------------------------------------------------------------


def test_a_short_name_comes_without_what_its_last_owner_left(tmp_path: Path) -> None:
    site = AdminSite(tmp_path)
    site.add_draft("name", sound_draft(), owner="editor")
    folder = site.settings.rehearsals / "name"
    folder.mkdir(parents=True)
    (folder / "record.zip").write_bytes(b"the texts of somebody's draft")
    page = site.browser("editor").get("/admin/e/name/delete").form("Delete").fill(confirm="name").press("Delete")
    assert "is deleted" in page.text
    other = site.browser("other")
    other.get("/admin/new").form("Make").fill(short="name", title="Mine").press()
    assert other.get("/admin/e/name/").status == 200
    assert b"somebody" not in other.get("/admin/e/name/rehearsal/record.zip").data
    assert not folder.exists()
    site.close()


def test_threads_that_have_ended_keep_no_file_open(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _job in range(30):
        thread = threading.Thread(target=lambda: store.rows("SELECT count(*) FROM account"))
        thread.start()
        thread.join()
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 10
    store.close()
