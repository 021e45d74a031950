"""The gallery: dishonest administrators and boards: the order of events (04), signatures of officials (05).

Their board takes everything in; the parts of the record are exchanged and chained anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tests.gallery.administrator import LATE
from tests.gallery.making import AFTER_CLOSING, AFTER_OPENING, AFTER_TALLY, NO_MANIFEST, Output, broken
from tests.simulators.election import ADMINISTRATOR, AUTHORITY
from tests.simulators.record import GRACE, Part, SampleElection, parts_of, sample_election
from tests.tamper.test_verifier_tamper import STRANGER, change, fields, forged, place_of, published
from voting.election.steps import cancel_election, extend_election, give_notice, list_credentials
from voting.protocol.encoding import Hash, encode, sha256, to_base64
from voting.protocol.entries import sign_content, signing_input
from voting.protocol.messages import ElectionNotice

# -- the order of events (04) ------------------------------------------------------------------------------------------


def entry(election: SampleElection, type_: str, content: Any, key: Any = ADMINISTRATOR) -> Part:
    return Part(type_, sign_content(type_, election.manifest.hash, content, key))


def again(election: SampleElection, parts: Sequence[Part], type_: str, **changes: Any) -> Part:
    """The same entry with other fields, a time for example, signed again."""
    changed = change(election, list(parts), type_, fields(**changes), ADMINISTRATOR)
    return changed[place_of(changed, type_)]


def repeated(type_: str, after: str, **changes: Any) -> Callable[[], Output]:
    """An entry of the administrator comes a second time, right after another one."""

    def make() -> Output:
        election, parts = published()
        place = place_of(parts, after) + 1
        return forged([*parts[:place], again(election, parts, type_, time=LATE, **changes), *parts[place:]])

    return make


for _what, _sentence, _attacks, _make in (
    (
        "second-definition",
        "A second definition follows, with another nonce (a second setup).",
        (36,),
        repeated("election.defined", "election.result"),
    ),
    (
        "second-result-by-others",
        "A second result names two other trustees.",
        (36,),
        repeated("election.result", "election.result", shares=(2, 3)),
    ),
):
    broken(f"04-{_what}", _sentence, *_attacks, by="administrator")(_make)


def inserted(type_: str, after: str, time: str) -> Output:
    """The same entry with another time, where it does not disturb the times that follow."""
    election, parts = published()
    place = place_of(parts, after) + 1
    return forged([*parts[:place], again(election, parts, type_, time=time), *parts[place:]])


def time_of(parts: Sequence[Part], type_: str) -> str:
    body = parts[place_of(parts, type_)].body
    start = body.index(b'"time":"') + 8
    return body[start : start + 24].decode()


@broken("04-second-opening", "Voting is opened twice.", 36, by="administrator")
def second_opening() -> Output:
    election, parts = published()
    place = place_of(parts, "election.opened") + 1
    later = time_of(parts, "election.opened").replace(".000Z", ".500Z")
    return forged([*parts[:place], again(election, parts, "election.opened", time=later), *parts[place:]])


@broken("04-second-closing", "Voting is closed twice.", 36, by="administrator")
def second_closing() -> Output:
    _election, parts = published()
    return inserted("election.closed", "election.closed", time_of(parts, "election.closed").replace(".000Z", ".500Z"))


@broken("04-second-tally", "A second tally, of the same ballots, follows the first.", 36, 45, by="administrator")
def second_tally() -> Output:
    _election, parts = published()
    return inserted("tally.encrypted", "tally.encrypted", time_of(parts, "tally.encrypted").replace(".000Z", ".500Z"))


@broken(
    "04-closed-in-the-middle",
    "Voting is closed, and half of the ballots come afterwards.",
    36,
    by="administrator",
    not_run=AFTER_TALLY,
)
def closed_in_the_middle() -> Output:
    election = sample_election(until="voting")
    late = [Part("ballot.cast", election.encrypt(voter, [GRACE]).body) for voter in election.voters[:2]]
    election.close()
    election.tally()
    parts = parts_of(election.board.entries)
    place = place_of(parts, "tally.encrypted")
    return forged([*parts[:place], *late, *parts[place:]])


@broken("04-no-closing", "The tally comes without a closing.", 36, by="administrator", not_run=AFTER_CLOSING - {"04"})
def no_closing() -> Output:
    _election, parts = published()
    place = place_of(parts, "election.closed")
    return forged([*parts[:place], *parts[place + 1 :]])


@broken(
    "04-no-tally", "Shares and result come without a tally.", 36, by="administrator", not_run={"16", "17", *AFTER_TALLY}
)
def no_tally() -> Output:
    _election, parts = published()
    place = place_of(parts, "tally.encrypted")
    return forged([*parts[:place], *parts[place + 1 :]])


@broken(
    "04-no-opening", "Ballots come, voting was never opened.", 36, by="administrator", not_run=AFTER_OPENING - {"04"}
)
def no_opening() -> Output:
    _election, parts = published()
    place = place_of(parts, "election.opened")
    return forged([*parts[:place], *parts[place + 1 :]])


@broken("04-ballot-after-the-result", "A ballot comes after the result.", 36, by="administrator")
def ballot_after_result() -> Output:
    election, parts = published()
    return forged([*parts, Part("ballot.cast", election.encrypt(election.voters[0], [GRACE]).body)])


@broken("04-credentials-after-the-opening", "A list of credentials comes after the opening.", 27, by="administrator")
def late_credentials() -> Output:
    election, parts = published()
    place = place_of(parts, "election.opened") + 1
    ((type_, body),) = list_credentials(election.manifest, [(STRANGER.verify_key.raw, 1)], AUTHORITY, LATE)
    return forged([*parts[:place], Part(type_, body), *parts[place:]])


@broken(
    "04-voting-after-a-cancellation",
    "The election is cancelled, and goes on.",
    36,
    by="administrator",
    not_run={"16", "17", *AFTER_TALLY},
)
def after_cancellation() -> Output:
    election = sample_election(until="voting")
    late = Part("ballot.cast", election.encrypt(election.voters[0], [GRACE]).body)
    election.board.append(*cancel_election(election.record, ADMINISTRATOR, "Fire.", election.now()))
    return forged([*parts_of(election.board.entries), late])


@broken("04-shorter-voting", "Voting is announced to close earlier than was announced.", 38, by="administrator")
def shorter_voting() -> Output:
    election = sample_election(until="voting")
    good = extend_election(election.record, ADMINISTRATOR, LATE, election.now())
    election.board.append(*good)
    election.finish()
    parts = parts_of(election.board.entries)
    place = place_of(parts, "election.extended")
    shorter = again(election, parts, "election.extended", closes="2026-12-23T08:00:00.000Z")
    return forged([*parts[: place + 1], shorter, *parts[place + 1 :]])


@broken(
    "04-notice-with-hidden-characters", "A notice has characters that change its direction.", 64, by="administrator"
)
def notice_with_hidden_characters() -> Output:
    election = sample_election(until="voting")
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Lunch at noon.", election.now()))
    election.finish()
    text = fields(text="Lunch at \u202enoon.")
    return forged(change(election, parts_of(election.board.entries), "election.notice", text, ADMINISTRATOR))


@broken("04-time-that-is-none", "A notice bears a day that does not exist.", 38, by="administrator")
def time_that_is_none() -> Output:
    election = sample_election(until="voting")
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Lunch at noon.", election.now()))
    election.finish()
    time = fields(time="2026-11-31T08:00:00.000Z")
    return forged(change(election, parts_of(election.board.entries), "election.notice", time, ADMINISTRATOR))


@broken(
    "04-time-in-the-year-0",
    "A notice bears a day of the year 0.",
    38,
    58,
    by="administrator",
)
def time_in_the_year_0() -> Output:
    election = sample_election(until="published")
    content = msgspec.structs.replace(_notice(election), time="0000-01-01T00:00:00.000Z")
    return forged([*parts_of(election.board.entries), entry(election, "election.notice", content)])


@broken("04-notice-of-another-manifest", "A notice names another manifest.", 25, by="administrator")
def notice_of_another_manifest() -> Output:
    election = sample_election(until="voting")
    election.board.append(*give_notice(election.record, ADMINISTRATOR, "Lunch at noon.", election.now()))
    election.finish()
    other = fields(manifest=Hash("0" * 64))
    return forged(change(election, parts_of(election.board.entries), "election.notice", other, ADMINISTRATOR))


# -- signatures (05) ---------------------------------------------------------------------------------------------------


@broken(
    "05-signature-with-s-plus-l", "A notice bears a second form of the administrator's signature: S + L.", 7, by="board"
)
def malleable_notice() -> Output:
    election = sample_election(until="published")
    content = msgspec.structs.replace(_notice(election), text="Thank you.")
    signature = ADMINISTRATOR.sign(signing_input("election.notice", election.manifest.hash, sha256(encode(content))))
    s = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    body = encode({"content": content, "signature": to_base64(signature[:32] + s.to_bytes(32, "little"))})
    return forged([*parts_of(election.board.entries), Part("election.notice", body)])


@broken(
    "05-notice-signed-as-another-entry", "The administrator's signature is for another type of entry.", 70, by="board"
)
def signed_as_another_type() -> Output:
    election = sample_election(until="published")
    content = _notice(election)
    signature = ADMINISTRATOR.sign(signing_input("election.cancelled", election.manifest.hash, sha256(encode(content))))
    body = encode({"content": content, "signature": to_base64(signature)})
    return forged([*parts_of(election.board.entries), Part("election.notice", body)])


def _notice(election: SampleElection) -> Any:
    return ElectionNotice(manifest=election.manifest.hash, text="Lunch at noon.", time=LATE)


@broken(
    "05-definition-by-a-stranger",
    "Somebody else signed the definition.",
    56,
    70,
    by="organiser",
    not_run=NO_MANIFEST - {"04"},
)
def definition_by_a_stranger() -> Output:
    election, parts = published(until="defined")
    return forged(change(election, parts, "election.defined", fields(), STRANGER))


for _type, _what in (("election.opened", "opening"), ("election.closed", "closing"), ("tally.encrypted", "tally")):

    def _by_a_stranger(type_: str = _type) -> Output:
        election, parts = published()
        return forged(change(election, parts, type_, fields(), STRANGER))

    _then = {"opening": AFTER_OPENING, "closing": AFTER_CLOSING, "tally": {"04", "16", "17", *AFTER_TALLY}}[_what]
    broken(f"05-{_what}-by-a-stranger", f"Somebody else signed the {_what}.", 70, by="board", not_run=_then)(
        _by_a_stranger
    )
