"""Protocol V4: one pass over all ballots, in chunks, on several processes: checks 11 to 15, and the product for 17.

A chunk is checked by a pure function of the record's folder, the context and the chunk. Whatever goes wrong on the way
(a dead process, an exception) is kept: checks that did not see every ballot are "not run", never "passed". Of a ballot
nothing stays in memory: what the pass needs later is in the register, the lines and the fingerprints, which go to
temporary files when they get large.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from voting.election.ballots import BALLOT
from voting.election.tally import Accumulator, EncryptedTally
from voting.protocol.encoding import Hash, encode, sha256, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, UnavailableError
from voting.protocol.tracker import tracker
from voting.verifier.ballot_checks import Fault
from voting.verifier.chunks import BallotPlace, Chunk, PassSetup, own_tally
from voting.verifier.findings import Finding
from voting.verifier.fingerprints import Fingerprints, fingerprints_of
from voting.verifier.load import RecordSource
from voting.verifier.replay import Progress, Replay, no_progress
from voting.verifier.workers import Workers, local_workers

MAX_CHUNK = 1000
MIN_CHUNK = 20
MAX_CHUNK_BYTES = 48 * 1024**2
"""Bodies and hints of a chunk; but a chunk has one ballot at least."""
_CHUNKS_PER_JOB = 4


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


def plan_chunks(source: RecordSource, replay: Replay, jobs: int, start: int = 0) -> Iterator[Chunk]:
    """Protocol V4b: cut the ballots from entry `start` on into chunks, small enough to keep every process busy.

    The chunks of a large record do not depend on `jobs`, so that a later run can go on from them (V20).
    """
    first = _first_ballot(replay, start)
    register = replay.record.register
    size = max(MIN_CHUNK, min(MAX_CHUNK, -(-(register.ballot_count - first) // (jobs * _CHUNKS_PER_JOB))))
    number = 0
    places: list[BallotPlace] = []
    begins = ends = (0, 0)
    read = 0
    for ballot, line in zip(register.cast_ballots(first), replay.lines.since(first), strict=True):
        length = line.body_end - line.body_start + line.hint_end - line.hint_start
        if places and (len(places) == size or read + length > MAX_CHUNK_BYTES):
            yield _chunk(source, number, first, places, begins, ends)
            number, first = number + 1, first + len(places)
            places, read = [], 0
        if not places:
            begins = (line.body_start, line.hint_start)
        places.append(BallotPlace(ballot.seq, line.body, ballot.weight))
        ends = (line.body_end, line.hint_end)
        read += length
    if places:
        yield _chunk(source, number, first, places, begins, ends)


def _first_ballot(replay: Replay, start: int) -> int:
    """The number of the first ballot from entry `start` on."""
    return bisect_left(replay.record.ballots, start, key=attrgetter("seq"))


def _chunk(
    source: RecordSource,
    number: int,
    first: int,
    places: list[BallotPlace],
    begins: tuple[int, int],
    ends: tuple[int, int],
) -> Chunk:
    hints = (begins[1], ends[1]) if source.has_hints else None
    return Chunk(number, first, tuple(places), (begins[0], ends[0]), hints)


def check_all_ballots(
    source: RecordSource,
    replay: Replay,
    *,
    jobs: int,
    start: int = 0,
    workers: Workers | None = None,
    progress: Progress = no_progress,
) -> BallotPass:
    """Protocol V4: the whole pass. Never raises for what is wrong with ballots, nor for a process that dies.

    Args:
        source: the record.
        replay: its entries, replayed.
        jobs: how many processes may work; with 1, or with few ballots, no other process is started.
        start: ballots before this entry were checked at an earlier visit: they are looked at for copies only, and are
            `missing` from the tally.
        workers: who checks the chunks; by default `jobs` processes of this machine.
    """
    done = BallotPass()
    record = replay.record
    if record.election is None:
        return done
    context = record.ballot_context()
    setup = PassSetup(
        str(source.folder), encode(context.manifest), context.election, to_base64(context.key.element.encode())
    )
    accumulator = Accumulator(context.group, context.shape)
    fingerprints = Fingerprints()
    total = record.register.ballot_count
    try:
        for prints in _earlier_fingerprints(source, replay, start):
            fingerprints.add(done.ballots, prints)
            done.ballots += 1
            done.missing += 1
        progress("ballots", done.ballots, total)
        if workers is None:
            workers = local_workers(jobs if total - done.ballots > MIN_CHUNK else 1)
        for result in workers.run(setup, plan_chunks(source, replay, jobs, start)):
            if result.first != done.ballots:
                raise DecodeError("came back out of order", where=f"the chunk of ballot {result.first}")
            for offset, prints in enumerate(result.fingerprints):
                fingerprints.add(result.first + offset, prints)
            for place, fault in result.faults:
                _add_finding(done, replay, result.first + place, fault)
            done.ballots += len(result.fingerprints)
            done.unchecked.update(result.unchecked)
            done.missing += result.missing
            for check, microseconds in result.microseconds.items():
                done.seconds[check] = done.seconds.get(check, 0.0) + microseconds / 1e6
            accumulator.merge(own_tally(context.group, result.tally))
            progress("ballots", done.ballots, total)
        if done.ballots != total:
            raise DecodeError(f"are {done.ballots}, not {total}", where="the ballots that were checked")
    except Exception as error:  # whatever it was, the checks of the ballots are not complete
        done.error = _reason(error)
    done.tally = accumulator.tally()
    try:
        for repetition in fingerprints.repetitions(record.register.owner):
            earlier = record.ballots[repetition.first].seq
            reason = (
                "a ciphertext occurs twice in this ballot"
                if repetition.first == repetition.second
                else f"repeats a ciphertext of entry {earlier}, which another credential cast"
            )
            _add_finding(done, replay, repetition.second, Fault("15", reason, "", ""))
    except Exception as error:
        done.error = done.error or _reason(error)
    return done


def _reason(error: Exception) -> str:
    detail = f": {error}" if isinstance(error, (DecodeError, UnavailableError)) else ""
    return f"the pass over the ballots broke off ({type(error).__name__}{detail})"


def _earlier_fingerprints(source: RecordSource, replay: Replay, start: int) -> Iterator[bytes]:
    """The fingerprints of the ballots before entry `start`, in order."""
    ballots = zip(replay.record.register.cast_ballots(), replay.lines.since(0), strict=True)
    bodies = enumerate(source.bodies())
    for ballot, line in ballots:
        if ballot.seq >= start:
            return
        body = next((body for seq, body in bodies if seq == ballot.seq), b"")
        if sha256(body) != line.body:
            raise DecodeError("has changed while it was being verified", where=f"entry {ballot.seq}")
        yield fingerprints_of(parse_body(BALLOT, body, what=f"entry {ballot.seq}").content)


def _add_finding(done: BallotPass, replay: Replay, number: int, fault: Fault) -> None:
    ballot = replay.record.ballots[number]
    done.findings.setdefault(fault.check, []).append(_ballot_finding(ballot.seq, ballot.hash, fault))


def _ballot_finding(seq: int, ballot_hash: Hash, fault: Fault) -> Finding:
    return Finding(
        entry=seq,
        expected=fault.expected,
        found=fault.found,
        reason=fault.reason,
        subject=f"entry {seq} ({BALLOT})",
        tracker=tracker(ballot_hash),
    )
