"""Protocol V4: who checks the chunks of ballots: this process, or several.

`Workers` is what the pass over the ballots asks for. Results come in the order of the chunks; only a few chunks are
taken ahead, so that memory does not depend on their number. A chunk whose process is lost is checked again, a bounded
number of times: a record that kills processes ends in an error, never in a pass.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import NamedTuple, Protocol

from voting.protocol.errors import UnavailableError
from voting.verifier.chunks import Chunk, ChunkChecker, ChunkResult, PassSetup

MAX_ATTEMPTS = 3
"""So often a chunk is begun, if its process is lost."""

_AHEAD = 3
"""Chunks taken for each process: one that it works on, and some that wait."""


class Workers(Protocol):
    """Checks chunks somewhere."""

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        """The results, in the order of the chunks. Raises what checking any of them raised.

        Raises:
            UnavailableError: if a chunk's process was lost `MAX_ATTEMPTS` times.
        """


class ThisProcess:
    """Checks chunks here, one after the other."""

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        """As `Workers.run`."""
        checker = None
        for chunk in chunks:
            checker = checker or ChunkChecker(setup)
            yield checker.check(chunk)


class _Task(NamedTuple):
    chunk: Chunk
    future: Future[ChunkResult]
    attempt: int


class Processes:
    """Checks chunks in several processes of this machine, each with the interpreter's own start (spawn)."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._early: _Pool | None = None

    @contextmanager
    def started(self) -> Iterator[None]:
        """For the `with` block, have the processes start now, while the record is read: it takes them half a second."""
        self._early = _Pool(self._count)
        try:
            self._early.wake()
            yield
        finally:
            if self._early is not None:
                self._early.stop()
                self._early = None

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        """As `Workers.run`."""
        coming = iter(chunks)
        running: deque[_Task] = deque()
        early, self._early = self._early, None
        pool = early or _Pool(self._count)
        try:
            while True:
                while len(running) < self._count * _AHEAD and (chunk := next(coming, None)) is not None:
                    running.append(_Task(chunk, pool.submit(setup, chunk), 1))
                if not running:
                    break
                try:
                    result = running[0].future.result()
                except BrokenProcessPool:
                    pool.stop()
                    pool = _Pool(self._count)
                    running = deque(_begin_again(pool, setup, task) for task in running)
                    continue
                running.popleft()
                yield result
        except BaseException:
            pool.stop()
            raise
        pool.finish()


def _begin_again(pool: _Pool, setup: PassSetup, task: _Task) -> _Task:
    """The task, in a new pool if its process was lost. Raises UnavailableError after `MAX_ATTEMPTS`."""
    if task.future.done() and not isinstance(task.future.exception(), BrokenProcessPool):
        return task
    if task.attempt >= MAX_ATTEMPTS:
        raise UnavailableError(
            f"a process that checked ballots was lost {MAX_ATTEMPTS} times",
            remedy="is there enough memory? Fewer processes need less: --jobs 1",
        )
    return _Task(task.chunk, pool.submit(setup, task.chunk), task.attempt + 1)


class _Pool:
    """Processes that end at once when they are told to, or when this process is gone, whatever they are doing."""

    def __init__(self, count: int) -> None:
        self._count = count
        context = multiprocessing.get_context("spawn")
        self._theirs, self._ours = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            count, mp_context=context, initializer=_start_process, initargs=(self._theirs,)
        )

    def wake(self) -> None:
        """Start all processes."""
        with _interrupts_kept_back(), suppress(BrokenProcessPool):  # a lost one is noticed with the first chunk
            for _ in range(self._count):
                self._executor.submit(int)

    def submit(self, setup: PassSetup, chunk: Chunk) -> Future[ChunkResult]:
        """The result to come."""
        try:
            with _interrupts_kept_back():
                return self._executor.submit(_check_in_process, setup, chunk)
        except BrokenProcessPool as error:
            lost: Future[ChunkResult] = Future()
            lost.set_exception(error)
            return lost

    def finish(self) -> None:
        """Wait for the processes to end."""
        self._executor.shutdown(wait=True)
        self._ours.close()
        self._theirs.close()

    def stop(self) -> None:
        """End the processes now."""
        self._ours.close()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._theirs.close()


def local_workers(jobs: int) -> Workers:
    """So many processes; this one alone for 1."""
    return Processes(jobs) if jobs > 1 else ThisProcess()


_checkers: dict[PassSetup, ChunkChecker] = {}
"""The checker of this process, if it is one of the pool's: it has one record only."""


def _start_process(parent: Connection) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    """End this process when the other end of the connection is closed: its parent wants that, or is gone."""
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    os._exit(1)


def _check_in_process(setup: PassSetup, chunk: Chunk) -> ChunkResult:
    if setup not in _checkers:
        _checkers[setup] = ChunkChecker(setup)
    return _checkers[setup].check(chunk)


@contextmanager
def _interrupts_kept_back() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C: this one alone ends the work, without their tracebacks."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
