"""An election that is open, and ballots for it: what `python -m benchmarks admission` sends. Made once, and kept.

One question, choose 0 or 1 of 10, 3072 bits, one trustee; every voter casts one ballot. Must not import any command.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from voting.demo_voters import VoterTask, encrypt_ballots
from voting.election.steps import NewEntry, open_election
from voting.election_folder import OpenElection, create_election_folder, read_signing_key, writing
from voting.played_parts import SEED_BYTES, give_codes, make_joint_key
from voting.protocol.encoding import to_base64
from voting.protocol.manifest import VERSION, Manifest, TrusteeInfo
from voting.protocol.methods import Choose, ChooseSelection

OPTIONS = 10
GROUP = "integer-3072"
ELECTION = "election"
BALLOTS = "ballots"
LENGTH_BYTES = 4


class CachedElection(NamedTuple):
    """What lies in the cache."""

    folder: Path
    """The election's folder, as a site has it. It is copied before use."""
    ballots: Path
    """For each ballot, body and hints, each behind its length."""


def cached_election(cache: Path, ballots: int) -> CachedElection:
    """The election with so many ballots or more; made if it is not there yet."""
    for place in sorted(cache.glob("admission-*")):
        count = place.name.removeprefix("admission-")
        if count.isdigit() and int(count) >= ballots:
            return CachedElection(place / ELECTION, place / BALLOTS)
    cache.mkdir(parents=True, exist_ok=True)
    partial_ = cache / f".partial-{secrets.token_hex(4)}"
    partial_.mkdir()
    try:
        _make(partial_, ballots)
        place = cache / f"admission-{ballots}"
        partial_.rename(place)
    finally:
        shutil.rmtree(partial_, ignore_errors=True)
    return CachedElection(place / ELECTION, place / BALLOTS)


def read_ballots(file: Path) -> Iterator[tuple[bytes, bytes]]:
    """Body and hints of every ballot, in order."""
    with file.open("rb") as ballots:
        while head := ballots.read(LENGTH_BYTES):
            body = ballots.read(int.from_bytes(head, "big"))
            yield body, ballots.read(int.from_bytes(ballots.read(LENGTH_BYTES), "big"))


def _make(place: Path, ballots: int) -> None:
    folder = place / ELECTION
    create_election_folder(folder, _manifest, random_bytes=secrets.token_bytes)
    administrator, authority = (read_signing_key(folder, kind) for kind in ("administrator", "authority"))
    with writing(folder) as election:
        append = partial(_append, election)
        make_joint_key(election, append, secrets.token_bytes)
        codes = give_codes(election, ballots, authority, append, secrets.token_bytes)
        append(open_election(election.record, administrator, election.now()))
        context = election.record.ballot_context()
    drawn = random.Random(1)
    tasks = [
        VoterTask(code, (ChooseSelection(tuple(drawn.sample(range(OPTIONS), drawn.randrange(2)))),), _seed())
        for code in codes
    ]
    with (place / BALLOTS).open("wb") as file:
        for ballot in encrypt_ballots(context, tasks, len(os.sched_getaffinity(0))):
            for part in (ballot.body, ballot.hints):
                file.write(len(part).to_bytes(LENGTH_BYTES, "big") + part)


def _seed() -> bytes:
    return secrets.token_bytes(SEED_BYTES)


def _append(election: OpenElection, entry: NewEntry) -> None:
    election.append(entry)


def _manifest(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
    return Manifest(
        administrator=to_base64(administrator),
        authority=to_base64(authority),
        board=vkey,
        contact="",
        description=None,
        group=GROUP,
        languages=("en",),
        nonce=nonce,
        questions=(
            Choose(
                title={"en": "Question"},
                options=tuple({"en": f"Option {number}"} for number in range(OPTIONS)),
                minimum=0,
                maximum=1,
            ),
        ),
        schedule=None,
        threshold=1,
        title={"en": "Benchmark"},
        trustees=(TrusteeInfo("Trustee"),),
        version=VERSION,
    )
