"""The reference verifier: all 21 checks of docs/spec/verification.md in one file, to be read from top to bottom.

It was written from docs/spec alone and shares no line with the rest of this project, so that a fault in one verifier
is not a fault in both. It imports the standard library and nothing else, and must not import any other module of ours.
It takes no short cuts: no hints, no batches, no tables, no processes; every power is Python's `pow`. It is slow and
plain on purpose, and holds the whole record in memory. Letters with numbers in the comments are the ids of docs/spec.

    python -m voting.verifier.reference RECORD [--since FILE] [--allow-toy-group] [--json]

The sections:  encoding (E) - hashing (H) - groups (G) - signatures (A) - log (L) - methods and manifest (M) -
entries (N), ceremony (T) and phases (S) - ballots (B, P) - tally (D) - the record (V1), the report and the command.
"""

import argparse
import base64
import binascii
import hashlib
import json
import math
import re
import stat
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Matrix = list[list[int]]


class Malformed(Exception):
    """Something cannot be read as what it should be. The caller knows which check that fails."""


class Broken(Exception):
    """A rule does not hold: the number of the check, the id of the rule, and what is wrong."""

    def __init__(self, check: int, rule: str, problem: str) -> None:
        super().__init__(problem)
        self.check, self.rule, self.problem = check, rule, problem


class Unreadable(Exception):
    """The files are no record at all (exit code 3)."""


def require(condition: bool, check: int, rule: str, problem: str) -> None:
    if not condition:
        raise Broken(check, rule, problem)


def demand(condition: bool, problem: str) -> None:
    if not condition:
        raise Malformed(problem)


@contextmanager
def under(check: int, rule: str) -> Iterator[None]:
    """What is malformed inside this block fails that check."""
    try:
        yield
    except Malformed as problem:
        raise Broken(check, rule, str(problem)) from None


# ---------------------------------------------------------------------------------------------------------------------
# E: encoding
# ---------------------------------------------------------------------------------------------------------------------

MAX_INTEGER = 2**53 - 1
MAX_MESSAGE = 4 * 1024 * 1024


def encode(value: object) -> bytes:
    """E1. Python writes strings just so; the numbers were limited when they were read."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _integer(digits: str) -> int:
    demand(len(digits) <= 17 and abs(int(digits)) <= MAX_INTEGER, "a number is beyond 2^53 - 1")
    return int(digits)


def _no_number(text: str) -> None:
    raise Malformed(f"{text} is not an integer")


def decode(data: bytes, form: object, limit: int = MAX_MESSAGE) -> Json:
    """E2. `form` says what the message looks like, see `fits`."""
    demand(len(data) <= limit, f"the message is longer than {limit} bytes")
    try:
        value = json.loads(data.decode(), parse_int=_integer, parse_float=_no_number, parse_constant=_no_number)
        canonical = encode(value) == data
    except (ValueError, RecursionError):  # UnicodeError and JSONDecodeError are ValueErrors
        raise Malformed("the message is not JSON in UTF-8") from None
    demand(canonical, "the message is not canonical JSON")
    demand(fits(value, form), "the message has other fields or types than it should have")
    if not isinstance(value, dict):
        raise Malformed("the message is not an object")
    return value


def fits(value: Any, form: Any) -> bool:
    """Whether a value has a form: a type; None; a pattern of a text; [form of each item]; {field: form} with exactly
    these fields; {...: form} with any fields; a tuple of alternatives; or a function from value to form."""
    if isinstance(form, tuple):
        return any(fits(value, one) for one in form)
    if isinstance(form, list):
        return type(value) is list and all(fits(item, form[0]) for item in value)
    if isinstance(form, dict):
        if type(value) is not dict:
            return False
        if ... in form:
            demand(all(name.isascii() for name in value), "a key is not ASCII")
            return all(fits(item, form[...]) for item in value.values())
        return value.keys() == form.keys() and all(fits(value[name], form[name]) for name in form)
    if isinstance(form, type):
        return type(value) is form
    if isinstance(form, re.Pattern):
        return type(value) is str and form.fullmatch(value) is not None
    return value is None if form is None else fits(value, form(value))


NOTHING = ()  # no alternatives: a form that no value has


def not_zero(value: object) -> object:
    return int if value else NOTHING


def not_empty(form: object) -> Callable[[object], object]:
    return lambda value: form if value else NOTHING


HASH = re.compile("[0-9a-f]{64}")  # E5


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def read_base64url(text: str, length: int) -> bytes:
    """E7: only what writing the bytes again would give."""
    demand(re.fullmatch("[A-Za-z0-9_-]*", text) is not None, "not base64url")
    demand(len(text) % 4 != 1, "not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    demand(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "not canonical base64url")
    demand(len(data) == length, f"{len(data)} bytes instead of {length}")
    return data


def write_base64url(data: bytes) -> str:
    """E6."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


INVISIBLE = {0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def check_text(text: str, highest: int = 2000, lines: bool = False) -> None:
    """E8."""
    demand(text.strip() == text != "", "a text is empty or begins or ends with white space")
    demand(len(text) <= highest, f"a text has more than {highest} characters")
    demand(unicodedata.normalize("NFC", text) == text, "a text is not in Unicode form NFC")
    for character in text.replace("\n", "") if lines else text:
        bad = unicodedata.category(character) in ("Cc", "Cs", "Co", "Zl", "Zp") or ord(character) in INVISIBLE
        demand(not bad, f"a text contains U+{ord(character):04X}")


def is_moment(text: str) -> bool:
    """E10."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{3}Z", text, re.ASCII)
    if match is None:
        return False
    year, month, day, hour, minute, second = map(int, match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= days[month - 1] and hour < 24 and minute < 60 and second < 60


# ---------------------------------------------------------------------------------------------------------------------
# H: hashing
# ---------------------------------------------------------------------------------------------------------------------


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def frame(*fields: bytes) -> bytes:
    """H5."""
    return b"".join(u32(len(one)) + one for one in fields)


def expand_message(message: bytes, tag: bytes, length: int) -> bytes:
    """H1: expand_message_xmd of RFC 9380 with SHA-256."""
    tag += bytes([len(tag)])
    first = sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + tag)
    block = sha256(first + b"\1" + tag)
    result = block
    for i in range(2, (length + 31) // 32 + 1):
        block = sha256(bytes(a ^ b for a, b in zip(first, block, strict=True)) + bytes([i]) + tag)
        result += block
    return result[:length]


# ---------------------------------------------------------------------------------------------------------------------
# G: groups
# ---------------------------------------------------------------------------------------------------------------------

Q = 2**256 - 189


def _floor_ln2(bits: int) -> int:
    """floor(2^bits ln 2), from ln 2 = sum of 1 / (k 2^k), with 64 more bits than asked for."""
    return sum((1 << (bits + 64 - k)) // k for k in range(1, bits + 64)) >> 64


@dataclass(frozen=True)
class Group:
    """A subgroup of order Q of the integers modulo p."""

    name: str
    p: int
    width: int  # bytes of an element
    g: int

    def power(self, base: int, exponent: int) -> int:
        return pow(base, exponent, self.p)  # a negative exponent means the inverse

    def product(self, factors: Iterable[int]) -> int:
        result = 1
        for factor in factors:
            result = result * factor % self.p
        return result

    def write(self, element: int) -> bytes:
        """G3."""
        return element.to_bytes(self.width, "big")

    def write_commitment(self, element: int) -> bytes:
        """G5."""
        return self.write(min(element, self.p - element))

    def write_text(self, element: int) -> str:
        return write_base64url(self.write(element))

    def read(self, text: str) -> int:
        """G8 and G4."""
        element = int.from_bytes(read_base64url(text, self.width), "big")
        demand(1 <= element < self.p, "an element is not in [1, p)")
        demand(pow(element, Q, self.p) == 1, "a number is not an element of the group")
        return element

    def challenge(self, purpose: str, *fields: bytes) -> int:
        """H2."""
        tag = f"urne-v1-{purpose}-{self.name}".encode()
        return int.from_bytes(expand_message(frame(*fields), tag, 48), "big") % Q

    def weights(self, count: int, purpose: str, *fields: bytes) -> list[int]:
        """H3."""
        tag = f"urne-v1-{purpose}-{self.name}".encode()
        seed = sha256(frame(tag, *fields))
        return [int.from_bytes(expand_message(frame(seed, u32(i)), tag, 16), "big") for i in range(count)]


def read_scalar(text: str) -> int:
    """G7."""
    scalar = int.from_bytes(read_base64url(text, 32), "big")
    demand(scalar < Q, "a scalar is not below q")
    return scalar


# G2: the number d of the prime (absent for the toy group), and SHA-256(p, q, g).
GROUPS = {
    "integer-3072": (
        3072,
        298707407953437995876300625370749906325322663598036756391867662926569213935809577593,
        "64033704853e34df716b6da75b6191732ee29ca3c66df0aed13ca1b06bfc1b80",
    ),
    "integer-4096": (
        4096,
        287975203778583638958138611533602521491887169409704874643524560756486080635197037903,
        "47525c132c121fd68c8062c4586c1a1a66c3d201330f25d9b3274de1a962f81e",
    ),
    "toy-512": (512, 0, "03b96e565fcad60ba836480fa4439358477d0038b008483d4d05950f239298a4"),
}


@cache
def group_named(name: str) -> Group:
    """G1, G2."""
    demand(name in GROUPS, f"there is no group {name!a}")
    bits, d, digest = GROUPS[name]
    if name == "toy-512":
        p = (2**256 - 1 - 0x28BAA) * 2**256 + 0x1E091B7
    else:
        p = 2**bits - 2 ** (bits - 256) + 2**256 * (_floor_ln2(bits - 512) + d) + 2**256 - 1
    group = Group(name, p, bits // 8, g=pow(2, (p - 1) // Q, p))
    if sha256(group.write(p) + group.write(Q) + group.write(group.g)).hex() != digest:
        raise RuntimeError(f"the parameters of {name} are not those of docs/spec/groups.md")
    return group


# ---------------------------------------------------------------------------------------------------------------------
# A: Ed25519 signatures. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x y = T/Z (RFC 8032, section 5.1.4).
# ---------------------------------------------------------------------------------------------------------------------

P25519 = 2**255 - 19
L25519 = 2**252 + 27742317777372353535851937790883648493
D25519 = -121665 * pow(121666, -1, P25519) % P25519
ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER_Y = {0, 1, P25519 - 1, ORDER_8_Y, P25519 - ORDER_8_Y}

Point = tuple[int, int, int, int]


def _affine(x: int, y: int) -> Point:
    return x, y, 1, x * y % P25519


def _add(left: Point, right: Point) -> Point:
    a = (left[1] - left[0]) * (right[1] - right[0])
    b = (left[1] + left[0]) * (right[1] + right[0])
    c = 2 * left[3] * right[3] * D25519
    d = 2 * left[2] * right[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P25519, g * h % P25519, f * g % P25519, e * h % P25519


def _multiply(scalar: int, point: Point) -> Point:
    result = _affine(0, 1)
    for bit in bin(scalar)[2:]:
        result = _add(result, result)
        if bit == "1":
            result = _add(result, point)
    return result


def _find_x(y: int, sign: int) -> int:
    """The x of this sign on -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.1.3)."""
    square = (y * y - 1) * pow(D25519 * y * y + 1, -1, P25519) % P25519
    x = pow(square, (P25519 + 3) // 8, P25519)
    if x * x % P25519 != square:
        x = x * pow(2, (P25519 - 1) // 4, P25519) % P25519
    demand(x * x % P25519 == square, "a key is not a point of the curve")
    return x if x % 2 == sign else P25519 - x


BASE_Y = 4 * pow(5, -1, P25519) % P25519
BASE_POINT = _affine(_find_x(BASE_Y, 0), BASE_Y)


def read_public_key(key: bytes) -> Point:
    """A1."""
    demand(len(key) == 32, "a key does not have 32 bytes")
    number = int.from_bytes(key, "little")
    y, sign = number % 2**255, number >> 255
    demand(y < P25519, "a key is not in its canonical form")
    demand(y not in SMALL_ORDER_Y, "a key is of small order")
    return _affine(_find_x(y, sign), y)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """A2."""
    try:
        public = read_public_key(key)
    except Malformed:
        return False
    commitment, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L25519:
        return False
    k = int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little") % L25519
    minus = _affine(P25519 - public[0], public[1])
    x, y, z, _ = _add(_multiply(s, BASE_POINT), _multiply(k, minus))
    inverse = pow(z, -1, P25519)
    x, y = x * inverse % P25519, y * inverse % P25519
    return (y | (x % 2) << 255).to_bytes(32, "little") == commitment


def check_sealing_key(text: str) -> None:
    """W4. A point of X25519 has small order if doubling it three times leads to infinity (Z = 0, RFC 7748)."""
    u = int.from_bytes(read_base64url(text, 32), "little")
    demand(u < P25519, "a sealing key is not in its canonical form")
    x, z = u, 1
    for _ in range(3):
        x, z = pow(x * x - z * z, 2, P25519), 4 * x * z * (x * x + 486662 * x * z + z * z) % P25519
    demand(z != 0, "a sealing key is of small order")


# ---------------------------------------------------------------------------------------------------------------------
# L: the log
# ---------------------------------------------------------------------------------------------------------------------

MAX_HEADER = 65_535
HEADER = {"body": HASH, "prev": HASH, "seq": int, "size": int, "type": re.compile(r"(?=.{1,64}$)[a-z]+\.[a-z]+")}
ORIGIN = r"[A-Za-z0-9._~-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*"
NOTE_KEY, WITNESS_KEY = 0x01, 0x04


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """L2: the root over the leaf hashes, by the definition of RFC 6962."""
    if not leaves:
        return sha256(b"")
    level = list(leaves)
    while len(level) > 1:  # joining neighbours, an odd one out going up as it is, gives the same tree
        pairs = [sha256(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def read_base64(text: str) -> bytes:
    """L3b."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Malformed("not base64") from None
    demand(base64.b64encode(data).decode() == text, "not canonical base64")
    return data


