"""The gallery: dishonest boards: bytes, headers and the chain (02; docs/spec/encoding.md, docs/spec/log.md)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tests.gallery.making import Forgery, Output, Record, broken, record
from tests.simulators.election import ADMINISTRATOR, StoredEntry
from tests.simulators.record import (
    Part,
    SampleElection,
    rechain,
)
from tests.tamper.test_verifier_tamper import forged, place_of, published, with_notice
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import ZERO_HASH, Hash, encode, sha256, to_base64
from voting.protocol.entries import parse_body, signing_input
from voting.protocol.tlog.header import EntryHeader, encode_header

NOTICE = "election.notice"


def raw_body(election: SampleElection, type_: str, content: bytes, key: SigningKey) -> bytes:
    """A body with these bytes as its content, canonical or not, and a signature that fits them."""
    signature = key.sign(signing_input(type_, election.manifest.hash, sha256(content)))
    return b'{"content":' + content + b',"signature":"' + to_base64(signature).encode() + b'"}'


def notice_as(edit: Callable[[bytes], bytes]) -> Callable[[], Output]:
    """A notice, on which nothing depends, in other bytes; the signature fits them."""

    def make() -> Output:
        election, parts = with_notice()
        place = place_of(parts, NOTICE)
        content = encode(parse_body(NOTICE, parts[place].body, what="part").content)
        parts[place] = Part(NOTICE, raw_body(election, NOTICE, edit(content), ADMINISTRATOR))
        return forged(parts)

    return make


def _text(data: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(b"Lunch at noon.", data)


_DEEP = 2000

for _what, _sentence, _edit in (
    (
        "duplicate-key",
        "A notice has two texts, of which each reader takes another.",
        lambda c: c.replace(b'"time"', b'"text":"Party.","time"'),
    ),
    ("unknown-field", "A notice has a field that does not exist.", lambda c: c.replace(b"{", b'{"extra":1,', 1)),
    ("missing-field", "A notice has no text.", lambda c: c.replace(b'"text":"Lunch at noon.",', b"")),
    (
        "fields-in-another-order",
        "The fields of a notice are in another order.",
        lambda c: b"{" + b",".join(c[1:-1].split(b",")[::-1]) + b"}",
    ),
    ("needless-escape", "A letter of a notice is written as an escape.", _text(b"\\u004cunch at noon.")),
    ("half-a-surrogate", "A notice has half of a surrogate pair.", _text(b"\\ud800")),
    ("invalid-utf-8", "A notice is not UTF-8.", _text(b"Lunch\xff")),
    ("overlong-utf-8", "A letter of a notice is written in more bytes than it needs.", _text(b"\xc1\x8cunch at noon.")),
    ("null-for-a-text", "A notice has null for a text.", lambda c: c.replace(b'"Lunch at noon."', b"null")),
    ("not-a-number", "A notice has NaN for a text.", lambda c: c.replace(b'"Lunch at noon."', b"NaN")),
    (
        "huge-number",
        "A notice has a number of 5000 digits for a text.",
        lambda c: c.replace(b'"Lunch at noon."', b"9" * 5000),
    ),
    (
        "deep-nesting",
        "A notice nests 2000 lists.",
        lambda c: c.replace(b'"Lunch at noon."', b"[" * _DEEP + b"]" * _DEEP),
    ),
    ("byte-order-mark", "A notice begins with a byte order mark.", lambda c: b"\xef\xbb\xbf" + c),
    ("trailing-comma", "A notice has a comma too many.", lambda c: c[:-1] + b",}"),
):
    broken(f"02-{_what}", _sentence, *((58, 37) if "number" in _what else (37,)), by="board")(notice_as(_edit))


@broken("02-short-signature", "A notice bears a signature of 63 bytes.", 37, by="board")
def short_signature() -> Output:
    _election, parts = with_notice()
    place = place_of(parts, NOTICE)
    parts[place] = parts[place]._replace(body=parts[place].body[:-3] + b'"}')
    return forged(parts)


@broken("02-body-that-is-none", "A notice is a list.", 37, by="board")
def body_that_is_none() -> Output:
    _election, parts = with_notice()
    place = place_of(parts, NOTICE)
    parts[place] = parts[place]._replace(body=b"[1,2,3]")
    return forged(parts)


# -- headers -----------------------------------------------------------------------------------------------------------


def with_headers(edit: Callable[[int, EntryHeader], EntryHeader | bytes]) -> Output:
    """A sound chain in which headers say something else: those that follow name what stands before them."""
    _election, parts = with_notice()
    entries: list[StoredEntry] = []
    previous: Hash = ZERO_HASH
    for entry in rechain(parts):
        header = msgspec.structs.replace(entry.header, prev=previous)
        changed = edit(entry.header.seq, header)
        data = changed if isinstance(changed, bytes) else encode_header(changed)
        entries.append(entry._replace(header=header, header_bytes=data))
        previous = sha256(data)
    return Forgery(entries)


def notice_header(**changes: object) -> Callable[[], Output]:
    """The header of the notice, or an edit of its bytes."""

    def edit(_seq: int, header: EntryHeader) -> EntryHeader | bytes:
        return msgspec.structs.replace(header, **changes) if header.type == NOTICE else header

    return lambda: with_headers(edit)


def notice_header_as(change: Callable[[bytes], bytes]) -> Callable[[], Output]:
    def edit(_seq: int, header: EntryHeader) -> EntryHeader | bytes:
        return change(encode_header(header)) if header.type == NOTICE else header

    return lambda: with_headers(edit)


for _what, _sentence, _attacks, _make in (
    ("another-parent", "A header names another header before it.", (32,), notice_header(prev=Hash("0" * 64))),
    (
        "another-number",
        "A header has the number of an earlier entry; those that follow go on as ever.",
        (32,),
        notice_header(seq=3),
    ),
    ("another-size", "A header gives its body one byte more.", (32, 68), notice_header(size=500)),
    (
        "size-over-the-limit",
        "A header gives its body more than the allowed 4 MiB.",
        (68,),
        notice_header(size=4 * 1024 * 1024 + 1),
    ),
    (
        "body-under-another-type",
        "A header names a right body, and another type than its own.",
        (68,),
        notice_header(type="election.cancelled"),
    ),
    ("type-with-capitals", "The type of an entry has a capital letter.", (37,), notice_header(type="election.Notice")),
    (
        "header-with-another-field",
        "A header has a field more.",
        (37,),
        notice_header_as(lambda h: h.replace(b"{", b'{"a":1,', 1)),
    ),
    (
        "header-with-a-key-twice",
        "A header has two numbers.",
        (37,),
        notice_header_as(lambda h: h.replace(b'"seq":', b'"seq":3,"seq":')),
    ),
    (
        "header-number-as-a-float",
        "The number of a header is written as 19.0.",
        (37,),
        notice_header_as(lambda h: h.replace(b'"seq":19', b'"seq":19.0')),
    ),
    (
        "header-number-with-a-zero",
        "The number of a header is written as 019.",
        (37,),
        notice_header_as(lambda h: h.replace(b'"seq":19', b'"seq":019')),
    ),
    (
        "header-number-negative",
        "The number of a header is -19.",
        (37,),
        notice_header_as(lambda h: h.replace(b'"seq":19', b'"seq":-19')),
    ),
):
    broken(f"02-{_what}", _sentence, *_attacks, by="board")(_make)


# -- the chain ---------------------------------------------------------------------------------------------------------


@broken("02-swapped-ballots", "Two ballots change places, their headers go with them.", 33, by="board")
def swapped_ballots() -> Output:
    entries = list(published()[0].board.entries)
    first, second = [place for place, entry in enumerate(entries) if entry.header.type == "ballot.cast"][:2]
    entries[first], entries[second] = entries[second], entries[first]
    return Forgery(entries)


@broken(
    "02-bodies-exchanged",
    "The bodies of two ballots change places, the headers stay.",
    32,
    33,
    by="board",
    not_run={"04", "16", "17", "18", "19", "20"},
)
def bodies_exchanged() -> Output:
    entries = list(published()[0].board.entries)
    first, second = [place for place, entry in enumerate(entries) if entry.header.type == "ballot.cast"][:2]
    one, other = entries[first].body, entries[second].body
    entries[first], entries[second] = entries[first]._replace(body=other), entries[second]._replace(body=one)
    return Forgery(entries)


@broken("02-inserted-entry", "An entry is put between two others that name each other.", 32, by="board")
def inserted_entry() -> Output:
    election, parts = with_notice()
    place = place_of(parts, NOTICE)
    entries = list(election.board.entries)
    content = parse_body(NOTICE, parts[place].body, what="part").content
    changed = msgspec.structs.replace(content, text="Lunch at one.")
    body = raw_body(election, NOTICE, encode(changed), ADMINISTRATOR)
    header = msgspec.structs.replace(entries[place].header, body=sha256(body), size=len(body))
    return Forgery(
        [*entries[: place + 1], StoredEntry(header, encode_header(header), body, None), *entries[place + 1 :]]
    )


def with_files(name: str, change: Callable[[bytes], bytes]) -> Callable[[], Output]:
    """A good record, one file of which is changed."""

    def make() -> Output:
        good = record(with_notice()[0].board.entries, hints=name == "hints.jsonl")
        return Record({**good.files, name: change(good.files[name])})

    return make


@broken("02-trailing-line", "The file of bodies has a line more than there are headers.", 32, by="board")
def trailing_line() -> Output:
    return with_files("bodies.jsonl", lambda data: data + b"{}\n")()


@broken("02-empty-line", "The file of bodies has an empty line at its end.", 32, by="board")
def empty_line() -> Output:
    return with_files("bodies.jsonl", lambda data: data + b"\n")()


@broken(
    "02-cut-in-a-line", "The last body is cut off in the middle.", 32, 55, by="board", also={"03"}, not_run={"19", "20"}
)
def cut_in_a_line() -> Output:
    return with_files("bodies.jsonl", lambda data: data[:-100])()


@broken(
    "02-line-too-long",
    "A header has more bytes than a header may have.",
    68,
    by="board",
    also={"03"},
    not_run={"19", "20"},
)
def line_too_long() -> Output:
    def longer(data: bytes) -> bytes:
        *lines, last = data.splitlines()
        return b"".join(line + b"\n" for line in [*lines, last[:-1] + b" " * 66_000 + b"}"])

    return with_files("headers.jsonl", longer)()


@broken(
    "02-hints-missing",
    "The file of hints is shorter than the others.",
    66,
    by="board",
    also={"03"},
    not_run={"19", "20"},
)
def hints_missing() -> Output:
    return with_files("hints.jsonl", lambda data: data[:-1])()
