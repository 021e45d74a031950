"""The proofs in a Helios vote, and those of its trustees.

A disjunction over the values m: g^r = A alpha^c and y^r = B (beta / g^m)^c for each branch, and the challenges add up
to SHA-1("A0,B0,A1,B1,..."). This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gmpy2 import mpz

from voting.protocol.errors import DecodeError
from voting.verifier.foreign.helios.groups import HELIOS, challenge
from voting.verifier.foreign.helios.record import Cipher, KeyProof, Proof, Question, Vote
from voting.verifier.foreign.residues import parse_decimal

_Q_DIGITS = len(str(HELIOS.q))


class Cell(NamedTuple):
    """A ciphertext whose two parts are in the group."""

    alpha: mpz
    beta: mpz


def read_cell(cipher: Cipher, *, what: str) -> Cell:
    """A ciphertext. Raises DecodeError (NotInGroup: outside the group)."""
    return Cell(HELIOS.element(cipher.alpha, what=what), HELIOS.element(cipher.beta, what=what))


def add(cells: Sequence[Cell]) -> Cell:
    """The ciphertext of the sum."""
    return Cell(HELIOS.product(c.alpha for c in cells), HELIOS.product(c.beta for c in cells))


def bad_proofs(vote: Vote, cells: list[list[Cell]], questions: list[Question], key: mpz) -> list[str]:
    """Which proofs of a vote do not hold, in words."""
    bad = []
    for number, (answer, row, question) in enumerate(zip(vote.answers, cells, questions, strict=True), 1):
        for place, (cell, proofs) in enumerate(zip(row, answer.individual_proofs, strict=True), 1):
            if not is_any(key, cell, range(2), proofs):
                bad.append(f"answer {number}, choice {place}")
        if answer.overall_proof is not None and question.max is not None:
            allowed = range(question.min, question.max + 1)
            if not is_any(key, add(row), allowed, answer.overall_proof):
                bad.append(f"answer {number}, overall proof")
    return bad


def is_any(key: mpz, cell: Cell, values: range, proofs: Sequence[Proof]) -> bool:
    """Whether the cell is proven to hold one of the values."""
    g, y, p, q = HELIOS.fixed(HELIOS.g), HELIOS.fixed(key), HELIOS.p, HELIOS.q
    commitments, total = [], mpz(0)
    try:
        for value, proof in zip(values, proofs, strict=True):
            a, b, c, r = _numbers(proof)
            total += c
            commitments += [a, b]
            if g.power(r) != a * HELIOS.power(cell.alpha, c) % p:
                return False
            right = b * HELIOS.power(cell.beta, c) % p
            if value:
                right = right * g.power(-value * c % q) % p
            if y.power(r) != right:
                return False
    except DecodeError:
        return False
    return total % q == challenge(commitments) % q


def is_key_known(key: mpz, proof: KeyProof) -> bool:
    """c = SHA-1(commitment) and g^r = commitment y^c."""
    try:
        commitment = parse_decimal(proof.commitment, what="commitment")
        c = HELIOS.scalar(proof.challenge, what="challenge")
        r = HELIOS.scalar(proof.response, what="response")
    except DecodeError:
        return False
    right = commitment * HELIOS.power(key, c) % HELIOS.p
    return c == challenge((commitment,)) % HELIOS.q and HELIOS.power(HELIOS.g, r) == right and commitment < HELIOS.p


def is_decryption(key: mpz, cell: Cell, factor: mpz, proof: Proof) -> bool:
    """c = SHA-1("A,B"), g^r = A y^c, alpha^r = B d^c."""
    try:
        a, b, c, r = _numbers(proof)
    except DecodeError:
        return False
    return (
        c == challenge((a, b)) % HELIOS.q
        and HELIOS.fixed(HELIOS.g).power(r) == a * HELIOS.power(key, c) % HELIOS.p
        and HELIOS.power(cell.alpha, r) == b * HELIOS.power(factor, c) % HELIOS.p
    )


def _numbers(proof: Proof) -> tuple[mpz, mpz, mpz, mpz]:
    """A, B (below p: the equations show that they are in the group), challenge, response.

    Early booths did not reduce responses modulo q, so that they are reduced here (see `has_unreduced`).
    """
    a = parse_decimal(proof.commitment.A, what="commitment")
    b = parse_decimal(proof.commitment.B, what="commitment")
    if not (0 < a < HELIOS.p and 0 < b < HELIOS.p):
        raise DecodeError("is outside [1, p)", where="commitment")
    response = parse_decimal(proof.response, what="response") % HELIOS.q
    return a, b, HELIOS.scalar(proof.challenge, what="challenge"), response


def has_unreduced(vote: Vote) -> bool:
    """Whether a response is not below q: then anybody can write the same proof in another way."""
    proofs = [proof for answer in vote.answers for each in answer.individual_proofs for proof in each]
    proofs += [proof for answer in vote.answers for proof in answer.overall_proof or ()]
    return any(len(proof.response) >= _Q_DIGITS and int(proof.response[:1300]) >= HELIOS.q for proof in proofs)
