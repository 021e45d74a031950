"""`urne-verify`: check a published record, without trusting anybody (docs/guide-observer.md).

Exit codes: 0 verified, 1 a check failed, 2 wrong usage, 3 could not be read or a check could not run, 4 valid so far.
Answers go to standard output, progress to standard error. Of the verifier, only this module may import click and rich.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from voting import __version__
from voting.files import read_file
from voting.protocol.encoding import parse_hash
from voting.protocol.errors import DecodeError, UsageError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.header import EntryHeader
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tracker import parse_tracker
from voting.terminal import Program, json_option, print_json, program_options, say, tell, toy_option
from voting.translations import LANGUAGES, language, set_language
from voting.translations import text as _
from voting.verifier.checks import CHECKS
from voting.verifier.context import Announced
from voting.verifier.load import open_record
from voting.verifier.lookup import MAX_OPENING_BYTES, BallotFate, BallotState, find_ballot, open_ballot
from voting.verifier.receipt import (
    MAX_RECEIPT_FILE_BYTES,
    ReceiptFile,
    check_receipt,
    checkpoint_size,
    earlier_checkpoint,
    read_receipt_file,
    verify_kept,
)
from voting.verifier.replay import Progress, Replay, replay_record
from voting.verifier.report_text import clean, report_lines
from voting.verifier.verify import verify_record

if TYPE_CHECKING:
    from rich.progress import TaskID

DEFAULT_COMMAND = "record"
_SECONDS_BETWEEN_LINES = 10.0
_FAILED = 1
_path = click.Path(path_type=Path)
_record = click.argument("record", type=_path)


class Verifier(Program):
    """A group with a default command: `urne-verify RECORD` verifies the record."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of what is no command, after the options of the program itself."""
        position = 0
        while position < len(args) and args[position].startswith(("--language", "--debug")):
            position += 2 if args[position] == "--language" else 1
        rest = args[position:]
        if rest and rest[0] not in self.commands and rest[0] not in (*ctx.help_option_names, "--version"):
            args = [*args[:position], DEFAULT_COMMAND, *rest]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The two ways to call the program."""
        formatter.write_usage(ctx.command_path, "[OPTIONS] RECORD")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix=" " * len("Usage: "))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the default command are the program's."""
        command = self.commands[DEFAULT_COMMAND]
        options = [parameter for parameter in command.get_params(ctx) if isinstance(parameter, click.Option)]
        rows = [row for option in options if (row := option.get_help_record(ctx)) is not None]
        with formatter.section("Options"):
            formatter.write_dl(rows)
        self.format_commands(ctx, formatter)


@click.group(cls=Verifier, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="urne-verify")
@program_options
def main(debug: bool) -> None:
    """Check the published record of an election: RECORD is a folder or a .zip file.

    \b
    urne-verify RECORD            makes all checks
    urne-verify explain 14        says what a check claims and what it stops
    urne-verify tracker ...       finds a ballot by its tracker

    Exit codes: 0 verified, 1 a check failed, 2 wrong usage, 3 could not be read or checked, 4 valid so far, but the
    election is not finished.
    """


# -- the record --------------------------------------------------------------------------------------------------------


@main.command(DEFAULT_COMMAND, hidden=True)
@_record
@click.option("--manifest", metavar="HASH", help="The manifest hash that was announced: check 01 compares.")
@click.option("--election", metavar="ID", help="The election id that was announced: check 10 compares.")
@click.option("--since", type=_path, metavar="FILE", help="A checkpoint or receipt from earlier: makes check 21.")
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A witness who must have signed, too.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many processor cores to use (default: all).")
@click.option("-v", "--verbose", is_flag=True, help="List all that is wrong, not only the first 20 of each check.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    expose_value=False,
    callback=lambda _ctx, _parameter, value: set_language(value) if value else None,
    help="Language of the report; without it, that of the environment.",
)
@json_option
@toy_option
def verify(
    record: Path,
    manifest: str | None,
    election: str | None,
    since: Path | None,
    witnesses: tuple[str, ...],
    jobs: int | None,
    verbose: bool,
    as_json: bool,
    allow_toy: bool,
) -> None:
    """Make all checks on RECORD, a folder or a .zip file."""
    announced = _announced(manifest, election, since, witnesses)
    with open_record(record) as source, _progress() as progress:
        report = verify_record(
            source,
            announced=announced,
            allow_toy=allow_toy,
            jobs=jobs or len(os.sched_getaffinity(0)),
            language=language(),
            progress=progress,
        )
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        for line in report_lines(report, language(), everything=verbose):
            say(line)
    click.get_current_context().exit(report.exit_code)


