"""What happens by itself: opening, closing, catching up after a restart, and the deletion of personal data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import SiteSimulator
from voting.election.phases import Phase
from voting.election.steps import cancel_election, extend_election
from voting.protocol.errors import Problem, UnavailableError, UsageError
from voting.protocol.manifest import Schedule as Announced
from voting.protocol.methods.choose import ChooseSelection
from voting.site.election_settings import ElectionSettings
from voting.site.election_store import TrusteeRow
from voting.site.letters import Kind
from voting.site.mail import FileTransport
from voting.site.privacy import erase_personal_data
from voting.site.schedule import Schedule

LIST = "id,name,email\nPlantedIdentifier,Plantéd Name,planted.address@example.org\nbob,Bob,bob@example.org\n".encode()
PLANTED = (b"PlantedIdentifier", "Plantéd Name".encode(), b"planted.address", b"Plant=C3=A9d", b"UGxhbnTD")
BATCH = "0123456789abcdef"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteSimulator]:
    made = SiteSimulator(tmp_path)
    yield made
    made.close()


def announced(site: SiteSimulator, **settings: object) -> HostedSimulator:
    """An election that opens in an hour and closes in three."""
    made = site.election(
        voters=LIST,
        schedule=Announced(opens=site.clock.at(hours=1), closes=site.clock.at(hours=3)),
        settings=ElectionSettings(**settings),  # type: ignore[arg-type]
    )
    site.services.codes.list_credentials(made.hosted)
    return made


def phase(made: HostedSimulator) -> Phase:
    return made.hosted.look(lambda record: record.phase)


def remarks(site: SiteSimulator) -> list[tuple[str, str]]:
    return [(remark.topic, remark.problem) for remark in site.services.site.remarks("club")]


def test_opens_and_closes_at_the_announced_times(site: SiteSimulator) -> None:
    club = announced(site)
    club.run_ceremony()
    look = site.services.schedule.look
    look()
    assert phase(club) == Phase.SETUP
    site.clock.move(minutes=59, seconds=59)
    look()
    assert phase(club) == Phase.SETUP
    site.clock.move(seconds=1)
    look()
    look()
    assert phase(club) == Phase.OPEN
    site.clock.move(hours=1, minutes=59)
    look()
    assert phase(club) == Phase.OPEN
    site.clock.move(minutes=1)
    look()
    look()
    assert phase(club) == Phase.CLOSED
    assert remarks(site) == []


def test_an_extension_is_obeyed(site: SiteSimulator) -> None:
    club = announced(site)
    club.run_ceremony()
    site.clock.move(hours=1)
    site.services.schedule.look()
    later = site.clock.at(hours=5)
    club.hosted.act(lambda record, key, time: extend_election(record, key, later, time))
    site.clock.move(hours=4)
    site.services.schedule.look()
    assert phase(club) == Phase.OPEN
    site.clock.move(hours=1)
    site.services.schedule.look()
    assert phase(club) == Phase.CLOSED


def test_what_is_not_ready_is_remarked_and_opens_later(site: SiteSimulator) -> None:
    club = announced(site)
    site.clock.move(hours=1)
    site.services.schedule.look()
    site.services.schedule.look()
    assert phase(club) == Phase.SETUP
    assert len(remarks(site)) == 1
    assert remarks(site)[0][0] == "opening"
    assert "trustees have not finished" in remarks(site)[0][1]
    club.run_ceremony()
    site.services.schedule.look()
    assert phase(club) == Phase.OPEN
    assert remarks(site) == []


def test_other_obstacles_count_too(site: SiteSimulator) -> None:
    club = announced(site)
    club.run_ceremony()
    obstacles = [Problem("", "a trustee has not shown that the key is kept", "ask")]
    services = site.services
    schedule = Schedule(
        services.store, services.elections, site.settings, now=site.clock, blockers=lambda _name: tuple(obstacles)
    )
    site.clock.move(hours=1)
    schedule.look()
    assert phase(club) == Phase.SETUP
    assert remarks(site) == [("opening", obstacles[0].problem)]
    obstacles.clear()
    schedule.look()
    assert phase(club) == Phase.OPEN


def test_catches_up_after_a_long_stop(site: SiteSimulator) -> None:
    club = announced(site)
    club.run_ceremony()
    site.clock.move(hours=2)  # the program did not run at the opening
    site.services.schedule.look()
    assert phase(club) == Phase.OPEN
    site.clock.move(days=2)
    site.services.elections.close()
    fresh = Schedule(site.services.store, site.services.elections, site.settings, now=site.clock)
    fresh.look()
    assert site.services.elections.get("club").look(lambda record: record.phase) == Phase.CLOSED


def test_nothing_opens_after_its_end(site: SiteSimulator) -> None:
    club = announced(site)
    club.run_ceremony()
    site.clock.move(days=2)
    site.services.schedule.look()
    assert phase(club) == Phase.SETUP
    assert remarks(site)[0][0] == "opening"


def test_nothing_happens_by_itself_where_it_is_not_wanted(site: SiteSimulator) -> None:
    club = announced(site, automatic=False)
    club.run_ceremony()
    site.clock.move(days=2)
    site.services.schedule.look()
    assert phase(club) == Phase.SETUP
    assert remarks(site) == []


def test_the_threads_start_and_stop(site: SiteSimulator) -> None:
    club = announced(site)
    club.run_ceremony()
    site.clock.move(hours=1)
    site.services.mail.start()
    site.services.schedule.start()
    for _ in range(400):
        if phase(club) == Phase.OPEN:
            break
        site.services.schedule._signal.wait(0.01)
    site.services.schedule.stop()
    site.services.mail.stop()
    assert phase(club) == Phase.OPEN


# -- deletion ----------------------------------------------------------------------------------------------------------


def planted(folder: Path) -> list[str]:
    """Files that hold anything of the planted voter."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(text in path.read_bytes() for text in PLANTED)
    ]


