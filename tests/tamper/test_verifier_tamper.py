"""Dishonest records: each breaks one rule, and the check of that rule must fail, and no other.

The forger is the board: it re-chains the headers and signs the checkpoint anew. Where it needs other people's keys,
they help. `consequences` are checks that cannot run, because they lack what the refused entry should have brought.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.simulators.election import ADMINISTRATOR, AUTHORITY, BOARD_KEY, StoredEntry
from tests.simulators.record import (
    ADA,
    GRACE,
    ORIGIN,
    Part,
    SampleElection,
    checkpoint_of,
    parts_of,
    rechain,
    sample_election,
    write_record,
)
from voting.crypto import schnorr
from voting.crypto.kdf import Derivation
from voting.crypto.signatures import SigningKey
from voting.election import ballots
from voting.election.ballots import BALLOT
from voting.election.decryption import outcomes_of
from voting.election.steps import give_notice
from voting.election.tally import encode_totals, tally_ballots
from voting.protocol.encoding import Hash, from_base64, sha256, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.manifest import Manifest
from voting.protocol.messages import BoothFile, ElectionResult, Message, Proof, TrusteeComplained
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.note import TYPE_COSIGNATURE, note_key
from voting.verifier.context import Announced
from voting.verifier.findings import Cause, Status
from voting.verifier.load import open_record
from voting.verifier.report import Report
from voting.verifier.report_text import report_lines
from voting.verifier.verify import verify_record

STRANGER = SigningKey.from_seed(bytes([77]) * 32)
AFTER_TALLY = {"18", "19", "20"}
AFTER_CLOSING = {"04", "16", "17", *AFTER_TALLY}
AFTER_OPENING = {"04", "10", "11", "12", "13", "14", "15", *AFTER_CLOSING}


class Forgery(NamedTuple):
    """A record's entries, and what else is forged."""

    entries: Sequence[StoredEntry]
    checkpoint: bytes | None = None
    vkey: str = ""
    drop_last_body: bool = False


def forged(parts: Iterable[Part]) -> Forgery:
    return Forgery(rechain(parts))


def published(**choices: Any) -> tuple[SampleElection, list[Part]]:
    election = sample_election(**choices)
    return election, parts_of(election.board.entries)


def place_of(parts: Sequence[Part], type_: str, which: int = 0) -> int:
    return [place for place, part in enumerate(parts) if part.type == type_][which]


def change(
    election: SampleElection,
    parts: list[Part],
    type_: str,
    edit: Callable[[Any], Message],
    key: SigningKey,
    *,
    which: int = 0,
) -> list[Part]:
    """The same parts with one content edited and signed again."""
    place = place_of(parts, type_, which)
    content = edit(parse_body(type_, parts[place].body, what="part").content)
    body = sign_content(type_, election.manifest.hash, content, key)
    return [*parts[:place], parts[place]._replace(body=body), *parts[place + 1 :]]


def fields(**values: Any) -> Callable[[Any], Message]:
    """An edit that sets fields."""

    def edit(content: Any) -> Message:
        changed: Message = msgspec.structs.replace(content, **values)
        return changed

    return edit


