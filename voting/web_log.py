"""Protocol Q7: reading a log over HTTP (docs/spec/http.md, "Reading").

Two layers. `LogPages` cuts answers into lines of bounded length and believes nothing. The functions below it check all
that a log promises: chain, tree, signed checkpoint, bodies, and that it only ever grows.

Imports of Urne only `voting.protocol`, `voting.address`, `voting.web_client` and `voting.tile_log`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from voting.address import Address
from voting.protocol.encoding import MAX_SAFE_INTEGER, ZERO_HASH, Hash, sha256
from voting.protocol.errors import DecodeError, ProofError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from voting.protocol.tlog.header import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    EntryHeader,
    check_body,
    check_link,
    parse_header,
)
from voting.protocol.tlog.merkle import HASH_BYTES, MAX_PROOF_HASHES, Frontier, verify_consistency
from voting.protocol.tlog.note import MAX_NOTE_BYTES, NoteKey, parse_note, parse_vkey
from voting.protocol.tlog.text import decode_base64
from voting.tile_log import TileFiles, is_absent
from voting.web_client import Answer, WebClient, good_answer, is_boards_own

HEADERS = "headers"
BODIES = "bodies"
HINTS = "hints"
LINE_LIMITS = {HEADERS: MAX_HEADER_BYTES, BODIES: MAX_BODY_BYTES, HINTS: MAX_BODY_BYTES}
"""The three kinds of lines, and how long one may be."""

PAGE_BYTES = 2 * MAX_BODY_BYTES + 2
"""No answer with lines may be longer: the server ends it after 4 MiB or after one line."""
LINES_PER_PAGE = 10_000
MAX_VKEY_BYTES = 4096

Progress = Callable[[str, int, int], None]
"""Told now and then: what is being done, how many items are done, of how many."""


class LogPages:
    """The log at an address, as its server shows it; nothing is checked but lengths.

    The address may show files only (Q9). That is found out when the first question for lines or proofs leads nowhere.
    """

    def __init__(self, web: WebClient, address: Address) -> None:
        self.web = web
        self.address = address
        self._note = b""
        """The checkpoint that was read last; it says how wide the last files are."""
        self._shows_files = False

    def url(self, part: str) -> str:
        """The address of one part of the log."""
        return self.address / f"log/{part}"

    def checkpoint(self) -> bytes:
        """The newest checkpoint: a signed note, unchecked."""
        self._note = self.web.get(self.url("checkpoint"), limit=MAX_NOTE_BYTES, fresh=True)
        return self._note

    def vkey(self) -> str:
        """The key that the server names as the board's, unchecked. Raises DecodeError if it is not one line."""
        data = self.web.get(self.url("vkey"), limit=MAX_VKEY_BYTES)
        line = data.removesuffix(b"\n")
        if not line.isascii() or b"\n" in line or not line:
            raise DecodeError("is not exactly one line of ASCII", where="the vkey of the server")
        return line.decode("ascii")

    def lines(self, kind: str, start: int, stop: int) -> Iterator[bytes]:
        """Protocol Q7a: the lines of entries [start, stop), without their line feeds.

        Raises:
            DecodeError: if an answer is not at least one and at most as many lines as were asked for, or one is too
                long or, where it may not be, empty.
        """
        while start < stop:
            last = min(stop, start + LINES_PER_PAGE)
            where = f"{kind} from {start} on"
            data = self._ask(kind, PAGE_BYTES, {"start": start, "stop": last})
            if data is None:
                yield from self._lines_of_files(kind, start, stop)
                return
            if not data.endswith(b"\n"):
                raise DecodeError("do not end with a line feed: the answer was cut short", where=where)
            lines = data[:-1].split(b"\n")
            if len(lines) > last - start:
                raise DecodeError(f"are {len(lines)} lines, more than were asked for", where=where)
            for line in lines:
                if len(line) > LINE_LIMITS[kind] or (not line and kind != HINTS):
                    raise DecodeError("hold a line that is empty or too long", where=where)
                yield line
            start += len(lines)

    def hashes(self, part: str, query: dict[str, str | int]) -> tuple[bytes, ...]:
        """The hashes of a proof, unchecked. Raises DecodeError if they are not hashes, or too many."""
        data = self._ask(part, 64 * 1024, query)
        if data is None:
            return self._files().consistency(int(query["old"]), int(query["new"]))
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise DecodeError("is not JSON", where=part) from None
        if not isinstance(found, list) or len(found) > MAX_PROOF_HASHES + 2:
            raise DecodeError("is not a list of hashes", where=part)
        if not all(isinstance(text, str) for text in found):
            raise DecodeError("is not a list of hashes", where=part)
        return tuple(decode_base64(text, HASH_BYTES, what=part) for text in found)

    def _ask(self, part: str, limit: int, query: dict[str, str | int]) -> bytes | None:
        """The answer to a question, or None where only files are shown."""
        if self._shows_files:
            return None
        answer: Answer = self.web.ask(self.url(part), limit=limit, query=query)
        if is_absent(answer) and not is_boards_own(answer):
            self._shows_files = True
            return None
        return good_answer(answer, self.url(part)).data

    def _lines_of_files(self, kind: str, start: int, stop: int) -> Iterator[bytes]:
        files = self._files()
        read = {HEADERS: files.headers, BODIES: files.bodies, HINTS: files.hints}[kind]
        for line in read(start, stop):
            if len(line) > LINE_LIMITS[kind] or (not line and kind != HINTS) or b"\n" in line:
                raise DecodeError("hold a line that is empty or too long", where=f"{kind} from {start} on")
            yield line

    def _files(self) -> TileFiles:
        what = "the checkpoint of the server"
        note = self._note or self.checkpoint()
        return TileFiles(self.web, self.url, parse_checkpoint(parse_note(note, what=what).text, what=what).size)


