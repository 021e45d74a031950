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


class RelayedError(UrneError):
    """What a board answered to an entry that a relay handed on: to be passed on as it stands."""

    code = "relayed"

    def __init__(self, status: int, data: bytes) -> None:
        super().__init__(f"the board answers with status {status}")
        self.status = status
        self.data = data


_SIZE = "refused_after"
_NOTE = "signed_refusal"


def mark_refused(error: UrneError, size: int) -> UrneError:
    """Note on an error that the rules of a board raised it on an entry, after so many entries."""
    vars(error)[_SIZE] = size
    return error


def refused_at(error: UrneError) -> int | None:
    """How many entries a board had when its rules raised this; None if it was not they."""
    size = vars(error).get(_SIZE)
    return size if isinstance(size, int) else None


def mark_signed(error: UrneError, note: bytes) -> UrneError:
    """Note on an error the board's signed refusal (L24), which was checked."""
    vars(error)[_NOTE] = note
    return error


def refusal_of(error: UrneError) -> bytes | None:
    """The board's signed refusal that an error stands for; None if nobody has signed it."""
    note = vars(error).get(_NOTE)
    return note if isinstance(note, bytes) else None
