"""Protocol L20: witnesses and their quorum: how many must have signed before a checkpoint counts (docs/spec/log.md).

A witness signs a checkpoint only if it extends the last one that it signed. Two contradicting checkpoints that k of n
witnesses signed each have at least 2k - n witnesses in common, who broke that promise. So with more than f = 2k - n - 1
dishonest witnesses nothing is promised, and with f or fewer there is only one log.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from voting.protocol.errors import Problem, SignatureInvalid, UrneError
from voting.protocol.tlog.note import (
    TYPE_COSIGNATURE,
    Cosignature,
    NoteKey,
    parse_note,
    parse_vkey,
    verify_cosignatures,
)

MAX_WITNESSES = 15
"""With the board's own that makes 16 signatures, as many as every tool for such notes has to accept."""

DEFAULT_MAX_AGE = 86_400
"""In seconds: a quorum whose cosignatures are older is stale while a board is in use."""
MAX_AHEAD = 300
"""In seconds: a cosignature from further in the future does not count as fresh; clocks differ a little."""


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Whose cosignatures count (keys of type 0x04), and how many of them are needed."""

    keys: tuple[NoteKey, ...] = ()
    quorum: int = 0

    @property
    def tolerated(self) -> int:
        """So many dishonest witnesses cannot bring two contradicting checkpoints to the quorum; -1: not even none."""
        return tolerated_witnesses(len(self.keys), self.quorum)


def tolerated_witnesses(count: int, quorum: int) -> int:
    """Protocol L20a: f = 2k - n - 1 for k = `quorum` of n = `count` witnesses; below 0 two halves could sign apart."""
    return max(2 * quorum - count - 1, -1)


def least_quorum(count: int) -> int:
    """The smallest quorum with which two honest halves cannot sign apart: a majority; 0 without witnesses."""
    return count // 2 + 1 if count else 0


def witness_problems(vkeys: Sequence[str], quorum: int, board: NoteKey | None = None) -> Iterator[Problem]:
    """Protocol L20b: everything that is wrong with a list of witnesses and its quorum; nothing if all is well.

    Args:
        vkeys: the witnesses' published keys (L4c), of type 0x04.
        quorum: how many of them must sign.
        board: the board's key, which is no witness's.
    """
    count = len(vkeys)
    if count > MAX_WITNESSES:
        yield Problem("witnesses", f"are {count}", f"name at most {MAX_WITNESSES}")
    names: set[str] = set()
    keys: set[bytes] = set()
    for position, vkey in enumerate(vkeys, start=1):
        where = f"witnesses[{position}]"
        try:
            key = parse_vkey(vkey)
        except UrneError as error:
            yield Problem(where, error.problem, "copy the line that the witness published")
            continue
        if key.type != TYPE_COSIGNATURE:
            yield Problem(where, "is the key of a log, not of a witness", "ask the witness for the line it published")
        if key.key.raw in keys or key.name in names:
            yield Problem(where, "is an earlier witness, too", "name each witness once")
        if board is not None and key.key.raw == board.key.raw:
            yield Problem(where, "is the board's own key", "a board cannot be its own witness")
        keys.add(key.key.raw)
        names.add(key.name)
    if not 0 <= quorum <= count:
        yield Problem("quorum", f"is {quorum} of {count} witnesses", "give how many of them must sign")
    elif count and tolerated_witnesses(count, quorum) < 0:
        yield Problem(
            "quorum",
            f"is {quorum} of {count} witnesses: two halves could sign two different boards",
            f"demand at least {least_quorum(count)}",
        )


def parse_witnesses(vkeys: Iterable[str], quorum: int) -> WitnessPolicy:
    """Protocol L20c: the policy that a list without problems (L20b) stands for. Raises DecodeError for a bad vkey."""
    return WitnessPolicy(tuple(parse_vkey(vkey, what="the witness's key") for vkey in vkeys), quorum)


def verify_quorum(
    note: bytes, policy: WitnessPolicy, *, board: NoteKey, what: str = "the checkpoint"
) -> tuple[Cosignature, ...]:
    """Protocol L20d: check that enough witnesses have signed a note; gives their cosignatures.

    The board's own signature is not looked at (see `open_checkpoint`).

    Raises:
        DecodeError: if the note is malformed.
        SignatureInvalid: if a witness's signature fails, or there are fewer than the quorum.
    """
    found = verify_cosignatures(parse_note(note, what=what), policy.keys, board=board, what=what)
    if len(found) < policy.quorum:
        names = ", ".join(cosignature.key.name for cosignature in found) or "nobody"
        raise SignatureInvalid(
            f"is signed by {len(found)} of the {policy.quorum} witnesses that are needed ({names})", where=what
        )
    return found


def verify_fresh(
    cosignatures: Iterable[Cosignature],
    quorum: int,
    *,
    now: int,
    max_age: int = DEFAULT_MAX_AGE,
    max_ahead: int = MAX_AHEAD,
    what: str = "the checkpoint",
) -> None:
    """Protocol L20e: check that enough witnesses signed lately: an old quorum may hide that the board went on.

    Args:
        now: POSIX seconds, UTC; the caller's clock.
        max_age, max_ahead: in seconds; a time outside of [now - max_age, now + max_ahead] does not count.

    Raises:
        SignatureInvalid: if fewer than `quorum` cosignatures are from that span, saying whether they are old.
    """
    times = sorted((cosignature.time for cosignature in cosignatures), reverse=True)
    fresh = [time for time in times if now - max_age <= time <= now + max_ahead]
    if len(fresh) >= quorum:
        return
    if any(time > now + max_ahead for time in times):
        raise SignatureInvalid(
            "bears a witness's signature from the future", where=what, remedy="check the clock of this machine"
        )
    raise SignatureInvalid(
        f"is stale: fewer than {quorum} witnesses signed it in the last {max_age} seconds",
        where=what,
        remedy="ask for a newer one; if there is none, ask the witnesses themselves",
    )
