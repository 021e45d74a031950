"""Protocol V4b: chunks of ballots: what a process is given, what it does, and what it gives back: plain, small data.

A chunk is checked by a pure function of the chunk, the election's context, and the lines of the record's files that it
names. So it can run in this process, in another one, or on another machine, and again if its process is lost.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.elgamal import Ciphertext, PublicKey
from voting.crypto.group import Element, Group
from voting.election.ballots import BALLOT, BallotContext, decode_element
from voting.election.tally import Accumulator, EncryptedTally
from voting.protocol.encoding import Hash, decode, sha256
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError
from voting.protocol.manifest import Manifest
from voting.verifier.ballot_checks import BallotToCheck, Fault, check_ballots
from voting.verifier.fingerprints import fingerprints_of
from voting.verifier.load import BODIES, HINTS, RecordSource


class BallotPlace(NamedTuple):
    """Where a ballot is, what it must be, and its weight in the tally (0: replaced by a later ballot)."""

    seq: int
    hash: Hash
    """SHA-256 of the body, as the replay has seen it."""
    weight: int


class Chunk(NamedTuple):
    """Some ballots, in order, and where their lines are in the record's files, in bytes.

    From the first ballot's line to the end of the last one's there may be lines of other entries.
    """

    number: int
    """Which chunk of the pass it is."""
    first: int
    """Number of its first ballot, in the order of casting."""
    ballots: tuple[BallotPlace, ...]
    bodies: tuple[int, int]
    """Begin and end, in the file of bodies."""
    hints: tuple[int, int] | None
    """Begin and end, in the file of hints; None if the record has no such file."""


class PlainTally(NamedTuple):
    """The product of some ballots: for each total alpha and beta, as big-endian bytes."""

    totals: tuple[bytes, ...]
    ballots: int
    weight: int


class ChunkResult(NamedTuple):
    """What a chunk comes to."""

    first: int
    """The chunk's `first`."""
    faults: tuple[tuple[int, Fault], ...]
    """(Place in the chunk, fault)."""
    unchecked: dict[str, int]
    """Check -> number of ballots on which it could not be made."""
    fingerprints: tuple[bytes, ...]
    tally: PlainTally
    missing: int
    """Counted ballots that could not be multiplied in."""
    microseconds: dict[str, int]
    """Check -> time that it took."""


class PassSetup(NamedTuple):
    """All that a process needs to know, as bytes and text."""

    folder: str
    manifest: bytes
    election: Hash
    joint_key: str


class ChunkChecker:
    """Checks chunks; each process makes one, because the tables of the joint key are costly."""

    def __init__(self, setup: PassSetup) -> None:
        manifest = decode(setup.manifest, Manifest, what="manifest")
        key = decode_element(manifest.crypto_group(), setup.joint_key, what="joint key")
        self._context = BallotContext(manifest, setup.election, PublicKey(key))
        self._folder = Path(setup.folder)
        self._source: RecordSource | None = None

    def check(self, chunk: Chunk) -> ChunkResult:
        """Part of V4: all checks of a chunk's ballots, and their part of the tally. Reads them from the record.

        Raises:
            DecodeError: if the files are no longer what the replay has seen.
            UnavailableError: if they cannot be read.
        """
        if self._source is None:
            self._source = RecordSource(self._folder)
        first = chunk.ballots[0].seq
        bodies = self._source.lines_at(BODIES, first, chunk.bodies[0])
        hints = None if chunk.hints is None else self._source.lines_at(HINTS, first, chunk.hints[0])
        return self.check_lines(chunk, bodies, hints)

    def check_lines(self, chunk: Chunk, bodies: Iterator[bytes], hints: Iterator[bytes] | None) -> ChunkResult:
        """As `check`, from the lines of the two files, beginning with those of the chunk's first ballot."""
        ballots = list(_ballots(chunk, bodies, hints))
        fingerprints = tuple(fingerprints_of(ballot.entry.content) for ballot in ballots)
        verdicts = check_ballots(self._context, ballots)
        accumulator = Accumulator(self._context.group, self._context.shape)
        faults: list[tuple[int, Fault]] = []
        unchecked: Counter[str] = Counter()
        missing = 0
        for position, (place, verdict) in enumerate(zip(chunk.ballots, verdicts.ballots, strict=True)):
            faults.extend((position, fault) for fault in verdict.faults)
            unchecked.update(verdict.unchecked)
            if place.weight and verdict.ciphertexts is None:
                missing += 1
            elif place.weight and verdict.ciphertexts is not None:
                accumulator.add(verdict.ciphertexts, place.weight)
        tally = plain_tally(accumulator.tally())
        microseconds = {check: round(seconds * 1e6) for check, seconds in verdicts.seconds.items()}
        return ChunkResult(chunk.first, tuple(faults), dict(unchecked), fingerprints, tally, missing, microseconds)


def _ballots(chunk: Chunk, bodies: Iterator[bytes], hints: Iterator[bytes] | None) -> Iterator[BallotToCheck]:
    lines = zip(bodies, repeat(b"") if hints is None else hints, strict=False)
    seq = chunk.ballots[0].seq
    for place in chunk.ballots:
        body, hint = b"", b""
        while seq <= place.seq:
            body, hint = next(lines, (b"", b""))
            seq += 1
        if sha256(body) != place.hash:
            raise DecodeError("has changed while it was being verified", where=f"entry {place.seq}")
        yield BallotToCheck(place.seq, parse_body(BALLOT, body, what=f"entry {place.seq}"), body, hint or None)


def plain_tally(tally: EncryptedTally) -> PlainTally:
    """A tally as bytes, to be sent or kept."""
    return PlainTally(
        tuple(element.encode() for ciphertext in tally.ciphertexts for element in ciphertext),
        tally.ballots,
        tally.weight,
    )


def own_tally(group: Group, tally: PlainTally) -> EncryptedTally:
    """The tally that `plain_tally` wrote in one of our own processes: its values are not tested again."""
    elements = [Element(group, mpz(int.from_bytes(data, "big"))) for data in tally.totals]
    ciphertexts = tuple(Ciphertext(a, b) for a, b in zip(elements[::2], elements[1::2], strict=True))
    return EncryptedTally(ciphertexts, tally.ballots, tally.weight)
