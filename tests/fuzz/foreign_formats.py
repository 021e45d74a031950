"""What other systems write: Belenios, Helios and ElectionGuard, message by message and record by record.

The samples are third-party data: without that folder there is only the ElectionGuard record that lies among the
fixtures.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.changes import change
from tests.fuzz.target import Make, Target
from tests.properties.test_electionguard_fuzz import ARCHIVE, KINDS_1, KINDS_2
from tests.properties.test_foreign_decoders import rebuilt
from voting.protocol.errors import UrneError
from voting.verifier.findings import Cause
from voting.verifier.foreign import detect_format, verify_foreign
from voting.verifier.foreign.belenios.archive import Archive
from voting.verifier.foreign.belenios.ballot_pass import check_ballot
from voting.verifier.foreign.belenios.ballots import BallotChecker, read_ballot
from voting.verifier.foreign.belenios.election import Election, parse_credential, parse_credential_list, parse_election
from voting.verifier.foreign.belenios.groups import Group, group_by_name
from voting.verifier.foreign.belenios.trustees import check_trustees
from voting.verifier.foreign.electionguard.files import convert
from voting.verifier.foreign.electionguard.groups import group_1, group_2
from voting.verifier.foreign.electionguard.numbers import Hook, hook_1, hook_2
from voting.verifier.foreign.electionguard.reading import Constants, parse_parameters
from voting.verifier.foreign.helios.record import read_record
from voting.verifier.foreign.json_text import read_json

SLOW = 30.0
"""Seconds for a whole record."""


def foreign_targets(folder: Path, data: Path | None) -> Iterator[Target]:
    """Every decoder of other systems' formats.

    Args:
        folder: takes files that are read by their path.
        data: the third-party records; None if there are none.
    """
    yield from _electionguard(folder, data)
    if data is not None:
        yield from _belenios(folder, data / "belenios")
        yield from _helios(folder, data / "helios")


def _verify(path: Path, data: bytes) -> None:
    """As `urne-verify --format auto` does."""
    path.write_bytes(data)
    found = detect_format(path)
    if found != "urne":
        report = verify_foreign(path, found)
        assert not [check.id for check in report.checks if check.cause is Cause.ERROR]


# -- Belenios ----------------------------------------------------------------------------------------------------------


def _belenios(folder: Path, data: Path) -> Iterator[Target]:
    files = {path.parent.name[:2]: path.read_bytes() for path in sorted(data.glob("[01]*/*.bel"))}
    archives = {name: Archive(content) for name, content in files.items()}
    parts = {name: dict(_parts(archive)) for name, archive in archives.items()}
    for kind in ("election", "trustees", "credentials"):
        samples = [found[f"Setup {kind}"] for found in parts.values()]
        yield Target(f"Belenios {kind}", _BELENIOS[kind], samples)
    for name in ("01", "03", "06", "11"):
        election = parse_election(parts[name]["Setup election"])
        ballots = [body for found, body in _parts(archives[name]) if found.startswith("Ballot")][:3]
        yield Target(f"Belenios ballot {name}", partial(_ballot, election), ballots, seconds=5, share=1)
    small = [archives[name] for name in ("03", "05")]
    raw = [files["03"], files["05"]]
    yield Target("Belenios archive", lambda data: Archive(data), raw)
    path = folder / "changed.bel"
    yield Target("Belenios record", partial(_verify, path), raw, seconds=SLOW, share=1)
    rebuilds = [small[0], small[1], archives["02"], archives["11"]]
    yield Target("Belenios record, one message", partial(_verify, path), (), _one_message(rebuilds), SLOW, 1)


def _parts(archive: Archive) -> Iterator[tuple[str, bytes]]:
    for step in archive.steps:
        for place, record in enumerate(step.data):
            kind = ("election", "trustees", "credentials")[place] if step.event.type == "Setup" and place < 3 else place
            yield f"{step.event.type} {kind}", archive.body(record)


def _credentials(data: bytes) -> None:
    for line in parse_credential_list(data)[:5]:
        parse_credential(line, _group(), 1)


def _group() -> Group:
    return group_by_name("BELENIOS-2048")


_BELENIOS: dict[str, Callable[[bytes], object]] = {
    "election": parse_election,
    "trustees": lambda data: check_trustees(data, _group()),
    "credentials": _credentials,
}


def _ballot(election: Election, data: bytes) -> None:
    read_ballot(data, election)
    check_ballot(BallotChecker(election), election, data)


def _one_message(archives: Sequence[Archive]) -> Make:
    """A record with one message changed, and every hash and link made again."""

    def make(chance: Random) -> bytes:
        archive = chance.choice(archives)
        step = chance.choice([step for step in archive.steps if step.data])
        place = chance.randrange(len(step.data))
        body = change(archive.body(step.data[place]), chance, [])
        return rebuilt(archive, step.number, place, body)

    return make


# -- Helios ------------------------------------------------------------------------------------------------------------


def _helios(folder: Path, data: Path) -> Iterator[Target]:
    small = (data / "helios_server_legacy_fixture.json").read_bytes()
    large = (data / "gen_3trustees_14ballots.json").read_bytes()
    path = folder / "helios.json"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        read_record(path)

    yield Target("Helios record's form", read, [small, large], share=2)
    yield Target("Helios record", partial(_verify, path), [small], seconds=SLOW, share=2)
    yield Target(
        "foreign JSON", lambda data: read_json(data, what="file"), [small[:2000], b'{"a":[1,"\\ud83d\\ude00"]}']
    )


# -- ElectionGuard -----------------------------------------------------------------------------------------------------


def _electionguard(folder: Path, data: Path | None) -> Iterator[Target]:
    packed = ARCHIVE.read_bytes()
    path = folder / "electionguard.zip"
    yield Target("ElectionGuard 1.0 .zip", partial(_verify, path), [packed], seconds=SLOW, share=1)
    make = _one_file(_unpacked(packed))
    yield Target("ElectionGuard 1.0 record", partial(_verify, path), (), make, SLOW, 1)
    first = [body for name, body in _unpacked(packed).items() if "ballots" not in name]
    yield Target("ElectionGuard 1.0 files", partial(_convert, KINDS_1, [hook_1(group_1())]), first)
    hooks = [hook_2(group_2(), uses_base64=True), hook_2(group_2(), uses_base64=False)]
    yield Target("ElectionGuard 2.0 files", partial(_convert, KINDS_2, hooks), first)
    constants = [b"[1,2,3,4]", b'["FF","AA","01","02"]']
    yield Target("ElectionGuard constants", _constants, constants)
    if data is None:
        return
    records = data / "electionguard"
    old = _read(records / "0.95-minimal" / "election_record", 40)
    yield Target("ElectionGuard 0.95 record", partial(_verify, path), (), _one_file(old), SLOW, 1)
    for name in ("2.0-all-available", "2.0-all-available-hex"):
        files = _read(records / name, 3)
        yield Target(f"ElectionGuard {name}", partial(_verify, path), (), _one_file(files), SLOW, 1)


def _unpacked(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".json")}


def _read(folder: Path, most: int) -> dict[str, bytes]:
    """The public files of a record, but not more ballots than `most` in a folder."""
    found: dict[str, bytes] = {}
    counts: dict[Path, int] = {}
    for path in sorted(folder.rglob("*.json")):
        place = path.relative_to(folder)
        if "private_data" in place.parts:
            continue
        counts[path.parent] = counts.get(path.parent, 0) + 1
        if "ballots" not in str(place.parent) or counts[path.parent] <= most:
            found[str(place)] = path.read_bytes()
    return found


def _one_file(files: dict[str, bytes]) -> Make:
    """The record as a .zip file, with one file changed, exchanged for another, left out, or there twice."""
    names = sorted(files)

    def make(chance: Random) -> bytes:
        name, other = chance.choice(names), chance.choice(names)
        changed = dict(files)
        match chance.randrange(12):
            case 0:
                del changed[name]
            case 1:
                changed[name] = files[other]
            case _:
                changed[name] = change(files[name], chance, [files[other]])
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for each, body in changed.items():
                archive.writestr(each, body)
        return buffer.getvalue()

    return make


def _convert(kinds: Sequence[type[Any]], hooks: Sequence[Hook], data: bytes) -> None:
    value = read_json(data, what="file")
    for kind in kinds:
        for hook in hooks:
            with suppress(UrneError):
                convert(value, kind, hook, what="file")


def _constants(data: bytes) -> None:
    numbers = None
    with suppress(ValueError, RecursionError):
        numbers = json.loads(data)
    if isinstance(numbers, list) and len(numbers) == 4 and all(isinstance(each, int | str) for each in numbers):
        parse_parameters(Constants(*numbers))
