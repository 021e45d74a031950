"""Protocol V4e: checking chunks on a Dask cluster (docs/spec/verification.md, docs/adr/0017-dask.md).

A task is a pure function of the election's setup, a chunk, and the chunk's lines from the record's files, which travel
with it: the cluster needs no shared disk, and a worker that is lost costs the chunks it was working on, which Dask
gives to another. Whoever uses a cluster believes its workers, as they believe their own machine.

Dask is an optional extra and is imported only when a cluster is asked for. This module must not import anything of the
board, the booth or the trustee tools.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from voting.protocol.errors import UnavailableError
from voting.verifier.chunks import Chunk, ChunkChecker, ChunkResult, PassSetup
from voting.verifier.load import BODIES, HINTS

_AHEAD = 3
"""Chunks sent for each thread of the cluster: one that it works on, and some that wait."""

_SECONDS_TO_CONNECT = 30
_SECONDS_TO_WAIT = 60
"""So long a cluster may be without any worker."""


class DaskWorkers:
    """Checks chunks on the workers of a cluster, of one thread each at best."""

    def __init__(self, address: str) -> None:
        """Args: `address` of the scheduler, e.g. tcp://10.0.0.1:8786. Raises UnavailableError without Dask."""
        self._address = address
        self._dask = _require("dask")
        self._distributed = _require("distributed")

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        """As `Workers.run`. Only the lines of chunks on their way are in this process's memory."""
        folder = Path(setup.folder)
        anywhere = setup._replace(folder="")
        coming = iter(chunks)
        running: deque[Any] = deque()
        with (
            self._dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}),
            self._connect() as client,
        ):
            try:
                client.wait_for_workers(1, timeout=_SECONDS_TO_WAIT)
                while True:
                    wanted = _AHEAD * max(1, sum(client.nthreads().values()))
                    while len(running) < wanted and (chunk := next(coming, None)) is not None:
                        lines = read_lines(folder, chunk)
                        running.append(client.submit(check_lines, anywhere, chunk, *lines, pure=False))
                    if not running:
                        return
                    yield running.popleft().result()
            except (TimeoutError, OSError) as error:
                raise self._lost(f"has no worker, or was lost ({type(error).__name__})") from None
            except self._distributed.scheduler.KilledWorker:
                raise self._lost("lost several workers on the same ballots") from None
            except self._distributed.client.FutureCancelledError:
                raise self._lost("was lost") from None

    def _connect(self) -> Any:
        try:
            return self._distributed.Client(self._address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise self._lost(f"cannot be reached ({type(error).__name__})") from None

    def _lost(self, problem: str) -> UnavailableError:
        return UnavailableError(
            f"the Dask cluster {problem}",
            where=self._address,
            remedy="start its scheduler and workers, with this version of Urne installed; or leave out --dask",
        )


def read_lines(folder: Path, chunk: Chunk) -> tuple[bytes, bytes | None]:
    """The bytes of a chunk's lines in the files of bodies and of hints. Raises UnavailableError if they are gone."""
    hints = None if chunk.hints is None else _read_part(folder / HINTS, *chunk.hints)
    return _read_part(folder / BODIES, *chunk.bodies), hints


def check_lines(setup: PassSetup, chunk: Chunk, bodies: bytes, hints: bytes | None) -> ChunkResult:
    """Protocol V4e: what a worker does: all checks of V4a on the chunk's ballots. Raises as `ChunkChecker.check`."""
    checker = _checkers.get(setup)
    if checker is None:
        _checkers.clear()
        checker = _checkers[setup] = ChunkChecker(setup)
    return checker.check_lines(chunk, iter(bodies.split(b"\n")), None if hints is None else iter(hints.split(b"\n")))


_checkers: dict[PassSetup, ChunkChecker] = {}
"""The checker of the election that this process works on: its tables are costly."""


def _read_part(path: Path, begin: int, end: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)
    except OSError as error:
        raise UnavailableError(f"cannot be read ({type(error).__name__})", where=path.name) from None


def _require(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnavailableError(
            "Dask is not installed here", where="--dask", remedy="pip install 'urne[dask]', or leave out --dask"
        ) from None
