"""Protocol S: the rules of what may follow what in an election, entry by entry (docs/spec/record.md).

The server uses `apply` to admit entries, trustees and the verifier to replay them. It decides from its arguments alone:
no clock, no file, no randomness. It either raises and leaves the record as it was, or takes the entry in. What costs
much per ballot (signature, membership, proofs) is not here: see `voting.election.admission` for what a server must
check besides, and `voting.verifier` for what an observer does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from voting.crypto.signatures import VerifyKey
from voting.election.booth_files import verify_booth_files
from voting.election.ceremony import Ceremony
from voting.election.phases import ALLOWED, LEADS_TO
from voting.election.record import MAX_TOTAL_WEIGHT, MAX_WEIGHT, ElectionRecord
from voting.election.register import BallotRef
from voting.protocol.encoding import Hash, from_base64, to_base64
from voting.protocol.entries import content_hash, parse_body, verify_entry_signature
from voting.protocol.errors import DecodeError, SignatureInvalid, VerificationError
from voting.protocol.manifest import manifest_problems
from voting.protocol.messages import (
    Ballot,
    CredentialsListed,
    ElectionCancelled,
    ElectionClosed,
    ElectionDefined,
    ElectionExtended,
    ElectionNotice,
    ElectionOpened,
    ElectionResult,
    Signed,
    TallyEncrypted,
    TallyShare,
    TrusteeRestarted,
)
from voting.protocol.moment import parse_moment
from voting.protocol.text import text_problems
from voting.protocol.tlog.header import EntryHeader

Change = Callable[[], None]
"""What an entry does to the record, to be called once every check has passed. It either raises before it changes
anything, or does not raise."""


def apply(
    record: ElectionRecord,
    header: EntryHeader,
    body: bytes,
    *,
    also: Callable[[Signed[Any]], None] | None = None,
    guard: AbstractContextManager[Any] | None = None,
) -> None:
    """Protocol S3: check that an entry may follow what is in the record, and take it in.

    Args:
        record: the state after all earlier entries; unchanged if this raises.
        header: the entry's header; the caller has checked its chain and the body's hash.
        body: the entry's body.
        also: further checks of the parsed body, made after all others and before the record changes.
        guard: entered while the record changes, e.g. a lock: other threads that hold it see no half-made change.

    Raises:
        VerificationError: the number of the check says which rule the entry breaks.
    """
    subject = f"entry {header.seq} ({header.type})"
    allowed = ALLOWED.get(header.type)
    if allowed is None:
        raise VerificationError("04", subject, "has a type that no election has")
    if record.phase not in allowed:
        raise VerificationError("04", subject, f"may not come while the election is {record.phase.value}")
    try:
        entry = parse_body(header.type, body, what=subject)
    except DecodeError as error:
        raise VerificationError("02", subject, error.problem) from None
    content = content_hash(body)
    if record.register.has_content(content):
        raise VerificationError("04", subject, "repeats an earlier entry")
    change = _RULES[header.type](record, header, entry, body, subject)
    if also is not None:
        also(entry)
    with guard or nullcontext():
        change()
        record.register.add_content(content)
        record.entries += 1
        record.phase = LEADS_TO.get(header.type, record.phase)


# -- shared rules ------------------------------------------------------------------------------------------------------


def _require_signature(
    record: ElectionRecord,
    header: EntryHeader,
    entry: Signed[Any],
    body: bytes,
    key: VerifyKey,
    subject: str,
    check: str,
) -> None:
    try:
        verify_entry_signature(header.type, record.require_manifest().hash, body, entry.signature, key)
    except SignatureInvalid as error:
        raise VerificationError(check, subject, f"the signature does not hold: {error.problem}") from None


def _require_manifest_hash(record: ElectionRecord, manifest: Hash, subject: str) -> None:
    own = record.require_manifest().hash
    if manifest != own:
        raise VerificationError("04", subject, "names another manifest", expected=own, found=manifest)


def _require_election(record: ElectionRecord, election: Hash, subject: str) -> None:
    if election != record.election:
        raise VerificationError(
            "04", subject, "belongs to another election", expected=str(record.election), found=election
        )


def _require_time(time: str, subject: str) -> None:
    try:
        parse_moment(time)
    except DecodeError as error:
        raise VerificationError("04", subject, f"its time {error.problem}") from None


def _require_text(text: str, subject: str) -> None:
    for problem in text_problems(text, "its text", multiline=True):
        raise VerificationError("04", subject, str(problem))


def _administrator(record: ElectionRecord, header: EntryHeader, entry: Signed[Any], body: bytes, subject: str) -> None:
    """Signature and time of an administrator's entry: times never go backwards. Checks only."""
    _require_signature(record, header, entry, body, record.require_manifest().administrator_key(), subject, "05")
    _require_time(entry.content.time, subject)
    if entry.content.time < record.last_time:
        raise VerificationError(
            "04",
            subject,
            "is dated before the administrator's last entry",
            expected=f"{record.last_time} or later",
            found=entry.content.time,
        )


