"""How far the verifier's work is, on standard error. Of Urne it imports only the terminal and the catalogue."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voting.terminal import tell
from voting.translations import text as _
from voting.verifier.replay import Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A bar on standard error if that is a terminal; else a line every ten seconds."""
    if not sys.stderr.isatty():
        yield _line_progress()
        return
    from rich.console import Console  # slow to import, and not needed otherwise
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(_(what), total=None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield show


def _line_progress() -> Progress:
    last = time.monotonic()

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            tell(f"{_(what)} {done}/{total}" if total else f"{_(what)} {done}")

    return show
