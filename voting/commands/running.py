"""`urne status`, `open`, `close`, `tally`, `result` and the other acts of a running election.

Every act is refused by the same rules that observers replay. Here they are only asked for in words, so that an act in
the wrong phase ends with a sentence and not with the number of a check.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from bulletin_board.export import export_record
from bulletin_board.reader import BoardReader, open_reader
from bulletin_board.witness_settings import WITNESSES
from voting.cluster import Cluster
from voting.commands.words import moment_text, read_moment
from voting.election.phases import Phase
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
from voting.election.tally import MEMBERSHIP_CHUNK
from voting.election_folder import OpenElection, board_folder, read_signing_key, reading, writing
from voting.files import read_file
from voting.issues import blocking_issues, phase_name
from voting.message_file import MAX_MESSAGE_FILE_BYTES, read_message_file
from voting.parallel import available_cores, in_processes
from voting.protocol.errors import UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.text import plain, text_problems
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
    with reading(folder, allow_toy=allow_toy) as (board, record):
        issues = blocking_issues(record)
        signed = list(_witness_lines(board, record.require_manifest()))
    if as_json:
        print_json(_status(record) | {"next": [issue._asdict() for issue in issues]})
        return
    say("\n".join([*_status_lines(record), *signed]))
    if not issues:
        say(_("Nothing is left to do."))
    for issue in issues:
        say(f"- {issue.text}")
        if issue.command:
            say(f"    {issue.command.replace('DIR', str(folder))}")


def _status_lines(record: ElectionRecord) -> list[str]:
    """The state of an election in words."""
    manifest = record.require_manifest()
    lines = [
        _("Election: {title}", title=plain(manifest.title, language())),
        _("Manifest hash: {hash}", hash=manifest.hash),
        _("Phase: {phase}", phase=phase_name(record.phase)),
        _("Voters: {count}", count=len(record.credentials)),
    ]
    if record.opened is not None:
        cast = len(record.ballots)
        lines.append(_("Election id: {id}", id=record.election))
        lines.append(_("Ballots: {count} counted, of {cast} cast", count=len(record.last_ballot), cast=cast))
    if record.closes is not None and record.phase in {Phase.SETUP, Phase.OPEN}:
        lines.append(_("Announced end of voting: {time}", time=moment_text(record.closes)))
    for notice_ in record.notices:
        lines.append(_("Notice of {time}: {text}", time=moment_text(notice_.time), text=notice_.text))
    if record.cancelled is not None:
        lines.append(_("Reason of the cancelling: {text}", text=record.cancelled.reason))
    return lines


def _witness_lines(board: BoardReader, manifest: Manifest) -> Iterator[str]:
    """Whether the witnesses that the manifest names are asked, and have signed."""
    wanted, asked = manifest.witness_policy(), board.witnesses.policy
    if set(wanted.keys) - set(asked.keys) or asked.quorum < wanted.quorum:
        yield _(
            "The manifest demands {quorum} of {count} witnesses, but {file} does not say so: see `urne-board"
            " witnesses`.",
            quorum=wanted.quorum,
            count=len(wanted.keys),
            file=board.folder / WITNESSES,
        )
    if asked.quorum:
        size = len(board)
        with open_reader(board.folder) as reader:
            published = len(reader)
        if published < size:
            yield _missing_quorum(published, size)
        else:
            yield _("{quorum} witnesses have signed all {size} entries.", quorum=asked.quorum, size=size)


def _missing_quorum(published: int, size: int) -> str:
    return _(
        "The quorum of witnesses is missing: only {published} of {size} entries are published.",
        published=published,
        size=size,
    )


def _status(record: ElectionRecord) -> dict[str, object]:
    return {
        "ballots": len(record.ballots),
        "closes": record.closes,
        "counted": len(record.last_ballot),
        "election": record.election,
        "manifest": record.require_manifest().hash,
        "phase": record.phase.value,
        "voters": len(record.credentials),
        "weight": record.weight,
    }


def _act(folder: Path, allow_toy: bool, make: Callable[[OpenElection], NewEntry]) -> ElectionRecord:
    """Append what `make` gives and say where it stands; gives the record after it."""
    with writing(folder, allow_toy=allow_toy) as opened:
        entry = make(opened)
        done = opened.append(entry)
    tell(_("Done: entry {seq} ({type}) is on the board.", seq=done.seq, type=entry.entry_type))
    return opened.record


def _require_phase(opened: OpenElection, phase: Phase, problem: str) -> None:
    """Say plainly that it is too early or too late. Raises UsageError."""
    if opened.record.phase != phase:
        raise UsageError(
            f"{problem}: the election is in the phase {opened.record.phase}", remedy="`urne status` says what is next"
        )


@click.command("open")
@folder_argument
@toy_option
def open_(folder: Path, allow_toy: bool) -> None:
    """Open voting. From then on manifest, key and voters cannot change."""
    key = read_signing_key(folder, "administrator")

    def make(opened: OpenElection) -> NewEntry:
        _require_phase(opened, Phase.SETUP, "voting cannot be opened")
        return open_election(opened.record, key, opened.now())

    record = _act(folder, allow_toy, make)
    say(_("Voting is open. Election id: {hash}", hash=record.election))


@click.command()
@folder_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@toy_option
def close(folder: Path, yes: bool, allow_toy: bool) -> None:
    """Close voting. No ballot is accepted afterwards, and voting cannot be opened again."""
    key = read_signing_key(folder, "administrator")

    def make(opened: OpenElection) -> NewEntry:
        _require_phase(opened, Phase.OPEN, "voting cannot be closed")
        return close_election(opened.record, key, opened.now())

    with reading(folder, allow_toy=allow_toy) as (_board, before):
        is_open = before.phase == Phase.OPEN
    if is_open and not yes and not click.confirm(_("Close voting for ever?"), default=False, err=True):
        raise click.Abort
    record = _act(folder, allow_toy, make)
    say(_("Voting is closed. Ballots cast: {count}.", count=len(record.ballots)))


@click.command()
@folder_argument
@click.option("--jobs", type=click.IntRange(min=1), help="How many processor cores to use (default: all).")
@click.option("--dask", metavar="ADDRESS", help="Multiply on a Dask cluster with this scheduler.")
@toy_option
def tally(folder: Path, jobs: int | None, dask: str | None, allow_toy: bool) -> None:
    """Publish the encrypted tally: the product of the last ballot of every voter."""
    key = read_signing_key(folder, "administrator")
    cluster = Cluster(dask) if dask is not None else None

    def make(opened: OpenElection) -> NewEntry:
        _require_phase(opened, Phase.CLOSED, "the tally cannot be made")
        cores = (jobs or available_cores()) if len(opened.record.last_ballot) > MEMBERSHIP_CHUNK else 1
        run = cluster.map_in_order if cluster is not None else in_processes(cores)
        return compute_tally(opened.record, opened.board.body, key, opened.now(), run=run)

    record = _act(folder, allow_toy, make)
    for issue in blocking_issues(record):
        say(issue.text)


@click.command()
@folder_argument
@json_option
@toy_option
def result(folder: Path, as_json: bool, allow_toy: bool) -> None:
    """Combine the trustees' shares and publish the result, if that is not done; then show it."""
    with reading(folder, allow_toy=allow_toy) as (_board, record):
        pass

    def make(opened: OpenElection) -> NewEntry:
        _require_phase(opened, Phase.TALLIED, "there is no result yet")
        return publish_result(opened.record, read_signing_key(folder, "administrator"), opened.now())

    if record.result is None:
        record = _act(folder, allow_toy, make)
    if record.result is None:
        raise UsageError("the board shows no result", where=str(folder))
    if as_json:
        print_json(msgspec.to_builtins(record.result))
        return
    width = min(shutil.get_terminal_size().columns, 100)
    say("\n".join(result_lines(record.require_manifest(), record.result, language(), width)))


