"""The board's own error: the one after which it must not go on writing (docs/spec/log.md, "Crashes")."""

from __future__ import annotations

from voting.protocol.errors import UnavailableError


class FatalError(UnavailableError):
    """A write failed in a way that leaves unknown what is on the disk: close the board and open it again.

    What was acknowledged before is safe. What was not may be there or not: submit it again, it will not be doubled.
    """

    code = "board-fatal"
