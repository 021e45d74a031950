"""Protocol S5: the acts of administrator and credential authority, each as the entry it appends (docs/spec/record.md).

Pure: the record, the key and the time come in, the body of an entry comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from voting.crypto.errors import ProofError
from voting.crypto.group import Element
from voting.crypto.signatures import SigningKey
from voting.election.decryption import decode_totals, decrypt_totals, outcomes_of, total_bounds, verify_share_proof
from voting.election.record import ElectionRecord, require_tally
from voting.election.tally import encode_totals, recompute_tally
from voting.parallel import MapInOrder, map_in_order
from voting.protocol.encoding import Hash, to_base64
from voting.protocol.entries import sign_content
from voting.protocol.errors import UsageError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import (
    BoothFile,
    Credential,
    CredentialsListed,
    ElectionCancelled,
    ElectionClosed,
    ElectionDefined,
    ElectionExtended,
    ElectionNotice,
    ElectionOpened,
    ElectionResult,
    Message,
    TallyEncrypted,
    TrusteeRestarted,
)

CREDENTIALS_PER_ENTRY = 20_000
"""Keeps an entry's body well below 4 MiB."""


class NewEntry(NamedTuple):
    """An entry that is ready to be appended."""

    entry_type: str
    body: bytes


def _signed(entry_type: str, manifest: Hash, content: Message, key: SigningKey) -> NewEntry:
    return NewEntry(entry_type, sign_content(entry_type, manifest, content, key))


def _election(record: ElectionRecord) -> tuple[Hash, Hash]:
    if record.election is None:
        raise UsageError("the election is not open yet", remedy="open it first")
    return record.require_manifest().hash, record.election


def define_election(manifest: Manifest, administrator: SigningKey, time: str) -> NewEntry:
    """Protocol S6: `election.defined`, the first entry."""
    return _signed("election.defined", manifest.hash, ElectionDefined(manifest=manifest, time=time), administrator)


def list_credentials(
    manifest: Manifest, credentials: Iterable[tuple[bytes, int]], authority: SigningKey, time: str
) -> list[NewEntry]:
    """Protocol K4: `credentials.listed` entries for raw Ed25519 keys and their weights.

    Sorting by key puts them in an order that says nothing about the voter list.
    """
    ordered = sorted(
        (Credential(key=to_base64(key), weight=weight) for key, weight in credentials), key=lambda c: c.key
    )
    return [
        _signed(
            "credentials.listed",
            manifest.hash,
            CredentialsListed(
                credentials=tuple(ordered[start : start + CREDENTIALS_PER_ENTRY]), manifest=manifest.hash, time=time
            ),
            authority,
        )
        for start in range(0, len(ordered), CREDENTIALS_PER_ENTRY)
    ]


def open_election(
    record: ElectionRecord, administrator: SigningKey, time: str, booth: Sequence[BoothFile] = ()
) -> NewEntry:
    """Protocol S7: `election.opened`, which fixes manifest, joint key and credentials.

    Args:
        booth: the files of the voting site, if there is one.

    Raises:
        UsageError: if the ceremony is not finished or no credential is listed.
    """
    manifest = record.require_manifest()
    ceremony = record.require_ceremony()
    if not ceremony.complete:
        waiting = [t.name for t in ceremony.trustees.values() if not t.confirmed]
        raise UsageError(
            f"the trustees have not finished: waiting for {', '.join(waiting)}",
            remedy="each of them runs `urne-trustee status`",
        )
    if not record.credentials:
        raise UsageError("no voter has a credential yet", remedy="run `urne credentials` first")
    content = ElectionOpened(
        booth=tuple(sorted(booth, key=lambda file: file.path)),
        credentials=tuple(record.credential_lists),
        joint_key=to_base64(ceremony.joint_key().encode()),
        manifest=manifest.hash,
        time=time,
        voters=len(record.credentials),
        weight=record.weight,
    )
    return _signed("election.opened", manifest.hash, content, administrator)


def close_election(record: ElectionRecord, administrator: SigningKey, time: str) -> NewEntry:
    """Protocol S8: `election.closed`. Raises UsageError before the opening."""
    manifest, election = _election(record)
    content = ElectionClosed(ballots=len(record.ballots), election=election, time=time)
    return _signed("election.closed", manifest, content, administrator)


