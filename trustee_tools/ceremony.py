"""Protocol T: what a trustee does in each round, as pure functions (docs/spec/trustees.md).

Everything a trustee keeps derives from one seed. Shares from other trustees are re-read from the board when needed.
Each function makes the body of one entry; nothing here reads a file or writes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.errors import DecodeError, ProofError
from voting.crypto.group import Group
from voting.crypto.kdf import derive, frame
from voting.crypto.schnorr import prove_knowledge
from voting.crypto.sealing import Sealed, SealingKey, seal
from voting.crypto.sharing import commit_coefficients, evaluate, verify_share
from voting.crypto.signatures import SigningKey
from voting.crypto.transcript import scalar_from
from voting.election.ceremony import KNOWLEDGE, Ceremony, coefficients_hash, encode_proof, knowledge_context
from voting.protocol.encoding import from_base64, to_base64
from voting.protocol.entries import sign_content
from voting.protocol.errors import UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import (
    Coefficients,
    Message,
    SealedShare,
    TrusteeAnswered,
    TrusteeCommitted,
    TrusteeComplained,
    TrusteeConfirmed,
    TrusteeDealt,
    TrusteeJoined,
)

RandomBytes = Callable[[int], bytes]


class TrusteeSecrets:
    """Protocol T18: all keys of one trustee in one election, from a 32-byte seed and the manifest's hash."""

    def __init__(self, seed: bytes, manifest: Manifest, index: int) -> None:
        context = (bytes.fromhex(manifest.hash), index.to_bytes(4, "big"))
        self.manifest = manifest
        self.index = index
        self.signing_key = SigningKey.from_seed(derive(seed, "trustee-signing", *context, length=32))
        self.sealing_key = SealingKey.from_seed(derive(seed, "trustee-sealing", *context, length=32))
        self._seed = derive(seed, "trustee-polynomial", *context, length=32)

    def __repr__(self) -> str:
        return f"TrusteeSecrets(trustee {self.index})"

    def polynomial(self, group: Group, attempt: int) -> list[mpz]:
        """a_0 .. a_(k-1) of this trustee in one ceremony; another ceremony has another polynomial."""
        numbers = (
            derive(self._seed, "coefficient", attempt.to_bytes(4, "big"), position.to_bytes(4, "big"), length=48)
            for position in range(self.manifest.threshold)
        )
        return [scalar_from(group, number) for number in numbers]

    def coefficients(self, group: Group, attempt: int) -> Coefficients:
        """The public commitments A_m = g^a_m, as round 2 publishes them."""
        elements = commit_coefficients(group, self.polynomial(group, attempt))
        encoded = tuple(to_base64(element.encode()) for element in elements)
        return Coefficients(attempt=attempt, elements=encoded, index=self.index, manifest=self.manifest.hash)


class Step(NamedTuple):
    """An entry that a trustee is about to publish."""

    entry_type: str
    body: bytes


def sealing_context(manifest: Manifest, attempt: int, dealer: int, recipient: int) -> tuple[bytes, bytes]:
    """Protocol T19: `info` and associated data of a sealed share: election and ceremony, dealer and recipient."""
    info = frame(b"urne-v1-share", bytes.fromhex(manifest.hash), attempt.to_bytes(4, "big"))
    return info, frame(dealer.to_bytes(4, "big"), recipient.to_bytes(4, "big"))


def join(secrets: TrusteeSecrets, ceremony: Ceremony, time: str) -> Step:
    """Protocol T11: round 1: keys, and the hash of what round 2 will publish."""
    content = TrusteeJoined(
        attempt=ceremony.attempt,
        commitments=coefficients_hash(secrets.coefficients(ceremony.group, ceremony.attempt)),
        index=secrets.index,
        manifest=secrets.manifest.hash,
        name=secrets.manifest.trustees[secrets.index - 1].name,
        sealing_key=to_base64(secrets.sealing_key.public),
        signing_key=to_base64(secrets.signing_key.verify_key.raw),
        time=time,
    )
    return _step("trustee.joined", secrets, content)


def commit(secrets: TrusteeSecrets, ceremony: Ceremony, time: str, random_bytes: RandomBytes) -> Step:
    """Protocol T12: round 2: the commitments, with a proof of knowledge of each coefficient."""
    group = ceremony.group
    coefficients = secrets.coefficients(group, ceremony.attempt)
    polynomial = secrets.polynomial(group, ceremony.attempt)
    proofs = []
    for position, secret in enumerate(polynomial):
        context = knowledge_context(coefficients, position)
        proof = prove_knowledge(secret, group.g.power(secret), *context, purpose=KNOWLEDGE, random_bytes=random_bytes)
        proofs.append(encode_proof(group, proof))
    return _step(
        "trustee.committed", secrets, TrusteeCommitted(coefficients=coefficients, proofs=tuple(proofs), time=time)
    )


def deal(secrets: TrusteeSecrets, ceremony: Ceremony, time: str) -> Step:
    """Protocol T13: round 3: f(j), sealed to every trustee j of the ceremony."""
    group = ceremony.group
    polynomial = secrets.polynomial(group, ceremony.attempt)
    shares = []
    for recipient in sorted(ceremony.trustees):
        share = group.encode_scalar(evaluate(group, polynomial, recipient))
        info, associated = sealing_context(secrets.manifest, ceremony.attempt, secrets.index, recipient)
        sealed = seal(ceremony.trustees[recipient].sealing_key, info, associated, share)
        shares.append(
            SealedShare(ciphertext=to_base64(sealed.ciphertext), encapsulation=to_base64(sealed.encapsulation))
        )
    content = TrusteeDealt(
        attempt=ceremony.attempt,
        index=secrets.index,
        manifest=secrets.manifest.hash,
        shares=tuple(shares),
        time=time,
    )
    return _step("trustee.dealt", secrets, content)