def read_number(text: str) -> int:
    """L3c."""
    demand(re.fullmatch("0|[1-9][0-9]{0,15}", text) is not None, "not a decimal number")
    demand(int(text) <= MAX_INTEGER, "a number is beyond 2^53 - 1")
    return int(text)


def check_key_name(name: str) -> None:
    """L4a."""
    demand(name != "" and name.isprintable() and "+" not in name, "not the name of a key")
    demand(not any(character.isspace() for character in name), "not the name of a key")


@dataclass(frozen=True)
class NoteKey:
    """L4b."""

    name: str
    kind: int
    key: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key)[:4]


def read_vkey(text: str, kind: int) -> NoteKey:
    """L4c."""
    parts = text.split("+", 2) if len(text) <= 4096 else []
    demand(len(parts) == 3, "a vkey is not name+id+data")
    name, digits, data = parts[0], parts[1], read_base64(parts[2])
    check_key_name(name)
    demand(data[:1] == bytes([kind]), f"a vkey is not of type {kind}")
    read_public_key(data[1:])
    key = NoteKey(name, kind, data[1:])
    demand(key.id.hex() == digits, "the id of a vkey is not that of its key")
    return key


@dataclass(frozen=True)
class Note:
    """L4d: a text, and for each signature line its name, key id and payload."""

    text: str
    lines: list[tuple[str, bytes, bytes]]

    def lines_of(self, key: NoteKey) -> list[bytes]:
        return [payload for name, id_, payload in self.lines if (name, id_) == (key.name, key.id)]


