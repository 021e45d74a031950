"""Protocol V4e: checking chunks on a Dask cluster (docs/spec/verification.md, docs/adr/0017-dask.md).

A task is a pure function of the election's setup, a chunk, and the chunk's lines from the record's files, which travel
with it. This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from voting.cluster import Cluster
from voting.protocol.errors import UnavailableError
from voting.verifier.chunks import Chunk, ChunkChecker, ChunkResult, PassSetup
from voting.verifier.load import BODIES, HINTS


class ChunkLines(NamedTuple):
    """A chunk, and the bytes of its lines in the files of bodies and of hints."""

    chunk: Chunk
    bodies: bytes
    hints: bytes | None


class DaskWorkers:
    """Checks chunks on the workers of a cluster."""

    def __init__(self, address: str) -> None:
        """Args: `address` of the scheduler, e.g. tcp://10.0.0.1:8786. Raises UnavailableError without Dask."""
        self._cluster = Cluster(address)

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        """As `Workers.run`. Only the lines of chunks on their way are in this process's memory."""
        folder = Path(setup.folder)
        work = partial(check_lines, setup._replace(folder=""))
        return self._cluster.map_in_order(work, (read_lines(folder, chunk) for chunk in chunks))


def read_lines(folder: Path, chunk: Chunk) -> ChunkLines:
    """The bytes of a chunk's lines. Raises UnavailableError if they are gone."""
    hints = None if chunk.hints is None else _read_part(folder / HINTS, *chunk.hints)
    return ChunkLines(chunk, _read_part(folder / BODIES, *chunk.bodies), hints)


def check_lines(setup: PassSetup, lines: ChunkLines) -> ChunkResult:
    """Protocol V4e: what a worker does: all checks of V4a on the chunk's ballots. Raises as `ChunkChecker.check`."""
    checker = _checkers.get(setup)
    if checker is None:
        _checkers.clear()
        checker = _checkers[setup] = ChunkChecker(setup)
    chunk, bodies, hints = lines
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
