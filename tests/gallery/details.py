"""The gallery: rules that no other case breaks, found by looking for the branches of the reference verifier not taken.

Signed notes (03), the order of the ceremony (07, 08), totals that no ballots have (20).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gmpy2 import mpz

from tests.gallery.making import AFTER_OPENING, Output, broken, record
from tests.gallery.phases import again as repeated_entry
from tests.gallery.sound import method
from tests.gallery.trustee import NO_CEREMONY, NOT_JOINED, Committer, Made, again, dealt, spoiled, with_commitments
from tests.simulators.election import ADMINISTRATOR, BOARD_KEY
from tests.simulators.record import ORIGIN, Part, SampleElection, checkpoint_of, parts_of, sample_election
from tests.tamper.test_verifier_tamper import change, fields, forged, place_of, published
from trustee_tools import ceremony as trustee
from voting.election.steps import extend_election
from voting.protocol.encoding import to_base64
from voting.protocol.entries import sign_content
from voting.protocol.messages import TrusteeRestarted
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import sign_note
from voting.protocol.tlog.text import encode_base64

# -- signed notes (03) -------------------------------------------------------------------------------------------------


def with_note(make: Callable[[bytes], bytes]) -> Callable[[], Output]:
    """The checkpoint is another note: `make` is given the text of the right one."""

    def output() -> Output:
        entries = published()[0].board.entries
        text = checkpoint_of(entries).partition(b"\n\n")[0] + b"\n"
        return record(entries, checkpoint=make(text))

    return output


def signed(edit: Callable[[list[bytes]], Sequence[bytes]]) -> Callable[[bytes], bytes]:
    """The board signs other lines."""
    return lambda text: sign_note(b"\n".join(edit(text[:-1].split(b"\n"))) + b"\n", ORIGIN, BOARD_KEY)


def appended(more: bytes) -> Callable[[bytes], bytes]:
    """The right note with something after it."""
    return lambda text: sign_note(text, ORIGIN, BOARD_KEY) + more


_EMPTY = encode_base64(Frontier().root())

for _what, _sentence, _attacks, _edit in (
    (
        "line-more",
        "The checkpoint has a fourth line, which this version does not know.",
        (37,),
        signed(lambda lines: [*lines, b"more"]),
    ),
    (
        "origin-malformed",
        "The checkpoint's first line is no origin.",
        (37,),
        signed(lambda lines: [b"board example", *lines[1:]]),
    ),
    (
        "origin-of-another-log",
        "The board signs a checkpoint of another log under its own name.",
        (34,),
        signed(lambda lines: [b"board.example/other", *lines[1:]]),
    ),
    (
        "short-root",
        "The root of the checkpoint has 31 bytes.",
        (37,),
        signed(lambda lines: [*lines[:2], encode_base64(bytes(31)).encode()]),
    ),
    (
        "size-0-with-a-root",
        "The checkpoint says 0 entries, and has a root.",
        (34,),
        signed(lambda lines: [lines[0], b"0", lines[2]]),
    ),
    (
        "size-0",
        "The checkpoint says that the log is empty.",
        (33,),
        signed(lambda lines: [lines[0], b"0", _EMPTY.encode()]),
    ),
    (
        "size-beyond-2-53",
        "The checkpoint's size is a number that not every program can hold.",
        (58,),
        signed(lambda lines: [lines[0], b"9007199254740992", lines[2]]),
    ),
    (
        "control-character",
        "The checkpoint has a control character.",
        (37,),
        signed(lambda lines: [lines[0], lines[1], lines[2] + b"\t"]),
    ),
    (
        "signature-line-malformed",
        "A signature line has four words.",
        (37,),
        appended("\u2014 w1.example AAAAAAAA more\n".encode()),
    ),
    (
        "signature-line-with-a-hyphen",
        "A signature line begins with a hyphen, not with a dash.",
        (37,),
        appended(b"- w1.example AAAAAAAA\n"),
    ),
    (
        "empty-signature",
        "A signature line has a key id and nothing else.",
        (37,),
        appended("\u2014 w1.example AAAAAA==\n".encode()),
    ),
    (
        "101-signatures",
        "The checkpoint has 101 signature lines.",
        (68,),
        appended("\u2014 w1.example AAAAAAAA\n".encode() * 100),
    ),
):
    broken(f"03-{_what}", _sentence, *_attacks, by="board")(with_note(_edit))

# -- the ceremony (07, 08) ---------------------------------------------------------------------------------------------

broken(
    "07-joined-another-ceremony",
    "A trustee joins a second ceremony that nobody has begun.",
    47,
    by="trustee",
    not_run=NOT_JOINED,
)(spoiled("trustee.joined", 1, attempt=2))
broken("07-committed-twice", "A trustee publishes its commitments twice.", 46, 47, by="trustee")(
    again("trustee.committed")
)


def complaint(election: SampleElection) -> Part:
    """The first trustee complains about the second."""
    return Part(*trustee.complain(election.trustees[1], election.ceremony, 2, election.now()))


def with_complaint(place: Callable[[Sequence[Part]], int]) -> Callable[[], Output]:
    """A complaint where none may be."""

    def make() -> Output:
        _election, parts = published()
        at = place(parts)
        return forged([*parts[:at], complaint(dealt()), *parts[at:]])

    return make


broken("07-complaint-too-early", "A trustee complains before all have dealt.", 47, by="trustee")(
    with_complaint(lambda parts: place_of(parts, "trustee.dealt", 2))
)
broken("07-complaint-after-confirming", "A trustee complains after it has confirmed.", 47, by="trustee")(
    with_complaint(lambda parts: place_of(parts, "trustee.confirmed") + 1)
)


@broken("07-complaint-repeated", "A trustee makes a complaint again that was settled.", 47, by="trustee")
def complaint_repeated() -> Output:
    election = dealt()
    first = complaint(election)
    election.board.append(first.type, first.body)
    election.board.append(*trustee.answer(election.trustees[2], election.ceremony, 1, election.now()))
    second = Part(*trustee.complain(election.trustees[1], election.ceremony, 2, election.now()))
    election.confirm()
    election.give_credentials((1, 2))
    election.open()
    election.finish()
    parts = parts_of(election.board.entries)
    place = place_of(parts, "trustee.answered") + 1
    return forged([*parts[:place], second, *parts[place:]])


@broken("07-ceremony-left-out", "The second ceremony is called the third.", 47, by="administrator", not_run=NO_CEREMONY)
def ceremony_left_out() -> Output:
    election = sample_election(until="defined")
    manifest = election.manifest.hash
    content = TrusteeRestarted(attempt=3, excluded=(), manifest=manifest, time=election.now())
    body = sign_content("trustee.restarted", manifest, content, ADMINISTRATOR)
    return forged([*parts_of(election.board.entries), Part("trustee.restarted", body)])


def _joint_key_1(own: Committer) -> Made:
    """All trustees agree that their secrets add up to 0: a key that encrypts nothing."""
    secrets = [own.election.trustees[index].polynomial(own.group, 1)[0] for index in (1, 3)]
    secret = -sum(secrets, mpz(0)) % own.group.q
    y = own.group.g.power(secret)
    return [to_base64(y.encode()), own.elements[1]], [own.proof(secret, y, 0), own.proofs[1]]


broken(
    "08-joint-key-1",
    "All trustees agree on a joint key of 1, which encrypts nothing.",
    18,
    by="trustee",
    not_run=AFTER_OPENING | {"07"},
)(with_commitments(_joint_key_1))


@broken("04-new-end-that-is-none", "Voting is extended to a day that does not exist.", 38, by="administrator")
def new_end_that_is_none() -> Output:
    election = sample_election(until="voting")
    election.board.append(*extend_election(election.record, ADMINISTRATOR, "2026-12-24T08:00:00.000Z", election.now()))
    election.finish()
    parts = parts_of(election.board.entries)
    place = place_of(parts, "election.extended")
    parts[place] = repeated_entry(election, parts, "election.extended", closes="2026-12-32T08:00:00.000Z")
    return forged(parts)


# -- totals that no ballots have (20) ----------------------------------------------------------------------------------


def with_totals(name: str, *totals: int) -> Callable[[], Output]:
    """A record of `sound.method`, three voters of weight 1, 2 and 5, with other totals."""

    def make() -> Output:
        election: Any = method(name)()
        parts = parts_of(election.board.entries)
        return forged(change(election, parts, "election.result", fields(totals=totals), ADMINISTRATOR))

    return make


for _name, _sentence, _totals in (
    ("choose with blank", "More votes for an option than there are voters who choose.", (8, 0, 0, 1)),
    ("cumulative", "Fewer points than all voters must give.", (0, 0, 0)),
    ("grades", "The grades of an option are more than there are voters.", (8, 8, 0, 0, 0, 8)),
    ("lists", "More votes for lists than there are voters.", (8, 8, 0, 0, 0, 0, 0)),
    ("closed list", "A candidate has more votes than the list.", (0, 8, 0, 8, 0, 0)),
    ("borda", "The ranks of an option are more than there are voters.", (8, 8, 0, 0, 0, 8, 0, 0, 0)),
    ("own points", "All voters gave two options the first rank.", (8, 0, 0, 8, 0, 0, 0, 8, 0)),
    ("condorcet", "All voters prefer each option to the next, and the last to the first.", (8, 0, 8)),
    ("condorcet with ties", "All voters prefer each of two options to the other.", (8, 0, 8, 0, 0, 0)),
):
    _slug = _name.replace(" ", "-")
    broken(f"20-impossible-totals-{_slug}", _sentence, 40, by="administrator", also={"19"})(
        with_totals(_name, *_totals)
    )

broken(
    "20-impossible-totals-without-a-path",
    "All voters prefer A to C, nobody A to B or B to C.",
    40,
    by="administrator",
    also={"19"},
)(with_totals("condorcet with ties", 0, 8, 0, 0, 0, 0))