class VerifiedLog(NamedTuple):
    """All headers up to a checkpoint, checked."""

    key: NoteKey
    checkpoint: Checkpoint
    note: bytes
    headers: tuple[EntryHeader, ...]


def read_verified(pages: LogPages, *, key: NoteKey | None = None, earlier: Checkpoint | None = None) -> VerifiedLog:
    """Protocol Q7b: all headers of a log, under its newest checkpoint.

    Args:
        key: the board's. Without it the server is asked, and the caller must compare the key with the manifest's.
        earlier: a checkpoint that was checked before; the log must extend it.

    Raises:
        UnavailableError: if the server cannot be read.
        DecodeError: if something is malformed.
        SignatureInvalid: if the checkpoint is not signed by the board's key.
        ProofError: if headers are missing, changed or out of order, or the log does not extend the earlier checkpoint.
    """
    if key is None:
        key = parse_vkey(pages.vkey(), what="the vkey of the server")
    note = pages.checkpoint()
    checkpoint = open_checkpoint(note, key, what="the checkpoint of the server")
    headers = tuple(verified_headers(pages.lines(HEADERS, 0, checkpoint.size), checkpoint, earlier=earlier))
    return VerifiedLog(key, checkpoint, note, headers)


def verified_headers(
    lines: Iterable[bytes], checkpoint: Checkpoint, *, earlier: Checkpoint | None = None
) -> list[EntryHeader]:
    """Protocol Q7c: headers in order, each linked to the one before, together exactly those of the checkpoint.

    Raises:
        DecodeError, ProofError: as `read_verified` says.
    """
    frontier = Frontier()
    previous: Hash = ZERO_HASH
    headers: list[EntryHeader] = []
    _require_extends(frontier, earlier)
    for line in lines:
        header = parse_header(line, what=f"entry {frontier.size}")
        check_link(header, seq=frontier.size, prev=previous)
        previous = sha256(line)
        frontier.append(line)
        headers.append(header)
        _require_extends(frontier, earlier)
    if earlier is not None and earlier.size > frontier.size:
        raise ProofError(
            f"shows {frontier.size} entries, and had signed {earlier.size} before", where="the board of the server"
        )
    if frontier.size != checkpoint.size or frontier.root() != checkpoint.root:
        raise ProofError("is not of the headers that the server shows", where="the checkpoint of the server")
    return headers


def verified_bodies(bodies: Iterable[bytes], headers: Iterable[EntryHeader]) -> Iterator[bytes]:
    """Protocol Q7d: bodies, each compared with its header. Raises ProofError, DecodeError if one is missing."""
    found = iter(bodies)
    for header in headers:
        body = next(found, None)
        if body is None:
            raise DecodeError("is missing", where=f"body of entry {header.seq}")
        check_body(header, body)
        yield body


def verify_extends(pages: LogPages, earlier: Checkpoint, newer: Checkpoint) -> None:
    """Protocol Q7e: the newer checkpoint's log begins with the earlier one's; the server gives the proof.

    Raises:
        ProofError: if it does not, or they are of different logs.
    """
    where = "the board of the server"
    if earlier.origin != newer.origin:
        raise ProofError(f"is {newer.origin}, not {earlier.origin} as before", where=where)
    if newer.size < earlier.size:
        raise ProofError(f"shows {newer.size} entries, and had signed {earlier.size} before", where=where)
    if not 0 < earlier.size <= newer.size <= MAX_SAFE_INTEGER:
        return  # every log extends the empty one
    proof: tuple[bytes, ...] = ()
    if earlier.size < newer.size:
        proof = pages.hashes("proof/consistency", {"old": earlier.size, "new": newer.size})
    verify_consistency(earlier.size, newer.size, earlier.root, newer.root, proof)


def _require_extends(frontier: Frontier, earlier: Checkpoint | None) -> None:
    if earlier is not None and frontier.size == earlier.size and frontier.root() != earlier.root:
        raise ProofError(
            f"shows other first {earlier.size} entries than it had signed before", where="the board of the server"
        )
