"""`urne credentials`: codes for the voters, and their keys for the board (docs/guide-administrator.md, "Voters").

Codes are secrets: they go to the files that the administrator named and nowhere else, neither to the terminal nor into
an error. Keys are published only when those files are on the disk.
"""

from __future__ import annotations

import csv
import io
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from bulletin_board.log import Submission
from voting.crypto.signatures import SigningKey
from voting.election.credentials import derive_credential, generate_code
from voting.election.phases import Phase
from voting.election.record import MAX_TOTAL_WEIGHT, ElectionRecord
from voting.election.steps import list_credentials
from voting.election_folder import OpenElection, read_signing_key, reading, slug, writing
from voting.files import make_new_folder, read_file, require_new, write_new_file
from voting.protocol.errors import UrneError, UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.text import plain
from voting.terminal import counted, say, tell, toy_option
from voting.translations import language
from voting.translations import text as _
from voting.voter_list import MAX_LIST_BYTES, Voter, read_voter_list


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("voters", metavar="VOTERS.csv", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write one file per voter into this new folder.")
@click.option("--merge", type=click.Path(path_type=Path), help="Write one new CSV file, for a mail merge.")
@click.option("--dry-run", is_flag=True, help="Only check the list.")
@toy_option
def credentials(
    folder: Path, voters: Path, out: Path | None, merge: Path | None, dry_run: bool, allow_toy: bool
) -> None:
    """Make a secret code for every voter of a CSV list, and publish the codes' keys on the board.

    The list names its columns: id, email, name, weight. The codes are written to --out or --merge, readable by you
    only; keys are published after the files are safely on the disk. Nothing is overwritten. You may add more voters
    with another list until the voting opens; nobody can see whether the two lists share a voter, so take care.
    """
    listed = read_voter_list(read_file(voters, limit=MAX_LIST_BYTES), name=str(voters))
    weight = sum(voter.weight for voter in listed)
    if out is not None and merge is not None:
        raise UsageError("--out and --merge exclude each other", remedy="give one of the two")
    target = out or merge
    if target is not None:
        require_new(target)
    elif not dry_run:
        raise UsageError("nobody said where to write the codes", remedy="give --out FOLDER or --merge FILE.csv")
    say(_("{count} voters, total weight {weight}", count=len(listed), weight=weight))
    if dry_run or target is None:
        with reading(folder, allow_toy=allow_toy) as (_board, record):
            require_room(record, weight)
        say(_("Dry run: nothing was written."))
        return
    with writing(folder, allow_toy=allow_toy) as election:
        require_room(election.record, weight)
        manifest = election.record.require_manifest()
        authority = read_signing_key(folder, "authority")
        codes = [generate_code(secrets.token_bytes) for _voter in listed]
        keys = [derive_credential(code, manifest.hash) for code in counted(_("Making codes"), codes, len(codes))]
        if out is not None:
            write_code_files(out, manifest, listed, codes)
        else:
            write_new_file(target, merge_table(listed, codes))
        try:
            _publish(election, keys, listed, authority)
        except UrneError:
            tell(_("No key was published: the codes in {place} are worth nothing. Delete them.", place=target))
            raise
    say(_("Codes written to {place}; {count} keys are on the board.", place=target, count=len(listed)))
    tell(_("Give each voter their code, then delete {place}: whoever reads it can vote.", place=target))


def require_room(record: ElectionRecord, weight: int) -> None:
    """Refuse before any code is made what the board would refuse after."""
    if record.phase != Phase.SETUP:
        raise UsageError(
            "codes can only be made before the voting opens", remedy="the list of voters is final from then on"
        )
    if record.weight + weight > MAX_TOTAL_WEIGHT:
        raise UsageError(f"the weights of all voters add up to more than {MAX_TOTAL_WEIGHT}", remedy="lower them")


def write_code_files(out: Path, manifest: Manifest, voters: Sequence[Voter], codes: Sequence[str]) -> None:
    """One file per voter. If one cannot be written, none is left."""
    make_new_folder(out)
    digits = len(str(len(voters)))
    try:
        pairs = list(zip(voters, codes, strict=True))
        for number, (voter, code) in enumerate(counted(_("Writing files"), pairs, len(pairs)), start=1):
            name = "-".join(filter(None, (f"{number:0{digits}}", slug(voter.identifier)))) + ".txt"
            write_new_file(out / name, letter(manifest, voter, code, language()).encode())
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def letter(manifest: Manifest, voter: Voter, code: str, wanted: str) -> str:
    """What one voter is given: the code, and what to do with it."""
    lines = [
        plain(manifest.title, wanted),
        "",
        _("Voter: {name}", name=voter.name or voter.identifier),
        *([_("Weight of your vote: {weight}", weight=voter.weight)] if voter.weight != 1 else []),
        _("Your voter code: {code}", code=code),
        "",
        _("Whoever has this code can vote in your place: show it to nobody."),
        _("You can vote again until the voting closes; only your last vote counts."),
        _("Manifest hash: {hash}", hash=manifest.hash),
    ]
    if manifest.contact:
        lines.append(_("Questions: {contact}", contact=manifest.contact))
    return "\n".join(lines) + "\n"


def merge_table(voters: Sequence[Voter], codes: Sequence[str]) -> bytes:
    """A CSV file with a byte order mark, which spreadsheets need in order to read UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "name", "email", "weight", "code"))
    for voter, code in zip(voters, codes, strict=True):
        writer.writerow((voter.identifier, voter.name or "", voter.email or "", voter.weight, code))
    return text.getvalue().encode("utf-8-sig")


def _publish(
    election: OpenElection, keys: Sequence[SigningKey], voters: Sequence[Voter], authority: SigningKey
) -> None:
    """Append all `credentials.listed` entries in one transaction."""
    pairs = [(key.verify_key.raw, voter.weight) for key, voter in zip(keys, voters, strict=True)]
    entries = list_credentials(election.record.require_manifest(), pairs, authority, election.now())
    for outcome in election.board.append_many([Submission(entry.entry_type, entry.body) for entry in entries]):
        if isinstance(outcome, UrneError):
            raise outcome
