"""Parts of the browser's verifier against known answers, and against the Python code where it must say the same."""

from __future__ import annotations

import hashlib
import json
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.javascript.node import Node, running
from tests.strategies.methods import SMALL_QUESTIONS, TITLE, all_selections, texts, totals_of
from voting.crypto.group import group_by_name
from voting.protocol.encoding import encode, to_base64
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.methods import Condorcet, CondorcetTies, Grades, Lists, Question, Score
from voting.protocol.moment import parse_moment
from voting.protocol.text import text_problems

VECTORS = Path(__file__).resolve().parents[1] / "vectors"

LARGE_QUESTIONS: dict[str, Question] = {
    "schulze of 6": Condorcet(title=TITLE, options=texts(6)),
    "ranked pairs of 6": Condorcet(title=TITLE, options=texts(6), rule="ranked-pairs"),
    "ties of 4": CondorcetTies(title=TITLE, options=texts(4)),
}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running("verifier_parts.mjs") as process:
        yield process


def value(node: Node, call: str, *arguments: Any) -> Any:
    answer = node.ask(call=call, arguments=arguments)
    assert "value" in answer, answer
    return answer["value"]


def is_refused(node: Node, call: str, *arguments: Any) -> bool:
    answer = node.ask(call=call, arguments=arguments)
    assert "broken" not in answer, answer
    return "refused" in answer


def plain(question: object) -> Any:
    return json.loads(encode(question))


# -- signatures and powers ---------------------------------------------------------------------------------------------


def test_signatures(node: Node) -> None:
    cases = [case for case in vectors("ed25519.json") if "signature" in case]
    for case in cases:
        refused = is_refused(node, "signature", case["key"], case["message"], case["signature"])
        assert refused == (case["expect"] != "ok"), case["name"]
    assert {case["expect"] == "ok" for case in cases} == {True, False}


def vectors(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return cases


def test_sha512(node: Node) -> None:
    for length in (0, 1, 111, 112, 127, 128, 129, 300):
        message = random.Random(length).randbytes(length)
        assert value(node, "sha512", message.hex()) == hashlib.sha512(message).hexdigest()


def test_sealing_keys(node: Node) -> None:
    order_8 = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
    assert is_refused(node, "sealingKey", to_base64(order_8))
    assert is_refused(node, "sealingKey", "A" * 43)
    assert is_refused(node, "sealingKey", "_" * 42 + "8")
    assert not is_refused(node, "sealingKey", "CQ" + "A" * 41)


@pytest.mark.parametrize("name", ["toy-512", "integer-3072"])
def test_members_and_powers(node: Node, name: str) -> None:
    group = group_by_name(name)
    chance = random.Random(name)
    base = int(pow(group.generator.value, chance.randrange(group.q), group.p))
    for exponent in (0, 1, 15, 16, int(group.q) - 1, chance.randrange(group.q)):
        assert value(node, "power", name, str(base), str(exponent)) == str(pow(base, exponent, int(group.p)))
    assert value(node, "member", name, as_text(base, group.element_bytes)) == str(base)
    for stranger in (0, int(group.p) - 1, int(group.p) - base, int(group.p), base + 1):
        assert is_refused(node, "member", name, as_text(stranger, group.element_bytes)), stranger


def as_text(number: int, length: int) -> str:
    return to_base64(number.to_bytes(length, "big"))


def test_weights(node: Node) -> None:
    """The known answers of docs/spec/hashing.md."""
    expected = ["19af22a1f3a9e479ef5ebe5902568134", "52dcbbe7c47308a548d8937aa360612f"]
    assert value(node, "weights", "toy-512", "decryption-weights", 2, "abc") == expected


# -- texts -------------------------------------------------------------------------------------------------------------


def test_case_folding_is_that_of_unicode(node: Node) -> None:
    """Two characters fold alike here exactly if they do in Python, in every letter that both know."""
    known = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] in "LMN"]
    folded = value(node, "caseFolded", known)
    classes: dict[str, str] = {}
    for character, own in zip(known, folded, strict=True):
        assert classes.setdefault(own, character.casefold()) == character.casefold(), character
    assert len(set(folded)) == len({character.casefold() for character in known})


def test_options_that_read_the_same(node: Node) -> None:
    same = ["Straße", "STRASSE", "strasse", "STRA\u1e9eE", "\uff33trasse", "  strasse "]
    assert len(set(value(node, "asRead", same))) == 1
    other = ["a", "a b", "ı", "i", "ab"]
    assert len(set(value(node, "asRead", other))) == len(other)


@pytest.mark.parametrize(
    "text",
    ["Ada", "A\u00e9", "A\u0065\u0301", "", " ", " a", "a\n", "a\u00a0", "a\nb", "a\tb", "a\u200bb", "\u202ea",
     "a\ue000", "a\u2028b", "\U0001f5f3", "a" * 2000, "\U0001f5f3" * 2000, "a" * 2001, "\u00ad", "a\ufeff"],
)  # fmt: skip
def test_texts(node: Node, text: str) -> None:
    for lines in (False, True):
        problems = list(text_problems(text, "text", multiline=lines))
        assert is_refused(node, "text", text, {"lines": lines}) == bool(problems), problems


@pytest.mark.parametrize(
    "moment",
    ["2026-11-24T08:00:00.000Z", "2024-02-29T23:59:59.999Z", "2026-02-29T08:00:00.000Z", "2100-02-29T08:00:00.000Z",
     "2026-13-01T08:00:00.000Z", "2026-04-31T08:00:00.000Z", "2026-01-01T24:00:00.000Z", "2026-01-01T08:60:00.000Z",
     "2026-01-01T08:00:60.000Z", "2026-01-01T08:00:00.00Z", "2026-01-01 08:00:00.000Z", "0000-01-01T08:00:00.000Z",
     "2026-00-01T08:00:00.000Z", "2026-01-00T08:00:00.000Z", "2026-01-01T08:00:00.000Z\n", ""],
)  # fmt: skip
def test_moments(node: Node, moment: str) -> None:
    try:
        parse_moment(moment)
    except DecodeError:
        good = False
    else:
        good = True
    assert value(node, "isMoment", moment) == good


# -- methods -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SMALL_QUESTIONS, *LARGE_QUESTIONS])
def test_shapes(node: Node, name: str) -> None:
    question = {**SMALL_QUESTIONS, **LARGE_QUESTIONS}[name]
    own = value(node, "shape", plain(question))
    other = question.shape()
    assert own["values"] == other.values
    assert own["totals"] == [{"index": total.index, "highest": total.highest} for total in other.totals]
    assert own["constraints"] == [
        {
            "terms": [list(term) for term in each.combination.terms],
            "constant": each.combination.constant,
            "allowed": list(each.allowed),
        }
        for each in other.constraints
    ]


@pytest.mark.parametrize("name", [*SMALL_QUESTIONS, *LARGE_QUESTIONS])
def test_outcomes(node: Node, name: str) -> None:
    question = {**SMALL_QUESTIONS, **LARGE_QUESTIONS}[name]
    chance = random.Random(name)
    choices = all_selections(question)
    impossible = 0
    for trial in range(60):
        ballots = [(chance.choice(choices), chance.choice((1, 1, 1, 2, 10**12))) for _ in range(chance.randrange(7))]
        totals, cast = totals_of(question, ballots)
        if trial % 3 == 2:
            totals[chance.randrange(len(totals))] += chance.choice((-1, 1))
        # What M4b says of all methods is asked elsewhere.
        highest = [total.highest for total in question.shape().totals]
        if not all(0 <= total <= cast * most for total, most in zip(totals, highest, strict=True)):
            continue
        try:
            other = plain(question.outcome(totals, cast=cast))
        except VerificationError:
            impossible += 1
            assert is_refused(node, "outcome", plain(question), totals, cast)
        else:
            assert value(node, "outcome", plain(question), totals, cast) == other
    assert impossible < 50


@pytest.mark.parametrize(
    ("question", "totals", "cast"),
    [
        (Score(title=TITLE, options=texts(200), highest=100), [9 * 10**14] * 200, 9 * 10**12),
        (Grades(title=TITLE, options=texts(3), grades=texts(3, "Grade")), [3 * 10**12] * 9, 9 * 10**12),
        (Lists(title=TITLE, lists=SMALL_QUESTIONS["closed list"].lists, seats=1000),  # type: ignore[attr-defined]
         [4 * 10**12, 4 * 10**12 + 1, 10**12 - 1, 1, 2, 3], 9 * 10**12),
    ],
)  # fmt: skip
def test_outcomes_of_great_weights(node: Node, question: Question, totals: list[int], cast: int) -> None:
    assert value(node, "outcome", plain(question), totals, cast) == plain(question.outcome(totals, cast=cast))


# -- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_in_pieces_of_any_size(node: Node, size: int) -> None:
    def lines(name: str, data: bytes) -> list[bytes]:
        pieces = [data[start : start + size].hex() for start in range(0, len(data), size)]
        return [bytes.fromhex(line) for line in value(node, "lines", name, pieces)]

    assert lines("headers.jsonl", b"one\ntwo\n\xc3\xa9\n") == [b"one", b"two", b"\xc3\xa9"]
    assert lines("hints.jsonl", b"one\n\n\ntwo\n") == [b"one", b"", b"", b"two"]
    assert lines("bodies.jsonl", b"") == []


def test_lines_that_are_refused(node: Node) -> None:
    longest = b"a" * 65_535
    assert len(value(node, "lines", "headers.jsonl", [longest.hex(), b"\n".hex()])) == 1
    for data in (b"one", b"one\ntwo", b"\n", b"one\n\ntwo\n", longest + b"a\n", longest + b"a"):
        assert is_refused(node, "lines", "headers.jsonl", [data.hex()]), data[:9]