def write_forgery(forgery: Forgery, folder: Path) -> Path:
    write_record(forgery.entries, folder, checkpoint=forgery.checkpoint)
    if forgery.vkey:
        (folder / "vkey").write_text(forgery.vkey + "\n")
    if forgery.drop_last_body:
        lines = (folder / "bodies.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "bodies.jsonl").write_bytes(b"".join(lines[:-1]))
    return folder


def checked(forgery: Forgery, folder: Path, **announced: Any) -> Report:
    with open_record(write_forgery(forgery, folder)) as source:
        return verify_record(source, allow_toy=True, announced=Announced(**announced))


def failed_checks(report: Report) -> set[str]:
    return {check.id for check in report.checks if check.status is Status.FAILED}


def not_run(report: Report) -> set[str]:
    return {check.id for check in report.checks if check.status is Status.NOT_RUN}


def reason_of(report: Report, check: str) -> str:
    return next(str(line.findings[0]) for line in report.checks if line.id == check)


# -- the manifest, the chain, the checkpoint ---------------------------------------------------------------------------


def defined_again(parts: Sequence[Part], manifest: Manifest) -> Forgery:
    """A record of nothing but the definition of an election, with this manifest."""
    content = parse_body("election.defined", parts[0].body, what="part").content
    changed = msgspec.structs.replace(content, manifest=manifest)
    return forged([Part("election.defined", sign_content("election.defined", manifest.hash, changed, ADMINISTRATOR))])


def bad_manifest() -> Forgery:
    election, parts = published(until="defined")
    return defined_again(parts, msgspec.structs.replace(election.manifest, threshold=0))


def board_that_is_a_witness() -> Forgery:
    """The manifest's board key is one that cosigns: it cannot have signed the checkpoint."""
    election, parts = published(until="defined")
    vkey = note_key(ORIGIN, BOARD_KEY.verify_key, TYPE_COSIGNATURE).vkey
    return defined_again(parts, msgspec.structs.replace(election.manifest, board=vkey))


def board_whose_name_is_no_address() -> Forgery:
    election, parts = published(until="defined")
    vkey = note_key("board.example//test", BOARD_KEY.verify_key).vkey
    return defined_again(parts, msgspec.structs.replace(election.manifest, board=vkey))


def with_notice() -> tuple[SampleElection, list[Part]]:
    """A whole election with a notice during the voting: entry 19 or so, on which nothing depends."""
    election = sample_election(until="voting")
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Lunch at noon.", election.now()))
    election.finish()
    return election, parts_of(election.board.entries)


def dropped_entry() -> Forgery:
    election, parts = with_notice()
    place = place_of(parts, "election.notice")
    return Forgery([entry for entry in election.board.entries if entry.header.seq != place])


def body_with_white_space() -> Forgery:
    _election, parts = with_notice()
    place = place_of(parts, "election.notice")
    parts[place] = parts[place]._replace(body=parts[place].body.replace(b'"time":', b'"time": '))
    return forged(parts)


def changed_body() -> Forgery:
    election, parts = with_notice()
    place = place_of(parts, "election.notice")
    entries = list(election.board.entries)
    entries[place] = entries[place]._replace(body=entries[place].body.replace(b"Lunch", b"Party"))
    return Forgery(entries)


def changed_result_body() -> Forgery:
    election, _parts = published()
    entries = list(election.board.entries)
    entries[-1] = entries[-1]._replace(body=entries[-1].body.replace(b'"totals":[3,5,0]', b'"totals":[5,3,0]'))
    return Forgery(entries)


def header_with_white_space() -> Forgery:
    election, parts = with_notice()
    place = place_of(parts, "election.notice")
    entries = list(election.board.entries)
    entries[place] = entries[place]._replace(header_bytes=entries[place].header_bytes.replace(b":", b": ", 1))
    following = entries[place + 1]
    header = msgspec.structs.replace(following.header, prev=sha256(entries[place].header_bytes))
    return Forgery(
        [*entries[: place + 1], following._replace(header_bytes=msgspec.json.encode(header)), *entries[place + 2 :]]
    )


def changed_opening_body() -> Forgery:
    """What follows from an opening that is left out is no fault of its own."""
    election, parts = published()
    place = place_of(parts, "election.opened")
    entries = list(election.board.entries)
    entries[place] = entries[place]._replace(body=entries[place].body.replace(b'"voters":3', b'"voters":4'))
    return Forgery(entries)


def opening_header_with_white_space() -> Forgery:
    election, parts = published()
    place = place_of(parts, "election.opened")
    entries = list(election.board.entries)
    entries[place] = entries[place]._replace(header_bytes=entries[place].header_bytes.replace(b":", b": ", 1))
    header = msgspec.structs.replace(entries[place + 1].header, prev=sha256(entries[place].header_bytes))
    entries[place + 1] = entries[place + 1]._replace(header_bytes=msgspec.json.encode(header))
    return Forgery(entries)


def missing_body() -> Forgery:
    return Forgery(published()[0].board.entries, drop_last_body=True)


def checkpoint_by_a_stranger() -> Forgery:
    entries = published()[0].board.entries
    return Forgery(entries, checkpoint_of(entries, STRANGER))


def older_checkpoint() -> Forgery:
    entries = published()[0].board.entries
    return Forgery(entries, checkpoint_of(entries, size=len(entries) - 1))


def checkpoint_with_another_root() -> Forgery:
    entries = published()[0].board.entries
    return Forgery(entries, sign_checkpoint(Checkpoint(ORIGIN, len(entries), bytes(32)), BOARD_KEY))


def checkpoint_that_is_none() -> Forgery:
    return Forgery(published()[0].board.entries, b"nothing\n")


def another_vkey() -> Forgery:
    return Forgery(published()[0].board.entries, vkey=note_key(ORIGIN, STRANGER.verify_key).vkey)


# -- phases and signatures ---------------------------------------------------------------------------------------------


def ballot_after_closing() -> Forgery:
    election, parts = published()
    late = election.encrypt(election.voters[0], [GRACE])
    place = place_of(parts, "tally.encrypted")
    return forged([*parts[:place], Part(BALLOT, late.body), *parts[place:]])


def ballot_before_opening() -> Forgery:
    election, parts = published()
    place = place_of(parts, "election.opened")
    early = election.encrypt(election.voters[0], [GRACE])
    return forged([*parts[:place], Part(BALLOT, early.body), *parts[place:]])


def repeated_ballot() -> Forgery:
    _election, parts = published()
    place = place_of(parts, "election.closed")
    return forged([*parts[:place], parts[place_of(parts, BALLOT)], *parts[place:]])


def second_result() -> Forgery:
    election, parts = published()
    twice = change(election, parts, "election.result", fields(time="2027-01-01T00:00:00.000Z"), ADMINISTRATOR)
    return forged([*parts, twice[-1]])


def unknown_type() -> Forgery:
    _election, parts = published()
    return forged([*parts, Part("election.repeated", parts[-1].body)])


def wrong_number_of_ballots() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.closed", fields(ballots=3), ADMINISTRATOR))


def backdated_notice() -> Forgery:
    election, parts = with_notice()
    early = fields(time="2026-11-24T08:00:01.000Z")
    return forged(change(election, parts, "election.notice", early, ADMINISTRATOR))


def ballot_of_another_election() -> Forgery:
    election, parts = published()
    voter = election.voters[0]
    place = place_of(parts, "election.closed")
    content = parse_body(BALLOT, parts[place_of(parts, BALLOT)].body, what="part").content
    foreign = msgspec.structs.replace(content, election=Hash("0" * 64))
    body = sign_content(BALLOT, election.manifest.hash, foreign, voter.key)
    return forged([*parts[:place], Part(BALLOT, body), *parts[place:]])


def notice_by_a_stranger() -> Forgery:
    election, parts = with_notice()
    return forged(change(election, parts, "election.notice", fields(), STRANGER))


def result_by_a_stranger() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.result", fields(), STRANGER))


def credentials_by_the_administrator() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "credentials.listed", fields(), ADMINISTRATOR))


