"""Gives inputs to targets, in a process of its own with a limit of time and memory, and collects the faults.

A fault is an exception that is none of Urne's own, an input that takes too long, one that needs too much memory, or the
end of the process. The number of the input is written into shared memory first, so that it is known even then.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import pickle
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, NamedTuple

from tests.fuzz.target import Target
from voting.protocol.errors import UrneError

MEMORY = 1_500_000_000
"""Bytes of address space that the inputs may take beyond what the process has at its beginning."""
SILENCE = 90.0
"""Seconds after which a process that does not come to its next input is ended."""
_PLACE = struct.Struct("<II")


class TooSlow(BaseException):
    """Raised inside whatever takes too long. Not an `Exception`, so that nobody catches it."""


class Fault(NamedTuple):
    """What came out instead of an answer."""

    target: str
    number: int
    what: str
    trace: str
    data: bytes

    @property
    def kind(self) -> tuple[str, str]:
        """Faults of one kind are reported once."""
        return self.target, self.what


def give(target: Target, number: int, seed: int) -> Fault | None:
    """Give one input. None if the answer was one of ours."""
    data = target.input(seed, number)
    started = time.process_time()
    try:
        with _at_most(target.seconds):
            target.take(data)
    except UrneError as error:
        if found := _in_the_answer(error):
            return Fault(target.name, number, found, "", data)
    except TooSlow:
        return Fault(target.name, number, f"took more than {target.seconds:g} s", traceback.format_exc(limit=-4), data)
    except MemoryError:
        return Fault(target.name, number, "took too much memory", traceback.format_exc(limit=-4), data)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} in {Path(where.filename).name}, {where.name}"
        return Fault(target.name, number, what, traceback.format_exc(limit=-6), data)
    spent = time.process_time() - started
    return Fault(target.name, number, f"took {spent:.1f} s", "", data) if spent > 2 * target.seconds else None


def _in_the_answer(error: UrneError) -> str:
    """An answer must be printable wherever it goes, and short."""
    text = str(error)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "has an answer that is no Unicode text"
    return "has an answer of more than 100000 characters" if len(text) > 100_000 else ""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` after so many seconds of the processor."""

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Tally(NamedTuple):
    """How much was done."""

    inputs: int
    faults: Sequence[Fault]
    peak: int
    """Most memory of the process, in MB."""


def run(
    make_targets: Callable[[Path], Sequence[Target]],
    *,
    seed: int,
    seconds: float,
    rounds: int | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Tally:
    """Give inputs until the time is over or `rounds` are done; each round goes once around all targets.

    A process that dies is begun again behind the input at which it died.
    """
    end = time.monotonic() + seconds
    faults: list[Fault] = []
    inputs = peak = begin = 0
    while True:
        worker = _Worker(make_targets, seed, begin, end, rounds)
        done = worker.watch(faults, say)
        inputs, peak = inputs + done.inputs, max(peak, done.peak)
        if not worker.died or time.monotonic() > end:
            return Tally(inputs, faults, peak)
        begin = worker.round + 1


class _Worker:
    """One process that gives inputs, and this side of the pipe from it."""

    def __init__(
        self, make_targets: Callable[[Path], Sequence[Target]], seed: int, begin: int, end: float, rounds: int | None
    ) -> None:
        self.died = False
        self._seed, self._begin, self._end, self._rounds = seed, begin, end, rounds
        self._make_targets = make_targets
        self._place = mmap.mmap(-1, _PLACE.size)
        self._pipe, write = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            code = 1
            try:
                os.close(self._pipe)
                with os.fdopen(write, "wb", buffering=0) as pipe:
                    self._work(pipe)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(write)

    @property
    def round(self) -> int:
        """The round in which it is, or ended."""
        return int(_PLACE.unpack(self._place[:])[0])

    def watch(self, faults: list[Fault], say: Callable[[str], None]) -> Tally:
        """Collect its faults until it ends."""
        inputs = peak = 0
        seen: tuple[int, int] = (-1, -1)
        changed = time.monotonic()
        kinds = {fault.kind for fault in faults}
        with os.fdopen(self._pipe, "rb") as pipe:
            while True:
                ready, _, _ = select.select([pipe], [], [], 1.0)
                if ready:
                    try:
                        message = pickle.load(pipe)  # noqa: S301 -- from our own child
                    except EOFError:
                        break
                    if isinstance(message, tuple) and len(message) == 2:
                        inputs, peak = message
                    elif message.kind not in kinds:
                        kinds.add(message.kind)
                        faults.append(message)
                        say(f"{message.target}: {message.what} (input {message.number})")
                now = _PLACE.unpack(self._place[:])
                if now != seen:
                    seen, changed = now, time.monotonic()
                elif time.monotonic() - changed > SILENCE:
                    os.kill(self._child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        if status != 0:
            self.died = True
            number, place = seen
            what = f"ended the process ({status})"
            faults.append(Fault(f"target {place}", number, what, "", b""))
            say(f"target {place}: {what} (input {number})")
        return Tally(inputs, (), peak)

    def _work(self, pipe: IO[bytes]) -> None:
        logging.disable(logging.CRITICAL)
        with tempfile.TemporaryDirectory(prefix="urne-fuzz-") as folder:
            targets = self._make_targets(Path(folder))
            limit = _memory_now() + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            number = self._begin
            inputs, said = 0, 0.0
            while time.monotonic() < self._end and (self._rounds is None or number < self._begin + self._rounds):
                for place, target in enumerate(targets):
                    for turn in range(target.share):
                        self._place[:] = _PLACE.pack(number, place)
                        fault = give(target, number * target.share + turn, self._seed)
                        inputs += 1
                        if fault is not None:
                            pickle.dump(fault, pipe)
                    if time.monotonic() > self._end:
                        break
                number += 1
                if time.monotonic() > said + 1:
                    said = time.monotonic()
                    gc.collect()
                    pickle.dump((inputs, _peak()), pipe)
            pickle.dump((inputs, _peak()), pipe)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _memory_now() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
