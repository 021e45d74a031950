"""Shuffles of non-homomorphic answers: the proof of a permutation by Terelius and Wikstroem, as in the CHVote report.

The prover commits to a permutation (c), shows that it is one (t1, t2, t3, t-hat), and that the ciphertexts went through
it (t41, t42). This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from gmpy2 import mpz

from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.verifier.foreign.belenios.ballots import Cell
from voting.verifier.foreign.belenios.election import Election
from voting.verifier.foreign.belenios.groups import Element, Group
from voting.verifier.foreign.json_text import read_canonical

SHUFFLES = "B14"


class _Cipher(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alpha: str
    beta: str


_Commitments = tuple[str, str, str, tuple[str, str], list[str]]
_Responses = tuple[str, str, str, str, list[str], list[str]]


class _Shuffle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ciphertexts: list[list[_Cipher]]
    proofs: list[tuple[_Commitments, _Responses, list[str], list[str]]]


class Proof(NamedTuple):
    """The parts of a proof, all in the group or below q."""

    t: tuple[Element, Element, Element, Element, Element]
    t_hat: list[Element]
    s: tuple[mpz, mpz, mpz, mpz]
    s_hat: list[mpz]
    s_prime: list[mpz]
    c: list[Element]
    c_hat: list[Element]


def check_shuffle(data: bytes, election: Election, inputs: Sequence[Sequence[Cell]], subject: str) -> list[list[Cell]]:
    """Check one trustee's shuffle of all non-homomorphic questions.

    Args:
        inputs: the ciphertexts before it, question by question.

    Returns: the ciphertexts after it.

    Raises:
        VerificationError: B14.
    """
    group = election.group
    try:
        content = read_canonical(data, _Shuffle, what=subject)
        if len(content.ciphertexts) != len(inputs) or len(content.proofs) != len(inputs):
            raise DecodeError("is not of as many questions as there are", where=subject)
        outputs = []
        for before, ciphers, parts in zip(inputs, content.ciphertexts, content.proofs, strict=True):
            if len(ciphers) != len(before):
                raise DecodeError("has not as many ciphertexts as came in", where=subject)
            after = [Cell(group.element(c.alpha, what=subject), group.element(c.beta, what=subject)) for c in ciphers]
            proof = _parse(group, parts, len(before), subject)
            if before and not _holds(election, before, after, proof):
                raise VerificationError(SHUFFLES, subject, "its proof does not hold")
            outputs.append(after)
    except VerificationError:
        raise
    except UrneError as error:
        raise VerificationError(SHUFFLES, error.where or subject, error.problem) from None
    return outputs


def _parse(group: Group, parts: Any, size: int, subject: str) -> Proof:
    (t1, t2, t3, t4, t_hat), (s1, s2, s3, s4, s_hat, s_prime), c, c_hat = parts
    if any(len(part) != size for part in (t_hat, s_hat, s_prime, c, c_hat)):
        raise DecodeError("has a proof of another length", where=subject)

    def elements(texts: Iterable[str]) -> list[Element]:
        return [group.element(text, what=subject) for text in texts]

    def scalars(texts: Iterable[str]) -> list[mpz]:
        return [group.scalar(text, what=subject) for text in texts]

    first, second, third, fourth, fifth = elements((t1, t2, t3, *t4))
    one, two, three, four = scalars((s1, s2, s3, s4))
    return Proof(
        (first, second, third, fourth, fifth),
        elements(t_hat),
        (one, two, three, four),
        scalars(s_hat),
        scalars(s_prime),
        elements(c),
        elements(c_hat),
    )


def _holds(election: Election, before: Sequence[Cell], after: Sequence[Cell], proof: Proof) -> bool:
    group, g, y = election.group, election.group.g, election.key
    size = len(before)
    h = group.independent_generator(-1)
    generators = [group.independent_generator(index) for index in range(size)]
    if len({group.text(element) for element in (group.identity, g, h, *generators)}) != size + 3:
        return False
    statement = _text(group, itertools.chain(*before, *after))
    statement += _text(group, proof.c)
    u = _weights(group, f"shuffle-challenges|{election.fingerprint}|{statement}", size)
    hashed = f"shuffle-challenge|{election.fingerprint}|" + _text(group, (*proof.t, *proof.t_hat))
    c = _hash(group, hashed + statement + _text(group, proof.c_hat) + group.text(y))

    def powers(bases: Iterable[Element], exponents: Iterable[mpz]) -> Element:
        return group.product(group.power(base, e) for base, e in zip(bases, exponents, strict=True))

    u_product = mpz(1)
    for weight in u:
        u_product = u_product * weight % group.q
    c_bar = group.divide(group.product(proof.c), group.product(generators))
    c_last = group.divide(proof.c_hat[-1], group.power(h, u_product))
    c_tilde = powers(proof.c, u)
    alpha = powers((cell.alpha for cell in before), u)
    beta = powers((cell.beta for cell in before), u)
    s1, s2, s3, s4 = proof.s
    expected = (
        powers((c_bar, g), (-c, s1)),
        powers((c_last, g), (-c, s2)),
        group.product((powers((c_tilde, g), (-c, s3)), powers(generators, proof.s_prime))),
        group.product((powers((beta, y), (-c, -s4)), powers((cell.beta for cell in after), proof.s_prime))),
        group.product((powers((alpha, g), (-c, -s4)), powers((cell.alpha for cell in after), proof.s_prime))),
    )
    chain = [h, *proof.c_hat]
    links = [powers((chain[i + 1], g, chain[i]), (-c, proof.s_hat[i], proof.s_prime[i])) for i in range(size)]
    return expected == proof.t and links == proof.t_hat


def _text(group: Group, elements: Iterable[Element]) -> str:
    return "".join([f"{group.text(element)}," for element in elements])


def _hash(group: Group, text: str) -> mpz:
    return mpz(int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest(), "big")) % group.q


def _weights(group: Group, text: str, size: int) -> list[mpz]:
    """u_i = SHA-256(hex of the statement's hash, hex of the hash of i)."""
    root = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return [_hash(group, root + hashlib.sha256(str(index).encode()).hexdigest()) for index in range(size)]
