"""Protocol Q4: errors as a board's web interface gives them: a status, and JSON that says what to do.

Only errors of Urne's own are told; of anything else, whose text may hold a secret, only that it happened.
"""

from __future__ import annotations

import msgspec

from bulletin_board.errors import BusyError, NotThereError, TokenError
from voting.protocol.encoding import encode
from voting.protocol.errors import DecodeError, UnavailableError, UrneError, VerificationError

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
FAULT = 500
UNAVAILABLE = 503
TOO_MANY = 429

RETRY_SECONDS = 2
"""What `Retry-After` says where trying again is of use."""


def status_of(error: UrneError) -> int:
    """The HTTP status of an error. What the rules refuse is a conflict with what is on the board."""
    for kind, status in (
        (TokenError, FORBIDDEN),
        (NotThereError, NOT_FOUND),
        (BusyError, TOO_MANY),
        (UnavailableError, UNAVAILABLE),
        (DecodeError, BAD_REQUEST),
    ):
        if isinstance(error, kind):
            return status
    return CONFLICT


def error_json(error: UrneError, refusal: bytes | None = None) -> bytes:
    """Protocol Q4: {"error": {"check", "code", "message", "remedy", "where"}}; empty text where there is nothing.

    Args:
        refusal: the board's signed note (L24) on why its rules refuse an entry; it then stands beside the error.
    """
    # An error of the machine that has a place names files and folders of the server, which are nobody's business.
    is_inside = isinstance(error, UnavailableError) and bool(error.where)
    told = {
        "check": error.check if isinstance(error, VerificationError) else "",
        "code": error.code,
        "message": _UNAVAILABLE if is_inside else error.problem,
        "remedy": _AGAIN if is_inside else error.remedy,
        "where": "" if is_inside else error.where,
    }
    return encode({"error": told} if refusal is None else {"error": told, "refusal": refusal.decode("utf-8")})


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    check: str
    code: str
    message: str
    remedy: str
    where: str


class _ErrorAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    error: _Told
    refusal: str = ""


def is_error_answer(data: bytes) -> bool:
    """Whether an answer has the form of a board's error (Q4), and nothing besides."""
    try:
        msgspec.json.decode(data, type=_ErrorAnswer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


_UNAVAILABLE = "the board cannot be used right now"
_AGAIN = "try again in a minute; an entry that is sent twice is kept once"
