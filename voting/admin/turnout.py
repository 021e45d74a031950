"""Turnout for the administrator: counts only, and no newer than the last full minute.

Who watches a count that changes at once could see who in the room has just voted. It must not import flask.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import NamedTuple

from babel.numbers import format_decimal

from voting.admin.board_view import BoardView
from voting.translations import language


class Turnout(NamedTuple):
    """How many have voted."""

    voted: int
    listed: int
    minute: str
    """When this was counted: "09:41" UTC; empty if it is final."""

    @property
    def percent(self) -> str:
        """Part of those who may vote."""
        part = 100 * self.voted / self.listed if self.listed else 0
        return str(format_decimal(part, "0.0", locale=language()))


class TurnoutCounter:
    """Keeps the count of each election for a minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[str, int]] = {}

    def count(self, name: str, view: BoardView, now: datetime, *, is_open: bool) -> Turnout:
        """The turnout as of the last full minute; the exact one once voting is over."""
        if not is_open:
            return Turnout(view.voted, view.listed, "")
        minute = f"{now:%Y-%m-%d %H:%M}"
        with self._lock:
            known = self._counted.get(name)
            if known is None or known[0] != minute:
                known = self._counted[name] = (minute, view.voted)
        return Turnout(known[1], view.listed, minute[-5:])