def read_note(data: bytes) -> Note:
    """L4d, L4g."""
    demand(len(data) <= 1_000_000, "a note is longer than 1,000,000 bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Malformed("a note is not UTF-8") from None
    demand(all(character >= " " for character in whole.replace("\n", "")), "a note has control characters")
    text, _, signatures = whole.rpartition("\n\n")
    demand(text != "" and signatures.endswith("\n"), "a note has no text or no signature")
    found = []
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        demand(len(parts) == 3 and parts[0] == "\u2014", "a signature line of a note is malformed")
        check_key_name(parts[1])
        payload = read_base64(parts[2])
        demand(len(payload) > 4, "a signature line of a note is malformed")
        found.append((parts[1], payload[:4], payload[4:]))
    demand(1 <= len(found) <= 100, "a note has more than 100 signatures")
    return Note(text + "\n", found)


@dataclass(frozen=True)
class Checkpoint:
    note: Note
    origin: str
    size: int
    root: bytes


def read_checkpoint(data: bytes) -> Checkpoint:
    """L5b."""
    note = read_note(data)
    lines = note.text[:-1].split("\n")
    demand(len(lines) == 3, "a checkpoint does not have three lines")
    demand(is_origin(lines[0]), "the origin is malformed")
    size, root = read_number(lines[1]), read_base64(lines[2])
    demand(len(root) == 32, "the root is not a hash")
    demand(size > 0 or root == tree_root([]), "an empty log with a root that is not the empty one")
    return Checkpoint(note, lines[0], size, root)


def is_origin(text: str) -> bool:
    """L5a."""
    return re.fullmatch(ORIGIN, text) is not None and len(text) <= 255


def check_signed_by_board(checkpoint: Checkpoint, board: NoteKey) -> None:
    """The rest of L5d."""
    payloads = checkpoint.note.lines_of(board)
    demand(payloads != [], "the board did not sign the checkpoint")
    for payload in payloads:  # L4j
        good = is_signed(board.key, checkpoint.note.text.encode(), payload)
        demand(good, "the board's signature on the checkpoint fails")
    demand(checkpoint.origin == board.name, "the checkpoint is of another log")


def count_witnesses(note: Note, witnesses: Sequence[NoteKey]) -> int:
    """L20d: how many witnesses signed. One that fails refuses the note."""
    count = 0
    for witness in witnesses:
        payloads = note.lines_of(witness)
        for payload in payloads:  # L4i
            seconds = int.from_bytes(payload[:8], "big")
            message = f"cosignature/v1\ntime {seconds}\n{note.text}".encode()
            good = len(payload) == 72 and is_signed(witness.key, message, payload[8:])
            demand(good, f"the signature of the witness {witness.name!a} fails")
        count += payloads != []
    return count


# ---------------------------------------------------------------------------------------------------------------------
# M: voting methods. First the shapes (M1), then the outcomes (M4).
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constraint:
    """constant + sum of coefficient * value[index] is one of the allowed integers, which rise."""

    terms: tuple[tuple[int, int], ...]  # (index, coefficient)
    allowed: Sequence[int]
    constant: int = 0


@dataclass(frozen=True)
class Shape:
    values: int
    constraints: list[Constraint]
    totals: list[tuple[int, int]]  # (index, highest)


def _bits(start: int, end: int) -> list[Constraint]:
    """M1a."""
    return [Constraint(((i, 1),), range(2)) for i in range(start, end)]


def _sum(indices: Iterable[int], low: int, high: int) -> Constraint:
    """M1b."""
    return Constraint(tuple((i, 1) for i in indices), range(low, high + 1))


def _permutation_matrix(n: int) -> list[Constraint]:
    """M1c."""
    rows = [_sum(range(i * n, i * n + n), 1, 1) for i in range(n)]
    columns = [_sum(range(k, n * n, n), 1, 1) for k in range(n)]
    return _bits(0, n * n) + rows + columns


def _each(indices: Iterable[int], highest: int = 1) -> list[tuple[int, int]]:
    return [(i, highest) for i in indices]


def shape_choose(q: Json) -> Shape:
    """M5a."""
    n = len(q["options"])
    if not q["blank"]:
        return Shape(n, [*_bits(0, n), _sum(range(n), q["min"], q["max"])], _each(range(n)))
    allowed = (*range(q["min"], q["max"] + 1), n + 1)
    choice = Constraint((*((i, 1) for i in range(n)), (n, n + 1)), allowed)
    return Shape(n + 1, [*_bits(0, n + 1), choice], _each(range(n + 1)))


def shape_score(q: Json) -> Shape:
    """M6a."""
    n, highest = len(q["options"]), q["highest"]
    each = [Constraint(((i, 1),), range(highest + 1)) for i in range(n)]
    return Shape(n, [*each, _sum(range(n), q["min"], q["max"])], _each(range(n), highest))


def shape_grades(q: Json) -> Shape:
    """M7a."""
    n, grades = len(q["options"]), len(q["grades"])
    rows = [_sum(range(i * grades, (i + 1) * grades), 1, 1) for i in range(n)]
    return Shape(n * grades, _bits(0, n * grades) + rows, _each(range(n * grades)))


def shape_lists(q: Json) -> Shape:
    """M8a."""
    m = len(q["lists"])
    start, each_list = m, []
    for i, one in enumerate(q["lists"]):
        n = len(one["candidates"])
        candidates = tuple((start + c, 1) for c in range(n))
        each_list.append(Constraint(((i, -(n + 1)), *candidates), range(n + 2), n + 1))
        start += n
    return Shape(start, [*_bits(0, start), _sum(range(m), 1, 1), *each_list], _each(range(start)))


def shape_ranking(q: Json) -> Shape:
    """M10a."""
    n = len(q["options"])
    return Shape(n * n, _permutation_matrix(n), _each(range(n * n)))


def shape_condorcet(q: Json) -> Shape:
    """M12a."""
    n = len(q["options"])
    pairs = {pair: n * n + place for place, pair in enumerate(combinations(range(n), 2))}
    rows = []
    for i in range(n):
        ranks = [(i * n + k, -(n - 1 - k)) for k in range(n - 1)]
        duels = [(place, 1 if pair[0] == i else -1) for pair, place in pairs.items() if i in pair]
        rows.append(Constraint((*ranks, *duels), (0,), constant=i))
    end = n * n + len(pairs)
    return Shape(end, [*_permutation_matrix(n), *_bits(n * n, end), *rows], _each(range(n * n, end)))


def shape_condorcet_ties(q: Json) -> Shape:
    """M13a."""
    n = len(q["options"])
    levels = [Constraint(((i, 1),), range(n)) for i in range(n)]
    order = []
    for place, (i, j) in enumerate(permutations(range(n), 2), start=n):
        order.append(Constraint((*sorted([(i, -1), (j, 1)]), (place, -n)), range(-(n - 1), 1)))
    return Shape(n * n, levels + _bits(n, n * n) + order, _each(range(n, n * n)))


def join_shapes(shapes: Sequence[Shape]) -> Shape:
    """M2."""
    start, constraints, totals = 0, [], []
    for shape in shapes:
        for one in shape.constraints:
            moved = tuple((index + start, coefficient) for index, coefficient in one.terms)
            constraints.append(Constraint(moved, one.allowed, one.constant))
        totals += [(index + start, highest) for index, highest in shape.totals]
        start += shape.values
    return Shape(start, constraints, totals)


def rank_by_counts(counts: Sequence[int]) -> Matrix:
    """M4: groups of option numbers, the highest count first."""
    return [[i for i, count in enumerate(counts) if count == level] for level in sorted(set(counts), reverse=True)]


def outcome_choose(q: Json, totals: list[int], cast: int) -> Json:
    """M5b, with M4a for the seats."""
    n = len(q["options"])
    counts, blank = totals[:n], totals[n] if q["blank"] else None
    choosing = cast - (blank or 0)
    demand(max(counts) <= choosing, "an option has more votes than there are voters choosing")
    demand(q["min"] * choosing <= sum(counts) <= q["max"] * choosing, "too few or too many choices")
    elected: list[int] = []
    tied: list[int] = []
    left = q["seats"]
    for group in rank_by_counts(counts):
        if left == 0 or counts[group[0]] == 0:
            break
        if len(group) > left:
            tied = group
            break
        elected, left = elected + group, left - len(group)
    seats = {"elected": sorted(elected), "tied": tied, "open_seats": left}
    return {"method": "choose", "counts": counts, "blank": blank, **seats}


def outcome_score(q: Json, totals: list[int], cast: int) -> Json:
    """M6b."""
    demand(q["min"] * cast <= sum(totals) <= q["max"] * cast, "too few or too many points")
    ranking = rank_by_counts(totals)
    return {"method": "score", "sums": totals, "ranking": ranking, "winners": ranking[0] if any(totals) else []}


def outcome_grades(q: Json, totals: list[int], cast: int) -> Json:
    """M7b."""
    grades = len(q["grades"])
    rows = [totals[i : i + grades] for i in range(0, len(totals), grades)]
    demand(all(sum(row) == cast for row in rows), "the grades of an option are not as many as the voters")
    upper, lower = cast // 2 + 1, (cast + 1) // 2

    def grade_at(row: list[int], place: int) -> int:
        """The grade at a place, from 1, when all grades are sorted, the best first."""
        seen = 0
        for grade, count in enumerate(row):
            seen += count
            if place <= seen:
                return grade
        raise Malformed("no grade has this place")

    medians = [grade_at(row, upper) if cast else None for row in rows]
    better = [sum(row[:median]) if median is not None else 0 for row, median in zip(rows, medians, strict=True)]
    worse = [sum(row[median + 1 :]) if median is not None else 0 for row, median in zip(rows, medians, strict=True)]

    # M7d: grades at upper + t and lower - t alternate, t = 0, 1, ... They change only where the last vote of some
    # grade is passed, so it is enough to look at these t.
    steps = {0}
    for row in rows:
        for grade in range(grades):
            passed = sum(row[: grade + 1])
            steps |= {passed + 1 - upper, lower - passed}
    looked_at = sorted(t for t in steps if 0 <= t < lower)
    keys = [
        [grade for t in looked_at for grade in (grade_at(row, upper + t), grade_at(row, lower - t))] for row in rows
    ]
    ranking = [[i for i, key in enumerate(keys) if key == best] for best in sorted(map(list, set(map(tuple, keys))))]
    winners = ranking[0] if cast else []
    counted = {"histograms": rows, "medians": medians, "better": better, "worse": worse}
    return {"method": "grades", **counted, "ranking": ranking, "winners": winners}


def highest_averages(votes: Sequence[int], seats: int, rule: str) -> tuple[list[int], list[int], int]:
    """M9a: seats of each list, the tied lists, the seats left."""
    won = [0] * len(votes)
    step = 1 if rule == "d-hondt" else 2
    while seats > 0 and any(votes):
        averages = [Fraction(count, 1 + step * have) for count, have in zip(votes, won, strict=True)]
        best = [i for i, average in enumerate(averages) if average == max(averages)]
        if len(best) > seats:
            return won, best, seats
        for i in best:
            won[i] += 1
        seats -= len(best)
    return won, [], seats


def outcome_lists(q: Json, totals: list[int], cast: int) -> Json:
    """M8b."""
    m = len(q["lists"])
    votes, personal, start = totals[:m], [], m
    for one in q["lists"]:
        personal.append(totals[start : start + len(one["candidates"])])
        start += len(one["candidates"])
    demand(sum(votes) == cast, "the votes for lists are not as many as the voters")
    fair = all(count <= votes[i] for i, row in enumerate(personal) for count in row)
    demand(fair, "a candidate has more votes than the list")
    seats, tied, open_seats = highest_averages(votes, q["seats"], q["rule"])
    order = [rank_by_counts(row) for row in personal]
    elected: Matrix = []
    tied_candidates: Matrix = []
    for left, groups in zip(seats, order, strict=True):
        elected.append([])
        tied_candidates.append([])
        for group in groups:
            if left == 0:
                break
            if len(group) > left:
                tied_candidates[-1] = group
                break
            elected[-1] = sorted(elected[-1] + group)
            left -= len(group)
    counted = {"votes": votes, "personal_votes": personal, "seats": seats, "tied": tied, "open_seats": open_seats}
    people = {"candidate_order": order, "elected": elected, "tied_candidates": tied_candidates}
    return {"method": "lists", **counted, **people}


def outcome_ranking(q: Json, totals: list[int], cast: int) -> Json:
    """M10b."""
    n = len(q["options"])
    rows = [totals[i * n : i * n + n] for i in range(n)]
    demand(all(sum(row) == cast for row in rows), "the ranks of an option are not as many as the voters")
    demand(all(sum(column) == cast for column in zip(*rows, strict=True)), "a rank was not given by every voter")
    scores = [sum(count * points for count, points in zip(row, q["points"], strict=True)) for row in rows]
    ranking = rank_by_counts(scores)
    winners = ranking[0] if cast else []
    return {"method": "ranking", "counts": rows, "scores": scores, "ranking": ranking, "winners": winners}


def reachable(arrows: set[tuple[int, int]], n: int) -> set[tuple[int, int]]:
    """All (i, j) such that j can be reached from i along arrows."""
    found = set(arrows)
    for middle, i, j in product(range(n), repeat=3):
        if (i, middle) in found and (middle, j) in found:
            found.add((i, j))
    return found


def rank_from_order(above: set[tuple[int, int]], n: int) -> Matrix:
    """M11c."""
    left, ranking = list(range(n)), []
    while left:
        first = [i for i in left if not any((j, i) in above for j in left)]
        ranking.append(first)
        left = [i for i in left if i not in first]
    return ranking


def schulze(beats: Matrix, n: int) -> set[tuple[int, int]]:
    """M11d: the strict order "above"."""
    path = [[beats[i][j] if beats[i][j] > beats[j][i] else 0 for j in range(n)] for i in range(n)]
    for middle, i, j in product(range(n), repeat=3):
        if i != j:
            path[i][j] = max(path[i][j], min(path[i][middle], path[middle][j]))
    return {(i, j) for i, j in permutations(range(n), 2) if path[i][j] > path[j][i]}


def ranked_pairs(beats: Matrix, n: int) -> set[tuple[int, int]]:
    """M11e: the strict order "above"."""
    victories = [(i, j) for i, j in permutations(range(n), 2) if beats[i][j] > beats[j][i]]
    classes = sorted({(-beats[i][j], beats[j][i]) for i, j in victories})
    locked: set[tuple[int, int]] = set()
    possible: set[tuple[int, int]] = set()
    for one in classes:
        reached = reachable(locked, n)
        rest = [(i, j) for i, j in victories if (-beats[i][j], beats[j][i]) == one and (j, i) not in reached]
        possible |= set(rest)
        reached = reachable(possible, n)
        locked |= {(i, j) for i, j in rest if (j, i) not in reached}
    return reachable(locked, n)


def outcome_duels(q: Json, beats: Matrix, cast: int) -> Json:
    """M12b from the matrix on: M11."""
    n = len(beats)
    others = [[j for j in range(n) if j != i] for i in range(n)]
    champions = [i for i in range(n) if all(beats[i][j] > beats[j][i] for j in others[i])]
    arrows = reachable({(i, j) for i, j in permutations(range(n), 2) if beats[i][j] >= beats[j][i]}, n)
    smith = [i for i in range(n) if all((i, j) in arrows for j in others[i])]
    above = schulze(beats, n) if q["rule"] == "schulze" else ranked_pairs(beats, n)
    ranking = rank_from_order(above, n)
    result: Json = {"method": q["method"], "matrix": beats, "condorcet_winner": champions[0] if champions else None}
    return {**result, "smith_set": smith if cast else [], "ranking": ranking, "winners": ranking[0] if cast else []}


def outcome_condorcet(q: Json, totals: list[int], cast: int) -> Json:
    """M12b."""
    n = len(q["options"])
    beats = [[0] * n for _ in range(n)]
    for (i, j), total in zip(combinations(range(n), 2), totals, strict=True):
        beats[i][j], beats[j][i] = total, cast - total
    for i, j, k in permutations(range(n), 3):
        demand(beats[i][j] + beats[j][k] + beats[k][i] <= 2 * cast, "no rankings have these totals")
    return outcome_duels(q, beats, cast)


def outcome_condorcet_ties(q: Json, totals: list[int], cast: int) -> Json:
    """M13b."""
    n = len(q["options"])
    beats = [[0] * n for _ in range(n)]
    for (i, j), total in zip(permutations(range(n), 2), totals, strict=True):
        beats[i][j] = total
    for i, j in combinations(range(n), 2):
        demand(beats[i][j] + beats[j][i] <= cast, "no rankings have these totals")
    for i, j, k in permutations(range(n), 3):
        demand(beats[i][k] <= beats[i][j] + beats[j][k], "no rankings have these totals")
    return outcome_duels(q, beats, cast)


@dataclass(frozen=True)
class Method:
    """A voting method: the fields of its question and of its outcome, besides the common ones; its functions."""

    question: Json
    outcome: Json
    shape: Callable[[Json], Shape]
    count: Callable[[Json, list[int], int], Json]


TEXTS = {...: str}  # E11
RANKED: Json = {"ranking": [[int]], "winners": [int]}
DUELS: Json = {"matrix": [[int]], "condorcet_winner": (int, None), "smith_set": [int], **RANKED}

DUEL_RULE = re.compile("schulze|ranked-pairs")

METHODS = {
    "choose": Method(
        {"options": [TEXTS], "min": int, "max": int, "blank": bool, "seats": int},
        {"counts": [int], "blank": (int, None), "elected": [int], "tied": [int], "open_seats": int},
        shape_choose,
        outcome_choose,
    ),
    "score": Method(
        {"options": [TEXTS], "highest": int, "min": int, "max": not_zero},
        {"sums": [int], **RANKED},
        shape_score,
        outcome_score,
    ),
    "grades": Method(
        {"options": [TEXTS], "grades": [TEXTS]},
        {"histograms": [[int]], "medians": [(int, None)], "better": [int], "worse": [int], **RANKED},
        shape_grades,
        outcome_grades,
    ),
    "lists": Method(
        {"lists": [{"name": TEXTS, "candidates": [TEXTS]}], "seats": int, "rule": re.compile("d-hondt|sainte-lague")},
        {"votes": [int], "personal_votes": [[int]], "seats": [int], "tied": [int], "open_seats": int}
        | {"candidate_order": [[[int]]], "elected": [[int]], "tied_candidates": [[int]]},
        shape_lists,
        outcome_lists,
    ),
    "ranking": Method(
        {"options": [TEXTS], "points": not_empty([int])},
        {"counts": [[int]], "scores": [int], **RANKED},
        shape_ranking,
        outcome_ranking,
    ),
    "condorcet": Method({"options": [TEXTS], "rule": DUEL_RULE}, DUELS, shape_condorcet, outcome_condorcet),
    "condorcet-ties": Method(
        {"options": [TEXTS], "rule": DUEL_RULE}, DUELS, shape_condorcet_ties, outcome_condorcet_ties
    ),
}


def question_form(value: object) -> Json:
    method = METHODS.get(str(value.get("method"))) if isinstance(value, dict) else None
    fields = method.question if method else {"no such method": str}
    return {"method": str, "title": TEXTS, "description": (TEXTS, None), **fields}


def outcome_form(value: object) -> Json:
    method = METHODS.get(str(value.get("method"))) if isinstance(value, dict) else None
    return {"method": str, **(method.outcome if method else {"no such method": str})}


# ---------------------------------------------------------------------------------------------------------------------
# M14, M15: the manifest
# ---------------------------------------------------------------------------------------------------------------------

_MANIFEST: Json = {
    "administrator": str,
    "authority": str,
    "board": str,
    "contact": str,
    "description": (TEXTS, None),
    "group": str,
    "languages": [str],
    "nonce": str,
    "questions": [question_form],
    "schedule": ({"closes": str, "opens": str}, None),
    "threshold": int,
    "title": TEXTS,
    "trustees": [{"name": str}],
    "version": int,
}
_QUORUM, _WITNESSES = {"quorum": not_zero}, {"witnesses": not_empty([str])}
MANIFEST = (_MANIFEST, _MANIFEST | _QUORUM, _MANIFEST | _WITNESSES, _MANIFEST | _QUORUM | _WITNESSES)


def check_texts(texts: dict[str, str], languages: list[str], lines: bool = False) -> None:
    """E11."""
    demand(texts.keys() == set(languages), "a text is not there in exactly the languages of the manifest")
    for text in texts.values():
        check_text(text, lines=lines)


def check_options(options: list[dict[str, str]], languages: list[str], low: int, high: int) -> None:
    """M3."""
    demand(low <= len(options) <= high, f"not {low} to {high} options")
    for option in options:
        check_texts(option, languages)
    for language in languages:
        folded = [unicodedata.normalize("NFKC", one[language]).casefold() for one in options]
        folded = [" ".join(unicodedata.normalize("NFKC", text).split()) for text in folded]
        demand(len(set(folded)) == len(folded), "two options read the same")


def check_question(q: Json, languages: list[str]) -> None:
    """M3, M5 to M13: the ranges of a question's fields."""
    method = q["method"]
    check_texts(q["title"], languages)
    if q["description"] is not None:
        check_texts(q["description"], languages, lines=True)
    if method == "lists":
        check_options([one["name"] for one in q["lists"]], languages, 2, 200)
        for one in q["lists"]:
            check_options(one["candidates"], languages, 0, 200)
        demand(1 <= q["seats"] <= 1000, "not 1 to 1000 seats")
        return
    low = 1 if method in ("score", "grades") else 2
    high = {"ranking": 30, "condorcet": 20, "condorcet-ties": 8}.get(method, 200)
    check_options(q["options"], languages, low, high)
    n = len(q["options"])
    if method == "choose":
        demand(0 <= q["min"] <= n and 1 <= q["max"] <= n and q["min"] <= q["max"], "min or max is out of range")
        demand(1 <= q["seats"] <= n, "seats is out of range")
    elif method == "score":
        demand(1 <= q["highest"] <= 100, "highest is out of range")
        most = n * q["highest"]
        demand(0 <= q["min"] <= most and 1 <= q["max"] <= most and q["min"] <= q["max"], "min or max is out of range")
    elif method == "grades":
        check_options(q["grades"], languages, 2, 20)
    elif method == "ranking":
        points = q["points"]
        demand(len(points) == n and all(0 <= one <= 1000 for one in points), "points are out of range")
        demand(points == sorted(points, reverse=True) and points[0] > points[-1], "points do not fall")


def check_manifest(manifest: Json) -> Shape:
    """M15. The result is the shape of the whole ballot."""
    languages, trustees = manifest["languages"], manifest["trustees"]
    demand(manifest["version"] == 1, "the manifest is not of version 1")
    demand(languages != [] and len(set(languages)) == len(languages), "languages are missing or named twice")
    for language in languages:
        demand(re.fullmatch("[a-z]{2,3}(-[a-z0-9]{2,8})*", language) is not None, "a language code is malformed")
    check_texts(manifest["title"], languages)
    if manifest["description"] is not None:
        check_texts(manifest["description"], languages, lines=True)
    if manifest["contact"]:
        check_text(manifest["contact"], 200)
    demand(re.fullmatch("[0-9a-f]{32}", manifest["nonce"]) is not None, "the nonce is malformed")
    for role in ("administrator", "authority"):
        read_public_key(read_base64url(manifest[role], 32))
    board = read_vkey(manifest["board"], NOTE_KEY)
    demand(is_origin(board.name), "the board's name is no origin")
    group_named(manifest["group"])
    if manifest["schedule"] is not None:
        opens, closes = manifest["schedule"]["opens"], manifest["schedule"]["closes"]
        demand(is_moment(opens) and is_moment(closes) and opens < closes, "the schedule is malformed")
    demand(1 <= len(trustees) <= 50, "not 1 to 50 trustees")
    for trustee in trustees:
        check_text(trustee["name"], 100)
    names = {" ".join(trustee["name"].casefold().split()) for trustee in trustees}
    demand(len(names) == len(trustees), "two trustees have one name")
    demand(1 <= manifest["threshold"] <= len(trustees), "the threshold is out of range")
    quorum = manifest.get("quorum", 0)
    if quorum != 0 or "witnesses" in manifest:  # L20b
        witnesses = [read_vkey(text, WITNESS_KEY) for text in manifest.get("witnesses", [])]
        count, keys = len(witnesses), {witness.key for witness in witnesses}
        demand(1 <= count <= 15, "not 1 to 15 witnesses")
        demand(len(keys) == count == len({witness.name for witness in witnesses}), "a witness is there twice")
        demand(board.key not in keys, "the board is its own witness")
        demand(count < 2 * quorum and quorum <= count, "the quorum is out of range")
    questions = manifest["questions"]
    demand(1 <= len(questions) <= 50, "not 1 to 50 questions")
    shapes = []
    for question in questions:
        check_question(question, languages)
        shapes.append(METHODS[question["method"]].shape(question))
    demand(sum(shape.values for shape in shapes) <= 1000, "the ballot has more than 1000 values")
    branches = sum(len(one.allowed) for shape in shapes for one in shape.constraints)
    demand(branches <= 3000, "the ballot has more than 3000 branches")
    return join_shapes(shapes)


# ---------------------------------------------------------------------------------------------------------------------
# N, T, S: entries, the ceremony, and the phases. `State` is what the entries so far have led to.
# ---------------------------------------------------------------------------------------------------------------------

CIPHERTEXT = {"alpha": str, "beta": str}
PROOF = {"challenge": str, "response": str}
BALLOT = {
    "challenge": str,
    "ciphertexts": [CIPHERTEXT],
    "credential": str,
    "election": str,
    "proofs": [{"challenges": [str], "responses": [str]}],
}
OF_TRUSTEE: Json = {"attempt": int, "index": int, "manifest": str, "time": str}

CONTENT: Json = {  # N10 to N27
    "election.defined": {"manifest": MANIFEST, "time": str},
    "trustee.joined": {**OF_TRUSTEE, "commitments": str, "name": str, "sealing_key": str, "signing_key": str},
    "trustee.committed": {
        "coefficients": {"attempt": int, "elements": [str], "index": int, "manifest": str},
        "proofs": [PROOF],
        "time": str,
    },
    "trustee.dealt": {**OF_TRUSTEE, "shares": [{"ciphertext": str, "encapsulation": str}]},
    "trustee.confirmed": {**OF_TRUSTEE, "joint_key": str, "verification_key": str},
    "trustee.complained": {**OF_TRUSTEE, "dealer": int},
    "trustee.answered": {**OF_TRUSTEE, "recipient": int, "share": str},
    "trustee.restarted": {"attempt": int, "excluded": [int], "manifest": str, "time": str},
    "credentials.listed": {"credentials": [{"key": str, "weight": int}], "manifest": str, "time": str},
    "election.opened": {
        "booth": [{"path": str, "sha256": str}],
        "credentials": [str],
        "joint_key": str,
        "manifest": str,
        "time": str,
        "voters": int,
        "weight": int,
    },
    "ballot.cast": BALLOT,
    "election.notice": {"manifest": str, "text": str, "time": str},
    "election.extended": {"closes": str, "election": str, "time": str},
    "election.closed": {"ballots": int, "election": str, "time": str},
    "election.cancelled": {"manifest": str, "reason": str, "time": str},
    "tally.encrypted": {"ballots": int, "election": str, "time": str, "totals": [CIPHERTEXT], "weight": int},
    "tally.share": {"election": str, "factors": [str], "index": int, "proof": PROOF, "tally": str, "time": str},
    "election.result": {
        "election": str,
        "outcomes": [outcome_form],
        "shares": [int],
        "tally": str,
        "time": str,
        "totals": [int],
    },
}

SETUP_TYPES = [kind for kind in CONTENT if kind.startswith(("trustee.", "credentials."))]
ALLOWED_IN = {  # S1
    "election.defined": ["empty"],
    **{kind: ["setup"] for kind in [*SETUP_TYPES, "election.opened"]},
    **{kind: ["open"] for kind in ("ballot.cast", "election.extended", "election.closed")},
    "tally.encrypted": ["closed"],
    "tally.share": ["tallied"],
    "election.result": ["tallied"],
    "election.notice": ["setup", "open", "closed", "tallied", "published", "cancelled"],
    "election.cancelled": ["setup", "open", "closed", "tallied"],
}
PHASE_AFTER = {  # S2
    "election.defined": "setup",
    "election.opened": "open",
    "election.closed": "closed",
    "tally.encrypted": "tallied",
    "election.result": "published",
    "election.cancelled": "cancelled",
}
MOST_WEIGHT, MOST_TOTAL_WEIGHT = 10**12, 9 * 10**12
BOOTH_PATH = r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"


@dataclass(frozen=True)
class Entry:
    seq: int
    type: str
    body_hash: str
    content: Json
    content_hash: bytes  # N4
    signature: str


def read_entry(seq: int, kind: str, body: bytes) -> Entry:
    """N3, N4."""
    with under(2, "N3"):
        whole = decode(body, {"content": CONTENT[kind], "signature": re.compile(".{86}", re.DOTALL)})
    content = body[len('{"content":') : -len(',"signature":""}') - 86]
    return Entry(seq, kind, sha256(body).hex(), whole["content"], sha256(content), whole["signature"])


@dataclass
class Trustee:
    """What a trustee of the present ceremony has done in it."""

    signing_key: str
    sealing_key: str
    commitments: str
    elements: list[int] = field(default_factory=list)  # A_(i,0), A_(i,1), ..; empty before round 2
    dealt: bool = False
    confirmed: bool = False


@dataclass
class State:
    allow_toy_group: bool
    phase: str = "empty"
    taken: set[str] = field(default_factory=set)  # the types of the entries so far
    seen: set[bytes] = field(default_factory=set)  # the content hashes so far
    manifest: Json = field(default_factory=dict)
    manifest_hash: str = ""
    shape: Shape = field(default_factory=lambda: Shape(0, [], []))
    last_time: str = ""  # of the administrator's entries
    announced_end: str | None = None
    # the ceremony
    attempt: int = 1
    members: list[int] = field(default_factory=list)
    joined: dict[int, Trustee] = field(default_factory=dict)
    complaints: set[tuple[int, int]] = field(default_factory=set)  # (author, dealer), settled or not
    settled: set[tuple[int, int]] = field(default_factory=set)
    failed: bool = False
    # the voters
    lists: list[str] = field(default_factory=list)  # body hashes
    credentials: dict[str, int] = field(default_factory=dict)  # key -> weight
    # the voting
    election_id: str = ""
    ballots: list[Entry] = field(default_factory=list)
    # the tally
    tally: Entry | None = None
    shares: dict[int, Entry] = field(default_factory=dict)
    result: Entry | None = None
    # remarks and the commitments in each trustee's proofs
    warnings: list[str] = field(default_factory=list)
    proof_commitments: dict[int, list[int]] = field(default_factory=dict)

    @property
    def group(self) -> Group:
        return group_named(self.manifest["group"])

    def counted(self) -> dict[str, Entry]:
        """Which ballots count: the last of each credential."""
        return {entry.content["credential"]: entry for entry in self.ballots}

    def joint_key(self) -> int:
        """T5."""
        return self.group.product(trustee.elements[0] for trustee in self.joined.values())

    def expected_share(self, dealer: int, recipient: int) -> int:
        """T3: g^f_dealer(recipient), from the dealer's commitments."""
        elements = enumerate(self.joined[dealer].elements)
        return self.group.product(self.group.power(element, recipient**m) for m, element in elements)

    def verification_key(self, index: int) -> int:
        """T6."""
        return self.group.product(self.expected_share(dealer, index) for dealer in self.joined)

    def is_complete(self) -> bool:
        done = [index for index, trustee in self.joined.items() if trustee.confirmed]
        return not self.failed and sorted(done) == self.members

    def note_commitment(self, index: int, commitment: int, entry: Entry) -> None:
        if commitment in self.proof_commitments.setdefault(index, []):
            text = f"entry {entry.seq}: trustee {index} used one nonce in two proofs; that gives a secret away"
            self.warnings.append(text)
        self.proof_commitments[index].append(commitment)

    # S3: the rules for all entries, then those of the type. An entry is taken in whole or refused whole.

    def apply(self, seq: int, kind: str, body: bytes) -> None:
        require(kind in CONTENT, 4, "S1", f"there are no entries of type {kind}")
        require(self.phase in ALLOWED_IN[kind], 4, "S1", f"{kind} is not allowed in the phase {self.phase}")
        entry = read_entry(seq, kind, body)
        require(entry.content_hash not in self.seen, 4, "N rule 2", "an earlier entry has the same content")
        getattr(self, kind.replace(".", "_"))(entry, entry.content)  # e.g. ballot_cast
        self.seen.add(entry.content_hash)
        self.taken.add(kind)
        self.phase = PHASE_AFTER.get(entry.type, self.phase)

    def _check_manifest_hash(self, found: str) -> None:
        require(found == self.manifest_hash, 4, "N rule 3", "the entry names another manifest")

    def _check_election_id(self, found: str) -> None:
        require(found == self.election_id, 4, "N rule 3", "the entry names another election")

    def check_signature(self, entry: Entry, key: str, check: int = 5, manifest_hash: str = "") -> None:
        """N5 over N1."""
        with under(check, "N5"):
            signature, public = read_base64url(entry.signature, 64), read_base64url(key, 32)
        manifest = bytes.fromhex(manifest_hash or self.manifest_hash)
        message = frame(b"urne-v1-entry", entry.type.encode(), manifest, entry.content_hash)
        require(is_signed(public, message, signature), check, "N5", "the signature fails")

    def _check_time(self, entry: Entry) -> None:
        require(is_moment(entry.content["time"]), 4, "N rule 5", "the time is malformed")

    def _check_by_administrator(self, entry: Entry) -> None:
        self.check_signature(entry, self.manifest["administrator"])
        self._check_time(entry)
        later = entry.content["time"] >= self.last_time
        require(later, 4, "N rule 5", "the time is before that of an earlier entry of the administrator")

    def _take_by_administrator(self, entry: Entry) -> None:
        self.last_time = entry.content["time"]

    # the definition

    def election_defined(self, entry: Entry, content: Json) -> None:
        """N10."""
        manifest = content["manifest"]
        with under(1, "M15"):
            shape = check_manifest(manifest)
        toy = manifest["group"] == "toy-512"
        require(self.allow_toy_group or not toy, 1, "G1", "the group is for tests only (--allow-toy-group allows it)")
        manifest_hash = sha256(encode(manifest)).hex()
        self.check_signature(entry, manifest["administrator"], manifest_hash=manifest_hash)
        self._check_time(entry)
        self.manifest, self.manifest_hash = manifest, manifest_hash
        self._take_by_administrator(entry)
        self.shape = shape
        self.members = list(range(1, len(manifest["trustees"]) + 1))
        self.announced_end = manifest["schedule"]["closes"] if manifest["schedule"] else None

    # the ceremony

    def _check_member(self, entry: Entry, part: Json) -> Trustee:
        """Rules for N12 to N16. `part` has the fields attempt, index and manifest."""
        self._check_manifest_hash(part["manifest"])
        author = self.joined.get(part["index"])
        if author is None:
            raise Broken(5, "N", f"trustee {part['index']} has not joined the ceremony")
        self.check_signature(entry, author.signing_key)
        self._check_time(entry)
        require(part["attempt"] == self.attempt and not self.failed, 7, "T", "the entry is not of the present ceremony")
        return author

    def trustee_joined(self, entry: Entry, content: Json) -> None:
        """N11, T11."""
        index = content["index"]
        self._check_manifest_hash(content["manifest"])
        with under(5, "T11"):
            read_public_key(read_base64url(content["signing_key"], 32))
        self.check_signature(entry, content["signing_key"])
        self._check_time(entry)
        require(content["attempt"] == self.attempt and not self.failed, 7, "T11", "not of the present ceremony")
        require(index in self.members, 7, "T11", f"trustee {index} is not in the ceremony")
        require(index not in self.joined, 7, "T11", f"trustee {index} has joined before")
        name = self.manifest["trustees"][index - 1]["name"]
        require(content["name"] == name, 7, "T11", "the name is not that of the manifest")
        with under(7, "T11"):
            check_sealing_key(content["sealing_key"])
        for other in self.joined.values():
            same = content["signing_key"] == other.signing_key or content["sealing_key"] == other.sealing_key
            require(not same, 7, "T11", "another trustee has the same key")
        self.joined[index] = Trustee(content["signing_key"], content["sealing_key"], content["commitments"])

    def trustee_committed(self, entry: Entry, content: Json) -> None:
        """N12, T12."""
        part, k, group = content["coefficients"], self.manifest["threshold"], self.group
        author, index = self._check_member(entry, part), part["index"]
        require(sorted(self.joined) == self.members, 7, "T12", "not all trustees have joined")
        require(author.elements == [], 7, "T12", f"trustee {index} has committed before")
        digest = sha256(encode(part)).hex()
        require(digest == author.commitments, 6, "T10", "the coefficients do not have the hash of round 1")
        numbers = len(part["elements"]), len(content["proofs"])
        require(numbers == (k, k), 6, "T12", f"not exactly {k} elements and proofs")
        elements, commitments = [], []
        for m, (text, proof) in enumerate(zip(part["elements"], content["proofs"], strict=True)):
            with under(6, "T12"):
                y, c, z = group.read(text), read_scalar(proof["challenge"]), read_scalar(proof["response"])
            require(y != 1, 6, "T12", "an element is 1")
            context = [bytes.fromhex(self.manifest_hash), u32(self.attempt), u32(index), u32(m)]  # T9
            a = group.power(group.g, z) * group.power(y, -c) % group.p  # P3
            statement = [*context, group.write(y), group.write_commitment(a)]
            holds = c == group.challenge("trustee-knowledge", *statement)
            require(holds, 6, "P3", f"the proof for coefficient {m} fails")
            elements.append(y)
            commitments.append(a)
        author.elements = elements
        for a in commitments:
            self.note_commitment(index, a, entry)

    def trustee_dealt(self, entry: Entry, content: Json) -> None:
        """N13, T13."""
        author = self._check_member(entry, content)
        committed = sorted(self.joined) == self.members and all(one.elements for one in self.joined.values())
        require(committed, 7, "T13", "not all trustees have committed")
        require(not author.dealt, 7, "T13", "the trustee has dealt before")
        require(len(content["shares"]) == len(self.members), 7, "T13", "not one share for each trustee")
        author.dealt = True

    def _all_have_dealt(self) -> bool:
        return sorted(self.joined) == self.members and all(one.dealt for one in self.joined.values())

    def trustee_confirmed(self, entry: Entry, content: Json) -> None:
        """N14, T14."""
        author, index = self._check_member(entry, content), content["index"]
        require(self._all_have_dealt(), 7, "T14", "not all trustees have dealt")
        require(not author.confirmed, 7, "T14", "the trustee has confirmed before")
        waiting = any(complainer == index for complainer, _ in self.complaints - self.settled)
        require(not waiting, 7, "T14", "a complaint of the trustee is open")
        joint_key = self.group.write_text(self.joint_key())
        require(self.joint_key() != 1, 8, "T14", "the joint key is 1")
        require(content["joint_key"] == joint_key, 8, "T5", "the joint key is not the product of the commitments")
        own = self.group.write_text(self.verification_key(index))
        require(content["verification_key"] == own, 8, "T6", "the verification key does not fit the commitments")
        author.confirmed = True

    def trustee_complained(self, entry: Entry, content: Json) -> None:
        """N15, T15."""
        author, index, dealer = self._check_member(entry, content), content["index"], content["dealer"]
        require(self._all_have_dealt(), 7, "T15", "not all trustees have dealt")
        require(not author.confirmed, 7, "T15", "the trustee has confirmed")
        require(dealer in self.members and dealer != index, 7, "T15", "there is no such dealer")
        require((index, dealer) not in self.complaints, 7, "T15", "the same complaint was made before")
        self.complaints.add((index, dealer))

    def trustee_answered(self, entry: Entry, content: Json) -> None:
        """N16, T16."""
        self._check_member(entry, content)
        dealer, recipient = content["index"], content["recipient"]
        is_open = (recipient, dealer) in self.complaints - self.settled
        require(is_open, 7, "T16", "there is no such complaint to answer")
        with under(7, "T16"):
            share = read_scalar(content["share"])
        if self.group.power(self.group.g, share) == self.expected_share(dealer, recipient):  # T4
            self.settled.add((recipient, dealer))
        else:
            self.failed = True

    def trustee_restarted(self, entry: Entry, content: Json) -> None:
        """N17, T17."""
        excluded, count = content["excluded"], len(self.manifest["trustees"])
        self._check_manifest_hash(content["manifest"])
        self._check_by_administrator(entry)
        require(content["attempt"] == self.attempt + 1, 7, "T17", "the number of the new ceremony is wrong")
        require(excluded == sorted(set(excluded)), 7, "T17", "the excluded trustees do not rise")
        require(all(1 <= index <= count for index in excluded), 7, "T17", "there is no such trustee")
        members = [index for index in range(1, count + 1) if index not in excluded]
        require(set(members) <= set(self.members), 7, "T17", "a trustee who was excluded before is back")
        require(len(members) >= self.manifest["threshold"], 7, "T17", "too few trustees remain")
        self._take_by_administrator(entry)
        self.attempt, self.members, self.failed = content["attempt"], members, False
        self.joined, self.complaints, self.settled = {}, set(), set()

    # the voters

    def credentials_listed(self, entry: Entry, content: Json) -> None:
        """N18, by the credential authority."""
        self._check_manifest_hash(content["manifest"])
        self.check_signature(entry, self.manifest["authority"])
        self._check_time(entry)
        keys = [one["key"] for one in content["credentials"]]
        weights = [one["weight"] for one in content["credentials"]]
        require(keys != [], 9, "N18", "the list is empty")
        require(keys == sorted(set(keys)), 9, "N18", "the credentials do not rise")
        for key, weight in zip(keys, weights, strict=True):
            require(key not in self.credentials, 9, "N18", "a credential was listed before")
            require(1 <= weight <= MOST_WEIGHT, 9, "N18", "a weight is out of range")
            with under(9, "A1"):
                read_public_key(read_base64url(key, 32))
        sum_of_all = sum(weights) + sum(self.credentials.values())
        require(sum_of_all <= MOST_TOTAL_WEIGHT, 9, "N18", "the weights together are too large")
        self.credentials |= dict(zip(keys, weights, strict=True))
        self.lists.append(entry.body_hash)

    # the voting

    def election_opened(self, entry: Entry, content: Json) -> None:
        """N19."""
        self._check_by_administrator(entry)
        require(self.is_complete(), 7, "N19", "the ceremony is not complete")
        require(self.credentials != {}, 9, "N19", "no credential is listed")
        require(content["manifest"] == self.manifest_hash, 10, "N19", "the opening names another manifest")
        joint_key = self.group.write_text(self.joint_key())
        require(content["joint_key"] == joint_key, 8, "T5", "the joint key is not the product of the commitments")
        require(content["credentials"] == self.lists, 10, "N19", "the opening names other lists of credentials")
        numbers = content["voters"], content["weight"]
        true_numbers = len(self.credentials), sum(self.credentials.values())
        require(numbers == true_numbers, 9, "N19", "the number or the weight of the credentials is wrong")
        paths = [one["path"] for one in content["booth"]]  # S3a
        require(len(paths) <= 1000 and paths == sorted(set(paths)), 10, "S3a", "the files of the booth do not rise")
        for one in content["booth"]:
            good = re.fullmatch(BOOTH_PATH, one["path"]) is not None and len(one["path"]) <= 200
            require(good, 10, "S3a", "the path of a file of the booth is malformed")
            require(fits(one["sha256"], HASH), 10, "S3a", "the hash of a file of the booth is malformed")
        self._take_by_administrator(entry)
        self.election_id = entry.body_hash

    def ballot_cast(self, entry: Entry, content: Json) -> None:
        """N20. What costs much is left to `check_ballot`."""
        require(content["credential"] in self.credentials, 11, "N20", "the credential is not listed")
        self._check_election_id(content["election"])
        self.ballots.append(entry)

    def election_notice(self, entry: Entry, content: Json) -> None:
        """N21."""
        self._check_manifest_hash(content["manifest"])
        self._check_by_administrator(entry)
        with under(4, "N21"):
            check_text(content["text"], lines=True)
        self._take_by_administrator(entry)

    def election_extended(self, entry: Entry, content: Json) -> None:
        """N22."""
        self._check_election_id(content["election"])
        self._check_by_administrator(entry)
        require(is_moment(content["closes"]), 4, "N22", "the new end is malformed")
        later = self.announced_end is None or content["closes"] > self.announced_end
        require(later, 4, "N22", "the new end is not after the announced one")
        self._take_by_administrator(entry)
        self.announced_end = content["closes"]

    def election_closed(self, entry: Entry, content: Json) -> None:
        """N23."""
        self._check_election_id(content["election"])
        self._check_by_administrator(entry)
        require(content["ballots"] == len(self.ballots), 4, "N23", "the number of ballots is wrong")
        self._take_by_administrator(entry)

    def election_cancelled(self, entry: Entry, content: Json) -> None:
        """N24."""
        self._check_manifest_hash(content["manifest"])
        self._check_by_administrator(entry)
        with under(4, "N24"):
            check_text(content["reason"], lines=True)
        self._take_by_administrator(entry)

    # the tally

    def tally_encrypted(self, entry: Entry, content: Json) -> None:
        """N25. The product (D3) is left to `check_tally`."""
        self._check_election_id(content["election"])
        self._check_by_administrator(entry)
        counted = self.counted()
        numbers = content["ballots"], content["weight"]
        true_numbers = len(counted), sum(self.credentials[key] for key in counted)
        require(numbers == true_numbers, 16, "N25", "the number or the weight of the counted ballots is wrong")
        self._take_by_administrator(entry)
        self.tally = entry

    def tally_share(self, entry: Entry, content: Json) -> None:
        """N26. The proof (D6) is left to `check_share`."""
        self._check_election_id(content["election"])
        index = content["index"]
        require(index in self.members, 18, "N26", f"trustee {index} is not in the ceremony")
        self.check_signature(entry, self.joined[index].signing_key, check=18)
        self._check_time(entry)
        named = self.tally is not None and content["tally"] == self.tally.body_hash
        require(named, 18, "N26", "the share is for another tally")
        require(index not in self.shares, 18, "N26", f"trustee {index} has published a share before")
        self.shares[index] = entry

    def election_result(self, entry: Entry, content: Json) -> None:
        """N27. The numbers (D8, D10) are left to `check_totals` and `check_outcomes`."""
        self._check_election_id(content["election"])
        self._check_by_administrator(entry)
        named = self.tally is not None and content["tally"] == self.tally.body_hash
        require(named, 19, "N27", "the result is of another tally")
        indices = content["shares"]
        proper = indices == sorted(set(indices)) and len(indices) == self.manifest["threshold"]
        require(proper, 18, "N27", "the result does not name k trustees in rising order")
        require(set(indices) <= self.shares.keys(), 18, "N27", "the result names a share that is not there")
        self._take_by_administrator(entry)
        self.result = entry


# ---------------------------------------------------------------------------------------------------------------------
# The report: what was found, by check
# ---------------------------------------------------------------------------------------------------------------------

CLAIMS = {
    1: "The manifest is well formed and uses a known group",
    2: "The entries form one unbroken chain",
    3: "The board signed exactly these entries",
    4: "Every entry was allowed when it came",
    5: "Administrator, authority and trustees signed their entries",
    6: "The trustees' commitments are sound",
    7: "The ceremony was finished",
    8: "The joint key is what the trustees made",
    9: "The credentials are sane",
    10: "The opening names this manifest and these lists",
    11: "Each ballot comes from a listed credential",
    12: "Each ciphertext is in the group",
    13: "Each ballot has the manifest's shape",
    14: "Each ballot's proofs hold",
    15: "No ciphertext was copied",
    16: "Those ballots count that are the last of their credential",
    17: "The encrypted tally is their product",
    18: "The decryption shares are right",
    19: "The totals are the decryption",
    20: "The outcome follows from the totals",
    21: "The record extends the one seen before",
}


@dataclass
class Report:
    findings: list[tuple[int, int | None, str, str]] = field(default_factory=list)  # check, entry, rule, problem
    not_run: dict[int, str] = field(default_factory=dict)  # check -> reason
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, str | int | None] = field(default_factory=dict)
    readable: int = 0  # number of entries that check 02 does not leave out
    finished: bool = False

    def on(self, entry: int | None = None) -> "GoingOn":
        return GoingOn(self, entry)

    def failed(self) -> list[int]:
        return sorted({check for check, _, _, _ in self.findings})

    def status(self, check: int) -> str:
        if check in self.failed():
            return "failed"
        return "not run" if check in self.not_run else "passed"

    def verdict(self) -> str:
        if self.findings:
            return "not verified"
        return "verified" if self.finished else "valid so far"

    def exit_code(self) -> int:
        return {"verified": 0, "not verified": 1, "valid so far": 4}[self.verdict()]


