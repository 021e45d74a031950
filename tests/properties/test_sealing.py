"""HPKE: the published messages open, everything else is refused with DecodeError."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import load
from voting.crypto.errors import DecodeError
from voting.crypto.sealing import Sealed, SealingKey, require_public, seal

CASES = load("hpke.json")
KEY = SealingKey.from_seed(bytes(range(32)))


def unseal(case: dict[str, Any]) -> bytes:
    key = SealingKey.from_seed(bytes.fromhex(case["seed"]))
    assert key.public.hex() == case["public"]
    sealed = Sealed(bytes.fromhex(case["encapsulation"]), bytes.fromhex(case["ciphertext"]))
    return key.open(sealed, bytes.fromhex(case["info"]), bytes.fromhex(case["aad"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    if case["expect"] == "ok":
        assert unseal(case).hex() == case["plaintext"]
        return
    with pytest.raises(DecodeError) as caught:
        unseal(case)
    assert caught.value.code == case["expect"]


@pytest.mark.parametrize(
    ("seed", "public"),
    [
        (
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        ),
        (
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        ),
    ],
    ids=["Alice", "Bob"],
)
def test_public_keys_of_rfc_7748_section_6_1(seed: str, public: str) -> None:
    assert SealingKey.from_seed(bytes.fromhex(seed)).public.hex() == public


@given(st.binary(max_size=80), st.binary(max_size=40), st.binary(max_size=40))
def test_seal_and_open(plaintext: bytes, info: bytes, aad: bytes) -> None:
    sealed = seal(KEY.public, info, aad, plaintext)
    assert len(sealed.ciphertext) == len(plaintext) + 16
    assert KEY.open(sealed, info, aad) == plaintext
    for wrong in ((info + b"x", aad), (info, aad + b"x")):
        with pytest.raises(DecodeError, match="does not open"):
            KEY.open(sealed, *wrong)


def test_sealing_twice_gives_other_bytes() -> None:
    first, second = (seal(KEY.public, b"", b"", b"same") for _ in range(2))
    assert first.encapsulation != second.encapsulation
    assert first.ciphertext != second.ciphertext


def test_every_byte_counts() -> None:
    sealed = seal(KEY.public, b"info", b"aad", b"share")
    for part, content in enumerate(sealed):
        for position in range(len(content)):
            changed = bytearray(content)
            changed[position] ^= 1
            parts = [bytes(changed) if index == part else other for index, other in enumerate(sealed)]
            with pytest.raises(DecodeError):
                KEY.open(Sealed(*parts), b"info", b"aad")


def test_another_key_does_not_open() -> None:
    with pytest.raises(DecodeError, match="does not open"):
        SealingKey.from_seed(bytes(32)).open(seal(KEY.public, b"", b"", b"x"), b"", b"")


LOW_ORDER = [bytes.fromhex(case["encapsulation"]) for case in CASES if "low order" in case["name"]]


@pytest.mark.parametrize("public", [*LOW_ORDER, b"", bytes(31), b"\x09" + bytes(32), b"\xff" * 32], ids=bytes.hex)
def test_bad_public_keys_are_refused(public: bytes) -> None:
    with pytest.raises(DecodeError):
        seal(public, b"", b"", b"x")
    with pytest.raises(DecodeError, match=r"^trustee 2: "):
        require_public(public, what="trustee 2")


def test_good_public_key_is_accepted() -> None:
    require_public(KEY.public)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_seed_of_wrong_length(length: int) -> None:
    with pytest.raises(DecodeError):
        SealingKey.from_seed(bytes(length))


def test_text_form_shows_no_secret() -> None:
    key = SealingKey.from_seed(b"\xab" * 32)
    assert "ab" * 8 not in repr(key)
    assert key.public.hex() in repr(key)
