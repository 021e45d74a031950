"""The gallery: dishonest administrators: the manifest (01) and the opening (09, 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests.gallery.making import AFTER_OPENING, NO_MANIFEST, Forgery, Output, broken, record
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import Part, parts_of, sample_election
from tests.tamper.test_verifier_tamper import change, defined_again, fields, forged, published
from voting.election.steps import open_election
from voting.protocol.encoding import Hash, to_base64
from voting.protocol.manifest import Schedule, TrusteeInfo
from voting.protocol.messages import BoothFile
from voting.protocol.methods import Choose, Question, Score

ONLY_DEFINED = NO_MANIFEST - {"04"}
"""What does not run where the one entry is refused: all but the chain and the order of events."""
LATE = "2026-12-24T08:00:00.000Z"
"""After all that happens in a record."""


def with_manifest(**changes: Any) -> Callable[[], Output]:
    """A record of nothing but this definition."""

    def make() -> Output:
        election, parts = published(until="defined")
        return defined_again(parts, msgspec.structs.replace(election.manifest, **changes))

    return make


def with_question(question: Question) -> Callable[[], Output]:
    return with_manifest(questions=(question,))


def _chair(**changes: Any) -> Callable[[], Output]:
    return with_question(Choose(**{"title": {"en": "Chair?"}, "options": _options("Ada", "Grace"), **changes}))


def _options(*texts: str) -> tuple[dict[str, str], ...]:
    return tuple({"en": text} for text in texts)


for _what, _sentence, _attacks, _make in (
    (
        "min-above-max",
        "A question wants more choices than it allows.",
        (15,),
        _chair(minimum=2, maximum=1),
    ),
    (
        "max-above-options",
        "A question allows more choices than it has options.",
        (15,),
        _chair(maximum=3),
    ),
    ("no-options", "A question has no options.", (15,), _chair(options=())),
    (
        "one-option",
        "A question has one option only.",
        (15,),
        _chair(options=_options("Ada")),
    ),
    (
        "more-seats-than-options",
        "A question has more seats than options.",
        (15,),
        _chair(seats=3),
    ),
    (
        "points-without-end",
        "A question allows more points in all than its options can get.",
        (11, 15),
        with_question(Score(title={"en": "Points?"}, options=_options("Ada"), highest=1, minimum=0, maximum=2)),
    ),
    ("no-questions", "The manifest has no question.", (15,), with_manifest(questions=())),
    (
        "options-that-read-the-same",
        "Two options differ only in white space and letters of another width.",
        (64,),
        _chair(options=_options("Ada L", "\uff21da  l")),
    ),
    (
        "direction-changing-character",
        "The name of an option turns the direction of what follows.",
        (64,),
        _chair(options=_options("Ada\u202eecarG", "Grace")),
    ),
    (
        "invisible-character",
        "The name of an option has a character that nobody sees.",
        (64,),
        _chair(options=_options("Ada\u200b", "Ada")),
    ),
    (
        "unicode-twin",
        "An accent is written as a character of its own (NFD).",
        (37,),
        _chair(options=_options("Ame\u0301lie", "Grace")),
    ),
    ("unknown-group", "The manifest names a group of the administrator's own.", (6,), with_manifest(group="own-512")),
    (
        "threshold-above-trustees",
        "The manifest wants more trustees to decrypt than there are.",
        (47,),
        with_manifest(threshold=4),
    ),
    (
        "two-trustees-of-one-name",
        "Two trustees have the same name.",
        (47,),
        with_manifest(trustees=(TrusteeInfo("Ann"), TrusteeInfo("ann")), threshold=1),
    ),
    (
        "key-of-small-order",
        "The administrator's key is a point of small order, under which anything is signed.",
        (16, 18),
        with_manifest(administrator=to_base64(bytes([1]) + bytes(31))),
    ),
    (
        "closes-before-it-opens",
        "The announced times are in the wrong order.",
        (38,),
        with_manifest(schedule=Schedule(closes="2026-12-01T08:00:00.000Z", opens=LATE)),
    ),
    (
        "language-missing",
        "A text is not there in one of the manifest's languages.",
        (64,),
        with_manifest(languages=("en", "fr")),
    ),
    (
        "nonce-with-capitals",
        "The nonce is written with capitals: the same number, another hash.",
        (37,),
        with_manifest(nonce="A" * 32),
    ),
    ("quorum-of-no-witnesses", "The manifest wants one witness and names none.", (34,), with_manifest(quorum=1)),
):
    broken(f"01-{_what}", _sentence, *_attacks, by="administrator", not_run=ONLY_DEFINED)(_make)


broken(
    "02-language-that-is-not-ascii",
    "A text is there in a language whose code is not ASCII: programs sort such names differently.",
    37,
    by="administrator",
    not_run=NO_MANIFEST,
)(with_manifest(title={"en": "Chair", "\u00e9": "Chair"}))


@broken(
    "01-toy-group",
    "A whole election in the small group, before a verifier that was not told to allow it.",
    6,
    by="administrator",
    not_run=NO_MANIFEST,
)
def toy_group() -> Output:
    return record(published()[0].board.entries, allow_toy_group=False)


@broken(
    "01-other-manifest-than-announced", "The record is of another manifest than the announced one.", 56, by="organiser"
)
def other_manifest() -> Output:
    election = sample_election()
    return record(election.board.entries, manifest=sample_election(until="defined", seed=1).manifest.hash)


@broken(
    "10-other-election-than-announced", "The record is of another election than the announced one.", 56, by="organiser"
)
def other_election() -> Output:
    election = sample_election()
    return record(election.board.entries, election=sample_election(until="open", seed=1).record.election)


# -- the opening (09, 10) ----------------------------------------------------------------------------------------------


@broken(
    "10-list-left-out",
    "The opening leaves out one of two lists: its voters lose their vote.",
    27,
    by="administrator",
    not_run=AFTER_OPENING - {"04"},
)
def list_left_out() -> Output:
    return with_two_lists(lambda hashes: hashes[:1])


@broken(
    "10-lists-in-another-order",
    "The opening names the lists in another order.",
    27,
    by="administrator",
    not_run=AFTER_OPENING - {"04"},
)
def lists_in_another_order() -> Output:
    return with_two_lists(lambda hashes: hashes[::-1])


def with_two_lists(pick: Callable[[tuple[Hash, ...]], tuple[Hash, ...]]) -> Forgery:
    election = sample_election(until="listed")
    election.give_credentials((3, 4))
    type_, body = open_election(election.record, ADMINISTRATOR, election.now())
    parts = [*parts_of(election.board.entries), Part(type_, body)]
    edit = lambda content: fields(credentials=pick(content.credentials))(content)  # noqa: E731
    return forged(change(election, parts, "election.opened", edit, ADMINISTRATOR))


for _what, _sentence, _booth in (
    (
        "booth-file-twice",
        "The opening names one file of the booth with two hashes.",
        (("booth/vote.html", "0" * 64), ("booth/vote.html", "1" * 64)),
    ),
    ("booth-file-outside", "The opening names a file outside of the site.", (("../vote.html", "0" * 64),)),
):

    def _with_booth(files: Any = _booth) -> Output:
        election, parts = published()
        booth = tuple(BoothFile(path=path, sha256=Hash(digest)) for path, digest in files)
        return forged(change(election, parts, "election.opened", fields(booth=booth), ADMINISTRATOR))

    broken(f"10-{_what}", _sentence, 61, by="administrator", not_run=AFTER_OPENING)(_with_booth)


@broken(
    "09-wrong-sum-of-weights",
    "The opening says that all weights together are more.",
    30,
    by="administrator",
    not_run=AFTER_OPENING,
)
def wrong_weight() -> Output:
    election, parts = published()
    return forged(change(election, parts, "election.opened", fields(weight=9), ADMINISTRATOR))
