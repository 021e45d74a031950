"""The administrator's pages of a site in a folder of its own, for tests, with one account that is logged in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bulletin_board.log import Submission
from tests.simulators.browser_without_scripts import Page, PlainBrowser
from tests.simulators.site import Clock, MemoryTransport
from trustee_tools import ceremony as trustee
from trustee_tools.ceremony import Step, TrusteeSecrets, decryption_secret
from voting.admin.desk import Desk
from voting.admin.drafts import Draft, DraftQuestion, DraftTrustee, encode_draft, settings_of
from voting.election.ballots import BALLOT, encrypt_ballot
from voting.election.credentials import derive_credential
from voting.election.decryption import decode_totals, make_share
from voting.election.record import ElectionRecord, require_tally
from voting.protocol.entries import sign_content
from voting.server import create_app, open_site
from voting.site.account_store import AccountRow, AccountStore
from voting.site.codes import open_codes
from voting.site.elections import HostedElection
from voting.site.settings import Settings
from voting.site.store import DATABASE, SiteStore


class AdminSite:
    """One site. Its elections belong to the account `editor`; `other` owns nothing."""

    def __init__(self, folder: Path, *, address: str = "http://localhost") -> None:
        self.clock = Clock()
        self.mail = MemoryTransport()
        self.settings = Settings(folder, address, allow_toy=True, time_zone="Europe/Paris")
        _add_account(folder, "first")  # a site with an account does not make one, which takes time
        self.site = open_site(self.settings, now=self.clock, transport=self.mail)
        self.services = self.site.services
        self.app = create_app(self.site)
        self.app.config["URNE_CLOCK"] = self.clock

    def close(self) -> None:
        self.site.close()

    @property
    def desk(self) -> Desk:
        found: Desk = self.app.extensions["urne-desk"]
        return found

    def browser(self, account: str = "editor") -> PlainBrowser:
        """A browser in which somebody is logged in, without the time that a password costs."""
        client = self.app.test_client()
        client.set_cookie("urne-login", self.services.sessions.begin(self.account(account)))
        return PlainBrowser(client)

    def account(self, name: str) -> AccountRow:
        """An account that needs no password; it is made when it is first asked for."""
        rows = self.services.accounts.rows
        if name not in [account.name for account in rows.all()]:
            _add_account_to(rows, name)
        return next(account for account in rows.all() if account.name == name)

    def add_draft(self, name: str, draft: Draft, owner: str = "editor") -> None:
        """Put a draft into the store without the pages."""
        self.services.site.add(name, self.account(owner).id, "2026-11-24T08:00:00.000Z", draft=encode_draft(draft))
        self.services.site.save_settings(name, settings_of(draft))


def _add_account(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    store = SiteStore.open(folder / DATABASE)
    _add_account_to(AccountStore(store), name)
    store.close()


def _add_account_to(rows: AccountStore, name: str) -> None:
    mail = f"{name}@example.org"
    rows.add(name, mail, "en", is_manager=False, password="", time="2026-11-24T08:00:00.000Z")


def sound_draft(**changes: Any) -> Draft:
    """A draft in which nothing is missing."""
    values: dict[str, Any] = {
        "title": {"en": "Board election"},
        "contact": "office@example.org",
        "group": "toy-512",
        "trustees": tuple(DraftTrustee(name=n, email=f"{n.lower()}@example.org") for n in ("Anna", "Bea", "Carlo")),
        "threshold": "2",
        "zone": "Europe/Paris",
        "deletion": "2099-12-31",
        "questions": (
            DraftQuestion(title={"en": "Who shall chair?"}, options=({"en": "Ada"}, {"en": "Blaise"}), blank=True),
        ),
    }
    return Draft(**{**values, **changes})


class Trustees:
    """All trustees of one election, honest."""

    def __init__(self, hosted: HostedElection) -> None:
        self.hosted = hosted
        manifest = hosted.look(lambda record: record.require_manifest())
        self.all = [TrusteeSecrets(secrets.token_bytes(32), manifest, i) for i in range(1, len(manifest.trustees) + 1)]

    def make_key(self) -> None:
        """The whole ceremony."""
        for number in range(4):
            self.round(number)

    def round(self, number: int, who: Sequence[int] = ()) -> None:
        """One round, by all or by some."""
        rounds: tuple[Callable[[TrusteeSecrets, ElectionRecord, str], Step], ...] = (
            lambda s, r, t: trustee.join(s, r.require_ceremony(), t),
            lambda s, r, t: trustee.commit(s, r.require_ceremony(), t, secrets.token_bytes),
            lambda s, r, t: trustee.deal(s, r.require_ceremony(), t),
            lambda s, r, t: trustee.confirm(s, r.require_ceremony(), t),
        )
        for each in self.all:
            if not who or each.index in who:
                step = self.hosted.look(lambda r, e=each: rounds[number](e, r, r.last_time))  # type: ignore[misc]
                self.hosted.submit(Submission(step.entry_type, step.body))

    def decrypt(self, index: int) -> None:
        """One trustee's share."""
        each = self.all[index - 1]

        def make(record: ElectionRecord) -> bytes:
            tally = require_tally(record)
            state = record.require_ceremony()
            assert record.tally_hash is not None
            share = make_share(
                decryption_secret(each, state),
                state.verification_key(index),
                decode_totals(record.group, tally, subject="tally"),
                election=tally.election,
                tally=record.tally_hash,
                index=index,
                time=record.last_time,
                random_bytes=secrets.token_bytes,
            )
            return sign_content("tally.share", record.require_manifest().hash, share, each.signing_key)

        self.hosted.submit(Submission("tally.share", self.hosted.look(make)))


def vote(site: AdminSite, name: str, identifier: str, selections: Sequence[Any]) -> None:
    """A voter of the site's list votes."""
    hosted = site.services.elections.get(name)
    voter = site.services.voters.rows.by_identifier(name, identifier)
    assert voter is not None
    code = open_codes(hosted).code(voter)
    context = hosted.look(lambda record: record.ballot_context())
    credential = derive_credential(code, context.manifest.hash)
    ballot = encrypt_ballot(context, credential, tuple(selections), secrets.token_bytes(32))
    hosted.submit(Submission(BALLOT, ballot.body, ballot.hints))


def wait_for(site: AdminSite, key: str, page: Page) -> Page:
    """The page again, after its long work has ended."""
    site.desk.jobs.wait(key, 60)
    return page.browser.get(page.path)
