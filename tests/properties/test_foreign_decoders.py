"""No decoder of another system's format raises anything but our errors, whatever bytes it is given.

The longer form: HYPOTHESIS_PROFILE=long URNE_FUZZ_COUNT=2000 URNE_FUZZ_SEED=...
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.verifier.findings import Cause
from voting.verifier.foreign.belenios import verify as verify_belenios
from voting.verifier.foreign.belenios.archive import Archive, make_header
from voting.verifier.foreign.belenios.ballots import read_ballot
from voting.verifier.foreign.belenios.election import parse_credential, parse_credential_list, parse_election
from voting.verifier.foreign.belenios.groups import IntegerGroup, group_by_name
from voting.verifier.foreign.belenios.trustees import check_trustees
from voting.verifier.foreign.helios import verify as verify_helios
from voting.verifier.foreign.json_text import MAX_DEPTH, read_json
from voting.verifier.foreign.residues import ResidueGroup, lagrange_coefficients, parse_decimal

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["BELENIOS-2048", "1", "Single"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
texts = st.binary(max_size=400) | json_values.map(lambda value: json.dumps(value).encode())
GROUP = cast(IntegerGroup, group_by_name("BELENIOS-2048"))
ELECTION = json.dumps(
    {
        "version": 1,
        "description": "",
        "name": "n",
        "group": "BELENIOS-2048",
        "public_key": "1",
        "questions": [{"answers": ["A"], "min": 0, "max": 1, "question": "Q"}],
        "uuid": "u",
    }
).encode()


def only_our_errors(work: Callable[[], object]) -> None:
    """Run it; any error but ours is the test's failure."""
    with suppress(UrneError):
        work()


@given(texts)
def test_json(data: bytes) -> None:
    only_our_errors(lambda: read_json(data, what="x"))


@given(texts)
def test_belenios_messages(data: bytes) -> None:
    election = parse_election(ELECTION)
    only_our_errors(lambda: parse_election(data))
    only_our_errors(lambda: check_trustees(data, GROUP))
    only_our_errors(lambda: read_ballot(data, election))
    only_our_errors(lambda: [parse_credential(line, GROUP, 1) for line in parse_credential_list(data)])


@given(st.lists(st.tuples(st.sampled_from(["data", "event"]), texts), max_size=4), st.binary(max_size=3))
def test_belenios_archives(records: list[tuple[str, bytes]], rest: bytes) -> None:
    archive = belenios_archive(records) + rest
    Archive(archive)


@given(texts, texts)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whole_files(tmp_path: Path, first: bytes, second: bytes) -> None:
    path = tmp_path / "record"
    path.write_bytes(belenios_archive([("data", first), ("event", second)]))
    assert verify_belenios(path).exit_code in (1, 3)
    path.write_bytes(first)
    assert verify_helios(path).exit_code == 1


def belenios_archive(records: list[tuple[str, bytes]]) -> bytes:
    """An archive of these records, well formed as a container."""
    time = 1_700_000_000
    named = [("BELENIOS", json.dumps({"version": 1, "timestamp": str(time)}).encode())]
    named += [(f"{hashlib.sha256(body).hexdigest()}.{kind}.json", body) for kind, body in records]
    return b"".join(make_header(name, len(body), time) + body + bytes(-len(body) % 512) for name, body in named)