@dataclass(frozen=True)
class GoingOn:
    """A rule that is broken inside such a `with` block becomes a finding, and the verifier goes on after the block."""

    report: Report
    entry: int | None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, problem: BaseException | None, _traceback: object) -> bool:
        if not isinstance(problem, Broken):
            return False
        self.report.findings.append((problem.check, self.entry, problem.rule, problem.problem))
        return True


# ---------------------------------------------------------------------------------------------------------------------
# B, P: ballots
# ---------------------------------------------------------------------------------------------------------------------

Ciphertext = tuple[int, int]


def combine(group: Group, constraint: Constraint, ciphertexts: list[Ciphertext]) -> Ciphertext:
    """C2."""
    a = group.product(group.power(ciphertexts[i][0], factor) for i, factor in constraint.terms)
    b = group.product(group.power(ciphertexts[i][1], factor) for i, factor in constraint.terms)
    return a, b * group.power(group.g, constraint.constant) % group.p


def read_proofs(shape: Shape, ballot: Json) -> tuple[int, Matrix, Matrix]:
    """B11 and B10a: the challenge, and for each constraint the responses and all challenges."""
    demand(len(ballot["ciphertexts"]) == shape.values, "the number of ciphertexts is not that of the shape")
    demand(len(ballot["proofs"]) == len(shape.constraints), "the number of proofs is not that of the shape")
    challenge = read_scalar(ballot["challenge"])
    all_responses, all_challenges = [], []
    for constraint, proof in zip(shape.constraints, ballot["proofs"], strict=True):
        branches = len(constraint.allowed)
        numbers = len(proof["responses"]), len(proof["challenges"])
        demand(numbers == (branches, branches - 1), "the number of responses or challenges is not that of the shape")
        challenges = [read_scalar(text) for text in proof["challenges"]]
        all_responses.append([read_scalar(text) for text in proof["responses"]])
        all_challenges.append([*challenges, (challenge - sum(challenges)) % Q])
    return challenge, all_responses, all_challenges