def confirmation_by_a_stranger() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "trustee.confirmed", fields(), STRANGER, which=1))


# -- the ceremony ------------------------------------------------------------------------------------------------------


def other_response(proof: Proof, election: SampleElection) -> Proof:
    """The proof with its response raised by 1."""
    group = election.record.group
    response = group.decode_scalar(from_base64(proof.response, 32, what="response"))
    return Proof(proof.challenge, to_base64(group.encode_scalar((response + 1) % group.q)))


def false_proof_of_knowledge() -> Forgery:
    election, parts = published()

    def edit(content: Any) -> Message:
        proofs = (other_response(content.proofs[0], election), *content.proofs[1:])
        return fields(proofs=proofs)(content)

    return forged(change(election, parts, "trustee.committed", edit, election.trustees[2].signing_key, which=1))


def other_coefficients() -> Forgery:
    election, parts = published()

    def edit(content: Any) -> Message:
        swapped = msgspec.structs.replace(content.coefficients, elements=content.coefficients.elements[::-1])
        return fields(coefficients=swapped, proofs=content.proofs[::-1])(content)

    return forged(change(election, parts, "trustee.committed", edit, election.trustees[3].signing_key, which=2))


def opened_without_a_confirmation() -> Forgery:
    _election, parts = published()
    place = place_of(parts, "trustee.confirmed", 2)
    return forged([*parts[:place], *parts[place + 1 :]])


