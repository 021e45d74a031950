"""Protocol N: every message and board entry, in the order of an election (docs/spec/entries.md).

The body of an entry is `Signed[Content]`: the content and an Ed25519 signature over its bytes. All fields are always
present; numbers are integers; byte strings are base64url, hashes hexadecimal. Group elements and scalars stay text
here: `voting.election` turns them into members of the group, which is where membership is checked.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from voting.protocol.encoding import Hash
from voting.protocol.manifest import Manifest
from voting.protocol.methods import AnyOutcome

C = TypeVar("C")


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all messages."""


class Signed(Message, Generic[C], frozen=True):
    """A content and its author's signature (see `voting.protocol.entries.signing_input`)."""

    content: C
    signature: str


class Proof(Message, frozen=True):
    """Challenge and response of a Schnorr or Chaum-Pedersen proof; scalars."""

    challenge: str
    response: str


# -- definition --------------------------------------------------------------------------------------------------------


class ElectionDefined(Message, frozen=True):
    """Protocol N10: `election.defined`, by the administrator: the first entry."""

    manifest: Manifest
    time: str


# -- trustees ----------------------------------------------------------------------------------------------------------


class TrusteeJoined(Message, frozen=True):
    """Protocol N11: `trustee.joined`, round 1, by the trustee (signed with the key that it announces)."""

    attempt: int
    """1 for the first ceremony, one more after each `trustee.restarted`."""
    commitments: Hash
    """SHA-256 of the canonical `Coefficients` that round 2 will publish."""
    index: int
    manifest: Hash
    name: str
    sealing_key: str
    """X25519 key for HPKE."""
    signing_key: str
    """Ed25519 key of all later entries of this trustee."""
    time: str


class Coefficients(Message, frozen=True):
    """What the hash of round 1 commits to: A_0 .. A_(k-1) of one trustee in one ceremony."""

    attempt: int
    elements: tuple[str, ...]
    index: int
    manifest: Hash


class TrusteeCommitted(Message, frozen=True):
    """Protocol N12: `trustee.committed`, round 2, when all have joined."""

    coefficients: Coefficients
    proofs: tuple[Proof, ...]
    """Proof of knowledge of each coefficient."""
    time: str


class SealedShare(Message, frozen=True):
    """f_i(j), 32 bytes, sealed with HPKE to trustee j."""

    ciphertext: str
    encapsulation: str


class TrusteeDealt(Message, frozen=True):
    """Protocol N13: `trustee.dealt`, round 3, when all have committed: one sealed share per trustee, by index."""

    attempt: int
    index: int
    manifest: Hash
    shares: tuple[SealedShare, ...]
    time: str


class TrusteeConfirmed(Message, frozen=True):
    """Protocol N14: `trustee.confirmed`, round 4: all shares received fit, and this is the key I see."""

    attempt: int
    index: int
    joint_key: str
    manifest: Hash
    time: str
    verification_key: str
    """V_j of this trustee."""


class TrusteeComplained(Message, frozen=True):
    """Protocol N15: `trustee.complained`, round 4: the share that `dealer` sealed to me does not open or fit."""

    attempt: int
    dealer: int
    index: int
    manifest: Hash
    time: str


class TrusteeAnswered(Message, frozen=True):
    """Protocol N16: `trustee.answered`: the dealer publishes the share that was complained about."""

    attempt: int
    index: int
    """The dealer."""
    manifest: Hash
    recipient: int
    share: str
    """f_i(recipient), a scalar."""
    time: str


class TrusteeRestarted(Message, frozen=True):
    """Protocol N17: `trustee.restarted`, by the administrator: a new ceremony without the trustees named."""

    attempt: int
    """Number of the new ceremony."""
    excluded: tuple[int, ...]
    """All trustees left out from now on, in rising order."""
    manifest: Hash
    time: str


# -- credentials -------------------------------------------------------------------------------------------------------


class Credential(Message, frozen=True):
    """A voter's public key and weight. Nothing else about the voter is public."""

    key: str
    weight: int


class CredentialsListed(Message, frozen=True):
    """Protocol N18: `credentials.listed`, by the credential authority; one or more, each in order of the key's text."""

    credentials: tuple[Credential, ...]
    manifest: Hash
    time: str


# -- voting ------------------------------------------------------------------------------------------------------------


class BoothFile(Message, frozen=True):
    """A file that the voting site serves, so that anybody can compare what they got."""

    path: str
    """Relative to the site, e.g. "booth/vote.html"."""
    sha256: Hash


