"""How a good input becomes a bad one: bytes, lines, digits and JSON values are changed, doubled, dropped, swapped.

Everything is drawn from one `random.Random`, so that the same seed makes the same input again. It must not import
anything of Urne: it knows no format but JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

MOST_BYTES = 4_000_000
"""Inputs do not grow beyond this by changes alone."""
DEEP = 20_000
HUGE = 5_000
_DIGITS = re.compile(rb"-?[0-9]+")
_JOINTS = re.compile(rb"""[\s"',;:=|{}\[\]<>/+-]""")
_WORDS: tuple[bytes, ...] = (
    b"", b"0", b"-1", b"-0", b"00", b"1e9", b"1e400", b"0.5", b"NaN", b"Infinity", b"null", b"true",
    b"9007199254740992", b"18446744073709551616", b"9" * HUGE, b"\xff", b"\xc3", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\0", b"\n", b"\r\n", b"\r", b"\t", b" ", b'"', b"\\", b"\\u0000",
    b"\\ud800", b"=", b"==", b",", b";", b"|", b"#", b"[[", b"{", b"}", b"[" * DEEP, b'{"a":' * DEEP, b"]" * 3,
    b"(" * 300, b"a." * 2000, b"\xe2\x80\x94 ", b"\xe2\x80\xae", b"../", b"/", b"%00", b"<script>", "Ⅷ²٣".encode(),
    "é".encode(), b"e\xcc\x81", b"A" * 70_000,
)  # fmt: skip


class Raw(NamedTuple):
    """JSON text that no JSON value has: written as it is."""

    text: str


class Twice(NamedTuple):
    """An object that names a field twice."""

    value: dict[str, Any]
    name: str
    other: Any


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**64, 10**300, 0.5, "", "0", "-1", "00", "x", "é", "e\u0301", "\0",
    "\u202e", "A" * 43, "A" * 86, "a" * 64, "0" * 64, "9" * HUGE, "A" * 70_000, "2026-11-24T08:00:00.000Z", [], {},
    [[]], [None], {"": 0}, Raw('"\\ud800"'), Raw('"\\uDC00x"'), Raw("1e400"), Raw("1.0"), Raw("-0"), Raw("01"),
    Raw("NaN"), Raw("-Infinity"), Raw("9" * HUGE), Raw("[" * DEEP), Raw("[" * 900 + "]" * 900),
    Raw('{"a":' * 900 + "1" + "}" * 900), Raw("\t1"), Raw("'a'"),
)  # fmt: skip


