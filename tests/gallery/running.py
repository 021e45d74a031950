"""The gallery: put cases to the verifiers, and compare what they say with what the case demands.

Three verifiers: `urne-verify` (here, in this process), `voting/verifier/reference.py`, and the browser's, in node.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.gallery.case import ARCHIVE, EXIT_CODES, Case, Found
from voting.protocol.encoding import Hash
from voting.protocol.errors import UrneError
from voting.verifier import ballot_pass, reference
from voting.verifier.context import Announced
from voting.verifier.findings import Cause, Status
from voting.verifier.load import RECORD_FILES, open_record
from voting.verifier.receipt import earlier_checkpoint
from voting.verifier.verify import verify_record

MAIN, REFERENCE, BROWSER = "urne-verify", "reference", "browser"
RUNNER = Path(__file__).with_name("verify_chosen.mjs")
_OLDEST_NODE = 20


class Answer(NamedTuple):
    """What a verifier says: `Case` has the same fields."""

    verdict: str
    exit_code: int
    failed: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    warned: tuple[str, ...] | None = None
    """Checks with a warning; None from a verifier that does not say which check warns."""
    warnings: int = 0

    def fits(self, case: Case) -> bool:
        """Whether it is what the case demands."""
        wanted = expected(case)
        if self.warned is None:
            return self[:4] == wanted[:4] and bool(self.warnings) == bool(case.warned)
        return self[:5] == wanted[:5]


PROGRAM_FAILED = "a check of this program failed"
"""A verdict that no case demands: such checks are "not run", but not for the reason that they should."""

UNREADABLE = Answer("unreadable", EXIT_CODES["unreadable"], warned=None)


def expected(case: Case) -> Answer:
    """The answer that a case demands."""
    warned = None if case.verdict == "unreadable" else case.warned
    return Answer(case.verdict, EXIT_CODES[case.verdict], case.failed, case.not_run, warned)


def ask(verifier: str, cases: Sequence[Found], *, jobs: int = 1) -> list[Answer]:
    """What a verifier says of each case.

    Args:
        jobs: on how many processes `urne-verify` checks the ballots.
    """
    if verifier == MAIN:
        return [ask_main(found, jobs=jobs) for found in cases]
    if verifier == REFERENCE:
        return [ask_reference(found) for found in cases]
    return ask_browser(cases)


def ask_main(found: Found, *, jobs: int = 1) -> Answer:
    """`urne-verify`, without its command line."""
    case = found.case
    manifest, election = (None if text is None else Hash(text) for text in (case.manifest, case.election))
    since = found.since
    earlier = None if since is None else earlier_checkpoint(since.read_bytes(), what=since.name)
    try:
        # Of so few ballots urne-verify would make one chunk, and start no process.
        with open_record(found.record) as source, mock.patch.object(ballot_pass, "MIN_CHUNK", 1 if jobs > 1 else 20):
            report = verify_record(
                source, allow_toy=case.allow_toy_group, announced=Announced(manifest, election, earlier), jobs=jobs
            )
    except UrneError:
        return UNREADABLE
    left_out = set() if since else {"21"}
    has_failed = any(check.cause is Cause.ERROR for check in report.checks)
    return Answer(
        PROGRAM_FAILED if has_failed else str(report.verdict),
        report.exit_code,
        tuple(check.id for check in report.checks if check.status is Status.FAILED),
        tuple(check.id for check in report.checks if check.status is Status.NOT_RUN and check.id not in left_out),
        tuple(check.id for check in report.checks if check.warnings),
    )


def ask_reference(found: Found) -> Answer:
    """The reference verifier."""
    case = found.case
    since = None if found.since is None else reference.read_earlier(found.since)
    try:
        record = reference.read_record(found.record)
    except reference.Unreadable:
        return UNREADABLE
    report = reference.verify(record, case.allow_toy_group, since, case.manifest, case.election)
    not_run = [check for check in reference.CLAIMS if report.status(check) == "not run" and (check != 21 or since)]
    return Answer(
        report.verdict(),
        report.exit_code(),
        tuple(f"{check:02}" for check in report.failed()),
        tuple(f"{check:02}" for check in not_run),
        warned=None,
        warnings=len(report.warnings),
    )


@contextmanager
def remembered_powers() -> Iterator[None]:
    """The reference verifier computes no power and checks no signature twice: cases have most entries in common."""
    power, is_signed = cache(reference.Group.power), cache(reference.is_signed)
    with mock.patch.object(reference.Group, "power", power), mock.patch.object(reference, "is_signed", is_signed):
        yield


@cache
def has_node() -> bool:
    """Whether there is a node for the browser's verifier, new enough."""
    node = shutil.which("node")
    if node is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(version.strip().removeprefix("v").partition(".")[0]) >= _OLDEST_NODE


def ask_browser(cases: Sequence[Found]) -> list[Answer]:
    """The browser's verifier, in one node for all cases. It is given the files as the page gets them."""
    lines = "".join(json.dumps(_request(found)) + "\n" for found in cases)
    done = subprocess.run(["node", str(RUNNER)], input=lines, capture_output=True, text=True, check=True, timeout=900)
    return [_answer(json.loads(line), found) for found, line in zip(cases, done.stdout.splitlines(), strict=True)]


def _request(found: Found) -> dict[str, Any]:
    case = found.case
    names = [name for name in (ARCHIVE, *RECORD_FILES) if (found.folder / name).exists()]
    return {
        "files": [str(found.folder / name) for name in names],
        "since": None if found.since is None else str(found.since),
        "manifest": case.manifest,
        "election": case.election,
        "allowToy": case.allow_toy_group,
    }


def _answer(told: dict[str, Any], found: Found) -> Answer:
    if "unreadable" in told:
        return UNREADABLE
    if "failed" in told:
        return UNREADABLE._replace(verdict=PROGRAM_FAILED)
    report = told["report"]
    checks = report["checks"]
    left_out = set() if found.since else {"21"}
    has_failed = any(check["cause"] == str(Cause.ERROR) for check in checks)
    return Answer(
        PROGRAM_FAILED if has_failed else report["verdict"],
        report["exit_code"],
        tuple(check["id"] for check in checks if check["status"] == "failed"),
        tuple(check["id"] for check in checks if check["status"] == "not run" and check["id"] not in left_out),
        tuple(check["id"] for check in checks if check["warnings"]),
    )
