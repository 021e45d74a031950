"""The records that measurements are made on are sound, and the measure of memory sees what it should."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import make_record as maker
from benchmarks import memory
from benchmarks.make_record import make_record
from benchmarks.memory import peak_memory
from voting.verifier.load import open_record
from voting.verifier.verify import verify_record

BALLOTS = 47


def make(cache: Path, ballots: int = BALLOTS) -> Path:
    return make_record(ballots, group="toy-512", choices=3, cache=cache, jobs=1)


def test_a_record_is_sound_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "PART", 20)
    folder = make(tmp_path)
    with open_record(folder) as source:
        report = verify_record(source, allow_toy=True)
        assert report.exit_code == 0
        assert (report.ballots, report.counted) == (BALLOTS, BALLOTS - 2), "some vote twice"
        ballots = [hint for hint in source.hints() if hint]
        assert len(ballots) == BALLOTS, "every ballot has its hints"
    assert [path.name for path in tmp_path.iterdir()] == [folder.name], "nothing else is left"
    before = (folder / "headers.jsonl").stat()
    assert make(tmp_path) == folder
    assert (folder / "headers.jsonl").stat() == before


def test_parts_of_a_run_that_was_stopped_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "PART", 20)
    write = maker._Maker.write

    def stopped(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(maker._Maker, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path)
    parts = next(path for path in tmp_path.iterdir() if path.suffix == ".parts")
    names = sorted(path.name for path in parts.iterdir())
    assert names == ["000000000", "000000020", "000000040"]
    (parts / names[1]).unlink()
    times = {name: (parts / name).stat().st_mtime_ns for name in (names[0], names[2])}

    def checked(*arguments: object) -> None:
        assert {name: (parts / name).stat().st_mtime_ns for name in times} == times
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(maker._Maker, "write", checked)
    with open_record(make(tmp_path)) as source:
        assert verify_record(source, allow_toy=True).exit_code == 0


def test_memory_is_that_of_parent_and_child() -> None:
    child = "import time; x = bytearray(90_000_000); time.sleep(0.3)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); sys.exit(7)"
    peak = peak_memory([sys.executable, "-c", program])
    assert peak.exit_code == 7
    assert 0 < peak.parent < 80 < peak.child < 200
    assert peak.seconds > 0.3


def test_the_table_has_a_row_for_each_size_and_number_of_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    choices = ["--group", "toy-512", "--choices", "3", "--cache", str(tmp_path), "--sizes", str(BALLOTS)]
    memory.main([*choices, "--jobs", "1", "2", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert [(row["ballots"], row["jobs"]) for row in rows] == [(BALLOTS, 1), (BALLOTS, 2)]
    assert all(20 < row["parent"] < 300 for row in rows)