class ElectionOpened(Message, frozen=True):
    """Protocol N19: `election.opened`, by the administrator. The hash of this entry's body is the election id."""

    booth: tuple[BoothFile, ...]
    """The files of the booth, by path in rising order; none where voters vote by other means."""
    credentials: tuple[Hash, ...]
    """Body hashes of all `credentials.listed`, in order."""
    joint_key: str
    manifest: Hash
    time: str
    voters: int
    """Number of credentials."""
    weight: int
    """Sum of their weights."""


class ConstraintProof(Message, frozen=True):
    """The proof of one constraint; its last challenge follows from the ballot's."""

    challenges: tuple[str, ...]
    responses: tuple[str, ...]


class EncryptedValue(Message, frozen=True):
    """A ciphertext; group elements."""

    alpha: str
    beta: str


class Ballot(Message, frozen=True):
    """Protocol N20: `ballot.cast`, by a voter (signed with the credential). It carries no time."""

    challenge: str
    ciphertexts: tuple[EncryptedValue, ...]
    credential: str
    election: Hash
    proofs: tuple[ConstraintProof, ...]


class Hints(Message, frozen=True):
    """What the booth sends along with a ballot: its commitments in the order of the hash. Hints carry no authority."""

    commitments: tuple[str, ...]


class Opening(Message, frozen=True):
    """Protocol B17: what reveals a ballot that was tested and thrown away: anybody can make it again with this.

    It never goes on the board, and never exists for a ballot that was cast. Choices and seed are secrets: `repr` shows
    neither.
    """

    choices: tuple[Any, ...]
    """One selection per question, as `parse_selections` reads them."""
    credential: str
    """Public key of the voter."""
    election: Hash
    seed: str
    """32 bytes, base64url."""

    def __repr__(self) -> str:
        return "<Opening>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class ElectionNotice(Message, frozen=True):
    """Protocol N21: `election.notice`, by the administrator: a public announcement."""

    manifest: Hash
    text: str
    time: str


class ElectionExtended(Message, frozen=True):
    """Protocol N22: `election.extended`, by the administrator, before closing: voting is announced to close later."""

    closes: str
    election: Hash
    time: str


class ElectionClosed(Message, frozen=True):
    """Protocol N23: `election.closed`, by the administrator."""

    ballots: int
    """Number of `ballot.cast` entries."""
    election: Hash
    time: str


class ElectionCancelled(Message, frozen=True):
    """Protocol N24: `election.cancelled`, by the administrator, at any time before the result."""

    manifest: Hash
    reason: str
    time: str


# -- tally -------------------------------------------------------------------------------------------------------------


class TallyEncrypted(Message, frozen=True):
    """Protocol N25: `tally.encrypted`, by the administrator: the product of the counted ballots, per total."""

    ballots: int
    """Number of ballots counted: the last of each credential."""
    election: Hash
    time: str
    totals: tuple[EncryptedValue, ...]
    weight: int
    """Sum of the weights of the counted ballots."""


class TallyShare(Message, frozen=True):
    """Protocol N26: `tally.share`, by a trustee: the decryption factor M_t = A_t^s_j of every total, with one proof."""

    election: Hash
    factors: tuple[str, ...]
    index: int
    proof: Proof
    tally: Hash
    """Hash of the body of `tally.encrypted`."""
    time: str


class ElectionResult(Message, frozen=True):
    """Protocol N27: `election.result`, by the administrator."""

    election: Hash
    outcomes: tuple[AnyOutcome, ...]
    """What follows from the totals, per question."""
    shares: tuple[int, ...]
    """The k trustees whose shares were combined, in rising order."""
    tally: Hash
    time: str
    totals: tuple[int, ...]


CONTENT_TYPES: dict[str, type[Message]] = {
    "election.defined": ElectionDefined,
    "trustee.joined": TrusteeJoined,
    "trustee.committed": TrusteeCommitted,
    "trustee.dealt": TrusteeDealt,
    "trustee.confirmed": TrusteeConfirmed,
    "trustee.complained": TrusteeComplained,
    "trustee.answered": TrusteeAnswered,
    "trustee.restarted": TrusteeRestarted,
    "credentials.listed": CredentialsListed,
    "election.opened": ElectionOpened,
    "ballot.cast": Ballot,
    "election.notice": ElectionNotice,
    "election.extended": ElectionExtended,
    "election.closed": ElectionClosed,
    "election.cancelled": ElectionCancelled,
    "tally.encrypted": TallyEncrypted,
    "tally.share": TallyShare,
    "election.result": ElectionResult,
}
"""Entry type -> content of its body."""

BODY_TYPES: dict[str, Any] = {name: Signed[content] for name, content in CONTENT_TYPES.items()}  # type: ignore[valid-type]
"""Entry type -> type of its whole body."""
