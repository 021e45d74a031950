"""What the site serves to the booth: files with their hashes, `booth.json` with proofs, credentials by prefix."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bulletin_board.log import Submission
from tests.browser.booth_site import BoothSite
from voting.booth import vote_pages
from voting.booth.files import STATIC, VERIFIER_ONLY, booth_files, script_texts, served_files, texts
from voting.election.ballots import encrypt_ballot
from voting.election.credentials import derive_credential
from voting.protocol.manifest import parse_selections
from voting.protocol.tlog.header import check_body
from voting.protocol.tlog.note import parse_vkey
from voting.verifier.receipt import check_receipt, read_receipt_file

BALLOT = [{"blank": False, "chosen": [0]}, {"blank": False, "chosen": [0, 1]}]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoothSite]:
    served = BoothSite(tmp_path_factory.mktemp("site"), voters=3)
    yield served
    served.server.close()
    served.elections.close()


@pytest.fixture
def client(site: BoothSite) -> FlaskClient:
    return site.app.test_client()


# -- files -------------------------------------------------------------------------------------------------------------


def test_every_file_is_served_as_the_list_says(client: FlaskClient) -> None:
    listed = booth_files()
    assert [file.path for file in listed] == sorted(file.path for file in listed)
    for name in (
        "booth/vote.html",
        "booth/test.html",
        "booth/js/booth/main.js",
        "booth/texts/fr.json",
        "booth/urne.css",
    ):
        assert name in [file.path for file in listed]
    for file in listed:
        answer = client.get(f"/{file.path}", headers={"Accept-Encoding": ""})
        assert answer.status_code == 200
        assert hashlib.sha256(answer.data).hexdigest() == file.sha256
    on_disk = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()}
    booths = {path for path in on_disk if not path.startswith(VERIFIER_ONLY)}
    assert len(listed) == len(booths) + 1, "all files of the folder but the verifier's, and the French texts"


def test_static_pages_are_the_same_for_every_election(client: FlaskClient) -> None:
    for page in ("vote", "test", "trustee"):
        answer = client.get(f"/e/club/{page}", headers={"Accept-Language": "fr"})
        assert answer.data == served_files()[f"{page}.html"].data
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Set-Cookie" not in answer.headers
    assert client.get("/e/nothing/vote").status_code == 404


def test_files_are_packed_and_asked_for_again(client: FlaskClient) -> None:
    path = "/booth/js/booth/main.js"
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = client.get(path)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert "no-cache" in packed.headers["Cache-Control"]
    again = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert packed.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize(
    "path", ["../pages.py", "%2e%2e/pages.py", "js/../../pages.py", "", "js/", "vote", "texts/en.json"]
)
def test_nothing_else_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(f"/booth/{path}").status_code in {404, 308}


def test_texts_are_those_of_the_modules() -> None:
    found = script_texts()
    assert "Cast my vote" in found
    assert any("a newer one" in text or "It may be the code of another election" in text for text in found), (
        "joined parts"
    )
    french = json.loads(texts("fr"))
    assert set(french) <= set(found)
    assert french["Question {number} of {count}"] == "Question {number} sur {count}"


# -- booth.json --------------------------------------------------------------------------------------------------------


def read(client: FlaskClient, path: str = "/e/club/booth.json") -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    data: dict[str, Any] = json.loads(answer.data)
    return data


def test_booth_data_can_be_checked(site: BoothSite, client: FlaskClient) -> None:
    data = read(client)
    assert data["phase"] == "open"
    assert (data["name"], data["home"], data["factor"], data["prefix"]) == ("club", "/e/club", "none", 0)
    assert data["closes"] == "2099-12-01T17:00:00.000Z"
    key = parse_vkey(site.manifest.board, what="the board's key")
    for part, entry_type in (("defined", "election.defined"), ("opened", "election.opened")):
        entry = data[part]
        file = read_receipt_file(
            json.dumps(
                {"header": entry["header"], "proof": entry["proof"]}, separators=(",", ":"), ensure_ascii=False
            ).encode()
        )
        header, checkpoint = check_receipt(file, key)
        assert (header.type, header.seq) == (entry_type, entry["seq"])
        check_body(header, entry["body"].encode())
        assert file.proof.endswith(data["checkpoint"])
        assert checkpoint.size == site.hosted.look(lambda record: record.entries)


def test_booth_data_follow_the_phase(tmp_path: Path) -> None:
    site = BoothSite(tmp_path, voters=1, opened=False)
    client = site.app.test_client()
    assert (read(client)["phase"], read(client)["opened"]) == ("setup", None)
    site.open()
    assert read(client)["phase"] == "open"
    site.close()
    assert read(client)["phase"] == "closed"
    assert read(client)["opened"] is not None
    site.server.close()
    site.elections.close()


def test_practice_data_are_the_manifest_alone(site: BoothSite, client: FlaskClient) -> None:
    data = read(client, "/e/club/practice.json")
    assert set(data) == {"manifest"}
    assert data["manifest"]["nonce"] == site.manifest.nonce


# -- credentials -------------------------------------------------------------------------------------------------------


def test_credentials_say_who_has_voted(site: BoothSite, client: FlaskClient) -> None:
    context = site.hosted.look(lambda record: record.ballot_context())
    key = derive_credential(site.codes[0], site.manifest.hash)
    ballot = encrypt_ballot(context, key, parse_selections(site.manifest, BALLOT), b"s" * 32)
    site.hosted.submit(Submission("ballot.cast", ballot.body, ballot.hints))
    data = read(client, "/e/club/credentials/")
    found = {credential["key"]: credential["voted"] for credential in data["credentials"]}
    assert found == {site.key(code): place == 0 for place, code in enumerate(site.codes)}
    assert data["replaced"] == []
    own = site.key(site.codes[1])
    for length in (1, 4):
        part = read(client, f"/e/club/credentials/{own[:length]}")["credentials"]
        assert own in [credential["key"] for credential in part]
        assert all(credential["key"].startswith(own[:length]) for credential in part)


@pytest.mark.parametrize("prefix", ["+", "a.b", "ABCDE", "é", "%00"])
def test_odd_prefixes_are_refused(client: FlaskClient, prefix: str) -> None:
    assert client.get(f"/e/club/credentials/{prefix}").status_code == 404


def test_in_a_large_election_the_whole_list_is_not_given_away(
    site: BoothSite, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_pages, "LOOKED_UP_AT_MOST", 2)
    assert read(client)["prefix"] == 1
    assert client.get("/e/club/credentials/").status_code == 404
    own = site.key(site.codes[0])
    assert own in [c["key"] for c in read(client, f"/e/club/credentials/{own[0]}")["credentials"]]


# -- the language ------------------------------------------------------------------------------------------------------


def test_the_language_chosen_elsewhere_holds_in_the_booth(site: BoothSite) -> None:
    app: Flask = site.app
    client = app.test_client()
    assert read(client, "/booth/language") == {"language": None}
    client.get("/booth/language?lang=fr")
    assert read(client, "/booth/language") == {"language": "fr"}
    assert read(client, "/booth/language?lang=xx") == {"language": None}