def trustee_under_another_name() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "trustee.joined", fields(name="Mallory"), election.trustees[1].signing_key))


def complaint_about_oneself() -> Forgery:
    election, parts = published(until="ceremony")
    place = place_of(parts, "trustee.confirmed")
    confirmed = parse_body("trustee.confirmed", parts[place].body, what="part").content
    complaint = TrusteeComplained(attempt=1, dealer=1, index=1, manifest=election.manifest.hash, time=confirmed.time)
    body = sign_content("trustee.complained", election.manifest.hash, complaint, election.trustees[1].signing_key)
    return forged([*parts[:place], Part("trustee.complained", body), *parts[place:]])


def key_of_the_server() -> Forgery:
    election, parts = published()
    own = to_base64(election.record.group.generator.encode())
    return forged(change(election, parts, "election.opened", fields(joint_key=own), ADMINISTRATOR))


def confirmation_of_another_key() -> Forgery:
    election, parts = published(until="ceremony")
    own = to_base64(election.record.group.generator.encode())
    key = election.trustees[3].signing_key
    return forged(change(election, parts, "trustee.confirmed", fields(joint_key=own), key, which=2))


# -- credentials and the opening ---------------------------------------------------------------------------------------


def credential_listed_twice() -> Forgery:
    election, parts = published()
    place = place_of(parts, "credentials.listed")
    again = change(election, parts, "credentials.listed", fields(time="2026-11-24T09:00:00.000Z"), AUTHORITY)[place]
    return forged([*parts[: place + 1], again, *parts[place + 1 :]])


def credential_without_weight() -> Forgery:
    election, parts = published()

    def edit(content: Any) -> Message:
        first = msgspec.structs.replace(content.credentials[0], weight=0)
        return fields(credentials=(first, *content.credentials[1:]))(content)

    return forged(change(election, parts, "credentials.listed", edit, AUTHORITY))


def wrong_number_of_voters() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.opened", fields(voters=4), ADMINISTRATOR))


def opening_with_other_lists() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.opened", fields(credentials=(Hash("0" * 64),)), ADMINISTRATOR))


def opening_with_another_manifest() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.opened", fields(manifest=Hash("0" * 64)), ADMINISTRATOR))


def booth_file_without_a_hash() -> Forgery:
    election, parts = published()
    booth = (BoothFile(path="booth/vote.html", sha256=Hash("none")),)
    return forged(change(election, parts, "election.opened", fields(booth=booth), ADMINISTRATOR))


# -- ballots -----------------------------------------------------------------------------------------------------------


def with_ballot(spoil: Callable[[SampleElection, Any], Message], *, signer: int = 2, counted: bool = False) -> Forgery:
    """An election whose server takes a spoiled ballot of a voter; unless it is counted, the voter votes again."""
    election = sample_election(until="voting", lenient=True)
    good = election.encrypt(election.voters[signer], [GRACE])
    content = spoil(election, parse_body(BALLOT, good.body, what="part").content)
    body = sign_content(BALLOT, election.manifest.hash, content, election.voters[signer].key)
    election.board.append(BALLOT, body, good.hints)
    if not counted:
        election.vote(election.voters[signer], [GRACE])
    election.finish()
    return forged(parts_of(election.board.entries))


def ballot_signed_by_a_stranger() -> Forgery:
    election = sample_election(until="voting", lenient=True)
    good = election.encrypt(election.voters[0], [GRACE])
    content = parse_body(BALLOT, good.body, what="part").content
    election.board.append(BALLOT, sign_content(BALLOT, election.manifest.hash, content, STRANGER), good.hints)
    election.finish()
    return forged(parts_of(election.board.entries))


def ballot_of_an_unlisted_voter() -> Forgery:
    election, parts = published(until="voting")
    stranger = election.voters[0]._replace(key=STRANGER)
    return forged([*parts, Part(BALLOT, election.encrypt(stranger, [ADA]).body)])


def negated_ciphertext() -> Forgery:
    def spoil(election: SampleElection, content: Any) -> Message:
        group = election.record.group
        first = content.ciphertexts[0]
        number = int.from_bytes(from_base64(first.alpha, group.element_bytes, what="alpha"), "big")
        negated = to_base64((int(group.p) - number).to_bytes(group.element_bytes, "big"))
        values = (msgspec.structs.replace(first, alpha=negated), *content.ciphertexts[1:])
        return fields(ciphertexts=values)(content)

    return with_ballot(spoil)


