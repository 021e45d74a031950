"""Protocol S3: every kind of entry is taken in when it is right, and refused by its own rule when one thing is wrong.

Each fault is signed by the author unless the signature is the fault. After a refusal the record must be as it was:
`refuse` looks at that too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from tests.simulators.election import ADMINISTRATOR, StoredEntry
from tests.simulators.offers import (
    ADMINISTRATORS,
    CLOSES,
    EARLIER,
    IN_THE_ELECTION,
    KINDS,
    LATER,
    NOW,
    STRANGER,
    Offer,
    accept,
    election,
    header_of,
    offer,
    refuse,
    replayed,
    scheduled_manifest,
    signed,
    unchanged,
    until,
)
from voting.crypto.signatures import SigningKey
from voting.election.phases import ALLOWED, Phase
from voting.election.record import ElectionRecord, require_tally
from voting.election.rules import apply
from voting.protocol.encoding import Hash, sha256, to_base64
from voting.protocol.errors import VerificationError
from voting.protocol.messages import BoothFile, Credential, ElectionDefined

# -- what holds for every kind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_good_entry_is_taken_in_once(kind: str) -> None:
    offered = offer(kind)
    record, body = accept(offered), signed(offered)
    words = "may not come while" if record.phase not in ALLOWED[kind] else "repeats an earlier entry"
    again = offered._replace(before=[*offered.before, StoredEntry(header_of(offered, body), b"{}", body, None)])
    refuse(again, "04", words, body=body, record=record)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ballot.cast"])
def test_a_signature_of_somebody_else_or_for_something_else_is_refused(kind: str) -> None:
    """A ballot's signature costs too much for these rules: `admission` and check 11 look at it."""
    offered, check = offer(kind), "18" if kind == "tally.share" else "05"
    refuse(offered._replace(key=STRANGER), check, "the signature does not hold")
    other = "election.notice" if kind != "election.notice" else "election.cancelled"
    refuse(offered, check, "the signature does not hold", body=signed(offered, kind=other))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (*IN_THE_ELECTION, "election.defined")])
def test_another_manifest_is_refused(kind: str) -> None:
    offered, other = offer(kind), Hash("ab" * 32)
    if kind == "trustee.committed":
        changed = offered.with_fields(coefficients=replace(offered.content.coefficients, manifest=other))
    else:
        changed = offered.with_fields(manifest=other)
    words = f"names another manifest .expected {election().manifest.hash}, found {other}"
    refuse(changed, "10" if kind == "election.opened" else "04", words)


@pytest.mark.parametrize("kind", IN_THE_ELECTION)
def test_another_election_is_refused(kind: str) -> None:
    """Such as the one with the same manifest that was opened a second time, on another board."""
    refuse(offer(kind).with_fields(election=Hash("ab" * 32)), "04", "belongs to another election .*found abab")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ballot.cast"])
@pytest.mark.parametrize("time", ["2026-02-30T08:00:00.000Z", "2026-11-24T12:00:00Z", ""])
def test_a_time_that_is_none_is_refused(kind: str, time: str) -> None:
    refuse(offer(kind).with_fields(time=time), "04", "its time is no")


@pytest.mark.parametrize("kind", [kind for kind in ADMINISTRATORS if kind != "election.defined"])
def test_the_administrators_times_never_go_backwards(kind: str) -> None:
    offered = offer(kind)
    last = replayed(offered.before).last_time
    refuse(offered.with_fields(time=EARLIER), "04", "is dated before the administrator's last entry .expected " + last)
    assert accept(offered.with_fields(time=last)).last_time == last


