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
from voting.election.record import ElectionRecord
from voting.election.register import BallotRef
from voting.protocol.crockford import ALPHABET
from voting.protocol.errors import DecodeError
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.note import parse_note, parse_vkey, verify_cosignatures
from voting.protocol.tlog.proof import parse_receipt
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
    WAITING = "waiting"
    """It is on the board's disk, and not published: its witnesses have not signed it yet."""
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
    witnesses: tuple[str, ...]
    """Names of those that the manifest names and who have signed the checkpoint in the proof."""
    has_quorum: bool


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
    reference = _reference(hosted, tracker)
    if reference is None:
        return Answer.NOT_FOUND, tracker, None
    found = _find(hosted, reference, election.manifest)
    if found is None:
        return Answer.WAITING, tracker, None
    return (Answer.COUNTED if found.replaced_by is None else Answer.REPLACED), tracker, found


def _reference(hosted: HostedElection, tracker: str) -> BallotRef | None:
    """Where the ballot with a tracker in its printed form is; None if there is none."""
    prefix = hash_prefix(tracker)
    ballots = hosted.look(lambda record: record.ballots[:])  # looking through them must not hold up the board
    return ballots.with_hash(prefix)


def _find(hosted: HostedElection, reference: BallotRef, manifest: Manifest) -> Found | None:
    """A ballot with its proof; None if it is not published yet."""
    last, weight = hosted.look(lambda record: _last(record, reference))
    with hosted.reader() as board:
        if not board.is_published(reference.seq):
            return None
        header, proof = board.header(reference.seq), board.receipt(reference.seq)
    replaced_by = None if last == reference.seq else last
    signers = witness_names(parse_receipt(proof).checkpoint, manifest)
    return Found(
        seq=reference.seq,
        pseudonym=pseudonym(reference.credential),
        weight=weight,
        replaced_by=replaced_by,
        header=header.decode("utf-8"),
        proof=proof.decode("utf-8"),
        witnesses=signers,
        has_quorum=len(signers) >= manifest.quorum,
    )


def witness_names(note: bytes, manifest: Manifest) -> tuple[str, ...]:
    """Which witnesses of the manifest have signed a checkpoint. Raises SignatureInvalid if one's signature fails."""
    policy = manifest.witness_policy()
    found = verify_cosignatures(parse_note(note), policy.keys, board=parse_vkey(manifest.board))
    return tuple(cosignature.key.name for cosignature in found)


def _last(record: ElectionRecord, reference: BallotRef) -> tuple[int, int]:
    return record.last_ballot[reference.credential].seq, record.credentials[reference.credential]


def hash_prefix(tracker: str) -> str:
    """The first 80 bits of the ballot hash, in hexadecimal, that a tracker stands for."""
    bits = 0
    for symbol in tracker.replace("-", "")[:TRACKER_SYMBOLS]:
        bits = bits << 5 | ALPHABET.index(symbol)
    return f"{bits:0{TRACKER_SYMBOLS * 5 // 4}x}"
