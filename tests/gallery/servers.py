"""The gallery: a server and trustees who go on whatever happened: they multiply, decrypt and publish without a check.

This module must not import a verifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from gmpy2 import mpz

from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import SampleElection, sample_election
from tests.simulators.witnesses import START, lying_witness
from voting.protocol.encoding import from_base64, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.messages import EncryptedValue, Message, TallyEncrypted
from voting.protocol.tlog.note import cosign, format_signature_line, parse_note

Pair = tuple[mpz, mpz]


def numbers_of(election: SampleElection, values: Iterable[EncryptedValue]) -> list[Pair]:
    """Ciphertexts as numbers, whether they are in the group or not."""
    width = election.record.group.element_bytes

    def number(text: str) -> mpz:
        return mpz(int.from_bytes(from_base64(text, width, what="number"), "big"))

    return [(number(value.alpha), number(value.beta)) for value in values]


def written(election: SampleElection, pairs: Iterable[Pair]) -> tuple[EncryptedValue, ...]:
    """Numbers as ciphertexts."""
    width = election.record.group.element_bytes
    return tuple(EncryptedValue(*(to_base64(int(part).to_bytes(width, "big")) for part in pair)) for pair in pairs)


def product_of(
    election: SampleElection, weights: Callable[[int, int], int] = lambda _place, weight: weight
) -> list[Pair]:
    """D2 for the ballots that count, without asking whether they are good.

    Args:
        weights: (place among all ballots, right weight) -> the weight that is taken; 0 for ballots that are replaced.
    """
    group, shape = election.record.group, election.manifest.shape
    totals = [(mpz(1), mpz(1))] * len(shape.totals)
    bodies = [entry.body for entry in election.board.entries if entry.header.type == "ballot.cast"]
    ballots = [parse_body("ballot.cast", body, what="part").content for body in bodies]
    last = {ballot.credential: place for place, ballot in enumerate(ballots)}
    given = {to_base64(voter.key.verify_key.raw): voter.weight for voter in election.voters}
    for place, ballot in enumerate(ballots):
        weight = weights(place, given.get(ballot.credential, 1) if last[ballot.credential] == place else 0)
        pairs = numbers_of(election, ballot.ciphertexts) if weight else []
        for t, total in enumerate(shape.totals if weight else ()):
            factors = [pow(part, weight, group.p) for part in pairs[total.index]]
            totals[t] = (totals[t][0] * factors[0] % group.p, totals[t][1] * factors[1] % group.p)
    return totals


def append_tally(election: SampleElection, totals: Sequence[Pair], **changes: Any) -> None:
    """`tally.encrypted` with these totals and the right numbers, unless others are given."""
    record = election.record
    weight = sum(record.credentials[key] for key in record.last_ballot)
    assert record.election is not None
    fields: dict[str, Any] = {
        "ballots": len(record.last_ballot),
        "election": record.election,
        "time": election.now(),
        "totals": written(election, totals),
        "weight": weight,
    }
    append(election, "tally.encrypted", TallyEncrypted(**{**fields, **changes}))


def decrypt_and_publish(election: SampleElection) -> None:
    """The first k trustees decrypt, the result follows."""
    for index in sorted(election.ceremony.trustees)[: election.manifest.threshold]:
        election.decrypt(index)
    election.result()


def append(election: SampleElection, type_: str, content: Message, key: Any = ADMINISTRATOR) -> None:
    """Sign a content and have it taken in."""
    election.board.append(type_, sign_content(type_, election.manifest.hash, content, key))


WITNESSES = ("w1.example", "w2.example", "w3.example")


def witnessed(quorum: int) -> SampleElection:
    """A whole election whose manifest names three witnesses."""
    manifest = msgspec.structs.replace(
        sample_election(until="defined").manifest,
        quorum=quorum,
        witnesses=tuple(lying_witness(name).key.vkey for name in WITNESSES),
    )
    election = SampleElection(manifest)
    election.run_ceremony()
    election.give_credentials((1, 2))
    election.open()
    election.finish()
    return election


def cosigned(note: bytes, names: Sequence[str], *, text: bytes | None = None) -> bytes:
    """The note with the signatures of these witnesses, over its text unless they signed another one."""
    for name in names:
        signature = cosign(text or parse_note(note).text, name, lying_witness(name).signing_key, START)
        note += format_signature_line(signature)
    return note