def open_share(secrets: TrusteeSecrets, ceremony: Ceremony, dealer: int) -> mpz:
    """Protocol T20: the share f_i(j) from dealer i, opened and checked against its commitments (T4).

    A share that was published to settle a complaint replaces the sealed one.

    Raises:
        ProofError: if it does not open, is no scalar, or does not fit the commitments.
    """
    group = ceremony.group
    answer = ceremony.answers.get((dealer, secrets.index))
    if answer is not None:
        return answer
    sealed = ceremony.trustees[dealer].sealed_shares[secrets.index]
    info, associated = sealing_context(secrets.manifest, ceremony.attempt, dealer, secrets.index)
    try:
        opened = secrets.sealing_key.open(
            Sealed(
                from_base64(sealed.encapsulation, None, what="encapsulation"),
                from_base64(sealed.ciphertext, None, what="ciphertext"),
            ),
            info,
            associated,
        )
        share = group.decode_scalar(opened, what="share")
    except DecodeError:
        raise ProofError(f"the share from trustee {dealer} does not open") from None
    verify_share(group, ceremony.trustees[dealer].commitments, secrets.index, share)
    return share


def faulty_dealers(secrets: TrusteeSecrets, ceremony: Ceremony) -> list[int]:
    """Dealers whose share for this trustee does not open or does not fit, in rising order."""
    faulty = []
    for dealer in sorted(ceremony.trustees):
        try:
            open_share(secrets, ceremony, dealer)
        except ProofError:
            faulty.append(dealer)
    return faulty


def confirm(secrets: TrusteeSecrets, ceremony: Ceremony, time: str) -> Step:
    """Protocol T14: round 4: all shares fit, and this is the joint key I see.

    Raises:
        ProofError: if a share does not fit: complain instead.
    """
    for dealer in sorted(ceremony.trustees):
        open_share(secrets, ceremony, dealer)
    content = TrusteeConfirmed(
        attempt=ceremony.attempt,
        index=secrets.index,
        joint_key=to_base64(ceremony.joint_key().encode()),
        manifest=secrets.manifest.hash,
        time=time,
        verification_key=to_base64(ceremony.verification_key(secrets.index).encode()),
    )
    return _step("trustee.confirmed", secrets, content)


def complain(secrets: TrusteeSecrets, ceremony: Ceremony, dealer: int, time: str) -> Step:
    """Protocol T15: round 4 instead: the share from `dealer` is wrong."""
    content = TrusteeComplained(
        attempt=ceremony.attempt, dealer=dealer, index=secrets.index, manifest=secrets.manifest.hash, time=time
    )
    return _step("trustee.complained", secrets, content)


def answer(secrets: TrusteeSecrets, ceremony: Ceremony, recipient: int, time: str) -> Step:
    """Protocol T16: publish the share that `recipient` complained about."""
    group = ceremony.group
    share = evaluate(group, secrets.polynomial(group, ceremony.attempt), recipient)
    content = TrusteeAnswered(
        attempt=ceremony.attempt,
        index=secrets.index,
        manifest=secrets.manifest.hash,
        recipient=recipient,
        share=to_base64(group.encode_scalar(share)),
        time=time,
    )
    return _step("trustee.answered", secrets, content)


def verify_own_part(secrets: TrusteeSecrets, ceremony: Ceremony) -> None:
    """Protocol T25: what the board shows of this trustee is what their key file gives: keys and commitments.

    With the commitments, the trustee's part of the joint key is theirs too. Nothing is checked before they joined.

    Raises:
        ProofError: if the board shows anything else.
    """
    trustee = ceremony.trustees.get(secrets.index)
    if trustee is None or trustee.signing_key is None:
        return
    where = f"trustee {secrets.index} ({trustee.name})"
    coefficients = secrets.coefficients(ceremony.group, ceremony.attempt)
    commitments = tuple(to_base64(element.encode()) for element in trustee.commitments)
    for what, shown, own in (
        ("another signing key", trustee.signing_key, secrets.signing_key.verify_key),
        ("another sealing key", trustee.sealing_key, secrets.sealing_key.public),
        ("another hash of the commitments", trustee.commitments_hash, coefficients_hash(coefficients)),
        ("other commitments", commitments or coefficients.elements, coefficients.elements),
    ):
        if shown != own:
            raise ProofError(
                f"the board shows {what} than this key file gives",
                where=where,
                remedy="use the key file you joined with; if this is it, stop and tell the other trustees",
            )


def decryption_secret(secrets: TrusteeSecrets, ceremony: Ceremony) -> mpz:
    """Protocol T21: s_j = sum over the dealers of f_i(j), from the board and this trustee's keys.

    Raises:
        ProofError: if a share does not open or fit.
        UsageError: if the key file is not the one that took part in the ceremony.
    """
    group = ceremony.group
    total = mpz(0)
    for dealer in sorted(ceremony.trustees):
        total += open_share(secrets, ceremony, dealer)
    secret = total % group.q
    if group.g.power(secret) != ceremony.verification_key(secrets.index):
        raise UsageError(
            "this key file does not belong to this trustee", remedy="use the file made with `urne-trustee init`"
        )
    return secret


def _step(entry_type: str, secrets: TrusteeSecrets, content: Message) -> Step:
    return Step(entry_type, sign_content(entry_type, secrets.manifest.hash, content, secrets.signing_key))