def _announced(manifest: str | None, election: str | None, since: Path | None, witnesses: tuple[str, ...]) -> Announced:
    try:
        return Announced(
            manifest=parse_hash(manifest, what="--manifest") if manifest is not None else None,
            election=parse_hash(election, what="--election") if election is not None else None,
            since=_read_since(since) if since is not None else None,
            witnesses=tuple(parse_vkey(text, what="--witness") for text in witnesses),
        )
    except DecodeError as error:
        raise UsageError(error.problem, where=error.where, remedy="copy it whole, as it was announced") from None


def _read_since(path: Path) -> bytes:
    return earlier_checkpoint(read_file(path, limit=MAX_RECEIPT_FILE_BYTES), what=str(path))


# -- single questions --------------------------------------------------------------------------------------------------


@main.command()
@click.argument("number", required=False)
def explain(number: str | None) -> None:
    """Say what check NUMBER claims, its rule and what it stops; without NUMBER, list the checks."""
    if number is None:
        for check in CHECKS:
            say(f"{check.info.id} {_(check.info.title)}")
        return
    wanted = number.zfill(2)
    for check in CHECKS:
        if check.info.id == wanted:
            say(_(check.explanation))
            return
    raise UsageError(
        f"there is no check {clean(number)[:20]}", remedy=f"checks are numbered 01 to {CHECKS[-1].info.id}"
    )


@main.command()
@click.argument("code")
@_record
@json_option
@toy_option
def tracker(code: str, record: Path, as_json: bool, allow_toy: bool) -> None:
    """Find the ballot with the tracker CODE in RECORD. This alone does not verify the record."""
    try:
        wanted = parse_tracker(code)
    except DecodeError as error:
        raise UsageError(error.problem, where=error.where, remedy=error.remedy) from None
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=allow_toy)
        _sound_manifest(replay)
        fate = find_ballot(replay.record, wanted)
    if as_json:
        print_json(fate._asdict())
    else:
        for line in _fate_lines(fate):
            say(line)
    if fate.state is BallotState.NOT_FOUND:
        click.get_current_context().exit(_FAILED)


def _fate_lines(fate: BallotFate) -> Iterator[str]:
    match fate.state:
        case BallotState.COUNTED:
            yield _("{tracker}: found, entry {entry}. It is the ballot that counts.", **fate._asdict())
        case BallotState.REPLACED:
            yield _(
                "{tracker}: found, entry {entry}. It does not count: the same voter code cast another ballot later,"
                " entry {replaced_by}.",
                **fate._asdict(),
            )
        case BallotState.NOT_FOUND:
            yield _(
                "{tracker}: not found. It was typed without error. The likely reasons, in this order:", **fate._asdict()
            )
            yield _("1. The record is older than the ballot: get a new one.")
            yield _("2. The record is of another election.")
            yield _("3. The ballot was tested or prepared, but never cast.")
            yield _("4. The board has dropped it: check your receipt with `urne-verify receipt`.")
            return
    yield _("Whether the record is right, `urne-verify RECORD` tells.")


