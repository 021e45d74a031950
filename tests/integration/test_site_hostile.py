"""Attacks on the whole site: every route's headers, forms that eat memory, crowds, proxies, stops at bad moments.

What else is attacked, and where its test is: docs/attacks.md.
"""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from flask.testing import FlaskClient

from tests.simulators.admin import AdminSite, sound_draft
from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import QUESTION, SiteSimulator
from trustee_tools import ceremony as trustee
from trustee_tools.ceremony import TrusteeSecrets
from voting.election.ballots import EncryptedBallot
from voting.protocol.methods import ChooseSelection
from voting.site import accounts
from voting.site.accounts import LoginDelayed, LoginError
from voting.site.ballot_brake import MOST
from voting.site.voter_store import VoterStore
from voting.site.web import limiter

BLANKS = re.compile(r"<(?:[^:>]*(?:\([^)]*\))?:)?(\w+)>")
VALUES = {
    "filename": "admin.css",
    "kind": "invitation",
    "name": "club",
    "number": "1",
    "page": "vote",
    "path": "urne.css",
    "prefix": "AAAA",
    "seq": "0",
    "tile": "0/000",
    "token": "A" * 22,
}
ODD = ["-1", "9" * 20, "9" * 5000, "²", "a%00b", "\u202e", "<script>alert(1)</script>", "x" * 5000]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminSite]:
    """A site with a draft of the editor's and an election without an owner."""
    made = AdminSite(tmp_path_factory.mktemp("site"))
    made.add_draft("draft", sound_draft())
    HostedSimulator(made.settings.data, [QUESTION], name="club", elections=made.services.elections)
    made.services.site.adopt("club", made.account("editor").id, made.clock.at())
    yield made
    made.close()


@pytest.fixture
def client(site: AdminSite) -> FlaskClient:
    limiter.reset()
    return site.browser().client


def addresses(site: AdminSite, method: str) -> list[tuple[str, list[str]]]:
    """Every route's address with ordinary values, and with each of the odd ones."""

    def filled(rule: str, values: dict[str, str]) -> str:
        return BLANKS.sub(lambda blank: values[blank.group(1)], rule)

    found = []
    for rule in site.app.url_map.iter_rules():
        if method in (rule.methods or ()):
            odd = [{**VALUES, name: quote(value, safe="%")} for name in sorted(rule.arguments) for value in ODD]
            found.append((filled(rule.rule, VALUES), [filled(rule.rule, values) for values in odd]))
    return found


# -- every route -------------------------------------------------------------------------------------------------------


def test_every_answer_bears_the_security_headers(site: AdminSite, client: FlaskClient) -> None:
    asked = 0
    for method in ("GET", "POST", "OPTIONS"):
        for usual, _odd in addresses(site, method):
            answer = client.open(usual, method=method)
            asked += 1
            headers, where = answer.headers, f"{method} {usual}: {answer.status}"
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, where
            assert "unsafe" not in policy, where
            # The verifier may be pointed at a board anywhere, and runs nothing but its own script.
            if usual in {"/verify", "/verify/urne-verifier.html"} and method == "GET":
                assert "script-src 'sha256-" in policy, where
            else:
                assert "http:" not in policy, where
            assert "*" not in policy, where
            is_preview = "self" in policy.partition("frame-ancestors")[2]
            assert not is_preview or usual.endswith("/questions/1/practice"), where
            assert is_preview or "frame-ancestors 'none'" in policy, where
            assert headers["X-Frame-Options"] == ("SAMEORIGIN" if is_preview else "DENY"), where
            assert headers["X-Content-Type-Options"] == "nosniff", where
            assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, where
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
            if not usual.startswith("/admin/static/") and usual.startswith(("/admin", "/preview")):
                assert "no-store" in headers["Cache-Control"], where
            answer.close()
    assert asked > 150


def test_odd_addresses_and_values_are_answered_in_words(site: AdminSite, client: FlaskClient) -> None:
    names = ("page", "start", "stop", "index", "size", "old", "new", "body", "tracker", "entry", "lang", "texts")
    for usual, odd in addresses(site, "GET"):
        questions = [f"{usual}?{name}={quote(value, safe='%')}" for name in names for value in ODD[1:4]]
        for address in [*odd, *questions]:
            answer = client.get(address)
            assert answer.status_code < 500, address[:200]
            if answer.mimetype == "text/html":
                assert "<script>alert" not in answer.text, address[:200]
            answer.close()


def test_odd_forms_are_answered_in_words(site: AdminSite) -> None:
    browser = site.browser()
    token = browser.get("/admin/new").form("Make").fields["csrf_token"]
    fields = ("do", "attempt", "exclude", "closes", "deletion", "batch", "whom", "page", "voters", "account", "count")
    odd = ["9" * 20, "9" * 5000, "²", "a\0b", "\u202e", "remove:²", "up:99999999999999999999", "add-option:1.2.3"]
    for usual, strange in addresses(site, "POST"):
        if "logout" in usual:
            continue
        forms = [{"csrf_token": token, "confirm": "club", field: value} for field in fields for value in odd]
        for address, form in [*((a, forms[0]) for a in strange), *((usual, f) for f in forms)]:
            limiter.reset()
            answer = browser.client.post(address, data=form)
            assert answer.status_code < 500, (address[:200], form)
            answer.close()


