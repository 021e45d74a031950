"""Measure verification beside other programs, in one run: `python -m benchmarks speed`.

Our verifier on whole ballots: parsing, hashing, group membership, signatures and proofs. Peers are timed in turns with
it, so that their ratio holds whatever the machine does meanwhile. Then: plain against batches of several sizes; one
process against two; time and memory against the number of ballots, and time against the number of choices, with the
line fitted by least squares. Records are made once and kept outside the repository (`benchmarks.make_record`).

Times of one process are the processor's (and by the clock in a second column); those of two are by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.make_record import DEFAULT_CACHE, make_record
from benchmarks.memory import peak_memory, verify_command
from benchmarks.peers import CHOICES, find_peers
from voting.election.ballots import BALLOT, BallotContext, verify_ballot
from voting.protocol.entries import parse_body
from voting.protocol.tlog.header import parse_header
from voting.verifier.ballot_checks import BallotToCheck, check_ballots
from voting.verifier.load import open_record
from voting.verifier.replay import replay_record

BATCH = 1000


class Lines(NamedTuple):
    """The ballots of a record as they were published, and their election."""

    context: BallotContext
    ballots: tuple[tuple[bytes, bytes], ...]
    """(body, hints)."""


class Time(NamedTuple):
    """Milliseconds of the processor, and by the clock."""

    processor: float
    clock: float

    def over(self, count: int) -> Time:
        """For one of `count`."""
        return Time(self.processor / count, self.clock / count)


class BatchRow(NamedTuple):
    """What one choice costs, and how many times faster than plain that is."""

    group: str
    work: str
    per_choice: Time
    times_plain: float


class PeerRow(NamedTuple):
    """A peer beside us: milliseconds for a choice, and how many times faster we are (all rounds, in order)."""

    peer: str
    theirs: float
    group: str
    ours: float
    times_faster: float
    rounds: tuple[float, ...]


class RunRow(NamedTuple):
    """One run of the whole command `urne-verify`: seconds, and the memory of its largest process in MiB."""

    ballots: int
    choices: int
    jobs: int
    processor: float
    clock: float
    memory: float


class Fit(NamedTuple):
    """The line fitted by least squares: milliseconds for one more, and for none."""

    against: str
    slope: float
    intercept: float
    unit: str


def fit_line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and intercept by least squares."""
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return slope, mean_y - slope * mean_x


def read_ballots(record: Path, count: int, *, allow_toy: bool = False) -> Lines:
    """The first ballots of a record, and what is needed to check them."""
    with open_record(record) as source:
        state = replay_record(source, allow_toy=allow_toy)
        lines: list[tuple[bytes, bytes]] = []
        for header, body, hints in zip(source.headers(), source.bodies(), source.hints(), strict=True):
            if len(lines) == count:
                break
            if parse_header(header).type == BALLOT:
                lines.append((body, hints))
        return Lines(state.record.ballot_context(), tuple(lines))