@main.command()
@click.argument("file", type=_path)
@click.option("--record", type=_path, help="Also check that this record keeps the ballot.")
@click.option("--vkey", metavar="VKEY", help="The board's key, if there is no record at hand.")
@json_option
@toy_option
def receipt(file: Path, record: Path | None, vkey: str | None, as_json: bool, allow_toy: bool) -> None:
    """Check the receipt in FILE: that the board has signed for the ballot, and with --record, that it kept it."""
    if (record is None) == (vkey is None):
        raise UsageError("needs either --record or --vkey", remedy="the record is the better one: it shows more")
    saved = read_receipt_file(read_file(file, limit=MAX_RECEIPT_FILE_BYTES), what=str(file))
    if record is None:
        header, checkpoint = check_receipt(saved, parse_vkey(vkey or "", what="--vkey"), what=str(file))
        kept = None
    else:
        header, checkpoint = _kept(saved, record, what=str(file), allow_toy=allow_toy)
        kept = True
    if as_json:
        print_json({"entry": header.seq, "type": header.type, "size": checkpoint.size, "signed": True, "kept": kept})
        return
    say(
        _(
            "The board {board} has signed that entry {entry} ({type}) is one of its first {size} entries.",
            board=checkpoint.origin,
            entry=header.seq,
            type=header.type,
            size=checkpoint.size,
        )
    )
    if kept:
        say(
            _("The record holds this very entry and the same history. Whether it is right, `urne-verify RECORD` tells.")
        )
    else:
        say(_("Whether the board has kept it, a record tells: use --record."))


def _kept(saved: ReceiptFile, record: Path, *, what: str, allow_toy: bool) -> tuple[EntryHeader, Checkpoint]:
    """Check a receipt under the key in the record's manifest, and the record against the receipt."""
    size = checkpoint_size(parse_receipt(saved.proof.encode("utf-8"), what=what).checkpoint, what=what)
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=allow_toy, root_at=size)
        key = parse_vkey(_sound_manifest(replay).board, what="the manifest's board key")
        header, checkpoint = check_receipt(saved, key, what=what)
        verify_kept(saved, checkpoint, source, replay)
    return header, checkpoint


@main.command()
@click.argument("file", type=_path)
@_record
@json_option
@toy_option
def opening(file: Path, record: Path, as_json: bool, allow_toy: bool) -> None:
    """Make the tested ballot in FILE again, and show its lock number and choices."""
    data = read_file(file, limit=MAX_OPENING_BYTES)
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=allow_toy)
        _sound_manifest(replay)
        ballot = open_ballot(replay.record, data, language(), what=str(file))
    if ballot.cast is not None:
        raise VerificationError(
            "15",
            f"entry {ballot.cast}",
            "this very ballot was cast: its opening shows how somebody voted, and must not exist",
        )
    if as_json:
        print_json({"hash": ballot.hash, "lock_number": ballot.lock_number, "tracker": ballot.tracker,
                    "choices": [{"question": question, "choices": list(words)} for question, words in ballot.choices],
                    "listed": ballot.is_listed})  # fmt: skip
        return
    say(_("lock number  {number}", number=ballot.lock_number))
    say(_("tracker      {tracker}", tracker=ballot.tracker))
    for question, words in ballot.choices:
        say()
        say(clean(question))
        for line in words:
            say(f"  {clean(line)}")
    say()
    say(_("The device is honest if it showed this lock number before the test, and if these are the choices made."))
    if not ballot.is_listed:
        say(_("The credential of this ballot is not on the list: it could not have been cast."))


def _sound_manifest(replay: Replay) -> Manifest:
    """The manifest of a record that could be replayed so far. Raises VerificationError for why it could not."""
    manifest = replay.record.manifest
    if manifest is None:
        for refusal in replay.refusals:
            finding = refusal.finding
            raise VerificationError(refusal.check, finding.subject, finding.reason)
        raise VerificationError("01", "record", "there is no election in it yet")
    return manifest


# -- progress ----------------------------------------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on standard error if that is a terminal; else a line every ten seconds."""
    if not sys.stderr.isatty():
        yield _line_progress()
        return
    from rich.console import Console  # slow to import, and not needed otherwise
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(_(what), total=None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield show


def _line_progress() -> Progress:
    last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            tell(f"{_(what)} {done}/{total}" if total else f"{_(what)} {done}")

    return show


if __name__ == "__main__":
    main()
