"""The gallery: what dishonest voters have in common: ballots with a lie in one step, on a server that takes them in.

`Forger` makes ballots as the booth does, but lets its user lie at each step. A bad ballot is replaced by a good one of
the same voter unless it is to be counted. This module must not import a verifier.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from gmpy2 import mpz

from tests.gallery.making import Record, record
from tests.gallery.servers import append_tally, decrypt_and_publish, product_of
from tests.simulators.election import Voter
from tests.simulators.record import GRACE, SampleElection, sample_election
from voting.crypto.elgamal import Ciphertext
from voting.crypto.group import Element
from voting.crypto.membership import Commitment, MembershipProof, commit, respond
from voting.election.ballots import BALLOT, ballot_challenge, encode_parts
from voting.protocol.encoding import to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.messages import Ballot, ConstraintProof, EncryptedValue
from voting.protocol.shape import Constraint

M = TypeVar("M", bound=msgspec.Struct)

Spoil = Callable[[SampleElection, Any], Any]


def replaced(content: M, **changes: Any) -> M:
    """The same message with other fields."""
    return msgspec.structs.replace(content, **changes)


# -- ballots with a lie in one step ------------------------------------------------------------------------------------


class Forger:
    """Makes a voter's ballot from any values at all."""

    def __init__(self, election: SampleElection, voter: Voter | None = None, seed: int = 0) -> None:
        self.context = election.record.ballot_context()
        self.group, self.shape, self.key = self.context.group, self.context.shape, self.context.key
        self.credential = (voter or election.voters[2]).key.verify_key.raw
        self.random = random.Random(seed)

    def scalar(self) -> mpz:
        return mpz(self.random.randrange(int(self.group.q)))

    def nonces(self) -> list[mpz]:
        return [self.scalar() for _ in range(self.shape.values)]

    def encrypt(self, values: Sequence[int], nonces: Sequence[mpz]) -> list[Ciphertext]:
        """C1, for any number."""
        g, k, q = self.key.g, self.key.k, self.group.q
        return [
            Ciphertext(g.power(nonce), k.power(nonce) * g.power(mpz(value) % q))
            for value, nonce in zip(values, nonces, strict=True)
        ]

    def move(self, constraint: Constraint, values: Sequence[int], nonces: Sequence[mpz]) -> Commitment:
        """B3a; for a sum that is not allowed the proof claims the last that is, and cannot hold."""
        terms = constraint.combination.terms
        nonce = mpz(sum(factor * nonces[index] for index, factor in terms)) % self.group.q
        message = constraint.combination.of(values)
        claimed = message if message in constraint.allowed else constraint.allowed[-1]
        draws = [(self.scalar(), self.scalar()) for _ in constraint.allowed]
        return commit(self.key, constraint.allowed, claimed, nonce, draws)

    def ballot(
        self,
        values: Sequence[int],
        nonces: Sequence[mpz] | None = None,
        *,
        constraints: Sequence[Constraint] | None = None,
        ciphertexts: Sequence[Ciphertext] | None = None,
    ) -> Ballot:
        """B4a without its precaution. Other constraints or ciphertexts than the right ones can be put in."""
        nonces = nonces or self.nonces()
        ciphertexts = ciphertexts or self.encrypt(values, nonces)
        moves = [self.move(each, values, nonces) for each in (constraints or self.shape.constraints)]
        encoded = [element.encode_unsigned() for move in moves for element in move.elements]
        c = ballot_challenge(self.context, self.credential, encode_parts(ciphertexts), encoded)
        return self.written(c, ciphertexts, [respond(self.key, move, c) for move in moves])

    def written(self, c: mpz, ciphertexts: Sequence[Ciphertext], proofs: Sequence[MembershipProof]) -> Ballot:
        return Ballot(
            challenge=self.text(c),
            ciphertexts=tuple(EncryptedValue(to_base64(a.encode()), to_base64(b.encode())) for a, b in ciphertexts),
            credential=to_base64(self.credential),
            election=self.context.election,
            proofs=tuple(
                ConstraintProof(tuple(map(self.text, each.challenges[:-1])), tuple(map(self.text, each.responses)))
                for each in proofs
            ),
        )

    def text(self, scalar: mpz) -> str:
        return to_base64(self.group.encode_scalar(scalar))


def cast(election: SampleElection, content: Any, voter: Voter | None = None, hints: bytes | None = None) -> None:
    """Sign a ballot and have it taken in."""
    key = (voter or election.voters[2]).key
    election.board.append(BALLOT, sign_content(BALLOT, election.manifest.hash, content, key), hints)


def finished(election: SampleElection, *, counted: bool = False, hints: bool = False, choice: Any = None) -> Record:
    """Unless the bad ballot is counted, its voter votes again; then the election is carried on to a result."""
    if not counted:
        election.vote(election.voters[2], choice or [GRACE])
    election.close()
    append_tally(election, product_of(election))
    decrypt_and_publish(election)
    return record(election.board.entries, hints=hints)


def with_spoiled(spoil: Spoil, *, hints: bool = False) -> Record:
    """A good ballot that is changed and signed anew; with `hints`, those of the good ballot stand beside it."""
    election = sample_election(until="voting", lenient=True)
    good = election.encrypt(election.voters[2], [GRACE])
    cast(election, spoil(election, parse_body(BALLOT, good.body, what="part").content), hints=good.hints)
    return finished(election, hints=hints)


def with_forged(make: Callable[[Forger], Ballot], *, counted: bool = False, **choices: Any) -> Record:
    """A ballot of the third voter that a `Forger` made."""
    election = sample_election(until="voting", lenient=True, **choices)
    cast(election, make(Forger(election)))
    again = None if counted or "questions" not in choices else choices["ballots"][0][1]
    return finished(election, counted=counted, choice=again)


def negated(ciphertext: Ciphertext) -> Ciphertext:
    """p - alpha in the place of alpha: not in the group."""
    group = ciphertext.alpha.group
    return Ciphertext(Element(group, group.p - ciphertext.alpha.value), ciphertext.beta)
