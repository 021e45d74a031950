"""The checks on single ballots (B08, B10, B11, B12), in this process or in several. The results come in order.

Ballots do not depend on each other, so that processes share nothing but the archive and the election's parameters.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from voting.protocol.errors import DecodeError, VerificationError
from voting.verifier.foreign.belenios.archive import Archive, RawRecord, read_part
from voting.verifier.foreign.belenios.ballots import BallotChecker, Cell, read_ballot
from voting.verifier.foreign.belenios.election import Election, base64_hash, parse_election

CHUNK = 16
_CHUNKS_PER_JOB = 4
FORM, SIGNATURE, IN_GROUP, PROOFS = "B08", "B10", "B11", "B12"


class BallotFault(NamedTuple):
    """What is wrong with a ballot, by check."""

    check: str
    subject: str
    reason: str
    expected: str
    found: str


class BallotResult(NamedTuple):
    """What the checks say of one ballot. `cells` is None if it has no usable ciphertexts."""

    tracker: str
    credential: str
    cells: list[list[Cell]] | None
    held: tuple[str, ...]
    faults: tuple[BallotFault, ...]
    seconds: dict[str, float]


def check_ballot(checker: BallotChecker, election: Election, body: bytes) -> BallotResult:
    """Make the four checks. Those that stand on a failed one are left out."""
    held: list[str] = []
    faults: list[BallotFault] = []
    seconds: dict[str, float] = {}
    credential = ""
    cells: list[list[Cell]] | None = None
    check, started = FORM, time.perf_counter()

    def passed() -> None:
        nonlocal started
        now = time.perf_counter()
        held.append(check)
        seconds[check] = now - started
        started = now

    def failed(error: VerificationError) -> None:
        nonlocal started
        now = time.perf_counter()
        seconds[error.check] = now - started
        started = now
        faults.append(BallotFault(error.check, error.subject, error.reason, error.expected, error.found))

    try:
        ballot = read_ballot(body, election)
        credential = ballot.credential
        passed()
        check = IN_GROUP
        cells = checker.cells(ballot)
        passed()
    except VerificationError as error:
        failed(error)
        return BallotResult(base64_hash(body), credential, None, tuple(held), tuple(faults), seconds)
    try:
        check = SIGNATURE
        checker.verify_signature(ballot, election.group.parse(credential, what="credential"))
        passed()
    except DecodeError as error:
        failed(VerificationError(SIGNATURE, "signature", error.problem))
    except VerificationError as error:
        failed(error)
    try:
        check = PROOFS
        checker.verify_proofs(ballot, cells)
        passed()
    except VerificationError as error:
        failed(error)
    return BallotResult(base64_hash(body), credential, cells, tuple(held), tuple(faults), seconds)


def check_ballots(
    archive: Archive, election: Election, election_bytes: bytes, ballots: Sequence[RawRecord], jobs: int
) -> Iterator[BallotResult]:
    """The results for these ballots, in their order.

    Args:
        election_bytes: the parameters as the archive has them; processes read them again.
        jobs: how many processes; one means this one.
    """
    if jobs <= 1 or len(ballots) <= CHUNK or archive.path is None:
        checker = BallotChecker(election)
        for record in ballots:
            yield check_ballot(checker, election, archive.body(record))
        return
    chunks = deque(ballots[start : start + CHUNK] for start in range(0, len(ballots), CHUNK))
    running: deque[Future[list[BallotResult]]] = deque()
    with ProcessPoolExecutor(
        min(jobs, len(chunks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(archive.path, election_bytes),
    ) as pool:
        try:
            while chunks or running:
                while chunks and len(running) < jobs * _CHUNKS_PER_JOB:
                    running.append(pool.submit(_check_chunk, chunks.popleft()))
                yield from running.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Process(NamedTuple):
    path: Path
    election: Election
    checker: BallotChecker


_process: list[_Process] = []
"""What a process of the pool has been started with."""


def _start_process(path: Path, election_bytes: bytes) -> None:
    election = parse_election(election_bytes)
    _process[:] = [_Process(path, election, BallotChecker(election))]


def _check_chunk(records: Sequence[RawRecord]) -> list[BallotResult]:
    path, election, checker = _process[0]
    return [check_ballot(checker, election, read_part(path, record)) for record in records]