@click.command()
@folder_argument
@click.argument("closes", metavar="TIME")
@toy_option
def extend(folder: Path, closes: str, allow_toy: bool) -> None:
    """Announce that voting ends later, at TIME (such as 2026-11-30T18:00+01:00)."""
    key = read_signing_key(folder, "administrator")
    moment = read_moment(closes)

    def make(opened: OpenElection) -> NewEntry:
        _require_phase(opened, Phase.OPEN, "voting cannot be extended")
        return extend_election(opened.record, key, moment, opened.now())

    _act(folder, allow_toy, make)
    say(_("Announced end of voting: {time}", time=moment_text(moment)))


@click.command()
@folder_argument
@click.argument("text")
@toy_option
def notice(folder: Path, text: str, allow_toy: bool) -> None:
    """Publish an announcement on the board: TEXT."""
    _require_text(text)
    key = read_signing_key(folder, "administrator")
    _act(folder, allow_toy, lambda opened: give_notice(opened.record, key, text, opened.now()))


@click.command()
@folder_argument
@click.argument("reason")
@click.option("--yes", is_flag=True, help="Do not ask.")
@toy_option
def cancel(folder: Path, reason: str, yes: bool, allow_toy: bool) -> None:
    """Give the election up for the REASON that is published. This cannot be undone."""
    _require_text(reason)
    key = read_signing_key(folder, "administrator")
    with reading(folder, allow_toy=allow_toy) as (_board, record):
        if record.phase in {Phase.PUBLISHED, Phase.CANCELLED}:
            raise UsageError("the election is over, so it cannot be cancelled")
        title = plain(record.require_manifest().title, language())
    if not yes:
        question = _("Type the title of the election, {title}, to cancel it", title=title)
        if str(click.prompt(question, err=True, default="", show_default=False)).strip() != title:
            raise UsageError("that is not the title; nothing was done")
    _act(folder, allow_toy, lambda opened: cancel_election(opened.record, key, reason, opened.now()))


