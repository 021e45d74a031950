"""The Setup event of a Belenios archive: parameters, trustees, credentials.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.verifier.foreign.belenios.archive import Archive, Step
from voting.verifier.foreign.belenios.election import (
    MAX_TOTAL_WEIGHT,
    Credential,
    Election,
    Kind,
    base64_hash,
    is_sorted,
    parse_credential,
    parse_credential_list,
    parse_election,
)
from voting.verifier.foreign.belenios.trustees import Trustees, check_trustees
from voting.verifier.foreign.findings import Ledger
from voting.verifier.foreign.json_text import read_json

_PARTS = frozenset({"election", "trustees", "credentials"})


class Setup(NamedTuple):
    """What a Setup event defines. `trustees` is None if they did not stand the check."""

    election: Election
    election_bytes: bytes
    trustees: Trustees | None
    credentials: dict[str, Credential]
    facts: tuple[tuple[str, str], ...]

    @property
    def mixed(self) -> tuple[int, ...]:
        """Places of the non-homomorphic questions."""
        questions = enumerate(self.election.questions)
        return tuple(place for place, question in questions if question.kind is Kind.NON_HOMOMORPHIC)


def read_setup(archive: Archive, step: Step, ledger: Ledger) -> Setup | None:
    """B04 to B07 on the Setup event; None if its parameters cannot be used."""
    entry = step.number
    with ledger.timing("B04"):
        election, named = _read_parameters(archive, step, ledger)
    if election is None:
        return None
    with ledger.timing("B05"):
        trustees = _read_trustees(named["trustees"], election, ledger, entry)
    if trustees is not None:
        product = election.group.product(item.share for item in trustees.items)
        if product == election.key:
            ledger.hold("B06")
        else:
            ledger.fail("B06", "election public key", "is not the product of the trustees' keys", entry=entry)
    with ledger.timing("B07"):
        credentials = _read_credentials(named["credentials"], election, ledger, entry)
    facts = (
        ("election fingerprint", election.fingerprint),
        ("credentials fingerprint", base64_hash(named["credentials"])),
    )
    return Setup(election, named["election"], trustees, credentials, facts)


def _read_parameters(archive: Archive, step: Step, ledger: Ledger) -> tuple[Election | None, dict[str, bytes]]:
    """The parameters, and the data records by the name that the last one gives them."""
    entry = step.number
    *records, last = step.data
    try:
        value = read_json(archive.body(last), what="setup data")
        if not isinstance(value, dict) or not set(value) >= _PARTS:
            raise DecodeError("does not name parameters, trustees and credentials", where="setup data")
        hashes = {record.name[:64]: record for record in records}
        if sorted(map(str, value.values())) != sorted(record.name[:64] for record in records):
            raise DecodeError("names other data than the event brings", where="setup data")
        named = {name: archive.body(hashes[digest]) for name, digest in value.items()}
        election = parse_election(named["election"])
    except UrneError as error:
        ledger.fail("B04", error.where or "setup data", error.problem, entry=entry)
        return None, {}
    ledger.hold("B04")
    for name in sorted(set(value) - _PARTS):
        ledger.warn("B04", "setup data", f"cannot be checked here: {name[:40]}", entry=entry)
    for field in election.unknown:
        ledger.warn("B04", "election parameters", f"the field {field[:40]} is unknown to this program", entry=entry)
    return election, named


def _read_trustees(data: bytes, election: Election, ledger: Ledger, entry: int) -> Trustees | None:
    try:
        trustees = check_trustees(data, election.group)
    except UrneError as error:
        reason = error.reason if isinstance(error, VerificationError) else error.problem
        ledger.fail("B05", error.where or "trustees", reason, entry=entry)
        return None
    ledger.hold("B05", len(trustees.names))
    for unchecked in trustees.unchecked:
        ledger.warn("B05", "trustees", f"cannot be checked here: {unchecked}", entry=entry)
    return trustees


def _read_credentials(data: bytes, election: Election, ledger: Ledger, entry: int) -> dict[str, Credential]:
    found: dict[str, Credential] = {}
    try:
        lines = parse_credential_list(data)
    except DecodeError as error:
        ledger.fail("B07", error.where or "credential list", error.problem, entry=entry)
        return found
    for number, line in enumerate(lines, 1):
        try:
            credential = parse_credential(line, election.group, number)
        except UrneError as error:
            ledger.fail("B07", error.where or f"credential {number}", error.problem, entry=entry)
            continue
        if credential.text in found:
            ledger.fail("B07", f"credential {number}", "is listed twice", entry=entry)
            continue
        found[credential.text] = credential
        ledger.hold("B07")
    if sum(credential.weight for credential in found.values()) > MAX_TOTAL_WEIGHT:
        ledger.fail("B07", "credential list", f"its total weight is beyond {MAX_TOTAL_WEIGHT}", entry=entry)
    if not lines:
        ledger.hold("B07")  # nobody may vote: odd, but sound
    ordered = list(found.values())
    if not is_sorted(ordered, election.group):
        ledger.warn("B07", "credential list", "is not sorted: its order may tell who has which", entry=entry)
    if any(credential.has_name for credential in ordered):
        ledger.warn("B07", "credential list", "names voters beside their credentials", entry=entry)
    return found
