"""Protocol L3: the two small text forms of the log's files: standard base64 and decimal numbers, each in one form only.

This module must not import anything above `voting.protocol`.
"""

from __future__ import annotations

import base64
import binascii
import re

from voting.protocol.encoding import MAX_SAFE_INTEGER
from voting.protocol.errors import DecodeError

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,18})\Z", re.ASCII)


def encode_base64(data: bytes) -> str:
    """Protocol L3a: standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, length: int | None, *, what: str) -> bytes:
    """Protocol L3b: read standard base64 with padding, in its one canonical form.

    Args:
        text: what `encode_base64` wrote.
        length: number of bytes that must come out; None for any number.
        what: how an error names the value.

    Raises:
        DecodeError: for a foreign character, missing padding, stray bits at the end, or a wrong length.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise DecodeError("is not base64", where=what) from None
    if encode_base64(data) != text:
        raise DecodeError("is not canonical base64", where=what)
    if length is not None and len(data) != length:
        raise DecodeError(f"is {len(data)} bytes long, not {length}", where=what)
    return data


def decode_decimal(text: str, *, what: str) -> int:
    """Protocol L3c: read a number of at most 2^53 - 1. Raises DecodeError for a sign, a leading zero or else."""
    if not _DECIMAL.match(text) or (number := int(text)) > MAX_SAFE_INTEGER:
        raise DecodeError("is not a decimal number without leading zeros, at most 2^53 - 1", where=what)
    return number