@pytest.mark.parametrize("phase", Phase)
def test_nothing_may_come_in_a_phase_that_is_not_its_own(phase: Phase) -> None:
    entries, cancelled = election().board.entries, offer("election.cancelled")
    body = signed(cancelled)
    ended = StoredEntry(header_of(cancelled, body), b"{}", body, None)
    before = {
        Phase.EMPTY: [],
        Phase.SETUP: entries[:1],
        Phase.OPEN: until("election.closed"),
        Phase.CLOSED: until("tally.encrypted"),
        Phase.TALLIED: until("election.result"),
        Phase.PUBLISHED: entries,
        Phase.CANCELLED: [*cancelled.before, ended],
    }[phase]
    record = replayed(before)
    assert record.phase is phase
    for kind in KINDS:
        if phase not in ALLOWED[kind]:
            refuse(offer(kind)._replace(before=before), "04", f"may not come while.* {phase.value}$", record=record)


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_of_another_form_is_refused(kind: str) -> None:
    offered = offer(kind)
    refuse(offered, "02", "", body=signed(offered).replace(b'"content":{', b'"content":{"zz":1,'))


def test_a_kind_that_no_election_has_is_refused() -> None:
    offered = offer("election.notice")
    refuse(offered._replace(kind="election.delayed"), "04", "has a type that no election has", body=signed(offered))


def test_what_only_a_server_checks_comes_last_and_before_any_change() -> None:
    offered = offer("election.closed")
    record, body, steps = replayed(offered.before), signed(offered), list[Any]()

    @contextmanager
    def guard() -> Iterator[None]:
        steps.append(record.phase)
        yield
        steps.append(record.phase)

    def objects(entry: Any) -> None:
        steps.append(entry.content)
        raise VerificationError("17", "the server", "says no")

    with unchanged(record, body), pytest.raises(VerificationError, match="check 17: the server: says no"):
        apply(record, header_of(offered, body), body, also=objects, guard=guard())
    assert steps == [offered.content]
    apply(record, header_of(offered, body), body, also=lambda entry: steps.append(entry.content), guard=guard())
    assert steps == [offered.content, offered.content, Phase.OPEN, Phase.CLOSED]
    refuse(offered.with_fields(ballots=2), "04", "wrong number of ballots cast .expected 1, found 2")


# -- the definition ----------------------------------------------------------------------------------------------------


def test_the_toy_group_protects_nothing_outside_tests() -> None:
    refuse(offer("election.defined"), "01", "toy-512 is for tests only and protects nothing", record=ElectionRecord())
    manifest = replace(scheduled_manifest(), group="integer-3072")
    real = Offer([], "election.defined", ElectionDefined(manifest=manifest, time=NOW), ADMINISTRATOR)
    record, body = ElectionRecord(), signed(real)
    assert record.entries == 0
    apply(record, header_of(real, body), body)
    assert (record.manifest, record.closes, record.last_time, record.entries) == (manifest, CLOSES, NOW, 1)


def test_a_manifest_that_is_not_valid_is_refused() -> None:
    manifest = replace(scheduled_manifest(), threshold=4)
    refuse(offer("election.defined").with_fields(manifest=manifest), "01", "the manifest is not valid: .*threshold")


def test_an_election_without_a_schedule_has_no_announced_end() -> None:
    plain = offer("election.defined").with_fields(manifest=replace(scheduled_manifest(), schedule=None))
    assert accept(plain).closes is None


# -- trustees ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["A" * 42, to_base64(bytes([1, *bytes(31)]))])
def test_a_signing_key_that_is_none_is_refused(key: str) -> None:
    refuse(offer("trustee.joined").with_fields(signing_key=key), "05", "signing_key")


@pytest.mark.parametrize("kind", ["trustee.dealt", "trustee.confirmed", "trustee.complained", "trustee.answered"])
def test_an_index_that_no_trustee_has_is_refused(kind: str) -> None:
    refuse(offer(kind).with_fields(index=4), "05", "trustee 4 is not part of this ceremony")


def test_the_steps_of_the_ceremony_are_noted() -> None:
    assert accept(offer("trustee.complained")).require_ceremony().complaints == {(1, 2): "open"}
    assert accept(offer("trustee.answered")).require_ceremony().complaints == {(1, 2): "settled"}
    record = accept(offer("trustee.restarted"))
    ceremony = record.require_ceremony()
    assert (ceremony.attempt, ceremony.excluded, record.last_time) == (2, (3,), NOW)


# -- credentials -------------------------------------------------------------------------------------------------------