# -- the rules of each entry type: checks, and the change that follows -------------------------------------------------


def _setting(record: ElectionRecord, **values: Any) -> Change:
    def change() -> None:
        for name, value in values.items():
            setattr(record, name, value)

    return change


def _defined(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionDefined], body: bytes, subject: str
) -> Change:
    manifest = entry.content.manifest
    problems = list(manifest_problems(manifest))
    if problems:
        raise VerificationError("01", subject, f"the manifest is not valid: {problems[0]}")
    if manifest.crypto_group().is_toy and not record.allow_toy:
        raise VerificationError("01", subject, f"the group {manifest.group} is for tests only and protects nothing")
    try:
        verify_entry_signature(header.type, manifest.hash, body, entry.signature, manifest.administrator_key())
    except SignatureInvalid as error:
        raise VerificationError("05", subject, f"the signature does not hold: {error.problem}") from None
    _require_time(entry.content.time, subject)
    closes = manifest.schedule.closes if manifest.schedule else None
    time = entry.content.time
    return _setting(record, manifest=manifest, ceremony=Ceremony(manifest), closes=closes, last_time=time)


def _trustee(record: ElectionRecord, header: EntryHeader, entry: Signed[Any], body: bytes, subject: str) -> Change:
    ceremony = record.require_ceremony()
    content = entry.content
    inner = content.coefficients if header.type == "trustee.committed" else content
    _require_manifest_hash(record, inner.manifest, subject)
    if header.type == "trustee.joined":
        try:
            key = VerifyKey.decode(from_base64(content.signing_key, 32, what="signing_key"), what="signing_key")
        except DecodeError as error:
            raise VerificationError("05", subject, str(error)) from None
    else:
        key = ceremony.signer(inner.index, subject)
    _require_signature(record, header, entry, body, key, subject, "05")
    _require_time(content.time, subject)
    steps: dict[str, Callable[..., None]] = {
        "trustee.joined": ceremony.join,
        "trustee.committed": ceremony.commit,
        "trustee.dealt": ceremony.deal,
        "trustee.confirmed": ceremony.confirm,
        "trustee.complained": ceremony.complain,
        "trustee.answered": ceremony.answer,
    }
    return partial(steps[header.type], content, subject=subject)


def _restarted(
    record: ElectionRecord, header: EntryHeader, entry: Signed[TrusteeRestarted], body: bytes, subject: str
) -> Change:
    _require_manifest_hash(record, entry.content.manifest, subject)
    _administrator(record, header, entry, body, subject)

    def change() -> None:
        record.require_ceremony().restart(entry.content, subject=subject)
        record.last_time = entry.content.time

    return change


