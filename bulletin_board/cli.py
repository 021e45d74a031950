"""`urne-board`: the bulletin board on the command line (docs/spec/log.md, "Commands").

A board is a folder with `board.db`, `board.lock` and `board.key` (the signing key, mode 0600, not protected by a
passphrase so that a server can start unattended).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bulletin_board.console import FriendlyGroup
from bulletin_board.copies_cli import KEY_FILE, KEY_KIND, backup, mirror, restore, resume, what_others_saw
from bulletin_board.export import export_record
from bulletin_board.files import read_small
from bulletin_board.fsck import verify_board
from bulletin_board.keys import make_plain_signing_key, read_plain_signing_key
from bulletin_board.log import Board
from bulletin_board.publish import publish_board
from bulletin_board.reader import open_reader, require_board
from bulletin_board.store import DATABASE
from bulletin_board.witness_cli import cosign, witness, witnesses
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import DecodeError, UnavailableError, UrneError, UsageError
from voting.protocol.tlog.checkpoint import require_origin
from voting.protocol.tlog.header import MAX_BODY_BYTES, MAX_HEADER_BYTES, check_body, parse_header
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import (
    MAX_RECEIPT_FILE_BYTES,
    check_receipt,
    read_receipt_file,
    write_receipt_file,
)
from voting.protocol.tlog.text import encode_base64
from voting.protocol.tlog.witnesses import parse_witnesses, verify_quorum

_folder = click.argument("folder", type=click.Path(path_type=Path))
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=FriendlyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Keep an append-only board whose every state is signed.

    Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 could not be done.
    """


@main.command()
@_folder
@click.option("--origin", required=True, help="The log's name for ever, e.g. board.example/election-1.")
def init(folder: Path, origin: str) -> None:
    """Make a board in FOLDER, with a new signing key."""
    try:
        require_origin(origin)
    except DecodeError as error:
        raise UsageError(error.problem, where=error.where, remedy=error.remedy) from None
    key = write_key(folder, origin)
    with Board.create(folder, origin, key) as board:
        click.echo(board.key.vkey)


