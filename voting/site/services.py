"""All services of a site, made once and handed to its pages.

It must not import flask.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from bulletin_board.log import Submission
from voting.protocol.messages import BoothFile
from voting.site.accounts import Accounts
from voting.site.ballot_brake import BallotBrake
from voting.site.ballot_checkers import BallotCheckers
from voting.site.ballot_process import start_worker
from voting.site.codes import CodeService
from voting.site.election_store import ElectionStore
from voting.site.elections import Elections, Gate, HostedElection
from voting.site.factor import FactorService
from voting.site.invitations import Invitations
from voting.site.mail import Transport, make_transport
from voting.site.outbox import MailWorker, Outbox
from voting.site.schedule import Blockers, Schedule
from voting.site.sessions import Sessions
from voting.site.settings import Settings
from voting.site.store import DATABASE, SiteStore
from voting.site.voters import VoterService
from voting.site.witness_view import quorum_problems


class Services(NamedTuple):
    """What the pages of a site work with."""

    settings: Settings
    store: SiteStore
    elections: Elections
    site: ElectionStore
    """What the site knows of elections besides their boards."""
    accounts: Accounts
    sessions: Sessions
    voters: VoterService
    codes: CodeService
    outbox: Outbox
    mail: MailWorker
    factor: FactorService
    invitations: Invitations
    schedule: Schedule
    checkers: BallotCheckers | None
    random_bytes: Callable[[int], bytes]

    def start(self) -> None:
        """Begin to send mail, and to act at the announced times; get ready to check ballots."""
        if self.checkers is not None:
            self.checkers.start()
        self.mail.start()
        self.schedule.start()

    def stop(self) -> None:
        """End both threads, the processes that check ballots, then close all boards and the database."""
        self.schedule.stop()
        self.mail.stop()
        if self.checkers is not None:
            self.checkers.close()
        self.elections.close()
        self.store.close()


def make_services(
    settings: Settings,
    secret: bytes,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    transport: Transport | None = None,
    booth: Callable[[], Sequence[BoothFile]] = lambda: (),
    blockers: Blockers = lambda _name: (),
) -> Services:
    """Open the database of a site and make its services. No thread is started yet.

    Args:
        secret: the site's secret key, 32 bytes.
        transport: how mail is sent; as the settings say if it is left out.
        booth: the site's booth files, named on the board when voting opens by itself.
        blockers: an election's name -> reasons not to open it that the board does not know.

    Raises:
        UnavailableError: if the database cannot be opened.
    """
    store = SiteStore.open(settings.data / DATABASE)
    settings.elections.mkdir(mode=0o700, exist_ok=True)
    checkers = BallotCheckers(settings.workers, start_worker=start_worker) if settings.workers else None
    elections = Elections(
        settings.elections, allow_toy=settings.allow_toy, gate=lambda name: gate(name), checkers=checkers
    )
    accounts = Accounts(store, secret, now=now, random_bytes=random_bytes)
    sessions = Sessions(store, now=now, random_bytes=random_bytes)
    outbox = Outbox(store, elections, settings, now=now)
    factor = FactorService(store, outbox, secret, now=now, random_bytes=random_bytes)

    brake = BallotBrake(lambda: elections, now=now)
    voters = VoterService(store, elections, now=now)

    def gate(name: str) -> Gate:
        checks = factor.gate(name), brake.gate(name)

        def check(submission: Submission, token: str | None) -> None:
            for each in checks:
                each(submission, token)

        return check

    codes, site = CodeService(store), ElectionStore(store)

    invitations = Invitations(site, secret)
    outbox.invitation = invitations.code

    def complete(hosted: HostedElection) -> None:
        """Voters who were added late get their credentials on the board: the opening would leave them out for good."""
        counts = voters.counts(hosted.name)
        if site.settings(hosted.name).has_server_codes and counts.listed < counts.voters:
            codes.list_credentials(hosted)

    def tidy() -> None:
        accounts.tidy()
        sessions.tidy()
        factor.tidy()
        voters.tidy()

    return Services(
        settings=settings,
        store=store,
        elections=elections,
        site=site,
        accounts=accounts,
        sessions=sessions,
        voters=voters,
        codes=codes,
        outbox=outbox,
        mail=MailWorker(outbox, transport or make_transport(settings, now), now=now),
        factor=factor,
        invitations=invitations,
        checkers=checkers,
        random_bytes=random_bytes,
        schedule=Schedule(
            store,
            elections,
            settings,
            now=now,
            booth=booth,
            blockers=lambda name: [*blockers(name), *quorum_problems(elections.get(name))],
            complete=complete,
            tidy=tidy,
        ),
    )
