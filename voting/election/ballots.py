"""Protocol B: encrypting, reading and verifying ballots (docs/spec/ballots.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gmpy2 import mpz

from voting.crypto.elgamal import Ciphertext, PublicKey, combine, encrypt
from voting.crypto.group import Element, Group
from voting.crypto.kdf import Derivation
from voting.crypto.membership import MembershipProof, commit, commitments_of, respond
from voting.crypto.product import Product
from voting.crypto.signatures import SigningKey, VerifyKey
from voting.crypto.transcript import challenge, scalar_from
from voting.protocol.encoding import Hash, encode, from_base64, sha256, to_base64
from voting.protocol.entries import sign_content, verify_entry_signature
from voting.protocol.errors import DecodeError, SelectionError, SignatureInvalid, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import Ballot, ConstraintProof, EncryptedValue, Hints, Signed
from voting.protocol.shape import BallotShape

BALLOT = "ballot.cast"
SEED_BYTES = 32


class BallotContext(NamedTuple):
    """What making or checking a ballot needs to know of its election."""

    manifest: Manifest
    election: Hash
    """Election id: hash of the body of `election.opened`."""
    key: PublicKey
    """The joint key K."""

    @property
    def group(self) -> Group:
        return self.key.group

    @property
    def shape(self) -> BallotShape:
        return self.manifest.shape


class EncryptedBallot(NamedTuple):
    """A finished ballot, ready to be cast."""

    body: bytes
    """Canonical bytes of the entry's body."""
    hints: bytes
    """Canonical bytes of `Hints`."""
    hash: Hash
    """The ballot hash: SHA-256 of the ballot without its signature."""


class UnsignedBallot(NamedTuple):
    """A ballot without its signature: all that follows from the choices, the seed and the voter's public key."""

    ballot: Ballot
    hints: bytes
    """Canonical bytes of `Hints`."""

    @property
    def hash(self) -> Hash:
        """The ballot hash."""
        return sha256(encode(self.ballot))


class ParsedBallot(NamedTuple):
    """A ballot whose values are in the group and whose scalars are in range; its proofs are not checked yet."""

    credential: bytes
    ciphertexts: tuple[Ciphertext, ...]
    challenge: mpz
    proofs: tuple[MembershipProof, ...]


# -- making a ballot ---------------------------------------------------------------------------------------------------


def encode_selections(manifest: Manifest, selections: Sequence[Any]) -> tuple[int, ...]:
    """Protocol B1: the plain values of a ballot with these choices.

    Raises:
        SelectionError: if the choices break a question's rules. Names the question, never the choices.
    """
    values: list[int] = []
    for position, (question, selection) in enumerate(zip(manifest.questions, selections, strict=True)):
        try:
            values.extend(question.encode_selection(selection))
        except SelectionError as error:
            raise error.at(f"question {position + 1}") from None
    return tuple(values)


def encrypt_ballot(
    context: BallotContext, credential: SigningKey, selections: Sequence[Any], seed: bytes
) -> EncryptedBallot:
    """Protocol B4: encrypt, prove and sign a ballot. The result follows from the arguments alone.

    Args:
        context: the election.
        credential: the voter's key.
        selections: one per question.
        seed: 32 fresh random bytes, for this ballot only.

    Raises:
        SelectionError: if the choices break a question's rules.
    """
    return encrypt_values(context, credential, encode_selections(context.manifest, selections), seed)


def encrypt_values(
    context: BallotContext, credential: SigningKey, values: Sequence[int], seed: bytes
) -> EncryptedBallot:
    """As `encrypt_ballot` (B4), from plain values. Raises ValueError if they break a constraint."""
    unsigned = build_ballot(context, credential.verify_key.raw, values, seed)
    body = sign_content(BALLOT, context.manifest.hash, unsigned.ballot, credential)
    return EncryptedBallot(body, unsigned.hints, unsigned.hash)


