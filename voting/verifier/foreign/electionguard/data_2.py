"""The files of ElectionGuard 2.0 records as data: only what a verifier needs; more is ignored.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import msgspec

from voting.verifier.foreign.electionguard.numbers import Digest, ElementP, ElementQ, Octets


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all files of these records."""


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
    votes_allowed: int
    name: str
    ballot_selections: tuple[SelectionDescription, ...]
    option_selection_limit: int | None = None


class BallotStyle(Data, frozen=True, kw_only=True):
    """Which districts' contests a ballot shows."""

    object_id: str
    geopolitical_unit_ids: tuple[str, ...] = ()


class Manifest(Data, frozen=True, kw_only=True):
    """manifest.json. Its hash covers every byte of the file."""

    election_scope_id: str
    spec_version: str
    contests: tuple[ContestDescription, ...]
    ballot_styles: tuple[BallotStyle, ...]


class Config(Data, frozen=True, kw_only=True):
    """election_config.json."""

    config_version: str
    number_of_guardians: int
    quorum: int
    parameter_base_hash: Digest
    manifest_hash: Digest
    election_base_hash: Digest
    chain_confirmation_codes: bool
    baux0: Octets


class SchnorrProof(Data, frozen=True, kw_only=True):
    """A guardian knows the secret of a commitment."""

    public_key: ElementP
    challenge: ElementQ
    response: ElementQ


class Guardian(Data, frozen=True, kw_only=True):
    """A guardian's commitments, with proofs."""

    guardian_id: str
    x_coordinate: int
    coefficient_proofs: tuple[SchnorrProof, ...]


class Initialized(Data, frozen=True, kw_only=True):
    """election_initialized.json."""

    joint_public_key: ElementP
    extended_base_hash: Digest
    guardians: tuple[Guardian, ...]


class Ciphertext(Data, frozen=True, kw_only=True):
    """(A, B), also alpha and beta."""

    pad: ElementP
    data: ElementP


class Proof(Data, frozen=True, kw_only=True):
    """A challenge and a response; commitments are computed."""

    challenge: ElementQ
    response: ElementQ


class RangeProof(Data, frozen=True, kw_only=True):
    """The ciphertext holds one of 0, 1, ..., R."""

    proofs: tuple[Proof, ...]


class Selection(Data, frozen=True, kw_only=True):
    """One option on an encrypted ballot."""

    selection_id: str
    sequence_order: int
    encrypted_vote: Ciphertext
    proof: RangeProof


class ContestData(Data, frozen=True, kw_only=True):
    """Encrypted write-ins and over-votes."""

    c0: ElementP
    c1: Octets
    c2: Digest
    size: int = msgspec.field(name="numBytes", default=0)


class Contest(Data, frozen=True, kw_only=True):
    """One contest on an encrypted ballot."""

    contest_id: str
    sequence_order: int
    contest_hash: Digest
    selections: tuple[Selection, ...]
    proof: RangeProof
    encrypted_contest_data: ContestData | None = None


class Ballot(Data, frozen=True, kw_only=True):
    """encrypted_ballots/DEVICE/eballot-ID.json."""

    ballot_id: str
    ballot_style_id: str
    encrypting_device: str
    code_baux: str
    confirmation_code: Digest
    election_id: Digest
    contests: tuple[Contest, ...]
    state: str
    is_preencrypt: bool = False


CAST = "CAST"
CHALLENGED = "CHALLENGED"


class TotalSelection(Data, frozen=True, kw_only=True):
    """One option of the encrypted tally."""

    selection_id: str
    encrypted_vote: Ciphertext


class TotalContest(Data, frozen=True, kw_only=True):
    """One contest of the encrypted tally."""

    contest_id: str
    selections: tuple[TotalSelection, ...]


class EncryptedTally(Data, frozen=True, kw_only=True):
    """encrypted_tally.json."""

    contests: tuple[TotalContest, ...]
    cast_ballot_ids: tuple[str, ...] | None = None
    election_id: Digest | None = None


class DecryptedSelection(Data, frozen=True, kw_only=True):
    """One decrypted option."""

    selection_id: str
    tally: int
    b_over_m: ElementP
    encrypted_vote: Ciphertext
    proof: Proof


class ContestText(Data, frozen=True, kw_only=True):
    """What contest data say."""

    over_votes: tuple[int, ...] = ()
    write_ins: tuple[str, ...] = ()
    status: str = ""


class DecryptedContestData(Data, frozen=True, kw_only=True):
    """Decrypted contest data of a challenged ballot."""

    encrypted_contest_data: ContestData
    contest_data: ContestText
    proof: Proof
    beta: ElementP


class DecryptedContest(Data, frozen=True, kw_only=True):
    """One decrypted contest."""

    contest_id: str
    selections: tuple[DecryptedSelection, ...]
    decrypted_contest_data: DecryptedContestData | None = None


class DecryptedTally(Data, frozen=True, kw_only=True):
    """tally.json, or challenged_ballots/dballot-ID.json."""

    id: str
    contests: tuple[DecryptedContest, ...]
    election_id: Digest | None = None
