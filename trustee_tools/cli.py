"""`urne-trustee`: what a trustee does, from making a key file to destroying it (docs/guide-trustee.md).

Rules of the terminal:
- stdout carries the answer to the command and nothing else: with --json one JSON value. Questions, explanations,
  warnings and progress go to stderr.
- Every command that cannot go on says whose move it is, or the exact command to run next.
- No secret is printed, but for a passphrase that the program has drawn, once, on stderr. Secrets never come from
  arguments or the environment. --passphrase-file is for unattended runs: only its owner may be able to read the file.
- "Done" is said after the board was read again, never before.
- Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 could not be done, 4 valid so far but unfinished.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import click

from trustee_tools.ceremony import Step, TrusteeSecrets, decryption_secret, faulty_dealers, verify_own_part
from trustee_tools.decrypt import BALLOTS_AT_ONCE, require_first_share, tally_share, verify_tally_from_ballots
from trustee_tools.identity import find_trustee, parse_who, published_index, require_published
from trustee_tools.keystore import create_key_files, destroy_key_file, read_header
from trustee_tools.notes import Notes, Seen, notes_path, read_notes, verify_seen, with_seen, write_notes
from trustee_tools.places import BOARD
from trustee_tools.prompts import confirm, new_passphrase, require_typed, unlock
from trustee_tools.publish import publish, read_message
from trustee_tools.rounds import make_steps
from trustee_tools.sources import ElectionView, Place, RemoteBoard, find_board, open_view
from trustee_tools.status import Act, next_move, situation
from trustee_tools.status_text import (
    act_line,
    command,
    election_lines,
    fingerprint,
    fingerprint_lines,
    move_line,
    status_data,
    table_lines,
    tally_lines,
    waiting_lines,
)
from voting.crypto.keyfile import DEFAULT_WORK_FACTOR, SEED_BYTES
from voting.election.phases import Phase
from voting.files import require_new, write_new_file
from voting.message_file import write_message_file
from voting.parallel import available_cores
from voting.protocol.errors import UsageError
from voting.protocol.moment import format_moment
from voting.terminal import Program, json_option, print_json, program_options, progress, say, tell, toy_option
from voting.translations import text as _

UNFINISHED = 4

_path = click.Path(path_type=Path)
_board = click.argument("board", type=BOARD)
_key = click.option("--key", type=_path, required=True, help="Your key file.")
_yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
_out = click.option("--out", type=_path, help="Write the entry to this new file instead of appending it.")
_board_key = click.option("--board-key", type=_path, help="The board's key file, if it is not in its usual place.")
_notes = click.option("--notes", "notes_file", type=_path, help="Where the notes are kept (default: KEYFILE.seen).")
_passphrase = click.option(
    "--passphrase-file", type=_path, help="Read the passphrase from this file (unattended runs)."
)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@program_options
def main(debug: bool) -> None:
    """Take part in an election as a trustee.

    BOARD is the web address of the election, a board's folder, the administrator's folder, or an exported record (a
    folder or a .zip file).

    Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 could not be done, 4 valid so far but unfinished.
    """


@main.command()
@click.argument("keyfile", type=_path)
@click.argument("copy", type=_path)
@click.option("--label", default="trustee", show_default=True, help="Whose key it is; readable without the passphrase.")
@click.option("--own-passphrase", "own", is_flag=True, help="Type a passphrase of your own instead of a drawn one.")
@_passphrase
@click.option("--work-factor", type=int, default=DEFAULT_WORK_FACTOR, hidden=True, help="scrypt's N, for tests.")
def init(keyfile: Path, copy: Path, label: str, own: bool, passphrase_file: Path | None, work_factor: int) -> None:
    """Make a new key file and a copy of it, under one passphrase, and open both again."""
    for path in (keyfile, copy):
        require_new(path)
    passphrase = new_passphrase(own=own, file=passphrase_file, random_bytes=secrets.token_bytes)
    seed = secrets.token_bytes(SEED_BYTES)
    create_key_files([keyfile, copy], seed, label=label, passphrase=passphrase, work_factor=work_factor)
    say(_("{keyfile} and {copy} are written, and both open.", keyfile=keyfile, copy=copy))
    if keyfile.stat().st_dev == copy.stat().st_dev:
        tell(_("Both lie on the same disk. Move the copy to another one, and keep that in another place."))
    tell(_("Without a key file and its passphrase nobody can do your part. Keep them apart."))
    tell(_("Next: {command}", command=command("step", "BOARD", "--key", keyfile)))


@main.command()
@_board
@click.option("--key", type=_path, help="Your key file, to be told what you have to do.")
@_notes
@_passphrase
@json_option
@toy_option
def status(
    board: Place,
    key: Path | None,
    notes_file: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
    allow_toy: bool,
) -> None:
    """Say where the election stands and whose move it is."""
    with open_view(board, allow_toy=allow_toy) as view:
        index = None
        if key is not None:
            _notebook, seen = _notes_of(view, notes_file or notes_path(key))
            index = seen.index if seen else published_index(view, unlock(key, passphrase_file))
        now = situation(view.record, view.latest)
        if as_json:
            print_json(status_data(view, now, index))
            return
        lines = [*election_lines(view), *table_lines(view, now), *fingerprint_lines(view)]
        duty = now.duties.get(index) if index is not None else None
        if key is not None and index is None and Act.JOIN in now.duties.values():
            lines.append(_("This key file has not joined this election."))
            duty = Act.JOIN
        if duty is not None and key is not None:
            lines.append(move_line(board, key, duty))
        say("\n".join([*lines, *waiting_lines(view, now, index)]))


@main.command()
@_board
@_key
@click.option("--index", type=click.IntRange(min=1), help="Which trustee you are, by number (to join).")
@click.option("--name", help="Which trustee you are, by name (to join).")
@click.option("--invitation", help="The code in your invitation (to join at a site that invites its trustees).")
@_out
@_yes
@_board_key
@_notes
@_passphrase
@toy_option
def step(
    board: Place,
    key: Path,
    index: int | None,
    name: str | None,
    invitation: str | None,
    out: Path | None,
    yes: bool,
    board_key: Path | None,
    notes_file: Path | None,
    passphrase_file: Path | None,
    allow_toy: bool,
) -> None:
    """Do whatever is next in the trustees' ceremony. Safe to repeat at any time."""
    _require_deliverable(board, out)
    if isinstance(board, RemoteBoard):
        board.invitation = invitation
    seed = unlock(key, passphrase_file)
    notes_file = notes_file or notes_path(key)
    with open_view(board, allow_toy=allow_toy) as view:
        notes, seen = _notes_of(view, notes_file)
        ceremony = view.record.require_ceremony()
        me = find_trustee(view, seed, given=parse_who(view.manifest, index, name), noted=seen.index if seen else None)
        verify_own_part(me, ceremony)
        move = next_move(view.record, me)
        if move.act is None or move.act is Act.DECRYPT:
            _say_next(view, board, key, me)
            return
        if move.act is Act.JOIN:
            tell("\n".join(election_lines(view)))
            who = view.manifest.trustees[me.index - 1].name
            tell(_("You are about to join as trustee {index}, {name}.", index=me.index, name=who))
            confirm(_("Is this the election you were told of, and are you this trustee?"), assume_yes=yes)
        tell(act_line(view, move))
        steps = make_steps(me, ceremony, move, _now(), secrets.token_bytes)
        write_notes(notes_file, with_seen(notes, view, me.index))
    _deliver(view, steps, board, out, board_key, allow_toy=allow_toy)
    if move.act in {Act.JOIN, Act.CONFIRM}:
        _say_fingerprint(me)
    if move.act is Act.CONFIRM:
        say(_("Joint key: {fingerprint}", fingerprint=fingerprint(ceremony.joint_key().encode())))
    if out is None:
        with open_view(board, allow_toy=allow_toy) as view:
            notes, _seen = _notes_of(view, notes_file)
            verify_own_part(me, view.record.require_ceremony())
            write_notes(notes_file, with_seen(notes, view, me.index))
            _say_next(view, board, key, me)


