"""Protocol E: the only JSON codec of the project (docs/spec/encoding.md).

Canonical JSON is what RFC 8785 gives for our messages: UTF-8, keys in sorted order, no white space, integers only.
A decoder accepts bytes only if encoding what it read gives back the same bytes. That one rule refuses duplicate keys,
unknown fields, white space, reordered fields, odd numbers and needless escapes.

Byte strings travel as base64url without padding, hashes (SHA-256) as 64 lower-case hexadecimal digits, so that
`sha256sum` can be used to recheck them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Any, NewType, TypeVar

import msgspec

from voting.protocol.errors import DecodeError

T = TypeVar("T")

Hash = NewType("Hash", str)
"""SHA-256 as 64 lower-case hexadecimal digits."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""No canonical JSON text that Urne reads may be longer (an entry's body, the longest of all, is limited to this)."""

MAX_SAFE_INTEGER = 2**53 - 1
"""Integers in messages stay exact in every JSON library (RFC 8785, section 3.2.2.3)."""

ZERO_HASH = Hash("0" * 64)

_HASH = re.compile(r"[0-9a-f]{64}\Z")
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")
"""From base64url to the alphabet that Python decodes fastest; what is foreign stays foreign."""
_encoder = msgspec.json.Encoder(order="sorted")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(message: Any) -> bytes:
    """Protocol E1: the canonical JSON of a message (a msgspec struct, or plain dicts, lists, strings and integers)."""
    return _encoder.encode(message)


_DIGITS_ONLY = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(" ") for byte in range(256))
_SIXTEEN_DIGITS = b"0" * len(str(MAX_SAFE_INTEGER))


def decode(data: bytes, kind: type[T], *, what: str, limit: int = MAX_MESSAGE_BYTES) -> T:
    """Protocol E2: read a message, accepting nothing but its canonical bytes.

    Args:
        data: UTF-8 JSON.
        kind: the struct (or union of structs) to read.
        what: how an error names the data, e.g. "entry 17".
        limit: longest text accepted, in bytes.

    Raises:
        DecodeError: for anything else than exactly what `encode` would have written.
    """
    message = _read(data, kind, what, limit)
    has_long_numbers = _SIXTEEN_DIGITS in data.translate(_DIGITS_ONLY)  # shorter integers are within the bounds
    if has_long_numbers or not data.isascii():
        value = msgspec.json.decode(data)
        _require_plain_integers(value, what)
        _require_ascii_keys(value, what)
    return message


def _read(data: bytes, kind: type[T], what: str, limit: int) -> T:
    if len(data) > limit:
        raise DecodeError(f"is {len(data)} bytes long, more than the {limit} allowed", where=what)
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        message = decoder.decode(data)
        again = _encoder.encode(message)
    except msgspec.MsgspecError as error:
        raise DecodeError(_safe_reason(error), where=what) from None
    except UnicodeError:
        raise DecodeError("is not valid UTF-8", where=what) from None
    except RecursionError:
        raise DecodeError("is nested too deeply", where=what) from None
    if again != data:
        raise DecodeError(
            f"is not canonical JSON (first difference at byte {_first_difference(again, data)})", where=what
        )
    return message  # type: ignore[no-any-return]


def require_canonical(data: bytes, *, what: str, limit: int = MAX_MESSAGE_BYTES) -> None:
    """Protocol E3: check that bytes are canonical JSON of some object, whatever its fields; floats are refused.

    Raises:
        DecodeError: if they are not.
    """
    _require_plain_integers(_read(data, dict[str, Any], what, limit), what)


def _require_plain_integers(value: object, what: str) -> None:
    for item in _parts_of(value):
        if isinstance(item, float):
            raise DecodeError("contains a number that is not an integer", where=what)
        if isinstance(item, int) and not isinstance(item, bool) and abs(item) > MAX_SAFE_INTEGER:
            raise DecodeError("contains an integer beyond 2^53 - 1", where=what)


def _require_ascii_keys(value: object, what: str) -> None:
    for item in _parts_of(value):
        if isinstance(item, dict) and not all(key.isascii() for key in item):
            raise DecodeError("has a key that is not ASCII", where=what)


def _parts_of(value: object) -> Iterator[Any]:
    """A value read from JSON, and all values inside it."""
    stack: list[Any] = [value]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def sha256(data: bytes) -> Hash:
    """Protocol E4: the identity of published bytes: SHA-256, as hexadecimal text."""
    return Hash(hashlib.sha256(data).hexdigest())


def parse_hash(text: str, *, what: str) -> Hash:
    """Protocol E5: read a SHA-256 hash. Raises DecodeError unless it is 64 lower-case hexadecimal digits."""
    if not _HASH.match(text):
        raise DecodeError("is not a SHA-256 hash of 64 lower-case hexadecimal digits", where=what)
    return Hash(text)


def to_base64(data: bytes) -> str:
    """Protocol E6: base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64(text: str, length: int | None, *, what: str) -> bytes:
    """Protocol E7: read base64url without padding, in its one canonical form.

    Args:
        text: what `to_base64` wrote.
        length: number of bytes that must come out; None for any number.
        what: how an error names the value.

    Raises:
        DecodeError: for a foreign character, padding, stray bits at the end, or a wrong length.
    """
    try:
        standard = text.encode("ascii").translate(_TO_STANDARD) + b"==="[: -len(text) % 4]
        data = binascii.a2b_base64(standard)
        if binascii.b2a_base64(data, newline=False) == standard and (length is None or len(data) == length):
            return data
    except (ValueError, binascii.Error):
        pass  # below it is found out what is wrong
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise DecodeError("is not base64url", where=what) from None
    if to_base64(data) != text:
        raise DecodeError("is not canonical base64url without padding", where=what)
    if length is not None and len(data) != length:
        raise DecodeError(f"is {len(data)} bytes long, not {length}", where=what)
    return data


def _first_difference(left: bytes, right: bytes) -> int:
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))


def _safe_reason(error: Exception) -> str:
    """The library's reason without any value from the data: it names types and field names only, and is cut short."""
    text = str(error)
    return text if len(text) <= 300 else text[:300] + "..."
