"""`urne-verify`: check a published record, without trusting anybody (docs/guide-observer.md).

Exit codes: 0 verified, 1 a check failed, 2 wrong usage, 3 could not be read or a check could not run, 4 valid so far.
Answers go to standard output, progress to standard error. Of the verifier, only this module and
`monitor_command` may import click.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from voting import __version__
from voting.address import Address, parse_address
from voting.files import PUBLIC, read_file, replace_file
from voting.protocol.encoding import decode, parse_hash
from voting.protocol.errors import DecodeError, UnavailableError, UsageError, VerificationError
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.evidence import MAX_EVIDENCE_BYTES, check_evidence, read_evidence
from voting.protocol.tlog.header import EntryHeader
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tracker import parse_tracker
from voting.terminal import PLACE, Program, json_option, print_json, program_options, say, tell, toy_option
from voting.translations import LANGUAGES, language, set_language
from voting.translations import text as _
from voting.verifier.answer_text import booth_lines, evidence_lines, fate_lines, quorum_lines
from voting.verifier.booth import compare_booth
from voting.verifier.checks import CHECKS
from voting.verifier.context import Announced
from voting.verifier.dask_workers import DaskWorkers
from voting.verifier.dispute_command import dispute
from voting.verifier.fetch import open_place
from voting.verifier.foreign import FORMATS, detect_format, verify_foreign
from voting.verifier.foreign.explain import SYSTEMS, explain_lines, list_lines, system_of
from voting.verifier.lookup import MAX_OPENING_BYTES, BallotState, find_ballot, open_ballot
from voting.verifier.monitor_command import monitor
from voting.verifier.progress import show_progress
from voting.verifier.receipt import (
    MAX_RECEIPT_FILE_BYTES,
    ReceiptFile,
    SignedQuorum,
    check_receipt,
    checkpoint_size,
    earlier_checkpoint,
    evidence_of,
    read_receipt_file,
    signed_quorum,
    since_evidence,
    verify_kept,
)
from voting.verifier.replay import Replay, replay_record
from voting.verifier.report import Verdict
from voting.verifier.report_html import html_report
from voting.verifier.report_junit import junit_report
from voting.verifier.report_text import clean, report_lines
from voting.verifier.resume import keeping
from voting.verifier.setup_view import read_setup
from voting.verifier.verify import verify_record
from voting.verifier.visit import Visit, read_visit, write_visit
from voting.verifier.workers import local_workers
from voting.web_client import open_web
from voting.web_log import LogPages

DEFAULT_COMMAND = "record"
_FAILED = 1
_NOTHING_WRONG = (Verdict.VERIFIED, Verdict.VALID_SO_FAR)
_path = click.Path(path_type=Path)
_record = click.argument("record", type=PLACE)
_cache = click.option(
    "--cache", type=_path, metavar="DIR", help="Keep what is fetched in this folder; next time only what is new is."
)


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
    """Check the published record of an election: RECORD is a folder, a .zip file or a web address.

    \b
    urne-verify RECORD            makes all checks
    urne-verify explain 14        says what a check claims and what it stops
    urne-verify tracker ...       finds a ballot by its tracker

    Exit codes: 0 verified, 1 a check failed, 2 wrong usage, 3 could not be read or checked, 4 valid so far, but the
    election is not finished.
    """


main.add_command(monitor)
main.add_command(dispute)


# -- the record --------------------------------------------------------------------------------------------------------


@main.command(DEFAULT_COMMAND, hidden=True)
@_record
@click.option(
    "--format",
    "record_format",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="Whose record it is: Urne's own, or another system's.",
)
@click.option("--manifest", metavar="HASH", help="The manifest hash that was announced: check 01 compares.")
@click.option("--election", metavar="ID", help="The election id that was announced: check 10 compares.")
@click.option(
    "--since", type=_path, metavar="FILE", help="A state, checkpoint or receipt from earlier: makes check 21."
)
@click.option(
    "--state", type=_path, metavar="FILE", help="Go on from the last visit: read FILE if it is there, then write it."
)
@click.option(
    "--evidence", type=_path, metavar="FILE", help="Where to write the proof if check 21 finds another history."
)
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A witness who must have signed, too.")
@click.option("--html", "html_file", type=_path, metavar="FILE", help="Also write the report as a page, for people.")
@click.option("--junit", "junit_file", type=_path, metavar="FILE", help="Also write the report as JUnit, for machines.")
@_cache
@click.option("--jobs", type=click.IntRange(min=1), help="How many processor cores to use (default: all).")
@click.option(
    "--resume",
    type=_path,
    metavar="FILE",
    help="Keep in FILE what was found out about ballots until all are checked; a run that was stopped goes on from it.",
)
@click.option("--dask", metavar="ADDRESS", help="Check the ballots on the Dask cluster with this scheduler.")
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
    record: Path | Address,
    record_format: str,
    manifest: str | None,
    election: str | None,
    since: Path | None,
    state: Path | None,
    evidence: Path | None,
    witnesses: tuple[str, ...],
    html_file: Path | None,
    junit_file: Path | None,
    cache: Path | None,
    jobs: int | None,
    resume: Path | None,
    dask: str | None,
    verbose: bool,
    as_json: bool,
    allow_toy: bool,
) -> None:
    """Make all checks on RECORD, a folder, a .zip file or a web address."""
    _require_cacheable(record, cache)
    chosen = _chosen_format(record, record_format)
    if chosen != "urne" and isinstance(record, Path):
        _require_unused(chosen, {"--manifest": manifest, "--election": election, "--state": state})
        _require_unused(chosen, {"--evidence": evidence, "--witness": witnesses, "--resume": resume})
        _require_unused(chosen, {"--dask": dask})
        with show_progress() as progress:
            cores = jobs or len(os.sched_getaffinity(0))
            report = verify_foreign(record, chosen, since=since, jobs=cores, progress=progress)
    else:
        announced = _announced(manifest, election, since, witnesses)
        if state is not None:
            announced = _since_last_visit(announced, state)
        cores = jobs or len(os.sched_getaffinity(0))
        own = DaskWorkers(dask) if dask is not None else local_workers(cores)
        with (
            keeping(resume, own, tell) as kept,
            show_progress() as progress,
            open_place(record, cache=cache, progress=progress) as source,
        ):
            report = verify_record(
                source,
                announced=announced,
                allow_toy=allow_toy,
                jobs=cores,
                workers=own if kept is None and dask is not None else kept,
                language=language(),
                progress=progress,
            )
            if state is not None and report.verdict in _NOTHING_WRONG and report.manifest is not None:
                write_visit(
                    state,
                    Visit(
                        checkpoint=source.checkpoint.decode("utf-8"), election=report.election, manifest=report.manifest
                    ),
                )
            if evidence is not None and announced.since is not None:
                _write_evidence(evidence, since_evidence(announced.since, source))
    if html_file is not None:
        made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        name = record.name if isinstance(record, Path) else str(record)
        replace_file(html_file, html_report(report, language(), record=name, made=made), mode=PUBLIC)
    if junit_file is not None:
        replace_file(junit_file, junit_report(report), mode=PUBLIC)
    if as_json:
        print_json(msgspec.to_builtins(report))
    else:
        for line in report_lines(report, language(), everything=verbose):
            say(line)
    click.get_current_context().exit(report.exit_code)


def _chosen_format(record: Path | Address, record_format: str) -> str:
    """The format that was named, or that the record looks like. Web addresses are those of Urne's boards."""
    if isinstance(record, Path):
        return detect_format(record) if record_format == "auto" else record_format
    if record_format not in ("auto", "urne"):
        raise UsageError(
            f"--format {record_format} is for files", remedy="fetch the record first, then name the file or folder"
        )
    return "urne"


