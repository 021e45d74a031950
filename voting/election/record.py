"""Protocol S: what the entries of an election say so far (docs/spec/record.md).

`ElectionRecord` is changed by `voting.election.rules.apply` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voting.crypto.elgamal import PublicKey
from voting.crypto.group import Group
from voting.election.ballots import BallotContext
from voting.election.ceremony import Ceremony
from voting.election.phases import Phase
from voting.election.register import BallotRef, Ballots, Credentials, ElectionRegister, LastBallots
from voting.protocol.encoding import Hash
from voting.protocol.errors import VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import (
    ElectionCancelled,
    ElectionClosed,
    ElectionNotice,
    ElectionOpened,
    ElectionResult,
    TallyEncrypted,
    TallyShare,
)

MAX_WEIGHT = 10**12
"""Highest weight of one credential."""
MAX_TOTAL_WEIGHT = 9 * 10**12
"""Highest sum of all weights: totals can be decrypted in seconds, and 1000 times it is still below 2^53."""


@dataclass
class ElectionRecord:
    """Everything that the entries so far say, but for the ballots' contents. Changed by `apply` alone.

    What grows with voters and ballots is in `register`; `credentials`, `ballots` and `last_ballot` are views of it.
    """

    allow_toy: bool = False
    phase: Phase = Phase.EMPTY
    manifest: Manifest | None = None
    ceremony: Ceremony | None = None
    register: ElectionRegister = field(default_factory=ElectionRegister)
    credential_lists: list[Hash] = field(default_factory=list)
    """Body hashes of the `credentials.listed` entries."""
    opened: ElectionOpened | None = None
    election: Hash | None = None
    """Election id."""
    closes: str | None = None
    """Announced end of voting, UTC; moved by `election.extended`."""
    closed: ElectionClosed | None = None
    tally: TallyEncrypted | None = None
    tally_hash: Hash | None = None
    shares: dict[int, TallyShare] = field(default_factory=dict)
    result: ElectionResult | None = None
    notices: list[ElectionNotice] = field(default_factory=list)
    cancelled: ElectionCancelled | None = None
    last_time: str = ""
    """Time of the administrator's last entry."""
    entries: int = 0

    def require_manifest(self) -> Manifest:
        """The manifest. Raises VerificationError (check 04) while there is none."""
        if self.manifest is None:
            raise VerificationError("04", "record", "there is no election yet")
        return self.manifest

    def require_ceremony(self) -> Ceremony:
        self.require_manifest()
        assert self.ceremony is not None  # noqa: S101 (set together with the manifest)
        return self.ceremony

    @property
    def credentials(self) -> Mapping[str, int]:
        """Key (base64url) -> weight."""
        return Credentials(self.register)

    @property
    def ballots(self) -> Ballots:
        """All ballots, in the order of casting; a slice is a view of them."""
        return Ballots(self.register)

    @property
    def last_ballot(self) -> Mapping[str, BallotRef]:
        """Key -> the last ballot of this credential: the one that counts."""
        return LastBallots(self.register)

    @property
    def weight(self) -> int:
        """Sum of the weights of all credentials."""
        return self.register.weight

    @property
    def group(self) -> Group:
        return self.require_manifest().crypto_group()

    def ballot_context(self) -> BallotContext:
        """What ballots are made and checked with. Raises VerificationError (check 04) before the opening."""
        if self.election is None or self.manifest is None:
            raise VerificationError("04", "record", "the election is not open yet")
        if self._context is None:
            self._context = BallotContext(self.manifest, self.election, PublicKey(self.require_ceremony().joint_key()))
        return self._context

    _context: BallotContext | None = None


def require_tally(record: ElectionRecord) -> TallyEncrypted:
    """The encrypted tally. Raises VerificationError (check 04) while there is none."""
    if record.tally is None:
        raise VerificationError("04", "record", "there is no encrypted tally yet")
    return record.tally
