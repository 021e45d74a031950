"""Protocol V10: what a voter may ask of a record: is my ballot there, and does my device encrypt what it shows?

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from voting.crypto.signatures import VerifyKey
from voting.election.ballots import SEED_BYTES, build_ballot, encode_selections
from voting.election.record import ElectionRecord
from voting.protocol.encoding import Hash, decode, from_base64
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.manifest import parse_selections
from voting.protocol.messages import Opening
from voting.protocol.text import plain
from voting.protocol.tracker import lock_number, parse_tracker, tracker

MAX_OPENING_BYTES = 1_000_000


class BallotState(StrEnum):
    """What became of a ballot."""

    COUNTED = "counted"
    REPLACED = "replaced"
    NOT_FOUND = "not found"


class BallotFate(NamedTuple):
    """Where a ballot is, and which later ballot of the same credential counts in its place."""

    tracker: str
    state: BallotState
    entry: int | None = None
    replaced_by: int | None = None


def find_ballot(record: ElectionRecord, code: str) -> BallotFate:
    """Protocol V10: look for the ballot with a tracker. "Counted" means: it is the last of its credential.

    Args:
        record: replayed; whether its ballots are right is not looked at.
        code: as typed by a person.

    Raises:
        DecodeError: if the tracker has a typing error; its check character shows that.
    """
    wanted = parse_tracker(code)
    for reference in record.ballots:
        if tracker(reference.hash) == wanted:
            last = record.last_ballot[reference.credential]
            if last.seq == reference.seq:
                return BallotFate(wanted, BallotState.COUNTED, reference.seq)
            return BallotFate(wanted, BallotState.REPLACED, reference.seq, last.seq)
    return BallotFate(wanted, BallotState.NOT_FOUND)


class OpenedBallot(NamedTuple):
    """A tested ballot, made again from its opening. The choices are for the voter's eyes."""

    hash: Hash
    lock_number: str
    tracker: str
    choices: tuple[tuple[str, tuple[str, ...]], ...]
    """(question, choices in words)."""
    is_listed: bool
    """Whether its credential may vote."""
    cast: int | None
    """The entry that holds this very ballot, which must not be: openings of cast ballots show how somebody voted."""


def open_ballot(record: ElectionRecord, data: bytes, language: str, *, what: str = "the opening") -> OpenedBallot:
    """Protocol V11: make the whole ballot again from an opening.

    Args:
        record: replayed, at least up to the opening of the election.
        data: canonical JSON of `Opening`.
        language: of the choices.

    Raises:
        DecodeError: if the opening is malformed.
        SelectionError: if its choices break the rules of a question; the choices are not named.
        VerificationError: if the election is not open, or the opening is of another one.
    """
    opening = decode(data, Opening, what=what, limit=MAX_OPENING_BYTES)
    context = record.ballot_context()
    if opening.election != context.election:
        raise VerificationError("10", what, "is of another election", expected=context.election, found=opening.election)
    credential = from_base64(opening.credential, 32, what=f"{what}, credential")
    VerifyKey.decode(credential, what=f"{what}, credential")
    try:
        seed = from_base64(opening.seed, SEED_BYTES, what=f"{what}, seed")
    except DecodeError:
        raise DecodeError("is not 32 bytes in base64url", where=f"{what}, seed") from None
    selections: tuple[Any, ...] = parse_selections(context.manifest, opening.choices)
    values = encode_selections(context.manifest, selections)
    ballot_hash = build_ballot(context, credential, values, seed).hash
    choices = tuple(
        (plain(question.title, language), tuple(question.describe_selection(selection, language)))
        for question, selection in zip(context.manifest.questions, selections, strict=True)
    )
    cast = next((reference.seq for reference in record.ballots if reference.hash == ballot_hash), None)
    listed = opening.credential in record.credentials
    return OpenedBallot(ballot_hash, lock_number(ballot_hash), tracker(ballot_hash), choices, listed, cast)
