"""Work on many items on a Dask cluster, with the results in the order of the items (docs/adr/0017-dask.md).

As `voting.parallel`, on other machines: an item travels with its task, so the cluster needs no shared disk, and a
worker that is lost costs the items it was working on, which Dask gives to another. Whoever uses a cluster believes its
workers, as they believe their own machine.

Dask is an optional extra and is imported only when a cluster is asked for. This module must not import anything of
Urne but its errors.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from voting.protocol.errors import UnavailableError

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 3
"""Items sent for each thread of the cluster: one that it works on, and some that wait."""

_SECONDS_TO_CONNECT = 30
_SECONDS_TO_WAIT = 60
"""So long a cluster may be without any worker."""


class Cluster:
    """A cluster of workers, of one thread each at best."""

    def __init__(self, address: str) -> None:
        """Args: `address` of the scheduler, e.g. tcp://10.0.0.1:8786. Raises UnavailableError without Dask."""
        self._address = address
        self._dask = _require("dask")
        self._distributed = _require("distributed")

    def map_in_order(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The results of `work` on each item, in order. Only items on their way are in this process's memory.

        Args:
            work: a function of a module, or a `partial` of one: pure, since a lost worker's items are begun again.

        Raises:
            UnavailableError: if the cluster cannot be reached, or is lost.
        """
        coming = iter(items)
        running: deque[Any] = deque()
        with (
            self._dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}),
            self._connect() as client,
        ):
            try:
                client.wait_for_workers(1, timeout=_SECONDS_TO_WAIT)
                while True:
                    wanted = _AHEAD * max(1, sum(client.nthreads().values()))
                    while len(running) < wanted:
                        try:
                            item = next(coming)
                        except StopIteration:
                            break
                        running.append(client.submit(work, item, pure=False))
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


def _require(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnavailableError(
            "Dask is not installed here", where="--dask", remedy="pip install 'urne[dask]', or leave out --dask"
        ) from None