def changed(value: Any, rng: random.Random) -> Any:
    """A JSON value with one place of it changed into something else."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {other: content for other, content in value.items() if other != name}
        return {**value, name: changed(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        if rng.random() < 0.1:
            return rng.choice((value[:place], [*value, value[place]], value[::-1]))
        return [*value[:place], changed(value[place], rng), *value[place + 1 :]]
    if isinstance(value, str) and value.startswith("{") and rng.random() < 0.8:
        return json.dumps(changed(json.loads(value), rng), separators=(",", ":"))
    number = "-1", "0", "1", "007", "1e9", "", "x", str(GROUP.q), str(GROUP.p), "9" * 1300, "9" * 5000, "\ud800"
    return rng.choice((*number, None, True, 0, -1, 2**70, [], {}, [[]], {"a": 1}, value))


def rebuilt(archive: Archive, number: int, place: int, body: bytes) -> bytes:
    """The archive with one data record exchanged, and every hash and link made again: only the content is wrong."""
    time = 1_700_000_000
    out = [("BELENIOS", json.dumps({"version": 1, "timestamp": str(time)}).encode())]
    parent = None
    for step in archive.steps:
        renamed: dict[str, str] = {}
        newest = None
        for index, record in enumerate(step.data):
            data = body if (step.number, index) == (number, place) else archive.body(record)
            for old, new in renamed.items():
                data = data.replace(old.encode(), new.encode())
            newest = hashlib.sha256(data).hexdigest()
            renamed[record.name[:64]] = newest
            out.append((f"{newest}.data.json", data))
        event = {"parent": parent, "height": step.number, "type": step.event.type, "payload": newest}
        text = json.dumps({k: v for k, v in event.items() if v is not None}, separators=(",", ":")).encode()
        parent = hashlib.sha256(text).hexdigest()
        out.append((f"{parent}.event.json", text))
    return b"".join(make_header(name, len(data), time) + data + bytes(-len(data) % 512) for name, data in out)


@pytest.mark.parametrize("name", ["02-threshold-blank-weights", "11-lists-v330", "05-revotes"])
def test_no_changed_content_passes_or_breaks_the_program(shared_data: Path, tmp_path: Path, name: str) -> None:
    source = next((shared_data / "records" / "belenios" / name).glob("*.bel"))
    archive = Archive(source.read_bytes())
    rng = random.Random(os.environ.get("URNE_FUZZ_SEED", name))
    places = [(step.number, index) for step in archive.steps for index in range(len(step.data))]
    path = tmp_path / "changed.bel"
    for _ in range(int(os.environ.get("URNE_FUZZ_COUNT", "12"))):
        number, index = rng.choice(places)
        body = archive.body(archive.steps[number].data[index])
        text = json.dumps(changed(json.loads(body), rng), separators=(",", ":")).encode()
        path.write_bytes(rebuilt(archive, number, index, text))
        report = verify_belenios(path)
        errors = [check.reason for check in report.checks if check.cause is Cause.ERROR]
        assert not errors, (number, index, errors)
        if text != body and number:  # names and titles in the Setup event may be anything, before anybody votes
            assert report.exit_code == 1, (number, index, text)


@pytest.mark.parametrize("name", ["gen_3trustees_14ballots", "helios_server_legacy_fixture"])
def test_no_changed_content_of_a_helios_record_breaks_the_program(shared_data: Path, tmp_path: Path, name: str) -> None:
    record = json.loads((shared_data / "records" / "helios" / f"{name}.json").read_text())
    rng = random.Random(os.environ.get("URNE_FUZZ_SEED", name))
    path = tmp_path / "changed.json"
    for _ in range(int(os.environ.get("URNE_FUZZ_COUNT", "12"))):
        part = rng.choice(("election_raw", "voters", "ballots", "trustees", "tally", "result"))
        path.write_text(json.dumps({**record, part: changed(record[part], rng)}))
        errors = [check.reason for check in verify_helios(path).checks if check.cause is Cause.ERROR]
        assert not errors, (part, errors)


@pytest.mark.parametrize("name", ["01-single3", "06-mixnet-schulze", "11-lists-v330", "02-threshold-blank-weights"])
def test_no_changed_byte_of_an_archive_passes(shared_data: Path, tmp_path: Path, name: str) -> None:
    source = next((shared_data / "records" / "belenios" / name).glob("*.bel"))
    rng = random.Random(name)
    for _ in range(10 if name.startswith("01") else 2):
        data = bytearray(source.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path = tmp_path / "changed.bel"
        path.write_bytes(data)
        assert verify_belenios(path).exit_code == 1


def test_half_a_character_is_refused() -> None:
    for data in (rb'{"name":"\ud800"}', rb'["\uDC00"]', rb'{"\udfff":1}'):
        with pytest.raises(DecodeError, match="half a character"):
            read_json(data, what="x")
    assert read_json(rb'"\ud83d\ude00"', what="x") == "\N{GRINNING FACE}"


def test_deep_json_is_refused() -> None:
    for data in (b"[" * 100_000, b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), b'{"a":' * 1000 + b"1" + b"}" * 1000):
        only_our_errors(lambda data=data: pytest.fail(str(read_json(data, what="x"))))  # type: ignore[misc]


@given(st.text(max_size=30) | st.integers().map(str))
def test_a_number_has_one_writing(text: str) -> None:
    try:
        number = parse_decimal(text, what="x")
    except UrneError:
        return
    assert str(number) == text


def toy_group() -> ResidueGroup:
    from gmpy2 import mpz

    return ResidueGroup("toy", mpz(67), mpz(11), mpz(64))  # 66 = 6 * 11, and 64 = 2^6


def test_membership_is_tested_one_by_one() -> None:
    group = toy_group()
    members = {pow(64, exponent, 67) for exponent in range(11)}
    assert {number for number in range(-5, 80) if group.is_member(_mpz(number))} == members


def _mpz(number: int) -> Any:
    from gmpy2 import mpz

    return mpz(number)


@given(st.integers(0, 10), st.sampled_from([pow(64, exponent, 67) for exponent in range(11)]))
def test_tables_give_powers(exponent: int, base: int) -> None:
    assert toy_group().fixed(_mpz(base)).power(_mpz(exponent)) == pow(base, exponent, 67)


@given(st.sets(st.integers(1, 10), min_size=2, max_size=4), st.lists(st.integers(0, 10), min_size=2, max_size=2))
def test_interpolation(points: set[int], coefficients: list[int]) -> None:
    order = _mpz(11)
    indices = sorted(points)
    values = [coefficients[0] + coefficients[1] * point for point in indices]
    found = sum(c * v for c, v in zip(lagrange_coefficients(indices, order), values, strict=True)) % 11
    assert found == coefficients[0] % 11


def test_a_verification_error_names_its_check() -> None:
    with pytest.raises(VerificationError) as caught:
        read_ballot(b"{}", parse_election(ELECTION))
    assert caught.value.check == "B08"
