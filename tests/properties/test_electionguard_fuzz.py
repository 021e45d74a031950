"""Fuzzing what ElectionGuard records are read with: nothing but our own errors, whatever the files hold."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voting.protocol.errors import DecodeError, UrneError
from voting.verifier.foreign.electionguard import data_1, data_2, verify
from voting.verifier.foreign.electionguard.files import convert
from voting.verifier.foreign.electionguard.groups import group_1, group_2
from voting.verifier.foreign.electionguard.numbers import hook_1, hook_2
from voting.verifier.foreign.electionguard.reading import Constants, parse_parameters
from voting.verifier.foreign.json_text import read_json

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "electionguard" / "made-by-electionguard-1.4.0.zip"
KINDS_1: list[type[data_1.Data]] = [
    data_1.Manifest,
    data_1.Context,
    data_1.Guardian,
    data_1.Ballot,
    data_1.EncryptedTally,
    data_1.DecryptedTally,
]
KINDS_2: list[type[data_2.Data]] = [
    data_2.Manifest,
    data_2.Config,
    data_2.Initialized,
    data_2.Ballot,
    data_2.EncryptedTally,
    data_2.DecryptedTally,
]
KINDS: list[type[object]] = [*KINDS_1, *KINDS_2]
HOOKS = [hook_1(group_1()), hook_2(group_2(), uses_base64=True), hook_2(group_2(), uses_base64=False)]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["00", "FF", "AA==", "G", "-1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes(data: bytes) -> None:
    try:
        value = read_json(data, what="file")
    except DecodeError:
        return
    for kind in KINDS:
        for hook in HOOKS:
            with pytest.raises(DecodeError):
                convert(value, kind, hook, what="file")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "1" * 10_000,
        "NaN",
        "[1e400]",
        "1.5",
        '{"a": 1, "a": 2}',
        '"\\ud800"',
        "\ufeff{}",
        "",
    ],
    ids=["deep list", "deep object", "long number", "NaN", "exponent", "point", "twice", "surrogate", "mark", "empty"],
)
def test_json_that_two_programs_could_read_in_two_ways(text: str) -> None:
    with pytest.raises(DecodeError):
        read_json(text.encode(), what="file")


@given(st.lists(st.integers() | st.text(max_size=8), min_size=4, max_size=4))
def test_any_constants(numbers: list[int | str]) -> None:
    try:
        parse_parameters(Constants(*numbers))
    except DecodeError:
        return


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in JSON."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


_EXAMPLES = (settings.default or settings()).max_examples // 5
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**64,
    10**300,
    "",
    "0",
    "00",
    "|",
    "F" * 1024,
    "F" * 5000,
    "é\ud800",
    [],
    {},
    [[]],
    {"data": "01"},
]


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=_EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_value_anywhere_in_a_record(seed: int, shared_data: Path, tmp_path: Path) -> None:
    """One value of one file becomes something odd, or disappears: there is a report, or one of our errors."""
    chance = random.Random(seed)
    name = chance.choice(["0.95-minimal/election_record", "2.0-all-available"])
    record = tmp_path / "record"
    shutil.rmtree(record, ignore_errors=True)
    shutil.copytree(shared_data / "records" / "electionguard" / name, record, copy_function=shutil.copyfile)
    for place in (record, *(place for place in record.rglob("*") if place.is_dir())):
        place.chmod(0o755)
    files = sorted(record.rglob("*.json"))
    if name.startswith("2.0"):  # what comes before the ballots, and a few of them
        for number, file in enumerate(f for f in files if "ballots" in str(f.parent.relative_to(record))):
            if number % 20:
                file.unlink()
    files = sorted(file for file in record.rglob("*.json") if "private_data" not in file.parts)
    file = chance.choice(files)
    value = json.loads(file.read_text())
    path = chance.choice(places(value))
    if path:
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        if isinstance(inner, dict) and chance.random() < 0.2:
            del inner[path[-1]]
        else:
            inner[path[-1]] = chance.choice(ODD)
    else:
        value = chance.choice(ODD)
    file.write_text(json.dumps(value))
    try:
        report = verify(record)
    except UrneError:
        return
    assert report.checks


@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    at_the_end=st.booleans(),
)
@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_byte_of_a_zip_file(tmp_path: Path, *, changes: list[tuple[int, int]], at_the_end: bool) -> None:
    """Bytes of the archive change, in the files or in the directory at its end."""
    data = bytearray(ARCHIVE.read_bytes())
    for place, value in changes:
        data[-1 - place % 2000 if at_the_end else place % len(data)] = value
    archive = tmp_path / "record.zip"
    archive.write_bytes(data)
    try:
        report = verify(archive)
    except UrneError:
        return
    assert report.checks
