"""Protocol L22a: which witnesses a board asks, in the file `witnesses.toml` beside it (docs/spec/log.md, "Witnesses").

    quorum = 2

    [[witness]]
    vkey = "witness.example/w1+c9f534d7+BBv3o7nhxOs5dEa01kMG9fifprIpN1QH9I+xQ/M2GsFM"
    url = "https://witness.example"

Without the file there are none. This module must not ask them, nor touch the board.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from voting.address import Address, parse_address
from voting.protocol.errors import DecodeError, InputErrors, Problem, UnavailableError, UrneError
from voting.protocol.tlog.note import NoteKey, parse_vkey
from voting.protocol.tlog.witnesses import WitnessPolicy, witness_problems

WITNESSES = "witnesses.toml"
MAX_SETTINGS_BYTES = 64 * 1024


class WitnessPlace(NamedTuple):
    """A witness, and where it is asked."""

    key: NoteKey
    url: Address


class WitnessSettings(NamedTuple):
    """Who is asked to cosign, and how many must before anything counts as published (0: nobody must)."""

    witnesses: tuple[WitnessPlace, ...] = ()
    quorum: int = 0

    @property
    def policy(self) -> WitnessPolicy:
        """Whose signatures count, and how many are needed."""
        return WitnessPolicy(tuple(witness.key for witness in self.witnesses), self.quorum)


NO_WITNESSES = WitnessSettings()


def read_witness_settings(folder: Path) -> WitnessSettings:
    """Protocol L22a: the witnesses of the board in `folder`; none without the file.

    Raises:
        UnavailableError: if the file cannot be read.
        InputErrors: with all that is wrong in it.
    """
    path = folder / WITNESSES
    try:
        found = path.stat()
    except FileNotFoundError:
        return NO_WITNESSES
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int, _size: int) -> WitnessSettings:
    """The file is read anew when it has changed; a board is opened for reading at every request."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    return parse_witness_settings(data, name=str(path))


def parse_witness_settings(data: bytes, *, name: str = WITNESSES) -> WitnessSettings:
    """The settings in the bytes of a file. Raises InputErrors with all that is wrong."""
    if len(data) > MAX_SETTINGS_BYTES:
        raise InputErrors(name, [Problem("", f"is longer than {MAX_SETTINGS_BYTES} bytes")])
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputErrors(name, [Problem("", f"is no TOML: {str(error)[:200]}")]) from None
    problems: list[Problem] = []
    _require_known(table, ("quorum", "witness"), "", problems)
    rows = table.get("witness", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputErrors(name, [Problem("witness", "is not a list of tables", "begin each with [[witness]]")])
    quorum = table.get("quorum", 0)
    if isinstance(quorum, bool) or not isinstance(quorum, int):
        problems.append(Problem("quorum", "is not a number"))
        quorum = 0
    vkeys = [_text(row, "vkey", position, problems) for position, row in enumerate(rows, start=1)]
    urls = [_url(row, position, problems) for position, row in enumerate(rows, start=1)]
    for position, row in enumerate(rows, start=1):
        _require_known(row, ("vkey", "url"), f"witness[{position}].", problems)
    if not problems:
        # No quorum is as good as one that protects: the signatures are then for those who look at them.
        found = witness_problems(vkeys, quorum) if quorum else witness_problems(vkeys, len(vkeys))
        problems += found
    if problems:
        raise InputErrors(name, problems)
    places = [WitnessPlace(parse_vkey(vkey), url) for vkey, url in zip(vkeys, urls, strict=True) if url is not None]
    return WitnessSettings(tuple(places), quorum)


def format_witness_settings(settings: WitnessSettings) -> bytes:
    """The bytes of the file."""
    lines = [f"quorum = {settings.quorum}\n"]
    for witness in settings.witnesses:
        # A string of TOML may be written as one of JSON.
        vkey, url = (json.dumps(text, ensure_ascii=False) for text in (witness.key.vkey, str(witness.url)))
        lines.append(f"\n[[witness]]\nvkey = {vkey}\nurl = {url}\n")
    return "".join(lines).encode("utf-8")


def _text(row: Mapping[str, Any], key: str, position: int, problems: list[Problem]) -> str:
    value = row.get(key)
    if isinstance(value, str):
        return value
    where = f"witness[{position}].{key}"
    problems.append(Problem(where, "is missing" if value is None else "is not a text in quotes"))
    return ""


def _url(row: Mapping[str, Any], position: int, problems: list[Problem]) -> Address | None:
    text = _text(row, "url", position, problems)
    if not text:
        return None
    try:
        return parse_address(text)
    except (DecodeError, UrneError) as error:
        problems.append(Problem(f"witness[{position}].url", error.problem, error.remedy))
        return None


def _require_known(table: Mapping[str, Any], known: tuple[str, ...], place: str, problems: list[Problem]) -> None:
    for key in table:
        if key not in known:
            problems.append(Problem(f"{place}{key}"[:200], "is no known key", f"use one of {', '.join(known)}"))
