"""The files of ElectionGuard 0.95, 1.0 and 1.1 records as data: only what a verifier needs; more is ignored.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import msgspec

from voting.verifier.foreign.electionguard.numbers import ElementP, ElementQ


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all files of these records."""


class Language(Data, frozen=True, kw_only=True):
    """A text in one language."""

    value: str
    language: str = "en"


class LocalizedText(Data, frozen=True, kw_only=True):
    """A text in several languages."""

    text: tuple[Language, ...] = ()


class AnnotatedText(Data, frozen=True, kw_only=True):
    """A text with a note, e.g. an address and what it is for."""

    annotation: str = ""
    value: str = ""


class Contact(Data, frozen=True, kw_only=True):
    """Somebody to turn to."""

    address_line: tuple[str, ...] | None = None
    email: tuple[AnnotatedText, ...] | None = None
    phone: tuple[AnnotatedText, ...] | None = None
    name: str | None = None


class GeopoliticalUnit(Data, frozen=True, kw_only=True):
    """A district."""

    object_id: str
    name: str
    type: str
    contact_information: Contact | None = None


class Party(Data, frozen=True, kw_only=True):
    """A party."""

    object_id: str
    name: LocalizedText = LocalizedText()
    abbreviation: str | None = None
    color: str | None = None
    logo_uri: str | None = None


class Candidate(Data, frozen=True, kw_only=True):
    """A candidate. The manifest hash does not cover it."""

    object_id: str
    name: LocalizedText = LocalizedText()


class SelectionDescription(Data, frozen=True, kw_only=True):
    """One option of a contest."""

    object_id: str
    sequence_order: int
    candidate_id: str


class ContestDescription(Data, frozen=True, kw_only=True):
    """One contest."""

    object_id: str
    sequence_order: int
    electoral_district_id: str
    vote_variation: str
    number_elected: int
    votes_allowed: int | None
    name: str
    ballot_selections: tuple[SelectionDescription, ...]
    ballot_title: LocalizedText | None = None
    ballot_subtitle: LocalizedText | None = None


class BallotStyle(Data, frozen=True, kw_only=True):
    """Which districts' contests a ballot shows."""

    object_id: str
    geopolitical_unit_ids: tuple[str, ...] | None = None
    party_ids: tuple[str, ...] | None = None
    image_uri: str | None = None


class Manifest(Data, frozen=True, kw_only=True):
    """manifest.json."""

    election_scope_id: str
    spec_version: str
    type: str
    start_date: str
    end_date: str
    geopolitical_units: tuple[GeopoliticalUnit, ...]
    parties: tuple[Party, ...]
    candidates: tuple[Candidate, ...]
    contests: tuple[ContestDescription, ...]
    ballot_styles: tuple[BallotStyle, ...]
    name: LocalizedText | None = None
    contact_information: Contact | None = None


class Context(Data, frozen=True, kw_only=True):
    """context.json."""

    number_of_guardians: int
    quorum: int
    elgamal_public_key: ElementP
    commitment_hash: ElementQ
    manifest_hash: ElementQ
    crypto_base_hash: ElementQ
    crypto_extended_base_hash: ElementQ


class SchnorrProof(Data, frozen=True, kw_only=True):
    """A guardian knows the secret of a commitment."""

    public_key: ElementP
    commitment: ElementP
    challenge: ElementQ
    response: ElementQ


class Guardian(Data, frozen=True, kw_only=True):
    """guardians/guardian_N.json."""

    guardian_id: str
    sequence_order: int
    election_public_key: ElementP
    election_commitments: tuple[ElementP, ...]
    election_proofs: tuple[SchnorrProof, ...]


class Device(Data, frozen=True, kw_only=True):
    """encryption_devices/device_N.json."""

    device_id: int
    session_id: int
    launch_code: int
    location: str


class Ciphertext(Data, frozen=True, kw_only=True):
    """(A, B), also alpha and beta."""

    pad: ElementP
    data: ElementP


