"""Voters and their codes: lists imported whole or not at all; codes derived, replaced, listed, or made outside."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import SiteSimulator
from voting.crypto.signatures import SigningKey
from voting.election.credentials import derive_credential, generate_code, parse_code
from voting.election.steps import list_credentials
from voting.message_file import write_message_file
from voting.protocol.encoding import to_base64
from voting.protocol.errors import DecodeError, InputErrors, UrneError, UsageError
from voting.protocol.methods.choose import ChooseSelection
from voting.site.codes import Codes, derive_code, has_authority, open_codes
from voting.site.election_settings import ElectionSettings
from voting.site.voter_store import VoterRow
from voting.voter_list import Voter

LIST = b"id,name,email,weight,language\nada,Ada,ada@example.org,1,en\nbob,Bob,bob@example.org,2,fr\ncleo,Cleo,,1,\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteSimulator]:
    made = SiteSimulator(tmp_path)
    yield made
    made.close()


@pytest.fixture
def club(site: SiteSimulator) -> HostedSimulator:
    return site.election(voters=LIST)


def voter(site: SiteSimulator, identifier: str, name: str = "club") -> VoterRow:
    found = site.services.voters.rows.by_identifier(name, identifier)
    assert found is not None
    return found


# -- lists -------------------------------------------------------------------------------------------------------------


def test_a_plan_says_what_changes_and_changes_nothing(site: SiteSimulator, club: HostedSimulator) -> None:
    new = b"id,name,email,weight,language\nADA,Ada B.,ada@example.org,1,en\nbob,Bob,bob@example.org,2,fr\ndan,,,1,\n"
    before = list(site.services.voters.rows.each("club"))
    plan = site.services.voters.plan("club", new, is_whole=True)
    assert list(site.services.voters.rows.each("club")) == before
    assert [v.identifier for v in plan.added] == ["dan"]
    assert [(c.old.identifier, c.new.identifier) for c in plan.changed] == [("ada", "ADA")]
    assert [v.identifier for v in plan.removed] == ["cleo"]
    assert (plan.voters, plan.weight, plan.unchanged) == (3, 4, 1)
    assert site.services.voters.plan("club", new, is_whole=False).removed == ()
    site.services.voters.carry_out("club", new, plan.digest, is_whole=True)
    assert [v.identifier for v in site.services.voters.rows.each("club")] == ["ADA", "bob", "dan"]
    assert voter(site, "ada").id == before[0].id  # the code stays the same


def test_faulty_lists_change_nothing_and_name_every_line(site: SiteSimulator, club: HostedSimulator) -> None:
    hostile = (
        "id,email\n<script>alert(1)</script>,a@example.org\n"
        "\u202eevil,b@example.org\n" + "x" * 5000 + ",c@example.org\nok,not an address\n=1+1,d@example.org\n"
    )
    with pytest.raises(InputErrors) as caught:
        site.services.voters.plan("club", hostile.encode(), is_whole=True)
    assert {problem.where for problem in caught.value.problems} == {"line 3", "line 4", "line 5", "line 6"}
    assert "not an address" not in str(caught.value)
    assert "evil" not in str(caught.value)
    assert site.services.voters.counts("club").voters == 3


def test_only_what_was_shown_is_done(site: SiteSimulator, club: HostedSimulator) -> None:
    new = b"id\ndan\n"
    plan = site.services.voters.plan("club", new, is_whole=True)
    site.services.voters.add("club", Voter("eve"))
    with pytest.raises(UsageError, match="changed meanwhile"):
        site.services.voters.carry_out("club", new, plan.digest, is_whole=True)
    assert site.services.voters.counts("club").voters == 4


def test_the_export_can_be_imported(site: SiteSimulator, club: HostedSimulator) -> None:
    plan = site.services.voters.plan("club", site.services.voters.export("club"), is_whole=True)
    assert (plan.added, plan.changed, plan.removed, plan.unchanged) == ((), (), (), 3)


def test_single_voters_obey_the_rules_of_lists(site: SiteSimulator, club: HostedSimulator) -> None:
    for bad in (
        Voter(""),
        Voter("a\nb"),
        Voter("x", email="two words@example.org"),
        Voter("x", weight=10**13),
        Voter("x", language="klingon!"),
        Voter("x\u200b"),
        Voter("ADA"),
    ):
        with pytest.raises(InputErrors):
            site.services.voters.add("club", bad)
    assert site.services.voters.counts("club").voters == 3


def test_listed_voters_stay(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.codes.list_credentials(club.hosted)
    ada = voter(site, "ada")
    with pytest.raises(UsageError):
        site.services.voters.remove(ada)
    with pytest.raises(InputErrors):
        site.services.voters.change(ada, Voter("ada", weight=5))
    with pytest.raises(InputErrors):
        site.services.voters.plan("club", b"id\nbob\n", is_whole=True)
    site.services.voters.change(ada, Voter("ada", "Ada L.", "new@example.org", 1, "fr"))
    assert voter(site, "ada").email == "new@example.org"
    assert voter(site, "ada").is_listed


def test_the_list_is_final_when_voting_opens(site: SiteSimulator, club: HostedSimulator) -> None:
    club.run_ceremony()
    site.services.codes.list_credentials(club.hosted)
    club.open()
    with pytest.raises(UsageError):
        site.services.voters.add("club", Voter("dan"))
    with pytest.raises(InputErrors):
        site.services.voters.plan("club", LIST + b"dan,,,1,\n", is_whole=True)
    plan = site.services.voters.plan("club", LIST.replace(b"Cleo,,", b"Cleo,cleo@example.org,"), is_whole=True)
    assert len(plan.changed) == 1


# -- codes -------------------------------------------------------------------------------------------------------------


def test_codes_are_derived_and_vote(site: SiteSimulator, club: HostedSimulator) -> None:
    outcome = site.services.codes.list_credentials(club.hosted)
    assert (outcome.added, outcome.weight) == (3, 4)
    code = site.code(club, "bob")
    assert parse_code(code) == code
    key = to_base64(derive_credential(code, club.manifest.hash).verify_key.raw)
    assert voter(site, "bob").key == key
    assert club.hosted.look(lambda record: record.credentials[key]) == 2
    club.run_ceremony()
    club.open()
    club.vote(code, [ChooseSelection((1,))])
    assert club.hosted.look(lambda record: len(record.ballots)) == 1


def test_vector_of_the_specification() -> None:
    seed = bytes(range(32))
    text = (Path(__file__).parents[2] / "docs" / "spec" / "credentials.md").read_text("utf-8")
    for generation, code in enumerate(("P14J1-C4DAT-SVKG8-QXMB9-7T5QV", "JP71X-4ZANY-TC7CW-XNFFZ-EJZH3")):
        assert derive_code(seed, 1, generation) == code
        assert code in text
    codes = {derive_code(seed, number, generation) for number in (1, 2, 11, 12) for generation in (0, 1, 11)}
    assert len(codes) == 12


def test_later_voters_come_in_another_list(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.codes.list_credentials(club.hosted)
    with pytest.raises(UsageError):
        site.services.codes.list_credentials(club.hosted)
    site.services.voters.add("club", Voter("dan", weight=3))
    assert site.services.codes.list_credentials(club.hosted) == (1, 3)
    assert club.hosted.look(lambda record: len(record.credential_lists)) == 2


def test_who_was_changed_while_codes_were_made_is_left_for_later(
    site: SiteSimulator, club: HostedSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Codes.key

    def change_meanwhile(codes: Codes, row: VoterRow) -> bytes:
        if row.identifier == "ada":
            site.services.voters.remove(row)
        elif row.identifier == "bob":
            site.services.voters.change(row, Voter("bob", weight=7))
        return make(codes, row)

    monkeypatch.setattr(Codes, "key", change_meanwhile)
    assert site.services.codes.list_credentials(club.hosted) == (1, 1)
    monkeypatch.undo()
    assert not voter(site, "bob").is_listed
    assert site.services.codes.list_credentials(club.hosted) == (1, 7)


def test_a_crash_after_the_board_is_made_good(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.codes.list_credentials(club.hosted)
    site.services.store.run("UPDATE voter SET key = NULL")
    assert site.services.codes.list_credentials(club.hosted).added == 0
    assert all(row.is_listed for row in site.services.voters.rows.each("club"))
    assert club.hosted.look(lambda record: len(record.credentials)) == 3


def test_replaced_codes_are_remembered(site: SiteSimulator, club: HostedSimulator) -> None:
    old_code = site.code(club, "ada")
    site.services.codes.replace_code(club.hosted, voter(site, "ada"))
    new_code = site.code(club, "ada")
    assert new_code != old_code
    old_key = to_base64(derive_credential(old_code, club.manifest.hash).verify_key.raw)
    assert site.services.codes.replaced_keys("club") == [old_key]
    assert site.services.codes.replaced_keys("club", old_key[:3]) == [old_key]
    assert site.services.codes.replaced_keys("club", "*") == []
    site.services.codes.list_credentials(club.hosted)
    assert old_key not in club.hosted.look(lambda record: set(record.credentials))
    with pytest.raises(UsageError):
        site.services.codes.replace_code(club.hosted, voter(site, "ada"))
    assert site.code(club, "ada") == new_code


def test_no_code_is_stored_anywhere(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.codes.list_credentials(club.hosted)
    code = site.code(club, "ada")
    for path in site.folder.rglob("*"):
        if path.is_file():
            assert code.encode() not in path.read_bytes(), path
    assert code not in repr(open_codes(club.hosted))


def test_the_board_holds_no_name(site: SiteSimulator, club: HostedSimulator) -> None:
    site.services.codes.list_credentials(club.hosted)
    with club.hosted.reader() as board:
        text = b"".join(entry.body for entry in board.entries()).lower()
    assert b"ada" not in text
    assert b"example" not in text.replace(b"urne.example", b"")


# -- an outside authority ----------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> SigningKey:
    return SigningKey.from_seed(secrets.token_bytes(32))


def outside_files(made: HostedSimulator, key: SigningKey, weights: list[int]) -> list[tuple[str, bytes]]:
    codes = [generate_code(secrets.token_bytes) for _ in weights]
    pairs = [
        (derive_credential(code, made.manifest.hash).verify_key.raw, w) for code, w in zip(codes, weights, strict=True)
    ]
    entries = list_credentials(made.manifest, pairs, key, "2026-03-02T08:00:00.000Z")
    return [("keys.json", write_message_file(entry.entry_type, entry.body)) for entry in entries]


def test_an_outside_authority_uploads_public_keys(site: SiteSimulator, authority: SigningKey) -> None:
    made = site.election(
        settings=ElectionSettings(authority="outside"),
        manifest_of=lambda m: replace(m, authority=to_base64(authority.verify_key.raw)),
        voters=LIST,
    )
    assert not has_authority(made.hosted)
    with pytest.raises(UsageError, match="outside authority"):
        site.services.codes.list_credentials(made.hosted)
    files = outside_files(made, authority, [1, 5])
    assert site.services.codes.accept_lists(made.hosted, files) == (2, 6)
    assert site.services.codes.accept_lists(made.hosted, files) == (0, 0)  # again does no harm
    stranger = SigningKey.from_seed(secrets.token_bytes(32))
    with pytest.raises(UrneError):
        site.services.codes.accept_lists(made.hosted, outside_files(made, stranger, [1]))
    for data in (b"", b"{}", write_message_file("election.closed", b"{}")):
        with pytest.raises(DecodeError):
            site.services.codes.accept_lists(made.hosted, [("x.json", data)])
    assert made.hosted.look(lambda record: sum(record.credentials.values())) == 6
