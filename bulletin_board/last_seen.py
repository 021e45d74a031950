"""Protocol L19c: ask others what they have seen of a board, before it is written to (docs/spec/log.md, "Old copies").

Witnesses are those of `witnesses.toml`, mirrors those of the file `mirrors` beside the board (an address on each line),
or of the caller's choice. What they say counts only if the board's own key has signed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bulletin_board.cosigning import NewHttp, new_witness_client
from bulletin_board.files import read_small
from bulletin_board.outlived import Seen, require_not_outlived
from bulletin_board.reader import BoardReader, open_reader
from voting.address import Address, parse_address
from voting.protocol.errors import DecodeError, UrneError
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.note import MAX_NOTE_BYTES, NoteKey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import MAX_RECEIPT_FILE_BYTES, read_receipt_file
from voting.web_client import WebClient

MIRRORS = "mirrors"
MAX_MIRRORS_BYTES = 64 * 1024
SECONDS_PER_ANSWER = 10.0
MAX_ASKED_AT_ONCE = 16


class Answers(NamedTuple):
    """What others have seen, and who could not say, with the reason."""

    seen: tuple[Seen, ...]
    silent: tuple[str, ...]


def ask_others(
    board: BoardReader, *, mirrors: Iterable[Address] = (), new_http: NewHttp = new_witness_client
) -> Answers:
    """Protocol L19c: what the witnesses and mirrors of a board have seen of it. They are asked at the same time.

    Args:
        mirrors: to be asked besides those that are written down beside the board.

    Raises:
        UnavailableError, DecodeError: if a file of settings beside the board cannot be read.
    """
    origin_hash = hashlib.sha256(board.origin.encode()).hexdigest()
    places = [
        (f"the witness {place.key.name}", place.url / f"{origin_hash}/checkpoint")
        for place in board.witnesses.witnesses
    ]
    places += [(f"the mirror {address}", address / "log/checkpoint") for address in (*mirrors, *read_mirrors(board))]
    if not places:
        return Answers((), ())
    with new_http() as http, ThreadPoolExecutor(min(len(places), MAX_ASKED_AT_ONCE)) as threads:
        web = WebClient(http, seconds_per_answer=SECONDS_PER_ANSWER, attempts=1)

        def ask(source: str, url: str) -> Seen | str:
            try:
                note = web.get(url, limit=MAX_NOTE_BYTES, fresh=True)
                return Seen(open_checkpoint(note, board.key, what="its checkpoint"), source)
            except UrneError as error:
                return f"{source}: {error}"

        answers = list(threads.map(lambda place: ask(*place), places))
    return Answers(
        tuple(answer for answer in answers if isinstance(answer, Seen)),
        tuple(answer for answer in answers if isinstance(answer, str)),
    )


def seen_elsewhere(
    folder: Path,
    *,
    mirrors: Iterable[Address] = (),
    files: Iterable[Path] = (),
    on_silent: Callable[[str], None],
    new_http: NewHttp = new_witness_client,
) -> tuple[Seen, ...]:
    """Protocol L19d: what is known elsewhere of the board in a folder, before it is opened for writing.

    Args:
        files: checkpoints and receipts that somebody kept.
        on_silent: told who could not say, and why.

    Raises:
        OutlivedError: if the board does not extend all of it.
        UnavailableError, DecodeError, SignatureInvalid: if the board, its settings or a file cannot be read.
    """
    with open_reader(folder, unpublished=True) as board:
        answers = ask_others(board, mirrors=mirrors, new_http=new_http)
        for text in answers.silent:
            on_silent(text)
        seen = (*answers.seen, *(seen_in_file(path, board.key) for path in files))
        require_not_outlived(board, seen)
    return seen


def seen_in_file(path: Path, key: NoteKey) -> Seen:
    """What a file shows of a board: a checkpoint, a receipt (tlog-proof), or a voter's receipt file.

    Raises:
        UnavailableError: if it cannot be read.
        DecodeError, SignatureInvalid: if it is none of them, or not signed by the board.
    """
    data = read_small(path, MAX_RECEIPT_FILE_BYTES)
    if data.startswith(b"{"):
        data = read_receipt_file(data, what=str(path)).proof.encode()
    if data.startswith(b"c2sp.org/tlog-proof"):
        data = parse_receipt(data, what=str(path)).checkpoint
    return Seen(open_checkpoint(data, key, what=str(path)), f"whoever kept {path.name}")


def read_mirrors(board: BoardReader) -> list[Address]:
    """The addresses in the file `mirrors` beside a board; none without it. Raises UnavailableError, DecodeError."""
    path = board.folder / MIRRORS
    if not path.exists():
        return []
    try:
        lines = read_small(path, MAX_MIRRORS_BYTES).decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise DecodeError("is not ASCII", where=str(path)) from None
    return [parse_address(line.strip()) for line in lines if line.strip() and not line.startswith("#")]
