"""The election parameters and the credential list of a Belenios archive: read, and refused if they are ambiguous.

This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from voting.protocol.errors import DecodeError
from voting.verifier.foreign.belenios.groups import Element, Group, group_by_name
from voting.verifier.foreign.json_text import convert, read_json
from voting.verifier.foreign.residues import parse_decimal

MAX_TOTAL_WEIGHT = 10**15
"""Beyond it no result could be found: a tally is a discrete logarithm of at most this size."""

MAX_ANSWERS = 10_000
MAX_TEXT = 10_000


class Kind(Enum):
    """How a question is answered and counted."""

    HOMOMORPHIC = "Homomorphic"
    LISTS = "Lists"
    NON_HOMOMORPHIC = "NonHomomorphic"


class Question(NamedTuple):
    """One question. `sizes` holds the number of cells: one number, or one for each list."""

    kind: Kind
    title: str
    sizes: tuple[int, ...]
    answers: tuple[str, ...]
    """What each cell counts; of a non-homomorphic question, what is ranked or graded."""
    minimum: int = 0
    maximum: int = 0
    blank: bool = False


class Election(NamedTuple):
    """The parameters that the checks need."""

    name: str
    uuid: str
    fingerprint: str
    """phi: SHA-256 of the parameters in base64, as Belenios shows it to voters."""
    group: Group
    key: Element
    questions: tuple[Question, ...]
    unknown: tuple[str, ...]
    """Fields that this program does not know."""


class _Homomorphic(msgspec.Struct, frozen=True):
    answers: list[str]
    min: int
    max: int
    question: str
    blank: bool = False


class _Lists(msgspec.Struct, frozen=True):
    answers: list[list[str]]
    question: str


class _NonHomomorphic(msgspec.Struct, frozen=True):
    answers: list[str]
    question: str


class _Election(msgspec.Struct, frozen=True):
    version: int
    description: str
    name: str
    group: str
    public_key: str
    questions: list[Any]
    uuid: str
    administrator: str | None = None
    credential_authority: str | None = None
    language: str | None = None


def base64_hash(data: bytes) -> str:
    """SHA-256 in base64 without padding: a fingerprint or a tracker."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode("ascii").rstrip("=")


def parse_election(data: bytes) -> Election:
    """The parameters. Raises DecodeError (NotInGroup for the key)."""
    what = "election parameters"
    value = read_json(data, what=what)
    content = convert(value, _Election, what=what)
    if content.version != 1:
        raise DecodeError(f"are of version {content.version}, not 1", where=what)
    group = group_by_name(content.group)
    questions = tuple(_question(item, number) for number, item in enumerate(content.questions, 1))
    if not questions:
        raise DecodeError("have no question", where=what)
    if any(question.kind is Kind.NON_HOMOMORPHIC for question in questions) and group.padding_bits is None:
        raise DecodeError(f"have a question whose answers {group.name} cannot hold", where=what)
    return Election(
        name=content.name[:MAX_TEXT],
        uuid=content.uuid,
        fingerprint=base64_hash(data),
        group=group,
        key=group.element(content.public_key, what="election public key"),
        questions=questions,
        unknown=tuple(sorted(set(value) - set(_Election.__struct_fields__))),
    )


def _question(value: Any, number: int) -> Question:
    what = f"question {number}"
    if isinstance(value, dict) and "type" in value:
        kind, value = value["type"], value.get("value")
    else:
        kind = "Homomorphic"
    if kind == "Homomorphic":
        plain = convert(value, _Homomorphic, what=what)
        answers = len(plain.answers)
        if not (0 <= plain.min <= plain.max <= answers and 0 < answers <= MAX_ANSWERS):
            raise DecodeError("has bounds or a number of answers that cannot be", where=what)
        names = (*(("blank vote",) if plain.blank else ()), *plain.answers)
        return Question(Kind.HOMOMORPHIC, plain.question, (len(names),), names, plain.min, plain.max, plain.blank)
    if kind == "Lists":
        lists = convert(value, _Lists, what=what)
        sizes = tuple(len(one) for one in lists.answers)
        if not sizes or min(sizes) < 2 or sum(sizes) > MAX_ANSWERS:
            raise DecodeError("has a list without candidates, or too many", where=what)
        return Question(Kind.LISTS, lists.question, sizes, tuple(name for one in lists.answers for name in one))
    if kind == "NonHomomorphic":
        ranked = convert(value, _NonHomomorphic, what=what)
        if not 0 < len(ranked.answers) <= MAX_ANSWERS:
            raise DecodeError("has a number of answers that cannot be", where=what)
        return Question(Kind.NON_HOMOMORPHIC, ranked.question, (len(ranked.answers),), tuple(ranked.answers))
    raise DecodeError(f"is of an unknown type ({str(kind)[:40]})", where=what)


class Credential(NamedTuple):
    """One line of the credential list."""

    text: str
    key: Element
    weight: int
    has_name: bool


def parse_credential_list(data: bytes) -> list[str]:
    """The lines of the list. Raises DecodeError."""
    what = "credential list"
    return convert(read_json(data, what=what), list[str], what=what)


def parse_credential(line: str, group: Group, number: int) -> Credential:
    """`Y`, `Y,weight` or `Y,weight,name`. Raises DecodeError (NotInGroup: outside the group)."""
    what = f"credential {number}"
    key_text, *rest = line.split(",", 2)
    weight = 1
    if rest and rest[0]:
        weight = int(parse_decimal(rest[0], what=f"weight of {what}"))
    if weight > MAX_TOTAL_WEIGHT:
        raise DecodeError(f"has a weight beyond {MAX_TOTAL_WEIGHT}", where=what)
    key = group.element(key_text, what=what)
    return Credential(key_text, key, weight, len(rest) == 2)


def is_sorted(credentials: Sequence[Credential], group: Group) -> bool:
    """Whether the list is in the order of its group, which says nothing of the order of the voters."""
    keys = [group.order_key(credential.key) for credential in credentials]
    return all(first < second for first, second in itertools.pairwise(keys))
