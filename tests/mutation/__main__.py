"""Runs the mutants: `python -m tests.mutation MODULE... [--jobs N] [--shard I/N] [--results FILE]`.

Each mutant is a process of its own, and the module's source in the checkout is not touched. A fault in a function is
put into a copy of a process that has imported everything; for others the copy is made before anything of Urne is
imported. A mutant is killed if its tests fail or take too long. The tests that reach the changed function run first,
the quickest before the others. Exit code 1 if any survives.

`--results FILE` notes each verdict, and a mutant that was killed before is not run again while its module's source
stays as it is: so a long run can be cut off, and a new test be tried on the survivors alone.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant, mutants_of, mutated
from tests.mutation.reach import InOrder, Reach, Survey, is_in_function, read_survey, tests_for
from tests.mutation.swap import swap_code
from tests.mutation.table import TESTS

ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = ("pytest", "gmpy2", "msgspec", "Crypto.Hash.SHA256", "click", "httpx", "flask")
"""Imported once, before the forks."""
_OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--hypothesis-profile=mutants"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # the libraries are there already
)
KILLED, SURVIVED, LATER = "killed", "survived", "later"
NOT_SWAPPED = 98
_PASSED = 0
_SLOWER = 4


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives a changed module in place of the one on the disk."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self._name, self._path, self._tree = name, path, tree

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The changed module, for its own name."""
        if name != self._name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=str(self._path))

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        module.__file__ = str(self._path)
        exec(compile(self._tree, str(self._path), "exec"), module.__dict__)  # noqa: S102


def source_of(module: str) -> Path:
    """The file of a module."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def run_tests(
    module: str, tree: ast.Module, seconds: float, *, tests: Sequence[str] = (), plugins: Sequence[object] = ()
) -> int | None:
    """The exit code of the module's tests with this code in place of it; None if they took too long.

    If the module is imported already, the code of its functions is exchanged, and `NOT_SWAPPED` says that none changed.
    """
    child = os.fork()
    if child == 0:
        _run_child(module, tree, tests or TESTS[module], plugins)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, 9)
    os.waitpid(child, 0)
    return None


def _run_child(module: str, tree: ast.Module, tests: Sequence[str], plugins: Sequence[object]) -> None:
    code = 99
    try:
        os.setsid()
        _be_silent()
        if module not in sys.modules:
            sys.meta_path.insert(0, _Finder(module, source_of(module), tree))
            code = _pytest(tests, plugins)
        elif swap_code(sys.modules[module], tree):
            code = _pytest(tests, plugins)
        else:
            code = NOT_SWAPPED
    finally:
        os._exit(code)


def _be_silent() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _pytest(tests: Sequence[str], plugins: Sequence[object], *options: str) -> int:
    import pytest

    return int(pytest.main([*_OPTIONS, *options, *(str(ROOT / test) for test in tests)], plugins=plugins))


def prepare() -> None:
    """Import what does not change, and tell hypothesis that one example that fails is enough."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", database=None, deadline=None, phases=phases, report_multiple_bugs=False)


def main() -> int:
    """Run the mutants of the modules that are named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="e.g. voting.crypto.schnorr")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--shard", type=_shard, default=(1, 1), metavar="I/N", help="every Nth mutant, from the Ith")
    parser.add_argument("--results", type=Path, metavar="FILE", help="JSON lines: what was found, and is found already")
    chosen = parser.parse_args()
    prepare()
    results, surveys = Results(chosen.results), Surveys()
    survivors = 0
    for module in chosen.modules or TESTS:
        survivors += _run_module(module, chosen.jobs, chosen.shard, results, surveys)
    return 1 if survivors else 0


def _shard(text: str) -> tuple[int, int]:
    one, _, of = text.partition("/")
    if not (one.isdecimal() and of.isdecimal() and 1 <= int(one) <= int(of)):
        raise argparse.ArgumentTypeError("write I/N, as 1/4")
    return int(one), int(of)


class Results:
    """The verdicts, by source and number of the mutant; in a file if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._killed: set[tuple[str, int]] = set()
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                if found["verdict"] == KILLED:
                    self._killed.add((found["source"], found["number"]))

    def is_killed(self, source: str, mutant: Mutant) -> bool:
        """Whether an earlier run killed it."""
        return (_digest(source), mutant.number) in self._killed

    def note(self, module: str, source: str, mutant: Mutant, verdict: str) -> None:
        """Write it down at once."""
        if self._path is not None:
            line = {"module": module, "source": _digest(source), "verdict": verdict, **mutant._asdict()}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