def read_ciphertexts(group: Group, texts: list[dict[str, str]]) -> list[Ciphertext]:
    """C4."""
    return [(group.read(one["alpha"]), group.read(one["beta"])) for one in texts]


def check_proofs(state: State, ballot: Json, numbers: tuple[int, Matrix, Matrix], pairs: list[Ciphertext]) -> None:
    """B13, check 14. `numbers` are those of `read_proofs`, `pairs` the ciphertexts."""
    group, generator, joint_key = state.group, state.group.g, state.joint_key()
    challenge, all_responses, all_challenges = numbers
    fields = [bytes.fromhex(state.election_id), read_base64url(ballot["credential"], 32)]
    fields += [group.write(element) for pair in pairs for element in pair]
    for constraint, responses, challenges in zip(state.shape.constraints, all_responses, all_challenges, strict=True):
        a, b = combine(group, constraint, pairs)
        for v, z, c in zip(constraint.allowed, responses, challenges, strict=True):  # B3c
            shifted = b * group.power(generator, -v) % group.p
            first = group.power(generator, z) * group.power(a, Q - c) % group.p
            second = group.power(joint_key, z) * group.power(shifted, Q - c) % group.p
            fields += [group.write_commitment(first), group.write_commitment(second)]
    require(group.challenge("ballot", *fields) == challenge, 14, "B5", "the proofs do not hold")


