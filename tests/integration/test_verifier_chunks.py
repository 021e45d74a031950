"""The verifier's pass over the ballots: in files instead of memory, after lost processes, and after an interruption."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.record import ADA, GRACE, SampleElection, parts_of, rechain, sample_election, write_record
from voting.protocol.encoding import decode, encode
from voting.protocol.errors import UnavailableError, UsageError
from voting.verifier import ballot_pass, fingerprints, kept_chunks, spill, workers
from voting.verifier import verify as verify_module
from voting.verifier.ballot_pass import BallotPass, check_all_ballots
from voting.verifier.chunks import Chunk, ChunkChecker, ChunkResult, PassSetup
from voting.verifier.fingerprints import FINGERPRINT_BYTES, Fingerprints
from voting.verifier.kept_chunks import KEY_BYTES, KeptChunks, Resuming, open_kept, own_key
from voting.verifier.load import open_record
from voting.verifier.progress import Pace, line_progress
from voting.verifier.replay import replay_record
from voting.verifier.report import Report, Verdict
from voting.verifier.report_text import report_lines
from voting.verifier.verify import verify_record
from voting.verifier.workers import Processes, ThisProcess, Workers

KEY = bytes(KEY_BYTES)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _one_ballot_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    monkeypatch.setattr(ballot_pass, "MAX_CHUNK", 1)


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


@pytest.fixture
def record(election: SampleElection, tmp_path: Path) -> Path:
    return write_record(election.board.entries, tmp_path / "record")


def verify(folder: Path, **options: Any) -> Report:
    with open_record(folder) as source:
        return verify_record(source, allow_toy=True, **options)


def without_times(report: Report) -> str:
    return re.sub(r" +\d+\.\d s$", "", "\n".join(report_lines(report, "en", everything=True)), flags=re.MULTILINE)


def pass_over(folder: Path, workers: Workers) -> BallotPass:
    with open_record(folder) as source:
        return check_all_ballots(source, replay_record(source, allow_toy=True), jobs=1, workers=workers)


# -- in files ----------------------------------------------------------------------------------------------------------


def with_faults(kind: str) -> SampleElection:
    """An election that lets everything in, with copied ballots, bad signatures, or ballots that are no ballots."""
    election = sample_election(until="open", lenient=True)
    first, second, third = election.voters
    ballot = election.encrypt(first, [ADA])
    election.board.append("ballot.cast", ballot.body, ballot.hints)
    if kind == "copies":
        other = election.encrypt(second, [GRACE]).body
        stolen = re.findall(rb'"ciphertexts":\[.*?\]', ballot.body)[0]
        election.board.append("ballot.cast", re.sub(rb'"ciphertexts":\[.*?\]', lambda _: stolen, other), None)
        own = election.encrypt(third, [GRACE]).body
        twice = re.sub(rb'(\{"alpha":"[^}]*\}),\{"alpha":"[^}]*\}', rb"\1,\1", own, count=1)
        election.board.append("ballot.cast", twice, None)
    elif kind == "signatures":
        for voter in (second, third):
            body = election.encrypt(voter, [GRACE]).body
            election.board.append("ballot.cast", body[:-3] + (b'A"}' if body[-3:-2] != b"A" else b'Q"}'), None)
    elif kind == "out of place":
        election.board.append("ballot.cast", ballot.body.replace(b"A", b"B", 1), ballot.hints)
        entry = election.board.entries[1]
        election.board.force(entry.header.type, entry.body)
        election.board.force("ballot.cast", ballot.body)
    election.vote(third, [ADA])
    election.finish()
    return election


@pytest.mark.parametrize("kind", ["none", "copies", "signatures", "out of place"])
def test_files_and_memory_give_the_same_report(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_record(with_faults(kind).board.entries, tmp_path / "record")
    in_memory = verify(folder)
    spilled: list[int] = []
    original = spill.SpillingStorage._write

    def watched(storage: spill.SpillingStorage, position: int, data: bytes) -> None:
        spilled.append(len(data))
        original(storage, position, data)

    monkeypatch.setattr(spill.SpillingStorage, "_write", watched)
    monkeypatch.setattr(spill, "SPILL_BYTES", 0)
    monkeypatch.setattr(fingerprints, "RUN_ROWS", 3)
    in_files = verify(folder)
    assert spilled
    assert without_times(in_files) == without_times(in_memory)
    assert in_files.exit_code == (0 if kind == "none" else 1)


def test_a_small_record_needs_no_file(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a file was made")

    monkeypatch.setattr("voting.verifier.spill.tempfile.TemporaryFile", refused)
    assert verify(record).exit_code == 0


def test_memory_does_not_grow_with_the_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "RUN_ROWS", 1000)
    prints = Fingerprints()
    tracemalloc.start()
    try:
        sizes = []
        for ballot in range(12_000):
            prints.add(ballot, hashlib.shake_128(b"%d" % (ballot % 11_999)).digest(2 * FINGERPRINT_BYTES))
            if ballot in (6_000, 12_000 - 1):
                sizes.append(tracemalloc.get_traced_memory()[0])
        assert prints.repetitions(lambda ballot: ballot) == [(0, 11_999)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 100_000, "12,000 fingerprints more are 288 kB in the file"
    assert peak < 3_000_000, "nor are they all there at the end"


def test_a_full_disk_is_an_error_and_never_a_pass(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("voting.verifier.spill.tempfile.TemporaryFile", full)
    monkeypatch.setattr(fingerprints, "RUN_ROWS", 3)
    report = verify(record)
    assert report.exit_code == 3
    assert any("No space left on device" in check.reason for check in report.checks)
    monkeypatch.setattr(spill, "SPILL_BYTES", 0)
    with pytest.raises(UnavailableError, match="No space left on device"):
        verify(record)


def test_a_chunk_has_no_more_bytes_than_allowed(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_pass, "MAX_CHUNK", 1000)
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1000)
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=True)
        assert [len(chunk.ballots) for chunk in ballot_pass.plan_chunks(source, replay, 1)] == [4]
        lines = list(replay.lines.since(0))
        two = sum(line.body_end - line.body_start + line.hint_end - line.hint_start for line in lines[:2])
        monkeypatch.setattr(ballot_pass, "MAX_CHUNK_BYTES", two)
        chunks = list(ballot_pass.plan_chunks(source, replay, 1))
        assert [(chunk.number, chunk.first, len(chunk.ballots)) for chunk in chunks] == [(0, 0, 2), (1, 2, 2)]
        monkeypatch.setattr(ballot_pass, "MAX_CHUNK_BYTES", 1)
        assert [len(chunk.ballots) for chunk in ballot_pass.plan_chunks(source, replay, 1)] == [1, 1, 1, 1]


def test_a_chunk_names_the_bytes_of_its_lines(record: Path) -> None:
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=True)
        bodies = (record / "bodies.jsonl").read_bytes()
        hints = (record / "hints.jsonl").read_bytes()
        for chunk in ballot_pass.plan_chunks(source, replay, 1):
            entry = next(source.entries(chunk.ballots[0].seq))
            assert bodies[slice(*chunk.bodies)] == entry.body_bytes + b"\n"
            assert chunk.hints is not None
            assert hints[slice(*chunk.hints)] == (entry.hint_bytes or b"") + b"\n"


# -- lost processes ----------------------------------------------------------------------------------------------------


class DyingOnce(ChunkChecker):
    """The first process that comes to the second chunk is killed, as if there were no memory left."""

    def check(self, chunk: Chunk) -> ChunkResult:
        if chunk.number == 1:
            with suppress(FileNotFoundError):
                self._folder.with_name("to-be-killed").unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().check(chunk)


def start_dying_once(_parent: object) -> None:
    vars(workers)["ChunkChecker"] = DyingOnce


def test_a_lost_process_costs_its_chunk_only(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = record.with_name("to-be-killed")
    mark.touch()
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    monkeypatch.setattr(workers, "_start_process", start_dying_once)
    done = pass_over(record, Processes(2))
    assert not mark.exists()
    assert (done.ballots, done.missing, done.error) == (4, 0, "")
    assert done.tally == pass_over(record, ThisProcess()).tally


def test_processes_that_started_early_do_the_same(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    early = Processes(2)
    with early.started():
        done = pass_over(record, early)
    assert done == replace(pass_over(record, ThisProcess()), seconds=done.seconds)
    with pytest.raises(RuntimeError, match="stopped"), Processes(2).started():  # unused: they end with the block
        raise RuntimeError("stopped")
    assert not multiprocessing.active_children()


def test_a_long_record_has_its_processes_started_early(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Noted(Processes):
        @contextmanager
        def started(self) -> Iterator[None]:
            started.append(1)
            with super().started():
                yield

    monkeypatch.setattr(verify_module, "Processes", Noted)
    monkeypatch.setattr(ballot_pass, "MIN_CHUNK", 1)
    expected = verify(record, jobs=2)
    assert not started
    monkeypatch.setattr(verify_module, "MANY_BYTES", 1)
    report = verify(record, jobs=2)
    assert report.verdict is expected.verdict is not Verdict.NOT_CHECKED
    assert started == [1]


# -- interrupted runs --------------------------------------------------------------------------------------------------


class OneByOne:
    """Checks chunks here, notes which, and is stopped after some."""

    def __init__(self, after: int = 1000) -> None:
        self.checked: list[int] = []
        self._after = after

    def run(self, setup: PassSetup, chunks: Iterable[Chunk]) -> Iterator[ChunkResult]:
        checker = ChunkChecker(setup)
        for chunk in chunks:
            if len(self.checked) == self._after:
                raise KeyboardInterrupt
            self.checked.append(chunk.number)
            yield checker.check(chunk)


def run_once(folder: Path, file: Path, after: int = 1000, key: bytes = KEY) -> tuple[list[int], KeptChunks]:
    """One run that keeps what it finds out: the chunks that it checked."""
    inner = OneByOne(after)
    with open_kept(file, key) as kept:
        try:
            done = pass_over(folder, Resuming(inner, kept))
        except KeyboardInterrupt:
            return inner.checked, kept
        assert (done.ballots, done.missing, done.error, done.findings) == (4, 0, "", {})
        assert done.tally == pass_over(folder, ThisProcess()).tally
    return inner.checked, kept


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_a_run_that_was_stopped_goes_on(record: Path, file: Path) -> None:
    assert run_once(record, file, after=2)[0] == [0, 1]
    assert run_once(record, file, after=1)[0] == [2]
    checked, kept = run_once(record, file)
    assert (checked, kept.used, kept.ignored) == ([3], 3, 0)
    assert not file.exists(), "nothing is left to go on with"
    assert file.parent.exists()


def test_faults_are_kept_too(tmp_path: Path, file: Path) -> None:
    folder = write_record(with_faults("signatures").board.entries, tmp_path / "record")
    whole = pass_over(folder, ThisProcess())
    assert whole.findings
    with open_kept(file, KEY) as kept, suppress(KeyboardInterrupt):
        pass_over(folder, Resuming(OneByOne(3), kept))
    inner = OneByOne()
    with open_kept(file, KEY) as kept:
        done = pass_over(folder, Resuming(inner, kept))
    assert inner.checked == [3]
    assert (done.findings, done.unchecked, done.tally) == (whole.findings, whole.unchecked, whole.tally)


def test_a_changed_record_is_checked_again_where_it_has_changed(
    election: SampleElection, record: Path, file: Path, tmp_path: Path
) -> None:
    run_once(record, file, after=3)
    parts = parts_of(election.board.entries)
    places = [place for place, part in enumerate(parts) if part.type == "ballot.cast"]
    spoiled = parts[places[1]]
    body = spoiled.body[:-3] + (b'A"}' if spoiled.body[-3:-2] != b"A" else b'Q"}')
    parts[places[1]] = spoiled._replace(body=body)
    changed = write_record(rechain(parts), tmp_path / "changed")
    inner = OneByOne()
    with open_kept(file, KEY) as kept:
        done = pass_over(changed, Resuming(inner, kept))
    assert inner.checked == [1, 3]
    assert [finding.entry for finding in done.findings["11"]] == [places[1]]


def test_another_weight_is_another_chunk(record: Path) -> None:
    with open_record(record) as source:
        replay = replay_record(source, allow_toy=True)
        chunk = next(ballot_pass.plan_chunks(source, replay, 1))
    setup = PassSetup("folder", b"{}", chunk.ballots[0].hash, "key")
    name = kept_chunks.chunk_hash(setup, chunk)
    place = chunk.ballots[0]
    others = [
        (setup._replace(manifest=b"[]"), chunk),
        (setup._replace(joint_key="other"), chunk),
        (setup, chunk._replace(first=1)),
        (setup, chunk._replace(ballots=(place._replace(weight=2),))),
        (setup, chunk._replace(ballots=(place._replace(seq=1),))),
        (setup, chunk._replace(ballots=(place, place))),
    ]
    assert name not in [kept_chunks.chunk_hash(*other) for other in others]
    assert kept_chunks.chunk_hash(setup._replace(folder="elsewhere"), chunk) == name


def test_another_version_checks_all_again(record: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_once(record, file, after=3)
    monkeypatch.setattr(kept_chunks, "CHECKS_VERSION", 2)
    assert run_once(record, file)[0] == [0, 1, 2, 3]


def test_what_somebody_else_has_kept_proves_nothing(record: Path, file: Path) -> None:
    run_once(record, file, after=3, key=b"x" * KEY_BYTES)
    checked, kept = run_once(record, file)
    assert (checked, kept.used, kept.ignored) == ([0, 1, 2, 3], 0, 3)


def test_a_changed_line_proves_nothing(tmp_path: Path, file: Path) -> None:
    folder = write_record(with_faults("signatures").board.entries, tmp_path / "record")
    with open_kept(file, KEY) as kept, suppress(KeyboardInterrupt):
        pass_over(folder, Resuming(OneByOne(3), kept))
    lines = file.read_bytes().splitlines(keepends=True)
    kept_line = decode(lines[2][:-1], kept_chunks.KeptLine, what="line")
    assert kept_line.result.faults
    honest = kept_chunks.KeptLine(kept_line.chunk, kept_line.code, kept_line.result._replace(faults=()))
    file.write_bytes(b"".join([*lines[:2], encode(honest) + b"\n", *lines[3:]]))
    inner = OneByOne()
    with open_kept(file, KEY) as kept:
        done = pass_over(folder, Resuming(inner, kept))
    assert kept.ignored == 1
    assert inner.checked == [1, 3]
    assert len(done.findings["11"]) == 2


@pytest.mark.parametrize("cut", [1, 5, 200])
def test_a_line_that_was_cut_short_is_cut_off(cut: int, record: Path, file: Path) -> None:
    run_once(record, file, after=3)
    file.write_bytes(file.read_bytes()[:-cut])
    assert run_once(record, file)[0] == [2, 3]


@pytest.mark.parametrize("data", [b"important\n", b"{}", b'{"kept":"urne-verify chunks","version":2}\n'])
def test_another_file_is_left_alone(data: bytes, file: Path) -> None:
    file.write_bytes(data)
    with pytest.raises(UsageError, match="not a file of kept results"), open_kept(file, KEY):
        pass
    assert file.read_bytes() == data


def test_two_runs_do_not_share_a_file(file: Path) -> None:
    with open_kept(file, KEY), pytest.raises(UsageError, match="in use"), open_kept(file, KEY):
        pass


def test_a_full_disk_does_not_end_the_check(record: Path) -> None:
    with open("/dev/full", "wb", buffering=0) as full, open_kept(record.with_name("kept"), KEY) as kept:
        kept._file = full
        done = pass_over(record, Resuming(OneByOne(), kept))
    assert (done.ballots, done.error) == (4, "")
    assert "No space" in kept.problem


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "urne" / "key"
    key = own_key(path)
    assert len(key) == KEY_BYTES
    assert own_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(UnavailableError, match="can be read by others"):
        own_key(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(UnavailableError, match="not whole"):
        own_key(path)


# -- the command -------------------------------------------------------------------------------------------------------

STOP = """
import os, signal, sys
from voting.verifier import ballot_pass, cli
from voting.verifier.workers import ThisProcess

