"""Runs the mutants: `python -m tests.mutation MODULE... [--jobs N]`.

Each mutant is a process of its own, made by a fork before anything of Urne is imported; the module's source in the
checkout is not touched. A mutant is killed if its tests fail or take too long. Exit code 1 if any survives.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant, mutants_of, mutated
from tests.mutation.table import TESTS

ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = ("pytest", "gmpy2", "msgspec", "Crypto.Hash.SHA256", "click", "httpx", "flask")
"""Imported once, before the forks."""
_OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "--hypothesis-profile=mutants"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # the libraries are there already
)
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


def run_tests(module: str, tree: ast.Module, seconds: float, *, tests: Sequence[str] = ()) -> int | None:
    """The exit code of the module's tests with this code in place of it; None if they took too long."""
    child = os.fork()
    if child == 0:
        _run_child(module, tree, tests or TESTS[module])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, 9)
    os.waitpid(child, 0)
    return None


def _run_child(module: str, tree: ast.Module, tests: Sequence[str]) -> None:
    code = 99
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.meta_path.insert(0, _Finder(module, source_of(module), tree))
        import pytest

        code = int(pytest.main([*_OPTIONS, *(str(ROOT / test) for test in tests)]))
    finally:
        os._exit(code)


def _judge(module: str, source: str, mutant: Mutant, seconds: float) -> str:
    code = run_tests(module, mutated(source, mutant), seconds)
    return "survived" if code == _PASSED else "too slow" if code is None else "killed"


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
    chosen = parser.parse_args()
    prepare()
    survivors = 0
    for module in chosen.modules or TESTS:
        survivors += _run_module(module, chosen.jobs)
    return 1 if survivors else 0


def _run_module(module: str, jobs: int) -> int:
    source = source_of(module).read_text(encoding="utf-8")
    started = time.monotonic()
    if (code := run_tests(module, ast.parse(source), 3600)) != _PASSED:
        sys.exit(f"{module}: its tests do not pass without a fault ({code})")
    limit = 10 + _SLOWER * (time.monotonic() - started)
    mutants = mutants_of(source)
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = list(pool.map(lambda mutant: _judge(module, source, mutant, limit), mutants))
    for mutant, verdict in zip(mutants, verdicts, strict=True):
        if verdict != "killed":
            print(f"{verdict:8} {module}, line {mutant.line}: {mutant.what}")
    alive = verdicts.count("survived")
    seconds = time.monotonic() - started
    print(f"{module}: {len(mutants) - alive} of {len(mutants)} killed, {alive} survived, {seconds:.0f} s", flush=True)
    return alive


if __name__ == "__main__":
    sys.exit(main())