def _require_unused(record_format: str, options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if value:
            raise UsageError(f"{name} is not for {record_format} records", remedy="leave it out")


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


def _write_evidence(path: Path, proof: bytes | None) -> None:
    if proof is not None:
        replace_file(path, proof, mode=PUBLIC)
        tell(_("The board has signed two histories. {file} proves it to anybody: publish it.", file=path))


def _require_cacheable(record: Path | Address, cache: Path | None) -> None:
    if cache is not None and isinstance(record, Path):
        raise UsageError("--cache is for web addresses", remedy="leave it out: this record is on your machine already")


def _since_last_visit(announced: Announced, state: Path) -> Announced:
    """What is known from elsewhere, and from the last visit; what was given now comes first."""
    if announced.since is not None:
        raise UsageError("--since and --state cannot both be given", remedy="--state alone goes on from the last visit")
    last = read_visit(state)
    if last is None:
        return announced
    return replace(
        announced,
        manifest=announced.manifest or last.manifest,
        election=announced.election or last.election,
        since=earlier_checkpoint(last.checkpoint.encode("utf-8"), what=str(state)),
    )


def _read_since(path: Path) -> bytes:
    return earlier_checkpoint(read_file(path, limit=MAX_RECEIPT_FILE_BYTES), what=str(path))


# -- single questions --------------------------------------------------------------------------------------------------


@main.command()
@click.argument("number", required=False)
@click.option("--format", "system", type=click.Choice(SYSTEMS), help="The check of another system's records.")
def explain(number: str | None, system: str | None) -> None:
    """Say what check NUMBER claims, its rule and what it stops; without NUMBER, list the checks."""
    system = system or (number and system_of(number))
    if system:
        for line in explain_lines(system, number) if number else list_lines(system):
            say(line)
        return
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
def tracker(code: str, record: Path | Address, as_json: bool, allow_toy: bool) -> None:
    """Find the ballot with the tracker CODE in RECORD. This alone does not verify the record."""
    try:
        wanted = parse_tracker(code)
    except DecodeError as error:
        raise UsageError(error.problem, where=error.where, remedy=error.remedy) from None
    with open_place(record) as source:
        replay = replay_record(source, allow_toy=allow_toy)
        _sound_manifest(replay)
        fate = find_ballot(replay.record, wanted)
    if as_json:
        print_json(fate._asdict())
    else:
        for line in fate_lines(fate):
            say(line)
    if fate.state is BallotState.NOT_FOUND:
        click.get_current_context().exit(_FAILED)


@main.command()
@click.argument("file", type=_path)
@click.option("--record", type=PLACE, help="Also check that this record keeps the ballot.")
@click.option("--vkey", metavar="VKEY", help="The board's key, if there is no record at hand.")
@click.option(
    "--evidence",
    type=_path,
    metavar="FILE2",
    help="Where to write the proof if the board broke its word (FILE.evidence).",
)
@json_option
@toy_option
def receipt(
    file: Path,
    record: Path | Address | None,
    vkey: str | None,
    evidence: Path | None,
    as_json: bool,
    allow_toy: bool,
) -> None:
    """Check the receipt in FILE: that the board has signed for the ballot, and with --record, that it kept it."""
    if (record is None) == (vkey is None):
        raise UsageError("needs either --record or --vkey", remedy="the record is the better one: it shows more")
    saved = read_receipt_file(read_file(file, limit=MAX_RECEIPT_FILE_BYTES), what=str(file))
    if record is None:
        header, checkpoint = check_receipt(saved, parse_vkey(vkey or "", what="--vkey"), what=str(file))
        kept = witnesses = None
    else:
        target = evidence or file.with_name(f"{file.name}.evidence")
        header, checkpoint, witnesses = _kept(saved, record, target, what=str(file), allow_toy=allow_toy)
        kept = True
    if as_json:
        told = {"entry": header.seq, "type": header.type, "size": checkpoint.size, "signed": True, "kept": kept}
        print_json({**told, "witnesses": witnesses.told if witnesses is not None else None})
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
    for line in quorum_lines(witnesses) if witnesses is not None else ():
        say(line)
    if kept:
        say(
            _("The record holds this very entry and the same history. Whether it is right, `urne-verify RECORD` tells.")
        )
    else:
        say(_("Whether the board has kept it, a record tells: use --record."))


def _kept(
    saved: ReceiptFile, record: Path | Address, evidence: Path, *, what: str, allow_toy: bool
) -> tuple[EntryHeader, Checkpoint, SignedQuorum]:
    """Check a receipt under the key in the record's manifest, and the record against the receipt.

    If the record breaks the promise, and the board signed both, what convicts it is written to `evidence`.
    """
    size = checkpoint_size(parse_receipt(saved.proof.encode("utf-8"), what=what).checkpoint, what=what)
    with open_place(record) as source:
        replay = replay_record(source, allow_toy=allow_toy, root_at=size)
        manifest = _sound_manifest(replay)
        key = parse_vkey(manifest.board, what="the manifest's board key")
        header, checkpoint = check_receipt(saved, key, what=what)
        witnesses = signed_quorum(saved, manifest, what=what)
        try:
            verify_kept(saved, checkpoint, source, replay)
        except VerificationError as error:
            proof = evidence_of(saved, source, key)
            if proof is not None:
                replace_file(evidence, proof, mode=PUBLIC)
                error.remedy = (
                    f"the board signed both: {evidence} proves it to anybody (urne-verify evidence). Publish it"
                )
            raise
    return header, checkpoint, witnesses


@main.command("evidence")
@click.argument("file", type=_path)
@click.option("--vkey", metavar="VKEY", help="The board's key, as it was announced.")
@click.option("--manifest", type=_path, metavar="FILE2", help="The manifest that names the board's key.")
@json_option
def check_evidence_file(file: Path, vkey: str | None, manifest: Path | None, as_json: bool) -> None:
    """Check the evidence in FILE: that a board signed two things which cannot both be true."""
    if (manifest is None) == (vkey is None):
        raise UsageError("needs either --vkey or --manifest", remedy="the key in FILE itself would prove nothing")
    named = decode(read_file(manifest), Manifest, what=str(manifest)) if manifest is not None else None
    key = parse_vkey(named.board if named is not None else vkey or "", what="the board's key")
    found = check_evidence(
        read_evidence(read_file(file, limit=MAX_EVIDENCE_BYTES), what=str(file)), key, what=str(file)
    )
    if as_json:
        told = {"board": key.vkey, "convicts": True, "sizes": [found.first.size, found.second.size]}
        print_json({**told, "entry": found.place, "manifest": named.hash if named is not None else None})
        return
    for line in evidence_lines(found, key, named.hash if named is not None else None):
        say(line)


@main.command()
@click.argument("file", type=_path)
@_record
@json_option
@toy_option
def opening(file: Path, record: Path | Address, as_json: bool, allow_toy: bool) -> None:
    """Make the tested ballot in FILE again, and show its lock number and choices."""
    data = read_file(file, limit=MAX_OPENING_BYTES)
    with open_place(record) as source:
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


@main.command()
@click.argument("address")
@json_option
@toy_option
def booth(address: str, as_json: bool, allow_toy: bool) -> None:
    """Check that the site of the election at ADDRESS serves the booth whose files were named at the opening."""
    where = parse_address(address)
    with open_web() as web:
        record = read_setup(LogPages(web, where), allow_toy=allow_toy).record
        if record.opened is None:
            raise UnavailableError("is not open yet, so no booth is named", where=str(where), remedy="try again later")
        if not record.opened.booth:
            raise UnavailableError(
                "names no files of a booth in its opening: there is nothing to compare with", where=str(where)
            )
        report = compare_booth(web, where, record.opened.booth)
    if as_json:
        print_json({"checked": report.checked, "differences": [found._asdict() for found in report.differences]})
    else:
        for line in booth_lines(report):
            say(line)
    if report.differences:
        click.get_current_context().exit(_FAILED)


def _sound_manifest(replay: Replay) -> Manifest:
    """The manifest of a record that could be replayed so far. Raises VerificationError for why it could not."""
    manifest = replay.record.manifest
    if manifest is None:
        for refusal in replay.refusals:
            finding = refusal.finding
            raise VerificationError(refusal.check, finding.subject, finding.reason)
        raise VerificationError("01", "record", "there is no election in it yet")
    return manifest


if __name__ == "__main__":
    main()
