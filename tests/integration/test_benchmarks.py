"""The table of speeds, on a small record: what it measures and how it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.make_record import make_record
from benchmarks.speed import (
    Lines,
    PeerRow,
    RunRow,
    Time,
    check_in_batches,
    fit_line,
    measure_batches,
    read_ballots,
    table,
    timed,
)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    folder = make_record(12, group="toy-512", choices=3, cache=tmp_path_factory.mktemp("cache"), jobs=1)
    return read_ballots(folder, 10, allow_toy=True)


def test_the_fitted_line_is_the_line() -> None:
    slope, intercept = fit_line([(10, 25.0), (100, 205.0), (1000, 2005.0)])
    assert (round(slope, 9), round(intercept, 9)) == (2.0, 5.0)


def test_batches_are_measured_with_every_check_made(lines: Lines) -> None:
    assert len(lines.ballots) == 10
    rows = measure_batches("toy-512", lines, 2)
    assert [row.work for row in rows] == ["plain", "batch of 1", "batch of 10"]
    assert all(row.per_choice.processor > 0 and row.times_plain > 0 for row in rows)
    spoiled = Lines(lines.context, ((lines.ballots[0][0].replace(b'"signature":"', b'"signature":"A', 1), b""),))
    with pytest.raises(Exception, match=r"refused|base64|bytes long"):
        check_in_batches(spoiled, 1)


def test_the_table_is_whole(lines: Lines) -> None:
    row = measure_batches("toy-512", lines, 1)[0]
    found = {
        "machine": {"processor": "x", "cores": 2, "python": "3", "load": 0.5, "time": "now"},
        "peers": [PeerRow("a peer", 4.0, "toy-512", 0.5, 8.0, (8.0,))._asdict()],
        "missing": ["another peer is not here"],
        "batches": [row._asdict() | {"per_choice": row.per_choice._asdict()}],
        "runs": [RunRow(10, 3, 1, 1.0, 2.0, 50.0)._asdict()],
        "two_processes": 1.9,
        "choices": [{"choices": 3, "per_ballot": 1.5}],
        "fits": [{"against": "ballots", "slope": 4.5, "intercept": 20.0, "unit": "ms a ballot"}],
    }
    text = table(found)
    for part in ("| a peer | 4.00 |", "| 8.0 |", "another peer is not here", "| 10 | 1 | 1.0 | 2.0 | 50 |", "4.500 ms"):
        assert part in text


def test_time_is_divided() -> None:
    assert Time(10.0, 20.0).over(10) == Time(1.0, 2.0)
    assert timed(lambda: None).processor >= 0


def test_records_are_made_once(tmp_path: Path) -> None:
    first = make_record(3, group="toy-512", choices=2, cache=tmp_path, jobs=1)
    before = (first / "checkpoint").stat().st_mtime_ns
    assert make_record(3, group="toy-512", choices=2, cache=tmp_path, jobs=1) == first
    assert (first / "checkpoint").stat().st_mtime_ns == before
