"""A form that was sent twice acts once: each carries a random mark, and a mark counts one time. No flask here."""

from __future__ import annotations

import threading
from collections import OrderedDict

MAX_MARKS = 10_000


class Once:
    """The marks of forms that were acted on, as many as fit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()

    def is_first(self, mark: str) -> bool:
        """Whether a form with this mark comes for the first time; it counts from now on. A form without one does."""
        mark = mark[:100]
        if not mark:
            return True
        with self._lock:
            if mark in self._used:
                return False
            self._used[mark] = None
            if len(self._used) > MAX_MARKS:
                self._used.popitem(last=False)
        return True

    def forget(self, mark: str) -> None:
        """Nothing came of the form after all: it may be sent again."""
        with self._lock:
            self._used.pop(mark[:100], None)
