"""Measure the verifier's memory against the number of ballots: `python -m benchmarks memory`.

Records are those of `benchmarks.make_record`, made once. Memory is the largest resident size that Linux notes for each
process (VmHWM in /proc), looked at every few hundredths of a second while it runs; files that the system keeps in its
cache do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.make_record import DEFAULT_CACHE, make_record

_LOOK_EVERY = 0.03
_MIB = 1024


class Peak(NamedTuple):
    """What a command took. Memory in MiB."""

    exit_code: int
    seconds: float
    """By the clock."""
    processor: float
    """Processor seconds of the command and all that it started."""
    parent: float
    """The command's own process."""
    child: float
    """The largest process that it started; 0 if there was none."""


class MemoryRow(NamedTuple):
    """One record and one number of processes."""

    ballots: int
    jobs: int
    parent: float
    child: float
    seconds: float
    per_ballot: float
    """Milliseconds by the clock."""


def peak_memory(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> Peak:
    """Run a command to its end and look at its memory, and at that of the processes it starts. Its output is dropped.

    Args:
        command: program and arguments.
        environment: added to that of this process.
    """
    started = time.monotonic()
    before = os.times()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})}
    ) as process:
        highest: dict[int, float] = {}
        while process.poll() is None:
            for pid in (process.pid, *_descendants(process.pid)):
                highest[pid] = max(highest.get(pid, 0.0), _resident_peak(pid))
            time.sleep(_LOOK_EVERY)
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    children = [size for pid, size in highest.items() if pid != process.pid]
    return Peak(
        process.returncode,
        time.monotonic() - started,
        processor,
        highest.get(process.pid, 0.0),
        max(children, default=0.0),
    )


def _descendants(pid: int) -> list[int]:
    found = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        for thread in Path(f"/proc/{pid}/task").iterdir():
            if thread.name != str(pid):
                children += (thread / "children").read_text("ascii").split()
    except OSError:  # it has ended
        return []
    for child in map(int, children):
        found += [child, *_descendants(child)]
    return found


def _resident_peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / _MIB for line in lines if line.startswith("VmHWM:")), 0.0)


def verify_command(record: Path, jobs: int, *more: str) -> list[str | Path]:
    """The verifier's command for a record."""
    return [sys.executable, "-m", "voting.verifier.cli", record, "--jobs", str(jobs), *more]


def measure(sizes: Sequence[int], jobs: Sequence[int], *, group: str, choices: int, cache: Path) -> list[MemoryRow]:
    """Verify a record of each size with each number of processes."""
    rows = []
    for ballots in sizes:
        record = make_record(
            ballots, group=group, choices=choices, cache=cache, tell=lambda line: print(line, file=sys.stderr)
        )
        for count in jobs:
            toy = ["--allow-toy-group"] if group.startswith("toy-") else []
            peak = peak_memory(verify_command(record, count, *toy))
            if peak.exit_code:
                raise SystemExit(f"the verifier refused an honest record ({peak.exit_code}): please report it")
            each = peak.seconds * 1e3 / ballots
            rows.append(MemoryRow(ballots, count, peak.parent, peak.child, peak.seconds, each))
    return rows


def main(arguments: list[str]) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks memory", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 100, 1000, 10_000], help="numbers of ballots")
    parser.add_argument("--jobs", nargs="+", type=int, default=[1, 2], help="numbers of processes")
    parser.add_argument("--group", default="integer-3072", help="the group (default: integer-3072)")
    parser.add_argument("--choices", type=int, default=10, help="options of the question (default: 10)")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where records are kept")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    rows = measure(options.sizes, options.jobs, group=options.group, choices=options.choices, cache=options.cache)
    if options.json:
        json.dump([row._asdict() for row in rows], sys.stdout, indent=2)
        return
    print(f"{'ballots':>8} {'jobs':>5} {'parent MiB':>11} {'child MiB':>10} {'seconds':>9} {'ms/ballot':>10}")
    for row in rows:
        print(
            f"{row.ballots:8} {row.jobs:5} {row.parent:11.0f} {row.child:10.0f} {row.seconds:9.1f}"
            f" {row.per_ballot:10.2f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
