"""Trustees and voters played by a program, for demonstrations and rehearsals (docs/guide-administrator.md).

In a real election these people hold their secrets apart: nothing here is for one. It must not import any command.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trustee_tools import ceremony as trustee
from trustee_tools.ceremony import Step, TrusteeSecrets
from voting.crypto.signatures import SigningKey
from voting.election.credentials import derive_credential, generate_code
from voting.election.decryption import decode_totals, make_share
from voting.election.record import require_tally
from voting.election.steps import NewEntry, list_credentials
from voting.election_folder import OpenElection
from voting.protocol.entries import sign_content
from voting.protocol.errors import UsageError

SEED_BYTES = 32

Append = Callable[[NewEntry], None]
"""Puts an entry on the board of the election that is played."""
RandomBytes = Callable[[int], bytes]


def make_joint_key(
    election: OpenElection, append: Append, random_bytes: RandomBytes, seeds: Sequence[bytes] | None = None
) -> list[TrusteeSecrets]:
    """All trustees of the manifest go through the four rounds of the ceremony.

    Args:
        seeds: what is in their key files; fresh ones if left out.
    """
    manifest = election.record.require_manifest()
    if seeds is None:
        seeds = [random_bytes(SEED_BYTES) for _trustee in manifest.trustees]
    everyone = [TrusteeSecrets(seed, manifest, index) for index, seed in enumerate(seeds, start=1)]
    state = election.record.require_ceremony()
    rounds: tuple[Callable[[TrusteeSecrets], Step], ...] = (
        lambda who: trustee.join(who, state, election.now()),
        lambda who: trustee.commit(who, state, election.now(), random_bytes),
        lambda who: trustee.deal(who, state, election.now()),
        lambda who: trustee.confirm(who, state, election.now()),
    )
    for make in rounds:
        for who in everyone:
            append(NewEntry(*make(who)))
    return everyone


def give_codes(
    election: OpenElection, voters: int, authority: SigningKey, append: Append, random_bytes: RandomBytes
) -> list[str]:
    """Every voter gets a code and one vote; the board shows the keys."""
    manifest = election.record.require_manifest()
    codes = [generate_code(random_bytes) for _voter in range(voters)]
    keys = [(derive_credential(code, manifest.hash).verify_key.raw, 1) for code in codes]
    for entry in list_credentials(manifest, keys, authority, election.now()):
        append(entry)
    return codes


def publish_shares(
    election: OpenElection, active: Sequence[TrusteeSecrets], append: Append, random_bytes: RandomBytes
) -> None:
    """These trustees decrypt the totals."""
    record = election.record
    tally = require_tally(record)
    totals = decode_totals(record.group, tally, subject="tally.encrypted")
    state = record.require_ceremony()
    if record.tally_hash is None:
        raise UsageError("there is no encrypted tally yet")
    for who in active:
        share = make_share(
            trustee.decryption_secret(who, state),
            state.verification_key(who.index),
            totals,
            election=tally.election,
            tally=record.tally_hash,
            index=who.index,
            time=election.now(),
            random_bytes=random_bytes,
        )
        body = sign_content("tally.share", record.require_manifest().hash, share, who.signing_key)
        append(NewEntry("tally.share", body))
