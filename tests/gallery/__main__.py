"""`python -m tests.gallery`: make the fixtures, write the table of docs/attacks.md, or ask the verifiers."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence

from tests.gallery.case import FIXTURES, Found, read_cases, write_case
from tests.gallery.running import BROWSER, MAIN, REFERENCE, Answer, ask, expected, has_node


def make() -> int:
    """Write all cases anew."""
    from tests.gallery.making import make_case, plans  # the makers need what is only there in development

    for half in ("broken", "good"):
        shutil.rmtree(FIXTURES / half, ignore_errors=True)
    size = 0
    for place, plan in plans().items():
        made = make_case(plan)
        write_case(made, FIXTURES / place)
        size += sum(map(len, made.files.values()))
    print(f"{len(plans())} cases, {size} bytes")
    return 0


def table() -> int:
    """Write the table of docs/attacks.md anew."""
    from tests.gallery.catalogue import write_table

    write_table()
    return 0


def run(cases: Sequence[Found], times: int, jobs: Sequence[int]) -> int:
    """Put cases to all verifiers, several times, and say where an answer is another than the case's."""
    verifiers = [MAIN, REFERENCE, *([BROWSER] if has_node() else [])]
    wrong = 0
    for time in range(times):
        for verifier in verifiers:
            for number in jobs if verifier == MAIN else (1,):
                for found, answer in zip(cases, ask(verifier, cases, jobs=number), strict=True):
                    if not answer.fits(found.case):
                        wrong += 1
                        print(f"{found.name}: {verifier}, jobs {number}, time {time + 1}:\n  {answer}")
                        print(f"  expected: {expected(found.case)}")
    asserts = "off" if sys.flags.optimize else "on"
    print(
        f"{len(cases)} cases, {times} times, jobs {list(jobs)}, {', '.join(verifiers)}, assertions {asserts}:", end=" "
    )
    print(f"{wrong} wrong answers" if wrong else "all as expected")
    return 1 if wrong else 0


def answers(cases: Sequence[Found], verifier: str) -> int:
    """Print what a verifier says of each case, as JSON: for other processes."""
    told: dict[str, Answer] = dict(zip([found.name for found in cases], ask(verifier, cases), strict=True))
    print(json.dumps({"optimised": bool(sys.flags.optimize), "answers": {k: v._asdict() for k, v in told.items()}}))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gallery", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make", help="write tests/fixtures/broken and tests/fixtures/good anew")
    commands.add_parser("table", help="write the table of docs/attacks.md anew")
    for name, help_ in (("run", "ask all verifiers"), ("answers", "print one verifier's answers as JSON")):
        command = commands.add_parser(name, help=help_)
        command.add_argument("--only", default="", help="cases whose name contains this")
        if name == "run":
            command.add_argument("--times", type=int, default=1)
            command.add_argument("--jobs", type=int, nargs="*", default=[1, 2], help="processes of urne-verify")
        else:
            command.add_argument("--verifier", default=MAIN, choices=(MAIN, REFERENCE, BROWSER))
    options = parser.parse_args()
    if options.command == "make":
        return make()
    if options.command == "table":
        return table()
    cases = [found for found in read_cases() if options.only in found.name]
    if options.command == "run":
        return run(cases, options.times, options.jobs)
    return answers(cases, options.verifier)


if __name__ == "__main__":
    sys.exit(main())
