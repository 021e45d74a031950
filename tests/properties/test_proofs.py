"""Every proof: complete for honest provers, and refused after any change of any part of proof, statement or context."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from gmpy2 import mpz
from hypothesis import given
from hypothesis import strategies as st

from voting.crypto.chaum_pedersen import EqualityProof, prove_equality, verify_equality
from voting.crypto.discrete_log import DiscreteLog
from voting.crypto.elgamal import Ciphertext, PublicKey, combine, encrypt
from voting.crypto.errors import ProofError
from voting.crypto.group import Element, group_by_name
from voting.crypto.membership import MembershipProof, commit, commitments_of, respond
from voting.crypto.schnorr import SchnorrProof, prove_knowledge, verify_knowledge
from voting.crypto.sharing import (
    combine_shares,
    commit_coefficients,
    evaluate,
    joint_key,
    lagrange_coefficients,
    verification_key,
    verify_share,
)
from voting.crypto.transcript import batch_weights, challenge, expand_message

GROUP = group_by_name("toy-512")
q = GROUP.q
scalars = st.integers(1, int(q) - 1).map(mpz)


def randomness(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


# -- challenges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "length", "expected"),
    [
        (b"", 0x20, "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"),
        (b"abc", 0x20, "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"),
        (b"abcdef0123456789", 0x20, "eff31487c770a893cfb36f912fbfcbff40d5661771ca4b2cb4eafe524333f5c1"),
    ],
)
def test_expand_message_gives_the_vectors_of_rfc_9380_appendix_k_1(message: bytes, length: int, expected: str) -> None:
    assert expand_message(message, b"QUUX-V01-CS02-with-expander-SHA256-128", length).hex() == expected


def test_a_challenge_depends_on_purpose_group_fields_and_their_borders() -> None:
    base = challenge(GROUP, "ballot", b"ab", b"c")
    others = [
        challenge(GROUP, "decryption", b"ab", b"c"),
        challenge(group_by_name("integer-3072"), "ballot", b"ab", b"c"),
        challenge(GROUP, "ballot", b"a", b"bc"),
        challenge(GROUP, "ballot", b"ab", b"c", b""),
        challenge(GROUP, "ballot", b"c", b"ab"),
    ]
    assert len({base, *others}) == 6


def test_batch_weights_have_128_bits_and_depend_on_everything() -> None:
    weights = batch_weights(GROUP, "w", 50, b"x")
    assert len(set(weights)) == 50
    assert max(weights) < 2**128
    assert max(weights) > 2**120
    assert not set(weights) & set(batch_weights(GROUP, "w", 50, b"y"))


# -- knowledge ---------------------------------------------------------------------------------------------------------


@given(scalars, st.integers())
def test_knowledge_proof_holds(secret: mpz, seed: int) -> None:
    statement = GROUP.generator**secret
    proof = prove_knowledge(secret, statement, b"context", purpose="k", random_bytes=randomness(seed))
    verify_knowledge(proof, statement, b"context", purpose="k")


def test_knowledge_proof_is_refused_after_any_change() -> None:
    secret = mpz(12345)
    y = GROUP.generator**secret
    proof = prove_knowledge(secret, y, b"context", purpose="k", random_bytes=randomness(0))
    c, z = proof
    cases: list[tuple[SchnorrProof, Element, bytes, str]] = [
        (SchnorrProof((c + 1) % q, z), y, b"context", "k"),
        (SchnorrProof(c, (z + 1) % q), y, b"context", "k"),
        (proof, y * GROUP.generator, b"context", "k"),
        (proof, y, b"contexT", "k"),
        (proof, y, b"context", "other"),
    ]
    for changed, statement, context, purpose in cases:
        with pytest.raises(ProofError):
            verify_knowledge(changed, statement, context, purpose=purpose)


def test_a_related_key_has_no_proof_from_this_one() -> None:
    """Weak Fiat-Shamir (statement not hashed) would accept z + c k for the statement y g^k."""
    secret = mpz(99)
    y = GROUP.generator**secret
    c, z = prove_knowledge(secret, y, purpose="k", random_bytes=randomness(1))
    with pytest.raises(ProofError):
        verify_knowledge(SchnorrProof(c, (z + 5 * c) % q), y * GROUP.generator**5, purpose="k")


def test_nonces_differ_with_the_same_broken_generator() -> None:
    def broken(length: int) -> bytes:
        return bytes(length)

    proofs = [
        prove_knowledge(mpz(secret), GROUP.generator**secret, purpose="k", random_bytes=broken) for secret in (7, 8)
    ]
    commitments = [
        GROUP.generator**p.response / (GROUP.generator**secret) ** p.challenge
        for p, secret in zip(proofs, (7, 8), strict=True)
    ]
    assert commitments[0] != commitments[1]


# -- equality of logarithms --------------------------------------------------------------------------------------------


@given(scalars, st.lists(scalars, min_size=1, max_size=5), st.integers())
def test_equality_proof_holds(secret: mpz, exponents: list[mpz], seed: int) -> None:
    bases = [GROUP.generator**exponent for exponent in exponents]
    powers = [base**secret for base in bases]
    public = GROUP.generator**secret
    proof = prove_equality(secret, public, bases, powers, b"c", random_bytes=randomness(seed))
    verify_equality(proof, public, bases, powers, b"c")


def test_equality_proof_is_refused_after_any_change() -> None:
    g, secret = GROUP.generator, mpz(31337)
    bases = [g**3, g**5, g**7]
    powers = [base**secret for base in bases]
    public = g**secret
    proof = prove_equality(secret, public, bases, powers, b"c", random_bytes=randomness(0))
    c, z = proof
    cases: list[tuple[EqualityProof, Element, list[Element], list[Element], bytes]] = [
        (EqualityProof((c + 1) % q, z), public, bases, powers, b"c"),
        (EqualityProof(c, (z + 1) % q), public, bases, powers, b"c"),
        (proof, public * g, bases, powers, b"c"),
        (proof, public, [bases[0] * g, *bases[1:]], powers, b"c"),
        (proof, public, bases, [powers[0] * g, *powers[1:]], b"c"),
        (proof, public, bases, [powers[0] * g, powers[1] / g, powers[2]], b"c"),
        (proof, public, bases, [powers[1], powers[0], powers[2]], b"c"),
        (proof, public, bases[:2], powers[:2], b"c"),
        (proof, public, bases, powers[:2], b"c"),
        (proof, public, [], [], b"c"),
        (proof, public, bases, powers, b"d"),
    ]
    for changed, key, a, m, context in cases:
        with pytest.raises(ProofError):
            verify_equality(changed, key, a, m, context)


# -- membership --------------------------------------------------------------------------------------------------------

KEY = PublicKey(GROUP.generator ** mpz(271828))


def proven(
    allowed: tuple[int, ...], message: int, seed: int = 0, *, encrypted: int | None = None
) -> tuple[Ciphertext, MembershipProof, mpz]:
    """A ciphertext of `encrypted` (the message, unless one cheats) and a membership proof for `message`."""
    rng = random.Random(seed)
    nonce = mpz(rng.randrange(int(q)))
    ciphertext = encrypt(KEY, message if encrypted is None else encrypted, nonce)
    draws = [(mpz(rng.randrange(int(q))), mpz(rng.randrange(int(q)))) for _ in allowed]
    first = commit(KEY, allowed, message, nonce, draws)
    c = challenge(GROUP, "t", ciphertext.alpha.encode(), ciphertext.beta.encode(), *encoded(first.elements))
    return ciphertext, respond(KEY, first, c), c


def encoded(elements: tuple[Element, ...]) -> list[bytes]:
    return [element.encode_unsigned() for element in elements]


def holds(ciphertext: Ciphertext, allowed: tuple[int, ...], proof: MembershipProof, c: mpz) -> bool:
    elements = tuple(product.compute() for product in commitments_of(KEY, ciphertext, allowed, proof))
    again = challenge(GROUP, "t", ciphertext.alpha.encode(), ciphertext.beta.encode(), *encoded(elements))
    return bool(again == c and sum(proof.challenges) % q == c)


@given(st.sets(st.integers(-20, 20), min_size=1, max_size=6), st.data(), st.integers())
def test_membership_proof_holds_for_every_member(values: set[int], data: st.DataObject, seed: int) -> None:
    allowed = tuple(sorted(values))
    message = data.draw(st.sampled_from(allowed))
    ciphertext, proof, c = proven(allowed, message, seed)
    assert holds(ciphertext, allowed, proof, c)


@pytest.mark.parametrize("encrypted", [-1, 2, 1000])
def test_membership_proof_of_another_message_does_not_hold(encrypted: int) -> None:
    ciphertext, proof, c = proven((0, 1), 1, encrypted=encrypted)
    assert not holds(ciphertext, (0, 1), proof, c)


def test_membership_proof_is_refused_after_any_change() -> None:
    allowed = (0, 1, 3)
    ciphertext, proof, c = proven(allowed, 1)
    assert holds(ciphertext, allowed, proof, c)
    for position in range(3):
        for field in ("challenges", "responses"):
            numbers = list(getattr(proof, field))
            numbers[position] = (numbers[position] + 1) % q
            changed = proof._replace(**{field: tuple(numbers)})
            assert not holds(ciphertext, allowed, changed, c), (field, position)
    shifted = proof._replace(challenges=(proof.challenges[0] + 1, proof.challenges[1] - 1, proof.challenges[2]))
    assert not holds(ciphertext, allowed, shifted, c)
    assert not holds(ciphertext, (0, 1, 2), proof, c)
    assert not holds(ciphertext._replace(beta=ciphertext.beta * GROUP.generator), allowed, proof, c)
    assert not holds(ciphertext._replace(alpha=ciphertext.alpha * GROUP.generator), allowed, proof, c)


def test_true_and_simulated_branches_look_alike() -> None:
    """Responses and challenges of both branches are spread over the whole range, whatever the message."""
    for message in (0, 1):
        tops = [0, 0]
        for seed in range(64):
            _, proof, _ = proven((0, 1), message, seed)
            for branch in (0, 1):
                tops[branch] += int(proof.responses[branch] > q // 2) + int(proof.challenges[branch] > q // 2)
        assert all(40 < top < 88 for top in tops), tops


# -- encryption and sharing --------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9), min_size=2, max_size=5), st.data())
def test_combinations_of_ciphertexts_decrypt_to_combinations_of_messages(
    messages: list[int], data: st.DataObject
) -> None:
    secret = mpz(271828)
    nonces = [mpz(1000 + i) for i in range(len(messages))]
    ciphertexts = [encrypt(KEY, m, r) for m, r in zip(messages, nonces, strict=True)]
    coefficients = data.draw(st.lists(st.integers(-5, 5), min_size=len(messages), max_size=len(messages)))
    constant = data.draw(st.integers(-9, 9))
    terms = [(i, c) for i, c in enumerate(coefficients) if c]
    alpha, beta = combine(GROUP, ciphertexts, terms, constant)
    expected = constant + sum(c * m for c, m in zip(coefficients, messages, strict=True))
    assert beta / alpha**secret == GROUP.generator**expected


@given(st.integers(1, 5), st.data())
def test_any_k_of_n_trustees_decrypt_and_fewer_do_not(k: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(k, 6))
    chosen = data.draw(st.permutations(range(1, n + 1)))
    rng = random.Random(data.draw(st.integers()))
    polynomials = [[mpz(rng.randrange(int(q))) for _ in range(k)] for _ in range(n)]
    commitments = [commit_coefficients(GROUP, polynomial) for polynomial in polynomials]
    shares = {j: sum(evaluate(GROUP, f, j) for f in polynomials) % q for j in range(1, n + 1)}
    for j in range(1, n + 1):
        for polynomial, committed in zip(polynomials, commitments, strict=True):
            verify_share(GROUP, committed, j, evaluate(GROUP, polynomial, j))
        assert verification_key(GROUP, commitments, j) == GROUP.generator ** shares[j]
    secret = sum(f[0] for f in polynomials) % q
    assert joint_key(GROUP, commitments) == GROUP.generator**secret
    a = GROUP.generator**17
    enough = {j: a ** shares[j] for j in chosen[:k]}
    assert combine_shares(GROUP, enough) == a**secret
    if k > 1:
        too_few = {j: a ** shares[j] for j in chosen[: k - 1]}
        assert combine_shares(GROUP, too_few) != a**secret


def test_a_wrong_share_is_refused() -> None:
    polynomial = [mpz(5), mpz(6)]
    committed = commit_coefficients(GROUP, polynomial)
    share = evaluate(GROUP, polynomial, 2)
    for wrong, index in ((share + 1, 2), (share, 1), (evaluate(GROUP, polynomial, 3), 2)):
        with pytest.raises(ProofError):
            verify_share(GROUP, committed, index, wrong)


@pytest.mark.parametrize("indices", [[1, 1], [0, 1], [-1, 2], [2, 3, 2]])
def test_lagrange_refuses_repeated_and_non_positive_indices(indices: list[int]) -> None:
    with pytest.raises(ProofError):
        lagrange_coefficients(GROUP, indices)


@given(st.integers(0, 5000), st.data())
def test_discrete_logarithm_is_found_up_to_its_bound(bound: int, data: st.DataObject) -> None:
    answer = data.draw(st.integers(0, bound))
    assert DiscreteLog(GROUP, bound, 3).find(GROUP.generator**answer) == answer


@pytest.mark.parametrize("outside", [-1, 101, 10**6])
def test_discrete_logarithm_beyond_the_bound_is_refused(outside: int) -> None:
    with pytest.raises(ProofError, match="no number from 0 to 100"):
        DiscreteLog(GROUP, 100).find(GROUP.generator**outside)


def test_discrete_logarithm_of_a_large_weight() -> None:
    assert DiscreteLog(GROUP, 10**12).find(GROUP.generator ** (10**12 - 7)) == 10**12 - 7
