"""Fuzzing: `python -m tests.fuzz [--minutes N] [--seed N] [--jobs N] [--only WORDS] [--input N]` (docs/fuzzing.md).

Exit code 1 if there is a fault. An input is named by its target, its number and the seed, and can be made again.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz.running import Fault, Tally, run
from tests.fuzz.target import Target
from tests.fuzz.targets import all_targets

ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path | None:
    """The third-party records, if they are here: as tests/conftest.py finds them."""
    named = os.environ.get("URNE_TEST_DATA")
    folder = (Path(named) if named else ROOT / "shared" / "data") / "records"
    return folder if folder.is_dir() else None


def main() -> int:
    """Fuzz for a while, or make one input again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--seed", type=int, help="a number; by default a new one, which is printed")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a seed of its own")
    parser.add_argument("--only", default="", metavar="WORDS", help="only targets with these words in their name")
    parser.add_argument("--input", type=int, metavar="N", help="give this one input to each of them, and let it fail")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else secrets.randbelow(2**31)
    if data_folder() is None:
        print("The folder of third-party records is absent (URNE_TEST_DATA), so Belenios and Helios are left out.")

    def make(folder: Path) -> Sequence[Target]:
        return [target for target in all_targets(folder, data_folder()) if chosen.only in target.name]

    if chosen.input is not None:
        return _once(make, chosen.input, seed)
    print(f"seed {seed}", flush=True)
    started = time.monotonic()
    with ThreadPoolExecutor(chosen.jobs) as pool:
        seeds = range(seed, seed + chosen.jobs)
        tallies = list(pool.map(lambda one: run(make, seed=one, seconds=60 * chosen.minutes, say=_say), seeds))
    faults = [(one, fault) for one, tally in zip(seeds, tallies, strict=True) for fault in tally.faults]
    for one, fault in faults:
        _show(one, fault)
    _sum_up(tallies, time.monotonic() - started)
    return 1 if faults else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _show(seed: int, fault: Fault) -> None:
    print(f"\n{fault.target}: {fault.what}\n  --seed {seed} --only '{fault.target}' --input {fault.number}")
    print(f"  {fault.data[:200]!r} ({len(fault.data)} bytes)")
    print("".join(f"  {line}\n" for line in fault.trace.splitlines()), end="", flush=True)


def _sum_up(tallies: Sequence[Tally], seconds: float) -> None:
    inputs = sum(tally.inputs for tally in tallies)
    peak = max(tally.peak for tally in tallies)
    faults = sum(len(tally.faults) for tally in tallies)
    print(f"{inputs} inputs in {seconds:.0f} s, {faults} faults; a process took {peak} MB at most")


def _once(make: Callable[[Path], Sequence[Target]], number: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        for target in make(Path(folder)):
            data = target.input(seed, number)
            print(f"{target.name}: {data[:1000]!r}")
            target.take(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
