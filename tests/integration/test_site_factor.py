"""The second factor: who may have a code sent, how long it holds, and that no ballot passes without its token."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bulletin_board.errors import TokenError
from bulletin_board.log import Submission
from tests.simulators.admin import AdminSite
from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import QUESTION, SiteSimulator
from voting.crypto.kdf import frame
from voting.crypto.signatures import SigningKey
from voting.election.ballots import BALLOT, EncryptedBallot
from voting.protocol.encoding import to_base64
from voting.protocol.errors import UrneError
from voting.protocol.methods.choose import ChooseSelection
from voting.protocol.moment import format_moment
from voting.site.codes import open_codes
from voting.site.election_settings import ElectionSettings
from voting.site.factor import REQUESTS_PER_DAY, REQUESTS_PER_HOUR, TRIES, FactorError

LIST = b"id,email\nada,ada@example.org\nbob,bob@example.org\ncleo,\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteSimulator]:
    made = SiteSimulator(tmp_path)
    yield made
    made.close()


@pytest.fixture
def club(site: SiteSimulator) -> HostedSimulator:
    made = site.election(voters=LIST, settings=ElectionSettings(factor="mail"))
    site.services.codes.list_credentials(made.hosted)
    made.run_ceremony()
    made.open()
    return made


def key_of(site: SiteSimulator, club: HostedSimulator, identifier: str = "ada") -> SigningKey:
    return club.credential(site.code(club, identifier))


def public(key: SigningKey) -> str:
    return to_base64(key.verify_key.raw)


def ask(
    site: SiteSimulator, club: HostedSimulator, key: SigningKey, *, late: float = 0, signer: SigningKey | None = None
) -> str:
    time = format_moment(site.clock() - timedelta(seconds=late))
    signed = frame(b"urne-v1-factor", bytes.fromhex(club.manifest.hash), time.encode("ascii"))
    signature = to_base64((signer or key).sign(signed))
    return site.services.factor.request(club.hosted, public(key), time, signature)


def mailed_code(site: SiteSimulator) -> str:
    site.deliver()
    lines = [line for line in site.mails[-1].letter.body.splitlines() if line.startswith("Your one-time code: ")]
    return lines[0].removeprefix("Your one-time code: ")


def confirm(site: SiteSimulator, club: HostedSimulator, key: SigningKey, code: str) -> str:
    return site.services.factor.confirm(club.hosted, public(key), code, signed_code(club, key, code))


def signed_code(club: HostedSimulator, key: SigningKey, code: str) -> str:
    signed = frame(b"urne-v1-factor-confirm", bytes.fromhex(club.manifest.hash), code.encode("ascii"))
    return to_base64(key.sign(signed))


def refused(code: str) -> pytest.RaisesExc[FactorError]:
    return pytest.RaisesExc(FactorError, check=lambda error: error.code == code)


def ballot(site: SiteSimulator, club: HostedSimulator, identifier: str = "ada") -> EncryptedBallot:
    return club.encrypt(site.code(club, identifier), [ChooseSelection((0,))])


def cast(club: HostedSimulator, ballot: EncryptedBallot, token: str | None) -> None:
    club.hosted.submit(Submission(BALLOT, ballot.body, ballot.hints), token)


def test_the_whole_way(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    with pytest.raises(TokenError):
        cast(club, ballot(site, club), None)
    assert ask(site, club, key) == "a•••@example.org"
    code = mailed_code(site)
    assert len(code) == 6
    assert site.mails[-1].email == "ada@example.org"
    token = confirm(site, club, key, f"{code[:3]} {code[3:]}")
    first = ballot(site, club)
    cast(club, first, token)
    cast(club, first, token)  # sent twice
    cast(club, ballot(site, club), token)  # and voting again
    assert club.hosted.look(lambda record: len(record.ballots)) == 2


def test_tokens_belong_to_one_voter_and_end(site: SiteSimulator, club: HostedSimulator) -> None:
    ada, bob = key_of(site, club), key_of(site, club, "bob")
    ask(site, club, ada)
    token = confirm(site, club, ada, mailed_code(site))
    with pytest.raises(TokenError):
        cast(club, ballot(site, club, "bob"), token)
    with pytest.raises(TokenError):
        cast(club, ballot(site, club), token + "x")
    assert site.services.factor.is_valid("club", public(ada), token)
    assert not site.services.factor.is_valid("club", public(bob), token)
    assert not site.services.factor.is_valid("other", public(ada), token)
    site.clock.move(hours=2)
    with pytest.raises(TokenError):
        cast(club, ballot(site, club), token)


def test_only_the_holder_of_the_code_can_ask(site: SiteSimulator, club: HostedSimulator) -> None:
    ada, stranger = key_of(site, club), SigningKey.from_seed(secrets.token_bytes(32))
    with refused("factor-signature"):
        ask(site, club, ada, signer=stranger)
    with refused("factor-unknown"):
        ask(site, club, stranger)
    with refused("factor-signature"):
        ask(site, club, ada, late=301)
    with refused("factor-signature"):
        ask(site, club, ada, late=-301)
    for credential, time, signature in (
        ("", "", ""),
        ("é" * 43, "é", "é"),
        (public(ada), "2026-03-02T08:00:00.000Z", "A" * 86),
    ):
        with refused("factor-signature"):
            site.services.factor.request(club.hosted, credential, time, signature)
    with refused("factor-no-address"):
        ask(site, club, key_of(site, club, "cleo"))
    assert site.deliver() == 0


def test_a_code_holds_ten_minutes_and_once(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    ask(site, club, key)
    code = mailed_code(site)
    site.clock.move(minutes=10)
    with refused("factor-expired"):
        confirm(site, club, key, code)
    ask(site, club, key)
    code = mailed_code(site)
    confirm(site, club, key, code)
    with refused("factor-expired"):
        confirm(site, club, key, code)


def test_a_new_code_makes_the_old_one_worthless(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    ask(site, club, key)
    old = mailed_code(site)
    site.clock.move(seconds=1)
    ask(site, club, key)
    new = mailed_code(site)
    assert len(site.mails) == 2
    if old != new:
        with refused("factor-wrong"):
            confirm(site, club, key, old)
    confirm(site, club, key, new)


def test_guessing_ends_after_five_tries(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    ask(site, club, key)
    code = mailed_code(site)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(TRIES):
        with refused("factor-wrong"):
            confirm(site, club, key, wrong)
    with refused("factor-too-many"):
        confirm(site, club, key, code)


def test_five_requests_an_hour(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    for _ in range(REQUESTS_PER_HOUR):
        ask(site, club, key)
        site.clock.move(seconds=1)
    with refused("factor-too-many"):
        ask(site, club, key)
    ask(site, club, key_of(site, club, "bob"))  # others are not touched
    site.clock.move(hours=1)
    ask(site, club, key)


def test_twenty_requests_a_day(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    for _ in range(REQUESTS_PER_DAY):
        ask(site, club, key)
        site.clock.move(minutes=15)
    with refused("factor-too-many"):
        ask(site, club, key)
    site.services.factor.tidy()
    with refused("factor-too-many"):
        ask(site, club, key)
    site.clock.move(hours=20)
    ask(site, club, key)


def test_no_trace_of_who_asked_when(site: SiteSimulator, club: HostedSimulator) -> None:
    key = key_of(site, club)
    ask(site, club, key)
    code = mailed_code(site)
    token = confirm(site, club, key, code)
    data = b"".join(path.read_bytes() for path in site.folder.glob("site.db*"))
    assert token.encode() not in data
    assert site.services.store.rows("SELECT count(*) FROM message") == [(0,)]
    site.clock.move(hours=25)
    site.services.factor.tidy()
    for table in ("factor_code", "factor_request", "factor_token"):
        assert site.services.store.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608


def test_elections_without_factor_need_no_token(site: SiteSimulator) -> None:
    made = site.election("plain", voters=LIST)
    site.services.codes.list_credentials(made.hosted)
    made.run_ceremony()
    made.open()
    with refused("factor-none"):
        ask(site, made, key_of(site, made))
    cast(made, ballot(site, made), None)
    with pytest.raises(UrneError):
        made.hosted.submit(Submission(BALLOT, b"not json"), None)


def test_junk_is_refused_by_the_rules_and_not_by_the_gate(site: SiteSimulator, club: HostedSimulator) -> None:
    with pytest.raises(UrneError) as caught:
        club.hosted.submit(Submission(BALLOT, b'{"content":1}'), None)
    assert not isinstance(caught.value, TokenError)


def test_a_stranger_cannot_use_up_a_voters_tries(site: SiteSimulator, club: HostedSimulator) -> None:
    ada, bob = key_of(site, club), key_of(site, club, "bob")
    ask(site, club, ada)
    code = mailed_code(site)
    for _ in range(TRIES + 1):
        with refused("factor-signature"):
            site.services.factor.confirm(club.hosted, public(ada), "000000", signed_code(club, bob, "000000"))
    assert confirm(site, club, ada, code)


def test_the_whole_way_over_http(tmp_path: Path) -> None:
    whole = AdminSite(tmp_path)
    services = whole.services
    club = HostedSimulator(tmp_path, [QUESTION], name="club", elections=services.elections)
    services.site.adopt("club", None, whole.clock.at())
    services.site.save_settings("club", ElectionSettings(factor="mail"))
    plan = services.voters.plan("club", LIST, is_whole=True)
    services.voters.carry_out("club", LIST, plan.digest, is_whole=True)
    services.codes.list_credentials(club.hosted)
    club.run_ceremony()
    club.open()
    ada = services.voters.rows.by_identifier("club", "ada")
    assert ada is not None
    code = open_codes(club.hosted).code(ada)
    key = club.credential(code)
    client = whole.app.test_client()
    data = client.get("/e/club/booth.json").get_json()
    assert data["factor"] == "mail"
    time = format_moment(whole.clock())
    signed = frame(b"urne-v1-factor", bytes.fromhex(club.manifest.hash), time.encode("ascii"))
    asked = {"credential": public(key), "time": time, "signature": to_base64(key.sign(signed))}
    answer = client.post("/e/club/factor/request", json=asked)
    assert (answer.status_code, answer.get_json()) == (200, {"hint": "a•••@example.org"})
    services.mail.work()
    found = re.search(r"one-time code: (\d{6})", whole.mail.sent[-1].letter.body)
    assert found is not None
    wrong = f"{(int(found[1]) + 1) % 10**6:06}"
    answer = client.post(
        "/e/club/factor/confirm",
        json={"credential": public(key), "code": wrong, "signature": signed_code(club, key, wrong)},
    )
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "factor-wrong")
    answer = client.post(
        "/e/club/factor/confirm",
        json={"credential": public(key), "code": found[1], "signature": signed_code(club, key, found[1])},
    )
    token = answer.get_json()["token"]
    ballot = club.encrypt(code, [ChooseSelection((0,))])
    hints = ballot.hints.decode() if ballot.hints else "null"
    entry = f'{{"attachment":{hints},"body":{ballot.body.decode()},"type":"ballot.cast"}}'.encode()
    for headers, status in (({}, 403), ({"Urne-Token": token + "x"}, 403), ({"Urne-Token": token}, 201)):
        answer = client.post("/e/club/log/entries", data=entry, content_type="application/json", headers=headers)
        assert answer.status_code == status, answer.text
    whole.close()