@main.command()
@click.argument("keyfile", type=_path)
@click.argument("board", type=BOARD, required=False)
@_notes
@_passphrase
@toy_option
@click.pass_context
def check(
    ctx: click.Context,
    keyfile: Path,
    board: Place | None,
    notes_file: Path | None,
    passphrase_file: Path | None,
    allow_toy: bool,
) -> None:
    """Prove that you still have your key: KEYFILE opens, and with BOARD, that it is the key that took part there."""
    seed = unlock(keyfile, passphrase_file)
    say(_("{file} opens with its passphrase.", file=keyfile))
    if board is None:
        return
    with open_view(board, allow_toy=allow_toy) as view:
        _notebook, seen = _notes_of(view, notes_file or notes_path(keyfile))
        if seen is not None:
            say(_("The board still shows the {count} entries that this key file has seen.", count=seen.size))
        me = require_published(view, seed)
        code = _check_shares(view, me)
    ctx.exit(code)


@main.command()
@_board
@_key
@click.option("--quick", is_flag=True, help="Leave the ballots' proofs to the observers; still recompute the tally.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many processor cores to use (default: all).")
@_out
@_yes
@_board_key
@_notes
@_passphrase
@toy_option
def decrypt(
    board: Place,
    key: Path,
    quick: bool,
    jobs: int | None,
    out: Path | None,
    yes: bool,
    board_key: Path | None,
    notes_file: Path | None,
    passphrase_file: Path | None,
    allow_toy: bool,
) -> None:
    """Recompute the encrypted tally from the ballots, and publish your share of its decryption."""
    _require_deliverable(board, out)
    seed = unlock(key, passphrase_file)
    notes_file = notes_file or notes_path(key)
    with open_view(board, allow_toy=allow_toy) as view:
        notes, seen = _notes_of(view, notes_file)
        me = require_published(view, seed)
        if me.index in view.record.shares:
            say(_("Your share is on the board already. Nothing was done."))
            return
        require_first_share(view, me.index, seen.tally if seen else None)
        verify_own_part(me, view.record.require_ceremony())
        with progress(_("Checking the ballots"), len(view.record.ballots)) as advance:
            several = len(view.record.ballots) > BALLOTS_AT_ONCE
            cores = (jobs or available_cores()) if several else 1
            verify_tally_from_ballots(view, quick=quick, jobs=cores, progress=advance)
        if seen is None:
            tell(_("There are no notes of earlier runs beside this key file: what came before is the board's word."))
        tell("\n".join(tally_lines(view, quick=quick)))
        confirm(_("Decrypt this tally?"), assume_yes=yes)
        entry = tally_share(me, view, _now(), secrets.token_bytes)
        write_notes(notes_file, with_seen(notes, view, me.index, tally=view.record.tally_hash))
    _deliver(view, [entry], board, out, board_key, allow_toy=allow_toy)
    if out is None:
        with open_view(board, allow_toy=allow_toy) as view:
            notes, _seen = _notes_of(view, notes_file)
            write_notes(notes_file, with_seen(notes, view, me.index))
            _say_next(view, board, key, me)


