"""From ballots to the result: encrypted tally, partial decryptions, and what the result must be.

This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from gmpy2 import mpz

from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.verifier.foreign.belenios.ballots import Cell
from voting.verifier.foreign.belenios.election import Election, Kind
from voting.verifier.foreign.belenios.groups import Element, Group, challenge
from voting.verifier.foreign.belenios.trustees import Item, Proof, Trustees
from voting.verifier.foreign.json_text import convert, read_canonical, read_json
from voting.verifier.foreign.residues import lagrange_coefficients

TALLY, SHARES, RESULT = "B13", "B15", "B16"
MAX_JSON_INT = 2**30 - 1
"""Beyond it Belenios writes a number as a string."""

Leaf = TypeVar("Leaf")
_DIGITS = re.compile(r"[1-9][0-9]{0,30}")

Shape = tuple[tuple[int, ...] | int, ...]
"""For each question the number of cells, or the numbers of each list."""


class Counted(NamedTuple):
    """The last ballot of one credential."""

    cells: list[list[Cell]]
    weight: int


class Tally(NamedTuple):
    """The ciphertexts that are to be decrypted, question by question."""

    cells: tuple[list[Cell], ...]
    shape: Shape


class Sized(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data of an EncryptedTally event."""

    num_tallied: int
    total_weight: int | str
    encrypted_tally: str


class Owned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data of a Shuffle or PartialDecryption event."""

    owner: int
    payload: str


class _Decryption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    decryption_factors: list[Any]
    decryption_proofs: list[Any]


class _Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    result: list[Any]


def json_number(number: int) -> int | str:
    """A weight or a count as Belenios writes it."""
    return number if number <= MAX_JSON_INT else str(number)


def parse_number(value: Any, *, what: str) -> int:
    """A weight or a count. Raises DecodeError for any other writing than `json_number`'s."""
    if type(value) is int and 0 <= value <= MAX_JSON_INT:
        return value
    if type(value) is str and _DIGITS.fullmatch(value) and int(value) > MAX_JSON_INT:
        return int(value)
    raise DecodeError("is not a number as Belenios writes it", where=what)


def make_tally(election: Election, counted: Iterable[Counted]) -> Tally:
    """prod choice^weight, cell by cell; non-homomorphic answers stay apart, in the order of their numbers."""
    group = election.group
    sums: list[list[Cell]] = [
        [] if question.kind is Kind.NON_HOMOMORPHIC else [Cell(group.identity, group.identity)] * sum(question.sizes)
        for question in election.questions
    ]
    for ballot in counted:
        for place, question in enumerate(election.questions):
            cells = ballot.cells[place]
            if question.kind is Kind.NON_HOMOMORPHIC:
                sums[place].append(cells[0])
            else:
                sums[place] = [
                    _times(group, total, cell, ballot.weight) for total, cell in zip(sums[place], cells, strict=True)
                ]
    shape: list[tuple[int, ...] | int] = []
    for place, question in enumerate(election.questions):
        if question.kind is Kind.NON_HOMOMORPHIC:
            sums[place].sort(key=lambda cell: (group.order_key(cell.alpha), group.order_key(cell.beta)))
            shape.append(len(sums[place]))
        else:
            shape.append(question.sizes if question.kind is Kind.LISTS else question.sizes[0])
    return Tally(tuple(sums), tuple(shape))


def _times(group: Group, total: Cell, cell: Cell, weight: int) -> Cell:
    alpha, beta = cell
    if weight != 1:
        alpha, beta = group.power(alpha, weight), group.power(beta, weight)
    return Cell(group.product((total.alpha, alpha)), group.product((total.beta, beta)))


def tally_bytes(tally: Tally, group: Group) -> bytes:
    """The encrypted tally as Belenios writes it."""
    nested = unflatten(
        tally.shape,
        [[{"alpha": group.text(c.alpha), "beta": group.text(c.beta)} for c in cells] for cells in tally.cells],
    )
    return msgspec.json.encode(nested)


def unflatten(shape: Shape, flat: Sequence[Sequence[Leaf]]) -> list[Any]:
    """Cells in lists of their question's shape."""
    nested: list[Any] = []
    for sizes, cells in zip(shape, flat, strict=True):
        if isinstance(sizes, int):
            nested.append(list(cells))
            continue
        lists, start = [], 0
        for size in sizes:
            lists.append(list(cells[start : start + size]))
            start += size
        nested.append(lists)
    return nested


def flatten(shape: Shape, nested: Any, leaf: Callable[[Any], Leaf], *, what: str) -> list[list[Leaf]]:
    """The leaves, question by question. Raises DecodeError if the lists have another shape."""
    values = _list_of(nested, len(shape), what)
    flat = []
    for number, (sizes, value) in enumerate(zip(shape, values, strict=True), 1):
        place = f"{what}, question {number}"
        if isinstance(sizes, int):
            items = _list_of(value, sizes, place)
        else:
            lists = _list_of(value, len(sizes), place)
            items = [item for one, size in zip(lists, sizes, strict=True) for item in _list_of(one, size, place)]
        flat.append([leaf(item) for item in items])
    return flat


