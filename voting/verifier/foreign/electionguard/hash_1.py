"""The hash function of ElectionGuard 0.95 to 1.1, and the hashes of manifests and ballots made with it.

H(x1, ..., xn) = SHA-256("|s1|...|sn|") mod q. Strings go in as they are, so that "|" inside a label is ambiguous: two
manifests with the same hash are possible (`has_bar` finds out whether this one invites it).
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from gmpy2 import mpz

from voting.crypto.group import Group
from voting.protocol.errors import DecodeError
from voting.verifier.foreign.electionguard.data_1 import (
    AnnotatedText,
    Contact,
    ContestDescription,
    Device,
    LocalizedText,
    Manifest,
    SelectionDescription,
)
from voting.verifier.foreign.electionguard.numbers import ElementP, ElementQ

Hashable = ElementP | ElementQ | mpz | int | str | None


class Hash1:
    """The hash function, for one group."""

    def __init__(self, group: Group) -> None:
        self._q = group.q

    def __call__(self, *parts: Hashable | Sequence[Hashable]) -> mpz:
        """H(parts): a number below q. An `mpz` is an element and goes in in hexadecimal digits, an `int` in decimal."""
        text = "|".join(self._text(part) for part in parts)
        return mpz(int.from_bytes(hashlib.sha256(f"|{text}|".encode()).digest(), "big")) % self._q

    def _text(self, part: Hashable | Sequence[Hashable]) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, ElementP | ElementQ):
            return _hex(part.value)
        if isinstance(part, mpz):
            return _hex(part)
        if isinstance(part, int):
            return str(part)
        if not part:
            return "null"
        return _hex(self(*part))


def _hex(number: mpz) -> str:
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else "0" + digits


def _text(h: Hash1, text: LocalizedText | None) -> mpz | None:
    return None if text is None else h([h(entry.value, entry.language) for entry in text.text])


def _notes(h: Hash1, notes: Iterable[AnnotatedText] | None) -> list[mpz]:
    return [h(note.annotation, note.value) for note in notes or ()]


def _contact(h: Hash1, contact: Contact | None) -> mpz | None:
    if contact is None:
        return None
    return h(contact.name, contact.address_line, _notes(h, contact.email), _notes(h, contact.phone))


def _moment(text: str) -> str:
    """A date as it is hashed: in UTC, without fractions."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise DecodeError(f"{text[:40]!r} is not a date", where="manifest.json") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def selection_description_hash(h: Hash1, selection: SelectionDescription) -> mpz:
    """The hash by which ballots name an option."""
    return h(selection.object_id, selection.sequence_order, selection.candidate_id)


def contest_description_hash(h: Hash1, contest: ContestDescription) -> mpz:
    """The hash of a contest's description without placeholders, as the manifest hash contains it."""
    return h(
        contest.object_id,
        contest.sequence_order,
        contest.electoral_district_id,
        contest.vote_variation,
        _text(h, contest.ballot_title),
        _text(h, contest.ballot_subtitle),
        contest.name,
        contest.number_elected,
        contest.votes_allowed,
        [selection_description_hash(h, selection) for selection in contest.ballot_selections],
    )


def manifest_hash(h: Hash1, manifest: Manifest) -> mpz:
    """The hash of the manifest. Candidates are not part of it."""
    units = [
        h(unit.object_id, unit.name, unit.type, _contact(h, unit.contact_information))
        for unit in manifest.geopolitical_units
    ]
    parties = [
        h(party.object_id, _text(h, party.name), party.abbreviation, party.color, party.logo_uri)
        for party in manifest.parties
    ]
    styles = [
        h(style.object_id, style.geopolitical_unit_ids, style.party_ids, style.image_uri)
        for style in manifest.ballot_styles
    ]
    return h(
        manifest.election_scope_id,
        manifest.type,
        _moment(manifest.start_date),
        _moment(manifest.end_date),
        _text(h, manifest.name),
        _contact(h, manifest.contact_information),
        units,
        parties,
        [contest_description_hash(h, contest) for contest in manifest.contests],
        styles,
    )


def device_hash(h: Hash1, device: Device) -> mpz:
    """The seed of a device's first ballot."""
    return h(device.device_id, device.session_id, device.launch_code, device.location)


def hashed_texts(manifest: Manifest) -> Iterable[str]:
    """The labels that go into the manifest hash unescaped."""
    yield from (manifest.election_scope_id, manifest.type)
    for unit in manifest.geopolitical_units:
        yield from (unit.object_id, unit.name, unit.type)
    for party in manifest.parties:
        yield from (party.object_id, party.abbreviation or "", party.color or "", party.logo_uri or "")
    for contest in manifest.contests:
        yield from (contest.object_id, contest.electoral_district_id, contest.vote_variation, contest.name)
        for selection in contest.ballot_selections:
            yield from (selection.object_id, selection.candidate_id)
    for style in manifest.ballot_styles:
        yield from (style.object_id, *(style.geopolitical_unit_ids or ()), *(style.party_ids or ()))


def has_bar(manifest: Manifest) -> bool:
    """Whether a label contains the separator of the hash."""
    return any("|" in text for text in hashed_texts(manifest))