def change(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    """One to four changes; now and then something that has little to do with the input.

    Args:
        others: good inputs of the same kind: pieces of them may get in.
    """
    if chance.random() < 0.01:
        return chance.choice(_WORDS) * chance.choice((1, 1, 2, 50))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        kind = chance.choices(_CHANGES, _WEIGHTS)[0]
        changed = kind(data, chance, others)
        data = changed if len(changed) <= MOST_BYTES else data
    return data


def write_json(value: Any) -> str:
    """As `json.dumps` without spaces, with `Raw` and `Twice` in it."""
    match value:
        case Raw(text):
            return text
        case Twice(fields, name, other):
            inner = write_json(fields)
            return f"{inner[:-1]},{json.dumps(name)}:{write_json(other)}}}"
        case dict():
            return "{" + ",".join(f"{json.dumps(str(k))}:{write_json(inner)}" for k, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(write_json, value)) + "]"
        case str():
            return json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def places(value: Any) -> list[tuple[Any, ...]]:
    """The way to every value in JSON, the whole first."""
    found: list[tuple[Any, ...]] = []
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    while waiting:
        path, inner = waiting.pop()
        found.append(path)
        items = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        waiting += [((*path, key), child) for key, child in items]
    return found


def change_value(value: Any, chance: Random) -> Any:
    """JSON with one value of it changed, removed, doubled or moved. JSON in a string is changed inside."""
    path = chance.choice(places(value))
    return _changed_at(value, path, chance, value)


def _changed_at(value: Any, path: tuple[Any, ...], chance: Random, whole: Any) -> Any:
    if not path:
        return _other(value, chance, whole)
    key, *rest = path
    if isinstance(value, dict):
        if not rest and chance.random() < 0.25:
            return _odd_field(value, key, chance, whole)
        return {k: _changed_at(inner, tuple(rest), chance, whole) if k == key else inner for k, inner in value.items()}
    if not rest and chance.random() < 0.25:
        return chance.choice(
            (value[:key] + value[key + 1 :], [*value, value[key]], value[::-1], value * 2, [value[key]] * 300)
        )
    return [_changed_at(inner, tuple(rest), chance, whole) if n == key else inner for n, inner in enumerate(value)]


def _odd_field(value: dict[str, Any], name: str, chance: Random, whole: Any) -> Any:
    rest = {key: inner for key, inner in value.items() if key != name}
    return chance.choice(
        (
            rest,
            {**rest, name: value[name]},
            {**value, name + "X": 1},
            Twice(value, name, _other(value[name], chance, whole)),
        )
    )


def _other(value: Any, chance: Random, whole: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "[") and chance.random() < 0.7:
        inner = _read(value.encode("utf-8", "replace"))
        return value[:-1] if inner is None else write_json(change_value(inner, chance))
    if isinstance(value, str) and value and chance.random() < 0.4:
        place = chance.randrange(len(value))
        return value[:place] + chance.choice(("", "A", "0", "-", "=", "é", " ", "\n", "\0")) + value[place + 1 :]
    if isinstance(value, int) and chance.random() < 0.4:
        return chance.choice(
            (value + 1, value - 1, -value, value * 2, value + 2**32, 10**18, str(value), float(value % 1000))
        )
    if chance.random() < 0.2:
        return _at(whole, chance.choice(places(whole)))
    return chance.choice(_VALUES)


def _at(value: Any, path: Sequence[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


# -- the single changes ------------------------------------------------------------------------------------------------

Change = Callable[[bytes, Random, Sequence[bytes]], bytes]


def _bit(data: bytes, chance: Random, _others: Sequence[bytes]) -> bytes:
    if not data:
        return b"\0"
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _cut(data: bytes, chance: Random, _others: Sequence[bytes]) -> bytes:
    start, end = _span(data, chance)
    return chance.choice((data[:start] + data[end:], data[:start], data[end:]))


def _double(data: bytes, chance: Random, _others: Sequence[bytes]) -> bytes:
    start, end = _span(data, chance)
    times = chance.choice((1, 1, 2, 100))
    return data[:end] + data[start:end] * times + data[end:]


def _insert(data: bytes, chance: Random, _others: Sequence[bytes]) -> bytes:
    place = chance.randrange(len(data) + 1)
    if joints := [match.start() for match in _JOINTS.finditer(data[:100_000])]:
        place = chance.choice((place, chance.choice(joints), chance.choice(joints) + 1))
    return data[:place] + chance.choice(_WORDS) + data[place:]


def _splice(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others) if others else data
    start, end = _span(data, chance)
    left, right = _span(other, chance)
    return data[:start] + other[left:right] + data[end:]


def _number(data: bytes, chance: Random, _others: Sequence[bytes]) -> bytes:
    found = list(_DIGITS.finditer(data[:200_000]))
    if not found:
        return data
    match = chance.choice(found)
    number = int(match[0][:50])
    new = chance.choice((number + 1, number - 1, -number, 0, 2**31, 2**53, 2**63, 2**64, 10**18, number * 1000, 65536))
    text = chance.choice((str(new), str(new), f"0{number}", f"+{number}", f"{number}.0", f"{number}e3", "9" * HUGE))
    return data[: match.start()] + text.encode() + data[match.end() :]


def _line(data: bytes, chance: Random, others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            lines.insert(other, lines[place])
        case 1:
            del lines[place]
        case 2:
            lines[place], lines[other] = lines[other], lines[place]
        case 3:
            lines[place] = lines[place] + chance.choice(_WORDS)
        case 4:
            lines[place:place] = lines[place : place + 1] * chance.choice((2, 2000))
        case _:
            lines[place] = chance.choice(chance.choice(others or (data,)).split(b"\n"))
    return b"\n".join(lines)


def _json(data: bytes, chance: Random, _others: Sequence[bytes]) -> bytes:
    """A value in the JSON that this is; if it is lines of JSON, in one of them."""
    value = _read(data)
    if value is not None:
        return _written(value, chance)
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    value = _read(lines[place])
    if value is None:
        return _insert(data, chance, ())
    lines[place] = _written(value, chance)
    return b"\n".join(lines)


def _written(value: Any, chance: Random) -> bytes:
    try:
        return write_json(change_value(value, chance)).encode("utf-8", "surrogatepass")
    except RecursionError:  # it was made deep by an earlier change
        return b"[" * DEEP


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    """A piece: any, or one between two joints, such as a word or a field."""
    if chance.random() < 0.6 and len(joints := [match.start() for match in _JOINTS.finditer(data[:100_000])]) > 1:
        first = chance.randrange(len(joints) - 1)
        last = min(len(joints) - 1, first + chance.choice((1, 1, 2, 4, 8)))
        return joints[first], joints[last]
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 1, 2, 8, 64, 4096)))


_CHANGES: tuple[Change, ...] = (_bit, _cut, _double, _insert, _splice, _number, _line, _json)
_WEIGHTS = (2, 2, 1, 2, 1, 2, 2, 6)
