"""A Helios record: what its server's API gives out, in one JSON file or in a folder with a file for each address.

The file is an object with `election_raw` (the election, byte for byte as it was served, in a string), `voters`,
`ballots`, `trustees`, and, when they exist, `tally` and `result`. The folder holds `election.json`, `voters.json`,
`ballots.json`, `trustees.json`, `tally.json`, `result.json`.
This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from voting.files import read_file
from voting.protocol.errors import DecodeError
from voting.verifier.foreign.json_text import convert, read_json

MAX_BYTES = 4 * 1024**3
MAX_ANSWERS = 10_000
_PARTS = ("voters", "ballots", "trustees", "tally", "result")


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Commitment, challenge, response."""

    challenge: str
    commitment: Commitment
    response: str


class Commitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two elements g^w and y^w (or alpha^w)."""

    A: str
    B: str


class Cipher(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ElGamal ciphertext."""

    alpha: str
    beta: str


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choices of one question. A field with plaintexts or nonces is refused."""

    choices: list[Cipher]
    individual_proofs: list[list[Proof]]
    overall_proof: list[Proof] | None


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a voter's browser sent."""

    answers: list[Answer]
    election_hash: str
    election_uuid: str


class Cast(msgspec.Struct, frozen=True):
    """One entry of the list of votes."""

    vote: dict[str, Any]
    vote_hash: str
    voter_uuid: str
    cast_at: str


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key, with the group's parameters."""

    g: str
    p: str
    q: str
    y: str


class KeyProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proof that the private key is known."""

    challenge: str
    commitment: str
    response: str


class Trustee(msgspec.Struct, frozen=True):
    """A trustee, with the partial decryption if there is one."""

    uuid: str
    public_key: PublicKey
    public_key_hash: str
    pok: KeyProof | None = None
    decryption_factors: list[list[str]] | None = None
    decryption_proofs: list[list[Proof]] | None = None


class Voter(msgspec.Struct, frozen=True):
    """A voter as listed."""

    uuid: str
    election_uuid: str


class Question(msgspec.Struct, frozen=True):
    """A question. `max` None: any number of answers, without an overall proof."""

    answers: list[str]
    question: str
    max: int | None
    min: int = 0
    tally_type: str = "homomorphic"


class Election(msgspec.Struct, frozen=True):
    """The parameters that the checks need."""

    name: str
    public_key: PublicKey
    questions: list[Question]
    uuid: str
    voters_hash: str | None = None


class Tally(msgspec.Struct, frozen=True):
    """The encrypted tally."""

    num_tallied: int
    tally: list[list[Cipher]]


class Record(NamedTuple):
    """The parts, as far as they are there. Nothing is checked but their form."""

    election_raw: bytes
    election: Election
    voters: list[Voter]
    ballots: list[Cast]
    trustees: list[Trustee]
    tally: Tally | None
    result: Any


def read_record(path: Path) -> Record:
    """The record at `path`, a file or a folder.

    Raises:
        UnavailableError: if it cannot be read.
        DecodeError: if it does not have the form.
    """
    if path.is_dir():
        raw = read_file(path / "election.json", limit=MAX_BYTES)
        parts = {
            name: read_json(read_file(path / f"{name}.json", limit=MAX_BYTES), what=f"{name}.json")
            for name in _PARTS
            if (path / f"{name}.json").exists()
        }
    else:
        parts = read_json(read_file(path, limit=MAX_BYTES), what="record")
        if not isinstance(parts, dict) or not isinstance(parts.get("election_raw"), str):
            raise DecodeError("has no election_raw: it is not a Helios record", where="record")
        raw = parts["election_raw"].encode("utf-8", "replace")
    election = convert(read_json(raw, what="election"), Election, what="election")
    for number, question in enumerate(election.questions, 1):
        if question.tally_type != "homomorphic" or not 0 < len(question.answers) <= MAX_ANSWERS:
            raise DecodeError("is of a kind that is not known", where=f"question {number}")
        highest = len(question.answers) if question.max is None else question.max
        if not 0 <= question.min <= highest <= len(question.answers):
            raise DecodeError("has bounds that cannot be", where=f"question {number}")
    tally = parts.get("tally")
    return Record(
        election_raw=raw,
        election=election,
        voters=convert(parts.get("voters", []), list[Voter], what="voters"),
        ballots=convert(parts.get("ballots", []), list[Cast], what="ballots"),
        trustees=convert(parts.get("trustees", []), list[Trustee], what="trustees"),
        tally=convert(tally, Tally, what="tally") if tally is not None else None,
        result=parts.get("result"),
    )


def read_vote(cast: Cast, questions: list[Question]) -> Vote:
    """A vote with the choices and proofs that the questions ask for. Raises DecodeError."""
    vote = convert(cast.vote, Vote, what="vote")
    if len(vote.answers) != len(questions):
        raise DecodeError(f"answers {len(vote.answers)} questions, not {len(questions)}", where="vote")
    for number, (answer, question) in enumerate(zip(vote.answers, questions, strict=True), 1):
        size = len(question.answers)
        overall = None if question.max is None else question.max - question.min + 1
        found = None if answer.overall_proof is None else len(answer.overall_proof)
        individual = [len(proofs) for proofs in answer.individual_proofs]
        if len(answer.choices) != size or individual != [2] * size or found != overall:
            raise DecodeError("has not the number of choices and proofs that is asked for", where=f"answer {number}")
    return vote
