"""Check my vote: finding a ballot by its tracker, without JavaScript, also after the election.

The page says what it knows and no more: the ballot is there and counts, or another one replaced it, or it is not there,
and then what that means, the likely reasons first. Nothing of a look-up is kept.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from voting.booth.overview import Overview, PublicSite, pseudonym
from voting.booth.texts import choose_texts
from voting.election.record import BallotRef, ElectionRecord
from voting.protocol.crockford import ALPHABET
from voting.protocol.errors import DecodeError
from voting.protocol.tracker import LOCK_SYMBOLS, TRACKER_SYMBOLS, parse_tracker
from voting.site.elections import HostedElection

MAX_TYPED = 100


class Answer(StrEnum):
    """What came of a look-up."""

    NONE = "none"
    """Nothing was asked."""
    MISTYPED = "mistyped"
    LOCK_NUMBER = "lock-number"
    """Somebody typed the six characters that the booth shows before casting."""
    NOT_FOUND = "not-found"
    COUNTED = "counted"
    REPLACED = "replaced"


class Found(NamedTuple):
    """A ballot on the board, and the proof that the board has signed for it."""

    seq: int
    pseudonym: str
    weight: int
    replaced_by: int | None
    header: str
    proof: str


def add_lookup_pages(pages: Blueprint, site: PublicSite) -> None:
    """Put the page into the blueprint."""

    @pages.get("/e/<name>/check")
    def check(name: str) -> ResponseReturnValue:
        election = site.overview(name)
        choose_texts(election.manifest)
        typed = request.args.get("tracker", "").strip()[:MAX_TYPED]
        answer, tracker, found = _answer(site.get(name), election, typed)
        status = 404 if answer is Answer.NOT_FOUND else 200
        page = render_template(
            "check.html", election=election, typed=typed, answer=answer, tracker=tracker, found=found
        )
        return make_response(page, status)


def _answer(hosted: HostedElection, election: Overview, typed: str) -> tuple[Answer, str, Found | None]:
    if not typed:
        return Answer.NONE, "", None
    try:
        tracker = parse_tracker(typed)
    except DecodeError:
        is_short = len("".join(filter(str.isalnum, typed))) == LOCK_SYMBOLS
        return (Answer.LOCK_NUMBER if is_short else Answer.MISTYPED), "", None
    found = find(hosted, tracker)
    if found is None:
        return Answer.NOT_FOUND, tracker, None
    return (Answer.COUNTED if found.replaced_by is None else Answer.REPLACED), tracker, found


def find(hosted: HostedElection, tracker: str) -> Found | None:
    """The ballot with a tracker in its printed form; None if the board has not signed for one."""
    prefix = hash_prefix(tracker)
    ballots = hosted.look(lambda record: tuple(record.ballots))  # looking through them must not hold up the board
    reference = next((each for each in ballots if each.hash.startswith(prefix)), None)
    if reference is None:
        return None
    last, weight = hosted.look(lambda record: _last(record, reference))
    with hosted.reader() as board:
        if reference.seq >= len(board):
            return None  # it is being written this moment
        header, proof = board.header(reference.seq), board.receipt(reference.seq)
    replaced_by = None if last == reference.seq else last
    shown = pseudonym(reference.credential)
    return Found(reference.seq, shown, weight, replaced_by, header.decode("utf-8"), proof.decode("utf-8"))


def _last(record: ElectionRecord, reference: BallotRef) -> tuple[int, int]:
    return record.last_ballot[reference.credential].seq, record.credentials[reference.credential]


def hash_prefix(tracker: str) -> str:
    """The first 80 bits of the ballot hash, in hexadecimal, that a tracker stands for."""
    bits = 0
    for symbol in tracker.replace("-", "")[:TRACKER_SYMBOLS]:
        bits = bits << 5 | ALPHABET.index(symbol)
    return f"{bits:0{TRACKER_SYMBOLS * 5 // 4}x}"
