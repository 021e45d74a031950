"""Measure what a ballot costs: `make bench`, or `python -m benchmarks --help`.

Our verifier beside others, in one table of ratios: `python -m benchmarks speed` (benchmarks/speed.py). Its memory
against the number of ballots: `python -m benchmarks memory` (benchmarks/memory.py).
What a browser needs for one: `python -m benchmarks browser` (benchmarks/browser.py). The bulletin board:
`python -m benchmarks board` (benchmarks/board.py). Ballots sent to a whole site: `python -m benchmarks admission`
(benchmarks/admission.py). Belenios archives, beside Belenios's own tool:
`python -m benchmarks belenios` (benchmarks/belenios.py). ElectionGuard records, beside electionguard-python:
`python -m benchmarks electionguard` (benchmarks/electionguard.py). The rest is in Python:
Plain and batched verification are timed in the same run on the same ballots, so that their ratio holds whatever the
machine does meanwhile. Ballots have ten options and one sum (choose 0 or 1 of 10).
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import admission, belenios, board, browser, electionguard, memory, speed
from voting.crypto.elgamal import PublicKey
from voting.crypto.group import group_by_name
from voting.crypto.signatures import SigningKey
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballots import BallotContext, encrypt_ballot, verify_ballot, verify_ballot_signature
from voting.protocol.encoding import Hash, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.manifest import Manifest, TrusteeInfo
from voting.protocol.methods import Choose, ChooseSelection
from voting.protocol.tlog.note import note_key

OPTIONS = 10


class Row(NamedTuple):
    """One line of the table: milliseconds per ballot and per choice, and how many times faster than plain."""

    group: str
    work: str
    ballots: int
    per_ballot: float
    per_choice: float
    ratio: float


def context_for(group: str) -> BallotContext:
    """An election that exists for this measurement only."""
    key = SigningKey.from_seed(secrets.token_bytes(32)).verify_key
    manifest = Manifest(
        administrator=to_base64(key.raw),
        authority=to_base64(key.raw),
        board=note_key("board.example/benchmark", key).vkey,
        contact="",
        description=None,
        group=group,
        languages=("en",),
        nonce=secrets.token_hex(16),
        questions=(
            Choose(
                title={"en": "Question"},
                options=tuple({"en": f"Option {number}"} for number in range(OPTIONS)),
                minimum=0,
                maximum=1,
            ),
        ),
        schedule=None,
        threshold=1,
        title={"en": "Benchmark"},
        trustees=(TrusteeInfo("Trustee"),),
        version=1,
    )
    joint = group_by_name(group).generator ** secrets.randbits(255)
    return BallotContext(manifest, Hash("0" * 64), PublicKey(joint))


def timed(work: Callable[[], object]) -> float:
    """Seconds of process time."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(group: str, sizes: list[int], plain: int) -> list[Row]:
    """Encryption, the plain check, and batches of several sizes for one group."""
    context = context_for(group)
    credential = SigningKey.from_seed(secrets.token_bytes(32))
    count = max(sizes)
    ballots = []

    def encrypt() -> None:
        for number in range(count):
            choice = [ChooseSelection(chosen=(number % OPTIONS,))]
            ballots.append(encrypt_ballot(context, credential, choice, secrets.token_bytes(32)))

    seconds = timed(encrypt) / count
    rows = [Row(group, "encrypt", count, seconds * 1e3, seconds * 1e3 / OPTIONS, 0.0)]

    def check_plain() -> None:
        for ballot in ballots[:plain]:
            entry = parse_body("ballot.cast", ballot.body, what="ballot")
            verify_ballot(context, entry, ballot.body, subject="ballot")

    def check_batch(size: int) -> None:
        items = []
        for ballot in ballots[:size]:
            entry = parse_body("ballot.cast", ballot.body, what="ballot")
            verify_ballot_signature(context.manifest.hash, entry, ballot.body, subject="ballot")
            items.append(HintedBallot(entry.content, ballot.hints, "ballot"))
        if check_ballots_together(context, items, random_bytes=secrets.token_bytes).failures:
            raise SystemExit("an honest ballot was refused: this is a fault, please report it")

    reference = timed(check_plain) / plain
    rows.append(Row(group, "verify, plain", plain, reference * 1e3, reference * 1e3 / OPTIONS, 1.0))
    for size in sizes:
        seconds = timed(lambda size=size: check_batch(size)) / size  # type: ignore[misc]
        rows.append(Row(group, "verify, batch", size, seconds * 1e3, seconds * 1e3 / OPTIONS, reference / seconds))
    return rows


def main() -> None:
    """Print a table, or JSON."""
    if sys.argv[1:2] == ["speed"]:
        speed.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["browser"]:
        browser.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["admission"]:
        admission.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["board"]:
        board.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["memory"]:
        memory.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["belenios"]:
        belenios.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["electionguard"]:
        electionguard.main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--groups", nargs="+", default=["integer-3072", "integer-4096"], help="groups to measure")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 10, 100, 1000], help="ballots in a batch")
    parser.add_argument("--plain", type=int, default=20, help="ballots for the plain check")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows = [row for group in options.groups for row in measure(group, options.sizes, options.plain)]
    if options.json:
        json.dump([row._asdict() for row in rows], sys.stdout, indent=2)
        return
    print(f"{'group':14} {'work':14} {'ballots':>7} {'ms/ballot':>10} {'ms/choice':>10} {'times plain':>12}")
    for row in rows:
        ratio = f"{row.ratio:.1f}" if row.ratio else ""
        print(f"{row.group:14} {row.work:14} {row.ballots:7} {row.per_ballot:10.2f} {row.per_choice:10.3f} {ratio:>12}")


if __name__ == "__main__":
    main()