def _list_of(value: Any, length: int, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise DecodeError(f"is not a list of {length}", where=what)
    return value


def read_decryption(
    data: bytes, election: Election, tally: Tally, key: Element, *, subject: str
) -> list[list[Element]]:
    """The factors of one partial decryption, each proven: c = Hc("decrypt|phi|X|", [g^r X^c, alpha^r d^c]).

    Raises:
        VerificationError: B15.
    """
    group = election.group
    prefix = f"decrypt|{election.fingerprint}|{group.text(key)}|"
    try:
        content = read_canonical(data, _Decryption, what=subject)
        factors = flatten(tally.shape, content.decryption_factors, lambda v: _element(group, v, subject), what=subject)
        proofs = flatten(
            tally.shape, content.decryption_proofs, lambda v: convert(v, Proof, what=subject), what=subject
        )
        for number, cells in enumerate(tally.cells):
            for place, (cell, factor, proof) in enumerate(zip(cells, factors[number], proofs[number], strict=True), 1):
                where = f"{subject}, question {number + 1}, factor {place}"
                c = group.scalar(proof.challenge, what=where)
                r = group.scalar(proof.response, what=where)
                first = group.product((group.fixed(group.g).power(r), group.power(key, c)))
                second = group.product((group.power(cell.alpha, r), group.power(factor, c)))
                if challenge(group, prefix, (first, second)) != c:
                    raise VerificationError(SHARES, where, "the proof that it was made with the trustee's key fails")
    except VerificationError:
        raise
    except UrneError as error:
        raise VerificationError(SHARES, error.where or subject, error.problem) from None
    return factors


def _element(group: Group, value: Any, what: str) -> Element:
    if not isinstance(value, str):
        raise DecodeError("is not a number in a string", where=what)
    return group.element(value, what=what)


def missing_trustees(trustees: Trustees, owners: Iterable[int]) -> list[str]:
    """Which partial decryptions the result still needs, in words."""
    present = set(owners)
    missing = []
    for item in trustees.items:
        members = range(item.first, item.first + len(item.keys))
        there = sum(member in present for member in members)
        if item.threshold == 0 and there == 0:
            missing.append(f"trustee {item.first}")
        elif there < item.threshold:
            missing.append(f"{item.threshold - there} of the trustees {members[0]} to {members[-1]}")
    return missing


def combine_factors(
    group: Group, trustees: Trustees, factors: Mapping[int, list[list[Element]]], tally: Tally
) -> list[list[Element]]:
    """F: all single trustees' factors, and of each group those of the first members that suffice, interpolated."""
    combined = [[group.identity] * len(cells) for cells in tally.cells]
    for item in trustees.items:
        for member, exponent in _shares(group, item, factors):
            for place, row in enumerate(factors[member]):
                combined[place] = [
                    group.product((total, factor if exponent is None else group.power(factor, exponent)))
                    for total, factor in zip(combined[place], row, strict=True)
                ]
    return combined


def _shares(group: Group, item: Item, factors: Mapping[int, list[list[Element]]]) -> list[tuple[int, mpz | None]]:
    if item.threshold == 0:
        return [(item.first, None)]
    members = [member for member in range(item.first, item.first + len(item.keys)) if member in factors]
    members = members[: item.threshold]
    indices = [member - item.first + 1 for member in members]
    return list(zip(members, lagrange_coefficients(indices, group.q), strict=True))


def check_result(
    data: bytes, election: Election, tally: Tally, combined: list[list[Element]], total_weight: int
) -> list[list[Any]]:
    """Compare the published result with the decrypted tally: g^v = beta / F, and v at most the total weight.

    Returns: the result, question by question.

    Raises:
        VerificationError: B16.
    """
    what = "result"
    group = election.group
    try:
        published = convert(read_json(data, what=what), _Result, what=what).result
        rows = flatten(tally.shape, published, lambda value: value, what=what)
        for number, question in enumerate(election.questions):
            for place, value in enumerate(rows[number]):
                subject = f"{what}, question {number + 1}, number {place + 1}"
                cell, factor = tally.cells[number][place], combined[number][place]
                message = group.divide(cell.beta, factor)
                if question.kind is Kind.NON_HOMOMORPHIC:
                    _require_answer(group, value, message, question.sizes[0], subject)
                    continue
                count = parse_number(value, what=subject)
                if count > total_weight:
                    raise VerificationError(
                        RESULT, subject, "is more than all votes", expected=f"at most {total_weight}", found=str(count)
                    )
                if group.power(group.g, count) != message:
                    raise VerificationError(RESULT, subject, "is not what the tally decrypts to", found=str(count))
    except DecodeError as error:
        raise VerificationError(RESULT, error.where or what, error.problem) from None
    return rows


def _require_answer(group: Group, value: Any, message: Element, answers: int, subject: str) -> None:
    """A non-homomorphic answer: 8 bits for each of its numbers, and padding behind them.

    A voter may encrypt any member of the group. Belenios ignores what stands before the numbers, and so must a
    verifier: otherwise one voter could make a sound record fail.
    """
    number = group.number(message) >> (group.padding_bits or 0)
    digits = []
    for _ in range(answers):
        digits.append(number & 255)
        number >>= 8
    if value != digits[::-1] or any(type(each) is not int for each in value):
        raise VerificationError(RESULT, subject, "is not what the ciphertext decrypts to")
