"""The provers' nonces and challenges are those of the specification (P2, P4), computed here anew from its formulas."""

from __future__ import annotations

from gmpy2 import mpz

from voting.crypto.chaum_pedersen import prove_equality
from voting.crypto.group import group_by_name
from voting.crypto.kdf import derive
from voting.crypto.schnorr import prove_knowledge
from voting.crypto.transcript import batch_weights, challenge, scalar_from

GROUP = group_by_name("toy-512")
SECRET = mpz(7)
FRESH = bytes(range(32))
CONTEXT = (b"election", b"trustee 2")


def fresh_bytes(length: int) -> bytes:
    assert length == len(FRESH)
    return FRESH


def test_the_nonce_of_a_proof_of_knowledge() -> None:
    statement = GROUP.g.power(SECRET)
    proof = prove_knowledge(SECRET, statement, *CONTEXT, purpose="test", random_bytes=fresh_bytes)
    seed = GROUP.encode_scalar(SECRET) + FRESH
    nonce = scalar_from(GROUP, derive(seed, "test-nonce", *CONTEXT, statement.encode(), length=48))
    commitment = GROUP.g.power(nonce).encode_unsigned()
    assert proof.challenge == challenge(GROUP, "test", *CONTEXT, statement.encode(), commitment)
    assert proof.response == (nonce + proof.challenge * SECRET) % GROUP.q


def test_the_nonce_of_a_proof_of_decryption() -> None:
    public, bases = GROUP.g.power(SECRET), (GROUP.g.power(mpz(3)), GROUP.g.power(mpz(5)))
    powers = tuple(base**SECRET for base in bases)
    proof = prove_equality(SECRET, public, bases, powers, *CONTEXT, random_bytes=fresh_bytes)
    statement = (*CONTEXT, public.encode(), *(a.encode() for a in bases), *(m.encode() for m in powers))
    seed = GROUP.encode_scalar(SECRET) + FRESH
    nonce = scalar_from(GROUP, derive(seed, "decryption-nonce", *statement, length=48))
    weights = batch_weights(GROUP, "decryption-weights", 2, *statement)
    a, m = (x[0] ** weights[0] * x[1] ** weights[1] for x in (bases, powers))
    commitments = (GROUP.g.power(nonce).encode_unsigned(), (a**nonce).encode_unsigned())
    assert proof.challenge == challenge(GROUP, "decryption", *statement, a.encode(), m.encode(), *commitments)
    assert proof.response == (nonce + proof.challenge * SECRET) % GROUP.q
