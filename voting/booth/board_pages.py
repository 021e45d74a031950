"""The board explorer: every entry, its place in the chain, who signed it, and which checks look at it.

A page reads a range of headers, never the whole board. It must not import the board's own tables.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import Any, NamedTuple

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from bulletin_board.reader import BoardReader
from voting.booth.entry_words import EntryWords, checks_of, entry_words
from voting.booth.overview import Overview, PublicSite, pseudonym
from voting.booth.texts import choose_texts, person
from voting.election.ballots import BALLOT
from voting.election.record import ElectionRecord
from voting.election.register import BallotRef
from voting.protocol.encoding import Hash, sha256
from voting.protocol.entries import content_hash, parse_body
from voting.protocol.errors import DecodeError
from voting.protocol.messages import Ballot, Signed
from voting.protocol.tlog.header import EntryHeader, parse_header
from voting.protocol.tracker import tracker
from voting.site.elections import HostedElection
from voting.translations import text as _

PAGE_SIZE = 50
MAX_SHOWN = 20_000
"""So many characters of a body are shown; the whole body is one link away."""


class Line(NamedTuple):
    """An entry in the list."""

    header: EntryHeader
    words: EntryWords
    tracker: str
    """Of a ballot; else empty."""
    replaced_by: int | None


class Listing(NamedTuple):
    """One page of the list, newest entry first; page 1 begins with entry 0."""

    lines: list[Line]
    page: int
    pages: int
    size: int


class Entry(NamedTuple):
    """One entry with all that can be said of it."""

    header: EntryHeader
    header_text: str
    header_hash: Hash
    next_hash: Hash | None
    """Hash of the header before, as the next header names it; None for the newest entry."""
    body: str
    is_cut: bool
    has_hints: bool
    size: int
    """Of the board."""
    content: Any
    tracker: str
    ballot_hash: Hash
    replaced_by: int | None
    checkpoint: str


def add_board_pages(pages: Blueprint, site: PublicSite) -> None:
    """Put the pages into the blueprint."""

    @pages.get("/e/<name>/board")
    def board(name: str) -> ResponseReturnValue:
        wanted = request.args.get("entry", "").strip()
        if wanted.isdecimal() and wanted.isascii():
            return redirect(url_for("public.entry", name=name, seq=min(int(wanted[:19]), 2**63 - 1)))
        election = site.overview(name)
        choose_texts(election.manifest)
        listing = _listing(site.get(name), request.args.get("page", type=int))
        return render_template("board.html", election=election, listing=listing, page_size=PAGE_SIZE)

    @pages.get("/e/<name>/board/<int:seq>")
    def entry(name: str, seq: int) -> ResponseReturnValue:
        election = site.overview(name)
        choose_texts(election.manifest)
        found = _entry(site.get(name), seq)
        type_ = found.header.type
        return render_template(
            "entry.html",
            election=election,
            entry=found,
            kind=entry_words(type_),
            checks=checks_of(type_),
            signer=_signer(election, found),
            pseudonym=pseudonym,
            page=seq // PAGE_SIZE + 1,
        )


# -- the list ----------------------------------------------------------------------------------------------------------


def _listing(hosted: HostedElection, wanted: int | None) -> Listing:
    with hosted.reader() as board:
        size = len(board)
        pages = max(-(-size // PAGE_SIZE), 1)
        page = min(max(wanted if wanted is not None else pages, 1), pages)
        start = (page - 1) * PAGE_SIZE
        headers = [parse_header(header) for header in board.headers(start, min(start + PAGE_SIZE, size))]
    ballots = hosted.look(lambda record: _ballots_between(record, start, start + PAGE_SIZE))
    lines = []
    for header in reversed(headers):
        reference, last = ballots.get(header.seq, (None, header.seq))
        shown = tracker(reference.hash) if reference else ""
        lines.append(Line(header, entry_words(header.type), shown, None if last == header.seq else last))
    return Listing(lines, page, pages, size)


def _ballots_between(record: ElectionRecord, start: int, stop: int) -> dict[int, tuple[BallotRef, int]]:
    """Entry -> the ballot there, and the entry of its credential's last ballot."""
    ballots = record.ballots
    first = bisect_left(ballots, start, key=attrgetter("seq"))
    last = bisect_left(ballots, stop, key=attrgetter("seq"))
    return {each.seq: (each, record.last_ballot[each.credential].seq) for each in ballots[first:last]}


# -- one entry ---------------------------------------------------------------------------------------------------------


def _entry(hosted: HostedElection, seq: int) -> Entry:
    with hosted.reader() as board:
        header_bytes, body = board.header(seq), board.body(seq)
        header = parse_header(header_bytes)
        size = len(board)
        next_hash = parse_header(board.header(seq + 1)).prev if seq + 1 < size else None
        has_hints = board.attachment(seq) is not None
        checkpoint = board.checkpoint_note().decode("utf-8")
    ballot_hash = content_hash(body) if header.type == BALLOT else Hash("")
    found = hosted.look(lambda record: _ballots_between(record, seq, seq + 1)).get(seq)
    shown = body.decode("utf-8", "replace")
    return Entry(
        header=header,
        header_text=header_bytes.decode("utf-8"),
        header_hash=sha256(header_bytes),
        next_hash=next_hash,
        body=shown[:MAX_SHOWN],
        is_cut=len(shown) > MAX_SHOWN,
        has_hints=has_hints,
        size=size,
        content=_content(header, body),
        tracker=tracker(ballot_hash) if ballot_hash else "",
        ballot_hash=ballot_hash,
        replaced_by=found[1] if found and found[1] != seq else None,
        checkpoint=checkpoint,
    )


def _content(header: EntryHeader, body: bytes) -> Any:
    """What the entry says; None if it is not what its type promises, which a board of elections never has."""
    try:
        signed: Signed[Any] = parse_body(header.type, body, what=f"entry {header.seq}")
    except DecodeError:
        return None
    return signed.content


def _signer(election: Overview, entry: Entry) -> Markup | str:
    """Who signed an entry, in words."""
    content = entry.content
    if isinstance(content, Ballot):
        return Markup("{} <code>{}</code>").format(_("A voter, pseudonym"), pseudonym(content.credential))
    if entry.header.type == "credentials.listed":
        return _("The authority that makes the voter codes")
    index = _trustee_index(content)
    if index is not None and 1 <= index <= len(election.manifest.trustees):
        name = person(election.manifest.trustees[index - 1].name)
        return Markup("{} {}").format(_("Trustee {number}:", number=index), name)
    return _("The organisers")


def _trustee_index(content: Any) -> int | None:
    """The trustee who made an entry."""
    if hasattr(content, "coefficients"):
        content = content.coefficients
    index = getattr(content, "index", None)
    return index if isinstance(index, int) else None


def ceremony_entries(board: BoardReader) -> list[EntryHeader]:
    """The entries by which the key was made: they all come before the opening."""
    found = []
    for header in map(parse_header, board.headers()):
        if header.type == "election.opened":
            break
        if header.type.startswith("trustee."):
            found.append(header)
    return found
