"""`urne-board mirror`, `backup`, `restore`, `resume`: a board's copies (docs/spec/log.md, "Mirrors", "Old copies")."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click
import httpx

from bulletin_board.backup import backup_board, restore_board
from bulletin_board.console import describe
from bulletin_board.cosignature_store import DATABASE as COSIGNATURES
from bulletin_board.keys import read_plain_signing_key
from bulletin_board.last_seen import seen_elsewhere
from bulletin_board.log import Board
from bulletin_board.mirror import Cosign, Mirror, Update
from bulletin_board.outlived import Seen
from bulletin_board.reader import BoardReader, open_reader, require_board
from bulletin_board.witness import Witness, format_request
from bulletin_board.witness_cli import open_witness
from bulletin_board.witness_store import DATABASE as WITNESS_DATABASE
from bulletin_board.witness_store import WitnessStore
from voting.address import Address, parse_address
from voting.protocol.errors import SignatureInvalid, UnavailableError, UrneError, UsageError
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.text import encode_base64
from voting.web_client import WebClient, new_http_client

KEY_FILE = "board.key"
KEY_KIND = "board"
REFRESH_SECONDS = 3600
"""A quiet board has its checkpoint signed anew so often."""
_CONFLICT = 409
_GOOD = 200

_folder = click.argument("folder", type=click.Path(path_type=Path))
_mirrors = click.option("--mirror", "mirrors", multiple=True, metavar="ADDRESS", help="A mirror to ask, too.")
_seen = click.option(
    "--seen", "files", multiple=True, type=click.Path(path_type=Path), help="A kept checkpoint or receipt."
)


# -- mirrors -----------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("address")
@_folder
@click.option("--vkey", metavar="VKEY", help="The board's key; without it the server's word is taken at first.")
@click.option("--once", is_flag=True, help="Take over what is new now, and end.")
@click.option(
    "--every", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds between two looks."
)
@click.option("--cosign", "witness", type=click.Path(path_type=Path), help="The folder of a witness that is to sign.")
@click.option("--listen", metavar="HOST:PORT", help="Serve the mirror, too.")
@click.option("--relay", is_flag=True, help="Also take entries and hand them on to the board; needs --listen.")
def mirror(
    address: str,
    folder: Path,
    vkey: str | None,
    once: bool,
    every: float,
    witness: Path | None,
    listen: str | None,
    relay: bool,
) -> None:
    """Keep in FOLDER a full copy of the board at ADDRESS, checked, and go on until stopped.

    What does not extend the copy is refused; what convicts the board is kept in FOLDER/evidence.
    """
    if relay and (listen is None or once):
        raise UsageError("--relay needs --listen, and not --once", remedy="say where entries can be sent to")
    key = parse_vkey(vkey, what="--vkey") if vkey is not None else None
    with ExitStack() as stack:
        http = stack.enter_context(new_http_client())
        cosign = None
        if witness is not None:
            store = stack.enter_context(WitnessStore.open(witness / WITNESS_DATABASE))
            cosign = cosigning(open_witness(witness, store), store)
        source = parse_address(address)
        opened = Mirror(folder, WebClient(http), source, key=key, cosign=cosign)
        stack.enter_context(opened)
        if once:
            _tell(opened, opened.update())
            return
        if listen is None:
            follow(opened, every, time.sleep)
            return
        _follow_and_serve(opened, listen, every, (source, http) if relay else None)


def cosigning(witness: Witness, store: WitnessStore, clock: Callable[[], float] = time.time) -> Cosign:
    """Protocol L17e: has a witness of this machine sign what its mirror holds; a state that stays, once an hour."""

    last: tuple[Checkpoint, bytes, float] | None = None

    def cosign(checkpoint: Checkpoint, note: bytes, board: BoardReader) -> bytes:
        nonlocal last
        if last and last[0] == checkpoint and clock() - last[2] < REFRESH_SECONDS:
            return last[1]
        for _attempt in range(2):
            known = store.latest(checkpoint.origin)
            old = known.size if known is not None else 0
            proof = board.consistency_proof(old, checkpoint.size) if 0 < old < checkpoint.size else ()
            reply = witness.add_checkpoint(format_request(old, proof, note))
            if reply.status != _CONFLICT:
                break
        if reply.status != _GOOD:
            raise SignatureInvalid(f"does not sign this: {reply.body.decode().strip()}", where=witness.key.name)
        last = (checkpoint, reply.body, clock())
        return reply.body

    return cosign


def follow(opened: Mirror, every: float, sleep: Callable[[float], object]) -> None:
    """Take over what is new, again and again. What goes wrong is told once, as long as it is the same."""
    before = ""
    while True:
        try:
            update = opened.update()
            if update.new or before:
                _tell(opened, update)
            before = ""
        except UrneError as error:
            if (now := describe(error)) != before:
                click.echo(f"error: {now}", err=True)
            before = now
        if sleep(every):
            return


def _follow_and_serve(opened: Mirror, listen: str, every: float, relay: tuple[Address, httpx.Client] | None) -> None:
    """Serve a mirror and follow the board; with `relay`, hand entries on to that address."""
    # These bring the web framework, which the other commands do not need.
    from bulletin_board.relay import RelayService
    from bulletin_board.serving import serve_board, serve_service

    if not len(opened):
        _tell(opened, opened.update())  # there must be something to serve
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(opened, every, stop.wait), name="mirror", daemon=True)
    thread.start()
    try:
        if relay is None:
            serve_board(opened.folder, None, listen, announce=click.echo)
        else:
            with RelayService(opened, *relay) as service:
                serve_service(service, listen, announce=click.echo)
    finally:
        stop.set()
        thread.join()


def _tell(opened: Mirror, update: Update) -> None:
    click.echo(f"{opened.key.name}: {update.size} entries, {update.new} of them new")


# -- backups -----------------------------------------------------------------------------------------------------------


@click.command()
@_folder
@click.argument("file", type=click.Path(path_type=Path))
def backup(folder: Path, file: Path) -> None:
    """Write the board, or mirror, in FOLDER to a new FILE, without its key; it may be in use meanwhile."""
    with open_reader(folder, unpublished=True) as board:
        checkpoint = backup_board(board, file)
    click.echo(f"{file}: {checkpoint.size} entries, root {encode_base64(checkpoint.root)}")
    if (folder / KEY_FILE).exists():
        click.echo(f"The key {folder / KEY_FILE} is not in it: keep it by itself.", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_folder
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="The board's key, to be copied there.")
@_mirrors
@_seen
@click.option("--force", is_flag=True, help="Let it go on although others have seen more: it then has two histories.")
def restore(
    file: Path, folder: Path, key_file: Path | None, mirrors: tuple[str, ...], files: tuple[Path, ...], force: bool
) -> None:
    """Unpack a backup FILE into the new FOLDER, and recheck it.

    It may be read at once. It may be written to only if it has the key, and if at least one witness, mirror or kept
    checkpoint shows that nobody has seen more of the board. Otherwise it stays marked as a copy: see `resume`.
    """
    checkpoint = restore_board(file, folder)
    click.echo(f"{folder}: {checkpoint.size} entries, root {encode_base64(checkpoint.root)}")
    if key_file is None:
        click.echo(f"It can be read. To go on with it, put its key at {folder / KEY_FILE} and use resume.", err=True)
        return
    _copy_key(key_file, folder)
    _resume(folder, folder / KEY_FILE, mirrors, files, force=force)


@click.command()
@_folder
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="The board's key, if it is not in FOLDER.")
@_mirrors
@_seen
@click.option("--force", is_flag=True, help="Let it go on although others have seen more: it then has two histories.")
def resume(folder: Path, key_file: Path | None, mirrors: tuple[str, ...], files: tuple[Path, ...], force: bool) -> None:
    """Let the board restored in FOLDER be written to, if what others have seen shows that nothing is missing.

    Asked are the witnesses in witnesses.toml, the mirrors in the file mirrors, and those given here. With --force
    nobody is asked: do that only if there is no other way to go on, and say so in public.
    """
    require_board(folder)
    _resume(folder, key_file or folder / KEY_FILE, mirrors, files, force=force)


def _resume(folder: Path, key: Path, mirrors: tuple[str, ...], files: tuple[Path, ...], *, force: bool) -> None:
    seen = () if force else what_others_saw(folder, mirrors, files)
    if force:
        (folder / COSIGNATURES).unlink(missing_ok=True)
    with Board.open(folder, read_plain_signing_key(key, KEY_KIND), seen=seen, force=force) as board:
        size = len(board)
    click.echo(f"The board goes on after {size} entries.")


def what_others_saw(folder: Path, mirrors: tuple[str, ...] = (), files: tuple[Path, ...] = ()) -> tuple[Seen, ...]:
    """What is known of a board elsewhere; who is silent is named on standard error. Raises OutlivedError at once."""
    return seen_elsewhere(
        folder,
        mirrors=[parse_address(text) for text in mirrors],
        files=files,
        on_silent=lambda text: click.echo(f"not asked: {text}", err=True),
    )


def _copy_key(source: Path, folder: Path) -> None:
    read_plain_signing_key(source, KEY_KIND)
    try:
        handle = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror})", where=str(folder / KEY_FILE)) from None