def check_ballots(state: State, report: Report) -> dict[int, list[Ciphertext]]:
    """Checks 11 to 15, on every ballot on the board, counted or not. A ballot that fails one is still put to the
    others. The result is, by entry, the ciphertexts of those that pass check 12 and have all of them."""
    readable: dict[int, list[Ciphertext]] = {}
    owner: dict[str, str] = {}  # B14: whose ballot has this alpha
    for entry in state.ballots:
        ballot, credential = entry.content, entry.content["credential"]
        numbers, pairs = None, None
        with report.on(entry.seq):
            state.check_signature(entry, credential, check=11)
        with report.on(entry.seq), under(13, "B11"):
            numbers = read_proofs(state.shape, ballot)
        with report.on(entry.seq), under(12, "C4"):
            pairs = read_ciphertexts(state.group, ballot["ciphertexts"])
        if numbers is None or pairs is None:
            report.not_run[14] = "a ballot fails check 12 or 13"
        else:
            readable[entry.seq] = pairs
            with report.on(entry.seq):
                check_proofs(state, ballot, numbers, pairs)
        alphas = [one["alpha"] for one in ballot["ciphertexts"]]
        with report.on(entry.seq):
            require(len(set(alphas)) == len(alphas), 15, "B14", "an alpha is there twice in one ballot")
            others = any(owner.get(alpha, credential) != credential for alpha in alphas)
            require(not others, 15, "B14", "an alpha is that of a ballot of another credential")
        for alpha in alphas:
            owner.setdefault(alpha, credential)
    return readable