def missing_proof() -> Forgery:
    return with_ballot(lambda _election, content: fields(proofs=content.proofs[:-1])(content))


def scalar_out_of_range() -> Forgery:
    def spoil(election: SampleElection, content: Any) -> Message:
        first = content.proofs[0]
        highest = to_base64(int(election.record.group.q).to_bytes(32, "big"))
        proof = msgspec.structs.replace(first, responses=(highest, *first.responses[1:]))
        return fields(proofs=(proof, *content.proofs[1:]))(content)

    return with_ballot(spoil)


def swapped_ciphertexts() -> Forgery:
    def spoil(_election: SampleElection, content: Any) -> Message:
        first, second, *others = content.ciphertexts
        return fields(ciphertexts=(second, first, *others))(content)

    return with_ballot(spoil, counted=True)


def other_challenge() -> Forgery:
    def spoil(election: SampleElection, content: Any) -> Message:
        return fields(challenge=to_base64(election.record.group.encode_scalar(election.record.group.q - 5)))(content)

    return with_ballot(spoil, counted=True)


def copied_ballot() -> Forgery:
    """Somebody else's ciphertexts and proofs under one's own credential."""

    def spoil(election: SampleElection, content: Any) -> Message:
        victim = election.board.entries[election.record.ballots[0].seq]
        other = parse_body(BALLOT, victim.body, what="part").content
        return fields(ciphertexts=other.ciphertexts, proofs=other.proofs, challenge=other.challenge)(content)

    return with_ballot(spoil)


def ballots_with_one_seed(monkeypatch: pytest.MonkeyPatch) -> Forgery:
    """Two voters who agree on their nonces: the proofs hold, the ciphertexts are the same."""

    def shared(_context: object, _credential: bytes, _values: object, seed: bytes) -> Derivation:
        return Derivation(seed, "ballot", b"")

    monkeypatch.setattr(ballots, "_derivation", shared)
    election = sample_election(until="open", lenient=True)
    election.random_bytes = lambda length: bytes(length)  # type: ignore[method-assign]
    for voter in election.voters[:2]:
        election.vote(voter, [ADA])
    del election.random_bytes
    election.finish()
    return forged(parts_of(election.board.entries))


# -- the tally ---------------------------------------------------------------------------------------------------------


def tally_of_too_few() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "tally.encrypted", fields(ballots=2), ADMINISTRATOR))


def tally_of(pick: Callable[[SampleElection], list[tuple[int, int]]]) -> Forgery:
    """An election whose server multiplies the ballots (entry number, weight) that it likes; the trustees help."""
    election = sample_election(until="closed", lenient=True)
    chosen = pick(election)
    counted = [
        (parse_body(BALLOT, election.board.entries[seq].body, what="part").content, weight) for seq, weight in chosen
    ]
    totals = encode_totals(tally_ballots(election.record.group, election.manifest.shape, counted))
    honest = sample_election(until="tallied").board.entries[-1]
    content = parse_body("tally.encrypted", honest.body, what="part").content
    body = sign_content("tally.encrypted", election.manifest.hash, fields(totals=totals)(content), ADMINISTRATOR)
    election.board.append("tally.encrypted", body)
    for index in (1, 2):
        election.decrypt(index)
    election.result()
    return forged(parts_of(election.board.entries))


def tally_with_a_replaced_ballot() -> Forgery:
    return tally_of(
        lambda e: [(e.record.ballots[0].seq, 1), (e.record.ballots[1].seq, 2), (e.record.ballots[2].seq, 5)]
    )


def tally_with_one_ballot_twice() -> Forgery:
    return tally_of(lambda e: [(e.record.ballots[0].seq, 3), (e.record.ballots[3].seq, 5)])


# -- shares and result -------------------------------------------------------------------------------------------------


def with_share(spoil: Callable[[SampleElection, Any], Message], *, spoiled: int = 2) -> Forgery:
    """A published election in which one share is spoiled after the result was made from it."""
    election, parts = published()
    key = election.trustees[spoiled].signing_key
    return forged(
        change(election, parts, "tally.share", lambda content: spoil(election, content), key, which=spoiled - 1)
    )


