"""An election on a real board that a site hosts, for tests: honest trustees and voters.

    hosted = HostedSimulator(tmp_path, [question])
    hosted.run_ceremony()
    ada, bob = hosted.give_codes([1, 1])
    hosted.open()
    hosted.vote(ada, [selection])
    hosted.finish()

`hosted.elections` is what the pages get.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bulletin_board.log import Submission
from bulletin_board.reader import Appended
from tests.simulators.election import manifest_for
from trustee_tools import ceremony as trustee
from trustee_tools.ceremony import Step, TrusteeSecrets, decryption_secret
from voting.crypto.signatures import SigningKey
from voting.election.ballots import BALLOT, EncryptedBallot, encrypt_ballot
from voting.election.credentials import derive_credential, generate_code
from voting.election.decryption import decode_totals, make_share
from voting.election.record import ElectionRecord, require_tally
from voting.election.steps import (
    NewEntry,
    close_election,
    compute_tally,
    list_credentials,
    open_election,
    publish_result,
)
from voting.protocol.encoding import to_base64
from voting.protocol.entries import sign_content
from voting.protocol.manifest import Manifest
from voting.protocol.messages import BoothFile
from voting.protocol.methods import AnyQuestion
from voting.site.elections import Elections


class HostedSimulator:
    """One election of a site. `manifest_of` may change the manifest before it is fixed."""

    def __init__(
        self,
        folder: Path,
        questions: Sequence[AnyQuestion],
        *,
        name: str = "club",
        group: str = "toy-512",
        trustees: int = 3,
        threshold: int = 2,
        manifest_of: Callable[[Manifest], Manifest] = lambda manifest: manifest,
        elections: Elections | None = None,
    ) -> None:
        if elections is None:
            (folder / "elections").mkdir(exist_ok=True)
            elections = Elections(folder / "elections", allow_toy=True)
        self.elections = elections
        self.name = name
        draft = manifest_for(questions, trustees=trustees, threshold=threshold, group=group)

        def make(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
            keys = {"administrator": to_base64(administrator), "authority": to_base64(authority)}
            return manifest_of(replace(draft, board=vkey, nonce=nonce, **keys))

        self.manifest = elections.create(name, make, random_bytes=secrets.token_bytes)
        self.hosted = elections.get(name)
        self.trustees = {
            index: TrusteeSecrets(secrets.token_bytes(32), self.manifest, index) for index in range(1, trustees + 1)
        }

    def close(self) -> None:
        """Close the boards."""
        self.elections.close()

    # -- ceremony ------------------------------------------------------------------------------------------------------

    def submit(self, entry: Step | NewEntry, hints: bytes | None = None) -> Appended:
        return self.hosted.submit(Submission(entry.entry_type, entry.body, hints))

    def now(self) -> str:
        return self.hosted.look(lambda record: record.last_time)

    def each_trustee(self, step: Callable[[TrusteeSecrets, ElectionRecord], Step]) -> None:
        for secret in self.trustees.values():
            self.submit(self.hosted.look(lambda record, secret=secret: step(secret, record)))  # type: ignore[misc]

    def run_ceremony(self) -> None:
        time = self.now()
        self.each_trustee(lambda t, record: trustee.join(t, record.require_ceremony(), time))
        self.each_trustee(lambda t, record: trustee.commit(t, record.require_ceremony(), time, secrets.token_bytes))
        self.each_trustee(lambda t, record: trustee.deal(t, record.require_ceremony(), time))
        self.each_trustee(lambda t, record: trustee.confirm(t, record.require_ceremony(), time))

    # -- voting --------------------------------------------------------------------------------------------------------

    def give_codes(self, weights: Sequence[int]) -> list[str]:
        """List credentials of these weights on the board; gives the voters' codes."""
        codes = [generate_code(secrets.token_bytes) for _ in weights]
        keys = [derive_credential(code, self.manifest.hash).verify_key.raw for code in codes]
        pairs = list(zip(keys, weights, strict=True))
        self.hosted.act(
            lambda record, key, time: list_credentials(record.require_manifest(), pairs, key, time), key="authority"
        )
        return codes

    def open(self, booth: Sequence[BoothFile] = ()) -> None:
        self.hosted.act(lambda record, key, time: open_election(record, key, time, booth))

    def credential(self, code: str) -> SigningKey:
        return derive_credential(code, self.manifest.hash)

    def encrypt(self, code: str, selections: Sequence[Any]) -> EncryptedBallot:
        context = self.hosted.look(lambda record: record.ballot_context())
        return encrypt_ballot(context, self.credential(code), selections, secrets.token_bytes(32))

    def vote(self, code: str, selections: Sequence[Any]) -> EncryptedBallot:
        ballot = self.encrypt(code, selections)
        self.hosted.submit(Submission(BALLOT, ballot.body, ballot.hints))
        return ballot

    # -- tally ---------------------------------------------------------------------------------------------------------

    def close_voting(self) -> None:
        self.hosted.act(close_election)

    def tally(self) -> None:
        def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry:
            with self.hosted.reader(unpublished=True) as board:
                return compute_tally(record, board.body, key, time)

        self.hosted.act(make)

    def decrypt(self, index: int) -> None:
        secret, time = self.trustees[index], self.now()

        def share(record: ElectionRecord) -> Step:
            tally = require_tally(record)
            totals = decode_totals(record.group, tally, subject="tally")
            assert record.tally_hash is not None
            ceremony = record.require_ceremony()
            content = make_share(
                decryption_secret(secret, ceremony),
                ceremony.verification_key(index),
                totals,
                index=index,
                election=tally.election,
                tally=record.tally_hash,
                time=time,
                random_bytes=secrets.token_bytes,
            )
            return Step("tally.share", sign_content("tally.share", self.manifest.hash, content, secret.signing_key))

        self.submit(self.hosted.look(share))

    def publish(self) -> None:
        self.hosted.act(publish_result)

    def finish(self, trustees: Sequence[int] = (1, 2)) -> None:
        """Close, tally, decrypt and publish."""
        self.close_voting()
        self.tally()
        for index in trustees:
            self.decrypt(index)
        self.publish()
