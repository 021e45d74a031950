"""`urne-verify --dask`: the same results from a cluster of two workers, also if one of them is killed midway."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.simulators.record import sample_election, write_record
from voting.cluster import Cluster as OwnCluster
from voting.election import tally
from voting.election.tally import tally_ballots
from voting.protocol.entries import parse_body
from voting.protocol.errors import UnavailableError
from voting.verifier import ballot_pass
from voting.verifier.chunks import Chunk, ChunkResult, PassSetup
from voting.verifier.dask_workers import DaskWorkers
from voting.verifier.load import open_record
from voting.verifier.replay import replay_record
from voting.verifier.workers import ThisProcess

ROOT = Path(__file__).resolve().parents[2]

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed: pip install 'urne[dask]'"
)
# Dask's own threads and sockets may end after the test that started them.
pytestmark = pytest.mark.filterwarnings("ignore")


class Cluster(NamedTuple):
    """A scheduler and two workers, each a process of its own."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    file = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(*command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", *command, "--scheduler-file", str(file)],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    local = ("--host", "127.0.0.1", "--no-dashboard")
    processes = [start("distributed.cli.dask_scheduler", "--port", "0", *local)]
    try:
        give_up = time.monotonic() + 60
        while not file.exists() or not file.read_text().endswith("}"):
            assert time.monotonic() < give_up, "the scheduler did not start"
            time.sleep(0.1)
        address = str(json.loads(file.read_text())["address"])
        for _ in range(2):
            processes.append(start("distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", *local))
        yield Cluster(address, processes[1:])
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_record(sample_election().board.entries, tmp_path_factory.mktemp("dask") / "record")


class Work(NamedTuple):
    """What a pass over the record asks of its workers, and what this process makes of it."""

    setup: PassSetup
    chunks: list[Chunk]
    expected: list[ChunkResult]


def comparable(result: ChunkResult) -> ChunkResult:
    """Without the times."""
    return result._replace(microseconds={})


@pytest.fixture
def work(record: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    monkeypatch.setattr(ballot_pass, "MAX_CHUNK", 1)
    seen: list[tuple[PassSetup, list[Chunk]]] = []

    class Watching(ThisProcess):
        def run(self, setup: PassSetup, chunks: Any) -> Iterator[ChunkResult]:
            taken = list(chunks)
            seen.append((setup, taken))
            return super().run(setup, taken)

    with open_record(record) as source:
        ballot_pass.check_all_ballots(source, replay_record(source, allow_toy=True), jobs=1, workers=Watching())
    setup, chunks = seen[0]
    return Work(setup, chunks, [comparable(result) for result in ThisProcess().run(setup, chunks)])


@needs_dask
def test_a_cluster_gives_what_this_process_gives_though_a_worker_is_killed(cluster: Cluster, work: Work) -> None:
    again = 40
    chunks = [chunk for some in repeat(work.chunks, again) for chunk in some]
    killed = False
    results = []
    for result in DaskWorkers(cluster.address).run(work.setup, chunks):
        results.append(comparable(result))
        if not killed and len(results) == len(work.chunks):
            cluster.workers[0].send_signal(signal.SIGKILL)
            cluster.workers[0].wait()
            killed = True
    assert killed
    assert results == work.expected * again


@needs_dask
def test_the_command_verifies_on_a_cluster(cluster: Cluster, record: Path) -> None:
    command = [sys.executable, "-m", "voting.verifier.cli", "--json", "--allow-toy-group", str(record)]
    done = subprocess.run([*command, "--dask", cluster.address], capture_output=True, text=True, cwd=ROOT, timeout=120)
    alone = subprocess.run([*command, "--jobs", "1"], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (done.returncode, alone.returncode) == (0, 0), done.stderr

    def statuses(text: str) -> list[tuple[str, str, int]]:
        return [(check["id"], check["status"], check["passed"]) for check in json.loads(text)["checks"]]

    assert statuses(done.stdout) == statuses(alone.stdout)


@needs_dask
def test_the_tally_is_the_same_on_a_cluster_though_a_worker_is_killed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "MEMBERSHIP_CHUNK", 1)
    election = sample_election()
    group, shape = election.record.group, election.manifest.shape
    bodies = [election.board.entries[ballot.seq].body for ballot in election.record.ballots]
    counted = [(parse_body("ballot.cast", body, what="ballot").content, 3) for body in bodies] * 20
    taken = 0

    def killing(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        nonlocal taken
        for result in OwnCluster(cluster.address).map_in_order(work, items):
            taken += 1
            if taken == len(bodies):
                cluster.workers[0].send_signal(signal.SIGKILL)
                cluster.workers[0].wait()
            yield result

    assert tally_ballots(group, shape, counted, run=killing) == tally_ballots(group, shape, counted)
    assert taken == len(counted)


@needs_dask
def test_a_cluster_that_is_not_there_is_said_to_be(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.cluster._SECONDS_TO_CONNECT", 1)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        list(DaskWorkers("tcp://127.0.0.1:9").run(work.setup, work.chunks))


def test_without_dask_the_command_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name in ("dask", "distributed"):
            raise builtins.ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UnavailableError, match="Dask is not installed") as caught:
        DaskWorkers("tcp://127.0.0.1:9")
    assert "urne[dask]" in str(caught.value.remedy)