@click.command("restart-ceremony")
@folder_argument
@click.option(
    "--exclude", type=click.IntRange(min=1), multiple=True, help="Number of a trustee to leave out; may be repeated."
)
@toy_option
def restart(folder: Path, exclude: tuple[int, ...], allow_toy: bool) -> None:
    """Begin the trustees' ceremony anew, without the trustees named."""
    key = read_signing_key(folder, "administrator")

    def make(opened: OpenElection) -> NewEntry:
        _require_phase(opened, Phase.SETUP, "the ceremony cannot begin anew")
        return restart_ceremony(opened.record, key, exclude, opened.now())

    ceremony = _act(folder, allow_toy, make).require_ceremony()
    names = ", ".join(trustee.name for trustee in ceremony.trustees.values())
    say(_("Ceremony number {number} begins, with {names}.", number=ceremony.attempt, names=names))


@click.command()
@folder_argument
@click.argument("message", metavar="MESSAGE.json", type=click.Path(path_type=Path))
@toy_option
def submit(folder: Path, message: Path, allow_toy: bool) -> None:
    """Append a message file, e.g. of a trustee who works without a network."""
    entry_type, body = read_message_file(read_file(message, limit=MAX_MESSAGE_FILE_BYTES), what=str(message))
    with writing(folder, allow_toy=allow_toy) as opened:
        done = opened.board.append(entry_type, body)
    if done.was_new:
        tell(_("Done: entry {seq} ({type}) is on the board.", seq=done.seq, type=entry_type))
    else:
        tell(_("It was on the board before, as entry {seq} ({type}).", seq=done.seq, type=entry_type))


@click.command()
@folder_argument
@click.argument("target", metavar="RECORD", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace RECORD if it exists.")
def export(folder: Path, target: Path, force: bool) -> None:
    """Write the record that observers verify: a folder, or one file if RECORD ends in .zip."""
    with open_reader(board_folder(folder)) as board, open_reader(board.folder, unpublished=True) as whole:
        count = export_record(board, target, force=force)
        if count < len(whole):
            tell(_missing_quorum(count, len(whole)))
    tell(_("{count} entries written to {target}. Verify them with: urne-verify {target}", count=count, target=target))


def _require_text(text: str) -> None:
    """Refuse a text that would look bad on the board for ever. Raises UsageError."""
    for problem in text_problems(text, "", multiline=True):
        raise UsageError(f"the text {problem.problem}", remedy=problem.remedy)
