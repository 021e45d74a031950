"""Protocol Q8h: getting an entry onto a board although its server is silent or lies (docs/spec/http.md, "The client").

The same bytes are sent to the board, and then through each relay in turn, until the board's receipt for them was
checked, or the board has signed that it refuses them. It keeps an entry once, whichever way it comes. What came of
every way is kept for a dispute file.

This module must not know what entries mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bulletin_board.client import BoardClient, Placed
from bulletin_board.errors import refusal_of
from bulletin_board.log import Submission
from voting.protocol.errors import UrneError
from voting.protocol.tlog.dispute import SCHEMA, Dispute, OtherAnswer, SignedAnswer
from voting.web_client import clean


class Delivered(NamedTuple):
    """Where an entry stands, and the client that got it there."""

    placed: Placed
    client: BoardClient


class Attempt(NamedTuple):
    """What came of one way to the board, where it did not lead to a receipt."""

    via: str
    error: UrneError


class UndeliveredError(UrneError):
    """No way led to a receipt. `cause` is what a person should be told: the board's signed refusal, or what went wrong
    on the first way."""

    code = "undelivered"

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = tuple(attempts)
        signed = [attempt.error for attempt in attempts if refusal_of(attempt.error) is not None]
        self.cause = (signed or [attempts[0].error])[0]
        super().__init__(self.cause.problem, where=self.cause.where, remedy=self.cause.remedy)


def deliver(ways: Sequence[BoardClient], submission: Submission, token: str | None = None) -> Delivered:
    """Protocol Q8j: send an entry by each way in turn until one leads to a receipt.

    Args:
        ways: clients of one board, all with its key: its own address first, then relays. At most `MAX_WAYS`.

    Raises:
        UndeliveredError: if none does, or the board has signed that it refuses the entry.
    """
    attempts: list[Attempt] = []
    for client in ways:
        try:
            return Delivered(client.append(submission, token), client)
        except UrneError as error:
            attempts.append(Attempt(str(client.pages.address), error))
            if refusal_of(error) is not None:
                break
    raise UndeliveredError(attempts)


def dispute_of(submission: Submission, attempts: Sequence[Attempt]) -> Dispute:
    """Protocol L25e: the dispute file's content: the entry, the board's signed refusals, and who else was asked."""
    refusals, others = [], []
    for via, error in attempts:
        note = refusal_of(error)
        if note is not None:
            refusals.append(SignedAnswer(note=note.decode("utf-8"), via=via))
        else:
            others.append(OtherAnswer(said=clean(str(error)), via=via))
    return Dispute(
        body=submission.body.decode("utf-8"),
        hints=(submission.attachment or b"").decode("utf-8"),
        others=tuple(others),
        refusals=tuple(refusals),
        schema=SCHEMA,
        type=submission.type,
    )
