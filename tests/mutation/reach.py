"""Which tests reach which function of a module, and how quick they are; so that a mutant is tried on those first.

Two plugins for pytest. `Survey` goes with a run without a fault: it notes, for each test, the functions of the modules
that were called while it ran, and its time. `InOrder` goes with a mutant's run, and sorts the tests. A fault outside
all functions is there as soon as the module is imported, so every test can notice it.
"""

from __future__ import annotations

import ast
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest


class Reach(NamedTuple):
    """One test: its seconds, and the first lines of the functions that it called, by file."""

    test: str
    seconds: float
    lines: Mapping[str, Sequence[int]]


class Survey:
    """Notes what each test reaches. Written to a file, since the tests run in a process of their own."""

    def __init__(self, sources: Iterable[Path], out: Path) -> None:
        self._sources, self._out = frozenset(map(str, sources)), out
        self._lines: dict[str, set[int]] = {}
        self._found: list[tuple[str, float, dict[str, list[int]]]] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Set-up and tear-down belong to the test."""
        self._lines = {}
        started = time.perf_counter()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(None)
        lines = {source: sorted(found) for source, found in self._lines.items()}
        self._found.append((item.nodeid, time.perf_counter() - started, lines))

    def _called(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        if (source := frame.f_code.co_filename) in self._sources:
            self._lines.setdefault(source, set()).add(frame.f_code.co_firstlineno)
        return None

    def pytest_sessionfinish(self) -> None:
        """Write down what was found."""
        self._out.write_text(json.dumps(self._found), encoding="utf-8")


class InOrder:
    """Runs the tests in this order, and notes the first one that fails."""

    def __init__(self, tests: Sequence[str], failed: Path) -> None:
        self._places = {test: place for place, test in enumerate(tests)}
        self._failed = failed

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort them; a test that nobody knows comes last."""
        items.sort(key=lambda item: self._places.get(item.nodeid, len(self._places)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called after each part of a test."""
        if report.failed:
            self._failed.write_text(report.nodeid, encoding="utf-8")


def read_survey(path: Path) -> list[Reach]:
    """What `Survey` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return [Reach(test, seconds, lines) for test, seconds, lines in found]


def tests_for(line: int, source: Path, survey: Sequence[Reach], killers: Sequence[str]) -> list[str]:
    """The tests of a module in the order in which they are likely to notice a fault in this line.

    First those that noticed another fault of the module, the last one first. Then those that come to the function, the
    quickest before the others, file by file. The rest follows, because a test can look at what was made for another
    one: an election in a fixture, say.
    """
    around = _function_around(line, source.read_text(encoding="utf-8"))
    files = {file: place for place, file in enumerate(dict.fromkeys(_file(reach) for reach in survey))}
    proven = {test: place for place, test in enumerate(killers)}

    def order(reach: Reach) -> tuple[bool, int, int, float]:
        lines = reach.lines.get(str(source), ())
        comes = around is None or any(around[0] <= first <= around[1] for first in lines)
        return not comes, -proven.get(reach.test, -1), files[_file(reach)], reach.seconds

    return [reach.test for reach in sorted(survey, key=order)]


def is_in_function(line: int, source: str) -> bool:
    """Whether this line belongs to the body of a function, and not to what runs at import."""
    return _function_around(line, source) is not None


def _file(reach: Reach) -> str:
    return reach.test.partition("::")[0]


def _function_around(line: int, source: str) -> tuple[int, int] | None:
    """First and last line of the outermost function with this line in its body."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line <= (node.end_lineno or 0):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return first, node.end_lineno or 0
    return None