def false_share_proof() -> Forgery:
    return with_share(lambda election, content: fields(proof=other_response(content.proof, election))(content))


def share_with_another_factor() -> Forgery:
    return with_share(lambda _election, content: fields(factors=content.factors[::-1])(content))


def share_by_a_stranger() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "tally.share", fields(), STRANGER, which=1))


def share_of_another_tally() -> Forgery:
    return with_share(lambda _election, content: fields(tally=Hash("0" * 64))(content))


def shares_of_a_tally_that_cannot_be_read() -> Forgery:
    """The tally was changed after the trustees had made their shares, to what is no ciphertext."""
    election, parts = published()

    def edit(content: Any) -> Message:
        first = msgspec.structs.replace(content.totals[0], alpha="")
        return fields(totals=(first, *content.totals[1:]))(content)

    return forged(change(election, parts, "tally.encrypted", edit, ADMINISTRATOR))


def result_with_one_share() -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.result", fields(shares=(1,)), ADMINISTRATOR))


def result_with(totals: tuple[int, ...] | None = None, **values: Any) -> Forgery:
    election, parts = published()

    def edit(content: ElectionResult) -> Message:
        changed = dict(values)
        if totals is not None:
            changed |= {"totals": totals, "outcomes": outcomes_of(election.manifest, totals, 8)}
        return fields(**changed)(content)

    return forged(change(election, parts, "election.result", edit, ADMINISTRATOR))


def other_totals() -> Forgery:
    return result_with(totals=(5, 3, 0))


def one_total_too_many() -> Forgery:
    return result_with_totals_as_they_are((3, 5, 0, 1))


def result_with_totals_as_they_are(totals: tuple[int, ...]) -> Forgery:
    election, parts = published()
    return forged(change(election, parts, "election.result", fields(totals=totals), ADMINISTRATOR))


def result_of_another_tally() -> Forgery:
    return result_with(tally=Hash("0" * 64))


def other_winner() -> Forgery:
    election, _parts = published()
    return result_with(outcomes=outcomes_of(election.manifest, (5, 3, 0), 8))


def missing_outcome() -> Forgery:
    return result_with(outcomes=())


# -- each fails its check, and no other --------------------------------------------------------------------------------


class Case(NamedTuple):
    forge: Callable[[], Forgery]
    check: str
    consequences: AbstractSet[str] = frozenset()
    """Checks that cannot run then."""
    also: AbstractSet[str] = frozenset()
    """Checks that fail with it, because the same fault breaks two rules."""


