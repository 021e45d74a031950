"""`urne-verify monitor`: watch a board from cron while people vote (docs/guide-observer.md, "While voting goes on").

Silent and 0 if nothing is wrong; else one line for each thing that is wrong, and 1. A visit that came to nothing is 3,
and silent too, until it has happened several times in a row. This module may import click, like `voting.verifier.cli`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from voting.address import parse_address
from voting.files import PUBLIC, read_file, replace_file
from voting.protocol.encoding import parse_hash
from voting.protocol.errors import DecodeError, UnavailableError, UsageError
from voting.protocol.tlog.evidence import MAX_EVIDENCE_BYTES
from voting.protocol.tlog.note import parse_vkey
from voting.terminal import json_option, print_json, say, toy_option
from voting.translations import text as _
from voting.verifier.alarms import Outcome
from voting.verifier.context import Announced
from voting.verifier.monitor import Monitor, visit_board
from voting.verifier.watch import read_watch, write_watch
from voting.web_client import open_web

_path = click.Path(path_type=Path)


@click.command()
@click.argument("address")
@click.option("--state", type=_path, required=True, metavar="FILE", help="What is remembered between visits.")
@click.option("--cache", type=_path, metavar="DIR", help="Keep the record here, so that only what is new is fetched.")
@click.option("--evidence", type=_path, metavar="FILE", help="Where to write what convicts the board (STATE.evidence).")
@click.option("--mirror", "mirrors", multiple=True, metavar="ADDRESS", help="Another address that shows this board.")
@click.option("--patience", type=click.IntRange(min=1), default=3, show_default=True,
              help="Tell of a board that does not answer after so many visits.")  # fmt: skip
@click.option("--no-booth", is_flag=True, help="Do not compare the booth's files.")
@click.option("--manifest", metavar="HASH", help="The manifest hash that was announced.")
@click.option("--election", metavar="ID", help="The election id that was announced.")
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="A witness who must have signed, too.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many processor cores to use (default: all).")
@json_option
@toy_option
def monitor(
    address: str,
    state: Path,
    cache: Path | None,
    evidence: Path | None,
    mirrors: tuple[str, ...],
    patience: int,
    no_booth: bool,
    manifest: str | None,
    election: str | None,
    witnesses: tuple[str, ...],
    jobs: int | None,
    as_json: bool,
    allow_toy: bool,
) -> None:
    """Visit the board at ADDRESS once, to be repeated (from cron): silent unless something is wrong.

    Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 the visit came to nothing.
    """
    try:
        announced = Announced(
            manifest=parse_hash(manifest, what="--manifest") if manifest is not None else None,
            election=parse_hash(election, what="--election") if election is not None else None,
            witnesses=tuple(parse_vkey(text, what="--witness") for text in witnesses),
        )
    except DecodeError as error:
        raise UsageError(error.problem, where=error.where, remedy="copy it whole, as it was announced") from None
    with _alone(state), open_web() as web:
        task = Monitor(
            web,
            parse_address(address),
            cache=cache,
            announced=announced,
            mirrors=tuple(map(parse_address, mirrors)),
            with_booth=not no_booth,
            patience=patience,
            jobs=jobs or len(os.sched_getaffinity(0)),
            allow_toy=allow_toy,
        )
        before = read_watch(state)
        outcome, after, proof = visit_board(task, before)
        if proof is not None:
            file = _write_evidence(evidence or state.with_name(f"{state.name}.evidence"), proof)
            outcome = msgspec.structs.replace(outcome, evidence=str(file))
        if after != before:
            write_watch(state, after)
    _tell(outcome, as_json)
    click.get_current_context().exit(outcome.exit_code)


def _tell(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(outcome))
        return
    for alarm in outcome.alarms:
        say(alarm.text)
    if outcome.evidence:
        say(_("The board has signed two histories. {file} proves it to anybody: publish it.", file=outcome.evidence))


def _write_evidence(path: Path, proof: bytes) -> Path:
    """Write a proof beside those that are there already; one that is there is not written twice."""
    number, file = 1, path
    while file.exists():
        if read_file(file, limit=MAX_EVIDENCE_BYTES) == proof:
            return file
        number += 1
        file = path.with_name(f"{path.name}.{number}")
    replace_file(file, proof, mode=PUBLIC)
    return file


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Two visits at once would spoil each other's files. Raises UnavailableError while another one goes on."""
    lock = state.with_name(f".{state.name}.lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror})", where=str(lock)) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UnavailableError("another visit is still going on", where=str(state)) from None
        yield
    finally:
        os.close(handle)
