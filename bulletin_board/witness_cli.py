"""`urne-board witness`, `witnesses` and `cosign`: a witness, and the board's side of it (docs/spec/log.md).

A witness is a folder with `witness.key`, `witness.db` (its memory) and `logs` (the vkeys of the logs it watches, one on
a line). The key must never be used without that memory: a witness that lost it needs a new key.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import click

from bulletin_board.cosignature_store import CosignatureStore
from bulletin_board.cosigning import cosign_once
from bulletin_board.errors import QuorumError
from bulletin_board.keys import make_plain_signing_key, read_plain_signing_key
from bulletin_board.reader import BoardReader, open_reader
from bulletin_board.witness import MAX_REQUEST_BYTES, Witness
from bulletin_board.witness_settings import WITNESSES
from bulletin_board.witness_store import DATABASE, Suspicion, WitnessStore
from voting.protocol.errors import DecodeError, UnavailableError, UrneError, UsageError
from voting.protocol.tlog.evidence import history_evidence, write_evidence
from voting.protocol.tlog.note import TYPE_COSIGNATURE, TYPE_NOTE, NoteKey, note_key, parse_vkey, require_name

KEY_FILE = "witness.key"
KEY_KIND = "witness"
LOGS_FILE = "logs"
MAX_LOGS_BYTES = 1024 * 1024

_folder = click.argument("folder", type=click.Path(path_type=Path))
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


# -- the witness -------------------------------------------------------------------------------------------------------


@click.group()
def witness() -> None:
    """Sign other people's boards: that they only grew since the last time."""


@witness.command("init")
@_folder
@click.option("--name", required=True, help="The witness's name for ever, e.g. witness.example/w1.")
def init_witness(folder: Path, name: str) -> None:
    """Make a witness in FOLDER, with a new key; print the line that boards need."""
    try:
        require_name(name, what="the name")
    except DecodeError as error:
        raise UsageError(error.problem, where=error.where, remedy="write it like witness.example/w1") from None
    if (folder / DATABASE).exists():
        raise UnavailableError("holds a witness already", where=str(folder), remedy="choose another folder")
    key = make_plain_signing_key(folder / KEY_FILE, KEY_KIND, name)
    vkey = note_key(name, key.verify_key, TYPE_COSIGNATURE).vkey
    with WitnessStore.create(folder / DATABASE) as store:
        store.set_key(vkey)
    click.echo(vkey)