# ---------------------------------------------------------------------------------------------------------------------
# D: the tally, its decryption, the outcome
# ---------------------------------------------------------------------------------------------------------------------


def check_tally(state: State, tally: Entry, readable: dict[int, list[Ciphertext]]) -> None:
    """D3, check 17, with D2 computed anew."""
    group, totals = state.group, [(1, 1)] * len(state.shape.totals)
    for credential, entry in state.counted().items():
        weight = state.credentials[credential]
        for t, (index, _) in enumerate(state.shape.totals):
            alpha, beta = (group.power(part, weight) for part in readable[entry.seq][index])
            totals[t] = totals[t][0] * alpha % group.p, totals[t][1] * beta % group.p
    expected = [{"alpha": group.write_text(alpha), "beta": group.write_text(beta)} for alpha, beta in totals]
    require(tally.content["totals"] == expected, 17, "D3", "the totals are not the product of the counted ballots")


def check_share(state: State, entry: Entry, totals: list[Ciphertext]) -> list[int]:
    """D6. The result is the factors M_(j,t)."""
    group, content, index = state.group, entry.content, entry.content["index"]
    require(len(content["factors"]) == len(totals), 18, "D6", "not one factor for each total")
    with under(18, "D6"):
        factors = [group.read(text) for text in content["factors"]]
        c, z = read_scalar(content["proof"]["challenge"]), read_scalar(content["proof"]["response"])
    key = state.verification_key(index)
    statement = [bytes.fromhex(state.election_id), bytes.fromhex(content["tally"]), u32(index), group.write(key)]  # D4
    statement += [group.write(alpha) for alpha, _ in totals] + [group.write(factor) for factor in factors]
    weights = group.weights(len(totals), "decryption-weights", *statement)
    base = group.product(group.power(alpha, d) for (alpha, _), d in zip(totals, weights, strict=True))
    image = group.product(group.power(factor, d) for factor, d in zip(factors, weights, strict=True))
    a = group.power(group.g, z) * group.power(key, -c) % group.p  # P5
    b = group.power(base, z) * group.power(image, -c) % group.p
    fields = [*statement, group.write(base), group.write(image), group.write_commitment(a), group.write_commitment(b)]
    require(group.challenge("decryption", *fields) == c, 18, "P5", "the proof of the share does not hold")
    state.note_commitment(index, a, entry)
    return factors


def check_shares(state: State, report: Report, totals: list[Ciphertext]) -> dict[int, list[int]]:
    """Check 18. The result is the factors of the good shares, by trustee."""
    good: dict[int, list[int]] = {}
    bad: list[tuple[Entry, Broken]] = []
    for index, entry in state.shares.items():
        try:
            good[index] = check_share(state, entry, totals)
        except Broken as problem:
            bad.append((entry, problem))
    needed = state.result.content["shares"] if state.result else []
    for entry, broken in bad:
        if entry.content["index"] in needed:
            report.findings.append((18, entry.seq, broken.rule, broken.problem))
        else:
            report.warnings.append(f"entry {entry.seq}: a wrong share that no result uses: {broken.problem}")
    return good


def check_totals(state: State, result: Entry, totals: list[Ciphertext], good: dict[int, list[int]]) -> None:
    """D8, check 19."""
    group, published, indices = state.group, result.content["totals"], result.content["shares"]
    require(len(published) == len(totals), 19, "D8", "the number of totals is not that of the shape")
    weight = state.tally.content["weight"] if state.tally else 0
    for t, (total, (_, highest)) in enumerate(zip(published, state.shape.totals, strict=True)):
        require(0 <= total <= highest * weight, 19, "D8", f"total {t} is out of range")
        opened = group.power(group.g, total)
        for j in indices:
            others = [one for one in indices if one != j]
            lagrange = math.prod(others) * pow(math.prod(one - j for one in others), -1, Q) % Q  # T7
            opened = opened * group.power(good[j][t], lagrange) % group.p
        require(opened == totals[t][1], 19, "D8", f"total {t} is not what the shares decrypt")


def check_outcomes(state: State, result: Entry) -> None:
    """D10, check 20."""
    totals, outcomes, start = result.content["totals"], [], 0
    cast = state.tally.content["weight"] if state.tally else 0
    require(len(totals) == len(state.shape.totals), 20, "M4b", "the number of totals is not that of the shape")
    in_range = all(0 <= one <= cast * highest for one, (_, highest) in zip(totals, state.shape.totals, strict=True))
    require(in_range, 20, "M4b", "a total is out of range")
    for number, question in enumerate(state.manifest["questions"]):
        method = METHODS[question["method"]]
        end = start + len(method.shape(question).totals)
        with under(20, "M4b"):
            outcomes.append(method.count(question, totals[start:end], cast))
        start = end
        same = number < len(result.content["outcomes"]) and result.content["outcomes"][number] == outcomes[-1]
        require(same, 20, "D10", f"the outcome of question {number} does not follow from the totals")
    require(len(result.content["outcomes"]) == len(outcomes), 20, "D10", "not one outcome for each question")


# ---------------------------------------------------------------------------------------------------------------------
# V1: the record
# ---------------------------------------------------------------------------------------------------------------------

NEEDED = {"headers.jsonl", "bodies.jsonl", "checkpoint", "vkey"}
ALL_FILES = NEEDED | {"hints.jsonl"}
MOST_BYTES = 4 * 1024**3  # unpacked; V1 allows more, but everything here is held in memory


@dataclass(frozen=True)
class Record:
    headers: list[bytes]
    bodies: list[bytes]
    whole: bool  # whether the files go on to the same place
    checkpoint: bytes
    vkey: bytes


def read_zip(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(set(names)) != len(names) or not NEEDED <= set(names) <= ALL_FILES:
                raise Unreadable("the archive does not have exactly the files of a record")
            for member in members:
                plain = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                if not plain or member.flag_bits & 1 or stat.S_ISLNK(member.external_attr >> 16):
                    raise Unreadable(f"{member.filename} is not a plain file, stored or deflated")
            size = sum(member.file_size for member in members)
            if size > min(MOST_BYTES, max(64 * 1024**2, 200 * path.stat().st_size)):
                raise Unreadable("the archive is too large when unpacked")
            return {name: archive.read(name) for name in names}
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        zlib.error,
    ) as problem:
        raise Unreadable(f"{path} is not a .zip that can be read: {problem}") from None


def read_folder(path: Path) -> dict[str, bytes]:
    try:
        names = [name for name in sorted(ALL_FILES) if (path / name).is_file()]
        if not set(names) >= NEEDED:
            raise Unreadable(f"{path} lacks {', '.join(sorted(NEEDED - set(names)))}")
        return {name: (path / name).read_bytes() for name in names}
    except OSError as problem:
        raise Unreadable(f"{path} cannot be read: {problem}") from None


def read_lines(data: bytes, limit: int, least: int) -> tuple[list[bytes], bool]:
    """The lines up to the first that is too long, too short or does not end; and whether these are all."""
    *lines, rest = data.split(b"\n")
    for i, line in enumerate(lines):
        if not least <= len(line) <= limit:
            return lines[:i], False
    return lines, rest == b""


def read_record(path: Path) -> Record:
    """V1. Where one of the files ends, by a fault or not, the record ends."""
    files = read_folder(path) if path.is_dir() else read_zip(path)
    if len(files["checkpoint"]) > 1_000_000:
        raise Unreadable("the checkpoint is longer than 1,000,000 bytes")
    if not re.fullmatch(rb"[\x00-\x09\x0b-\x7f]{1,4095}\n", files["vkey"]):
        raise Unreadable("vkey is not one line of ASCII")
    parts = [read_lines(files["headers.jsonl"], MAX_HEADER, 1), read_lines(files["bodies.jsonl"], MAX_MESSAGE, 1)]
    if "hints.jsonl" in files:
        parts.append(read_lines(files["hints.jsonl"], MAX_MESSAGE, 0))
    count = min(len(lines) for lines, _ in parts)
    whole = all(good and len(lines) == count for lines, good in parts)
    return Record(parts[0][0][:count], parts[1][0][:count], whole, files["checkpoint"], files["vkey"])


# ---------------------------------------------------------------------------------------------------------------------
# All checks
# ---------------------------------------------------------------------------------------------------------------------