class DisjunctiveProof(Data, frozen=True, kw_only=True):
    """The selection is 0 or 1."""

    proof_zero_pad: ElementP
    proof_zero_data: ElementP
    proof_one_pad: ElementP
    proof_one_data: ElementP
    proof_zero_challenge: ElementQ
    proof_one_challenge: ElementQ
    challenge: ElementQ
    proof_zero_response: ElementQ
    proof_one_response: ElementQ


class Selection(Data, frozen=True, kw_only=True):
    """One option on an encrypted ballot."""

    object_id: str
    sequence_order: int
    description_hash: ElementQ
    ciphertext: Ciphertext
    crypto_hash: ElementQ
    proof: DisjunctiveProof
    is_placeholder_selection: bool = False
    nonce: ElementQ | None = None


class ConstantProof(Data, frozen=True, kw_only=True):
    """The selections of a contest add up to a constant."""

    pad: ElementP
    data: ElementP
    challenge: ElementQ
    response: ElementQ
    constant: int


class Contest(Data, frozen=True, kw_only=True):
    """One contest on an encrypted ballot."""

    object_id: str
    sequence_order: int
    description_hash: ElementQ
    ballot_selections: tuple[Selection, ...]
    crypto_hash: ElementQ
    proof: ConstantProof
    ciphertext_accumulation: Ciphertext | None = None
    nonce: ElementQ | None = None


class Ballot(Data, frozen=True, kw_only=True):
    """submitted_ballots/*.json."""

    object_id: str
    style_id: str
    manifest_hash: ElementQ
    code_seed: ElementQ
    contests: tuple[Contest, ...]
    code: ElementQ
    timestamp: int
    crypto_hash: ElementQ
    state: int
    nonce: ElementQ | None = None


CAST = 1
SPOILED = 2


class TotalSelection(Data, frozen=True, kw_only=True):
    """One option of the encrypted tally."""

    object_id: str
    ciphertext: Ciphertext


class TotalContest(Data, frozen=True, kw_only=True):
    """One contest of the encrypted tally."""

    object_id: str
    selections: dict[str, TotalSelection]


class EncryptedTally(Data, frozen=True, kw_only=True):
    """encrypted_tally.json."""

    object_id: str
    contests: dict[str, TotalContest]


class DecryptionProof(Data, frozen=True, kw_only=True):
    """A share of a decryption is right."""

    pad: ElementP
    data: ElementP
    challenge: ElementQ
    response: ElementQ


class RecoveredPart(Data, frozen=True, kw_only=True):
    """What a present guardian computed for a missing one."""

    guardian_id: str
    missing_guardian_id: str
    share: ElementP
    recovery_key: ElementP
    proof: DecryptionProof


class Share(Data, frozen=True, kw_only=True):
    """A guardian's share of one decryption: their own, or put together from the parts of the others."""

    object_id: str
    guardian_id: str
    share: ElementP
    proof: DecryptionProof | None = None
    recovered_parts: dict[str, RecoveredPart] | None = None


class DecryptedSelection(Data, frozen=True, kw_only=True):
    """One decrypted option."""

    object_id: str
    tally: int
    value: ElementP
    message: Ciphertext
    shares: tuple[Share, ...]


class DecryptedContest(Data, frozen=True, kw_only=True):
    """One decrypted contest."""

    object_id: str
    selections: dict[str, DecryptedSelection]


class DecryptedTally(Data, frozen=True, kw_only=True):
    """tally.json, or spoiled_ballots/*.json."""

    object_id: str
    contests: dict[str, DecryptedContest]


class CoefficientList(Data, frozen=True, kw_only=True):
    """coefficients.json of 0.95: in the order of the available guardians."""

    coefficients: tuple[ElementQ, ...]


class CoefficientMap(Data, frozen=True, kw_only=True):
    """coefficients.json of 1.0: by the guardian's id."""

    coefficients: dict[str, ElementQ]