class Surveys:
    """What the tests reach without a fault: each set of tests is run once, for all modules that it is for."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], tuple[list[Reach], float]] = {}

    def of(self, module: str) -> tuple[list[Reach], float]:
        """The tests of a module, and how many seconds they took."""
        tests = TESTS[module]
        if tests not in self._found:
            sources = [source_of(other) for other in TESTS if TESTS[other] == tests]
            self._found[tests] = self._run(module, sources)
        return self._found[tests]

    def _run(self, module: str, sources: Sequence[Path]) -> tuple[list[Reach], float]:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "reach.json"
            tree = ast.parse(source_of(module).read_text(encoding="utf-8"))
            code = run_tests(module, tree, 3600, plugins=[Survey(sources, out)])
            if code != _PASSED:
                sys.exit(f"{module}: its tests do not pass without a fault ({code})")
            return read_survey(out), time.monotonic() - started


def _run_module(module: str, jobs: int, shard: tuple[int, int], results: Results, surveys: Surveys) -> int:
    path = source_of(module)
    source = path.read_text(encoding="utf-8")
    mutants = mutants_of(source)[shard[0] - 1 :: shard[1]]
    left = [mutant for mutant in mutants if not results.is_killed(source, mutant)]
    survey, without_fault = surveys.of(module) if left else ([], 0.0)
    started = time.monotonic()
    killers: list[str] = []

    def judge(mutant: Mutant) -> str:
        with tempfile.TemporaryDirectory() as folder:
            failed = Path(folder) / "failed"
            order = InOrder(tests_for(mutant.line, path, survey, killers), failed)
            code = run_tests(module, mutated(source, mutant), 10 + _SLOWER * without_fault, plugins=[order])
            if failed.exists():
                killers.append(failed.read_text(encoding="utf-8"))
        verdict = LATER if code == NOT_SWAPPED else SURVIVED if code == _PASSED else KILLED
        if verdict != LATER:
            results.note(module, source, mutant, verdict)
        return verdict

    quick = [mutant for mutant in left if is_in_function(mutant.line, source)]
    verdicts = _in_a_process(lambda: _warm_up(module), judge, quick, jobs)
    verdicts |= _judge_all(judge, [mutant for mutant in left if verdicts.get(mutant.number, LATER) == LATER], jobs)
    for mutant in left:
        if verdicts[mutant.number] != KILLED:
            print(f"{verdicts[mutant.number]:8} {module}, line {mutant.line}: {mutant.what}")
    alive = list(verdicts.values()).count(SURVIVED)
    seconds = time.monotonic() - started
    print(f"{module}: {len(mutants) - alive} of {len(mutants)} killed, {alive} survived, {seconds:.0f} s", flush=True)
    return alive


def _warm_up(module: str) -> None:
    """Import the module and its tests."""
    _pytest(TESTS[module], [], "--collect-only")


def _judge_all(judge: Callable[[Mutant], str], mutants: Sequence[Mutant], jobs: int) -> dict[int, str]:
    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip((mutant.number for mutant in mutants), pool.map(judge, mutants), strict=True))


def _in_a_process(
    begin: Callable[[], None], judge: Callable[[Mutant], str], mutants: Sequence[Mutant], jobs: int
) -> dict[int, str]:
    """Judge mutants in a process that has imported everything; this one must stay as it is."""
    if not mutants:
        return {}
    with tempfile.TemporaryFile("w+") as answer:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _be_silent()
                begin()
                json.dump(list(_judge_all(judge, mutants, jobs).items()), answer)
                answer.flush()
                code = 0
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1] != 0:
            return {}
        answer.seek(0)
        return dict(json.load(answer))


if __name__ == "__main__":
    sys.exit(main())
