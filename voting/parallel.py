"""Work on many items in several processes of this machine, with the results in the order of the items.

Only a few items are taken ahead, so that memory does not depend on their number. Processes are started afresh (spawn):
they inherit nothing of this one's memory, so no secret either. This module must not import anything of Urne but its
errors.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import Protocol, TypeVar

from voting.protocol.errors import UnavailableError

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2
"""Items taken for each process: one that it works on, and one that waits."""


class MapInOrder(Protocol):
    """Does work on each item, somewhere; the results come in the order of the items."""

    def __call__(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """As `map_in_order`."""


def in_processes(jobs: int) -> MapInOrder:
    """`map_in_order` with so many processes."""
    return partial(map_in_order, jobs=jobs)


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def map_in_order(work: Callable[[T], R], items: Iterable[T], jobs: int = 1) -> Iterator[R]:
    """The results of `work` on each item, in order; with one job in this process.

    Args:
        work: a function of a module, or a `partial` of one: it is sent to the processes.
        jobs: how many processes.

    Raises:
        UnavailableError: if a process is lost.
    """
    if jobs <= 1:
        yield from map(work, items)
        return
    coming = iter(items)
    running: deque[Future[R]] = deque()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_ignore_interrupts) as pool:
        try:
            while True:
                running.extend(pool.submit(work, item) for item in islice(coming, _AHEAD * jobs - len(running)))
                if not running:
                    return
                yield running.popleft().result()
        except BrokenProcessPool:
            raise UnavailableError(
                "a process was lost", remedy="is there enough memory? Fewer processes need less: --jobs 1"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes
