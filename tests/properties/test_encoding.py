"""The codec: exactly one accepted form of everything, and nothing but our own errors for the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.protocol import crockford
from voting.protocol.encoding import (
    decode,
    encode,
    from_base64,
    parse_hash,
    require_canonical,
    sha256,
    to_base64,
)
from voting.protocol.entries import content_hash, parse_body
from voting.protocol.errors import DecodeError, UrneError
from voting.protocol.messages import BODY_TYPES, ElectionNotice, Hints, Signed
from voting.protocol.moment import format_moment, parse_moment
from voting.protocol.text import text_problems
from voting.protocol.tracker import lock_number, parse_tracker, tracker


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    b: int
    a: str
    c: tuple[int, ...] = ()


GOOD = encode(Sample(b=1, a="é", c=(2, 3)))


def test_encoding_sorts_keys_and_writes_no_space() -> None:
    assert '{"a":"é","b":1,"c":[2,3]}'.encode() == GOOD
    assert decode(GOOD, Sample, what="sample") == Sample(b=1, a="é", c=(2, 3))


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":"x","c":[]}',  # order
        b'{"a":"x","b":1,"c":[],"d":0}',  # unknown field
        b'{"a":"x","b":1}',  # a field left out, though it has a default
        b'{"a":"x","a":"x","b":1,"c":[]}',  # duplicate key
        b'{"a":"x","b":1, "c":[]}',  # space
        b'{"a":"x","b":1,"c":[]}\n',
        b'\xef\xbb\xbf{"a":"x","b":1,"c":[]}',  # byte order mark
        b'{"a":"x","b":01,"c":[]}',
        b'{"a":"x","b":+1,"c":[]}',
        b'{"a":"x","b":1.0,"c":[]}',
        b'{"a":"x","b":1e0,"c":[]}',
        b'{"a":"x","b":-0,"c":[]}',
        b'{"a":"x","b":"1","c":[]}',
        b'{"a":"x","b":true,"c":[]}',
        b'{"a":"x","b":NaN,"c":[]}',
        b'{"a":"x","b":null,"c":[]}',
        b'{"a":"\\u0078","b":1,"c":[]}',  # needless escape
        b'{"a":"\\/","b":1,"c":[]}',
        b'{"a":"\xff","b":1,"c":[]}',  # not UTF-8
        b'{"a":"\xed\xa0\x80","b":1,"c":[]}',  # a lone surrogate
        b'{"a":"\\ud800","b":1,"c":[]}',
        b'{"a":"x","b":' + b"9" * 5000 + b',"c":[]}',
        b'{"a":"x","b":1,"c":' + b"[" * 100_000,
        b'{"a":"x","b":1,"c":[' + b"[" * 5000 + b"]" * 5000 + b"]}",
        b"[]",
        b"",
        b"null",
    ],
)
def test_everything_but_the_canonical_form_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data, Sample, what="sample")


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**30])
def test_integers_that_not_every_program_can_hold_are_refused(number: int) -> None:
    highest = encode(Sample(b=2**53 - 1, a="1234567890123456 1234567890123456", c=(1 - 2**53,)))
    assert decode(highest, Sample, what="sample").b == 2**53 - 1
    for sample in (Sample(b=number, a=""), Sample(b=1, a="", c=(3, number))):
        with pytest.raises(DecodeError, match="2\\^53"):
            decode(encode(sample), Sample, what="sample")


def test_keys_that_are_not_ascii_are_refused() -> None:
    named = msgspec.defstruct("Named", [("a", dict[str, str])], frozen=True, forbid_unknown_fields=True)
    assert decode('{"a":{"b":"é"}}'.encode(), named, what="sample").a == {"b": "é"}  # type: ignore[attr-defined]
    with pytest.raises(DecodeError, match="not ASCII"):
        decode('{"a":{"é":"b"}}'.encode(), named, what="sample")
    require_canonical('{"é":"b"}'.encode(), what="sample")  # E3 does not ask


def test_a_long_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(DecodeError, match="more than the 10 allowed"):
        decode(GOOD, Sample, what="sample", limit=10)


@given(st.binary(max_size=60))
def test_only_our_errors_leave_the_decoder(data: bytes) -> None:
    for entry_type in BODY_TYPES:
        try:
            parse_body(entry_type, data, what="entry")
        except UrneError:
            continue
        pytest.fail("random bytes were accepted")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_free_objects_are_accepted_only_in_canonical_form_and_without_floats(value: dict[str, object]) -> None:
    data = json.dumps(value).encode()
    try:
        require_canonical(data, what="object")
    except UrneError:
        return
    assert data == encode(value)
    json.loads(data, parse_float=lambda _: pytest.fail("a float was accepted"))


@given(st.binary(max_size=100))
def test_base64_round_trip(data: bytes) -> None:
    assert from_base64(to_base64(data), len(data), what="x") == data


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q Q", "QQ\n", "Q+/=", "é", "QQ=", "-_-_-"])
def test_base64_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        from_base64(text, None, what="x")


def test_base64_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(DecodeError, match="is 2 bytes long, not 3"):
        from_base64("QUI", 3, what="x")


@pytest.mark.parametrize("text", ["", "A" * 64, "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n"])
def test_hashes_have_one_form(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_hash(text, what="x")


@given(st.text(max_size=40))
def test_content_hash_is_that_of_the_published_bytes(words: str) -> None:
    try:
        content = ElectionNotice(manifest=sha256(b"m"), text=words, time="t")
        body = encode(Signed(content, "A" * 86))
    except UnicodeEncodeError:
        return
    assert content_hash(body) == sha256(encode(content))


# -- codes -------------------------------------------------------------------------------------------------------------

symbols = st.text(crockford.ALPHABET, min_size=16, max_size=16)


@given(symbols, st.integers(0, 16), st.sampled_from(crockford.ALPHABET))
def test_one_wrong_character_is_always_noticed(code: str, position: int, other: str) -> None:
    good = crockford.add_check(code)
    bad = good[:position] + other + good[position + 1 :]
    if bad == good:
        assert crockford.read(bad, 16, what="code") == good
    else:
        with pytest.raises(DecodeError, match="typing error"):
            crockford.read(bad, 16, what="code")


@given(symbols, st.integers(0, 16), st.integers(0, 16))
def test_two_swapped_characters_are_always_noticed(code: str, i: int, j: int) -> None:
    good = list(crockford.add_check(code))
    bad = good.copy()
    bad[i], bad[j] = bad[j], bad[i]
    if bad != good:
        with pytest.raises(DecodeError, match="typing error"):
            crockford.read("".join(bad), 16, what="code")


@given(st.binary(min_size=32, max_size=32))
def test_a_tracker_is_read_back_however_it_is_typed(digest: bytes) -> None:
    printed = tracker(sha256(digest))
    assert len(printed) == len("K7Q2-9MXD-4TFA-81WZ-7")
    typed = printed.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert parse_tracker(f"  {typed} ") == printed
    assert printed.replace("-", "").startswith(lock_number(sha256(digest)))


def test_errors_about_codes_never_repeat_the_code() -> None:
    for typed in ("SECRET-SECRET-SECRET", "UUUU-UUUU-UUUU-UUUU-U", "0123-4567-89AB-CDEF-0"):
        with pytest.raises(DecodeError) as caught:
            parse_tracker(typed)
        assert typed not in str(caught.value)


# -- times and texts ---------------------------------------------------------------------------------------------------


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_moments_round_trip_to_the_millisecond(moment: datetime) -> None:
    text = format_moment(moment)
    assert format_moment(parse_moment(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-24", "2026-11-24T08:00:00Z", "2026-11-24T08:00:00.000+01:00", "2026-02-30T00:00:00.000Z",
     "2026-11-24T24:00:00.000Z", "2026-11-24t08:00:00.000z", "2026-11-24T08:00:00.000Z "],
)  # fmt: skip
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_moment(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), (" a", "white space"), ("e\u0301", "NFC"), ("a\u202eb", "U+202E"), ("a\x00b", "U+0000"),
     ("a\u200bb", "U+200B"), ("x" * 2001, "2001 characters"), ("a\nb", "U+000A")],
)  # fmt: skip
def test_texts_with_traps_are_named(text: str, reason: str) -> None:
    problems = [str(problem) for problem in text_problems(text, "title")]
    assert any(reason in problem for problem in problems), problems


def test_hints_are_an_ordinary_message() -> None:
    hints = Hints(("QQ",))
    assert decode(encode(hints), Hints, what="hints") == hints
