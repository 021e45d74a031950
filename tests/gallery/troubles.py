"""The gallery: good records of elections in which something went wrong, and was put right: none may be rejected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

from tests.gallery.case import ARCHIVE
from tests.gallery.checkpoints import receipt_for
from tests.gallery.making import Output, Record, record, sound
from tests.gallery.organiser import packed
from tests.gallery.servers import WITNESSES, cosigned, witnessed
from tests.gallery.trustee import answer, dealt
from tests.simulators.election import ADMINISTRATOR, StoredEntry
from tests.simulators.record import ADA, GRACE, SampleElection, checkpoint_of, parts_of, sample_election
from tests.tamper.test_verifier_tamper import change, fields, forged, other_response
from trustee_tools import ceremony as trustee
from voting.crypto import schnorr
from voting.election.steps import extend_election, give_notice, open_election, restart_ceremony
from voting.protocol.encoding import Hash, encode, sha256
from voting.protocol.messages import BoothFile, Hints

LATE = "2026-12-24T08:00:00.000Z"


def carried_on(election: SampleElection) -> SampleElection:
    """From a finished ceremony to a result."""
    first, second = election.give_credentials((1, 4))
    election.open()
    election.vote(first, [ADA])
    election.vote(second, [GRACE])
    election.finish()
    return election


# -- the ceremony ------------------------------------------------------------------------------------------------------


@sound("complaint-settled", "A trustee complains; the dealer publishes the share, which is right.", 47)
def complaint_settled() -> Output:
    election = dealt()
    election.board.append(*trustee.complain(election.trustees[1], election.ceremony, 2, election.now()))
    election.board.append(*trustee.answer(election.trustees[2], election.ceremony, 1, election.now()))
    election.confirm()
    return carried_on(election)


@sound(
    "wrong-share-and-a-new-ceremony", "A dealer answers a complaint wrongly; the ceremony begins anew without them.", 47
)
def wrong_share_and_a_new_ceremony() -> Output:
    election = dealt()
    election.board.append(*trustee.complain(election.trustees[1], election.ceremony, 2, election.now()))
    wrong = answer(election, 2, 1, bytes(32))
    election.board.append(wrong.type, wrong.body)
    election.board.append(*restart_ceremony(election.record, ADMINISTRATOR, [2], election.now()))
    election.run_ceremony()
    return carried_on(election)


@sound("two-new-ceremonies", "The ceremony begins anew twice, the second time without a trustee who did not come.", 47)
def two_new_ceremonies() -> Output:
    election = sample_election(until="defined")
    election.join()
    election.board.append(*restart_ceremony(election.record, ADMINISTRATOR, [], election.now()))
    election.join()
    election.commit()
    election.board.append(*restart_ceremony(election.record, ADMINISTRATOR, [3], election.now()))
    election.run_ceremony()
    return carried_on(election)


@sound(
    "nonce-used-twice",
    "All trustees' random sources repeat a nonce: a warning, for the record is right.",
    60,
    65,
    warned={"06"},
)
def nonce_used_twice() -> Output:
    with mock.patch.object(schnorr, "derive", lambda *_arguments, length: bytes([5]) * length):
        return sample_election()


# -- the voting --------------------------------------------------------------------------------------------------------


@sound("several-lists", "Credentials are listed in three lists.", 27, 30)
def several_lists() -> Output:
    election = sample_election(until="listed")
    election.give_credentials((3,))
    election.give_credentials((4, 5))
    election.open()
    for voter in election.voters:
        election.vote(voter, [GRACE])
    election.finish()
    return election


@sound(
    "notices-and-a-longer-voting-time",
    "Notices before, during and after the voting, which ends later than announced.",
    38,
)
def notices() -> Output:
    election = sample_election(until="listed")
    say: Callable[[str], int] = lambda text: election.board.append(  # noqa: E731
        *give_notice(election.record, ADMINISTRATOR, text, election.now())
    )
    say("Voting opens at noon.")
    election.open()
    election.board.append(*extend_election(election.record, ADMINISTRATOR, LATE, election.now()))
    say("We vote\nuntil Christmas Eve: \u00e9t\u00e9, \u041c\u0438\u0440, \U0001f5f3.")
    election.vote(election.voters[0], [ADA])
    election.finish()
    say("Thank you.")
    return election


@sound("booth-files", "The opening names the files of the booth.", 61)
def booth_files() -> Output:
    election = sample_election(until="listed")
    named = [BoothFile(path=f"booth/{name}", sha256=Hash(sha256(name.encode()))) for name in ("a.js", "vote.html")]
    opened = open_election(election.record, ADMINISTRATOR, election.now(), named)
    election.board.append(*opened)
    election.finish()
    return election


# -- the tally ---------------------------------------------------------------------------------------------------------


@sound(
    "bad-share-that-is-not-needed",
    "One trustee's share is wrong; the result stands on two good ones.",
    41,
    48,
    warned={"18"},
)
def bad_share() -> Output:
    election = sample_election(until="tallied")
    for index in (1, 2, 3):
        election.decrypt(index)
    election.result()
    edit: Callable[[Any], Any] = lambda content: fields(proof=other_response(content.proof, election))(content)  # noqa: E731
    parts = parts_of(election.board.entries)
    return forged(change(election, parts, "tally.share", edit, election.trustees[3].signing_key, which=2))


@sound("other-trustees", "The first trustee is missing, the others decrypt.", 41)
def other_trustees() -> Output:
    election = sample_election(until="tallied")
    for index in (3, 2):
        election.decrypt(index)
    election.result()
    return election


@sound("more-shares-than-needed", "All three trustees decrypt, two are needed; one share comes after the others.", 41)
def more_shares() -> Output:
    election = sample_election(until="tallied")
    for index in (3, 1, 2):
        election.decrypt(index)
    election.result()
    return election


# -- witnesses, earlier looks, archives --------------------------------------------------------------------------------


@sound("witnesses", "Two of three witnesses signed, as many as are demanded.", 34)
def witnesses() -> Output:
    entries = witnessed(2).board.entries
    return record(entries, checkpoint=cosigned(checkpoint_of(entries), WITNESSES[:2]))


@sound("more-witnesses-than-demanded", "Three witnesses signed, two are demanded.", 34)
def more_witnesses() -> Output:
    entries = witnessed(2).board.entries
    return record(entries, checkpoint=cosigned(checkpoint_of(entries), WITNESSES))


@sound("seen-before", "The record goes on from an earlier checkpoint.", 33)
def seen_before() -> Output:
    entries = sample_election().board.entries
    return record(entries, since=checkpoint_of(entries, size=9))


@sound("with-a-receipt", "The record keeps the promise of a voter's receipt.", 35)
def with_a_receipt() -> Output:
    entries = sample_election().board.entries
    return record(entries, since=receipt_for(entries[:20], 16))


@sound("archive", "The record is an archive.", 59)
def archive() -> Output:
    return Record({ARCHIVE: packed(record(sample_election().board.entries, hints=True).files.items())})


@sound("announced", "The record is of the manifest and the election that were announced.", 56)
def announced() -> Output:
    election = sample_election()
    return record(election.board.entries, manifest=election.manifest.hash, election=election.record.election)


# -- hints (66) --------------------------------------------------------------------------------------------------------


def with_hints(edit: Callable[[Sequence[bytes]], Sequence[bytes]]) -> Output:
    """A good record whose ballots bear other hints."""
    entries = list(sample_election().board.entries)
    places = [place for place, entry in enumerate(entries) if entry.hints]
    changed = edit([entries[place].hints or b"" for place in places])
    for place, hints in zip(places, changed, strict=True):
        entries[place] = StoredEntry(*entries[place][:3], hints)
    return record(entries, hints=True)


for _what, _sentence, _edit in (
    ("right-hints", "All ballots bear their hints.", lambda hints: hints),
    ("hints-of-another-ballot", "Ballots bear each other's hints.", lambda hints: [*hints[1:], hints[0]]),
    (
        "changed-hints",
        "The hints of a ballot are numbers that have nothing to do with it.",
        lambda hints: [encode(Hints(("AAAA",) * 14)), *hints[1:]],
    ),
    (
        "hints-that-are-none",
        "The hints of two ballots are no hints at all.",
        lambda hints: [b"{}", b"\xff\x00", *hints[2:]],
    ),
    ("some-hints", "Half of the ballots bear hints.", lambda hints: [hints[0], b"", hints[2], b""]),
):

    def _hinted(edit: Any = _edit) -> Output:
        return with_hints(edit)

    sound(f"{_what}", _sentence, 66)(_hinted)