CASES = [
    Case(bad_manifest, "01", {f"{number:02}" for number in range(3, 21)} - {"04"}),
    Case(board_that_is_a_witness, "01", {f"{number:02}" for number in range(3, 21)} - {"04"}),
    Case(board_whose_name_is_no_address, "01", {f"{number:02}" for number in range(3, 21)} - {"04"}),
    Case(dropped_entry, "02"),
    Case(changed_opening_body, "02", AFTER_OPENING),
    Case(opening_header_with_white_space, "02", AFTER_OPENING),
    Case(body_with_white_space, "02"),
    Case(changed_body, "02"),
    Case(changed_result_body, "02", {"19", "20"}),
    Case(header_with_white_space, "02"),
    Case(missing_body, "02", {"19", "20"}, also={"03"}),
    Case(checkpoint_by_a_stranger, "03"),
    Case(older_checkpoint, "03"),
    Case(checkpoint_with_another_root, "03"),
    Case(checkpoint_that_is_none, "03"),
    Case(another_vkey, "03"),
    Case(ballot_after_closing, "04"),
    Case(ballot_before_opening, "04"),
    Case(repeated_ballot, "04"),
    Case(second_result, "04"),
    Case(unknown_type, "04"),
    Case(wrong_number_of_ballots, "04", AFTER_CLOSING - {"04"}),
    Case(backdated_notice, "04"),
    Case(ballot_of_another_election, "04"),
    Case(notice_by_a_stranger, "05"),
    Case(result_by_a_stranger, "05", {"19", "20"}),
    Case(credentials_by_the_administrator, "05", AFTER_OPENING | {"09"}),
    Case(confirmation_by_a_stranger, "05", AFTER_OPENING | {"07"}),
    Case(false_proof_of_knowledge, "06", AFTER_OPENING | {"07", "08"}),
    Case(other_coefficients, "06", AFTER_OPENING | {"07", "08"}),
    Case(opened_without_a_confirmation, "07", AFTER_OPENING),
    Case(trustee_under_another_name, "07", AFTER_OPENING | {"05", "06", "08"}),
    Case(complaint_about_oneself, "07", AFTER_OPENING - {"04"} | {"09"}),
    Case(key_of_the_server, "08", AFTER_OPENING),
    Case(confirmation_of_another_key, "08", AFTER_OPENING - {"04"} | {"07", "09"}),
    Case(credential_listed_twice, "09"),
    Case(credential_without_weight, "09", AFTER_OPENING),
    Case(wrong_number_of_voters, "09", AFTER_OPENING),
    Case(opening_with_other_lists, "10", AFTER_OPENING - {"10"}),
    Case(opening_with_another_manifest, "10", AFTER_OPENING - {"10"}),
    Case(booth_file_without_a_hash, "10", AFTER_OPENING - {"10"}),
    Case(ballot_signed_by_a_stranger, "11"),
    Case(ballot_of_an_unlisted_voter, "11", AFTER_TALLY | {"16", "17"}),
    Case(negated_ciphertext, "12", {"14"}),
    Case(missing_proof, "13", {"14"}),
    Case(scalar_out_of_range, "13", {"14"}),
    Case(swapped_ciphertexts, "14"),
    Case(other_challenge, "14"),
    Case(copied_ballot, "14", also={"15"}),
    Case(tally_of_too_few, "16", {"04", "17"} | AFTER_TALLY),
    Case(tally_with_a_replaced_ballot, "17"),
    Case(tally_with_one_ballot_twice, "17"),
    Case(false_share_proof, "18", {"19"}),
    Case(share_with_another_factor, "18", {"19"}),
    Case(share_by_a_stranger, "18", {"19", "20"}),
    Case(share_of_another_tally, "18", {"19", "20"}),
    Case(shares_of_a_tally_that_cannot_be_read, "17", {"20"}, also={"18", "19"}),
    Case(result_with_one_share, "18", {"19", "20"}),
    Case(other_totals, "19"),
    Case(one_total_too_many, "19", also={"20"}),
    Case(result_of_another_tally, "19", {"20"}),
    Case(other_winner, "20"),
    Case(missing_outcome, "20"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.forge.__name__)
def test_a_forgery_fails_its_check_and_no_other(case: Case, tmp_path: Path) -> None:
    report = checked(case.forge(), tmp_path / "record")
    text = "\n".join(report_lines(report, "en"))
    assert failed_checks(report) == {case.check} | case.also, text
    assert not_run(report) == case.consequences, text
    assert report.exit_code == 1
    assert {check.cause for check in report.checks if check.id in case.consequences} <= {Cause.NEEDS}
    assert all(check.findings for check in report.checks if check.status is Status.FAILED)


def test_copies_with_proofs_that_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = checked(ballots_with_one_seed(monkeypatch), tmp_path / "record")
    assert failed_checks(report) == {"15"}
    assert not_run(report) == set()
    assert "which another credential cast" in reason_of(report, "15")


def test_there_is_a_forgery_for_every_check() -> None:
    elsewhere = {"15", "21"}
    assert {case.check for case in CASES} | elsewhere == {f"{number:02}" for number in range(1, 22)}


# -- what was announced ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "check"), [("manifest", "01"), ("election", "10")])
def test_another_election_than_the_announced_one(name: str, check: str, tmp_path: Path) -> None:
    genuine = Forgery(published()[0].board.entries)
    report = checked(genuine, tmp_path / "record", **{name: "0" * 64})
    assert (failed_checks(report), not_run(report), report.exit_code) == ({check}, set(), 1)
    assert report.checks[int(check) - 1].findings[0].expected == "0" * 64


def test_a_history_that_was_rewritten(tmp_path: Path) -> None:
    election, parts = with_notice()
    earlier = checkpoint_of(election.board.entries, size=20)
    place = place_of(parts, "election.notice")
    rewritten = forged([*parts[:place], *parts[place + 1 :]])
    report = checked(rewritten, tmp_path / "record", since=earlier)
    assert (failed_checks(report), not_run(report)) == ({"21"}, set())


def test_a_record_shorter_than_what_was_signed(tmp_path: Path) -> None:
    entries = published()[0].board.entries
    report = checked(Forgery(entries[:-1]), tmp_path / "record", since=checkpoint_of(entries))
    assert failed_checks(report) == {"21"}
    assert "fewer entries" in reason_of(report, "21")


def test_an_earlier_checkpoint_of_another_board(tmp_path: Path) -> None:
    entries = published()[0].board.entries
    report = checked(Forgery(entries), tmp_path / "record", since=checkpoint_of(entries, STRANGER, size=3))
    assert failed_checks(report) == {"21"}


# -- what the report says ----------------------------------------------------------------------------------------------


def test_a_false_ballot_is_named_by_entry_and_tracker(tmp_path: Path) -> None:
    forgery = swapped_ciphertexts()
    report = checked(forgery, tmp_path / "record")
    (finding,) = report.checks[13].findings
    assert finding.entry is not None
    assert forgery.entries[finding.entry].header.type == BALLOT
    assert len(finding.tracker) == len("XXXX-XXXX-XXXX-XXXX-X")
    assert f"entry {finding.entry}" in finding.subject


def test_a_false_share_that_is_not_needed_is_a_warning(tmp_path: Path) -> None:
    election = sample_election(until="tallied")
    for index in (1, 2, 3):
        election.decrypt(index)
    election.result()
    parts = parts_of(election.board.entries)

    def edit(content: Any) -> Message:
        return fields(proof=other_response(content.proof, election))(content)

    key = election.trustees[3].signing_key
    report = checked(forged(change(election, parts, "tally.share", edit, key, which=2)), tmp_path / "record")
    assert report.exit_code == 0
    (warning,) = report.checks[17].warnings
    assert "trustee 3" in warning.subject
    assert (report.checks[17].passed, report.checks[17].total) == (2, 3)


def test_a_nonce_used_twice_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schnorr, "derive", lambda *_arguments, length: bytes([5]) * length)
    report = checked(Forgery(published()[0].board.entries), tmp_path / "record")
    assert report.exit_code == 0
    assert len(report.checks[5].warnings) == 3
    assert "a nonce used twice gives the secret away" in str(report.checks[5].warnings[0])


