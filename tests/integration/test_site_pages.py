"""The pages of logins, accounts, voters and messages, with a browser that has no scripts, and with hostile input."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.admin import AdminSite, Trustees, sound_draft, vote
from tests.simulators.browser_without_scripts import Form, Page, PlainBrowser
from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import QUESTION
from voting.admin import voter_pages
from voting.election.steps import open_election
from voting.protocol.methods import ChooseSelection
from voting.site import accounts
from voting.site.accounts import FREE_FAILURES
from voting.site.election_settings import ElectionSettings
from voting.site.letters import EXAMPLE_CODE
from voting.site.web import limiter

LIST = (
    "id,name,email,weight\nada,Ada,ada@example.org,1\nbob,<script>alert(1)</script>,bob@example.org,2\ncleo,Cleo,,1\n"
)
VOTERS = "/admin/e/club/voters"
PASSWORD = "a long pass phrase for tests"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdminSite]:
    monkeypatch.setattr(accounts, "SCRYPT_LOG_N", 10)
    made = AdminSite(tmp_path)
    limiter.reset()  # it counts for all sites of this process
    give_passwords(made)
    yield made
    made.close()


@pytest.fixture
def frozen(site: AdminSite) -> AdminSite:
    """An election `club` of the editor's, with a board and three voters."""
    HostedSimulator(site.settings.data, [QUESTION], name="club", elections=site.services.elections)
    owner = next(a.id for a in site.services.accounts.rows.all() if a.name == "editor")
    site.services.site.adopt("club", owner, site.clock.at())
    plan = site.services.voters.plan("club", LIST.encode(), is_whole=True)
    site.services.voters.carry_out("club", LIST.encode(), plan.digest, is_whole=True)
    return site


def give_passwords(site: AdminSite) -> None:
    for name in ("editor", "other"):
        site.services.accounts.set_password(site.account(name).id, PASSWORD)


def log_in(site: AdminSite, name: str, password: str, browser: PlainBrowser | None = None) -> Page:
    browser = browser or PlainBrowser(site.app.test_client())
    return browser.get("/admin/login").form("Log in").fill(name=name, password=password).press("Log in")


def foot_form(page: Page, action: str) -> Form:
    return next(form for form in page.forms if form.action == action)


# -- logging in --------------------------------------------------------------------------------------------------------


def test_every_page_needs_a_login(frozen: AdminSite) -> None:
    client = frozen.app.test_client()
    open_pages = {"admin.show_login", "admin.log_in", "admin.log_out", "admin.static"}
    checked = 0
    for rule in frozen.app.url_map.iter_rules():
        if rule.endpoint.startswith("admin.") and rule.endpoint not in open_pages:
            path = str(rule)
            for argument, value in (("<name>", "club"), ("<int:number>", "1"), ("<kind>", "invitation")):
                path = path.replace(argument, value)
            path = re.sub(r"<[^>]+>", "1", path)
            if "GET" in (rule.methods or set()):
                answer = client.get(path)
                assert answer.status_code in {302, 308}, path
                assert "/admin/login" in answer.location or answer.location.endswith("/"), path
                checked += 1
            else:
                assert client.post(path).status_code == 400, path  # no token of a form
    assert checked > 20


def test_a_login_goes_where_it_was_asked_from(site: AdminSite) -> None:
    browser = PlainBrowser(site.app.test_client())
    page = browser.get("/admin/account")
    assert page.path.startswith("/admin/login")
    page = page.form("Log in").fill(name="editor", password=PASSWORD).press("Log in")
    assert page.path == "/admin/account"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/admin/\\evil",
        "javascript:alert(1)",
        "/admin/login",
    ],
)
def test_a_login_leads_to_no_other_site(site: AdminSite, target: str) -> None:
    browser = PlainBrowser(site.app.test_client())
    page = browser.get("/admin/login").form("Log in").fill(name="editor", password=PASSWORD, next=target)
    assert page.press("Log in", follow=False).headers["Location"] == "/admin/"


