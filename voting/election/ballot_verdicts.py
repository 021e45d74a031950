"""Protocol S4: what the costly checks say of ballots before their turn on the board (docs/spec/record.md).

A server checks signatures and proofs of many ballots together, outside the one thread that writes. Whoever admits a
ballot then asks for the verdict on exactly its bytes, in exactly its election, and checks a ballot without one itself.

Pure: where the checks are run is decided elsewhere (`voting.site.ballot_checkers`). It must not import any page.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from voting.crypto.kdf import frame
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballots import BALLOT, BallotContext, verify_ballot_signature
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, VerificationError

MAX_KEPT = 4096
"""Verdicts that are remembered. One is asked for within seconds; forgotten, it costs a check more."""


class SubmittedBallot(NamedTuple):
    """A ballot as it was sent in; nothing about it is believed."""

    body: bytes
    hints: bytes | None

    @property
    def size(self) -> int:
        return len(self.body) + len(self.hints or b"")


class Verdict(NamedTuple):
    """What signature (11), membership (12), shape (13) and proofs (14) of a ballot say: "" for check if all hold."""

    check: str = ""
    reason: str = ""
    expected: str = ""
    found: str = ""

    def verify_passed(self, subject: str) -> None:
        """Raises VerificationError for the first check that failed."""
        if self.check:
            raise VerificationError(self.check, subject, self.reason, expected=self.expected, found=self.found)


PASSED = Verdict()


class Checked(NamedTuple):
    """The verdicts on some ballots, by position."""

    verdicts: dict[int, Verdict]
    doubtful: tuple[int, ...]
    """They need the plain check, which was not to be made now."""


def check_submitted_ballots(
    context: BallotContext,
    ballots: Sequence[SubmittedBallot],
    *,
    random_bytes: Callable[[int], bytes],
    decide: bool = True,
) -> Checked:
    """Protocol S4a: the checks 11 to 14 of ballots that were sent in, together.

    A body that cannot be read gets no verdict: the rules refuse it before any of these checks.

    Args:
        random_bytes: fresh randomness for the weights.
        decide: make the plain check of those that need it; otherwise they are named as doubtful.
    """
    verdicts: dict[int, Verdict] = {}
    items: dict[int, HintedBallot] = {}
    for position, (body, hints) in enumerate(ballots):
        try:
            entry = parse_body(BALLOT, body, what="ballot")
            verify_ballot_signature(context.manifest.hash, entry, body, subject="ballot")
        except DecodeError:
            continue
        except VerificationError as error:
            verdicts[position] = _failed(error)
        else:
            items[position] = HintedBallot(entry.content, hints, "ballot")
    result = check_ballots_together(context, list(items.values()), random_bytes=random_bytes, decide=decide)
    positions = list(items)
    verdicts |= {positions[index]: _failed(error) for index, error in result.failures.items()}
    verdicts |= {positions[index]: PASSED for index in result.ciphertexts}
    return Checked(verdicts, tuple(position for position in positions if position not in verdicts))


def _failed(error: VerificationError) -> Verdict:
    return Verdict(error.check, error.reason, error.expected, error.found)


class KnownVerdicts:
    """Verdicts on exact bytes. Any thread may add, any may ask; a limited number is kept, the oldest are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verdicts: dict[bytes, Verdict] = {}

    def add(self, context: BallotContext, ballot: SubmittedBallot, verdict: Verdict) -> None:
        """Remember what was found."""
        key = ballot_digest(context, ballot)
        with self._lock:
            self._verdicts[key] = verdict
            while len(self._verdicts) > MAX_KEPT:
                self._verdicts.pop(next(iter(self._verdicts)))

    def find(self, context: BallotContext, ballot: SubmittedBallot) -> Verdict | None:
        """What is known of these very bytes in this election; None if they were not checked."""
        key = ballot_digest(context, ballot)
        with self._lock:
            return self._verdicts.get(key)


def context_digest(context: BallotContext) -> bytes:
    """Names everything that the checks of a ballot take from its election."""
    parts = bytes.fromhex(context.manifest.hash), bytes.fromhex(context.election), context.key.element.encode()
    return hashlib.sha256(frame(b"urne-ballot-context", *parts)).digest()


def ballot_digest(context: BallotContext, ballot: SubmittedBallot) -> bytes:
    """Protocol S4b: names the exact bytes of a ballot and its hints, and the election in which they were checked."""
    hints = (b"\0", b"") if ballot.hints is None else (b"\1", ballot.hints)
    said = frame(BALLOT.encode("ascii"), context_digest(context), ballot.body, *hints)
    return hashlib.sha256(said).digest()
