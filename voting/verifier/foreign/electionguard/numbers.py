"""The numbers of ElectionGuard records: elements modulo p and modulo q, in the three ways that records write them.

Versions 0.95: `{"data": "HEX"}`; 1.0 and 1.1: `"HEX"`; both without leading zero bytes. Version 2.0: hexadecimal digits
of fixed width, or base64 of fixed width. All are upper case; lower case is read too, as its value is the same.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from gmpy2 import mpz

from voting.crypto.group import Group

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+\Z")

P_BYTES = 512
Q_BYTES = 32


class ElementP:
    """A number in [1, p): whether it is in the group is still to be checked."""

    __slots__ = ("value",)

    def __init__(self, value: mpz) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"ElementP({hex(self.value)[2:14]}...)"


class ElementQ:
    """A number in [0, q)."""

    __slots__ = ("value",)

    def __init__(self, value: mpz) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"ElementQ({hex(self.value)[2:14]}...)"


class Digest:
    """A hash of 32 bytes (version 2.0)."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


class Octets:
    """Bytes of any length (version 2.0)."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


_MOST_BYTES = 1 << 16


Hook = Callable[[type, object], object]


def _parse_hex(text: object, limit: int) -> bytes:
    if not isinstance(text, str):
        raise ValueError("is not a number in hexadecimal digits")  # noqa: TRY004 (a hook must say it so)
    if len(text) > 2 * limit:
        raise ValueError(f"has more than {2 * limit} digits")
    if not _HEX.match(text):
        raise ValueError("is not an even number of hexadecimal digits")
    return bytes.fromhex(text)


def _parse_base64(text: object, limit: int) -> bytes:
    if not isinstance(text, str):
        raise ValueError("is not a base64 text")  # noqa: TRY004
    if len(text) > 2 * limit + 8:
        raise ValueError(f"has more than {limit} bytes")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise ValueError("is not canonical base64")
    return raw


def _byte_list(numbers: list[object]) -> bytes:
    found = [number for number in numbers if type(number) is int and 0 <= number < 256]
    if len(numbers) > _MOST_BYTES or len(found) != len(numbers):
        raise ValueError("is not a list of bytes")
    return bytes(found)


def _element(raw: bytes, group: Group) -> ElementP:
    number = mpz(int.from_bytes(raw, "big"))
    if not 1 <= number < group.p:
        raise ValueError("is outside [1, p)")
    return ElementP(number)


def _scalar(raw: bytes, group: Group) -> ElementQ:
    number = mpz(int.from_bytes(raw, "big"))
    if number >= group.q:
        raise ValueError("is not below q")
    return ElementQ(number)


def hook_1(group: Group) -> Hook:
    """How to read the numbers of versions 0.95 to 1.1."""

    def read(kind: type, value: object) -> object:
        if isinstance(value, dict) and value.keys() == {"data"}:
            value = value["data"]
        if kind is ElementP:
            return _element(_parse_hex(value, P_BYTES), group)
        if kind is ElementQ:
            return _scalar(_parse_hex(value, Q_BYTES), group)
        raise NotImplementedError(kind)

    return read


def hook_2(group: Group, *, uses_base64: bool) -> Hook:
    """How to read the numbers of version 2.0, in hexadecimal digits or in base64."""
    parse = _parse_base64 if uses_base64 else _parse_hex

    def fixed(value: object, width: int) -> bytes:
        raw = parse(value, width)
        if len(raw) != width:
            raise ValueError(f"is {len(raw)} bytes long, not {width}")
        return raw

    def read(kind: type, value: object) -> object:
        if kind is ElementP:
            return _element(fixed(value, P_BYTES), group)
        if kind is ElementQ:
            return _scalar(fixed(value, Q_BYTES), group)
        if kind is Digest:
            return Digest(fixed(value, Q_BYTES))
        if kind is Octets:
            return Octets(_byte_list(value) if isinstance(value, list) else parse(value, _MOST_BYTES))
        raise NotImplementedError(kind)

    return read