@main.command()
@_board
@click.argument("message", type=_path)
@_board_key
@toy_option
def submit(board: Place, message: Path, board_key: Path | None, allow_toy: bool) -> None:
    """Append the entry in MESSAGE, a file that --out wrote, perhaps on another machine."""
    entry = read_message(message)
    _require_deliverable(board, None)
    with open_view(board, allow_toy=allow_toy) as view:
        _deliver(view, [entry], board, None, board_key, allow_toy=allow_toy)


@main.command()
@click.argument("keyfile", type=_path)
@click.argument("board", type=BOARD, required=False)
@toy_option
def destroy(keyfile: Path, board: Place | None, allow_toy: bool) -> None:
    """Overwrite and remove KEYFILE, after the result is published. With BOARD, make sure first that it is."""
    header = read_header(keyfile)
    if board is None:
        tell(_("You named no BOARD, so nobody has checked that the key is no longer needed."))
    else:
        with open_view(board, allow_toy=allow_toy) as view:
            if view.record.phase not in {Phase.PUBLISHED, Phase.CANCELLED}:
                raise UsageError(
                    "the election is not finished: the key may still be needed",
                    where=str(board),
                    remedy="`urne-trustee status` says what it waits for",
                )
    tell(_("This destroys the key file {file} ({label}) for ever.", file=keyfile, label=header.label))
    require_typed(keyfile.name, _("Type its name, {name}, to go on", name=keyfile.name))
    destroy_key_file(keyfile)
    say(_("{file} was overwritten once with random bytes and removed.", file=keyfile))
    tell(_("This cannot reach your copy, backups, snapshots, or what a solid-state disk keeps out of sight."))
    tell(_("Destroy the copy too, and the paper with the passphrase."))