def test_an_honest_election_has_no_warnings(tmp_path: Path) -> None:
    report = checked(Forgery(published()[0].board.entries), tmp_path / "record")
    assert [check.warnings for check in report.checks] == [()] * 21


def test_two_independent_faults_are_both_named(tmp_path: Path) -> None:
    election, parts = published()
    parts = change(election, parts, "tally.share", fields(), STRANGER, which=1)
    report = checked(Forgery(rechain(parts), checkpoint=checkpoint_of(rechain(parts), STRANGER)), tmp_path / "record")
    assert failed_checks(report) == {"03", "18"}


def test_two_unlisted_ballots_are_both_named(tmp_path: Path) -> None:
    election, parts = published(until="voting")
    bodies = [election.encrypt(election.voters[0]._replace(key=STRANGER), [choice]).body for choice in (ADA, GRACE)]
    report = checked(forged([*parts, *(Part(BALLOT, body) for body in bodies)]), tmp_path / "record")
    assert [finding.entry for finding in report.checks[10].findings] == [len(parts), len(parts) + 1]


def test_only_twenty_findings_are_listed_unless_all_are_asked_for(tmp_path: Path) -> None:
    election, parts = published(until="voting")
    stranger = election.voters[0]._replace(key=STRANGER)
    bodies = [election.encrypt(stranger, [ADA]).body for _ in range(25)]
    report = checked(forged([*parts, *(Part(BALLOT, body) for body in bodies)]), tmp_path / "record")
    short, full = report_lines(report, "en"), report_lines(report, "en", everything=True)
    assert sum("not listed" in line for line in short) == 20
    assert any("and 5 more" in line for line in short)
    assert sum("not listed" in line for line in full) == 25
