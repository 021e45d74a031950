"""Protocol L24: the board signs why its rules refuse an entry (docs/spec/log.md, "Refusals").

After how many entries an error was raised, only the board's writer knows: it notes that on the error. Whoever has the
board's key signs it then, for the sender alone. What is malformed, unwanted or came at a bad time is no refusal by the
rules, and is not signed.

This module must not know what entries mean, nor import any web code.
"""

from __future__ import annotations

from bulletin_board.errors import refused_at
from bulletin_board.log import Submission
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import sha256
from voting.protocol.errors import UrneError
from voting.protocol.tlog.refusal import refusal_for, sign_refusal


def signed_refusal(submission: Submission, error: UrneError, *, origin: str, key: SigningKey) -> bytes | None:
    """Protocol L24f: the board's signed note on why it refused an entry; None if its rules never looked at it."""
    size = refused_at(error)
    if size is None:
        return None
    body = sha256(submission.body)
    return sign_refusal(refusal_for(error, origin=origin, size=size, type_=submission.type, body=body), key)