# V3a: (types refused earlier, type refused now, checks): the second may break them only for want of the first.
ALL_OF_TRUSTEES = [kind for kind in CONTENT if kind.startswith("trustee.")]
FOLLOW_UPS = [
    *((["trustee.joined"], kind, (5, 7)) for kind in ALL_OF_TRUSTEES),
    *((ALL_OF_TRUSTEES, kind, (7,)) for kind in [*ALL_OF_TRUSTEES, "election.opened"]),
    (["credentials.listed"], "election.opened", (9, 10)),
    (["ballot.cast"], "election.closed", (4,)),
    (["ballot.cast"], "tally.encrypted", (16,)),
    (["tally.share"], "election.result", (18,)),
]


def is_follow_up(kind: str, check: int, refused: set[str]) -> bool:
    for earlier, later, checks in FOLLOW_UPS:
        if kind == later and check in checks and any(one in refused for one in earlier):
            return True
    return False


def check_body(header: Json, body: bytes) -> None:
    """L1f."""
    require(header["size"] == len(body), 2, "L1f", "the body has another size")
    require(header["body"] == sha256(body).hex(), 2, "L1f", "the body has another hash")


def read_header(line: bytes) -> Json:
    """L1c."""
    header = decode(line, HEADER, MAX_HEADER)
    demand(header["seq"] >= 0 and 1 <= header["size"] <= MAX_MESSAGE, "a number is out of range")
    return header


def replay(record: Record, state: State, report: Report) -> None:
    """V3: check 02, and S3 for each entry (checks 01, 04 to 11, 16, 18, 19). What is refused is left out."""
    prev, number = "0" * 64, 0  # what the next header must say
    refused: set[str] = set()  # the types of the entries that were left out
    expected_phase, blind = "empty", False  # V3a: the phase if nothing had been left out; whether a type is unknown
    for place, (line, body) in enumerate(zip(record.headers, record.bodies, strict=True)):
        before, prev, number = (number, prev), sha256(line).hex(), number + 1
        try:
            header = read_header(line)
        except Malformed as problem:
            report.findings.append((2, place, "L1c", str(problem)))
            blind = True
            continue
        kind, number = header["type"], header["seq"] + 1
        with report.on(place):  # L1e: the entry is looked at all the same
            require(before == (header["seq"], header["prev"]), 2, "L1e", "seq or prev is not that of this place")
        phases = ALLOWED_IN.get(kind, [])
        missing_phase = state.phase not in phases and phases != [] and (blind or expected_phase in phases)
        if expected_phase in phases:
            expected_phase = PHASE_AFTER.get(kind, expected_phase)
        try:
            check_body(header, body)
            state.apply(place, kind, body)
            report.readable += 1
        except Broken as broken:
            report.readable += broken.check != 2
            if broken.check != 2 and (missing_phase or is_follow_up(kind, broken.check, refused)):
                reason = f"entry {place} cannot stand without an earlier one that was refused"
                report.not_run.setdefault(broken.check, reason)
            else:
                report.findings.append((broken.check, place, broken.rule, broken.problem))
            refused.add(kind)
    if not record.whole:
        text = "the files of the record do not have one good line for each entry"
        report.findings.append((2, len(record.headers), "V1", text))


def check_checkpoint(record: Record, state: State, leaves: Sequence[bytes]) -> None:
    """Check 03."""
    board = read_vkey(state.manifest["board"], NOTE_KEY)
    require(record.vkey == state.manifest["board"].encode() + b"\n", 3, "S", "vkey is not the board of the manifest")
    with under(3, "L5d"):
        signed = read_checkpoint(record.checkpoint)
        check_signed_by_board(signed, board)
    require(signed.size == len(leaves), 3, "L5", f"the board signed {signed.size} entries, not {len(leaves)}")
    require(signed.root == tree_root(leaves), 3, "L2d", "the board signed another root")
    if "witnesses" in state.manifest:
        witnesses = [read_vkey(text, WITNESS_KEY) for text in state.manifest["witnesses"]]
        with under(3, "L20d"):
            enough = count_witnesses(signed.note, witnesses) >= state.manifest["quorum"]
            demand(enough, "fewer witnesses than the quorum have signed")


def check_earlier(state: State, leaves: Sequence[bytes], earlier: Checkpoint) -> None:
    """Check 21."""
    with under(21, "L5d"):
        check_signed_by_board(earlier, read_vkey(state.manifest["board"], NOTE_KEY))
    require(earlier.size <= len(leaves), 21, "V", f"the board had signed {earlier.size} entries before")
    require(earlier.root == tree_root(leaves[: earlier.size]), 21, "V", "the first entries are not those signed before")


def verify(
    record: Record,
    allow_toy_group: bool = False,
    earlier: Checkpoint | None = None,
    announced_manifest: str | None = None,
    announced_election: str | None = None,
) -> Report:
    """All checks. The report has a status for each, and the verdict."""
    state, report = State(allow_toy_group), Report()
    leaves = [sha256(b"\0" + line) for line in record.headers]
    replay(record, state, report)
    report.facts = {"size": len(leaves), "root": base64.b64encode(tree_root(leaves)).decode()}
    report.facts |= {"manifest": state.manifest_hash or None, "election": state.election_id or None}
    report.facts |= {"phase": state.phase, "credentials": len(state.credentials), "ballots": len(state.ballots)}
    report.finished = state.phase == "published"
    if earlier is None:
        report.not_run[21] = "no earlier checkpoint was given"
    if not leaves:
        report.not_run[2] = "there are no entries"
    if not report.readable:
        report.not_run[4] = "there is no entry that can be read"
    if not state.manifest:  # without it there are no keys and no group
        report.not_run |= {check: "there is no manifest" for check in CLAIMS if check not in (2, 4)}
        return report
    with report.on(0):
        same = announced_manifest in (None, state.manifest_hash)
        require(same, 1, "M14", "the manifest is not the one that was announced")
    with report.on():
        same = announced_election in (None, state.election_id)
        require(same, 10, "N19", "the election id is not the one that was announced")
    with report.on():
        check_checkpoint(record, state, leaves)
    note_what_is_not_there(state, report)
    readable = check_ballots(state, report)
    check_result(state, report, readable)
    if earlier is not None:
        with report.on():
            check_earlier(state, leaves, earlier)
    report.warnings += state.warnings
    return report


def note_what_is_not_there(state: State, report: Report) -> None:
    """V, "When there is nothing to check", for checks 06 to 15."""
    if "trustee.committed" not in state.taken:
        report.not_run[6] = "no trustee has committed"
    if not state.is_complete():
        report.not_run[7] = "the ceremony is not complete"
    if state.failed:
        report.warnings.append("a trustee dealt a wrong share: the ceremony must begin anew without them")
    if state.taken.isdisjoint(("trustee.confirmed", "election.opened")):
        report.not_run[8] = "nobody has named the joint key"
    if not state.credentials:
        report.not_run[9] = "no credential is listed"
    if not state.election_id:
        report.not_run[10] = "the election was not opened"
    if not state.ballots and state.phase not in ("closed", "tallied", "published"):
        report.not_run |= dict.fromkeys(range(11, 16), "there are no ballots yet")


def check_result(state: State, report: Report, readable: dict[int, list[Ciphertext]]) -> None:
    """Checks 17 to 20, as far as the election has come."""
    if state.tally is None:
        report.not_run |= dict.fromkeys(range(16, 21), "there is no tally")
        return
    if any(entry.seq not in readable for entry in state.counted().values()):
        report.not_run[17] = "a counted ballot fails check 12 or 13"
    else:
        with report.on(state.tally.seq):
            check_tally(state, state.tally, readable)
    try:  # 18 and 19 are about the published totals, whatever became of 17
        totals = read_ciphertexts(state.group, state.tally.content["totals"])
        demand(len(totals) == len(state.shape.totals), "the number of totals is not that of the shape")
    except Malformed as problem:
        report.not_run |= dict.fromkeys((18, 19), f"the encrypted totals cannot be read: {problem}")
    else:
        good = check_shares(state, report, totals)
        if state.result and good.keys() >= set(state.result.content["shares"]):
            with report.on(state.result.seq):
                check_totals(state, state.result, totals, good)
        else:
            report.not_run[19] = "there is no result with good shares"
        if state.result is None and len(good) < state.manifest["threshold"]:
            report.not_run[18] = "too few good shares are there yet"
    if state.result is None:
        report.not_run |= dict.fromkeys((19, 20), "there is no result")
    else:
        with report.on(state.result.seq):
            check_outcomes(state, state.result)


# ---------------------------------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------------------------------


def read_earlier(path: Path) -> Checkpoint:
    """A signed checkpoint; or the one in a state (V12) or in a receipt file (L6)."""
    data = path.read_bytes()
    try:
        if data.startswith(b"{"):
            value = json.loads(data)
            text = value["checkpoint"] if "checkpoint" in value else value["proof"].split("\n\n", 1)[1]
            data = str(text).encode()
        return read_checkpoint(data)
    except (Malformed, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        raise Unreadable(f"{path} is neither a checkpoint nor a state nor a receipt") from None


def report_as_json(report: Report) -> str:
    checks = []
    for number, claim in CLAIMS.items():
        keys = ("entry", "rule", "problem")
        found = [dict(zip(keys, one[1:], strict=True)) for one in report.findings if one[0] == number]
        reason = report.not_run.get(number) if report.status(number) == "not run" else None
        checks.append(
            {"check": number, "claim": claim, "status": report.status(number), "findings": found, "reason": reason}
        )
    whole = {"checks": checks, "facts": report.facts, "verdict": report.verdict(), "warnings": report.warnings}
    return json.dumps(whole, indent=2)


def report_as_text(report: Report) -> str:
    lines = []
    for number, claim in CLAIMS.items():
        status = report.status(number)
        reason = f" ({report.not_run[number]})" if status == "not run" else ""
        lines.append(f"{number:02} {status:8} {claim}{reason}")
        for _, entry, rule, problem in [one for one in report.findings if one[0] == number]:
            lines.append(f"            {'' if entry is None else f'entry {entry}: '}{rule}: {problem}")
    lines += [f"warning: {text}" for text in report.warnings]
    lines += [f"{name}: {value}" for name, value in report.facts.items()]
    return "\n".join([*lines, report.verdict().upper()])


def announced_hash(text: str) -> str:
    if not fits(text, HASH):
        raise argparse.ArgumentTypeError("not a hash of 64 hexadecimal digits")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m voting.verifier.reference", description="Verify a record of Urne.")
    parser.add_argument("record", type=Path, help="a folder or a .zip")
    parser.add_argument("--since", type=Path, metavar="FILE", help="an earlier checkpoint, state or receipt (check 21)")
    parser.add_argument(
        "--manifest", type=announced_hash, metavar="HASH", help="the manifest hash announced (check 01)"
    )
    parser.add_argument("--election", type=announced_hash, metavar="ID", help="the election id announced (check 10)")
    parser.add_argument("--allow-toy-group", action="store_true", help="accept the group that is for tests only")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        earlier = read_earlier(options.since) if options.since else None
        record = read_record(options.record)
        report = verify(record, options.allow_toy_group, earlier, options.manifest, options.election)
    except (Unreadable, OSError) as problem:
        print(f"The record cannot be read: {problem}", file=sys.stderr)
        return 3
    except Exception as problem:  # whatever it is, it must never look like a verdict
        print(f"A check could not run: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 3
    print(report_as_json(report) if options.json else report_as_text(report))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())
