"""Many voters at once, for demonstrations and benchmarks: each encrypts a ballot, on as many processor cores as wanted.

Real voters use a device of their own. It must not import any command.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

from voting.crypto.elgamal import PublicKey
from voting.crypto.group import group_by_name
from voting.election.ballots import BallotContext, EncryptedBallot, encrypt_ballot
from voting.election.credentials import derive_credential
from voting.protocol.encoding import Hash, decode, encode
from voting.protocol.manifest import Manifest

CHUNK = 4
"""Ballots that a process takes at once."""


class VoterTask(NamedTuple):
    """What one voter knows: a secret each."""

    code: str
    selections: tuple[Any, ...]
    seed: bytes

    def __repr__(self) -> str:
        return "VoterTask(...)"


def encrypt_ballots(context: BallotContext, tasks: Sequence[VoterTask], jobs: int) -> Iterator[EncryptedBallot]:
    """The ballots of all voters, in their order, as they are finished.

    Args:
        context: the election.
        tasks: one per ballot.
        jobs: number of processes; with 1, this one does the work.
    """
    if jobs == 1:
        yield from (_encrypt(context, task) for task in tasks)
        return
    ballots = -(-len(tasks) // jobs)
    start = (encode(context.manifest), context.election, context.key.element.encode(), ballots)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_start_worker, initargs=start) as pool:
        yield from pool.map(_encrypt_in_worker, tasks, chunksize=CHUNK)


def _encrypt(context: BallotContext, task: VoterTask) -> EncryptedBallot:
    credential = derive_credential(task.code, context.manifest.hash)
    return encrypt_ballot(context, credential, task.selections, task.seed)


_worker_context: list[BallotContext] = []


def _start_worker(manifest: bytes, election: Hash, key: bytes, ballots: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers
    parsed = decode(manifest, Manifest, what="manifest")
    group = group_by_name(parsed.group)
    powers = ballots * (parsed.shape.values + parsed.shape.branches)  # of K; of g twice as many
    group.expect_powers(2 * powers)
    _worker_context[:] = [BallotContext(parsed, election, PublicKey(group.decode(key), powers))]


def _encrypt_in_worker(task: VoterTask) -> EncryptedBallot:
    return _encrypt(_worker_context[0], task)
