"""Protocol T: the trustees' ceremony as the board shows it (docs/spec/trustees.md).

`Ceremony` is replayed from the entries. Every method checks one entry against the state and then takes it in; if it
raises, nothing has changed. The secrets of the ceremony are with `trustee_tools`, not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gmpy2 import mpz

from voting.crypto.errors import ProofError
from voting.crypto.group import Element, Group
from voting.crypto.schnorr import SchnorrProof, verify_knowledge
from voting.crypto.sealing import require_public
from voting.crypto.sharing import joint_key, verification_key, verify_share
from voting.crypto.signatures import VerifyKey
from voting.election.ballots import decode_element
from voting.protocol.encoding import Hash, encode, from_base64, sha256, to_base64
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import (
    Coefficients,
    Proof,
    SealedShare,
    TrusteeAnswered,
    TrusteeCommitted,
    TrusteeComplained,
    TrusteeConfirmed,
    TrusteeDealt,
    TrusteeJoined,
    TrusteeRestarted,
)

KNOWLEDGE = "trustee-knowledge"
"""Purpose of the proofs of knowledge of the coefficients."""


def knowledge_context(coefficients: Coefficients, position: int) -> tuple[bytes, ...]:
    """Protocol T9: what a proof of knowledge is bound to: manifest, ceremony, trustee and coefficient."""
    numbers = (coefficients.attempt, coefficients.index, position)
    return bytes.fromhex(coefficients.manifest), *(number.to_bytes(4, "big") for number in numbers)


def coefficients_hash(coefficients: Coefficients) -> Hash:
    """Protocol T10: what a trustee publishes in round 1: SHA-256 of the canonical coefficients of round 2."""
    return sha256(encode(coefficients))


def encode_proof(group: Group, proof: SchnorrProof) -> Proof:
    return Proof(to_base64(group.encode_scalar(proof.challenge)), to_base64(group.encode_scalar(proof.response)))


def decode_proof(group: Group, proof: Proof, *, what: str) -> tuple[mpz, mpz]:
    """The scalars of a proof. Raises DecodeError."""
    return (
        group.decode_scalar(from_base64(proof.challenge, 32, what=f"{what}.challenge"), what=f"{what}.challenge"),
        group.decode_scalar(from_base64(proof.response, 32, what=f"{what}.response"), what=f"{what}.response"),
    )


@dataclass
class TrusteeState:
    """What the board shows of one trustee in the current ceremony."""

    index: int
    name: str
    signing_key: VerifyKey | None = None
    sealing_key: bytes = b""
    commitments_hash: Hash | None = None
    commitments: tuple[Element, ...] = ()
    sealed_shares: dict[int, SealedShare] = field(default_factory=dict)
    """Recipient -> the share sealed to them."""
    confirmed: bool = False
    times: dict[str, str] = field(default_factory=dict)
    """Entry type -> when this trustee made it."""


class Ceremony:
    """The state of the current ceremony; `failed` names a dealer who was caught."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.group = manifest.crypto_group()
        self.attempt = 1
        self.excluded: tuple[int, ...] = ()
        self._start()

    def _start(self) -> None:
        self.trustees: dict[int, TrusteeState] = {
            index: TrusteeState(index, info.name)
            for index, info in enumerate(self.manifest.trustees, start=1)
            if index not in self.excluded
        }
        self.complaints: dict[tuple[int, int], str] = {}
        """(dealer, complaining trustee) -> "open" or "settled"."""
        self.answers: dict[tuple[int, int], mpz] = {}
        """(dealer, complaining trustee) -> the share that was published to settle a complaint."""
        self.failed: int | None = None
        self.joint: Element | None = None

    # -- where the ceremony stands -------------------------------------------------------------------------------------

    @property
    def all_joined(self) -> bool:
        return all(t.signing_key is not None for t in self.trustees.values())

    @property
    def all_committed(self) -> bool:
        return all(t.commitments for t in self.trustees.values())

    @property
    def all_dealt(self) -> bool:
        return all(t.sealed_shares for t in self.trustees.values())

    @property
    def complete(self) -> bool:
        """All have confirmed and no complaint is open: the joint key may be used."""
        return self.failed is None and all(t.confirmed for t in self.trustees.values())

    @property
    def all_commitments(self) -> list[tuple[Element, ...]]:
        return [self.trustees[index].commitments for index in sorted(self.trustees)]

    def verification_key(self, index: int) -> Element:
        """V_j of trustee j; all must have committed."""
        return verification_key(self.group, self.all_commitments, index)

    def joint_key(self) -> Element:
        """K; all must have committed."""
        if self.joint is None:
            self.joint = joint_key(self.group, self.all_commitments)
        return self.joint

    def signer(self, index: int, subject: str) -> VerifyKey:
        """The signing key of a trustee who has joined. Raises VerificationError (check 05) for anybody else."""
        trustee = self.trustees.get(index)
        if trustee is None or trustee.signing_key is None:
            raise VerificationError("05", subject, f"trustee {index} is not part of this ceremony or has not joined")
        return trustee.signing_key

    # -- entries -------------------------------------------------------------------------------------------------------

    def join(self, entry: TrusteeJoined, *, subject: str) -> None:
        """Protocol T11: round 1. A trustee joins once, under the name of the manifest, with keys nobody else has."""
        self._require_attempt(entry.attempt, subject)
        trustee = self.trustees.get(entry.index)
        if trustee is None:
            raise VerificationError("07", subject, f"there is no trustee {entry.index} in this ceremony")
        if trustee.signing_key is not None:
            raise VerificationError("07", subject, f"trustee {entry.index} has joined already")
        if entry.name != trustee.name:
            raise VerificationError("07", subject, f"the name of trustee {entry.index} is not the manifest's")
        try:
            signing_key = VerifyKey.decode(from_base64(entry.signing_key, 32, what="signing_key"), what="signing_key")
            sealing_key = from_base64(entry.sealing_key, 32, what="sealing_key")
            require_public(sealing_key, what="sealing_key")
        except DecodeError as error:
            raise VerificationError("07", subject, str(error)) from None
        others = [t for t in self.trustees.values() if t.signing_key is not None]
        if any(t.signing_key == signing_key or t.sealing_key == sealing_key for t in others):
            raise VerificationError("07", subject, "another trustee has the same key")
        trustee.signing_key = signing_key
        trustee.sealing_key = sealing_key
        trustee.commitments_hash = entry.commitments
        trustee.times["trustee.joined"] = entry.time

    def commit(self, entry: TrusteeCommitted, *, subject: str) -> None:
        """Protocol T12: round 2, when all have joined: coefficients fit their hash, proofs of knowledge hold."""
        coefficients = entry.coefficients
        self._require_attempt(coefficients.attempt, subject)
        trustee = self.trustees[coefficients.index]
        if not self.all_joined:
            raise VerificationError("07", subject, "not all trustees have joined yet")
        if trustee.commitments:
            raise VerificationError("07", subject, f"trustee {trustee.index} has committed already")
        if coefficients_hash(coefficients) != trustee.commitments_hash:
            raise VerificationError("06", subject, "the coefficients do not fit the hash of round 1")
        threshold = self.manifest.threshold
        if len(coefficients.elements) != threshold or len(entry.proofs) != threshold:
            raise VerificationError(
                "06",
                subject,
                "wrong number of coefficients or proofs",
                expected=str(threshold),
                found=f"{len(coefficients.elements)} and {len(entry.proofs)}",
            )
        elements = []
        try:
            for position, (text, wire) in enumerate(zip(coefficients.elements, entry.proofs, strict=True)):
                element = decode_element(self.group, text, what=f"elements[{position}]")
                if element == self.group.identity:
                    raise DecodeError("is 1", where=f"elements[{position}]")
                proof = SchnorrProof(*decode_proof(self.group, wire, what=f"proofs[{position}]"))
                verify_knowledge(proof, element, *knowledge_context(coefficients, position), purpose=KNOWLEDGE)
                elements.append(element)
        except (DecodeError, ProofError) as error:
            raise VerificationError("06", subject, str(error)) from None
        trustee.commitments = tuple(elements)
        trustee.times["trustee.committed"] = entry.time

    def deal(self, entry: TrusteeDealt, *, subject: str) -> None:
        """Protocol T13: round 3, when all have committed: one sealed share for every trustee."""
        self._require_attempt(entry.attempt, subject)
        trustee = self.trustees[entry.index]
        if not self.all_committed:
            raise VerificationError("07", subject, "not all trustees have committed yet")
        if trustee.sealed_shares:
            raise VerificationError("07", subject, f"trustee {entry.index} has dealt already")
        if len(entry.shares) != len(self.trustees):
            raise VerificationError(
                "07", subject, "wrong number of shares", expected=str(len(self.trustees)), found=str(len(entry.shares))
            )
        trustee.sealed_shares = dict(zip(sorted(self.trustees), entry.shares, strict=True))
        trustee.times["trustee.dealt"] = entry.time

    def confirm(self, entry: TrusteeConfirmed, *, subject: str) -> None:
        """Protocol T14: round 4, when all have dealt and this trustee's complaints are settled."""
        self._require_attempt(entry.attempt, subject)
        trustee = self.trustees[entry.index]
        self._require_dealt(subject)
        if trustee.confirmed:
            raise VerificationError("07", subject, f"trustee {entry.index} has confirmed already")
        if any(state == "open" for (_, who), state in self.complaints.items() if who == entry.index):
            raise VerificationError("07", subject, f"a complaint of trustee {entry.index} is still open")
        if self.joint_key() == self.group.identity:
            raise VerificationError("08", subject, "the joint key is 1")
        for text, key, what in (
            (entry.joint_key, self.joint_key(), "joint key"),
            (entry.verification_key, self.verification_key(entry.index), "verification key"),
        ):
            if text != to_base64(key.encode()):
                raise VerificationError("08", subject, f"the {what} does not follow from the commitments")
        trustee.confirmed = True
        trustee.times["trustee.confirmed"] = entry.time

    def complain(self, entry: TrusteeComplained, *, subject: str) -> None:
        """Protocol T15: round 4 instead of confirming: the share from `dealer` does not open or does not fit."""
        self._require_attempt(entry.attempt, subject)
        self._require_dealt(subject)
        if entry.dealer not in self.trustees or entry.dealer == entry.index:
            raise VerificationError("07", subject, "the complaint names no other trustee of this ceremony")
        if self.trustees[entry.index].confirmed:
            raise VerificationError("07", subject, f"trustee {entry.index} has confirmed already")
        if (entry.dealer, entry.index) in self.complaints:
            raise VerificationError("07", subject, "this complaint was made before")
        self.complaints[entry.dealer, entry.index] = "open"
        self.trustees[entry.index].times["trustee.complained"] = entry.time

    def answer(self, entry: TrusteeAnswered, *, subject: str) -> None:
        """Protocol T16: the dealer publishes the share. If it fits, the complaint is settled; if not, the ceremony has
        failed and the dealer is named."""
        self._require_attempt(entry.attempt, subject)
        if self.complaints.get((entry.index, entry.recipient)) != "open":
            raise VerificationError("07", subject, "there is no open complaint that this could answer")
        try:
            share = self.group.decode_scalar(from_base64(entry.share, 32, what="share"), what="share")
        except DecodeError as error:
            raise VerificationError("07", subject, str(error)) from None
        try:
            verify_share(self.group, self.trustees[entry.index].commitments, entry.recipient, share)
        except ProofError:
            self.failed = entry.index
            return
        self.complaints[entry.index, entry.recipient] = "settled"
        self.answers[entry.index, entry.recipient] = share
        self.trustees[entry.index].times["trustee.answered"] = entry.time

    def restart(self, entry: TrusteeRestarted, *, subject: str) -> None:
        """Protocol T17: the administrator begins a new ceremony without the trustees named."""
        if entry.attempt != self.attempt + 1:
            raise VerificationError(
                "07", subject, "wrong number of the ceremony", expected=str(self.attempt + 1), found=str(entry.attempt)
            )
        known = range(1, len(self.manifest.trustees) + 1)
        if list(entry.excluded) != sorted(set(entry.excluded)) or any(i not in known for i in entry.excluded):
            raise VerificationError("07", subject, "the excluded trustees are not distinct, known and in rising order")
        if not set(self.excluded) <= set(entry.excluded):
            raise VerificationError("07", subject, "a trustee who was excluded before comes back")
        if len(known) - len(entry.excluded) < self.manifest.threshold:
            raise VerificationError("07", subject, "fewer trustees would be left than are needed to decrypt")
        self.attempt = entry.attempt
        self.excluded = entry.excluded
        self._start()

    def _require_attempt(self, attempt: int, subject: str) -> None:
        if attempt != self.attempt:
            raise VerificationError(
                "07", subject, "belongs to another ceremony", expected=str(self.attempt), found=str(attempt)
            )
        if self.failed is not None:
            raise VerificationError(
                "07",
                subject,
                f"the ceremony has failed: trustee {self.failed} dealt a wrong share; it must be restarted",
            )

    def _require_dealt(self, subject: str) -> None:
        if not self.all_dealt:
            raise VerificationError("07", subject, "not all trustees have dealt their shares yet")
