"""Measure the verification of a Belenios archive, beside Belenios's own tool: `python -m benchmarks belenios`.

`belenios-tool` makes one election (a question of ten answers, choose 0 or 1); then both verify the same archive in
turns, each on one core. The time is the processor's, so that it holds whatever else the machine does; what both need
for the setup alone is measured on the archive's first event and taken off.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.simulators.belenios import BeleniosElection, Config, has_tool, tool_accepts
from voting.verifier.foreign.belenios import verify
from voting.verifier.foreign.belenios.archive import BLOCK, open_archive
from voting.verifier.report import Verdict

ANSWERS = 10


class Row(NamedTuple):
    """Milliseconds of processor time: for a ballot, and for the archive."""

    program: str
    per_ballot: float
    whole: float


def make_archive(folder: Path, ballots: int, group: str) -> Path:
    """An election of so many ballots."""
    question = {"answers": [f"Answer {n}" for n in range(ANSWERS)], "min": 0, "max": 1, "question": "Which one?"}
    config = Config(group, 1, 0, 0, (question,), (1,) * ballots, (1,) * ballots, 0)
    return BeleniosElection(folder, config, random.Random(1)).run()


def first_event(folder: Path, place: Path) -> Path:
    """A copy that ends after the Setup event."""
    with open_archive(folder) as archive:
        next_event = archive.steps[1].data[0]
        end = next_event.start - BLOCK
    path = next(folder.glob("*.bel"))
    (place / path.name).write_bytes(path.read_bytes()[:end])
    return place


def ours(folder: Path) -> float:
    """Milliseconds that our verifier needs."""
    started = time.process_time()
    if verify(folder).verdict not in (Verdict.VERIFIED, Verdict.VALID_SO_FAR):
        raise SystemExit("a good archive was refused: this is a fault, please report it")
    return (time.process_time() - started) * 1e3


def theirs(folder: Path) -> float:
    """Milliseconds that Belenios's verifier needs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not tool_accepts(folder):
        raise SystemExit("belenios-tool refused its own archive")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def measure(ballots: int, rounds: int, group: str) -> list[Row]:
    """Both programs on one archive, in turns; medians."""
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as start:
        whole = make_archive(Path(place), ballots, group)
        setup = first_event(whole, Path(start))
        rows = []
        times: dict[str, list[tuple[float, float]]] = {"urne-verify": [], "belenios-tool": []}
        for _ in range(rounds):
            times["urne-verify"].append((ours(whole), ours(setup)))
            times["belenios-tool"].append((theirs(whole), theirs(setup)))
        for program, pairs in times.items():
            per_ballot = statistics.median((total - base) / ballots for total, base in pairs)
            rows.append(Row(program, per_ballot, statistics.median(total for total, _base in pairs)))
        return rows


def main(arguments: list[str]) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks belenios", description=__doc__)
    parser.add_argument("--ballots", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--group", default="BELENIOS-2048", choices=("BELENIOS-2048", "RFC-3526-2048"))
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if not has_tool():
        raise SystemExit("belenios-tool is not installed; on Debian: sudo apt-get install belenios-tool")
    rows = measure(options.ballots, options.rounds, options.group)
    if options.json:
        json.dump([row._asdict() for row in rows], sys.stdout, indent=2)
        return
    print(f"{options.ballots} ballots of {ANSWERS} choices, {options.group}, one core")
    print(f"{'program':14} {'ms/ballot':>10} {'ms whole':>10}")
    for row in rows:
        print(f"{row.program:14} {row.per_ballot:10.1f} {row.whole:10.0f}")
    print(f"belenios-tool needs {rows[1].per_ballot / rows[0].per_ballot:.2f} times the time of urne-verify per ballot")
