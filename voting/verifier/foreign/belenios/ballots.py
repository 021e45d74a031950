"""The ballots of a Belenios election: form, signature, and the proofs that each answer is a legal one.

Every equation is computed as Belenios's specification writes it. Only commitments' hashes are published, so that no
batch is possible. This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from gmpy2 import mpz

from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.verifier.foreign.belenios.election import Election, Kind, Question, base64_hash
from voting.verifier.foreign.belenios.groups import Element, challenge
from voting.verifier.foreign.belenios.trustees import Proof, is_schnorr
from voting.verifier.foreign.json_text import read_canonical

FORM, ELIGIBLE, SIGNATURE, IN_GROUP, PROOFS = "B08", "B09", "B10", "B11", "B12"


class Cell(NamedTuple):
    """A ciphertext whose two parts are in the group."""

    alpha: Element
    beta: Element


class _Cipher(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alpha: str
    beta: str

    @property
    def text(self) -> str:
        return f"{self.alpha},{self.beta}"


class _Homomorphic(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    choices: list[_Cipher]
    individual_proofs: list[list[Proof]]
    overall_proof: list[Proof]
    blank_proof: list[Proof] | None = None


class _NonHomomorphic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    choices: _Cipher
    proof: Proof


class _NonZero(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    commitment: str
    challenge: str
    response: tuple[str, str]


class _Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    choices: list[list[_Cipher]]
    individual_proofs: list[list[list[Proof]]]
    overall_proof: Proof
    list_proofs: list[list[Proof]]
    nonzero_proof: _NonZero


_Answer = _Homomorphic | _Lists | _NonHomomorphic
_ANSWER_TYPES: dict[Kind, type[_Homomorphic] | type[_Lists] | type[_NonHomomorphic]] = {
    Kind.HOMOMORPHIC: _Homomorphic,
    Kind.LISTS: _Lists,
    Kind.NON_HOMOMORPHIC: _NonHomomorphic,
}


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hash: str
    proof: Proof


class _Ballot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    election_uuid: str
    election_hash: str
    credential: str
    answers: list[msgspec.Raw]
    signature: _Signature


class ReadBallot(NamedTuple):
    """A well-formed ballot for this election. Its credential, group membership, signature and proofs are unchecked."""

    credential: str
    answers: tuple[_Answer, ...]
    signature: _Signature
    signed_hash: str
    """The hash that its signature must be about."""


class Branch(NamedTuple):
    """One claim of a disjunction: the ciphertext (alpha, beta) is an encryption of `value`."""

    alpha: Element
    beta: Element
    value: int


def read_ballot(body: bytes, election: Election) -> ReadBallot:
    """Parse a ballot and compare its form with the election. Raises VerificationError (B08)."""
    try:
        ballot = read_canonical(body, _Ballot, what="ballot")
        if len(ballot.answers) != len(election.questions):
            raise DecodeError(f"answers {len(ballot.answers)} questions, not {len(election.questions)}", where="ballot")
        answers = tuple(
            _read_answer(bytes(raw), question, number)
            for number, (raw, question) in enumerate(zip(ballot.answers, election.questions, strict=True), 1)
        )
    except DecodeError as error:
        raise VerificationError(FORM, error.where or "ballot", error.problem) from None
    if ballot.election_uuid != election.uuid:
        raise VerificationError(
            FORM, "ballot", "is for another election", expected=election.uuid, found=ballot.election_uuid[:80]
        )
    if ballot.election_hash != election.fingerprint:
        reason = "is for other election parameters"
        raise VerificationError(FORM, "ballot", reason, expected=election.fingerprint, found=ballot.election_hash[:80])
    unsigned = body[: body.rindex(b',"signature":')] + b"}"
    return ReadBallot(ballot.credential, answers, ballot.signature, base64_hash(unsigned))


def _read_answer(raw: bytes, question: Question, number: int) -> _Answer:
    what = f"answer {number}"
    answer: _Answer = read_canonical(raw, _ANSWER_TYPES[question.kind], what=what)
    if isinstance(answer, _Homomorphic):
        spread = question.maximum - question.minimum + 1
        expected = (question.sizes[0], [2] * question.sizes[0], spread + question.blank, 2 if question.blank else None)
        found = (
            len(answer.choices),
            [len(proofs) for proofs in answer.individual_proofs],
            len(answer.overall_proof),
            None if answer.blank_proof is None else len(answer.blank_proof),
        )
        fits = expected == found
    elif isinstance(answer, _Lists):
        sizes = list(question.sizes)
        fits = (
            [len(cells) for cells in answer.choices] == sizes
            and [[len(proofs) for proofs in one] for one in answer.individual_proofs] == [[2] * n for n in sizes]
            and [len(proofs) for proofs in answer.list_proofs] == [2] * len(sizes)
        )
    else:
        fits = True
    if not fits:
        raise DecodeError("has not the number of choices and proofs that the question asks for", where=what)
    return answer


class BallotChecker:
    """Checks ballots of one election; holds the tables of its two bases."""

    def __init__(self, election: Election) -> None:
        self._election = election
        self._group = election.group
        self._g = election.group.fixed(election.group.g)
        self._y = election.group.fixed(election.key)

    def cells(self, ballot: ReadBallot) -> list[list[Cell]]:
        """The ciphertexts, question by question, each tested for membership. Raises VerificationError (B11)."""
        return [[self._cell(cipher, f"answer {n}") for cipher in _ciphers(a)] for n, a in enumerate(ballot.answers, 1)]

    def _cell(self, cipher: _Cipher, what: str) -> Cell:
        try:
            return Cell(self._group.element(cipher.alpha, what=what), self._group.element(cipher.beta, what=what))
        except UrneError as error:
            raise VerificationError(IN_GROUP, what, error.problem) from None

    def verify_signature(self, ballot: ReadBallot, credential: Element) -> None:
        """Raises VerificationError (B10): not signed with the credential's private part."""
        if ballot.signature.hash != ballot.signed_hash:
            raise VerificationError(
                SIGNATURE,
                "signature",
                "is of another ballot",
                expected=ballot.signed_hash,
                found=ballot.signature.hash[:80],
            )
        try:
            held = is_schnorr(
                self._group, f"sig|{ballot.signed_hash}|", credential, ballot.signature.proof, what="signature"
            )
        except DecodeError as error:
            raise VerificationError(SIGNATURE, "signature", error.problem) from None
        if not held:
            raise VerificationError(SIGNATURE, "signature", "does not hold under the ballot's credential")

    def verify_proofs(self, ballot: ReadBallot, cells: list[list[Cell]]) -> None:
        """Raises VerificationError (B12): an answer is not proven to be a legal one."""
        context = f"{self._election.fingerprint}|{ballot.credential}"
        for number, answer in enumerate(ballot.answers):
            subject = f"answer {number + 1}"
            try:
                self._verify_answer(answer, cells[number], self._election.questions[number], context, subject)
            except DecodeError as error:
                raise VerificationError(PROOFS, error.where or subject, error.problem) from None

    def _verify_answer(
        self, answer: _Answer, cells: list[Cell], question: Question, context: str, subject: str
    ) -> None:
        if isinstance(answer, _NonHomomorphic):
            self._verify_raw(answer, cells[0], context, subject)
            return
        texts = [cipher.text for cipher in _ciphers(answer)]
        proofs = (
            answer.individual_proofs
            if isinstance(answer, _Homomorphic)
            else [each for one in answer.individual_proofs for each in one]
        )
        for place, (cell, text, proof) in enumerate(zip(cells, texts, proofs, strict=True), 1):
            branches = (Branch(*cell, 0), Branch(*cell, 1))
            self._verify_any(f"prove|{context}|{text}|", branches, proof, f"{subject}, choice {place}")
        whole = f"{context}|{','.join(texts)}"
        if isinstance(answer, _Homomorphic):
            self._verify_overall(answer, cells, question, whole, f"{subject}, overall proof")
        else:
            self._verify_lists(answer, cells, question, whole, subject)

    def _verify_overall(
        self, answer: _Homomorphic, cells: list[Cell], question: Question, whole: str, subject: str
    ) -> None:
        allowed = range(question.minimum, question.maximum + 1)
        if answer.blank_proof is None:
            total = self._sum(cells)
            branches = [Branch(*total, value) for value in allowed]
            prefix = f"prove|{whole}|{self._pair(total)}|"
            self._verify_any(prefix, branches, answer.overall_proof, subject)
            return
        blank, total = cells[0], self._sum(cells[1:])
        either = (Branch(*blank, 0), Branch(*total, 0))
        self._verify_any(f"bproof0|{whole}|", either, answer.blank_proof, f"{subject} of a blank vote")
        branches = [Branch(*blank, 1), *(Branch(*total, value) for value in allowed)]
        self._verify_any(f"bproof1|{whole}|", branches, answer.overall_proof, subject)

    def _verify_lists(self, answer: _Lists, cells: list[Cell], question: Question, whole: str, subject: str) -> None:
        heads, sums = [], []
        start = 0
        for number, size in enumerate(question.sizes):
            heads.append(cells[start])
            sums.append(self._sum(cells[start + 1 : start + size]))
            start += size
            either = (Branch(*heads[-1], 1), Branch(*sums[-1], 0))
            self._verify_any(f"lproof|{whole}|", either, answer.list_proofs[number], f"{subject}, list {number + 1}")
        total = self._sum(heads)
        prefix = f"prove|{whole}|{self._pair(total)}|"
        self._verify_any(prefix, (Branch(*total, 1),), (answer.overall_proof,), f"{subject}, overall proof")
        self._verify_nonzero(answer.nonzero_proof, self._sum(sums), whole, f"{subject}, nonzero proof")

    def _verify_nonzero(self, proof: _NonZero, cell: Cell, whole: str, subject: str) -> None:
        """That somebody is chosen: c = Hc(.., [C, alpha^t1 g^t2, beta^t1 y^t2 C^c]) with C != 1."""
        group = self._group
        commitment = group.element(proof.commitment, what=subject)
        c = group.scalar(proof.challenge, what=subject)
        t1, t2 = (group.scalar(text, what=subject) for text in proof.response)
        first = group.product((group.power(cell.alpha, t1), self._g.power(t2)))
        second = group.product((group.power(cell.beta, t1), self._y.power(t2), group.power(commitment, c)))
        expected = challenge(group, f"nonzero|{whole}|", (commitment, first, second))
        if commitment == group.identity or c != expected:
            raise VerificationError(PROOFS, subject, "does not hold")

    def _verify_raw(self, answer: _NonHomomorphic, cell: Cell, context: str, subject: str) -> None:
        """That the voter knows the nonce: c = Hc("raweg|..", [g^r alpha^c])."""
        prefix = f"raweg|{context}|{self._group.text(self._election.key)},{answer.choices.text}|"
        if not is_schnorr(self._group, prefix, cell.alpha, answer.proof, what=subject):
            raise VerificationError(PROOFS, subject, "the proof of knowledge does not hold")

    def _verify_any(self, prefix: str, branches: Sequence[Branch], proofs: Sequence[Proof], subject: str) -> None:
        """One of the branches is true: A = g^r alpha^c, B = y^r (beta / g^m)^c; the challenges add up to the hash."""
        group = self._group
        commitments, total = [], mpz(0)
        for branch, proof in zip(branches, proofs, strict=True):
            c = group.scalar(proof.challenge, what=subject)
            r = group.scalar(proof.response, what=subject)
            total += c
            commitments.append(group.product((self._g.power(r), group.power(branch.alpha, c))))
            factors = [self._y.power(r), group.power(branch.beta, c)]
            if branch.value:
                factors.append(self._g.power(-branch.value * c % group.q))
            commitments.append(group.product(factors))
        if total % group.q != challenge(group, prefix, commitments):
            raise VerificationError(PROOFS, subject, "does not hold")

    def _sum(self, cells: Sequence[Cell]) -> Cell:
        """The ciphertext of the sum."""
        return Cell(self._group.product(c.alpha for c in cells), self._group.product(c.beta for c in cells))

    def _pair(self, cell: Cell) -> str:
        return f"{self._group.text(cell.alpha)},{self._group.text(cell.beta)}"


def _ciphers(answer: _Answer) -> list[_Cipher]:
    if isinstance(answer, _Homomorphic):
        return answer.choices
    if isinstance(answer, _Lists):
        return [cipher for one in answer.choices for cipher in one]
    return [answer.choices]
