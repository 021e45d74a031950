"""The record of an election, downloaded from its page: made once for many, and good."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from flask.testing import FlaskClient

from bulletin_board.export import export_record
from bulletin_board.reader import BoardReader
from tests.simulators.posted import PublicSiteSimulator
from tests.simulators.record import sample_election
from voting.booth.downloads import LEAST_SECONDS, RecordCache
from voting.election.steps import give_notice
from voting.verifier.load import open_record
from voting.verifier.verify import verify_record


class Fetched(NamedTuple):
    """An answer, read."""

    status: int
    data: bytes
    headers: dict[str, str]


def fetched(client: FlaskClient, path: str, **headers: str) -> Fetched:
    """A download, read to its end and closed."""
    with client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()}) as answer:
        return Fetched(answer.status_code, answer.data, dict(answer.headers))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A site with a finished election."""
    with PublicSiteSimulator(tmp_path_factory.mktemp("public")) as site:
        site.host("published", sample_election(lenient=True, seed=6))
        yield site.app.test_client()


def test_the_record_can_be_downloaded_and_verifies(client: FlaskClient, tmp_path: Path) -> None:
    answer = fetched(client, "/e/published/record.zip")
    assert answer.headers["Content-Type"] == "application/zip"
    assert "filename=published-record.zip" in answer.headers["Content-Disposition"]
    path = tmp_path / "record.zip"
    path.write_bytes(answer.data)
    assert set(zipfile.ZipFile(path).namelist()) >= {"headers.jsonl", "bodies.jsonl", "checkpoint"}
    with open_record(path) as source:
        assert verify_record(source, allow_toy=True, jobs=1).exit_code == 0
    again = fetched(client, "/e/published/record.zip", If_None_Match=answer.headers["ETag"])
    assert again.status == 304
    part = fetched(client, "/e/published/record.zip", Range="bytes=0-3")
    assert part.status == 206
    assert part.data == answer.data[:4]


def test_a_record_is_not_made_again_for_every_ballot(tmp_path: Path) -> None:
    simulator = sample_election(until="open", lenient=True)
    seconds = [0.0]
    cache = RecordCache(tmp_path / "cache", clock=lambda: seconds[0])
    with PublicSiteSimulator(tmp_path) as site:
        hosted = site.host("club", simulator)
        with hosted.reader() as board:
            first = cache.record("club", board)
            assert cache.record("club", board) == first
        for number in (1, 2, 3):
            hosted.act(lambda record, key, time, n=number: give_notice(record, key, f"Notice {n}", time))  # type: ignore[misc]
            with hosted.reader() as board:
                assert cache.record("club", board) == first, "too soon"
            seconds[0] += LEAST_SECONDS + 1
            with hosted.reader() as board:
                second = cache.record("club", board)
            assert second.path != first.path
            assert second.path.is_file()
            first = second
        assert len(list((tmp_path / "cache" / "club").iterdir())) == 2


def test_nobody_waits_long_for_the_first_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.booth.downloads.WAIT_SECONDS", 0.05)
    begun, goes_on = threading.Event(), threading.Event()

    def slow(board: BoardReader, target: Path) -> int:
        begun.set()
        assert goes_on.wait(10)
        return export_record(board, target)

    monkeypatch.setattr("voting.booth.downloads.export_record", slow)
    with PublicSiteSimulator(tmp_path) as site, ThreadPoolExecutor() as pool:
        site.host("club", sample_election(until="defined"))
        first = pool.submit(fetched, site.app.test_client(), "/e/club/record.zip")
        assert begun.wait(10)
        second = fetched(site.app.test_client(), "/e/club/record.zip")
        goes_on.set()
        assert second.status == 503
        assert first.result().status == 200


def test_a_lost_record_is_made_again(tmp_path: Path) -> None:
    with PublicSiteSimulator(tmp_path) as site:
        site.host("club", sample_election(until="defined"))
        client = site.app.test_client()
        first = fetched(client, "/e/club/record.zip").data
        for file in (tmp_path / "cache" / "club").iterdir():
            file.unlink()
        assert fetched(client, "/e/club/record.zip").data == first
