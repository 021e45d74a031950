"""Protocol L17g: a mirror that also takes entries and hands them on to the board (docs/spec/log.md, "Mirrors").

Whoever cannot reach the board, or gets no honest answer there, can send through somebody else. A relay adds nothing of
its own: entry and token go on byte for byte, the board's refusal comes back as it stands, and the receipt is answered
only when the mirror itself holds the entry. It hands on a few at a time, and for the board it is one sender.

This module must not know what entries mean.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

import httpx

from bulletin_board.client import BoardClient
from bulletin_board.errors import BusyError, RelayedError
from bulletin_board.http_errors import is_error_answer
from bulletin_board.log import Submission
from bulletin_board.mirror import Mirror
from bulletin_board.reader import Appended, BoardReader
from bulletin_board.reader_pool import ReaderPool
from voting.address import Address
from voting.protocol.errors import UnavailableError, UrneError
from voting.protocol.tlog.header import parse_header
from voting.web_client import WebClient

MAX_RELAYED = 8
"""So many entries are on their way to the board at a time; more are told to come again."""
SECONDS_PER_ANSWER = 30.0
_PASSED_ON = frozenset({400, 403, 409, 413, 429, 503})
"""Answers of a board that are the sender's business."""
_AGAIN = "send it again, to the board or through another relay: it is kept once"


class RelayService:
    """What `board_api` needs of a mirror that relays."""

    def __init__(self, mirror: Mirror, address: Address, http: httpx.Client, *, most: int = MAX_RELAYED) -> None:
        """Args:
        address: of the board, or of another relay of it.
        http: the connection to it; used by several threads.
        most: so many entries are handed on at a time.
        """
        self._mirror = mirror
        self._address = address
        # Whoever sends to a relay tries again by himself: to do it here as well would multiply what the board gets.
        self._web = WebClient(http, seconds_per_answer=SECONDS_PER_ANSWER, attempts=1)
        self._readers = ReaderPool(mirror.folder)
        self._places = threading.BoundedSemaphore(most)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._readers.close()

    def reader(self) -> AbstractContextManager[BoardReader]:
        """The mirror, open for reading."""
        return self._readers.reader()

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """Protocol L17h: hand an entry on to the board; on return the board has signed for it and the mirror holds it.

        Raises:
            RelayedError: the board's answer, if it is not a receipt.
            BusyError: if too many are on their way.
            UnavailableError: if the board does not answer, or its receipt does not hold.
        """
        held = self._held(submission)
        if held is not None:
            return held
        if not self._places.acquire(blocking=False):
            raise BusyError("too many entries are being relayed", remedy="try again in a moment")
        try:
            was_new = self._hand_on(submission, token)
        finally:
            self._places.release()
        held = self._held(submission)
        if held is None:
            raise UnavailableError("the board has signed for the entry, but does not show it", remedy=_AGAIN)
        return held._replace(was_new=was_new)

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        """None: a relay has no key, and passes the board's own refusals on as they stand."""
        return None

    def _held(self, submission: Submission) -> Appended | None:
        with self.reader() as board:
            found = board.find(submission.body)
        if found is None or parse_header(found.header_bytes).type != submission.type:
            return None
        return found

    def _hand_on(self, submission: Submission, token: str | None) -> bool:
        """Send the entry, check the receipt, and take over what the board shows. Whether the entry was new."""
        client = BoardClient(self._address, web=self._web, key=self._mirror.key)
        try:
            answer = client.send(submission, token)
            if answer.status in _PASSED_ON and is_error_answer(answer.data):
                raise RelayedError(answer.status, answer.data)
            placed = client.receive(answer, submission)
            self._mirror.hold(placed.checkpoint.size)
        except RelayedError:
            raise
        except UrneError as error:
            # Without a place: an error of the machine that has one is not told (Q4).
            problem = f"the board gives this relay no good answer ({error.problem})"
            raise UnavailableError(problem, remedy=_AGAIN) from None
        return placed.was_new