def keys(count: int) -> list[str]:
    made = (SigningKey.from_seed(bytes([100 + number]) * 32).verify_key.raw for number in range(count))
    return sorted(map(to_base64, made))


def listing(*weights: int) -> Offer:
    credentials = tuple(Credential(key, weight) for key, weight in zip(keys(len(weights)), weights, strict=True))
    return offer("credentials.listed").with_fields(credentials=credentials)


def test_a_list_without_credentials_is_refused() -> None:
    refuse(listing(), "09", "lists no credential")


def test_credentials_come_in_rising_order_and_once() -> None:
    one, two = listing(1, 1).content.credentials
    for wrong in ((two, one), (one, one)):
        refuse(listing().with_fields(credentials=wrong), "09", r"credentials\[1\] is not in rising order, or occurs")


def test_no_credential_is_listed_in_two_entries() -> None:
    one, two = listing(1, 1), listing(2, 1)
    body = signed(one)
    again = two._replace(before=[*one.before, StoredEntry(header_of(one, body), b"{}", body, None)])
    refuse(again, "09", r"credentials\[0\] was listed before", record=accept(one))


@pytest.mark.parametrize("key", ["A" * 44, to_base64(bytes([1, *bytes(31)])), "!"])
def test_a_credential_is_the_key_of_a_signature(key: str) -> None:
    refuse(listing().with_fields(credentials=(Credential(key, 1),)), "09", r"credentials\[0\]")


@pytest.mark.parametrize("weight", [0, -1, 1_000_000_000_001])
def test_a_weight_out_of_range_is_refused(weight: int) -> None:
    refuse(listing(1, weight), "09", r"credentials\[1\] has a weight out of range .expected 1 to 1000000000000")


def test_the_sum_of_the_weights_is_limited_over_all_lists() -> None:
    most = listing(*[1_000_000_000_000] * 9)
    record, body = accept(most), signed(most)
    assert record.weight == 9_000_000_000_000
    assert record.credential_lists == [sha256(body)]
    more = listing().with_fields(credentials=(Credential(to_base64(STRANGER.verify_key.raw), 1),))
    more = more._replace(before=[*most.before, StoredEntry(header_of(most, body), b"{}", body, None)])
    words = "add up to too much .expected 9000000000000 at most, found 9000000000001"
    refuse(more, "09", words, record=record)


# -- opening, tally and result -----------------------------------------------------------------------------------------


def test_an_election_is_not_opened_before_its_key_is_made_and_its_voters_are_listed() -> None:
    opened = offer("election.opened")
    refuse(opened._replace(before=until("trustee.confirmed")), "07", "not all trustees have confirmed")
    refuse(opened._replace(before=opened.before[:-2]), "07", "not all trustees have confirmed")
    refuse(opened._replace(before=until("credentials.listed")), "09", "no credential is listed")


@pytest.mark.parametrize(
    ("values", "check", "words"),
    [
        ({"joint_key": "A" * 86}, "08", "the joint key is not the product of the trustees' commitments"),
        ({"credentials": ()}, "10", "names other credential lists than those on the board"),
        ({"credentials": (Hash("ab" * 32),)}, "10", "names other credential lists than those on the board"),
        ({"voters": 3}, "09", "not as announced .expected 2 of weight 3, found 3 of weight 3"),
        ({"weight": 2}, "09", "not as announced .expected 2 of weight 3, found 2 of weight 2"),
        ({"booth": (BoothFile("/", Hash("ab" * 32)), BoothFile("/", Hash("ab" * 32)))}, "10", "booth"),
    ],
)
def test_an_opening_announces_what_is_on_the_board(values: dict[str, Any], check: str, words: str) -> None:
    refuse(offer("election.opened").with_fields(**values), check, words)