def test_no_answer_names_a_place_on_the_servers_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = AdminSite(tmp_path)
    made = HostedSimulator(site.settings.data, [QUESTION], name="club", elections=site.services.elections)
    made.elections.close()
    (site.settings.elections / "club" / "keys" / "board.key").chmod(0o644)
    for page in ("/e/club", "/e/club/booth.json", "/e/club/log/entries", "/e/club/results"):
        answer = site.app.test_client().open(
            page, method="POST" if page.endswith("entries") else "GET", json={"type": "x", "body": {}}
        )
        assert answer.status_code == 503, page
        assert str(tmp_path) not in answer.text
        assert "chmod" not in answer.text
    site.close()


def test_every_form_needs_its_token(site: AdminSite, client: FlaskClient) -> None:
    """All but those that look at no cookie: the board's interface and the second factor."""
    before = site.services.site.all()
    for usual, _odd in addresses(site, "POST"):
        limiter.reset()
        answer = client.post(usual, data={"do": "save", "confirm": "club", "csrf_token": "guess"})
        if "/log/" in usual or "/factor/" in usual:
            assert not answer.headers.getlist("Set-Cookie")
            assert answer.status_code in {400, 415}
        else:
            assert answer.status_code == 400, usual
            assert "Nothing was changed" in answer.text
    assert site.services.site.all() == before


