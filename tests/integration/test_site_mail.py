"""Messages: what they say, that each is sent once to the right person, retries, and what a mail server may do wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from itertools import pairwise
from pathlib import Path

import pytest

from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import SiteSimulator
from tests.simulators.smtp import SmtpSimulator
from voting.election.steps import cancel_election
from voting.protocol.errors import UsageError
from voting.protocol.methods.choose import ChooseSelection
from voting.protocol.moment import format_moment
from voting.site.election_settings import ElectionSettings
from voting.site.election_store import TrusteeRow
from voting.site.letters import FOR_TRUSTEES, FOR_VOTERS, ElectionFacts, Kind, Letter, Recipient, write_letter
from voting.site.mail import Envelope, FileTransport, MailError, MailServerError, SmtpTransport, compose
from voting.site.outbox import RETRY_AFTER
from voting.site.settings import MailSettings
from voting.translations import language, set_language

LIST = (
    b"id,name,email,language\nada,Ada,ada@example.org,en\nbob,Bob,bob@example.org,fr\n"
    b"cleo,Cleo,,\ndan,,dan@example.org,\n"
)
BATCH = "0123456789abcdef"
FACTS = ElectionFacts(
    title={"en": "Board of the club", "fr": "Bureau du club"},
    language="en",
    contact="the office",
    address="https://vote.example.org/e/club",
    manifest="ab" * 32,  # type: ignore[arg-type]
    opens="2026-03-02T08:00:00.000Z",
    closes="2026-03-09T17:00:00.000Z",
    zone="Europe/Paris",
    erase_after="2026-06-01T00:00:00.000Z",
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteSimulator]:
    made = SiteSimulator(tmp_path)
    yield made
    made.close()


@pytest.fixture
def club(site: SiteSimulator) -> HostedSimulator:
    made = site.election(voters=LIST)
    site.services.codes.list_credentials(made.hosted)
    return made


def opened(site: SiteSimulator, club: HostedSimulator) -> HostedSimulator:
    club.run_ceremony()
    club.open()
    return club


def counts(site: SiteSimulator, kind: Kind = Kind.INVITATION) -> dict[str, int]:
    return site.services.outbox.rows.counts("club", kind)


# -- what they say -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*FOR_VOTERS, *FOR_TRUSTEES, Kind.FACTOR])
@pytest.mark.parametrize("code", ["en", "fr", "", "de"])
def test_every_kind_can_be_written_in_every_language(kind: Kind, code: str) -> None:
    set_language("en")
    letter = write_letter(kind, FACTS, Recipient("Ada", code, 3, "00000-11111-22222-33333-44444", 2))
    assert language() == "en"
    assert "\n" not in letter.subject
    assert "{" not in letter.subject + letter.body
    assert "the office" in letter.body
    text = letter.subject + letter.body
    assert ("Bureau du club" in text) == (code != "en")
    assert ("Board of the club" in text) == (code != "fr")


def test_the_link_holds_the_code_behind_the_hash_sign() -> None:
    letter = write_letter(Kind.INVITATION, FACTS, Recipient("Ada", "en", 1, "ABCDE-FGHJK-MNPQR-STVWX-YZ012"))
    links = re.findall(r"https?://\S+", letter.body)
    assert "https://vote.example.org/e/club/vote#code=ABCDE-FGHJK-MNPQR-STVWX-YZ012" in links
    assert not any("?" in link for link in links)
    assert "ABCDE" not in letter.subject
    assert "09:00" in letter.body
    assert "08:00 UTC" in letter.body


def test_trustees_get_their_link() -> None:
    letter = write_letter(Kind.TRUSTEE_INVITATION, FACTS, Recipient("Bea", "en", trustee=2))
    assert "https://vote.example.org/e/club/trustee#trustee=2" in letter.body
    assert "urne-trustee status https://vote.example.org/e/club" in letter.body


# -- the message as mail -----------------------------------------------------------------------------------------------


def envelope(
    email: str = "ada@example.org", name: str = "Ada", subject: str = "Hello", body: str = "Text\n"
) -> Envelope:
    return Envelope("club", "invitation-1-abc", email, name, Letter(subject, body))


def test_headers_cannot_be_injected() -> None:
    evil = "Ada\r\nBcc: evil@example.org\r\n\r\nbody"
    message = compose(envelope(name=evil, subject=evil), "urne@example.org", "https://x.example", datetime.now(UTC))
    read = message_from_bytes(message.as_bytes(), policy=default)
    assert set(read.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    }  # fmt: skip
    assert [address.addr_spec for address in read["To"].addresses] == ["ada@example.org"]


def test_answers_go_to_the_contact_if_it_is_an_address() -> None:
    for contact, expected in (
        ("office@example.org", "office@example.org"),
        ("room 7", None),
        ("a@b\r\nBcc: x@y", None),
    ):
        mail = envelope()._replace(reply_to=contact)
        message = compose(mail, "urne@example.org", "https://x.example", datetime.now(UTC))
        assert message["Reply-To"] == expected
        assert message["Bcc"] is None


@pytest.mark.parametrize(
    "email", ["ada@example.org\r\nBcc: b@example.org", "a b@c", "<a@b>", "a@b, c@d", "", "a@b\x00"]
)
def test_odd_addresses_are_refused_for_good(email: str) -> None:
    with pytest.raises(MailError) as caught:
        compose(envelope(email=email), "urne@example.org", "https://x.example", datetime.now(UTC))
    assert caught.value.is_final
    assert "b@" not in str(caught.value)


def test_long_and_foreign_texts_arrive() -> None:
    body = "Élection à Zürich: 选举 🗳\n" + "long " * 400 + "\n.\n"
    message = compose(
        envelope(email="ada@bücher.example", name="Ada Łowiecka, dr.", subject="Élection " * 9, body=body),
        "urne@example.org",
        "https://x.example",
        datetime.now(UTC),
    )
    raw = message.as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.splitlines()) < 999
    read = message_from_bytes(raw, policy=default)
    assert read.get_content().replace("\r\n", "\n") == body
    assert read["To"].addresses[0].display_name == "Ada Łowiecka, dr."
    assert read["To"].addresses[0].domain == "xn--bcher-kva.example"


# -- the outbox --------------------------------------------------------------------------------------------------------


def test_invitations_go_to_all_with_an_address_once(site: SiteSimulator, club: HostedSimulator) -> None:
    outbox = site.services.outbox
    assert outbox.send_to_voters("club", Kind.INVITATION, BATCH) == 3
    assert outbox.send_to_voters("club", Kind.INVITATION, BATCH) == 3  # the same form, sent twice
    assert counts(site) == {"queued": 3}
    site.deliver()
    outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    site.deliver()
    assert sorted(mail.email for mail in site.mails) == ["ada@example.org", "bob@example.org", "dan@example.org"]
    assert counts(site) == {"sent": 3}
    by_address = {mail.email: mail.letter for mail in site.mails}
    assert site.code(club, "ada") in by_address["ada@example.org"].body
    assert site.code(club, "ada") not in by_address["bob@example.org"].body
    english, french = "Your voter code:", "Votre code de vote"
    languages = {mail.email[:3]: (english in mail.letter.body, french in mail.letter.body) for mail in site.mails}
    assert languages == {"ada": (True, False), "bob": (False, True), "dan": (True, True)}


def test_nothing_secret_or_personal_is_in_the_outbox(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    site.deliver()
    rows = site.services.store.rows("SELECT * FROM message")
    code = site.code(club, "ada")
    assert code not in repr(rows)
    assert "example.org" not in repr(rows)
    assert code not in repr(site.mails)
    assert "example.org" not in repr(site.mails)


def test_one_failure_does_not_stop_the_others(site: SiteSimulator, club: HostedSimulator) -> None:
    def refuse(mail: Envelope) -> None:
        if mail.email.startswith("ada"):
            raise MailError("the mail server refuses the address (status 550)", is_final=True)

    site.memory.refuse = refuse
    site.services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    site.deliver()
    assert counts(site) == {"sent": 2, "failed": 1}
    failed, total = site.services.outbox.rows.deliveries("club", "invitation", "failed", 0, 10)
    assert total == 1
    assert failed[0].identifier == "ada"
    assert "550" in failed[0].error
    none, _ = site.services.outbox.rows.deliveries("club", "invitation", "none", 0, 10)
    assert [row.identifier for row in none] == ["cleo"]
    site.memory.refuse = lambda _mail: None
    assert site.services.outbox.resend_failed("club", Kind.INVITATION) == 1
    site.deliver()
    assert counts(site) == {"sent": 3}


def test_passing_failures_are_tried_again_with_growing_waits(site: SiteSimulator, club: HostedSimulator) -> None:
    attempts: list[datetime] = []

    def refuse(mail: Envelope) -> None:
        attempts.append(site.clock())
        raise MailError("the mail server refuses the address (status 450)")

    site.memory.refuse = refuse
    ada = site.services.voters.rows.by_identifier("club", "ada")
    assert ada is not None
    site.services.outbox.send_to_voter("club", Kind.INVITATION, ada, BATCH)
    for _ in range(60 * 24):
        site.deliver()
        site.clock.move(minutes=1)
    assert [later - earlier for earlier, later in pairwise(attempts)] == list(RETRY_AFTER)
    assert counts(site) == {"failed": 1}


def test_a_dead_server_uses_up_no_attempts(
    site: SiteSimulator, club: HostedSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(mail: Envelope) -> None:
        raise MailServerError("cannot be reached (no answer in time)")

    site.memory.refuse = refuse
    site.services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    for _ in range(50):
        site.services.mail.work()
        site.clock.move(hours=1)
    assert counts(site) == {"queued": 3}
    assert "cannot be reached" in site.services.mail.trouble
    assert "example.org" not in caplog.text
    assert "cannot be reached" in caplog.text
    site.memory.refuse = lambda _mail: None
    site.deliver()
    assert counts(site) == {"sent": 3}
    assert site.services.mail.trouble == ""


def test_waiting_messages_can_be_taken_back(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    assert site.services.outbox.cancel("club", Kind.INVITATION) == 3
    site.deliver()
    assert site.mails == []
    site.services.outbox.send_to_voters("club", Kind.INVITATION, "fedcba9876543210")
    site.deliver()
    assert len(site.mails) == 3


def test_reminders_go_to_those_who_have_not_voted(site: SiteSimulator, club: HostedSimulator) -> None:
    opened(site, club)
    club.vote(site.code(club, "ada"), [ChooseSelection((0,))])
    assert site.services.outbox.send_to_voters("club", Kind.REMINDER, BATCH) == 2
    club.vote(site.code(club, "bob"), [ChooseSelection((0,))])  # votes while the reminder waits
    site.deliver()
    assert [mail.email for mail in site.mails] == ["dan@example.org"]


def test_messages_fit_the_phase(site: SiteSimulator, club: HostedSimulator) -> None:
    outbox = site.services.outbox
    for kind in (Kind.OPENING, Kind.REMINDER, Kind.CLOSING, Kind.RESULT, Kind.CANCELLATION):
        with pytest.raises(UsageError):
            outbox.send_to_voters("club", kind, BATCH)
    outbox.send_to_voters("club", Kind.INVITATION, BATCH)
    club.hosted.act(lambda record, key, time: cancel_election(record, key, "a wrong candidate", time))
    site.deliver()
    assert site.mails == []  # nobody is invited to a cancelled election
    assert outbox.send_to_voters("club", Kind.CANCELLATION, BATCH) == 3
    site.deliver()
    assert all("a wrong candidate" in mail.letter.body for mail in site.mails)
    with pytest.raises(UsageError):
        outbox.send_to_voters("club", Kind.INVITATION, BATCH)


def test_batches_are_numbers_of_this_site(site: SiteSimulator, club: HostedSimulator) -> None:
    for batch in ("", "../../etc/x", "0123", "0" * 65, "ABCDEF0123456789"):
        with pytest.raises(UsageError):
            site.services.outbox.send_to_voters("club", Kind.INVITATION, batch)


def test_trustees_are_reached(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.site.set_trustees(
        "club", [TrusteeRow("club", 1, "Bea", "bea@example.org", "fr"), TrusteeRow("club", 2, "Cy", "", "")]
    )
    assert site.services.outbox.send_to_trustees("club", Kind.TRUSTEE_INVITATION, [1, 2, 3], BATCH) == 1
    site.deliver()
    assert site.mails[0].email == "bea@example.org"
    assert "#trustee=1" in site.mails[0].letter.body


def test_an_outside_authoritys_codes_are_not_sent(site: SiteSimulator) -> None:
    made = site.election(voters=LIST, settings=ElectionSettings(authority="outside"))
    (made.hosted.folder / "keys" / "authority.key").unlink()
    with pytest.raises(UsageError):
        site.services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)


# -- transports --------------------------------------------------------------------------------------------------------


def test_files_are_private_and_whole(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path / "mail", "https://vote.example.org", lambda: datetime.now(UTC))
    with transport.session() as send:
        send(envelope())
    (path,) = (tmp_path / "mail" / "club").iterdir()
    assert path.name == "invitation-1-abc.eml"
    assert path.stat().st_mode & 0o077 == 0
    assert message_from_bytes(path.read_bytes(), policy=default)["Subject"] == "Hello"


def smtp(port: int, **more: str) -> SmtpTransport:
    settings = MailSettings("127.0.0.1", "urne@example.org", port=port, security="none", **more)
    return SmtpTransport(settings, "https://vote.example.org", lambda: datetime.now(UTC))


def test_smtp_sends_many_over_one_connection() -> None:
    with SmtpSimulator(password="pass") as server:
        with smtp(server.port, user="urne", password="pass").session() as send:
            for _ in range(3):
                send(envelope())
        assert server.connections == 1
        assert len(server.messages) == 3
        read = message_from_bytes(server.messages[0], policy=default)
        assert read["To"] == "Ada <ada@example.org>"
        assert read["From"] == "urne@example.org"


@pytest.mark.parametrize(
    ("answer", "is_final"), [("550 5.1.1 ada@example.org unknown", True), ("450 4.2.1 ada@example.org later", False)]
)
def test_refused_recipients_do_not_break_the_session(answer: str, is_final: bool) -> None:
    with SmtpSimulator() as server:
        server.refuse["ada@example.org"] = answer
        with smtp(server.port).session() as send:
            with pytest.raises(MailError) as caught:
                send(envelope())
            send(envelope(email="bob@example.org"))
        assert caught.value.is_final is is_final
        assert "ada" not in str(caught.value)
        assert len(server.messages) == 1


def test_a_broken_connection_concerns_the_server() -> None:
    with SmtpSimulator() as server:
        server.refuse["ada@example.org"] = "drop"
        with pytest.raises(MailServerError, match="broke off"), smtp(server.port).session() as send:
            send(envelope())


def test_refused_logins_and_dead_ports_concern_the_server() -> None:
    with SmtpSimulator() as server:
        port = server.port
        with pytest.raises(MailServerError) as caught, smtp(port, user="urne", password="secret").session():
            pass
        assert "secret" not in str(caught.value)
    with pytest.raises(MailServerError, match="cannot be reached"), smtp(port).session():
        pass


def test_unencrypted_servers_are_refused_where_encryption_is_wanted() -> None:
    with SmtpSimulator() as server:
        settings = MailSettings("127.0.0.1", "urne@example.org", port=server.port)
        transport = SmtpTransport(settings, "https://vote.example.org", lambda: datetime.now(UTC))
        with pytest.raises(MailServerError), transport.session():
            pass
        assert server.messages == []


def test_the_thread_sends_by_itself(tmp_path: Path) -> None:
    with SmtpSimulator() as server:
        server.refuse["ada@example.org"] = "drop"
        mail = MailSettings("127.0.0.1", "urne@example.org", port=server.port, security="none")
        site = SiteSimulator(tmp_path, mail=mail)
        site.services.mail.transport = smtp(server.port)
        made = site.election(voters=LIST)
        site.services.mail.start()
        site.services.outbox.send_to_voters("club", Kind.INVITATION, BATCH)
        deadline = datetime.now(UTC).timestamp() + 10
        while len(server.messages) < 2 and datetime.now(UTC).timestamp() < deadline:
            site.clock.move(seconds=16)
            site.services.mail.wake()
            site.services.mail._signal.wait(0.02)
        site.services.mail.stop()
        assert sorted(message_from_bytes(m, policy=default)["To"] for m in server.messages[:2]) == [
            "Bob <bob@example.org>",
            "dan@example.org",
        ]
        assert made.name
        assert format_moment(site.clock())
        site.close()
