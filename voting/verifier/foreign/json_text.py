"""Reading JSON that other people wrote: no key twice, no number that JSON has not, and nothing but our errors.

`read_canonical` goes further: the text must be the very one that its content is written as. So every number and every
field has one writing, and two readers cannot see two things.
This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from voting.protocol.errors import DecodeError

Content = TypeVar("Content")

MAX_DEPTH = 32
"""No format here nests deeper."""


def read_json(data: bytes, *, what: str) -> Any:
    """Any JSON value. Raises DecodeError: not UTF-8, not JSON, a key twice, a fraction, or nested too deep."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DecodeError("is not UTF-8 text", where=what) from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_float=_no_fraction, parse_constant=_no_fraction)
    except DecodeError as error:
        raise DecodeError(error.problem, where=what) from None
    except (ValueError, RecursionError):
        raise DecodeError("is not JSON", where=what) from None
    _require_shallow(value, what)
    if b"\\ud" in data or b"\\uD" in data:
        _require_characters(value, what)
    return value


def read_canonical(data: bytes, kind: type[Content], *, what: str) -> Content:
    """JSON of one type in compact form, fields in order. Raises DecodeError for any other writing."""
    try:
        value = msgspec.json.decode(data, type=kind)
        written = msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        raise DecodeError(f"is not a {kind.__name__.lstrip('_')} in its JSON form", where=what) from None
    if written != data:
        raise DecodeError("is JSON, but not in compact form with its fields in order", where=what)
    return value


def convert(value: Any, kind: type[Content], *, what: str) -> Content:
    """A JSON value as one type. Raises DecodeError if it is not of that type."""
    try:
        return msgspec.convert(value, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DecodeError(f"does not have the form it should ({error})", where=what) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DecodeError("has a key twice")
    return found


def _no_fraction(_text: str) -> Any:
    raise DecodeError("has a number with a fraction or an exponent")


def _require_characters(value: Any, what: str) -> None:
    """Half a surrogate pair is no character: it cannot be hashed or printed."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise DecodeError("has a text with half a character", where=what) from None


def _require_shallow(value: Any, what: str) -> None:
    level, values = 0, [value]
    while values:
        if level > MAX_DEPTH:
            raise DecodeError("is nested too deep", where=what)
        level += 1
        values = [
            inner
            for outer in values
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