def extend_election(record: ElectionRecord, administrator: SigningKey, closes: str, time: str) -> NewEntry:
    """Protocol S9: `election.extended`: voting is announced to end later. Raises UsageError before the opening."""
    manifest, election = _election(record)
    content = ElectionExtended(closes=closes, election=election, time=time)
    return _signed("election.extended", manifest, content, administrator)


def give_notice(record: ElectionRecord, administrator: SigningKey, text: str, time: str) -> NewEntry:
    """Protocol S10: `election.notice`: a public announcement."""
    manifest = record.require_manifest().hash
    return _signed("election.notice", manifest, ElectionNotice(manifest=manifest, text=text, time=time), administrator)


def cancel_election(record: ElectionRecord, administrator: SigningKey, reason: str, time: str) -> NewEntry:
    """Protocol S11: `election.cancelled`, with the reason."""
    manifest = record.require_manifest().hash
    content = ElectionCancelled(manifest=manifest, reason=reason, time=time)
    return _signed("election.cancelled", manifest, content, administrator)


def restart_ceremony(record: ElectionRecord, administrator: SigningKey, excluded: Iterable[int], time: str) -> NewEntry:
    """Protocol T17: `trustee.restarted`: a new ceremony without these trustees (and those excluded before)."""
    ceremony = record.require_ceremony()
    manifest = record.require_manifest().hash
    left_out = tuple(sorted({*ceremony.excluded, *excluded}))
    content = TrusteeRestarted(attempt=ceremony.attempt + 1, excluded=left_out, manifest=manifest, time=time)
    return _signed("trustee.restarted", manifest, content, administrator)


def compute_tally(
    record: ElectionRecord,
    read_body: Callable[[int], bytes],
    administrator: SigningKey,
    time: str,
    *,
    run: MapInOrder = map_in_order,
) -> NewEntry:
    """Protocol S14: `tally.encrypted`: the product of the last ballot of every credential.

    Args:
        read_body: gives the body of an entry by its number.
        run: who multiplies: this process, several, or a cluster.

    Raises:
        UsageError: before the closing.
    """
    manifest, election = _election(record)
    if record.closed is None:
        raise UsageError("voting is not closed yet", remedy="close it first")
    tally = recompute_tally(record, read_body, run=run)
    content = TallyEncrypted(
        ballots=tally.ballots, election=election, time=time, totals=encode_totals(tally), weight=tally.weight
    )
    return _signed("tally.encrypted", manifest, content, administrator)


def valid_factors(record: ElectionRecord) -> dict[int, tuple[Element, ...]]:
    """The factors of all published shares whose proof holds, by trustee. Invalid shares are left out."""
    totals = decode_totals(record.group, require_tally(record), subject="tally.encrypted")
    ceremony = record.require_ceremony()
    factors = {}
    for index, share in sorted(record.shares.items()):
        try:
            factors[index] = verify_share_proof(
                share, ceremony.verification_key(index), totals, subject=f"share of trustee {index}"
            )
        except VerificationError:
            continue
    return factors


def publish_result(record: ElectionRecord, administrator: SigningKey, time: str) -> NewEntry:
    """Protocol S15: `election.result`: combine the first k valid shares and derive the outcome.

    Raises:
        UsageError: if fewer than k valid shares are on the board.
        VerificationError: if the totals cannot come from valid ballots.
    """
    manifest, election = record.require_manifest(), _election(record)[1]
    tally = record.tally
    if tally is None or record.tally_hash is None:
        raise UsageError("there is no encrypted tally yet", remedy="run `urne tally` first")
    factors = valid_factors(record)
    if len(factors) < manifest.threshold:
        raise UsageError(
            f"{len(factors)} of the {manifest.threshold} shares needed are on the board",
            remedy="the trustees run `urne-trustee decrypt`",
        )
    chosen = dict(list(factors.items())[: manifest.threshold])
    totals = decode_totals(record.group, tally, subject="tally.encrypted")
    try:
        numbers = decrypt_totals(totals, chosen, total_bounds(manifest.shape, tally.weight))
    except ProofError as error:
        raise VerificationError("19", "tally", error.problem) from None
    content = ElectionResult(
        election=election,
        outcomes=outcomes_of(manifest, numbers, tally.weight),  # type: ignore[arg-type]
        shares=tuple(chosen),
        tally=record.tally_hash,
        time=time,
        totals=numbers,
    )
    return _signed("election.result", manifest.hash, content, administrator)