@witness.command()
@_folder
@click.argument("vkey")
def watch(folder: Path, vkey: str) -> None:
    """Watch the log whose key is VKEY from now on, also in a witness that is running."""
    key = _log_key(vkey, what="VKEY")
    with _opened(folder) as store:
        own = store.key()
    if own is not None and parse_vkey(own).key.raw == key.key.raw:
        raise UsageError("is the witness's own key", where="VKEY", remedy="give the key of the log")
    known = read_logs(folder)
    if any(key == other for keys in known.values() for other in keys):
        click.echo(f"{key.name} is watched already")
        return
    try:
        with (folder / LOGS_FILE).open("a", encoding="ascii") as file:
            file.write(f"{key.vkey}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UnavailableError(f"cannot be written ({error.strerror})", where=str(folder / LOGS_FILE)) from None
    click.echo(f"{key.name} is watched")


@witness.command("serve")
@_folder
@click.option(
    "--listen", default="127.0.0.1:8081", show_default=True, metavar="HOST:PORT", help="Where to wait for requests."
)
def serve_witness(folder: Path, listen: str) -> None:
    """Answer requests to cosign over HTTP, until it is stopped."""
    from bulletin_board.serving import serve_app  # brings the web framework, which the other commands do not need
    from bulletin_board.witness_server import create_witness_app

    with _opened(folder) as store:
        app = create_witness_app(open_witness(folder, store))
        serve_app(app, listen, announce=click.echo, longest_body=MAX_REQUEST_BYTES + 1024)


@witness.command("status")
@_folder
@_as_json
def witness_status(folder: Path, as_json: bool) -> None:
    """Say what the witness has signed, and what it refused."""
    with _opened(folder) as store:
        signed = {log.origin: log for log in store.logs()}
        suspicions = store.suspicions()
    origins = sorted({*signed, *read_logs(folder)})
    if as_json:
        logs = [{"origin": origin, "size": signed[origin].size if origin in signed else None} for origin in origins]
        refused = [
            {"number": s.number, "origin": s.origin, "reason": s.reason, "proof": s.is_proof} for s in suspicions
        ]
        click.echo(json.dumps({"logs": logs, "refused": refused}))
        return
    for origin in origins:
        log = signed.get(origin)
        click.echo(f"{origin}: " + (f"{log.size} entries, signed {_ago(log.time)}" if log else "nothing signed yet"))
    for suspicion in suspicions:
        kind = "PROOF that the log lied" if suspicion.is_proof else "refused"
        click.echo(f"{suspicion.number}: {suspicion.origin}: {kind}: {suspicion.reason}")


@witness.command()
@_folder
@click.argument("number", type=click.IntRange(min=1))
def evidence(folder: Path, number: int) -> None:
    """Print the evidence file of refusal NUMBER, which convicts the log before anybody (see `status`)."""
    with _opened(folder) as store:
        found = next((suspicion for suspicion in store.suspicions() if suspicion.number == number), None)
    if found is None:
        raise UsageError(f"there is no refusal {number}")
    click.echo(evidence_of(found, read_logs(folder).get(found.origin, ())), nl=False)


def evidence_of(suspicion: Suspicion, keys: tuple[NoteKey, ...]) -> bytes:
    """The evidence file that two notes make, under one of the log's keys. Raises UsageError if they make none."""
    for key in keys:
        try:
            found = history_evidence(suspicion.known, suspicion.refused, _no_tree, key)
        except UrneError:
            continue
        if found is not None:
            return write_evidence(found)
    raise UsageError(
        "is no proof by itself: what was shown may have been a wrong proof for a right checkpoint",
        where=f"refusal {suspicion.number}",
        remedy="compare the two checkpoints with the log",
    )


def open_witness(folder: Path, store: WitnessStore) -> Witness:
    """The witness in a folder. Raises UnavailableError, KeyFileError."""
    key = read_plain_signing_key(folder / KEY_FILE, KEY_KIND)
    own = store.key()
    if own is None:
        raise UnavailableError("does not say whose memory it is", where=str(folder / DATABASE))
    return Witness(store, parse_vkey(own).name, key, lambda: read_logs(folder), clock=time.time)


def read_logs(folder: Path) -> Mapping[str, tuple[NoteKey, ...]]:
    """The keys of the logs that a witness watches, by origin; read anew when the file has changed.

    Raises:
        UnavailableError: if the file cannot be read.
        DecodeError: if a line in it is no log's vkey.
    """
    path = folder / LOGS_FILE
    try:
        found = path.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    return _read_logs(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=8)
def _read_logs(path: Path, _changed: int, _size: int) -> Mapping[str, tuple[NoteKey, ...]]:
    try:
        with path.open("rb") as file:
            lines = file.read(MAX_LOGS_BYTES).decode("utf-8").splitlines()
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except UnicodeDecodeError:
        raise DecodeError("is not UTF-8", where=str(path)) from None
    found: dict[str, tuple[NoteKey, ...]] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            key = _log_key(line.strip(), what=f"{path}, line {number}")
            found[key.name] = (*found.get(key.name, ()), key)
    return found


def _log_key(vkey: str, *, what: str) -> NoteKey:
    key = parse_vkey(vkey, what=what)
    if key.type != TYPE_NOTE:
        raise DecodeError("is the key of a witness, not of a log", where=what)
    return key


def _opened(folder: Path) -> WitnessStore:
    if not (folder / DATABASE).is_file():
        raise UnavailableError(
            "holds no witness's memory",
            where=str(folder),
            remedy="make a new witness: urne-board witness init. A key whose memory is lost must not be used again",
        )
    return WitnessStore.open(folder / DATABASE)


def _no_tree(level: int, position: int) -> bytes:
    raise UsageError(f"there is no tree to take node {level}/{position} from")


# -- the board's side --------------------------------------------------------------------------------------------------


@click.command()
@_folder
@_as_json
def witnesses(folder: Path, as_json: bool) -> None:
    """Say which witnesses have signed the board in FOLDER, and whether the quorum is there."""
    with open_reader(folder) as board, open_reader(folder, unpublished=True) as whole:
        settings, published, size = board.witnesses, len(board), len(whole)
        rows = _witness_rows(folder, whole)
    if as_json:
        told = [
            {"name": place.key.name, "size": row[0], "time": row[1], "problem": row[2]}
            for place, row in zip(settings.witnesses, rows, strict=True)
        ]
        click.echo(json.dumps({"quorum": settings.quorum, "size": size, "published": published, "witnesses": told}))
        return
    if not settings.witnesses:
        click.echo(f"no witnesses: there is no {WITNESSES} beside the board")
        return
    for place, (signed, when, problem) in zip(settings.witnesses, rows, strict=True):
        line = f"{signed} of {size} entries, signed {_ago(when)}" if when else "nothing signed yet"
        click.echo(f"{place.key.name}: {line}" + (f"; problem: {problem}" if problem else ""))
    policy = settings.policy
    if not policy.quorum:
        click.echo("no quorum is demanded: everything is published at once")
    elif published == size:
        click.echo(f"quorum: {policy.quorum} of {len(policy.keys)} have signed all {size} entries")
    else:
        click.echo(
            f"QUORUM MISSING: {policy.quorum} of {len(policy.keys)} must sign, so only {published} of {size} entries"
            " are published"
        )
    if policy.quorum:
        click.echo(f"up to {policy.tolerated} dishonest witnesses cannot make two boards out of this one")


@click.command()
@_folder
@click.option("--timeout", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Seconds to wait.")
def cosign(folder: Path, timeout: float) -> None:
    """Ask the witnesses of the board in FOLDER to sign its newest state, once: a served board asks by itself."""
    with open_reader(folder, unpublished=True) as board:
        settings = board.witnesses
    if not settings.witnesses:
        raise UsageError("has no witnesses", where=str(folder), remedy=f"name them in {folder / WITNESSES}")
    is_there = cosign_once(folder, settings, timeout=timeout)
    with open_reader(folder, unpublished=True) as board:
        size = len(board)
        rows = _witness_rows(folder, board)
    signed = [place.key.name for place, row in zip(settings.witnesses, rows, strict=True) if row[0] == size and row[1]]
    click.echo(f"{len(signed)} of {len(rows)} witnesses have signed all {size} entries")
    for place, row in zip(settings.witnesses, rows, strict=True):
        if place.key.name not in signed:
            click.echo(f"{place.key.name}: {row[2] or 'has not answered yet'}", err=True)
    if not is_there:
        raise QuorumError(f"the quorum of {settings.quorum} is missing", remedy="run this again later")


def _witness_rows(folder: Path, board: BoardReader) -> list[tuple[int, int, str]]:
    """For each witness of the settings: the size it signed last, when, and its problem."""
    rows: list[tuple[int, int, str]] = []
    store = CosignatureStore.find(folder)
    try:
        for place in board.witnesses.witnesses:
            found = store.witness(place.key.key.raw) if store else None
            rows.append((found.size, found.signed, found.problem) if found else (0, 0, ""))
    finally:
        if store is not None:
            store.close()
    return rows


def _ago(moment: int) -> str:
    seconds = int(time.time()) - moment
    if seconds < 0:
        return f"{-seconds} s in the future"
    return f"{seconds} s ago" if seconds < 3600 else f"{seconds // 3600} h ago"
