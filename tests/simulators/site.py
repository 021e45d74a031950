"""A whole site for tests: database, elections, outbox and schedule under a clock that the test moves.

site = SiteSimulator(tmp_path)
club = site.election("club", voters=b"id,email\nada,ada@example.org\n")
site.services.codes.list_credentials(club.hosted)
site.deliver()
site.mails[-1].letter.body
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from tests.simulators.hosted import HostedSimulator
from voting.protocol.manifest import Manifest, Schedule
from voting.protocol.methods.choose import Choose
from voting.protocol.moment import format_moment
from voting.site.election_settings import ElectionSettings
from voting.site.mail import Envelope, Send, Transport
from voting.site.services import Services, make_services
from voting.site.settings import MailSettings, Settings

SECRET = hashlib.sha256(b"the site's secret key").digest()
QUESTION = Choose(title={"en": "Which?"}, options=({"en": "A"}, {"en": "B"}))


class Clock:
    """A clock that stands still until it is moved. Boards of tests use the real time, so it begins there."""

    def __init__(self) -> None:
        self.time = self.start = datetime.now(UTC)

    def start_plus(self, **by: float) -> datetime:
        """A moment so long after the beginning."""
        return self.start + timedelta(**by)

    def __call__(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)

    def at(self, **after: float) -> str:
        """A moment so long after now."""
        return format_moment(self.time + timedelta(**after))


class MemoryTransport:
    """Keeps what is sent. `refuse` may raise for a message."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.refuse: Callable[[Envelope], None] = lambda _envelope: None

    @contextmanager
    def session(self) -> Iterator[Send]:
        def send(envelope: Envelope) -> None:
            self.refuse(envelope)
            self.sent.append(envelope)

        yield send


class SiteSimulator:
    """One site in a folder of its own."""

    def __init__(self, folder: Path, *, mail: MailSettings | None = None, transport: Transport | None = None) -> None:
        self.folder = folder
        self.clock = Clock()
        self.memory = MemoryTransport()
        self.settings = Settings(
            folder, "https://vote.example.org", allow_toy=True, time_zone="Europe/Paris", mail=mail
        )
        self.services: Services = make_services(
            self.settings, SECRET, now=self.clock, transport=transport or self.memory
        )

    def close(self) -> None:
        """Close boards and database."""
        self.services.elections.close()
        self.services.store.close()

    @property
    def mails(self) -> list[Envelope]:
        return self.memory.sent

    def deliver(self) -> int:
        """Send all that is due; gives how many messages were dealt with."""
        count = 0
        while done := self.services.mail.work():
            count += done
        return count

    def election(
        self,
        name: str = "club",
        *,
        voters: bytes = b"",
        settings: ElectionSettings | None = None,
        schedule: Schedule | None = None,
        owner: int | None = None,
        manifest_of: Callable[[Manifest], Manifest] = lambda manifest: manifest,
    ) -> HostedSimulator:
        """A frozen election with these voters, and trustees who have not begun."""
        made = HostedSimulator(
            self.folder,
            [QUESTION],
            name=name,
            elections=self.services.elections,
            manifest_of=lambda manifest: manifest_of(replace(manifest, schedule=schedule, contact="the office")),
        )
        self.services.site.adopt(name, owner, format_moment(self.clock()))
        if settings is not None:
            self.services.site.save_settings(name, settings)
        if voters:
            plan = self.services.voters.plan(name, voters, is_whole=True)
            self.services.voters.carry_out(name, voters, plan.digest, is_whole=True)
        return made

    def code(self, made: HostedSimulator, identifier: str) -> str:
        """The code of a voter, as the site makes it."""
        from voting.site.codes import open_codes

        voter = self.services.voters.rows.by_identifier(made.name, identifier)
        assert voter is not None
        return open_codes(made.hosted).code(voter)
