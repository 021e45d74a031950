"""Framing, HKDF and passphrases: known answers and independence of contexts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import load
from voting.crypto.kdf import Derivation, derive, frame, hkdf_expand, hkdf_extract
from voting.crypto.passphrase import CONSONANTS, VOWELS, generate_passphrase, proquint

fields = st.lists(st.binary(max_size=6), max_size=4)


@pytest.mark.parametrize("case", load("hkdf.json"), ids=lambda case: case["name"])
def test_hkdf_vector(case: dict[str, Any]) -> None:
    secret, salt, info, output = (bytes.fromhex(case[part]) for part in ("secret", "salt", "info", "output"))
    assert hkdf_expand(hkdf_extract(salt, secret), info, len(output)) == output


@pytest.mark.parametrize("case", load("derive.json"), ids=lambda case: case["name"])
def test_derive_vector(case: dict[str, Any]) -> None:
    secret, info, output = (bytes.fromhex(case[part]) for part in ("secret", "info", "output"))
    context = [bytes.fromhex(part) for part in case["context"]]
    assert derive(secret, case["purpose"], *context, length=len(output), info=info) == output


def test_derive_vectors_all_differ() -> None:
    outputs = [case["output"][:64] for case in load("derive.json")]
    assert len(set(outputs)) == len(outputs)


def test_frame_by_hand() -> None:
    assert frame() == b""
    assert frame(b"") == bytes(4)
    assert frame(b"ab", b"c") == b"\x00\x00\x00\x02ab\x00\x00\x00\x01c"


@given(fields, fields)
def test_frame_is_injective(left: list[bytes], right: list[bytes]) -> None:
    assert (frame(*left) == frame(*right)) == (left == right)


@given(st.binary(min_size=1, max_size=40), fields, st.binary(max_size=8), st.integers(1, 200))
def test_derivation_and_derive_agree(secret: bytes, context: list[bytes], info: bytes, length: int) -> None:
    derivation = Derivation(secret, "test", *context)
    output = derivation.bytes(length, info)
    assert len(output) == length
    assert output == derive(secret, "test", *context, length=length, info=info)
    assert derivation.bytes(200, info).startswith(output)


def test_each_argument_separates() -> None:
    secret = bytes(32)
    outputs = {
        derive(secret, "test", b"c", length=32, info=b"i"),
        derive(secret + b"\x01", "test", b"c", length=32, info=b"i"),
        derive(secret, "tests", b"c", length=32, info=b"i"),
        derive(secret, "test", b"d", length=32, info=b"i"),
        derive(secret, "test", b"c", length=32, info=b"j"),
        derive(secret, "test", length=32, info=b"i"),
    }
    assert len(outputs) == 6


@pytest.mark.parametrize("length", [-1, 0, 8161])
def test_length_out_of_range(length: int) -> None:
    with pytest.raises(ValueError, match="8160"):
        hkdf_expand(bytes(32), b"", length)


def test_longest_output() -> None:
    assert len(hkdf_expand(bytes(32), b"", 8160)) == 8160


def test_text_form_shows_no_secret() -> None:
    assert repr(Derivation(b"secret", "test", b"context")) == "Derivation('test')"


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("127.0.0.1", "lusab-babad"),
        ("63.84.220.193", "gutih-tugad"),
        ("63.118.7.35", "gutuk-bisog"),
        ("140.98.193.141", "mudof-sakat"),
        ("64.255.6.200", "haguz-biram"),
        ("128.30.52.45", "mabiv-gibot"),
    ],
)
def test_proquints_of_the_paper(address: str, word: str) -> None:
    data = bytes(int(part) for part in address.split("."))
    assert generate_passphrase(lambda count: data[:count], words=2) == word


def test_passphrase_uses_all_its_randomness() -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    assert generate_passphrase(random_bytes).count("-") == 4
    assert asked == [10]


def test_proquints_are_all_different() -> None:
    words = {proquint(number) for number in range(2**16)}
    assert len(words) == 2**16
    assert all(set(word[0::2]) <= set(CONSONANTS) and set(word[1::2]) <= set(VOWELS) for word in words)


@pytest.mark.parametrize("number", [-1, 2**16])
def test_proquint_out_of_range(number: int) -> None:
    with pytest.raises(ValueError, match="16 bits"):
        proquint(number)


def test_passphrase_without_words() -> None:
    with pytest.raises(ValueError, match="at least one"):
        generate_passphrase(bytes, words=0)