def test_personal_data_is_deleted_everywhere_on_the_announced_date(site: SiteSimulator) -> None:
    site.services.mail.transport = FileTransport(site.settings.mail_folder, site.settings.address, site.clock)
    club = announced(site, erase_after=site.clock.at(days=30))
    services = site.services
    services.site.set_trustees("club", [TrusteeRow("club", 1, "Bea", "planted.address@example.net", "")])
    services.voters.keep_list("club", LIST, is_whole=True)
    services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    assert site.deliver() == 2
    club.run_ceremony()
    code = site.code(club, "bob")
    club.open()
    club.vote(code, [ChooseSelection((0,))])
    assert len(planted(site.folder)) >= 2
    seed_file = club.hosted.folder / "keys" / "authority.key"
    assert seed_file.exists()
    club.finish()
    services.schedule.look()
    assert len(planted(site.folder)) >= 2
    site.clock.move(days=30)
    services.schedule.look()
    assert planted(site.folder) == []
    assert not seed_file.exists()
    assert not any(b"bob@example.org" in path.read_bytes() for path in site.folder.rglob("*") if path.is_file())
    row = services.site.get("club")
    assert row is not None
    assert row.erased == site.clock.at()
    assert remarks(site) == []
    # The board stays, and still opens.
    services.elections.close()
    assert services.elections.get("club").look(lambda record: len(record.ballots)) == 1
    with pytest.raises(UsageError, match="deleted"):
        services.codes.list_credentials(services.elections.get("club"))


def test_a_deletion_that_was_interrupted_is_repeated(site: SiteSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    club = announced(site, erase_after=site.clock.at(hours=2))
    club.hosted.act(lambda record, key, time: cancel_election(record, key, "over", time))
    site.clock.move(hours=2)

    def busy() -> None:
        raise UnavailableError("is in use, so that deleted rows are still in its files")

    with monkeypatch.context() as patch:
        patch.setattr(site.services.store, "scrub", busy)
        site.services.schedule.look()
    row = site.services.site.get("club")
    assert row is not None
    assert row.erased is None
    assert [topic for topic, _ in remarks(site)] == ["deletion"]
    site.services.schedule.look()
    row = site.services.site.get("club")
    assert row is not None
    assert row.erased is not None
    assert planted(site.folder) == []
    assert remarks(site) == []


def test_deletion_waits_while_the_election_needs_the_data(site: SiteSimulator) -> None:
    club = announced(site, erase_after=site.clock.at(hours=2))
    club.run_ceremony()
    site.clock.move(hours=2)
    site.services.schedule.look()
    assert phase(club) == Phase.OPEN
    site.services.schedule.look()
    assert [topic for topic, _ in remarks(site)] == ["deletion"]
    assert site.services.voters.counts("club").voters == 2
    site.clock.move(hours=1)
    site.services.schedule.look()
    site.services.schedule.look()
    assert site.services.voters.counts("club").voters == 0
    assert remarks(site) == []


def test_deleting_twice_and_other_elections(site: SiteSimulator) -> None:
    club = announced(site)
    other = site.election("other", voters=LIST)
    club.hosted.act(lambda record, key, time: cancel_election(record, key, "over", time))
    for _ in range(2):
        erase_personal_data(club.hosted, site.services.store, site.settings, site.clock())
    assert site.services.voters.counts("club").voters == 0
    assert site.services.voters.counts("other").voters == 2
    assert (other.hosted.folder / "keys" / "authority.key").exists()