@main.command()
@_folder
@click.argument("type_", metavar="TYPE")
@click.argument("body", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--hint", type=click.Path(path_type=Path), help="Side data, not authenticated: a file of canonical JSON.")
@_as_json
def append(folder: Path, type_: str, body: Path, hint: Path | None, as_json: bool) -> None:
    """Append the canonical JSON in the file BODY (- for standard input) as an entry of TYPE, e.g. note.text."""
    is_piped = str(body) == "-"
    body_bytes = sys.stdin.buffer.read(MAX_BODY_BYTES + 1) if is_piped else _entry_file(body)
    hint_bytes = _entry_file(hint) if hint is not None else None
    require_board(folder)
    with Board.open(folder, read_key(folder), full=False) as board:
        appended = board.append(type_, body_bytes, hint_bytes)
    if as_json:
        header = json.loads(appended.header_bytes)
        click.echo(json.dumps({"seq": appended.seq, "was_new": appended.was_new, "header": header}))
    else:
        click.echo(f"entry {appended.seq}" + ("" if appended.was_new else " (it was there before)"))


@main.command()
@_folder
@click.option("--from", "start", type=click.IntRange(min=0), default=0, show_default=True, help="First entry to list.")
@click.option("--limit", type=click.IntRange(min=1), help="How many entries to list.")
@_as_json
def log(folder: Path, start: int, limit: int | None, as_json: bool) -> None:
    """List the entries: place, type, length and SHA-256 of the body. With --json: the headers as they are signed."""
    with open_reader(folder, unpublished=True) as board:
        size = len(board)
        stop = size if limit is None else min(size, start + limit)
        for header_bytes in board.headers(start, stop):
            if as_json:
                click.echo(header_bytes.decode())
            else:
                header = parse_header(header_bytes)
                click.echo(f"{header.seq:>8}  {header.type:<24} {header.size:>9}  {header.body}")


@main.command()
@_folder
@click.argument("seq", type=click.IntRange(min=0), required=False)
@click.option(
    "--part", type=click.Choice(["header", "body", "hint"]), default="body", show_default=True, help="What to print."
)
def show(folder: Path, seq: int | None, part: str) -> None:
    """Print one part of entry SEQ, byte for byte; without SEQ, the newest signed checkpoint."""
    with open_reader(folder) as board:
        if seq is None:
            data: bytes | None = board.checkpoint_note()
        elif part == "header":
            data = board.header(seq)
        else:
            data = board.body(seq) if part == "body" else board.attachment(seq)
    if data is None:
        raise UsageError("has no hint", where=f"entry {seq}")
    click.echo(data, nl=seq is not None)


@main.command()
@_folder
@click.argument("seq", type=click.IntRange(min=0), required=False)
@click.option(
    "--since", type=click.IntRange(min=1), help="Prove instead that the board extends its state of this size."
)
@click.option("--with-header", is_flag=True, help="A receipt file for urne-board verify: entry header and proof.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write to this new file, not to the screen.")
def prove(folder: Path, seq: int | None, since: int | None, with_header: bool, output: Path | None) -> None:
    """Print the receipt of entry SEQ (a tlog-proof), or with --since the hashes of a consistency proof, in base64."""
    if (seq is None) == (since is None):
        raise UsageError("name either an entry or --since, not both")
    if with_header and seq is None:
        raise UsageError("--with-header is for receipts of entries")
    with open_reader(folder) as board:
        if seq is not None:
            data = board.receipt(seq)
            data = write_receipt_file(board.header(seq), data) if with_header else data
        else:
            data = "".join(encode_base64(hash_) + "\n" for hash_ in board.consistency_proof(since or 0)).encode()
    if output is None:
        click.echo(data, nl=False)
        return
    try:
        with output.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise UsageError("exists already", where=str(output), remedy="choose another name") from None


@main.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@click.option("--vkey", required=True, metavar="VKEY", help="The board's key, as the board's keeper announced it.")
@click.option("--body", type=click.Path(path_type=Path), help="The entry itself: a file that must be the one entered.")
@click.option("--header", type=click.Path(path_type=Path), help="The entry's header, if RECEIPT is a plain tlog-proof.")
@click.option("--witness", "witness_vkeys", multiple=True, metavar="VKEY", help="A witness whose signature counts.")
@click.option("--quorum", type=click.IntRange(min=0), help="How many witnesses must have signed (default: all given).")
@_as_json
def verify(
    receipt: Path,
    vkey: str,
    body: Path | None,
    header: Path | None,
    witness_vkeys: tuple[str, ...],
    quorum: int | None,
    as_json: bool,
) -> None:
    """Check, without any network, that a board has signed for the entry in RECEIPT, and that it is the one in --body.

    A receipt shows that the entry was on the board when the board signed. That it is still there, the board's records
    and mirrors show.
    """
    data = read_small(receipt, MAX_RECEIPT_FILE_BYTES)
    if header is not None:
        data = write_receipt_file(read_small(header, MAX_HEADER_BYTES), data)
    elif data.startswith(b"c2sp.org/"):
        raise UsageError("holds no header", where=str(receipt), remedy="give it: --header FILE, from urne-board show")
    key = parse_vkey(vkey, what="--vkey")
    saved = read_receipt_file(data, what=str(receipt))
    entry, checkpoint = check_receipt(saved, key, what=str(receipt))
    policy = parse_witnesses(witness_vkeys, len(witness_vkeys) if quorum is None else quorum)
    note = parse_receipt(saved.proof.encode(), what=str(receipt)).checkpoint
    signers = verify_quorum(note, policy, board=key, what=str(receipt))
    if body is not None:
        check_body(entry, read_small(body, MAX_BODY_BYTES))
    if as_json:
        names = [signer.key.name for signer in signers]
        told = {"origin": checkpoint.origin, "seq": entry.seq, "type": entry.type, "body": entry.body}
        click.echo(json.dumps({**told, "size": checkpoint.size, "witnesses": names, "body_checked": body is not None}))
        return
    click.echo(
        f"{checkpoint.origin} has signed that entry {entry.seq}, {entry.type}, is one of its first {checkpoint.size}."
    )
    for signer in signers:
        click.echo(f"{signer.key.name} has signed that it saw this state of the board.")
    if body is not None:
        click.echo(f"{body} is that entry, byte for byte.")
    else:
        click.echo(f"The entry's SHA-256 is {entry.body}: compare it with the file, or give --body FILE.")


@main.command()
@_folder
@_as_json
def fsck(folder: Path, as_json: bool) -> None:
    """Recheck the whole board: the chain, every body, the tree and every signed checkpoint."""
    with open_reader(folder, unpublished=True) as board:
        try:
            verify_board(board, signatures=True)
        except UrneError as error:
            if as_json:
                click.echo(
                    json.dumps({"sound": False, "error": error.code, "where": error.where, "problem": error.problem})
                )
            raise
        checkpoint = board.checkpoint()
    if as_json:
        click.echo(json.dumps({"sound": True, "size": checkpoint.size, "root": encode_base64(checkpoint.root)}))
    else:
        click.echo(f"sound: {checkpoint.size} entries, root {encode_base64(checkpoint.root)}")


@main.command()
@_folder
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a record that bears this name.")
def export(folder: Path, target: Path, force: bool) -> None:
    """Write the record to TARGET: one file if its name ends in .zip, otherwise a folder."""
    with open_reader(folder) as board:
        count = export_record(board, target, force=force)
    click.echo(f"{target}: {count} entries")


@main.command()
@_folder
@click.argument("target", type=click.Path(path_type=Path))
def publish(folder: Path, target: Path) -> None:
    """Write the board to the folder TARGET as files for any web server: run it again to add what is new."""
    with open_reader(folder) as board:
        done = publish_board(board, target)
    click.echo(f"{target}: {done.size} entries, {done.size - done.before} of them new, in {done.files} new files")


@main.command()
@_folder
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT", help="Where to wait for requests."
)
@click.option("--read-only", is_flag=True, help="Let nobody append; another process may go on writing to the board.")
@click.option("--force", is_flag=True, help="Ask no witness or mirror first whether they have seen more of the board.")
def serve(folder: Path, listen: str, read_only: bool, force: bool) -> None:
    """Serve the board in FOLDER over HTTP, under /log, until it is stopped: see /log/openapi.json.

    Anybody who can reach it may append: it has no rules. Encryption (https) is the work of a proxy before it. A mirror
    is served read-only. A board that a witness or mirror has outlived is not served: see `resume`.
    """
    from bulletin_board.serving import serve_board  # brings the web framework, which the other commands do not need

    with open_reader(folder, unpublished=True) as board:
        read_only = read_only or (board.is_mirror and not (folder / KEY_FILE).exists())
    key = None if read_only else read_key(folder)
    seen = () if read_only or force else what_others_saw(folder)
    serve_board(folder, key, listen, announce=click.echo, seen=seen)


for _command in (witness, witnesses, cosign, mirror, backup, restore, resume):
    main.add_command(_command)


def _entry_file(path: Path) -> bytes:
    return read_small(path, MAX_BODY_BYTES)


def write_key(folder: Path, label: str) -> SigningKey:
    """Make a new signing key and keep it in the folder, readable by its owner only. A key that is there stays.

    Raises:
        UnavailableError: if there is a board or a key already, or the folder cannot be written.
    """
    if (folder / DATABASE).exists():
        raise UnavailableError("holds a board already", where=str(folder), remedy="choose another folder")
    return make_plain_signing_key(folder / KEY_FILE, KEY_KIND, label)


def read_key(folder: Path) -> SigningKey:
    """The board's signing key.

    Raises:
        UnavailableError: if it is missing, cannot be read, or may be read by others than its owner.
        KeyFileError: if the file is damaged.
    """
    return read_plain_signing_key(folder / KEY_FILE, KEY_KIND)


if __name__ == "__main__":
    main()
