"""How far the verifier's work is, how fast it goes, and how long it will take yet, on standard error.

Of Urne it imports only the terminal and the catalogue.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voting.terminal import tell
from voting.translations import text as _
from voting.verifier.replay import Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0
_SHORTEST = 0.5
"""Seconds of work before a rate is given."""
_WINDOW = 60.0
_REPORTS_AT_LEAST = 4
"""Kept even if they are older: a chunk may take minutes."""


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A bar on standard error if that is a terminal; else a line every ten seconds."""
    if not sys.stderr.isatty():
        yield line_progress(tell, time.monotonic)
        return
    from rich.console import Console  # slow to import, and not needed otherwise
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}
        pace = Pace(time.monotonic)

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(_(what), total=None, pace="")
            bars.update(tasks[what], completed=done, total=total or None, pace=pace.text(what, done, total))

        yield show


def line_progress(write: Callable[[str], None], clock: Callable[[], float]) -> Progress:
    """A line every ten seconds, and none for what takes less."""
    last = clock()
    pace = Pace(clock)

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        now = clock()
        told = pace.text(what, done, total)
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            line = f"{_(what)} {done}/{total}" if total else f"{_(what)} {done}"
            write(f"{line}, {told}" if told else line)

    return show


class Pace:
    """How many items a second in the last minute, for each kind of work, and the time that is left."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._reports: dict[str, deque[tuple[float, int]]] = {}

    def text(self, what: str, done: int, total: int) -> str:
        """In words; empty as long as nothing can be said."""
        now = self._clock()
        reports = self._reports.setdefault(what, deque())
        if not reports or now - reports[-1][0] >= _SHORTEST:
            reports.append((now, done))
        while now - reports[0][0] > _WINDOW and len(reports) > _REPORTS_AT_LEAST:
            reports.popleft()
        began, first = reports[0]
        if now - began < _SHORTEST or done <= first:
            return ""
        rate = (done - first) / (now - began)
        shown = f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
        if done >= total:
            return _("{rate} a second", rate=shown)
        return _("{rate} a second, {time} left", rate=shown, time=_duration((total - done) / rate))


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds, as clocks show them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
