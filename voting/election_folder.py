"""Protocol S12: the data directory of an election on the administrator's machine.

    DIR/board/                                       the board (board.db, board.lock)
    DIR/keys/{board,administrator,authority}.key     plain key files, mode 0600
    DIR/manifest.json                                the canonical manifest

It is made beside its place under another name and renamed when it is whole. It must not import any command.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bulletin_board.keys import read_plain_signing_key
from bulletin_board.log import Board
from bulletin_board.outlived import Seen
from bulletin_board.reader import Appended, BoardReader, open_reader
from bulletin_board.witness_settings import NO_WITNESSES, WITNESSES, WitnessSettings, format_witness_settings
from voting.crypto.keyfile import write_plain_key_file
from voting.crypto.signatures import SigningKey
from voting.election.admission import ElectionAdmission
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry, define_election
from voting.files import PRIVATE, PUBLIC, sync_folder, write_new_file
from voting.local_board import open_election_board, replay_record
from voting.protocol.encoding import encode
from voting.protocol.errors import UnavailableError, UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.moment import format_moment
from voting.protocol.tlog.note import note_key

BOARD = "board"
KEYS = "keys"
MANIFEST = "manifest.json"
KEY_KINDS = ("board", "administrator", "authority")

RandomBytes = Callable[[int], bytes]
MakeManifest = Callable[[bytes, bytes, str, str], Manifest]
"""Administrator's and authority's raw public keys, the board's verifier key, the nonce -> the manifest."""


class OpenElection(NamedTuple):
    """An election whose board is open for writing."""

    folder: Path
    board: Board
    admission: ElectionAdmission

    @property
    def record(self) -> ElectionRecord:
        return self.admission.record

    def now(self) -> str:
        """The time of a new entry, UTC: entries of the administrator never go back in time, whatever the clock does."""
        return max(format_moment(datetime.now(UTC)), self.record.last_time)

    def append(self, entry: NewEntry, hints: bytes | None = None) -> Appended:
        """Append one entry; on return it is on the disk. Raises UrneError if the rules refuse it."""
        return self.board.append(entry.entry_type, entry.body, hints)


def create_election_folder(
    folder: Path,
    make_manifest: MakeManifest,
    *,
    origin: str | None = None,
    random_bytes: RandomBytes,
    witnesses: WitnessSettings = NO_WITNESSES,
) -> Manifest:
    """Protocol S12: make keys, board and the first entry of an election. On any error nothing is left behind.

    Args:
        folder: must not exist; its parent must.
        make_manifest: called once with the new public keys and the nonce.
        origin: the log's name for ever; without it, `urne/` and the nonce.
        random_bytes: source of the keys and the nonce.
        witnesses: whom the board asks to sign (L22a); the manifest names the same.

    Raises:
        UsageError: if the folder exists, or the manifest is at fault.
        UnavailableError: if it cannot be written.
    """
    if os.path.lexists(folder):
        raise UsageError("exists already", where=str(folder), remedy="choose another name")
    partial = folder.absolute().with_name(f".{folder.absolute().name}.partial-{secrets.token_hex(4)}")
    try:
        partial.mkdir(mode=0o700)
        (partial / KEYS).mkdir(mode=0o700)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise UnavailableError(f"cannot be made ({error.strerror})", where=str(folder)) from None
    try:
        manifest = _fill(partial, make_manifest, origin, random_bytes, witnesses)
        os.rename(partial, folder.absolute())
        sync_folder(folder.absolute().parent)
    except OSError as error:
        raise UnavailableError(f"cannot be made ({error.strerror})", where=str(folder)) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def _fill(
    folder: Path,
    make_manifest: MakeManifest,
    origin: str | None,
    random_bytes: RandomBytes,
    witnesses: WitnessSettings,
) -> Manifest:
    nonce = random_bytes(16).hex()
    log_name = origin or f"urne/{nonce}"
    keys: dict[str, SigningKey] = {}
    for kind in KEY_KINDS:
        seed = random_bytes(32)
        keys[kind] = SigningKey.from_seed(seed)
        data = write_plain_key_file(seed, kind=kind, label=f"election {nonce}")
        write_new_file(folder / KEYS / f"{kind}.key", data, mode=PRIVATE)
    with Board.create(folder / BOARD, log_name, keys["board"]) as board:
        manifest = make_manifest(
            keys["administrator"].verify_key.raw,
            keys["authority"].verify_key.raw,
            note_key(log_name, keys["board"].verify_key).vkey,
            nonce,
        )
        board.admission = ElectionAdmission(board.body, allow_toy=manifest.crypto_group().is_toy)
        entry = define_election(manifest, keys["administrator"], format_moment(datetime.now(UTC)))
        board.append(entry.entry_type, entry.body)
    if witnesses.witnesses:
        write_new_file(folder / BOARD / WITNESSES, format_witness_settings(witnesses), mode=PUBLIC)
    write_new_file(folder / MANIFEST, encode(manifest), mode=PUBLIC)
    return manifest


def board_folder(folder: Path) -> Path:
    """Where the board of an election folder is. Raises UsageError if this is no election folder."""
    if not (folder / BOARD).is_dir():
        raise UsageError(
            "is not the folder of an election", where=str(folder), remedy="make one with `urne election new`"
        )
    return folder / BOARD


def read_signing_key(folder: Path, kind: str) -> SigningKey:
    """One of the election's keys.

    Args:
        folder: the election folder.
        kind: "board", "administrator" or "authority".

    Raises:
        UnavailableError: if the file is missing, unreadable, or may be read by others than its owner.
        KeyFileError: if it is damaged or of another kind.
    """
    return read_plain_signing_key(folder / KEYS / f"{kind}.key", kind)


def open_for_writing(folder: Path, *, allow_toy: bool = False, seen: Iterable[Seen] = ()) -> OpenElection:
    """Open an election to append to its board, which the caller closes.

    Args:
        seen: what others know of the board (`bulletin_board.last_seen`): it must extend all of that.

    Raises:
        UsageError: if this is no election folder.
        UnavailableError: if the board is busy, damaged, or its key is missing.
        OutlivedError: if others have seen more of it, or something else.
    """
    key = read_signing_key(folder, "board")
    board, admission = open_election_board(board_folder(folder), key, allow_toy=allow_toy, seen=seen)
    return OpenElection(folder, board, admission)


@contextmanager
def writing(folder: Path, *, allow_toy: bool = False) -> Iterator[OpenElection]:
    """Open an election to append to its board, for the `with` block. Raises as `open_for_writing` does."""
    election = open_for_writing(folder, allow_toy=allow_toy)
    with election.board:
        yield election


@contextmanager
def reading(folder: Path, *, allow_toy: bool = False) -> Iterator[tuple[BoardReader, ElectionRecord]]:
    """Open an election to look at it; others may write meanwhile. Raises as `writing` does."""
    with open_reader(board_folder(folder), unpublished=True) as board:
        yield board, replay_record(board, allow_toy=allow_toy)


def slug(text: str) -> str:
    """A text as part of a file name: lower-case letters, digits and hyphens, perhaps nothing."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
