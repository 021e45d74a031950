"""Protocol V4: one pass over all ballots, in chunks, on several processes: checks 11 to 15, and the product for 17.

A chunk is checked by a pure function of the record's folder, the context and the chunk. Whatever goes wrong on the way
(a dead process, an exception) is kept: checks that did not see every ballot are "not run", never "passed".

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from voting.crypto.elgamal import PublicKey
from voting.election.ballots import BALLOT, BallotContext, decode_element
from voting.election.record import ElectionRecord
from voting.election.tally import Accumulator, EncryptedTally
from voting.protocol.encoding import Hash, decode, encode, to_base64
from voting.protocol.entries import content_hash, parse_body
from voting.protocol.errors import DecodeError
from voting.protocol.manifest import Manifest
from voting.protocol.tracker import tracker
from voting.verifier.ballot_checks import BallotToCheck, Fault, check_ballots
from voting.verifier.findings import Finding
from voting.verifier.fingerprints import Fingerprints, fingerprints_of
from voting.verifier.load import BODIES, HINTS, RecordSource
from voting.verifier.replay import Progress, no_progress

MAX_CHUNK = 500
MIN_CHUNK = 20
_CHUNKS_PER_JOB = 4


class BallotPlace(NamedTuple):
    """Where a ballot is, what it must be, and its weight in the tally (0: replaced by a later ballot)."""

    seq: int
    hash: Hash
    weight: int


class Chunk(NamedTuple):
    """Some ballots, and the byte positions of the first one's body and hints in the record's files."""

    ballots: tuple[BallotPlace, ...]
    body_position: int
    hint_position: int | None


class ChunkResult(NamedTuple):
    """What a chunk comes to: plain data."""

    faults: tuple[tuple[int, Fault], ...]
    """(entry number, fault)."""
    unchecked: dict[str, int]
    """Check -> number of ballots on which it could not be made."""
    fingerprints: tuple[bytes, ...]
    tally: EncryptedTally
    missing: int
    """Counted ballots that could not be multiplied in."""
    seconds: dict[str, float]


class PassSetup(NamedTuple):
    """All that a process needs to know, as bytes and text."""

    folder: str
    manifest: bytes
    election: Hash
    joint_key: str


@dataclass
class BallotPass:
    """What the pass over all ballots found."""

    ballots: int = 0
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    unchecked: Counter[str] = field(default_factory=Counter)
    tally: EncryptedTally | None = None
    """The product of all counted ballots; None before the opening."""
    missing: int = 0
    """Counted ballots that are not in `tally`."""
    error: str = ""
    """Why the pass did not see every ballot; empty if it did."""
    seconds: dict[str, float] = field(default_factory=dict)


class ChunkChecker:
    """Checks chunks; each process makes one, because the tables of the joint key are costly."""

    def __init__(self, setup: PassSetup) -> None:
        manifest = decode(setup.manifest, Manifest, what="manifest")
        key = decode_element(manifest.crypto_group(), setup.joint_key, what="joint key")
        self._context = BallotContext(manifest, setup.election, PublicKey(key))
        self._source = RecordSource(Path(setup.folder))

    def check(self, chunk: Chunk) -> ChunkResult:
        """Part of V4: all checks of a chunk's ballots, and their part of the tally.

        Raises:
            DecodeError: if the files are no longer what the replay has seen.
        """
        ballots = list(self._read(chunk))
        verdicts = check_ballots(self._context, ballots)
        accumulator = Accumulator(self._context.group, self._context.shape)
        faults: list[tuple[int, Fault]] = []
        unchecked: Counter[str] = Counter()
        missing = 0
        for place, verdict in zip(chunk.ballots, verdicts.ballots, strict=True):
            faults.extend((place.seq, fault) for fault in verdict.faults)
            unchecked.update(verdict.unchecked)
            if place.weight and verdict.ciphertexts is None:
                missing += 1
            elif place.weight and verdict.ciphertexts is not None:
                accumulator.add(verdict.ciphertexts, place.weight)
        fingerprints = tuple(fingerprints_of(ballot.entry.content) for ballot in ballots)
        return ChunkResult(tuple(faults), dict(unchecked), fingerprints, accumulator.tally(), missing, verdicts.seconds)

    def _read(self, chunk: Chunk) -> Iterator[BallotToCheck]:
        first = chunk.ballots[0].seq
        bodies = self._source.lines_at(BODIES, first, chunk.body_position)
        hints = None
        if chunk.hint_position is not None:
            hints = self._source.lines_at(HINTS, first, chunk.hint_position)
        seq = first
        for place in chunk.ballots:
            while True:
                body, hint = next(bodies, None), next(hints, None) if hints is not None else None
                seq += 1
                if seq > place.seq or body is None:
                    break
            subject = f"entry {place.seq}"
            entry = parse_body(BALLOT, body or b"", what=subject)
            if body is None or content_hash(body) != place.hash:
                raise DecodeError("has changed while it was being verified", where=subject)
            yield BallotToCheck(place.seq, entry, body, hint or None)


def plan_chunks(source: RecordSource, record: ElectionRecord, jobs: int, start: int = 0) -> list[Chunk]:
    """Protocol V4b: cut the ballots from entry `start` on into chunks, small enough to keep every process busy."""
    places = [
        BallotPlace(
            reference.seq,
            reference.hash,
            record.credentials[reference.credential]
            if record.last_ballot[reference.credential].seq == reference.seq
            else 0,
        )
        for reference in record.ballots
        if reference.seq >= start
    ]
    size = max(MIN_CHUNK, min(MAX_CHUNK, -(-len(places) // (jobs * _CHUNKS_PER_JOB))))
    bodies = source.offsets(BODIES)
    hints = source.offsets(HINTS) if source.has_hints else None
    chunks = []
    for start in range(0, len(places), size):
        part = tuple(places[start : start + size])
        hint_position = hints[part[0].seq] if hints is not None else None
        chunks.append(Chunk(part, bodies[part[0].seq], hint_position))
    return chunks


def check_all_ballots(
    source: RecordSource, record: ElectionRecord, *, jobs: int, start: int = 0, progress: Progress = no_progress
) -> BallotPass:
    """Protocol V4: the whole pass. Never raises for what is wrong with ballots, nor for a process that dies.

    Args:
        source: the record.
        record: its entries, replayed.
        jobs: how many processes may work; with 1, or with few ballots, no other process is started.
        start: ballots before this entry were checked at an earlier visit: they are looked at for copies only, and are
            `missing` from the tally.
    """
    done = BallotPass()
    if record.election is None:
        return done
    context = record.ballot_context()
    setup = PassSetup(
        str(source.folder), encode(context.manifest), context.election, to_base64(context.key.element.encode())
    )
    accumulator = Accumulator(context.group, context.shape)
    fingerprints = Fingerprints()
    trackers = {reference.seq: reference.hash for reference in record.ballots}
    try:
        for prints in _earlier_fingerprints(source, record, start):
            fingerprints.add(done.ballots, prints)
            done.ballots += 1
            done.missing += 1
        chunks = plan_chunks(source, record, jobs, start)
        for chunk, result in zip(chunks, _run(setup, chunks, jobs), strict=True):
            for offset, prints in enumerate(result.fingerprints):
                fingerprints.add(done.ballots + offset, prints)
            for seq, fault in result.faults:
                finding = _ballot_finding(seq, trackers[seq], fault)
                done.findings.setdefault(fault.check, []).append(finding)
            done.ballots += len(chunk.ballots)
            done.unchecked.update(result.unchecked)
            done.missing += result.missing
            for check, seconds in result.seconds.items():
                done.seconds[check] = done.seconds.get(check, 0.0) + seconds
            accumulator.merge(result.tally)
            progress("ballots", done.ballots, len(record.ballots))
    except Exception as error:  # whatever it was, the checks of the ballots are not complete
        detail = f": {error}" if isinstance(error, DecodeError) else ""
        done.error = f"the pass over the ballots broke off ({type(error).__name__}{detail})"
    done.tally = accumulator.tally()
    for repetition in fingerprints.repetitions([reference.credential for reference in record.ballots]):
        earlier, own = record.ballots[repetition.first], record.ballots[repetition.second]
        reason = (
            "a ciphertext occurs twice in this ballot"
            if earlier == own
            else f"repeats a ciphertext of entry {earlier.seq}, which another credential cast"
        )
        done.findings.setdefault("15", []).append(_ballot_finding(own.seq, own.hash, Fault("15", reason, "", "")))
    return done


def _earlier_fingerprints(source: RecordSource, record: ElectionRecord, start: int) -> Iterator[bytes]:
    """The fingerprints of the ballots before entry `start`, in order."""
    bodies = enumerate(source.bodies())
    for reference in record.ballots:
        if reference.seq >= start:
            return
        body = next((body for seq, body in bodies if seq == reference.seq), b"")
        if content_hash(body) != reference.hash:
            raise DecodeError("has changed while it was being verified", where=f"entry {reference.seq}")
        yield fingerprints_of(parse_body(BALLOT, body, what=f"entry {reference.seq}").content)


def _ballot_finding(seq: int, ballot_hash: Hash, fault: Fault) -> Finding:
    return Finding(
        entry=seq,
        expected=fault.expected,
        found=fault.found,
        reason=fault.reason,
        subject=f"entry {seq} ({BALLOT})",
        tracker=tracker(ballot_hash),
    )


# -- processes ---------------------------------------------------------------------------------------------------------

_checker: list[ChunkChecker] = []
"""The checker of this process, if it is one of the pool's."""


def _start_process(setup: PassSetup) -> None:
    _checker[:] = [ChunkChecker(setup)]


def _check_in_process(chunk: Chunk) -> ChunkResult:
    return _checker[0].check(chunk)


def _run(setup: PassSetup, chunks: Sequence[Chunk], jobs: int) -> Iterator[ChunkResult]:
    """The results in the order of the chunks. Raises what any of them raised, or BrokenProcessPool."""
    if jobs <= 1 or len(chunks) <= 1:
        checker = ChunkChecker(setup) if chunks else None
        for chunk in chunks if checker else ():
            yield checker.check(chunk)  # type: ignore[union-attr]
        return
    waiting = deque(chunks)
    running: deque[Future[ChunkResult]] = deque()
    with ProcessPoolExecutor(
        min(jobs, len(chunks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(setup,),
    ) as pool:
        try:
            while waiting or running:
                while waiting and len(running) < jobs * _CHUNKS_PER_JOB:
                    running.append(pool.submit(_check_in_process, waiting.popleft()))
                yield running.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
