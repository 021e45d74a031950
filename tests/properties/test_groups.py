"""Groups: parameters recomputed from their formula, powers from tables, encodings that refuse what is not a member."""

from __future__ import annotations

import pickle

import gmpy2
import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from voting.crypto.errors import DecodeError, NotInGroup
from voting.crypto.group import GROUP_NAMES, FixedBase, Group, Q, fingerprint, group_by_name, table_window

GROUP = group_by_name("toy-512")
scalars = st.integers(0, int(Q) - 1).map(mpz)


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_parameters_have_the_structure_that_the_proofs_need(name: str) -> None:
    group = group_by_name(name)
    cofactor, remainder = divmod(group.p - 1, 2 * group.q)
    assert remainder == 0
    assert gmpy2.is_prime(group.p)
    assert gmpy2.is_prime(group.q)
    assert gmpy2.is_prime(cofactor)
    assert group.p % 4 == 3
    assert cofactor > 2**128
    assert group.generator.value == gmpy2.powmod(2, (group.p - 1) // group.q, group.p)
    assert group.generator.value != 1
    assert group.is_member(group.generator.value)


@pytest.mark.parametrize(("name", "bits", "d_low"), [("integer-3072", 3072, 577593), ("integer-4096", 4096, 37903)])
def test_prime_follows_the_formula_with_ln_2_from_a_series(name: str, bits: int, d_low: int) -> None:
    """ln 2 is summed here as an integer series, 2 artanh(1/3), independently of the library's constant."""
    middle, guard = bits - 512, 64
    scale = 1 << (middle + guard)
    term, total, k = scale * 2 // 3, 0, 1
    while term:
        total += term // k
        term //= 9
        k += 2
    digits = total >> guard
    p = int(group_by_name(name).p)
    d = ((p - (2**256 - 1) - 2**bits + 2 ** (bits - 256)) >> 256) - digits
    assert 0 < d < 2**300
    assert d % 10 ** len(str(d_low)) == d_low
    assert (p - (2**256 - 1)) % 2**256 == 0


def test_unknown_group_is_refused() -> None:
    with pytest.raises(DecodeError, match="unknown group"):
        group_by_name("integer-2048")


def test_fingerprints_differ() -> None:
    assert len({fingerprint(group_by_name(name)) for name in GROUP_NAMES}) == len(GROUP_NAMES)


@given(scalars)
def test_table_power_equals_plain_power(exponent: mpz) -> None:
    assert GROUP.g.power(exponent) == GROUP.generator**exponent


@pytest.mark.parametrize("window", [1, 3, 5, 8])
@pytest.mark.parametrize("exponent", [0, 1, 2, 255, 256, 257, int(Q) - 1, int(Q) - 256])
def test_table_power_at_the_edges(window: int, exponent: int) -> None:
    base = GROUP.generator**7
    assert FixedBase(base, window).power(mpz(exponent)) == base**exponent


def test_larger_tables_are_made_when_they_pay_and_give_the_same_powers() -> None:
    windows = [table_window(powers) for powers in (0, 1, 1000, 3000, 10_000, 100_000, 10**9)]
    assert windows == sorted(windows)
    assert (windows[0], windows[-1]) == (8, 12)
    group = Group("toy-512", GROUP.p, GROUP.q)
    before = group.g.power(mpz(12345)).value
    group.expect_powers(10)
    assert group.g.window == 8
    group.expect_powers(3000)
    assert group.g.window == table_window(3000) > 8
    group.expect_powers(10)
    assert group.g.window == table_window(3000)
    assert group.g.power(mpz(12345)).value == before


@given(scalars, scalars)
def test_powers_follow_the_laws(a: mpz, b: mpz) -> None:
    g = GROUP.generator
    assert g**a * g**b == g ** ((a + b) % GROUP.q)
    assert (g**a) ** b == (g**b) ** a
    assert g**a / g**a == GROUP.identity
    assert GROUP.multi_power([g, g**b], [a, -1]) == g ** ((a - b) % GROUP.q)


@given(scalars.filter(lambda x: x > 0))
def test_secret_power_equals_public_power(exponent: mpz) -> None:
    assert GROUP.generator.power_secret(exponent) == GROUP.generator**exponent


@given(scalars)
def test_encoding_round_trip(exponent: mpz) -> None:
    element = GROUP.generator**exponent
    assert GROUP.decode(element.encode()) == element
    assert GROUP.decode_scalar(GROUP.encode_scalar(exponent)) == exponent


def residues_outside(group: Group) -> dict[str, int]:
    p, q = int(group.p), int(group.q)
    element_of_order_r = int(gmpy2.powmod(3, 2 * q, p))
    return {
        "minus one": p - 1,
        "minus a member": p - int(group.generator.value),
        "of order r": element_of_order_r,
        "member times an element of order r": int(group.generator.value) * element_of_order_r % p,
    }


@pytest.mark.parametrize("name", GROUP_NAMES)
@pytest.mark.parametrize("kind", list(residues_outside(GROUP)))
def test_non_members_are_refused(name: str, kind: str) -> None:
    group = group_by_name(name)
    data = residues_outside(group)[kind].to_bytes(group.element_bytes, "big")
    with pytest.raises(NotInGroup):
        group.decode(data)


@pytest.mark.parametrize("number", ["zero", "p", "p + 1", "all ones"])
def test_out_of_range_is_refused(number: str) -> None:
    p = int(GROUP.p)
    value = {"zero": 0, "p": p, "p + 1": p + 1, "all ones": 2**512 - 1}[number]
    with pytest.raises(DecodeError, match="outside"):
        GROUP.decode(value.to_bytes(GROUP.element_bytes, "big"))


@pytest.mark.parametrize("length", [0, 63, 65])
def test_wrong_lengths_are_refused(length: int) -> None:
    with pytest.raises(DecodeError, match="bytes long"):
        GROUP.decode(b"\x01" * length)


@pytest.mark.parametrize("value", [int(Q), int(Q) + 1, 2**256 - 1])
def test_scalar_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(DecodeError, match="not below q"):
        GROUP.decode_scalar(value.to_bytes(32, "big"))


def test_unsigned_encoding_forgets_the_sign_and_nothing_else() -> None:
    g = GROUP.generator
    other = (g**2).encode_unsigned()
    negated = min(int(GROUP.p - g.value), int(g.value)).to_bytes(GROUP.element_bytes, "big")
    assert g.encode_unsigned() == negated
    assert g.encode_unsigned() != other


def test_a_group_survives_pickling_as_the_same_object() -> None:
    assert pickle.loads(pickle.dumps(GROUP)) is GROUP  # noqa: S301