def timed(work: Callable[[], object]) -> Time:
    """How long something takes."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Time((time.process_time() - processor) * 1e3, (time.perf_counter() - clock) * 1e3)


def check_in_batches(lines: Lines, size: int) -> None:
    """All checks on the ballots, so many at a time, from their bytes."""
    for start in range(0, len(lines.ballots), size):
        ballots = [
            BallotToCheck(number, parse_body(BALLOT, body, what="ballot"), body, hints)
            for number, (body, hints) in enumerate(lines.ballots[start : start + size])
        ]
        if any(verdict.faults for verdict in check_ballots(lines.context, ballots).ballots):
            raise SystemExit("an honest ballot was refused: this is a fault, please report it")


def check_plainly(lines: Lines) -> None:
    """The same one by one, without hints and batches."""
    for body, _ in lines.ballots:
        verify_ballot(lines.context, parse_body(BALLOT, body, what="ballot"), body, subject="ballot")


def part(lines: Lines, count: int) -> Lines:
    """The first `count` ballots."""
    return Lines(lines.context, lines.ballots[:count])


def measure_batches(group: str, lines: Lines, plain: int) -> list[BatchRow]:
    """Plain, and in batches of 1, 10, 100, 1,000 (a batch larger than what there is, is left out)."""
    choices = lines.context.shape.values
    lines.context.group.g.power(lines.context.group.q - 1)  # makes the table before the clock runs
    reference = timed(lambda: check_plainly(part(lines, plain))).over(plain * choices)
    rows = [BatchRow(group, "plain", reference, 1.0)]
    for size, batches in ((1, plain), (10, 5), (100, 2), (BATCH, 1)):
        if size > len(lines.ballots):
            continue
        some = part(lines, size * batches)
        work = timed(lambda some=some, size=size: check_in_batches(some, size))  # type: ignore[misc]
        per_choice = work.over(len(some.ballots) * choices)
        rows.append(BatchRow(group, f"batch of {size}", per_choice, reference.processor / per_choice.processor))
    return rows


def measure_peers(cache: Path, lines: dict[str, Lines], rounds: int, *, quick: bool) -> tuple[list[PeerRow], list[str]]:
    """Each peer in turns with a batch of ours; medians over the rounds."""
    pairs, missing = find_peers(cache, quick=quick)
    rows = []
    for peer, group in pairs:
        ours, theirs = [], []
        for _ in range(rounds):
            batch = part(lines[group], BATCH)
            theirs.append(peer.per_choice())
            count = len(batch.ballots) * CHOICES
            ours.append(timed(lambda batch=batch: check_in_batches(batch, BATCH)).over(count).processor)  # type: ignore[misc]
        ratios = tuple(their / own for their, own in zip(theirs, ours, strict=True))
        middle = statistics.median(ratios)
        rows.append(PeerRow(peer.name, statistics.median(theirs), group, statistics.median(ours), middle, ratios))
    return rows, missing


def run_verifier(record: Path, ballots: int, choices: int, jobs: int) -> RunRow:
    """`urne-verify` on a record, as a process of its own."""
    peak = peak_memory(verify_command(record, jobs))
    if peak.exit_code:
        raise SystemExit(f"urne-verify ended with {peak.exit_code} on {record}: this is a fault, please report it")
    return RunRow(ballots, choices, jobs, peak.processor, peak.seconds, max(peak.parent, peak.child))


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Everything, as it goes to the table and to JSON."""
    quick, cache = options.quick, options.cache

    def record(ballots: int, group: str = "integer-3072", choices: int = CHOICES) -> Path:
        print(f"... {group}, {ballots} ballots of {choices} choices", file=sys.stderr)
        return make_record(ballots, group=group, choices=choices, cache=cache)

    lines = {group: read_ballots(record(BATCH, group), BATCH) for group in ("integer-3072", "integer-4096")}
    peers, missing = measure_peers(cache, lines, 1 if quick else 3, quick=quick)
    batches = [row for group, some in lines.items() for row in measure_batches(group, some, 5 if quick else 20)]
    sizes = (10, 100, 1000) if quick else (10, 100, 1000, 10_000)
    records = {size: record(size) for size in sizes}
    runs = [run_verifier(records[size], size, CHOICES, 1) for size in sizes]
    largest = sizes[-1]
    two = run_verifier(records[largest], largest, CHOICES, 2)
    shapes = []
    count = 100 if quick else 200
    for choices in (2, CHOICES, 50):
        some = read_ballots(record(count, choices=choices), count)
        shapes.append((choices, timed(lambda some=some: check_in_batches(some, BATCH)).over(count).processor))  # type: ignore[misc]
    of_ballots = fit_line([(run.ballots, run.processor * 1e3) for run in runs])
    of_choices = fit_line(shapes)
    return {
        "machine": {
            "processor": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
            "load": os.getloadavg()[0],
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        "peers": [row._asdict() for row in peers],
        "missing": missing,
        "batches": [row._asdict() | {"per_choice": row.per_choice._asdict()} for row in batches],
        "runs": [row._asdict() for row in [*runs, two]],
        "two_processes": runs[-1].clock / two.clock,
        "choices": [{"choices": choices, "per_ballot": milliseconds} for choices, milliseconds in shapes],
        "fits": [
            Fit("ballots", *of_ballots, "ms a ballot of 10 choices, whole command")._asdict(),
            Fit("choices", *of_choices, f"ms a choice, batch of {count} ballots")._asdict(),
        ],
    }


def table(found: dict[str, Any]) -> str:
    """The figures for people, as Markdown."""
    machine = found["machine"]
    lines = [
        f"{machine['time']}, {machine['cores']} cores ({machine['processor']}), Python {machine['python']},"
        f" load {machine['load']:.1f} at the end",
        "",
        "| beside us | ms a choice | ours | ms a choice | times faster | rounds |",
        "|---|---:|---|---:|---:|---|",
    ]
    for row in found["peers"]:
        rounds = ", ".join(f"{ratio:.1f}" for ratio in row["rounds"])
        ours = f"{row['group']}, batch of {BATCH}"
        figures = f"{row['ours']:.3f} | {row['times_faster']:.1f} | {rounds}"
        lines.append(f"| {row['peer']} | {row['theirs']:.2f} | {ours} | {figures} |")
    lines += [*found["missing"], ""]
    lines += ["| group | work | ms a choice | by the clock | times plain |", "|---|---|---:|---:|---:|"]
    for row in found["batches"]:
        time_ = row["per_choice"]
        figures = f"{time_['processor']:.3f} | {time_['clock']:.3f} | {row['times_plain']:.1f}"
        lines.append(f"| {row['group']} | {row['work']} | {figures} |")
    lines += ["", "| urne-verify, ballots | processes | processor s | clock s | largest process MiB |"]
    lines += ["|---:|---:|---:|---:|---:|"]
    for row in found["runs"]:
        figures = f"{row['processor']:.1f} | {row['clock']:.1f} | {row['memory']:.0f}"
        lines.append(f"| {row['ballots']} | {row['jobs']} | {figures} |")
    lines += ["", f"Two processes: {found['two_processes']:.2f} times one, by the clock, the whole command.", ""]
    lines += ["| choices | ms a ballot |", "|---:|---:|"]
    lines += [f"| {row['choices']} | {row['per_ballot']:.2f} |" for row in found["choices"]]
    lines.append("")
    for row in found["fits"]:
        lines.append(f"Against {row['against']}: {row['slope']:.3f} {row['unit']}, {row['intercept']:.1f} ms for none.")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print the table; write JSON too, if asked to."""
    parser = argparse.ArgumentParser(prog="benchmarks speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, and no more than 1,000 ballots")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where records are kept")
    options = parser.parse_args(arguments)
    found = measure(options)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    print(table(found))
