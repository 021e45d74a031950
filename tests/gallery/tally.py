"""The gallery: dishonest administrators who count: the tally (16, 17), totals (19) and outcome (20)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from gmpy2 import invert

from tests.gallery.board import raw_body
from tests.gallery.forger import Forger, cast
from tests.gallery.making import AFTER_TALLY, Output, broken, record
from tests.gallery.servers import Pair, append, append_tally, decrypt_and_publish, product_of
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import ADA, GRACE, Part, SampleElection, sample_election
from tests.tamper.test_verifier_tamper import change, fields, forged, published
from voting.election.decryption import outcomes_of
from voting.protocol.encoding import encode
from voting.protocol.entries import parse_body
from voting.protocol.messages import ElectionResult, Message
from voting.protocol.methods import Choose, Score

NO_RESULT = {"19", "20"}
NO_TALLY = {"04", "17", *AFTER_TALLY}


# -- the tally (16, 17) ------------------------------------------------------------------------------------------------

for _what, _sentence, _changes in (
    ("replaced-ballots-counted", "The tally says that replaced ballots count too.", {"ballots": 4}),
    ("wrong-weight", "The tally says that the counted ballots have more weight.", {"weight": 13}),
):

    def _with_numbers(changes: Any = _changes) -> Output:
        election, parts = published()
        return forged(change(election, parts, "tally.encrypted", fields(**changes), ADMINISTRATOR))

    broken(f"16-{_what}", _sentence, 39, by="administrator", not_run=NO_TALLY)(_with_numbers)


def with_tally(totals: Callable[[SampleElection], Sequence[Pair]], *, finish: bool = True) -> Callable[[], Output]:
    """An election whose tally is what the administrator likes; trustees who do not look decrypt it."""

    def make() -> Output:
        election = sample_election(until="closed", lenient=True)
        append_tally(election, totals(election))
        if finish:
            decrypt_and_publish(election)
        return election

    return make


def _without_first(election: SampleElection) -> list[Pair]:
    return product_of(election, lambda place, weight: 0 if place == 0 else weight)


def _of_one_ballot(election: SampleElection) -> list[Pair]:
    return product_of(election, lambda place, weight: weight if place == 1 else 0)


def _moved_vote(election: SampleElection) -> list[Pair]:
    """One vote of the first option goes to the second."""
    group = election.record.group
    g, p = group.generator.value, group.p
    (a, b), (c, d), rest = product_of(election)
    return [(a, b * invert(g, p) % p), (c, d * g % p), rest]


def _negated(election: SampleElection) -> list[Pair]:
    (a, b), *rest = product_of(election)
    return [(election.record.group.p - a, b), *rest]


for _what, _sentence, _attacks, _totals in (
    ("ballot-left-out", "The product leaves out a ballot.", (39, 57), _without_first),
    (
        "weights-left-out",
        "The product counts each ballot once, whatever its weight.",
        (39,),
        lambda e: product_of(e, lambda _place, weight: min(weight, 1)),
    ),
    ("single-ballot", "The tally is one voter's ballot, to have it decrypted.", (43,), _of_one_ballot),
    ("moved-vote", "A vote is moved from one option to another in the encrypted totals.", (39,), _moved_vote),
    (
        "exchanged-totals",
        "Two encrypted totals change places.",
        (39,),
        lambda e: [product_of(e)[place] for place in (1, 0, 2)],
    ),
):
    broken(f"17-{_what}", _sentence, *_attacks, by="administrator")(with_tally(_totals))

for _what, _sentence, _attacks, _totals in (
    ("negated-total", "An encrypted total is negated.", (16,), _negated),
    ("total-missing", "The tally has one total fewer than the ballots.", (39,), lambda e: product_of(e)[:2]),
    (
        "one-total-more",
        "The tally has one total more than the ballots.",
        (39,),
        lambda e: [*product_of(e), product_of(e)[0]],
    ),
    ("no-totals", "The tally has no totals.", (39,), lambda e: []),
):
    broken(f"17-{_what}", _sentence, *_attacks, by="administrator", not_run=AFTER_TALLY)(
        with_tally(_totals, finish=False)
    )


@broken(
    "17-one-total-more-with-shares",
    "The tally has one total more, and the trustees decrypt all of them.",
    39,
    43,
    by="administrator",
    not_run=AFTER_TALLY,
)
def one_total_more_with_shares() -> Output:
    """The additional total could be a single ballot."""
    election = sample_election(until="closed", lenient=True)
    append_tally(election, [*product_of(election), _of_one_ballot(election)[0]])
    for index in (1, 2):
        election.decrypt(index)
    return election


# -- totals (19) and outcome (20) --------------------------------------------------------------------------------------


def with_result(edit: Callable[[SampleElection, ElectionResult], Message], **choices: Any) -> Callable[[], Output]:
    """The administrator publishes another result."""

    def make() -> Output:
        election, parts = published(**choices)
        edited: Callable[[Any], Message] = lambda content: edit(election, content)  # noqa: E731
        return forged(change(election, parts, "election.result", edited, ADMINISTRATOR))

    return make


def totals(*numbers: int) -> Callable[[], Output]:
    return with_result(lambda _election, content: fields(totals=numbers)(content))


for _what, _sentence, _numbers, _also in (
    ("negative-total", "A total is negative.", (-3, 5, 0), {"20"}),
    ("total-above-the-weight", "A total is more than all votes together.", (9, 5, 0), {"20"}),
    ("total-missing", "The result has one total fewer.", (3, 5), {"20"}),
):
    broken(f"19-{_what}", _sentence, 40, by="administrator", also=_also)(totals(*_numbers))


@broken(
    "19-one-vote-more",
    "An option has a vote less and another one a vote more; the winner is the same.",
    40,
    by="administrator",
)
def one_vote_more() -> Output:
    def edit(election: SampleElection, content: ElectionResult) -> Message:
        changed = (2, 6, 0)
        return fields(totals=changed, outcomes=outcomes_of(election.manifest, changed, 8))(content)

    return with_result(edit)()


def written_totals(text: bytes) -> Callable[[], Output]:
    """The totals are written in this way."""

    def make() -> Output:
        election, parts = published()
        content = encode(parse_body("election.result", parts[-1].body, what="part").content)
        content = content.replace(b'"totals":[3,5,0]', b'"totals":[' + text + b"]")
        return forged(
            [*parts[:-1], Part("election.result", raw_body(election, "election.result", content, ADMINISTRATOR))]
        )

    return make


_Q = 2**256 - 189

for _what, _sentence, _text in (
    (
        "total-plus-q",
        "A total is written as 3 + q, which the equation cannot tell from 3.",
        str(3 + _Q).encode() + b",5,0",
    ),
    ("total-with-a-zero", "A total is written as 03.", b"03,5,0"),
    ("total-as-a-text", "A total is written as a text.", b'"3",5,0'),
    ("total-beyond-2-53", "A total is a number that not every program can hold.", b"9007199254740993,5,0"),
):
    broken(f"02-{_what}", _sentence, 40, 58, by="administrator", not_run=NO_RESULT)(written_totals(_text))


def _outcome(**changes: Any) -> Callable[[SampleElection, ElectionResult], Message]:
    def edit(_election: SampleElection, content: ElectionResult) -> Message:
        return fields(outcomes=(msgspec.structs.replace(content.outcomes[0], **changes),))(content)

    return edit


_TIE = {"ballots": ((0, [ADA]), (1, [GRACE])), "weights": (2, 2, 1)}

for _what, _sentence, _edit, _choices in (
    (
        "tie-broken-in-silence",
        "Two options have as many votes; the result names one of them.",
        _outcome(elected=(0,), tied=(), open_seats=0),
        _TIE,
    ),
    ("two-winners", "The result names two winners for one seat.", _outcome(elected=(0, 1)), {}),
    ("nobody-elected", "The result names nobody.", _outcome(elected=(), open_seats=1), {}),
    ("blank-votes-left-out", "The result counts no blank votes where there may be some.", _outcome(blank=None), {}),
    (
        "outcome-twice",
        "The result has an outcome for a question that is not there.",
        lambda e, c: fields(outcomes=c.outcomes * 2)(c),
        {},
    ),
):
    broken(f"20-{_what}", _sentence, 40, by="administrator")(with_result(_edit, **_choices))


@broken(
    "20-outcome-of-another-method", "The result gives the outcome of another voting method.", 40, by="administrator"
)
def outcome_of_another_method() -> Output:
    question = Score(title={"en": "Chair?"}, options=({"en": "Ada"}, {"en": "Grace"}), highest=1, minimum=0, maximum=2)
    return with_result(lambda _election, content: fields(outcomes=(question.outcome([3, 5], cast=8),))(content))()


@broken(
    "20-totals-that-no-ballots-have",
    "A ballot with both options, where one is allowed, is counted: the totals are those of no valid ballots.",
    13,
    40,
    by="voter",
    also={"14"},
)
def impossible_totals() -> Output:
    question = Choose(title={"en": "Chair?"}, options=({"en": "Ada"}, {"en": "Grace"}))
    election = sample_election(
        until="voting", lenient=True, questions=(question,), ballots=((0, [ADA]), (1, [ADA])), weights=(1, 2, 5)
    )
    cast(election, Forger(election).ballot((1, 1)))
    election.close()
    append_tally(election, product_of(election))
    for index in (1, 2):
        election.decrypt(index)
    assert election.record.election is not None
    assert election.record.tally_hash is not None
    outcomes: Any = outcomes_of(election.manifest, (8, 0), 8)
    result = ElectionResult(
        election=election.record.election,
        outcomes=outcomes,
        shares=(1, 2),
        tally=election.record.tally_hash,
        time=election.now(),
        totals=(8, 5),
    )
    append(election, "election.result", result)
    return record(election.board.entries)
