"""Accounts and logins: passwords, delays that brake guessing and do not lock the owner out, sessions that end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.site import SiteSimulator
from voting.protocol.errors import InputErrors, UsageError
from voting.site import accounts
from voting.site.accounts import FREE_FAILURES, LoginDelayed, LoginError, hash_password, is_password

PASSWORD = "correct horse battery"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SiteSimulator]:
    monkeypatch.setattr(accounts, "SCRYPT_LOG_N", 10)  # the real cost has a test of its own
    made = SiteSimulator(tmp_path)
    yield made
    made.close()


def fail(site: SiteSimulator, times: int, address: str = "192.0.2.1", name: str = "ada") -> None:
    for _ in range(times):
        with pytest.raises(LoginError):
            site.services.accounts.check(name, "wrong password", address)
        site.clock.move(hours=1)


def test_real_cost_and_form() -> None:
    stored = hash_password("pässword of length", b"s" * 16)
    assert stored.startswith("scrypt$15$8$1$")
    assert is_password("pässword of length", stored)
    assert is_password("pa\u0308ssword of length", stored)
    assert not is_password("password of length", stored)
    assert not is_password("x", "nonsense")


def test_first_account_is_made_once(site: SiteSimulator) -> None:
    made = site.services.accounts.create_first()
    assert made is not None
    name, password = made
    assert site.services.accounts.check(name, password, "192.0.2.1").is_manager
    assert site.services.accounts.create_first() is None


def test_faults_of_new_accounts_come_together(site: SiteSimulator) -> None:
    with pytest.raises(InputErrors) as caught:
        site.services.accounts.create("", "short", email="nobody")
    assert {problem.where for problem in caught.value.problems} == {"name", "password", "email"}
    with pytest.raises(InputErrors):
        site.services.accounts.create("\u202eevil", PASSWORD)
    site.services.accounts.create("Ada", PASSWORD)
    with pytest.raises(UsageError):
        site.services.accounts.create("ADA", PASSWORD)


def test_names_of_accounts_cannot_be_found_out(site: SiteSimulator) -> None:
    site.services.accounts.create("ada", PASSWORD)
    said = []
    for name in ("ada", "nobody"):
        with pytest.raises(LoginError) as caught:
            site.services.accounts.check(name, "wrong password", "192.0.2.1")
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_guessing_from_one_address_becomes_slow(site: SiteSimulator) -> None:
    site.services.accounts.create("ada", PASSWORD)
    tried = 0
    for _ in range(24 * 3600):
        try:
            site.services.accounts.check("ada", "wrong password", "192.0.2.1")
        except LoginDelayed as error:
            site.clock.move(seconds=error.seconds)
        except LoginError:
            tried += 1
        if site.clock() > site.clock.start_plus(hours=24):
            break
    assert FREE_FAILURES < tried < 120


def test_a_delay_looks_at_no_password(site: SiteSimulator) -> None:
    site.services.accounts.create("ada", PASSWORD)
    for _ in range(FREE_FAILURES):
        with pytest.raises(LoginError):
            site.services.accounts.check("ada", "wrong password", "192.0.2.1")
    with pytest.raises(LoginDelayed):
        site.services.accounts.check("ada", PASSWORD, "192.0.2.1")
    site.clock.move(minutes=1)
    assert site.services.accounts.check("ada", PASSWORD, "192.0.2.1").name == "ada"


def test_strangers_cannot_lock_the_owner_out(site: SiteSimulator) -> None:
    owner = site.services.accounts.create("ada", PASSWORD)
    browser = site.services.accounts.known_browser(owner)
    for number in range(40):
        with pytest.raises(LoginError):
            site.services.accounts.check("ada", "wrong password", f"192.0.2.{number}")
    with pytest.raises(LoginDelayed):
        site.services.accounts.check("ada", PASSWORD, "198.51.100.7")
    assert site.services.accounts.check("ada", PASSWORD, "198.51.100.7", browser).id == owner.id
    # Without its known browser the owner waits half a minute at most.
    site.clock.move(seconds=31)
    assert site.services.accounts.check("ada", PASSWORD, "198.51.100.7").id == owner.id


def test_neighbours_in_one_ipv6_network_count_as_one(site: SiteSimulator) -> None:
    site.services.accounts.create("ada", PASSWORD)
    site.services.accounts.create("bob", PASSWORD)
    for number in range(FREE_FAILURES):
        with pytest.raises(LoginError):
            site.services.accounts.check("ada", "wrong password", f"2001:db8::{number:x}")
    with pytest.raises(LoginDelayed):
        site.services.accounts.check("bob", PASSWORD, "2001:db8::ffff")
    assert site.services.accounts.check("bob", PASSWORD, "2001:db8:1::1").name == "bob"


def test_known_browsers_are_braked_too_and_cannot_be_forged(site: SiteSimulator) -> None:
    owner = site.services.accounts.create("ada", PASSWORD)
    other = site.services.accounts.create("bob", PASSWORD)
    browser = site.services.accounts.known_browser(owner)
    for _ in range(FREE_FAILURES):
        with pytest.raises(LoginError):
            site.services.accounts.check("ada", "wrong password", "192.0.2.1", browser)
    with pytest.raises(LoginDelayed):
        site.services.accounts.check("ada", PASSWORD, "192.0.2.1", browser)
    fail(site, FREE_FAILURES, name="bob")
    with pytest.raises(LoginError):
        site.services.accounts.check("bob", "wrong password", "203.0.113.9")
    for forged in (browser, "label.0000", ".", "é.é"):
        with pytest.raises(LoginDelayed):
            site.services.accounts.check("bob", PASSWORD, "203.0.113.9", forged)
    assert other.id != owner.id


def test_sessions_end(site: SiteSimulator) -> None:
    ada = site.services.accounts.create("ada", PASSWORD)
    sessions = site.services.sessions
    token = sessions.begin(ada)
    site.clock.move(hours=7)
    found = sessions.find(token)
    assert found is not None
    assert found.ends == site.clock.at(hours=8)
    site.clock.move(hours=8)
    assert sessions.find(token) is None
    assert sessions.find("") is None
    token = sessions.begin(ada)
    for _ in range(27):
        assert sessions.find(token) is not None
        site.clock.move(hours=6)
    site.clock.move(hours=6)
    assert sessions.find(token) is None  # a week is the longest


def test_logout_password_change_and_lock_end_sessions(site: SiteSimulator) -> None:
    service, sessions = site.services.accounts, site.services.sessions
    ada = service.create("ada", PASSWORD)
    here, elsewhere = sessions.begin(ada), sessions.begin(ada)
    login = sessions.find(here)
    assert login is not None
    with pytest.raises(LoginError):
        service.change_password(ada, "wrong password", "another fine password")
    service.change_password(ada, PASSWORD, "another fine password", keep=login.hash)
    assert sessions.find(elsewhere) is None
    assert sessions.find(here) is not None
    sessions.end(here)
    assert sessions.find(here) is None
    third = sessions.begin(ada)
    service.rows.set_disabled(ada.id, True)
    assert sessions.find(third) is None
    with pytest.raises(LoginError):
        service.check("ada", "another fine password", "192.0.2.1")


def test_the_database_holds_no_password_and_no_session(site: SiteSimulator) -> None:
    ada = site.services.accounts.create("ada", PASSWORD)
    token = site.services.sessions.begin(ada)
    fail(site, 2, address="192.0.2.77")
    data = b"".join(path.read_bytes() for path in site.folder.glob("site.db*"))
    for secret in (PASSWORD.encode(), token.encode(), b"192.0.2.77"):
        assert secret not in data


def test_tidying_forgets_what_is_over(site: SiteSimulator) -> None:
    ada = site.services.accounts.create("ada", PASSWORD)
    site.services.sessions.begin(ada)
    fail(site, 1)
    site.clock.move(days=2)
    site.services.accounts.tidy()
    site.services.sessions.tidy()
    assert site.services.store.rows("SELECT count(*) FROM login_failure") == [(0,)]
    assert site.services.store.rows("SELECT count(*) FROM session") == [(0,)]
