"""`urne authority`: codes made by somebody else than the site that runs the election (docs/guide-administrator.md).

The authority's key never leaves its machine. The site gets signed lists of public keys; codes go to the files that the
authority names and nowhere else.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from bulletin_board.keys import read_plain_signing_key
from voting.address import Address
from voting.commands.credentials import merge_table, require_room, write_code_files
from voting.commands.polling import LocalPlace, RemotePlace
from voting.crypto.keyfile import write_plain_key_file
from voting.crypto.signatures import SigningKey
from voting.election.credentials import derive_credential, generate_code
from voting.election.record import ElectionRecord
from voting.election.steps import list_credentials
from voting.files import make_new_folder, read_file, require_new, write_new_file
from voting.message_file import write_message_file
from voting.protocol.encoding import to_base64
from voting.protocol.errors import UsageError
from voting.protocol.moment import format_moment
from voting.protocol.text import plain
from voting.terminal import PLACE, counted, say, tell, toy_option
from voting.translations import language
from voting.translations import text as _
from voting.voter_list import MAX_LIST_BYTES, read_voter_list
from voting.web_client import open_web

KIND = "authority"


@click.group()
def authority() -> None:
    """Make voters' codes as an outside authority, so that the voting site never knows them."""


@authority.command("new")
@click.argument("keyfile", metavar="KEYFILE", type=click.Path(path_type=Path))
def new_key(keyfile: Path) -> None:
    """Make the authority's key in the new file KEYFILE, and print its public half for the organiser.

    Whoever reads the file can make voters: keep it on a machine that others do not use.
    """
    seed = secrets.token_bytes(32)
    write_new_file(keyfile, write_plain_key_file(seed, kind=KIND, label="credential authority"))
    say(_("Public key of the authority: {key}", key=to_base64(SigningKey.from_seed(seed).verify_key.raw)))
    tell(_("Give this public key to the organiser, before the election is frozen."))


@authority.command()
@click.argument("place", metavar="ELECTION", type=PLACE)
@click.argument("voters", metavar="VOTERS.csv", type=click.Path(path_type=Path))
@click.option("--key", "keyfile", required=True, type=click.Path(path_type=Path), help="The authority's key file.")
@click.option("--keys", "lists", required=True, type=click.Path(path_type=Path), help="New folder for the public keys.")
@click.option("--out", type=click.Path(path_type=Path), help="Write one file per voter into this new folder.")
@click.option("--merge", type=click.Path(path_type=Path), help="Write one new CSV file, for a mail merge.")
@toy_option
@click.pass_context
def codes(
    ctx: click.Context,
    place: Path | Address,
    voters: Path,
    keyfile: Path,
    lists: Path,
    out: Path | None,
    merge: Path | None,
    allow_toy: bool,
) -> None:
    """Make a secret code for every voter of a CSV list, and files of public keys for the organiser to upload.

    ELECTION is the web address of the election's page. Nothing is sent and nothing is overwritten.
    """
    listed = read_voter_list(read_file(voters, limit=MAX_LIST_BYTES), name=str(voters))
    key = read_plain_signing_key(keyfile, KIND)
    if (out is None) == (merge is None):
        raise UsageError("say where to write the codes", remedy="give one of --out FOLDER and --merge FILE.csv")
    target = out or merge
    assert target is not None  # noqa: S101 (one of the two is there, by the lines before)
    require_new(target)
    require_new(lists)
    record = _record(ctx, place, allow_toy=allow_toy)
    manifest = record.require_manifest()
    if to_base64(key.verify_key.raw) != manifest.authority:
        raise UsageError("is not the key of this election's credential authority", where=str(keyfile))
    require_room(record, sum(voter.weight for voter in listed))
    say(plain(manifest.title, language()))
    say(_("Manifest hash: {hash}", hash=manifest.hash))
    made = [generate_code(secrets.token_bytes) for _voter in listed]
    keys = [derive_credential(code, manifest.hash) for code in counted(_("Making codes"), made, len(made))]
    if out is not None:
        write_code_files(out, manifest, listed, made)
    else:
        write_new_file(target, merge_table(listed, made))
    pairs = [(each.verify_key.raw, voter.weight) for each, voter in zip(keys, listed, strict=True)]
    entries = list_credentials(manifest, pairs, key, format_moment(datetime.now(UTC)))
    make_new_folder(lists)
    for number, entry in enumerate(entries, start=1):
        write_new_file(lists / f"credentials-{number}.json", write_message_file(entry.entry_type, entry.body))
    say(_("Codes of {count} voters written to {place}.", count=len(listed), place=target))
    tell(_("Give the organiser the files in {place}: they hold public keys only.", place=lists))
    tell(_("Give each voter their code, then delete {place}: whoever reads it can vote.", place=target))


def _record(ctx: click.Context, place: Path | Address, *, allow_toy: bool) -> ElectionRecord:
    if isinstance(place, Path):
        return LocalPlace(place, allow_toy=allow_toy).look().record
    return RemotePlace(place, ctx.with_resource(open_web()), allow_toy=allow_toy).look().record