ballot_pass.MIN_CHUNK = ballot_pass.MAX_CHUNK = 1

class Stopped(ThisProcess):
    def run(self, setup, chunks):
        for number, result in enumerate(super().run(setup, chunks)):
            if number == 2:
                os.kill(os.getpid(), {signal})
            yield result

cli.local_workers = lambda jobs: {workers}
cli.main()
"""


def command(folder: Path, file: Path, stop: str = "") -> subprocess.CompletedProcess[str]:
    """`urne-verify --resume`, in a process of its own, which sends itself a signal after two of the four ballots."""
    program = STOP.format(signal=stop or "0", workers="Stopped()" if stop else "ThisProcess()")
    return subprocess.run(
        [sys.executable, "-c", program, "record", str(folder), "--allow-toy-group", "--resume", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "XDG_STATE_HOME": str(file.parent / "state"), "LC_ALL": "C.UTF-8"},
    )


@pytest.mark.parametrize(("stop", "code", "kept"), [("signal.SIGKILL", -9, 2), ("signal.SIGINT", 130, 2)])
def test_the_command_goes_on_after_a_signal(stop: str, code: int, kept: int, record: Path, file: Path) -> None:
    first = command(record, file, stop)
    assert first.returncode == code
    assert first.stdout == ""
    if stop == "signal.SIGINT":
        assert first.stderr.splitlines() == [
            f"What was found out so far is in {file}: the same command goes on from there.",
            "Stopped.",
        ]
    assert len(file.read_bytes().splitlines()) == 1 + kept
    second = command(record, file)
    assert (second.returncode, second.stderr) == (0, f"{kept} ballots were checked by an earlier run ({file}).\n")
    assert second.stdout.splitlines()[-1].startswith("VERIFIED: ")
    assert not file.exists()


def test_a_stopped_run_leaves_no_process(record: Path, file: Path) -> None:
    """A process that checks ballots ends when the one that started it is killed."""
    program = """
