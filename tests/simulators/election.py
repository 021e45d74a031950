"""A whole election in memory, for tests: a board that is a list, honest trustees, and room to misbehave.

    simulator = ElectionSimulator(manifest_for([question]))
    simulator.run_ceremony()
    voters = simulator.give_credentials([1, 1, 2])
    simulator.open()
    simulator.vote(voters[0], [selection])
    simulator.finish()
    simulator.admission.record.result.totals

Every entry goes through `ElectionAdmission`, as on a real board. `entries` is the published record.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from trustee_tools import ceremony as trustee
from trustee_tools.ceremony import TrusteeSecrets
from voting.crypto.signatures import SigningKey
from voting.election.admission import ElectionAdmission
from voting.election.ballots import EncryptedBallot, encrypt_ballot
from voting.election.ceremony import Ceremony
from voting.election.credentials import derive_credential, generate_code
from voting.election.decryption import decode_totals, make_share
from voting.election.record import ElectionRecord
from voting.election.steps import (
    close_election,
    compute_tally,
    define_election,
    list_credentials,
    open_election,
    publish_result,
)
from voting.protocol.encoding import ZERO_HASH, Hash, encode, sha256, to_base64
from voting.protocol.entries import sign_content
from voting.protocol.manifest import Manifest, TrusteeInfo
from voting.protocol.methods import AnyQuestion
from voting.protocol.moment import format_moment
from voting.protocol.tlog.header import EntryHeader, make_header
from voting.protocol.tlog.note import note_key


class StoredEntry(NamedTuple):
    header: EntryHeader
    header_bytes: bytes
    body: bytes
    hints: bytes | None


class BoardSimulator:
    """An append-only list with the admission hook of a real board."""

    def __init__(self, *, allow_toy: bool = True) -> None:
        self.entries: list[StoredEntry] = []
        self.admission = ElectionAdmission(lambda seq: self.entries[seq].body, allow_toy=allow_toy)

    def append(self, entry_type: str, body: bytes, hints: bytes | None = None) -> int:
        entry = self._entry(entry_type, body, hints)
        self.admission.admit(entry.header, entry.header_bytes, body, hints)
        self.entries.append(entry)
        return entry.header.seq

    def force(self, entry_type: str, body: bytes, hints: bytes | None = None) -> int:
        """Append without asking the rules, as a dishonest board would."""
        self.entries.append(self._entry(entry_type, body, hints))
        return len(self.entries) - 1

    def _entry(self, entry_type: str, body: bytes, hints: bytes | None) -> StoredEntry:
        previous: Hash = sha256(self.entries[-1].header_bytes) if self.entries else ZERO_HASH
        header = make_header(len(self.entries), previous, entry_type, body)
        return StoredEntry(header, encode(header), body, hints)


ADMINISTRATOR = SigningKey.from_seed(bytes([1]) * 32)
AUTHORITY = SigningKey.from_seed(bytes([2]) * 32)
BOARD_KEY = SigningKey.from_seed(bytes([3]) * 32)


def manifest_for(
    questions: Sequence[AnyQuestion], *, trustees: int = 3, threshold: int = 2, group: str = "toy-512", nonce: int = 0
) -> Manifest:
    return Manifest(
        administrator=to_base64(ADMINISTRATOR.verify_key.raw),
        authority=to_base64(AUTHORITY.verify_key.raw),
        board=note_key("board.example/test", BOARD_KEY.verify_key).vkey,
        contact="help@example.org",
        description=None,
        group=group,
        languages=("en",),
        nonce=f"{nonce:032x}",
        questions=tuple(questions),
        schedule=None,
        threshold=threshold,
        title={"en": "A test election"},
        trustees=tuple(TrusteeInfo(f"Trustee {index + 1}") for index in range(trustees)),
        version=1,
    )


class Voter(NamedTuple):
    """A voter as the credential authority knows them."""

    code: str
    key: SigningKey
    weight: int


class ElectionSimulator:
    """Everybody who takes part in one election, all honest unless a test says otherwise. Deterministic by its seed."""

    def __init__(self, manifest: Manifest, *, seed: int = 0) -> None:
        self.manifest = manifest
        self.board = BoardSimulator()
        self.random = random.Random(seed)
        self._now = datetime(2026, 11, 24, 8, tzinfo=UTC)
        self.trustees = {
            index: TrusteeSecrets(self.random_bytes(32), manifest, index)
            for index in range(1, len(manifest.trustees) + 1)
        }
        self._append(define_election(manifest, ADMINISTRATOR, self.now()))

    @property
    def record(self) -> ElectionRecord:
        return self.board.admission.record

    @property
    def ceremony(self) -> Ceremony:
        return self.record.require_ceremony()

    def random_bytes(self, length: int) -> bytes:
        return self.random.randbytes(length)

    def now(self) -> str:
        """One second later at each call."""
        self._now += timedelta(seconds=1)
        return format_moment(self._now)

    def _append(self, entry: tuple[str, bytes]) -> int:
        return self.board.append(*entry)

    # -- ceremony ------------------------------------------------------------------------------------------------------

    def each_trustee(self, step: Callable[[TrusteeSecrets], tuple[str, bytes]]) -> None:
        for index in sorted(self.ceremony.trustees):
            self._append(step(self.trustees[index]))

    def join(self) -> None:
        self.each_trustee(lambda t: trustee.join(t, self.ceremony, self.now()))

    def commit(self) -> None:
        self.each_trustee(lambda t: trustee.commit(t, self.ceremony, self.now(), self.random_bytes))

    def deal(self) -> None:
        self.each_trustee(lambda t: trustee.deal(t, self.ceremony, self.now()))

    def confirm(self) -> None:
        self.each_trustee(lambda t: trustee.confirm(t, self.ceremony, self.now()))

    def run_ceremony(self) -> None:
        self.join()
        self.commit()
        self.deal()
        self.confirm()

    # -- voting --------------------------------------------------------------------------------------------------------

    def give_credentials(self, weights: Sequence[int]) -> list[Voter]:
        voters = []
        for weight in weights:
            code = generate_code(self.random_bytes)
            voters.append(Voter(code, derive_credential(code, self.manifest.hash), weight))
        listed = [(voter.key.verify_key.raw, voter.weight) for voter in voters]
        for entry in list_credentials(self.manifest, listed, AUTHORITY, self.now()):
            self._append(entry)
        return voters

    def open(self) -> None:
        self._append(open_election(self.record, ADMINISTRATOR, self.now()))

    def encrypt(self, voter: Voter, selections: Sequence[Any]) -> EncryptedBallot:
        return encrypt_ballot(self.record.ballot_context(), voter.key, selections, self.random_bytes(32))

    def vote(self, voter: Voter, selections: Sequence[Any]) -> EncryptedBallot:
        ballot = self.encrypt(voter, selections)
        self.board.append("ballot.cast", ballot.body, ballot.hints)
        return ballot

    # -- tally ---------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        self._append(close_election(self.record, ADMINISTRATOR, self.now()))

    def tally(self) -> None:
        self._append(compute_tally(self.record, lambda seq: self.board.entries[seq].body, ADMINISTRATOR, self.now()))

    def decrypt(self, index: int) -> None:
        secrets = self.trustees[index]
        assert self.record.tally is not None
        assert self.record.election is not None
        assert self.record.tally_hash is not None
        share = make_share(
            trustee.decryption_secret(secrets, self.ceremony),
            self.ceremony.verification_key(index),
            decode_totals(self.record.group, self.record.tally, subject="tally"),
            election=self.record.election,
            tally=self.record.tally_hash,
            index=index,
            time=self.now(),
            random_bytes=self.random_bytes,
        )
        self.board.append("tally.share", sign_content("tally.share", self.manifest.hash, share, secrets.signing_key))

    def result(self) -> None:
        self._append(publish_result(self.record, ADMINISTRATOR, self.now()))

    def finish(self) -> None:
        """Close, tally, decrypt with the first k trustees, publish."""
        self.close()
        self.tally()
        for index in sorted(self.ceremony.trustees)[: self.manifest.threshold]:
            self.decrypt(index)
        self.result()
