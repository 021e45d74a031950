"""Read real ballots in PrefLib's formats: approvals (.cat, two categories) and rankings (.soc, .soi, .toc, .toi).

Pure: text in, selections out. Format: https://www.preflib.org/format. It must not open files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from voting.protocol.errors import InputErrors, Problem
from voting.protocol.methods import ChooseSelection, CondorcetTiesSelection
from voting.protocol.methods.base import MAX_OPTIONS

MAX_BALLOTS = 1_000_000
MAX_REPORTED = 20
"""No more faults than this are listed."""

Kind = Literal["approval", "ranking"]

_KINDS: dict[str, Kind] = {"cat": "approval", "soc": "ranking", "soi": "ranking", "toc": "ranking", "toi": "ranking"}
_HEADER = re.compile(r"#\s*([^:]+?)\s*:\s*(.*)\Z")
_GROUP = r"(?:[0-9]{1,4}|\{\s*(?:[0-9]{1,4}(?:\s*,\s*[0-9]{1,4})*)?\s*\})"
_BALLOT = re.compile(rf"([0-9]{{1,7}})\s*:\s*({_GROUP}(?:\s*,\s*{_GROUP})*)\Z")


class PreflibData(NamedTuple):
    """The ballots of one file.

    `ballots` holds one selection per voter, in file order: for "approval" of the method "choose" (min 0, max n), for
    "ranking" of the method "condorcet-ties" (options that a ballot leaves out are not ranked).
    """

    title: str
    options: tuple[str, ...]
    kind: Kind
    ballots: tuple[ChooseSelection, ...] | tuple[CondorcetTiesSelection, ...]


def read_preflib(text: str, name: str) -> PreflibData:
    """Read a PrefLib file.

    Args:
        text: the whole file.
        name: how an error names it; its ending says the format if the header does not.

    Raises:
        InputErrors: with the line of each fault.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1)]
    headers = _headers(lines)
    kind = _KINDS.get(headers.get("DATA TYPE", name.rpartition(".")[2]).lower())
    problems: list[Problem] = []
    if kind is None:
        problems.append(
            Problem("DATA TYPE", "is not cat, soc, soi, toc or toi", "give a PrefLib file of such a format")
        )
    if kind == "approval" and headers.get("NUMBER CATEGORIES", "2") != "2":
        problems.append(Problem("NUMBER CATEGORIES", "is not 2", "give approvals: a first category and a second one"))
    options = _options(headers, problems)
    if kind is None or problems:
        raise InputErrors(name, problems)

    counted: list[tuple[int, list[list[int]]]] = []
    for number, line in lines:
        if line and not line.startswith("#"):
            try:
                counted.append(_ballot(line, len(options), kind))
            except ValueError as error:
                problems.append(Problem(f"line {number}", str(error)))
    voters = sum(count for count, _ in counted)
    if voters > MAX_BALLOTS:
        problems.append(
            Problem("", f"has {voters} ballots, more than the {MAX_BALLOTS} allowed", "give a smaller file")
        )
    elif not problems and headers.get("NUMBER VOTERS", str(voters)) != str(voters):
        problems.append(
            Problem("NUMBER VOTERS", f"is not {voters}, the number of ballots", "check that the file is whole")
        )
    if problems:
        raise InputErrors(name, problems[:MAX_REPORTED])
    title = headers.get("TITLE") or name
    if kind == "approval":
        return PreflibData(title, options, kind, tuple(_approvals(counted)))
    return PreflibData(title, options, kind, tuple(_rankings(counted, len(options))))


def _headers(lines: list[tuple[int, str]]) -> dict[str, str]:
    """The header lines "# KEY: value", keys in capitals."""
    found = (_HEADER.match(line) for _, line in lines if line.startswith("#"))
    return {match[1].upper(): match[2] for match in found if match}


def _options(headers: dict[str, str], problems: list[Problem]) -> tuple[str, ...]:
    """The names of the alternatives; adds what is wrong to `problems`."""
    written = headers.get("NUMBER ALTERNATIVES", "")
    number = int(written) if re.fullmatch(r"[0-9]{1,4}", written) else 0
    if not 1 <= number <= MAX_OPTIONS:
        problems.append(Problem("NUMBER ALTERNATIVES", f"is not a number from 1 to {MAX_OPTIONS}", "give a whole file"))
        return ()
    names = tuple(headers.get(f"ALTERNATIVE NAME {i}", "") for i in range(1, number + 1))
    for i, name in enumerate(names, start=1):
        if not name:
            problems.append(Problem(f"ALTERNATIVE NAME {i}", "is missing", "add the line to the header"))
    return names


def _ballot(line: str, options: int, kind: Kind) -> tuple[int, list[list[int]]]:
    """The count and the groups of option numbers, from 0, of one line. Raises ValueError with the reason."""
    match = _BALLOT.match(line)
    if match is None:
        raise ValueError("has not the form COUNT: 3,{1,2},4")
    groups = [[int(digits) - 1 for digits in re.findall("[0-9]+", group)] for group in re.findall(_GROUP, match[2])]
    numbers = [number for group in groups for number in group]
    if any(not 0 <= number < options for number in numbers):
        raise ValueError(f"names an alternative outside 1 to {options}")
    if len(set(numbers)) != len(numbers):
        raise ValueError("names an alternative twice")
    if kind == "approval" and len(groups) > 2:
        raise ValueError("has more than two categories")
    return int(match[1]), groups


def _approvals(counted: list[tuple[int, list[list[int]]]]) -> Iterator[ChooseSelection]:
    """One selection per voter: the first category is approved."""
    for count, groups in counted:
        selection = ChooseSelection(tuple(sorted(groups[0])))
        for _ in range(count):
            yield selection


def _rankings(counted: list[tuple[int, list[list[int]]]], options: int) -> Iterator[CondorcetTiesSelection]:
    """One selection per voter: the groups are levels, best first."""
    for count, groups in counted:
        levels: list[int | None] = [None] * options
        for level, group in enumerate([group for group in groups if group]):
            for option in group:
                levels[option] = level
        selection = CondorcetTiesSelection(tuple(levels))
        for _ in range(count):
            yield selection
