"""The board's own errors (docs/spec/log.md, "Crashes"; docs/spec/http.md)."""

from __future__ import annotations

from voting.protocol.errors import UnavailableError, UrneError, UsageError


class FatalError(UnavailableError):
    """A write failed in a way that leaves unknown what is on the disk: close the board and open it again.

    What was acknowledged before is safe. What was not may be there or not: submit it again, it will not be doubled.
    """

    code = "board-fatal"


class OutlivedError(UnavailableError):
    """Somebody has seen more of the board than it has: it comes from an old copy, and must not go on."""

    code = "board-outlived"


class TokenError(UrneError):
    """The service wants a token with an entry, and got none or a wrong one."""

    code = "token"


class BusyError(UnavailableError):
    """Too much was sent in too short a time: wait and try again."""

    code = "busy"


class QuorumError(UnavailableError):
    """Too few witnesses have signed yet: what was sent is on the disk, and is published as soon as they have."""

    code = "quorum"


class NotThereError(UsageError):
    """There is no such board, or it has no such entry."""

    code = "not-there"