def _require_deliverable(board: Place, out: Path | None) -> None:
    """Find out before the passphrase is asked for whether the entry can go where it is meant to go."""
    if out is not None:
        require_new(out)
    elif isinstance(board, Path) and find_board(board) is None and board.exists():
        raise UsageError(
            "is not a board, so nothing can be appended to it",
            where=str(board),
            remedy="write a message file with --out, or name the board's folder",
        )


def _now() -> str:
    return format_moment(datetime.now(UTC))


def _notes_of(view: ElectionView, path: Path) -> tuple[Notes, Seen | None]:
    """The notes of a key file, and what they say of this election, after it was compared with what is shown now."""
    notes = read_notes(path)
    seen = notes.elections.get(view.manifest.hash)
    verify_seen(seen, view)
    return notes, seen


def _deliver(
    view: ElectionView, steps: list[Step], board: Place, out: Path | None, board_key: Path | None, *, allow_toy: bool
) -> None:
    """Write the first entry to a file, or append all of them and read each back."""
    if out is not None:
        write_new_file(out, write_message_file(*steps[0]))
        line = command("submit", "BOARD", out)
        say(_("{file} is written. It counts once it is on the board: {command}", file=out, command=line))
        if len(steps) > 1:
            tell(_("There is more to do: run this command again once the file was submitted."))
        return
    head = view.header_hash(view.size - 1)
    for step_ in steps:
        seq = publish(board, step_, board_key=board_key, allow_toy=allow_toy, size=view.size, head=head)
        say(_("Done: entry {seq} ({type}) is on the board, and was read back.", seq=seq, type=step_.entry_type))


def _say_next(view: ElectionView, board: Place, key: Path, me: TrusteeSecrets) -> None:
    """What comes next: a command, whom everybody waits for, or that this trustee was left out."""
    if me.index not in view.record.require_ceremony().trustees:
        say(_("You were left out of this ceremony. There is nothing for you to do."))
        return
    act = next_move(view.record, me).act
    now = situation(view.record, view.latest)
    if act is not None:
        say(move_line(board, key, act))
        return
    say(_("There is nothing for you to do now."))
    say("\n".join(waiting_lines(view, now)))


def _say_fingerprint(me: TrusteeSecrets) -> None:
    say(_("Your fingerprint, to read aloud to the others: {code}", code=fingerprint(me.signing_key.verify_key.raw)))


def _check_shares(view: ElectionView, me: TrusteeSecrets) -> int:
    """Check everything the board has of a trustee against their keys, and say so; gives the exit code."""
    ceremony = view.record.require_ceremony()
    verify_own_part(me, ceremony)
    name = view.manifest.trustees[me.index - 1].name
    say(_("Its keys are those of trustee {index}, {name}, on the board.", index=me.index, name=name))
    _say_fingerprint(me)
    if not ceremony.all_dealt:
        say(_("Not all trustees have dealt their shares yet: check again later."))
        return UNFINISHED
    faulty = faulty_dealers(me, ceremony)
    if faulty:
        names = ", ".join(view.manifest.trustees[dealer - 1].name for dealer in faulty)
        say(_("A share does not open, or does not fit: that of {names}. `urne-trustee step` complains.", names=names))
        return 1
    decryption_secret(me, ceremony)
    say(
        _(
            "All {count} shares open and fit, and together they give your part of the joint key.",
            count=len(ceremony.trustees),
        )
    )
    say(_("Joint key: {fingerprint}", fingerprint=fingerprint(ceremony.joint_key().encode())))
    return 0
