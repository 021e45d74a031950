"""Measure the check of one selection of an ElectionGuard 0.95 record: ours in batches, and electionguard-python's own.

    python -m venv peer && peer/bin/pip install electionguard==1.4.0
    python -m benchmarks electionguard RECORD --peer peer/bin/python

Both are timed in the same run on the same selections, without reading files, by process time. Larger batches hold the
record's selections several times; the work is the same as for different ones, as nothing is remembered between them.
Without `--peer` the other program's time is computed: its check makes 15 powers with exponents of 256 bits (6 tests for
membership, 9 in the equations), and such a power is timed here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import gmpy2

from voting.verifier.foreign.electionguard import data_1
from voting.verifier.foreign.electionguard.ballots_1 import BallotPass
from voting.verifier.foreign.electionguard.checks import CHECKS_1
from voting.verifier.foreign.electionguard.claims import Item
from voting.verifier.foreign.electionguard.files import open_record
from voting.verifier.foreign.electionguard.groups import group_1
from voting.verifier.foreign.electionguard.numbers import hook_1
from voting.verifier.foreign.electionguard.reading import Constants, Reader, parse_parameters
from voting.verifier.foreign.electionguard.setup_1 import Election1, check_setup
from voting.verifier.foreign.findings import Ledger

PEER_SCRIPT = Path(__file__).parents[1] / "tests" / "third_party" / "electionguard_peer.py"
PEER_POWERS = 15
REPEATS = 50


def load(record: Path) -> tuple[Election1, list[data_1.Selection], Ledger]:
    """The election, and all selections of its ballots."""
    ledger = Ledger(CHECKS_1)
    reader = Reader(open_record(record), ledger, hook_1(group_1()))
    constants = reader.load("constants.json", Constants)
    manifest = reader.load("manifest.json", data_1.Manifest)
    context = reader.load("context.json", data_1.Context)
    guardians = tuple(reader.load_all("guardians", data_1.Guardian))
    assert constants is not None
    assert manifest is not None
    assert context is not None
    election = check_setup(ledger, group_1(), parse_parameters(constants), manifest, context, guardians)
    assert election is not None
    ballots = list(reader.load_all("submitted_ballots", data_1.Ballot))
    selections = [s for ballot in ballots for contest in ballot.contests for s in contest.ballot_selections]
    return election, selections, ledger


def our_time(election: Election1, selections: list[data_1.Selection], ledger: Ledger, times: int) -> float:
    """Seconds for each selection, in one batch."""
    work = BallotPass(ledger, election)
    started = time.process_time()
    for number in range(times):
        for place, selection in enumerate(selections):
            work.check_selection(selection, Item("4", f"selection {number}, {place}"))
    work.settle()
    seconds = time.process_time() - started
    if ledger.has_failed():
        raise SystemExit("an honest selection was refused: this is a fault, please report it")
    return seconds / (times * len(selections))


def peer_time(python: str | None, record: Path) -> tuple[str, float]:
    """Who was timed, and seconds for each selection."""
    if python:
        command = [python, str(PEER_SCRIPT), "time", str(record)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        answer = json.loads(done.stdout)
        assert answer["valid"]
        return "electionguard 1.4.0", float(answer["seconds"]) / int(answer["selections"])
    group = group_1()
    started = time.process_time()
    for _ in range(REPEATS):
        gmpy2.powmod(group.generator.value, group.q - 12345, group.p)
    return "computed: 15 powers", PEER_POWERS * (time.process_time() - started) / REPEATS


def main(arguments: list[str]) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks electionguard", description=__doc__)
    parser.add_argument("record", type=Path, help="folder of a 0.95 record (the one with constants.json)")
    parser.add_argument("--peer", help="a Python that has electionguard==1.4.0")
    parser.add_argument("--times", nargs="+", type=int, default=[1, 4, 20], help="how often the selections are taken")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    election, selections, ledger = load(options.record)
    name, peer = peer_time(options.peer, options.record)
    rows = [(name, 1, peer * 1e3, 1.0)]
    for times in options.times:
        ours = our_time(election, selections, ledger, times)
        rows.append(("urne, in one batch", times * len(selections), ours * 1e3, peer / ours))
    if options.json:
        fields = ("program", "selections", "ms", "times_faster")
        print(json.dumps([dict(zip(fields, row, strict=True)) for row in rows], indent=2))
        return
    print(f"{'program':22} {'selections at once':>18} {'ms/selection':>13} {'times faster':>13}")
    for program, count, milliseconds, ratio in rows:
        print(f"{program:22} {count:18} {milliseconds:13.2f} {ratio:13.1f}")
