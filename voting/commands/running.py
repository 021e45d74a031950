"""`urne status`, `open`, `close`, `tally`, `result` and the other acts of a running election."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from bulletin_board.export import export_record
from bulletin_board.reader import open_reader
from voting.commands.words import read_moment
from voting.election.record import ElectionRecord
from voting.election.steps import (
    NewEntry,
    cancel_election,
    close_election,
    compute_tally,
    extend_election,
    give_notice,
    open_election,
    publish_result,
    restart_ceremony,
)
from voting.election_folder import OpenElection, board_folder, read_signing_key, reading, writing
from voting.files import read_file
from voting.issues import blocking_issues, phase_name
from voting.message_file import read_message_file
from voting.protocol.errors import UsageError
from voting.protocol.text import plain
from voting.result_text import result_lines
from voting.terminal import json_option, print_json, say, tell, toy_option
from voting.translations import language
from voting.translations import text as _

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command()
@folder_argument
@json_option
@toy_option
def status(folder: Path, as_json: bool, allow_toy: bool) -> None:
    """Show where the election in DIR stands, what is next, and who has to act."""
    with reading(folder, allow_toy=allow_toy) as (_board, record):
        issues = blocking_issues(record)
        if as_json:
            print_json(_status(record) | {"next": [issue._asdict() for issue in issues]})
            return
        manifest = record.require_manifest()
        say(_("Election: {title}", title=plain(manifest.title, language())))
        say(_("Manifest hash: {hash}", hash=manifest.hash))
        say(_("Phase: {phase}", phase=phase_name(record.phase)))
        say(_("Voters: {count}", count=len(record.credentials)))
        if record.opened is not None:
            say(_("Election id: {id}", id=record.election))
            say(_("Ballots: {count} counted, of {cast} cast", count=len(record.last_ballot), cast=len(record.ballots)))
        for issue in issues:
            say(f"- {issue.text}")
            if issue.command:
                say(f"    {issue.command.replace('DIR', str(folder))}")


def _status(record: ElectionRecord) -> dict[str, object]:
    return {
        "ballots": len(record.ballots),
        "counted": len(record.last_ballot),
        "election": record.election,
        "manifest": record.require_manifest().hash,
        "phase": record.phase.value,
        "voters": len(record.credentials),
    }


def _act(folder: Path, allow_toy: bool, make: Callable[[OpenElection], NewEntry]) -> None:
    """Append what `make` gives and say where it stands."""
    with writing(folder, allow_toy=allow_toy) as opened:
        entry = make(opened)
        done = opened.append(entry)
    tell(_("Done: entry {seq} ({type}) is on the board.", seq=done.seq, type=entry.entry_type))


@click.command("open")
@folder_argument
@toy_option
def open_(folder: Path, allow_toy: bool) -> None:
    """Open voting. From then on manifest, key and voters cannot change."""
    key = read_signing_key(folder, "administrator")
    _act(folder, allow_toy, lambda opened: open_election(opened.record, key, opened.now()))


@click.command()
@folder_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@toy_option
def close(folder: Path, yes: bool, allow_toy: bool) -> None:
    """Close voting. No ballot is accepted afterwards, and voting cannot be opened again."""
    key = read_signing_key(folder, "administrator")
    if not yes and not click.confirm(_("Close voting for ever?"), default=False):
        raise click.Abort
    _act(folder, allow_toy, lambda opened: close_election(opened.record, key, opened.now()))


@click.command()
@folder_argument
@toy_option
def tally(folder: Path, allow_toy: bool) -> None:
    """Publish the encrypted tally: the product of the last ballot of every voter."""
    key = read_signing_key(folder, "administrator")
    _act(folder, allow_toy, lambda opened: compute_tally(opened.record, opened.board.body, key, opened.now()))


@click.command()
@folder_argument
@json_option
@toy_option
def result(folder: Path, as_json: bool, allow_toy: bool) -> None:
    """Combine the trustees' shares and publish the result, if that is not done; then show it."""
    with reading(folder, allow_toy=allow_toy) as (_board, record):
        published = record.result
    if published is None:
        key = read_signing_key(folder, "administrator")
        _act(folder, allow_toy, lambda opened: publish_result(opened.record, key, opened.now()))
        with reading(folder, allow_toy=allow_toy) as (_board, record):
            published = record.result
    if published is None:
        raise UsageError("the board shows no result", where=str(folder))
    if as_json:
        print_json(msgspec.to_builtins(published))
        return
    width = min(shutil.get_terminal_size().columns, 100)
    for line in result_lines(record.require_manifest(), published, language(), width):
        say(line)


@click.command()
@folder_argument
@click.argument("closes", metavar="TIME")
@toy_option
def extend(folder: Path, closes: str, allow_toy: bool) -> None:
    """Announce that voting ends later, at TIME (such as 2026-11-30T18:00+01:00)."""
    key = read_signing_key(folder, "administrator")
    moment = read_moment(closes)
    _act(folder, allow_toy, lambda opened: extend_election(opened.record, key, moment, opened.now()))


@click.command()
@folder_argument
@click.argument("text")
@toy_option
def notice(folder: Path, text: str, allow_toy: bool) -> None:
    """Publish an announcement on the board: TEXT."""
    key = read_signing_key(folder, "administrator")
    _act(folder, allow_toy, lambda opened: give_notice(opened.record, key, text, opened.now()))


@click.command()
@folder_argument
@click.argument("reason")
@click.option("--yes", is_flag=True, help="Do not ask.")
@toy_option
def cancel(folder: Path, reason: str, yes: bool, allow_toy: bool) -> None:
    """Give the election up for the REASON that is published. This cannot be undone."""
    key = read_signing_key(folder, "administrator")
    with reading(folder, allow_toy=allow_toy) as (_board, record):
        title = plain(record.require_manifest().title, language())
    if not yes:
        typed = click.prompt(_("Type the title of the election, {title}, to cancel it", title=title))
        if typed.strip() != title:
            raise UsageError("that is not the title; nothing was done")
    _act(folder, allow_toy, lambda opened: cancel_election(opened.record, key, reason, opened.now()))


@click.command("restart-ceremony")
@folder_argument
@click.option("--exclude", type=int, multiple=True, help="Number of a trustee to leave out; may be repeated.")
@toy_option
def restart(folder: Path, exclude: tuple[int, ...], allow_toy: bool) -> None:
    """Begin the trustees' ceremony anew, without the trustees named."""
    key = read_signing_key(folder, "administrator")
    _act(folder, allow_toy, lambda opened: restart_ceremony(opened.record, key, exclude, opened.now()))


@click.command()
@folder_argument
@click.argument("message", metavar="MESSAGE.json", type=click.Path(path_type=Path))
@toy_option
def submit(folder: Path, message: Path, allow_toy: bool) -> None:
    """Append a message file, e.g. of a trustee who works without a network."""
    entry_type, body = read_message_file(read_file(message), what=str(message))
    with writing(folder, allow_toy=allow_toy) as opened:
        done = opened.board.append(entry_type, body)
    tell(_("Done: entry {seq} ({type}) is on the board.", seq=done.seq, type=entry_type))


@click.command()
@folder_argument
@click.argument("target", metavar="RECORD", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace RECORD if it exists.")
def export(folder: Path, target: Path, force: bool) -> None:
    """Write the record that observers verify: a folder, or one file if RECORD ends in .zip."""
    with open_reader(board_folder(folder)) as board:
        count = export_record(board, target, force=force)
    tell(_("{count} entries written to {target}. Verify them with: urne-verify {target}", count=count, target=target))