def test_cookies_are_as_they_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "SCRYPT_LOG_N", 10)
    site = AdminSite(tmp_path, address="https://vote.example.org")
    give_passwords(site)
    client = site.app.test_client()
    page = client.get("/admin/login", base_url="https://vote.example.org")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    answer = client.post(
        "/admin/login",
        data={"csrf_token": token[1], "name": "editor", "password": PASSWORD},
        base_url="https://vote.example.org",
    )
    cookies = {cookie.split("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}
    login = cookies["__Host-urne-login"]
    assert all(word in login for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in login
    assert "SameSite=Strict" in cookies["urne-browser"]
    assert PASSWORD not in answer.text
    site.close()


def test_a_new_login_has_a_new_number_and_logout_kills_it(site: AdminSite) -> None:
    browser = site.browser()
    old = browser.client.get_cookie("urne-login")
    assert old is not None
    page = foot_form(browser.get("/admin/account"), "/admin/logout").press()
    assert page.path.startswith("/admin/login")
    browser.client.set_cookie("urne-login", old.value)
    assert browser.get("/admin/account").path.startswith("/admin/login")
    log_in(site, "editor", PASSWORD, browser)
    new = browser.client.get_cookie("urne-login")
    assert new is not None
    assert new.value != old.value


def test_wrong_passwords_are_braked(site: AdminSite) -> None:
    browser = PlainBrowser(site.app.test_client())
    for _ in range(FREE_FAILURES):
        page = log_in(site, "editor", "wrong password", browser)
        assert page.status == 403
        assert "wrong password" not in page.text
    page = log_in(site, "editor", PASSWORD, browser)
    assert page.status == 429
    assert "Wait 1 seconds" in page.text
    site.clock.move(seconds=2)
    assert log_in(site, "editor", PASSWORD, browser).path == "/admin/"


def test_forms_without_token_change_nothing(site: AdminSite) -> None:
    browser = site.browser()
    answer = browser.client.post(
        "/admin/account/password", data={"old": PASSWORD, "password": "x" * 20, "again": "x" * 20}
    )
    assert answer.status_code == 400
    assert log_in(site, "editor", PASSWORD).path == "/admin/"


def test_an_idle_login_ends_with_a_word_and_can_be_extended(site: AdminSite) -> None:
    browser = site.browser()
    page = browser.get("/admin/account")
    assert 'id="login-warning"' in page.html
    site.clock.move(hours=7, minutes=59)
    answer = foot_form(page, "/admin/extend").press()
    assert "You stay logged in" in answer.text
    site.clock.move(hours=7, minutes=59)
    assert browser.get("/admin/account").path == "/admin/account"
    site.clock.move(hours=8)
    page = browser.get("/admin/account")
    assert page.path.startswith("/admin/login")
    assert "Your login has ended" in page.text


# -- accounts ----------------------------------------------------------------------------------------------------------


def test_changing_the_password(site: AdminSite) -> None:
    browser, elsewhere = site.browser(), site.browser()
    form = browser.get("/admin/account").form("Change the password")
    page = form.fill(old="wrong", password="a wholly new password", again="a wholly new password").press()
    assert page.status == 400
    form = page.form("Change the password")
    page = form.fill(old=PASSWORD, password="short", again="other").press()
    assert page.status == 400
    assert page.text.count("fewer than 12") >= 1
    form = page.form("Change the password")
    page = form.fill(old=PASSWORD, password="a wholly new password", again="a wholly new password").press()
    assert "The password is changed" in page.text
    assert elsewhere.get("/admin/account").path.startswith("/admin/login")
    assert log_in(site, "editor", "a wholly new password").path == "/admin/"


def test_a_manager_makes_locks_and_resets_accounts(site: AdminSite) -> None:
    site.services.accounts.create("boss", PASSWORD, is_manager=True)
    manager = PlainBrowser(site.app.test_client())
    log_in(site, "boss", PASSWORD, manager)
    page = manager.get("/admin/accounts").form("Add").fill(name="new one").press("Add")
    made = re.search(r"[a-z]{5}(-[a-z]{5}){4}", page.text)
    assert made is not None
    assert log_in(site, "new one", made[0]).path == "/admin/"
    assert "another account" in manager.get("/admin/accounts").form("Add").fill(name="NEW one").press("Add").text
    account = site.services.accounts.rows.by_name("new one")
    assert account is not None
    browser = PlainBrowser(site.app.test_client())
    log_in(site, "new one", made[0], browser)
    change = next(f for f in manager.get("/admin/accounts").forms if f.action.endswith(f"/{account.id}"))
    change.press("disable")
    assert browser.get("/admin/account").path.startswith("/admin/login")
    assert log_in(site, "new one", made[0]).status == 403
    # Nobody else may.
    assert site.browser().get("/admin/accounts").status == 404


def test_sharing_an_election(frozen: AdminSite) -> None:
    owner, other = frozen.browser(), frozen.browser("other")
    assert other.get(VOTERS).status == 404
    page = owner.get("/admin/e/club/people").form("Add").fill(who="nobody").press("Add")
    assert page.status == 400
    page = page.form("Add").fill(who="Other").press("Add")
    assert "other" in page.text
    assert other.get(VOTERS).status == 200
    assert "Only the owner" in other.get("/admin/e/club/people").text
    owner.get("/admin/e/club/people").form("Remove").press("Remove")
    assert other.get(VOTERS).status == 404


# -- voters ------------------------------------------------------------------------------------------------------------


def test_import_by_pasting_looks_first(site: AdminSite) -> None:
    site.add_draft("club", sound_draft())
    browser = site.browser()
    page = (
        browser.get(VOTERS)
        .follow("Import a list")
        .form("Look")
        .fill(pasted="id,email\nada,nonsense\n,x@y\n")
        .press("Look")
    )
    assert page.status == 400
    assert "line 2" in page.text
    assert "ada,nonsense" in page.html  # nothing typed is lost
    page = page.form("Look").fill(pasted=LIST).press("Look")
    assert page.path == f"{VOTERS}/import/look"
    assert "<script>alert" not in page.html
    assert "&lt;script&gt;" in page.html
    assert site.services.voters.counts("club").voters == 0
    stale = page.form("Import these 3 voters")
    page = stale.press("Import these 3 voters")
    assert "3 voters" in page.text
    assert site.services.voters.counts("club") == (3, 4, 0, 1)
    page = stale.press("Import these 3 voters")  # the same form again
    assert "imported already" in page.text


def test_import_of_a_file_with_all_faults_at_once(site: AdminSite) -> None:
    site.add_draft("club", sound_draft())
    browser = site.browser()
    token = browser.get(f"{VOTERS}/import").form("Look").fields["csrf_token"]
    rows = b"".join(b"v%d,not an address %d\n" % (n, n) for n in range(300))
    answer = browser.client.post(
        f"{VOTERS}/import",
        data={"csrf_token": token, "mode": "whole", "file": (io.BytesIO(b"id,email\n" + rows), "voters.csv")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 400
    assert "200 more faults" in answer.text
    assert "not an address 5" not in answer.text
    for junk in (b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\0\0\0", b"", b"id\n" + b"x" * 5000):
        answer = browser.client.post(
            f"{VOTERS}/import",
            data={"csrf_token": token, "mode": "whole", "file": (io.BytesIO(junk), "<script>.csv")},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 400
        assert "<script>" not in answer.text
    assert site.services.voters.counts("club").voters == 0


def test_one_voter_by_hand(frozen: AdminSite) -> None:
    browser = frozen.browser()
    page = browser.get(VOTERS).follow("Add a voter").form("Save").fill(id="ada", weight="many", email="x").press("Save")
    assert page.status == 400
    page = page.form("Save").fill(id="ada", weight="1", email="").press("Save")
    assert "taken by another voter" in page.text
    page = page.form("Save").fill(id="dan", language="fr").press("Save")
    assert page.path == VOTERS
    page = page.follow("dan").form("Save").fill(name="Dan", email="dan@example.org").press("Save")
    assert "Saved" in page.text
    page = page.form("Remove this voter").press("remove")
    assert frozen.services.voters.rows.by_identifier("club", "dan") is None
    assert browser.get(f"{VOTERS}/999").status == 404


def test_searching_names_stands_in_no_address(frozen: AdminSite) -> None:
    page = frozen.browser().get(VOTERS).form("Find").fill(words="cle").press("Find")
    assert "Cleo" in page.text
    assert "bob" not in page.text
    assert "cle" not in page.path.lower()


def test_codes_from_credentials_to_letters(frozen: AdminSite) -> None:
    browser = frozen.browser()
    page = browser.get(VOTERS).follow("ada")
    page = page.form("Replace the code").press("replace")
    assert "worthless" in page.text
    page = browser.get(VOTERS).follow("Publish the credentials").form("Publish 3").press("Publish 3")
    assert "3 credentials of weight 4" in page.text
    page = page.form("Show letters").press("page")
    letters = re.findall(r"[0-9A-Z]{5}(?:-[0-9A-Z]{5}){4}", page.html)
    assert len(set(letters)) == 1  # cleo has no mail address
    assert page.headers["Cache-Control"] == "no-store"
    table = browser.get(VOTERS).form("Show letters").fill(whom="all").press("file")
    assert table.headers["Content-Disposition"].startswith("attachment")
    assert len(re.findall(r"[0-9A-Z]{5}(?:-[0-9A-Z]{5}){4}", table.html)) == 3
    page = browser.get(VOTERS).follow("ada")
    assert not any("Replace" in button[2] for form in page.forms for button in form.buttons)
    # A stale form of before changes nothing.
    token = page.form("Save").fields["csrf_token"]
    number = page.path.rsplit("/", 1)[1]
    answer = browser.client.post(f"{VOTERS}/{number}", data={"csrf_token": token, "do": "replace"})
    assert answer.status_code == 400
    answer = browser.client.post(f"{VOTERS}/{number}", data={"csrf_token": token, "do": "remove"})
    assert answer.status_code == 400
    assert frozen.services.voters.counts("club").listed == 3


def test_many_credentials_are_made_meanwhile(frozen: AdminSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voter_pages, "AT_ONCE", 2)
    form = frozen.browser().get(f"{VOTERS}/credentials").form("Publish 3")
    page = form.press("Publish 3")
    assert page.path == f"{VOTERS}/credentials"
    frozen.desk.jobs.wait("credentials club", 20)
    assert "All voters have their credential" in form.press("Publish 3").text
    assert frozen.services.voters.counts("club").listed == 3


def test_outside_authorities_upload_files(frozen: AdminSite) -> None:
    frozen.services.site.save_settings("club", ElectionSettings(authority="outside"))
    browser = frozen.browser()
    page = browser.get(VOTERS)
    assert "outside authority" in page.text
    assert "outside authority" in browser.get("/admin/e/club/mail").text
    token = page.follow("Upload").form("Publish").fields["csrf_token"]
    answer = browser.client.post(
        f"{VOTERS}/credentials",
        data={"csrf_token": token, "files": (io.BytesIO(b"{}"), "<b>keys.json")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 400
    assert "<b>keys" not in answer.text
    answer = browser.client.post(f"{VOTERS}/credentials", data={"csrf_token": token})
    assert answer.status_code == 400


# -- messages ----------------------------------------------------------------------------------------------------------


def test_sending_invitations(frozen: AdminSite) -> None:
    browser = frozen.browser()
    page = browser.get("/admin/e/club/mail").follow("Invitation with voter code")
    assert EXAMPLE_CODE in page.text
    assert "Votre code de vote" in page.text
    sample = page.form("Send me a sample").press("sample")
    assert "sample" in sample.text
    assert frozen.mail.sent[-1].email == "editor@example.org"
    assert EXAMPLE_CODE in frozen.mail.sent[-1].letter.body
    form = page.form("Send to all 2")
    page = form.press("all")
    assert "2 messages are in the outbox" in page.text
    form.press("all")  # sent twice
    frozen.services.mail.work()
    assert sorted(mail.email for mail in frozen.mail.sent[1:]) == ["ada@example.org", "bob@example.org"]
    page = browser.get("/admin/e/club/mail/invitation?state=sent")
    assert "ada" in page.text
    assert "cleo" not in page.text
    page = page.form("Send ada").press("Send")
    frozen.services.mail.work()
    assert frozen.mail.sent[-1].email == "ada@example.org"
    assert len(frozen.mail.sent) == 4


def test_a_changed_number_of_recipients_is_shown_again(frozen: AdminSite) -> None:
    browser = frozen.browser()
    form = browser.get("/admin/e/club/mail/invitation").form("Send to all 2")
    browser.get(VOTERS).follow("Add a voter").form("Save").fill(id="dan", email="dan@example.org").press("Save")
    assert "has changed" in form.press("all").text
    assert frozen.services.outbox.rows.waiting() == 0


def test_reminders_show_no_names(frozen: AdminSite) -> None:
    hosted = frozen.services.elections.get("club")
    frozen.services.codes.list_credentials(hosted)
    Trustees(hosted).make_key()
    hosted.act(lambda record, key, time: open_election(record, key, time))
    vote(frozen, "club", "ada", [ChooseSelection((0,))])
    browser = frozen.browser()
    page = browser.get("/admin/e/club/mail/reminder")
    assert "Send to the 1 voters who have not voted" in page.text
    page.form("Send to the 1").press("all")
    frozen.services.mail.work()
    assert [mail.email for mail in frozen.mail.sent] == ["bob@example.org"]
    page = browser.get("/admin/e/club/mail/reminder")
    assert "bob" not in page.text
    token = page.forms[0].fields["csrf_token"]
    voter = frozen.services.voters.rows.by_identifier("club", "bob")
    assert voter is not None
    answer = browser.client.post(
        f"/admin/e/club/mail/reminder/{voter.id}", data={"csrf_token": token, "batch": "0" * 16}
    )
    assert answer.status_code == 404


def test_messages_of_other_phases_and_kinds(frozen: AdminSite) -> None:
    browser = frozen.browser()
    page = browser.get("/admin/e/club/mail/result")
    assert "cannot be sent now" in page.text
    token = page.forms[0].fields["csrf_token"]
    for kind, status in (("result", 400), ("factor", 404), ("trustee-move", 404), ("nonsense", 404)):
        data = {"csrf_token": token, "do": "all", "batch": "0" * 16, "count": "2"}
        assert browser.client.post(f"/admin/e/club/mail/{kind}", data=data).status_code == status
    data = {"csrf_token": token, "do": "all", "batch": "../../../x", "count": "2"}
    assert browser.client.post("/admin/e/club/mail/invitation", data=data).status_code == 400
    assert frozen.services.outbox.rows.waiting() == 0


def test_all_pages_speak_french(frozen: AdminSite) -> None:
    browser = frozen.browser()
    for path in (VOTERS, f"{VOTERS}/import", f"{VOTERS}/credentials", "/admin/e/club/mail", "/admin/account"):
        page = browser.get(f"{path}?lang=fr")
        assert page.status == 200
        assert 'lang="fr"' in page.html