def build_ballot(context: BallotContext, credential: bytes, values: Sequence[int], seed: bytes) -> UnsignedBallot:
    """Protocol B4a: encrypt and prove, without signing. An opening is rechecked with this: it needs no secret key.

    Args:
        credential: raw Ed25519 public key of the voter.
        values: plain values, one per value of the shape.
        seed: 32 bytes.

    Raises:
        ValueError: if the values break a constraint, or the seed is not 32 bytes long.
    """
    group, shape, key = context.group, context.shape, context.key
    if len(values) != shape.values or shape.violated(values):
        raise ValueError("the values do not have the shape of the ballot")
    randomness = _derivation(context, credential, values, seed)
    nonces = [scalar_from(group, randomness.bytes(48, _position("nonce", index))) for index in range(shape.values)]
    ciphertexts = [encrypt(key, value, nonce) for value, nonce in zip(values, nonces, strict=True)]
    commitments = []
    for position, constraint in enumerate(shape.constraints):
        terms = constraint.combination.terms
        nonce = mpz(sum(coefficient * nonces[index] for index, coefficient in terms)) % group.q
        draws = []
        for branch in range(len(constraint.allowed)):
            drawn = randomness.bytes(96, _position("proof", position, branch))
            draws.append((scalar_from(group, drawn[:48]), scalar_from(group, drawn[48:])))
        message = constraint.combination.of(values)
        commitments.append(commit(key, constraint.allowed, message, nonce, draws))
    encoded = [element.encode_unsigned() for commitment in commitments for element in commitment.elements]
    c = ballot_challenge(context, credential, encode_parts(ciphertexts), encoded)
    proofs = [respond(key, commitment, c) for commitment in commitments]
    ballot = Ballot(
        challenge=to_base64(group.encode_scalar(c)),
        ciphertexts=tuple(EncryptedValue(to_base64(a.encode()), to_base64(b.encode())) for a, b in ciphertexts),
        credential=to_base64(credential),
        election=context.election,
        proofs=tuple(_encode_proof(group, proof) for proof in proofs),
    )
    return UnsignedBallot(ballot, encode(Hints(tuple(map(to_base64, encoded)))))


def _derivation(context: BallotContext, credential: bytes, values: Sequence[int], seed: bytes) -> Derivation:
    """Protocol B2: all nonces and prover randomness from the seed and the statement (HKDF-SHA256).

    The statement is part of it, so that a seed used twice by mistake repeats no nonce.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError("a ballot seed has 32 bytes")
    plain = b"".join(value.to_bytes(4, "big") for value in values)
    return Derivation(seed, "ballot", bytes.fromhex(context.election), credential, plain)


def _position(kind: str, *indices: int) -> bytes:
    return kind.encode("ascii") + b"".join(index.to_bytes(4, "big") for index in indices)


def ballot_challenge(
    context: BallotContext, credential: bytes, parts: Sequence[bytes], commitments: Sequence[bytes]
) -> mpz:
    """Protocol B5: c = H("ballot", election id, credential key, all ciphertexts, all commitments), in order.

    Args:
        credential: raw Ed25519 key of the voter.
        parts: alpha and beta of every ciphertext, encoded.
        commitments: encoded without their sign (G5).
    """
    return challenge(context.group, "ballot", bytes.fromhex(context.election), credential, *parts, *commitments)


def encode_parts(ciphertexts: Sequence[Ciphertext]) -> list[bytes]:
    """Alpha and beta of every ciphertext in order, encoded as they are hashed."""
    return [part.encode() for ciphertext in ciphertexts for part in ciphertext]


def _encode_proof(group: Group, proof: MembershipProof) -> ConstraintProof:
    return ConstraintProof(
        tuple(to_base64(group.encode_scalar(c)) for c in proof.challenges[:-1]),
        tuple(to_base64(group.encode_scalar(z)) for z in proof.responses),
    )


# -- checking a ballot -------------------------------------------------------------------------------------------------


def verify_ballot(context: BallotContext, entry: Signed[Ballot], body: bytes, *, subject: str) -> None:
    """Protocol B8: everything about one ballot but its place in the election: checks 11 (signature), 12, 13 and 14.

    Args:
        entry: the parsed body.
        body: its published bytes.
        subject: how errors name it, e.g. "entry 17".

    Raises:
        VerificationError: naming the first check that fails.
    """
    verify_ballot_signature(context.manifest.hash, entry, body, subject=subject)
    verify_ballot_proofs(context, parse_ballot(context, entry.content, subject=subject), subject=subject)


def verify_ballot_signature(manifest: Hash, entry: Signed[Ballot], body: bytes, *, subject: str) -> None:
    """Protocol B9 (check 11): the credential's signature over the ballot hash."""
    try:
        key = VerifyKey.decode(from_base64(entry.content.credential, 32, what="credential"), what="credential")
        verify_entry_signature(BALLOT, manifest, body, entry.signature, key)
    except (DecodeError, SignatureInvalid) as error:
        raise VerificationError("11", subject, str(error)) from None


