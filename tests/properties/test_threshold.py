"""Any k of n trustees decrypt the same result, and k - 1 learn another number or none (toy group)."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.election import ElectionSimulator, manifest_for
from tests.simulators.record import CHAIR
from trustee_tools.ceremony import TrusteeSecrets, decryption_secret
from voting.crypto.elgamal import PublicKey, encrypt
from voting.crypto.sharing import combine_shares


@st.composite
def thresholds(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(1, 6))
    return total, draw(st.integers(1, total))


@settings(max_examples=25)
@given(thresholds(), st.integers(0, 2**32), st.integers(0, 1000))
def test_any_k_shares_reconstruct_and_fewer_do_not(numbers: tuple[int, int], seed: int, message: int) -> None:
    total, threshold = numbers
    simulator = ElectionSimulator(manifest_for([CHAIR], trustees=total, threshold=threshold, nonce=seed), seed=seed)
    simulator.run_ceremony()
    ceremony = simulator.ceremony
    group = ceremony.group
    nonce = group.q // 3 + seed
    ciphertext = encrypt(PublicKey(ceremony.joint_key()), message, nonce)
    secrets = {index: decryption_secret(simulator.trustees[index], ceremony) for index in ceremony.trustees}
    factors = {index: ciphertext.alpha**secret for index, secret in secrets.items()}
    expected = group.generator**message
    for index, secret in secrets.items():
        assert group.generator**secret == ceremony.verification_key(index)
    for chosen in combinations(sorted(factors), threshold):
        combined = combine_shares(group, {index: factors[index] for index in chosen})
        assert ciphertext.beta / combined == expected
    for chosen in combinations(sorted(factors), threshold - 1):
        if chosen:
            combined = combine_shares(group, {index: factors[index] for index in chosen})
            assert ciphertext.beta / combined != expected


@given(st.binary(min_size=32, max_size=32), st.integers(1, 3), st.integers(1, 3))
def test_keys_differ_by_election_trustee_and_ceremony(seed: bytes, index: int, attempt: int) -> None:
    manifest = manifest_for([CHAIR], nonce=1)
    own = TrusteeSecrets(seed, manifest, index)
    group = manifest.crypto_group()
    others = [TrusteeSecrets(seed, manifest_for([CHAIR], nonce=2), index), TrusteeSecrets(seed, manifest, index + 1)]
    for other in others:
        assert other.signing_key.verify_key != own.signing_key.verify_key
        assert other.sealing_key.public != own.sealing_key.public
        assert not set(other.polynomial(group, attempt)) & set(own.polynomial(group, attempt))
    assert not set(own.polynomial(group, attempt)) & set(own.polynomial(group, attempt + 1))
    again = TrusteeSecrets(seed, manifest, index)
    assert again.polynomial(group, attempt) == own.polynomial(group, attempt)


def test_a_polynomial_has_as_many_coefficients_as_trustees_are_needed() -> None:
    manifest = manifest_for([CHAIR], trustees=5, threshold=4)
    assert len(TrusteeSecrets(bytes(32), manifest, 1).polynomial(manifest.crypto_group(), 1)) == 4
