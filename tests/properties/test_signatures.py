"""Ed25519: known answers, and the odd keys and signatures on which libraries disagree."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from Crypto.Signature import eddsa
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators import edwards
from tests.vectors import load
from voting.crypto.errors import DecodeError, SignatureInvalid, UrneError
from voting.crypto.signatures import GROUP_ORDER, SMALL_ORDER_Y, SigningKey, VerifyKey

CASES = load("ed25519.json")
KEY = SigningKey.from_seed(bytes(range(32)))
MESSAGE = b"a message"


def check(case: dict[str, Any]) -> None:
    key = VerifyKey.decode(bytes.fromhex(case["key"]))
    key.verify(bytes.fromhex(case["message"]), bytes.fromhex(case["signature"]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    if case["expect"] == "ok":
        check(case)
        return
    with pytest.raises(UrneError) as caught:
        check(case)
    assert caught.value.code == case["expect"]


@pytest.mark.parametrize("case", [case for case in CASES if "seed" in case], ids=lambda case: case["name"])
def test_signing_vector(case: dict[str, Any]) -> None:
    key = SigningKey.from_seed(bytes.fromhex(case["seed"]))
    assert key.verify_key.raw.hex() == case["key"]
    assert key.sign(bytes.fromhex(case["message"])).hex() == case["signature"]


def test_vector_file_holds_what_the_reference_makes() -> None:
    assert [case for case in CASES if not case["name"].startswith("RFC")] == edwards.odd_cases()


@pytest.mark.parametrize(
    ("name", "with_cofactor", "without"),
    [
        ("A of mixed order, small part stays", True, False),
        ("A of mixed order, small part vanishes", True, True),
        ("R of mixed order", True, False),
        ("A and R of mixed order, small parts cancel", True, True),
        ("another message", False, False),
    ],
)
def test_odd_cases_tell_the_two_equations_apart(name: str, with_cofactor: bool, without: bool) -> None:
    case = next(case for case in CASES if case["name"] == name)
    raw, message, signature = (bytes.fromhex(case[part]) for part in ("key", "message", "signature"))
    number = int.from_bytes(raw, "little")
    point = edwards.lift(number & (2**255 - 1), number >> 255)
    assert point is not None
    assert edwards.is_valid(point, message, signature, cofactor=8) is with_cofactor
    assert edwards.is_valid(point, message, signature, cofactor=1) is without


def test_small_order_table_is_the_torsion() -> None:
    points = edwards.torsion()
    assert len(set(points)) == 8
    assert all(edwards.multiply(8, point) == edwards.IDENTITY for point in points)
    assert {y for _, y in points} == SMALL_ORDER_Y


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_sign_and_verify(seed: bytes, message: bytes) -> None:
    key = SigningKey.from_seed(seed)
    signature = key.sign(message)
    key.verify_key.verify(message, signature)
    assert key.sign(message) == signature
    with pytest.raises(SignatureInvalid):
        key.verify_key.verify(message + b"\x00", signature)


def test_every_bit_of_the_signature_counts() -> None:
    signature = KEY.sign(MESSAGE)
    for bit in range(512):
        changed = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
        with pytest.raises(SignatureInvalid):
            KEY.verify_key.verify(MESSAGE, changed)


@given(st.binary(min_size=32, max_size=32))
def test_keys_decode_as_the_reference_does(raw: bytes) -> None:
    number = int.from_bytes(raw, "little")
    y = number & (2**255 - 1)
    is_good = y < edwards.P and y not in SMALL_ORDER_Y and edwards.lift(y) is not None
    if is_good:
        assert VerifyKey.decode(raw).raw == raw
    else:
        with pytest.raises(DecodeError):
            VerifyKey.decode(raw)


@given(st.integers(0, GROUP_ORDER - 1), st.integers(0, 7), st.integers(0, 7), st.binary(max_size=8))
def test_agrees_with_the_reference_on_mixed_orders(nonce: int, key_part: int, nonce_part: int, message: bytes) -> None:
    point = edwards.add(edwards.KEY, edwards.SMALL[key_part])
    commitment = edwards.encode(edwards.add(edwards.multiply(nonce, edwards.BASE), edwards.SMALL[nonce_part]))
    k = edwards.challenge(commitment, edwards.encode(point), message)
    signature = commitment + ((nonce + k * edwards.SECRET) % GROUP_ORDER).to_bytes(32, "little")
    key = VerifyKey.decode(edwards.encode(point))
    # The library's own check multiplies by the cofactor, so it takes all of these.
    eddsa.new(eddsa.import_public_key(key.raw), "rfc8032").verify(message, signature)
    if edwards.is_valid(point, message, signature, cofactor=1):
        key.verify(message, signature)
    else:
        with pytest.raises(SignatureInvalid):
            key.verify(message, signature)


def test_verify_keys_are_values() -> None:
    again = VerifyKey.decode(KEY.verify_key.raw)
    assert again == KEY.verify_key
    assert {again: 1}[KEY.verify_key] == 1
    assert again != SigningKey.from_seed(bytes(32)).verify_key
    assert pickle.loads(pickle.dumps(again)) == again  # noqa: S301
    with pytest.raises(AttributeError):
        again.raw = b""  # type: ignore[misc]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_seed_of_wrong_length(length: int) -> None:
    with pytest.raises(DecodeError):
        SigningKey.from_seed(bytes(length))


def test_errors_name_the_place() -> None:
    with pytest.raises(DecodeError, match=r"^entry 3\.key: "):
        VerifyKey.decode(b"", what="entry 3.key")
    with pytest.raises(SignatureInvalid, match=r"^entry 3: "):
        KEY.verify_key.verify(MESSAGE, bytes(64), what="entry 3")


def test_text_form_shows_no_secret() -> None:
    key = SigningKey.from_seed(b"\xab" * 32)
    assert "ab" * 8 not in repr(key)
    assert key.verify_key.raw.hex() in repr(key)