def _listed(
    record: ElectionRecord, header: EntryHeader, entry: Signed[CredentialsListed], body: bytes, subject: str
) -> Change:
    content = entry.content
    _require_manifest_hash(record, content.manifest, subject)
    _require_signature(record, header, entry, body, record.require_manifest().authority_key(), subject, "05")
    _require_time(content.time, subject)
    if not content.credentials:
        raise VerificationError("09", subject, "lists no credential")
    added: dict[str, int] = {}
    previous = ""
    for position, credential in enumerate(content.credentials):
        place = f"credentials[{position}]"
        if credential.key <= previous:
            raise VerificationError("09", subject, f"{place} is not in rising order, or occurs twice")
        previous = credential.key
        if record.register.find_credential(credential.key) is not None:
            raise VerificationError("09", subject, f"{place} was listed before")
        if not 1 <= credential.weight <= MAX_WEIGHT:
            raise VerificationError(
                "09",
                subject,
                f"{place} has a weight out of range",
                expected=f"1 to {MAX_WEIGHT}",
                found=str(credential.weight),
            )
        try:
            VerifyKey.decode(from_base64(credential.key, 32, what=place), what=place)
        except DecodeError as error:
            raise VerificationError("09", subject, str(error)) from None
        added[credential.key] = credential.weight
    total = record.weight + sum(added.values())
    if total > MAX_TOTAL_WEIGHT:
        raise VerificationError(
            "09", subject, "the weights add up to too much", expected=f"{MAX_TOTAL_WEIGHT} at most", found=str(total)
        )

    def change() -> None:
        record.register.list_credentials(added)
        record.credential_lists.append(header.body)

    return change


def _opened(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionOpened], body: bytes, subject: str
) -> Change:
    content = entry.content
    ceremony = record.require_ceremony()
    _administrator(record, header, entry, body, subject)
    if not ceremony.complete:
        raise VerificationError("07", subject, "not all trustees have confirmed")
    if not record.credentials:
        raise VerificationError("09", subject, "no credential is listed")
    if content.manifest != record.require_manifest().hash:
        raise VerificationError(
            "10", subject, "names another manifest", expected=record.require_manifest().hash, found=content.manifest
        )
    if content.joint_key != to_base64(ceremony.joint_key().encode()):
        raise VerificationError("08", subject, "the joint key is not the product of the trustees' commitments")
    if list(content.credentials) != record.credential_lists:
        raise VerificationError("10", subject, "names other credential lists than those on the board")
    weight = record.weight
    if (content.voters, content.weight) != (len(record.credentials), weight):
        raise VerificationError(
            "09",
            subject,
            "number or weight of the credentials is not as announced",
            expected=f"{len(record.credentials)} of weight {weight}",
            found=f"{content.voters} of weight {content.weight}",
        )
    verify_booth_files(content.booth, subject=subject)
    return _setting(record, opened=content, election=header.body, last_time=content.time)


def _ballot(record: ElectionRecord, header: EntryHeader, entry: Signed[Ballot], body: bytes, subject: str) -> Change:
    ballot = entry.content
    if record.register.find_credential(ballot.credential) is None:
        raise VerificationError("11", subject, "the credential is not listed")
    _require_election(record, ballot.election, subject)

    def change() -> None:
        record.register.cast(BallotRef(header.seq, ballot.credential, content_hash(body)))

    return change


def _notice(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionNotice], body: bytes, subject: str
) -> Change:
    _require_manifest_hash(record, entry.content.manifest, subject)
    _administrator(record, header, entry, body, subject)
    _require_text(entry.content.text, subject)
    return _setting(record, notices=[*record.notices, entry.content], last_time=entry.content.time)


def _extended(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionExtended], body: bytes, subject: str
) -> Change:
    _require_election(record, entry.content.election, subject)
    _administrator(record, header, entry, body, subject)
    _require_time(entry.content.closes, subject)
    if record.closes is not None and entry.content.closes <= record.closes:
        raise VerificationError(
            "04",
            subject,
            "does not move the end of voting later",
            expected=f"after {record.closes}",
            found=entry.content.closes,
        )
    return _setting(record, closes=entry.content.closes, last_time=entry.content.time)


