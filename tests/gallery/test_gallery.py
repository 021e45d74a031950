"""The gallery before all verifiers: the same verdict and the same failing checks, whoever is asked and however often.

`URNE_GALLERY=1` is the long form (`make gallery`): each case 20 times on one process, 3 times on two, and 20 times on
two for one case of each check; the slow verifiers 3 times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.gallery.case import Found, read_cases
from tests.gallery.running import (
    BROWSER,
    MAIN,
    REFERENCE,
    Answer,
    ask,
    expected,
    has_node,
    remembered_powers,
)
from voting.verifier import reference
from voting.verifier.cli import main as command_line

ROOT = Path(__file__).resolve().parents[2]
CASES = read_cases()
IS_LONG = bool(os.environ.get("URNE_GALLERY"))
TIMES = 20 if IS_LONG else 2
TIMES_SLOW = 3 if IS_LONG else 1
BY_NAME = {found.name: found for found in CASES}


def require(found: Found, answer: Answer) -> None:
    assert answer.fits(found.case), (
        f"{found.case.sentence}\n  it says     {answer}\n  it must say {expected(found.case)}"
    )


@pytest.mark.parametrize("name", BY_NAME)
def test_urne_verify(name: str) -> None:
    for _ in range(TIMES):
        require(BY_NAME[name], *ask(MAIN, [BY_NAME[name]]))


@pytest.fixture(scope="module")
def powers() -> Iterator[None]:
    """In the short form what one case has cost is not paid again for the next."""
    with nullcontext() if IS_LONG else remembered_powers():
        yield


@pytest.mark.usefixtures("powers")
@pytest.mark.parametrize("name", BY_NAME)
def test_the_reference_verifier(name: str) -> None:
    for _ in range(TIMES_SLOW):
        require(BY_NAME[name], *ask(REFERENCE, [BY_NAME[name]]))


@pytest.mark.skipif(not has_node(), reason="node 20 or newer is needed for the browser's verifier")
@pytest.mark.parametrize("part", range(4))
def test_the_verifier_in_the_browser(part: int) -> None:
    cases = CASES[part::4] * TIMES_SLOW
    for found, answer in zip(cases, ask(BROWSER, cases), strict=True):
        require(found, answer)


WITH_OPTIONS = [
    found.name
    for found in CASES
    if found.since or found.case.manifest or found.case.election or not found.case.allow_toy_group
]


@pytest.mark.parametrize(
    "name", [*WITH_OPTIONS, "good/archive", "broken/V1-link", "broken/02-cut-in-a-line", "good/real-group"]
)
def test_the_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The programs themselves: their options, their exit codes, what they print."""
    found = BY_NAME[name]
    case = found.case
    options = {"--since": found.since, "--manifest": case.manifest, "--election": case.election}
    words = [str(word) for pair in options.items() if pair[1] is not None for word in pair]
    words += ["--allow-toy-group"] if case.allow_toy_group else []
    told = CliRunner().invoke(command_line, [str(found.record), *words, "--json"])
    assert told.exit_code == expected(case).exit_code, told.output
    assert reference.main([str(found.record), *words, "--json"]) == expected(case).exit_code
    if case.verdict != "unreadable":
        failed = [check["id"] for check in json.loads(told.stdout)["checks"] if check["status"] == "failed"]
        own = [check["check"] for check in json.loads(capsys.readouterr().out)["checks"] if check["status"] == "failed"]
        assert tuple(failed) == case.failed
        assert tuple(f"{check:02}" for check in own) == case.failed


ABOUT_BALLOTS = [name for name in BY_NAME if name.startswith(tuple(f"broken/{check}-" for check in range(11, 18)))]
ONE_OF_EACH = {found.folder.name[:2]: found.name for found in CASES if found.name.startswith("broken/")}
ON_TWO = [*BY_NAME] if IS_LONG else [*ABOUT_BALLOTS[::10], "good/votes-replaced"]


@pytest.mark.parametrize("name", ON_TWO)
def test_urne_verify_on_two_processes(name: str) -> None:
    for _ in range(TIMES if IS_LONG and name in ONE_OF_EACH.values() else TIMES_SLOW):
        require(BY_NAME[name], *ask(MAIN, [BY_NAME[name]], jobs=2))


@pytest.mark.slow
@pytest.mark.parametrize("verifier", [MAIN, REFERENCE])
def test_without_assertions(verifier: str) -> None:
    """`python -O`: no verifier leans on an assertion. The slow one is asked about some cases only."""
    only = "" if verifier == MAIN or IS_LONG else "plus-q"
    command = [sys.executable, "-O", "-m", "tests.gallery", "answers", "--verifier", verifier, "--only", only]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=True)
    told = json.loads(done.stdout)
    assert told["optimised"]
    assert set(told["answers"]) == {name for name in BY_NAME if only in name}
    for name, fields in told["answers"].items():
        lists: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        require(BY_NAME[name], Answer(**lists))


def test_an_answer_that_differs_is_noticed() -> None:
    found = BY_NAME["broken/14-over-vote"]
    right = expected(found.case)
    assert right.fits(found.case)
    for wrong in (
        right._replace(verdict="verified"),
        right._replace(exit_code=0),
        right._replace(failed=()),
        right._replace(failed=("13", "14")),
        right._replace(not_run=("20",)),
        right._replace(warned=("06",)),
        right._replace(warned=None, warnings=1),
    ):
        assert not wrong.fits(found.case)