def test_what_nobody_foresaw_is_logged_without_what_was_typed(
    site: AdminSite, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(_rows: object, _election: str, words: str, *_more: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(VoterStore, "page", fault)
    browser = site.browser()
    token = browser.get("/admin/new").form("Make").fields["csrf_token"]
    form = {"csrf_token": token, "words": "planted name"}
    answer = browser.client.post("/admin/e/club/voters/find", data=form)
    assert answer.status_code == 500
    assert "Something is wrong with this site" in answer.text
    assert "RuntimeError" in caplog.text
    assert "planted" not in caplog.text + answer.text


# -- eating memory -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"a&" * 4_000_000, b"a=b&" * 100_000, b"a=" + b"%41" * 3_000_000])
def test_forms_with_too_many_fields_are_not_taken_apart(
    site: AdminSite, client: FlaskClient, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field costs a hundred bytes and more: a form of 16 MiB would take 700 MB."""
    begun = time.process_time()
    for address in ("/admin/login", "/preview/AAAAAAAAAAAAAAAAAAAAAA/", "/admin/e/draft/general"):
        answer = client.post(address, data=content, content_type=FORM)
        assert answer.status_code == 413, address
        assert "too long" in answer.text
    assert time.process_time() - begun < 1


def test_one_voter_cannot_fill_the_board(tmp_path: Path) -> None:
    site = AdminSite(tmp_path)
    club = HostedSimulator(site.settings.data, [QUESTION], name="club", elections=site.services.elections)
    club.run_ceremony()
    flood, other = club.give_codes([1, 1])
    club.open()
    client = site.app.test_client()
    limiter.reset()

    def post(ballot: EncryptedBallot, body: bytes | None = None) -> int:
        content = b'{"attachment":%b,"body":%b,"type":"ballot.cast"}' % (ballot.hints, body or ballot.body)
        return client.post("/e/club/log/entries", data=content, content_type="application/json").status_code

    first = club.encrypt(flood, [ChooseSelection((1,))])
    # A stranger who sends ballots in a voter's name, without the voter's signature, uses up nothing.
    for number in range(MOST + 1):
        forged = first.body.replace(b'"signature":"', b'"signature":"%c' % (65 + number))[:-3] + b'"}'
        assert post(first, forged) in {400, 409}
    statuses = [post(first)] + [post(club.encrypt(flood, [ChooseSelection((1,))])) for _again in range(MOST)]
    assert statuses == [201] * MOST + [429]
    assert post(first) == 200  # what was lost on the way may be sent again
    assert post(club.encrypt(other, [ChooseSelection((0,))])) == 201
    site.clock.move(hours=1)
    assert post(club.encrypt(flood, [ChooseSelection((0,))])) == 201
    site.close()


# -- guessing ----------------------------------------------------------------------------------------------------------


def test_looking_up_and_sending_without_end_is_braked(site: AdminSite, client: FlaskClient) -> None:
    """A voter code has 120 bits, so that nobody finds one; but nobody may keep the site busy with trying either."""
    lookups = {client.get("/e/club/credentials/AAAA").status_code for _guess in range(1201)}
    assert lookups == {200, 429}
    posts = [client.post("/e/club/log/entries", json={"type": "x", "body": {}}) for _try in range(601)]
    assert posts[-1].status_code == 429
    assert posts[-1].headers["Retry-After"]
    assert {answer.status_code for answer in posts} == {400, 429}
    for path in ("request", "confirm"):
        codes = {client.post(f"/e/club/factor/{path}", json={}).status_code for _try in range(601)}
        assert codes == {400, 429}
    limiter.reset()


def test_logins_do_not_take_the_threads_that_voters_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SiteSimulator(tmp_path)
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(_password: str, _stored: str) -> bool:
        begun.release()
        return not go_on.wait(20)

    monkeypatch.setattr(accounts, "is_password", slow)
    monkeypatch.setattr(accounts, "SCRYPT_LOG_N", 4)

    def guess(number: int) -> None:
        with pytest.raises(LoginError):
            made.services.accounts.check(f"name {number}", "guess", f"192.0.2.{number}")

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
        assert begun.acquire(timeout=10)
    with pytest.raises(LoginDelayed):
        made.services.accounts.check("owner", "right", "198.51.100.1")
    go_on.set()
    for thread in threads:
        thread.join()
    with pytest.raises(LoginError, match="do not belong together"):
        made.services.accounts.check("owner", "right", "198.51.100.1")
    made.close()


# -- cookies -----------------------------------------------------------------------------------------------------------


def test_a_sister_site_cannot_lend_its_form_token(tmp_path: Path) -> None:
    """A site on another name below the same domain may set cookies for the domain: not those with `__Host-`."""
    site = AdminSite(tmp_path, address="https://vote.example.org")
    answer = site.app.test_client().get("/admin/login", base_url="https://vote.example.org")
    names = [cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")]
    assert names == ["__Host-urne"]
    (cookie,) = answer.headers.getlist("Set-Cookie")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in cookie
    assert "Domain" not in cookie
    site.close()


# -- a crowd, and a proxy ----------------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """`urne serve` in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", "from voting.cli import main; main()", "serve", str(folder),
         "--listen", "127.0.0.1:0", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "Listening" in line)
        yield re.search(r"http://[0-9.]+:[0-9]+", line).group()  # type: ignore[union-attr]
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_a_crowd_and_its_real_addresses(tmp_path: Path) -> None:
    """400 open connections, as of 70 voters' browsers, and a proxy in front of them."""
    with served(tmp_path / "site", "--behind-proxy") as address:
        host, _colon, port = address.removeprefix("http://").partition(":")
        idle = [socket.create_connection((host, int(port))) for _voter in range(400)]
        try:
            assert httpx.get(address, timeout=10).status_code == 200
        finally:
            for connection in idle:
                connection.close()

        def guess(client_address: str, name: str) -> int:
            with httpx.Client(base_url=address, headers={"X-Forwarded-For": client_address}) as browser:
                page = browser.get("/admin/login").text
                token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)  # type: ignore[union-attr]
                form = {"csrf_token": token, "name": name, "password": "guess"}
                return browser.post("/admin/login", data=form).status_code

        guesses = [guess("192.0.2.1", f"name {number}") for number in range(6)]
        assert guesses[-1] == 429
        assert guess("198.51.100.7", "another") == 403


# -- strangers in the ceremony -----------------------------------------------------------------------------------------


def test_a_stranger_cannot_take_a_trustees_place(tmp_path: Path) -> None:
    site = AdminSite(tmp_path)
    club = HostedSimulator(site.settings.data, [QUESTION], name="club", elections=site.services.elections)
    site.services.site.adopt("club", site.account("editor").id, site.clock.at())
    invitations = site.services.invitations
    limiter.reset()

    def join(place: int, token: str | None, name: str = "club") -> int:
        hosted = site.services.elections.get(name)
        manifest = hosted.look(lambda record: record.require_manifest())
        secrets_of = TrusteeSecrets(secrets.token_bytes(32), manifest, place)
        step = hosted.look(lambda record: trustee.join(secrets_of, record.require_ceremony(), record.last_time))
        content = b'{"body":%b,"type":"trustee.joined"}' % step.body
        headers = {"Urne-Token": token} if token else {}
        return (
            site.app.test_client()
            .post(f"/e/{name}/log/entries", data=content, content_type="application/json", headers=headers)
            .status_code
        )

    codes = {place: invitations.code("club", place) for place in (1, 2, 3)}
    assert len(set(codes.values()) | {invitations.code("other", 1)}) == 4
    for wrong in (None, "guess", "é", codes[2], invitations.code("other", 1)):
        assert join(1, wrong) == 403
    assert club.hosted.look(lambda record: record.entries) == 1
    assert [join(place, code) for place, code in codes.items()] == [201] * 3
    # Where nobody here invites them, they come by themselves.
    HostedSimulator(site.settings.data, [QUESTION], name="command", elections=site.services.elections)
    assert join(1, None, "command") == 201
    # The code stands in the letter and on the administrator's page, and on no other.
    assert codes[1] in site.browser().get("/admin/e/club/ceremony").text
    for page in ("/e/club", "/e/club/keys", "/e/club/booth.json", "/e/club/log/bodies"):
        assert codes[1] not in site.app.test_client().get(page).text
    site.close()
