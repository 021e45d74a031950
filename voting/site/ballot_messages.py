"""Protocol S4: what a site and the processes that check its ballots say to each other, over a pipe.

Each message is its length in four bytes and MessagePack: a format for one machine, which leaves bytes as they are. It
must not import flask.
"""

from __future__ import annotations

import os
from typing import TypeVar

import msgspec

from voting.crypto.elgamal import PublicKey
from voting.crypto.group import group_by_name
from voting.election.ballot_verdicts import SubmittedBallot, Verdict
from voting.election.ballots import BallotContext
from voting.protocol.encoding import Hash, decode, encode
from voting.protocol.manifest import Manifest

M = TypeVar("M")

LENGTH_BYTES = 4
MAX_ELECTIONS = 8
"""So many elections' setups a process keeps, with the tables for their keys; the oldest goes first."""


class ElectionSetup(msgspec.Struct, frozen=True, array_like=True):
    """An election, as far as the checks of its ballots need it."""

    manifest: bytes
    election: str
    key: bytes
    """The joint key."""


class Task(msgspec.Struct, frozen=True, array_like=True):
    """Ballots of one election, to be checked together."""

    context: bytes
    """The digest that names the election's setup."""
    setup: ElectionSetup | None
    """Left out where this process was given it before."""
    ballots: list[tuple[bytes, bytes | None]]
    """Body and hints."""
    decide: bool
    """Make the plain check where it is needed."""


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What was found, by the ballots' positions."""

    verdicts: dict[int, Verdict]
    doubtful: list[int]


def setup_of(context: BallotContext) -> ElectionSetup:
    """What another process needs to check ballots of this election."""
    return ElectionSetup(encode(context.manifest), context.election, context.key.element.encode())


def context_of(setup: ElectionSetup) -> BallotContext:
    """The same election, in the other process."""
    manifest = decode(setup.manifest, Manifest, what="manifest")
    group = group_by_name(manifest.group)
    return BallotContext(manifest, Hash(setup.election), PublicKey(group.decode(setup.key, what="joint key")))


def ballots_of(task: Task) -> list[SubmittedBallot]:
    """The ballots of a task."""
    return [SubmittedBallot(body, hints) for body, hints in task.ballots]


def pack(message: Task | Answer) -> bytes:
    """A message as it goes through the pipe."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def unpack(data: bytes, kind: type[M]) -> M:
    """A message without its length. Raises msgspec.MsgspecError for anything else."""
    return msgspec.msgpack.decode(data, type=kind)


def write_all(pipe: int, data: bytes) -> None:
    """Write to a pipe. Raises OSError if nobody reads it."""
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]
