"""Protocol E: codes that people read, type and say: Crockford's base32 with a check character (docs/spec/encoding.md).

32 symbols without I, L, O, U. Reading ignores case, takes I and L for 1 and O for 0, and skips spaces and dashes.
The check character is the sum of x^(i+1) c_i over GF(32) with x a generator (the field of x^5 + x^2 + 1): one wrong
character, or two that were swapped, always change it.
"""

from __future__ import annotations

from voting.protocol.errors import DecodeError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_LOOK_ALIKE = str.maketrans({"I": "1", "L": "1", "O": "0", " ": "", "-": "", "\u00a0": "", "\u2010": "", "\u2011": ""})


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value


def check_character(symbols: str) -> str:
    """Protocol E9: the check character of up to 30 symbols."""
    total = 0
    for symbol in reversed(symbols):
        total = _times_x(total ^ _VALUE[symbol])
    return ALPHABET[total]


def encode_bits(data: bytes, symbols: int) -> str:
    """The first 5 * `symbols` bits of `data`, most significant first."""
    bits = int.from_bytes(data, "big") >> (8 * len(data) - 5 * symbols)
    return "".join(ALPHABET[bits >> (5 * position) & 31] for position in range(symbols - 1, -1, -1))


def add_check(symbols: str) -> str:
    """The symbols followed by their check character."""
    return symbols + check_character(symbols)


def group(symbols: str, size: int) -> str:
    """Symbols in groups with dashes: `group("K7Q29MXD4", 4)` is `K7Q2-9MXD-4`."""
    return "-".join(symbols[start : start + size] for start in range(0, len(symbols), size))


def read(text: str, symbols: int, *, what: str) -> str:
    """Read a typed code of `symbols` symbols and one check character; gives them without dashes, in capitals.

    Raises:
        DecodeError: wrong length, a foreign character, or a check character that does not fit. The text typed is never
            part of the error: it may be a secret.
    """
    cleaned = text.strip().upper().translate(_LOOK_ALIKE)
    foreign = sum(1 for symbol in cleaned if symbol not in _VALUE)
    if foreign:
        raise DecodeError(
            "contains a character that no code has", where=what, remedy="codes use 0-9 and A-Z without I, L, O, U"
        )
    if len(cleaned) != symbols + 1:
        raise DecodeError(
            f"has {len(cleaned)} characters, not {symbols + 1}", where=what, remedy="check for a missing or doubled one"
        )
    if check_character(cleaned[:-1]) != cleaned[-1]:
        raise DecodeError(
            "contains a typing error", where=what, remedy="compare it with the original, character by character"
        )
    return cleaned
