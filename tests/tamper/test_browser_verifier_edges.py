"""Odd messages, signed by who may sign them: the browser's verifier and `urne-verify` name the same checks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_browser_verifier import both, failed
from tests.integration.test_reference_verifier import author_of, dump
from tests.javascript.node import Node, running
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import SampleElection, parts_of, rechain, sample_election, write_record
from voting.election.steps import cancel_election
from voting.protocol.encoding import sha256, to_base64
from voting.protocol.entries import signing_input

Json = dict[str, Any]
ONE = to_base64(bytes(63) + b"\1")
HASH = "0" * 64


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running("verify_record.mjs", "--batch", "--allow-toy-group") as process:
        yield process


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


def judged(node: Node, election: SampleElection, folder: Path, type_: str, edit: Callable[[Json], Any]) -> Json:
    """The report on a record whose first entry of a type is edited and signed again.

    `edit` changes the content, or gives the content's bytes.
    """
    parts = parts_of(election.board.entries)
    place = next(place for place, part in enumerate(parts) if part.type == type_)
    part = parts[place]
    content = json.loads(part.body)["content"]
    data = edit(content)
    if not isinstance(data, bytes):
        data = dump(content)
    manifest = election.manifest.hash if place else sha256(dump(content["manifest"]))
    signature = author_of(election, part).sign(signing_input(part.type, manifest, sha256(data)))
    body = b'{"content":' + data + b',"signature":"' + to_base64(signature).encode() + b'"}'
    parts[place] = part._replace(body=body)
    return both(node, write_record(rechain(parts), folder))


MANIFESTS: dict[str, tuple[str, Json]] = {
    "a contact of a space": ("01", {"contact": " "}),
    "an invisible character": ("01", {"contact": "\ufeffa"}),
    "a no-break space at the end": ("01", {"contact": "a\u00a0"}),
    "a separator of lines": ("01", {"contact": "a\u2028b"}),
    "a control character": ("01", {"contact": "a\x1fb"}),
    "a contact too long": ("01", {"contact": "a" * 201}),
    "a name too long": ("01", {"trustees": [{"name": "a" * 101}, {"name": "b"}, {"name": "c"}]}),
    "another version": ("01", {"version": 2}),
    "a language more": ("01", {"languages": ["en", "fr"]}),
    "a language twice": ("01", {"languages": ["en", "en"]}),
    "no language": ("01", {"languages": [], "title": {}}),
    "a language that is none": ("01", {"languages": ["EN"], "title": {"EN": "A"}}),
    "a text more": ("01", {"title": {"en": "A", "fr": "B"}}),
    "a description that is empty": ("01", {"description": {"en": ""}}),
    "trustees of one name": ("01", {"trustees": [{"name": "Straße"}, {"name": "STRASSE"}, {"name": "c"}]}),
    "names that differ in spaces": ("01", {"trustees": [{"name": "a  b"}, {"name": "A b"}, {"name": "c"}]}),
    "too many trustees": ("01", {"trustees": [{"name": f"t{number}"} for number in range(51)]}),
    "no trustee": ("01", {"trustees": []}),
    "no question": ("01", {"questions": []}),
    "an unknown method": ("02", {"questions": [{"method": "constructor"}]}),
    "no method": ("02", {"questions": [{}]}),
    "a threshold of 4": ("01", {"threshold": 4}),
    "an unknown group": ("01", {"group": "__proto__"}),
    "a nonce in capitals": ("01", {"nonce": "A" * 32}),
    "a quorum without witnesses": ("01", {"quorum": 1}),
    "a negative quorum": ("01", {"quorum": -1}),
    "a quorum of 0": ("02", {"quorum": 0}),
    "no witnesses": ("02", {"witnesses": []}),
    "a schedule that ends first": (
        "01",
        {"schedule": {"closes": "2026-01-01T00:00:00.000Z", "opens": "2026-01-02T00:00:00.000Z"}},
    ),
    "a time that is none": ("01", {"schedule": {"closes": "2026-02-30T00:00:00.000Z", "opens": ""}}),
    "an authority's key of small order": ("01", {"authority": to_base64(bytes([1] + [0] * 31))}),
    "a board with a wrong id": ("01", {"board": "board.example/test+00000000+" + "A" * 44}),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests(name: str, node: Node, election: SampleElection, tmp_path: Path) -> None:
    check, fields = MANIFESTS[name]
    report = judged(
        node, election, tmp_path / "record", "election.defined", lambda content: content["manifest"].update(fields)
    )
    assert failed(report) == {check}


def written(old: bytes, new: bytes) -> Callable[[Json], bytes]:
    """The manifest with the contact "ZZ" and the threshold 77, as bytes, in which something is replaced."""

    def edit(content: Json) -> bytes:
        content["manifest"].update(contact="ZZ", threshold=77)
        return dump(content).replace(old, new)

    return edit


FORMS = {
    "minus zero": (b"77", b"-0"),
    "a fraction": (b"77", b"2.0"),
    "an exponent": (b"77", b"1e1"),
    "a number too large": (b"77", b"9007199254740993"),
    "a leading zero": (b"77", b"02"),
    "a field twice": (b'"version":1', b'"version":1,"version":1'),
    "white space": (b'"version":1', b'"version": 1'),
    "a needless escape": (b'"ZZ"', b'"\\u005a"'),
    "half a pair, escaped": (b'"ZZ"', b'"\\ud800"'),
    "half a pair": (b'"ZZ"', b'"\xed\xa0\x80"'),
    "an escape in capitals": (b'"ZZ"', b'"\\u001F"'),
    "depth": (b'"ZZ"', b"[" * 5000 + b"]" * 5000),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str, node: Node, election: SampleElection, tmp_path: Path) -> None:
    report = judged(node, election, tmp_path / "record", "election.defined", written(*FORMS[name]))
    assert failed(report) == {"02"}


Change = Callable[[Json], object]
OTHERS: dict[str, tuple[str, set[str], Change]] = {
    "a definition at no time": ("election.defined", {"04"}, lambda c: c.update(time="2026-13-01T00:00:00.000Z")),
    "a definition in the year 0": ("election.defined", {"04"}, lambda c: c.update(time="0000-01-01T00:00:00.000Z")),
    "a trustee at no time": ("trustee.joined", {"04"}, lambda c: c.update(time="today")),
    "a list at no time": ("credentials.listed", {"04"}, lambda c: c.update(time="today")),
    "an opening at no time": ("election.opened", {"04"}, lambda c: c.update(time="today")),
    "a share at no time": ("tally.share", {"04"}, lambda c: c.update(time="today")),
    "a hidden file": ("election.opened", {"10"}, lambda c: c.update(booth=[{"path": "a/.b", "sha256": HASH}])),
    "a file's hash that is none": ("election.opened", {"10"}, lambda c: c.update(booth=[{"path": "a", "sha256": "G"}])),
    "a file twice": ("election.opened", {"10"}, lambda c: c.update(booth=[{"path": "a", "sha256": HASH}] * 2)),
    "a path with a line feed": ("election.opened", {"10"}, lambda c: c.update(booth=[{"path": "a\n", "sha256": HASH}])),
    "an empty list": ("credentials.listed", {"09"}, lambda c: c.update(credentials=[])),
    "a weight of 0": ("credentials.listed", {"09"}, lambda c: c["credentials"][0].update(weight=0)),
    "a weight too large": ("credentials.listed", {"09"}, lambda c: c["credentials"][0].update(weight=10**12 + 1)),
    "a key of small order": (
        "credentials.listed",
        {"09"},
        lambda c: c.update(credentials=[{"key": to_base64(bytes([1] + [0] * 31)), "weight": 1}]),
    ),
    "totals of 1": ("tally.encrypted", {"17", "18", "19"}, lambda c: c["totals"][0].update(alpha=ONE, beta=ONE)),
    "a total more": ("tally.encrypted", {"17", "18", "19"}, lambda c: c["totals"].append(c["totals"][0])),
    "a factor less": ("tally.share", {"18"}, lambda c: c["factors"].pop()),
    "a proof's number too large": (
        "tally.share",
        {"18"},
        lambda c: c["proof"].update(challenge=to_base64(b"\xff" * 32)),
    ),
    "a negative total": ("election.result", {"19", "20"}, lambda c: c["totals"].__setitem__(0, -1)),
    "a share named twice": ("election.result", {"18"}, lambda c: c.update(shares=[1, 1])),
    "an outcome more": ("election.result", {"20"}, lambda c: c["outcomes"].append(c["outcomes"][0])),
    "a ciphertext more": ("ballot.cast", {"13", "15"}, lambda c: c["ciphertexts"].append(c["ciphertexts"][0])),
    "no ciphertext": ("ballot.cast", {"13"}, lambda c: c.update(ciphertexts=[])),
    "a ciphertext of 1": ("ballot.cast", {"14", "17"}, lambda c: c["ciphertexts"][0].update(alpha=ONE, beta=ONE)),
    "a short ciphertext": ("ballot.cast", {"12"}, lambda c: c["ciphertexts"][0].update(alpha="AA")),
    "a challenge too large": ("ballot.cast", {"13"}, lambda c: c.update(challenge=to_base64(b"\xff" * 32))),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_entries(name: str, node: Node, election: SampleElection, tmp_path: Path) -> None:
    type_, expected, edit = OTHERS[name]
    report = judged(node, election, tmp_path / "record", type_, lambda content: edit(content) and None)
    assert failed(report) == expected


CANCELLED: list[tuple[Json, int]] = [
    ({"reason": "Fire.\nIn the hall."}, 4),
    ({"reason": " "}, 1),
    ({"reason": "a\u200b"}, 1),
    ({"manifest": HASH}, 1),
]


@pytest.mark.parametrize(("fields", "code"), CANCELLED)
def test_a_cancelled_election(fields: Json, code: int, node: Node, tmp_path: Path) -> None:
    election = sample_election(until="voting")
    election.board.append(*cancel_election(election.record, ADMINISTRATOR, "Fire.", election.now()))
    report = judged(node, election, tmp_path / "record", "election.cancelled", lambda content: content.update(fields))
    assert (report["exit_code"], failed(report)) == (code, {"04"} if code == 1 else set())


@pytest.mark.parametrize("type_", ["trustee.committed", "trustee.dealt", "trustee.confirmed"])
def test_a_round_that_begins_too_early(type_: str, node: Node, election: SampleElection, tmp_path: Path) -> None:
    """The first entry of a round stands before the last one of the round before."""
    parts = parts_of(election.board.entries)
    place = next(place for place, part in enumerate(parts) if part.type == type_)
    parts[place - 1], parts[place] = parts[place], parts[place - 1]
    assert failed(both(node, write_record(rechain(parts), tmp_path / "record"))) == {"07"}
