"""One good entry of every kind, for tests: offered to the rules of an election as it is, or with one thing wrong.

    refuse(offer("election.notice").with_fields(text=""), "04", "its text: is empty")
    record = accept(offer("election.notice"))

`apply` is asked alone, without the costly checks around it, so that no other check can answer in its place. The
entries come from an honest election; those that it has no need of, a complaint say, are made beside it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from tests.simulators.election import ADMINISTRATOR, AUTHORITY, ElectionSimulator, StoredEntry, manifest_for
from tests.simulators.record import ADA, CHAIR
from trustee_tools import ceremony as trustee
from voting.crypto.signatures import SigningKey
from voting.election.phases import ALLOWED
from voting.election.record import ElectionRecord
from voting.election.rules import apply
from voting.protocol.encoding import ZERO_HASH, encode, sha256
from voting.protocol.entries import content_hash, parse_body, sign_content
from voting.protocol.errors import VerificationError
from voting.protocol.manifest import Manifest, Schedule
from voting.protocol.messages import (
    ElectionCancelled,
    ElectionExtended,
    ElectionNotice,
    TrusteeComplained,
    TrusteeRestarted,
)
from voting.protocol.tlog.header import EntryHeader, make_header

STRANGER = SigningKey.from_seed(bytes([77]) * 32)
CLOSES, LATER = "2026-11-24T18:00:00.000Z", "2026-11-24T18:00:00.001Z"
EARLIER, NOW = "2026-11-24T07:00:00.000Z", "2026-11-24T12:00:00.000Z"
KINDS = tuple(ALLOWED)
IN_THE_ELECTION = (
    "ballot.cast", "election.extended", "election.closed", "tally.encrypted", "tally.share", "election.result",
)  # fmt: skip
"""What names the election id; everything else names the manifest."""
ADMINISTRATORS = (*(kind for kind in KINDS if kind.startswith("election.")), "tally.encrypted", "trustee.restarted")


class Offer(NamedTuple):
    """What is offered to a record: entries that are in it, and one more."""

    before: Sequence[StoredEntry]
    kind: str
    content: Any
    key: SigningKey

    @property
    def subject(self) -> str:
        return f"entry {len(self.before)} ({self.kind})"

    def with_fields(self, **values: Any) -> Offer:
        return self._replace(content=replace(self.content, **values))


def scheduled_manifest() -> Manifest:
    return replace(manifest_for([CHAIR]), schedule=Schedule(opens="2026-11-24T08:30:00.000Z", closes=CLOSES))


def played(manifest: Manifest) -> ElectionSimulator:
    election = ElectionSimulator(manifest)
    election.run_ceremony()
    voters = election.give_credentials([1, 2])
    election.open()
    election.vote(voters[0], [ADA])
    election.finish()
    return election


@cache
def election() -> ElectionSimulator:
    return played(scheduled_manifest())


def until(kind: str) -> list[StoredEntry]:
    """The entries before the first of a kind."""
    entries = election().board.entries
    return entries[: [entry.header.type for entry in entries].index(kind)]


def replayed(entries: Sequence[StoredEntry]) -> ElectionRecord:
    record = ElectionRecord(allow_toy=True)
    for entry in entries:
        apply(record, entry.header, entry.body)
    return record


def author(kind: str, content: Any) -> SigningKey:
    if kind == "ballot.cast":
        return STRANGER  # who signed a ballot is looked at elsewhere
    if kind == "credentials.listed":
        return AUTHORITY
    if kind in ADMINISTRATORS:
        return ADMINISTRATOR
    return election().trustees[getattr(content, "coefficients", content).index].signing_key


def offer(kind: str) -> Offer:
    """A good entry of this kind, and the entries before it."""
    manifest = election().manifest.hash
    complaint = TrusteeComplained(attempt=1, dealer=1, index=2, manifest=manifest, time=NOW)
    before: Sequence[StoredEntry]
    content: Any
    if kind == "trustee.complained":
        before, content = until("trustee.confirmed"), complaint
    elif kind == "trustee.answered":
        accused = Offer(until("trustee.confirmed"), "trustee.complained", complaint, author("trustee.", complaint))
        body = signed(accused)
        header = header_of(accused, body)
        before = [*accused.before, StoredEntry(header, encode(header), body, None)]
        step = trustee.answer(election().trustees[1], replayed(before).require_ceremony(), 2, NOW)
        content = parse_body(kind, step.body, what="entry").content
    elif kind == "trustee.restarted":
        before = until("trustee.confirmed")
        content = TrusteeRestarted(attempt=2, excluded=(3,), manifest=manifest, time=NOW)
    elif kind == "election.extended":
        before = until("election.closed")
        record = replayed(before)
        assert record.election is not None
        content = ElectionExtended(closes=LATER, election=record.election, time=NOW)
    elif kind == "election.notice":
        before, content = until("election.closed"), ElectionNotice(manifest, "The room is\nnow number 5.", NOW)
    elif kind == "election.cancelled":
        before, content = until("election.closed"), ElectionCancelled(manifest, "A fire.\nNobody is hurt.", NOW)
    else:
        before = until(kind)
        entry = election().board.entries[len(before)]
        content = parse_body(kind, entry.body, what="entry").content
    return Offer(before, kind, content, author(kind, content))


def signed(offered: Offer, *, kind: str = "") -> bytes:
    manifest = offered.content.manifest.hash if offered.kind == "election.defined" else election().manifest.hash
    return sign_content(kind or offered.kind, manifest, offered.content, offered.key)


def header_of(offered: Offer, body: bytes) -> EntryHeader:
    previous = sha256(offered.before[-1].header_bytes) if offered.before else ZERO_HASH
    return make_header(len(offered.before), previous, offered.kind, body)


def state(record: ElectionRecord) -> Any:
    """All that a refused entry must leave alone. The joint key is not: it is computed when it is first asked for."""
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    register, ceremony = record.register, fields.pop("ceremony")
    for name in ("register", "_context"):
        fields.pop(name)
    for name in ("credential_lists", "shares", "notices"):
        fields[name] = fields[name].copy()
    if ceremony is not None:
        fields |= {name: value for name, value in vars(ceremony).items() if name not in ("manifest", "joint")}
        fields["trustees"] = {
            index: dataclasses.replace(each, times=dict(each.times), sealed_shares=dict(each.sealed_shares))
            for index, each in ceremony.trustees.items()
        }
        fields |= {"complaints": dict(ceremony.complaints), "answers": dict(ceremony.answers)}
    return fields, list(register.listed()), list(record.ballots), register.weight, register.counted_weight


@contextmanager
def unchanged(record: ElectionRecord, body: bytes) -> Iterator[None]:
    before, known = state(record), record.register.has_content(content_hash(body))
    yield
    assert state(record) == before
    assert record.register.has_content(content_hash(body)) == known


def refuse(
    offered: Offer, check: str, words: str, *, body: bytes | None = None, record: ElectionRecord | None = None
) -> None:
    """The rule of this number must refuse the entry in these words, and nothing must change."""
    body = body or signed(offered)
    record = record or replayed(offered.before)
    with unchanged(record, body), pytest.raises(VerificationError) as caught:
        apply(record, header_of(offered, body), body)
    assert (caught.value.check, caught.value.subject) == (check, offered.subject), caught.value
    assert re.search(words, str(caught.value)), caught.value


def accept(offered: Offer) -> ElectionRecord:
    record, body = replayed(offered.before), signed(offered)
    apply(record, header_of(offered, body), body)
    assert record.entries == len(offered.before) + 1
    assert record.register.has_content(content_hash(body))
    return record