def _closed(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionClosed], body: bytes, subject: str
) -> Change:
    _require_election(record, entry.content.election, subject)
    _administrator(record, header, entry, body, subject)
    if entry.content.ballots != len(record.ballots):
        raise VerificationError(
            "04",
            subject,
            "wrong number of ballots cast",
            expected=str(len(record.ballots)),
            found=str(entry.content.ballots),
        )
    return _setting(record, closed=entry.content, last_time=entry.content.time)


def _cancelled(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionCancelled], body: bytes, subject: str
) -> Change:
    _require_manifest_hash(record, entry.content.manifest, subject)
    _administrator(record, header, entry, body, subject)
    _require_text(entry.content.reason, subject)
    return _setting(record, cancelled=entry.content, last_time=entry.content.time)


def _tally(
    record: ElectionRecord, header: EntryHeader, entry: Signed[TallyEncrypted], body: bytes, subject: str
) -> Change:
    _require_election(record, entry.content.election, subject)
    _administrator(record, header, entry, body, subject)
    counted, weight = record.register.counted, record.register.counted_weight
    if entry.content.ballots != counted:
        raise VerificationError(
            "16",
            subject,
            "wrong number of counted ballots",
            expected=str(counted),
            found=str(entry.content.ballots),
        )
    if entry.content.weight != weight:
        raise VerificationError(
            "16", subject, "wrong weight of the counted ballots", expected=str(weight), found=str(entry.content.weight)
        )
    return _setting(record, tally=entry.content, tally_hash=header.body, last_time=entry.content.time)


def _share(record: ElectionRecord, header: EntryHeader, entry: Signed[TallyShare], body: bytes, subject: str) -> Change:
    content = entry.content
    _require_election(record, content.election, subject)
    trustee = record.require_ceremony().trustees.get(content.index)
    if trustee is None or trustee.signing_key is None:
        raise VerificationError("18", subject, f"there is no trustee {content.index}")
    _require_signature(record, header, entry, body, trustee.signing_key, subject, "18")
    _require_time(content.time, subject)
    if content.tally != record.tally_hash:
        raise VerificationError(
            "18", subject, "decrypts another tally", expected=str(record.tally_hash), found=content.tally
        )
    if content.index in record.shares:
        raise VerificationError("18", subject, f"trustee {content.index} has published a share already")
    return _setting(record, shares={**record.shares, content.index: content})


def _result(
    record: ElectionRecord, header: EntryHeader, entry: Signed[ElectionResult], body: bytes, subject: str
) -> Change:
    content = entry.content
    _require_election(record, content.election, subject)
    _administrator(record, header, entry, body, subject)
    if content.tally != record.tally_hash:
        raise VerificationError(
            "19", subject, "is the result of another tally", expected=str(record.tally_hash), found=content.tally
        )
    threshold = record.require_manifest().threshold
    if list(content.shares) != sorted(set(content.shares)) or len(content.shares) != threshold:
        raise VerificationError("18", subject, f"does not name {threshold} distinct trustees in rising order")
    missing = [index for index in content.shares if index not in record.shares]
    if missing:
        raise VerificationError("18", subject, f"trustee {missing[0]} has published no share")
    return _setting(record, result=content, last_time=content.time)


_RULES: dict[str, Callable[..., Change]] = {
    "election.defined": _defined,
    "trustee.joined": _trustee,
    "trustee.committed": _trustee,
    "trustee.dealt": _trustee,
    "trustee.confirmed": _trustee,
    "trustee.complained": _trustee,
    "trustee.answered": _trustee,
    "trustee.restarted": _restarted,
    "credentials.listed": _listed,
    "election.opened": _opened,
    "ballot.cast": _ballot,
    "election.notice": _notice,
    "election.extended": _extended,
    "election.closed": _closed,
    "election.cancelled": _cancelled,
    "tally.encrypted": _tally,
    "tally.share": _share,
    "election.result": _result,
}