def parse_ballot(context: BallotContext, ballot: Ballot, *, subject: str) -> ParsedBallot:
    """Protocol B10 (checks 13 and 12): the ballot has exactly the manifest's shape, and every value is in the group."""
    c, proofs = parse_proofs(context, ballot, subject=subject)
    group = context.group
    try:
        ciphertexts = tuple(
            decode_ciphertext(group, value, what=f"ciphertexts[{position}]")
            for position, value in enumerate(ballot.ciphertexts)
        )
    except DecodeError as error:
        raise VerificationError("12", subject, str(error)) from None
    return ParsedBallot(from_base64(ballot.credential, 32, what="credential"), ciphertexts, c, proofs)


def parse_proofs(context: BallotContext, ballot: Ballot, *, subject: str) -> tuple[mpz, tuple[MembershipProof, ...]]:
    """Protocol B10a (check 13): the shape, the challenge and all proofs with their last challenges."""
    verify_shape(context.shape, ballot, subject=subject)
    group = context.group
    try:
        c = group.decode_scalar(from_base64(ballot.challenge, 32, what="challenge"), what="challenge")
        proofs = tuple(
            _decode_proof(group, proof, c, f"proofs[{position}]") for position, proof in enumerate(ballot.proofs)
        )
    except DecodeError as error:
        raise VerificationError("13", subject, str(error)) from None
    return c, proofs


def verify_shape(shape: BallotShape, ballot: Ballot, *, subject: str) -> None:
    """Protocol B11 (check 13): the numbers of ciphertexts, proofs, challenges and responses are the shape's."""
    if len(ballot.ciphertexts) != shape.values:
        raise VerificationError(
            "13", subject, "wrong number of ciphertexts", expected=str(shape.values), found=str(len(ballot.ciphertexts))
        )
    if len(ballot.proofs) != len(shape.constraints):
        raise VerificationError(
            "13", subject, "wrong number of proofs", expected=str(len(shape.constraints)), found=str(len(ballot.proofs))
        )
    for position, (constraint, proof) in enumerate(zip(shape.constraints, ballot.proofs, strict=True)):
        branches = len(constraint.allowed)
        if len(proof.responses) != branches or len(proof.challenges) != branches - 1:
            raise VerificationError(
                "13",
                subject,
                f"proofs[{position}] has the wrong number of branches",
                expected=str(branches),
                found=f"{len(proof.challenges)} challenges, {len(proof.responses)} responses",
            )


def decode_ciphertext(group: Group, value: EncryptedValue, *, what: str) -> Ciphertext:
    """Protocol C4: read a ciphertext; both parts must be members of the group. Raises DecodeError or NotInGroup."""
    return Ciphertext(
        decode_element(group, value.alpha, what=f"{what}.alpha"), decode_element(group, value.beta, what=f"{what}.beta")
    )


def decode_element(group: Group, text: str, *, what: str) -> Element:
    """Protocol G8: read an element from base64url. Raises DecodeError or NotInGroup."""
    return group.decode(from_base64(text, group.element_bytes, what=what), what=what)


def _decode_proof(group: Group, proof: ConstraintProof, c: mpz, what: str) -> MembershipProof:
    challenges = [
        group.decode_scalar(from_base64(text, 32, what=f"{what}.challenges"), what=f"{what}.challenges")
        for text in proof.challenges
    ]
    challenges.append((c - sum(challenges)) % group.q)
    responses = tuple(
        group.decode_scalar(from_base64(text, 32, what=f"{what}.responses"), what=f"{what}.responses")
        for text in proof.responses
    )
    return MembershipProof(tuple(challenges), responses)


def ballot_commitments(context: BallotContext, ballot: ParsedBallot) -> Iterator[Product]:
    """Protocol B12: all commitments of a ballot as products not yet computed, in the order of the hash."""
    for constraint, proof in zip(context.shape.constraints, ballot.proofs, strict=True):
        combination = constraint.combination
        combined = combine(context.group, ballot.ciphertexts, combination.terms, combination.constant)
        yield from commitments_of(context.key, combined, constraint.allowed, proof)


def verify_ballot_proofs(context: BallotContext, ballot: ParsedBallot, *, subject: str) -> None:
    """Protocol B13 (check 14): the plain check: recompute every commitment and compare the challenge."""
    commitments = [product.compute().encode_unsigned() for product in ballot_commitments(context, ballot)]
    parts = encode_parts(ballot.ciphertexts)
    if ballot_challenge(context, ballot.credential, parts, commitments) != ballot.challenge:
        raise VerificationError("14", subject, "the proofs of the ballot do not hold")