import os, signal, sys, time
from voting.verifier import ballot_pass, cli, workers

ballot_pass.MIN_CHUNK = ballot_pass.MAX_CHUNK = 1

class Killed(workers.Processes):
    def run(self, setup, chunks):
        for result in super().run(setup, chunks):
            print(*[p for p in os.listdir("/proc") if p.isdigit() and parent(p) == os.getpid()], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
            yield result

def parent(pid):
    try:
        return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    except OSError:
        return 0

if __name__ == "__main__":
    cli.local_workers = lambda jobs: Killed(2)
    cli.main()
"""
    script = file.with_name("program.py")
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, str(script), "record", str(record), "--allow-toy-group", "--resume", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(file.parent)},
    )
    assert done.returncode == -signal.SIGKILL
    children = [int(pid) for pid in done.stdout.split()]
    assert len(children) >= 2
    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# -- progress ----------------------------------------------------------------------------------------------------------


def test_progress_tells_rate_and_time_left() -> None:
    now = [0.0]
    lines: list[str] = []
    progress = line_progress(lines.append, lambda: now[0])
    for second in range(0, 121, 4):
        now[0] = float(second)
        progress("ballots", 50 * second, 10_000)
    assert lines[0] == "ballots 600/10000, 50 a second, 3:08 left"
    assert len(lines) == 10
    now[0] = 200.0
    progress("ballots", 10_000, 10_000)
    assert lines[-1].startswith("ballots 10000/10000, ")
    assert "left" not in lines[-1]


def test_the_pace_is_that_of_the_last_minute() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.text("ballots", 0, 0) == ""
    now[0] = 1.0
    assert pace.text("ballots", 9_000, 20_000) == "9000 a second, 0:01 left"
    for second in range(2, 100):
        now[0] = float(second)
        told = pace.text("ballots", 9_000 + second, 20_000)
    assert told == "1.0 a second, 3:01:41 left"
    assert pace.text("entries", 5, 0) == ""