@pytest.mark.parametrize(
    ("kind", "values", "check", "words"),
    [
        ("tally.encrypted", {"ballots": 2}, "16", "wrong number of counted ballots .expected 1, found 2"),
        ("tally.encrypted", {"weight": 3}, "16", "wrong weight of the counted ballots .expected 1, found 3"),
        ("tally.share", {"index": 4}, "18", "there is no trustee 4"),
        ("tally.share", {"tally": Hash("ab" * 32)}, "18", "decrypts another tally .*found abab"),
        ("election.result", {"tally": Hash("ab" * 32)}, "19", "is the result of another tally .*found abab"),
        ("election.result", {"shares": (1, 1)}, "18", "does not name 2 distinct trustees in rising order"),
        ("election.result", {"shares": (2, 1)}, "18", "does not name 2 distinct trustees in rising order"),
        ("election.result", {"shares": (1,)}, "18", "does not name 2 distinct trustees in rising order"),
        ("election.result", {"shares": (1, 2, 3)}, "18", "does not name 2 distinct trustees in rising order"),
        ("election.result", {"shares": (1, 3)}, "18", "trustee 3 has published no share"),
    ],
)
def test_what_follows_the_closing_fits_what_is_on_the_board(
    kind: str, values: dict[str, Any], check: str, words: str
) -> None:
    refuse(offer(kind).with_fields(**values), check, words)


def test_a_trustee_who_was_left_out_has_no_share_and_nobody_has_two() -> None:
    share = offer("tally.share")
    record = replayed(share.before)
    record.require_ceremony().trustees[1].signing_key = None
    refuse(share, "18", "there is no trustee 1", record=record)
    before = until("election.result")
    again = share.with_fields(time=NOW)._replace(before=before)
    refuse(again, "18", "trustee 1 has published a share already")


def test_a_ballot_needs_a_listed_credential() -> None:
    unlisted = offer("ballot.cast").with_fields(credential=to_base64(STRANGER.verify_key.raw))
    refuse(unlisted, "11", "the credential is not listed")


# -- announcements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "field"), [("election.notice", "text"), ("election.cancelled", "reason")])
def test_a_text_that_cannot_be_shown_is_refused(kind: str, field: str) -> None:
    for text, words in (
        (" ", "its text: is empty"),
        ("A fire. ", "its text: begins or ends with white space"),
        ("A \u202efire.", r"its text: contains the hidden character U\+202E"),
        ("A\tfire.", r"its text: contains the hidden character U\+0009"),
    ):
        refuse(offer(kind).with_fields(**{field: text}), "04", words)


def test_announcements_are_kept() -> None:
    notice, cancelled = offer("election.notice"), offer("election.cancelled")
    assert accept(notice).notices == [notice.content]
    record = accept(cancelled)
    assert (record.cancelled, record.last_time) == (cancelled.content, NOW)


def test_the_end_of_voting_moves_later_only() -> None:
    extension = offer("election.extended")
    assert accept(extension).closes == LATER
    for closes in (CLOSES, "2026-11-24T17:59:59.999Z"):
        refuse(extension.with_fields(closes=closes), "04", f"later .expected after {CLOSES}, found {closes}")
    refuse(extension.with_fields(closes="2026-11-31T18:00:00.000Z"), "04", "its time is no existing time")


def test_an_end_of_voting_can_be_announced_where_there_was_none() -> None:
    extension = offer("election.extended")
    record = replayed(extension.before)
    record.closes = None
    body = signed(extension.with_fields(closes=NOW))
    apply(record, header_of(extension, body), body)
    assert record.closes == NOW


# -- the record itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "entries", "words"),
    [
        (ElectionRecord.require_manifest, 0, "there is no election yet"),
        (ElectionRecord.require_ceremony, 0, "there is no election yet"),
        (ElectionRecord.ballot_context, 0, "the election is not open yet"),
        (ElectionRecord.ballot_context, 1, "the election is not open yet"),
        (require_tally, 1, "there is no encrypted tally yet"),
    ],
)
def test_a_record_says_what_it_does_not_know_yet(
    ask: Callable[[ElectionRecord], object], entries: int, words: str
) -> None:
    record = replayed(election().board.entries[:entries])
    with pytest.raises(VerificationError, match=f"^check 04: record: {words}$"):
        ask(record)


def test_what_ballots_are_made_with_is_computed_once() -> None:
    record = replayed(until("ballot.cast"))
    assert record.ballot_context() is record.ballot_context()
    assert record.ballot_context().election == record.election
