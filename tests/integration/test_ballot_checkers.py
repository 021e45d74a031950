"""Ballots checked in processes of their own: the writer's verdicts, whatever dies, waits or sends rubbish."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from bulletin_board.errors import BusyError
from bulletin_board.log import Submission
from bulletin_board.reader import Appended
from tests.simulators.hosted import HostedSimulator
from tests.tamper.test_batch_agrees import HINTS, MUTATIONS
from voting.crypto.kdf import Derivation
from voting.election import admission, ballots
from voting.election.ballot_batch import HintedBallot
from voting.election.ballot_verdicts import PASSED, KnownVerdicts, SubmittedBallot, Verdict, check_submitted_ballots
from voting.election.ballots import BALLOT, BallotContext, encrypt_ballot
from voting.election.steps import close_election
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import UnavailableError, UrneError, VerificationError
from voting.protocol.messages import Ballot
from voting.protocol.methods.choose import Choose, ChooseSelection
from voting.site import ballot_checkers, elections
from voting.site.ballot_checkers import BallotCheckers
from voting.site.ballot_messages import Answer, Task
from voting.site.ballot_process import CannotStart, WorkerEnded, WorkerProcess, start_worker
from voting.site.elections import Elections, HostedElection

QUESTION = Choose(title={"en": "Who?"}, options=({"en": "Ada"}, {"en": "Bob"}), minimum=0, maximum=1)
VOTERS = 8
KILLER = "ends whoever checks it"


class Scene:
    """An open election with a ballot of every voter, and copies of it to send them to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        simulator = HostedSimulator(folder, [QUESTION], trustees=1, threshold=1)
        simulator.run_ceremony()
        self.codes = simulator.give_codes([1] * VOTERS)
        simulator.open()
        self.keys = [simulator.credential(code) for code in self.codes]
        self.context: BallotContext = simulator.hosted.look(lambda record: record.ballot_context())
        self.ballots = [self.encrypt(voter) for voter in range(VOTERS)]
        simulator.close()
        self.copies = itertools.count()

    def encrypt(self, voter: int) -> SubmittedBallot:
        made = encrypt_ballot(self.context, self.keys[voter], [ChooseSelection((voter % 2,))], secrets.token_bytes(32))
        return SubmittedBallot(made.body, made.hints)

    def content(self, voter: int) -> Ballot:
        content: Ballot = parse_body(BALLOT, self.ballots[voter].body, what="b").content
        return content

    def signed(self, voter: int, content: Ballot) -> bytes:
        return sign_content(BALLOT, self.context.manifest.hash, content, self.keys[voter])

    def hosted(self, checkers: BallotCheckers | None) -> HostedElection:
        place = self.folder / f"copy{next(self.copies)}"
        shutil.copytree(self.folder / "elections", place)
        return Elections(place, allow_toy=True, checkers=checkers).get("club")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def checkers() -> Iterator[BallotCheckers]:
    checkers = BallotCheckers(1, start_worker=start_worker)
    checkers.start()
    yield checkers
    checkers.close()


def outcome(hosted: HostedElection, type_: str, ballot: SubmittedBallot) -> tuple[str, str]:
    """Check and text of the refusal, or where the ballot stands."""
    try:
        return "", f"entry {hosted.submit(Submission(type_, ballot.body, ballot.hints)).seq}"
    except UrneError as error:
        return getattr(error, "check", "") or error.code, str(error)


# -- the same verdicts -------------------------------------------------------------------------------------------------


def mutants(scene: Scene) -> Iterator[tuple[str, str, SubmittedBallot]]:
    """What is wrong, the entry's type, the ballot. The last one stands for good."""
    rng = random.Random(1)
    first, other = scene.ballots[0], scene.ballots[1]
    yield "not json", BALLOT, first._replace(body=b"{")
    yield "not a ballot", BALLOT, first._replace(body=b'{"content":{},"signature":"x"}')
    yield "another type", "election.closed", first
    changed = bytearray(first.body)
    changed[-20] = ord("A") if changed[-20] != ord("A") else ord("B")
    yield "signature", BALLOT, first._replace(body=bytes(changed))
    yield "signed by another", BALLOT, first._replace(body=scene.signed(1, scene.content(0)))
    for name, mutate in MUTATIONS.items():
        if name != "none":
            for attempt in range(3):
                body = scene.signed(0, mutate(rng, scene.content(0)))
                yield f"{name} {attempt}", BALLOT, first._replace(body=body)
                yield f"{name} {attempt}, no hints", BALLOT, SubmittedBallot(body, None)
    content = scene.content(0)
    for name, values in {
        "one value less": {"ciphertexts": content.ciphertexts[1:]},
        "one proof less": {"proofs": content.proofs[1:]},
        "twice the same value": {"ciphertexts": (content.ciphertexts[0],) * len(content.ciphertexts)},
        "another election": {"election": "0" * 64},
        "a credential that is not listed": {"credential": "A" * 43},
        "the values of another": {"ciphertexts": scene.content(1).ciphertexts},
    }.items():
        changed_content = msgspec.structs.replace(content, **values)  # type: ignore[arg-type]
        yield name, BALLOT, first._replace(body=scene.signed(0, changed_content))
    items = [HintedBallot(scene.content(number), scene.ballots[number].hints, "x") for number in (0, 1)]
    for voter, (name, make) in zip(itertools.cycle(range(2, VOTERS)), HINTS.items(), strict=False):
        if name not in {"not json", "empty", "huge"}:
            fresh = scene.encrypt(voter)
            item = HintedBallot(parse_body(BALLOT, fresh.body, what="b").content, fresh.hints, "x")
            yield f"hints {name}", BALLOT, fresh._replace(hints=make(item, items[1]))
    with patch.object(ballots, "_derivation", lambda *_arguments: Derivation(bytes(32), "the same for everybody")):
        yield "good, with known nonces", BALLOT, scene.encrypt(2)
        yield "with the same nonces", BALLOT, scene.encrypt(4)
    yield "good", BALLOT, other
    yield "good again", BALLOT, other
    yield "good, with other hints", BALLOT, other._replace(hints=None)


def test_both_ways_admit_and_refuse_the_same_with_the_same_words(
    scene: Scene, checkers: BallotCheckers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballot_checkers, "MAX_SUSPECTS", 0)
    writer_checks, plain = scene.hosted(checkers), scene.hosted(None)
    cases = list(mutants(scene))
    expected = [outcome(plain, type_, ballot) for _name, type_, ballot in cases]
    monkeypatch.setattr(admission, "check_ballots_together", None)  # nothing is left for the writer to check
    monkeypatch.setattr(admission, "verify_ballot_signature", None)
    found = [outcome(writer_checks, type_, ballot) for _name, type_, ballot in cases]
    assert found == expected
    assert {check for check, _text in found} >= {"", "02", "04", "11", "12", "13", "14", "15"}
    for hosted in (writer_checks, plain):
        hosted.close()


def test_after_the_end_no_ballot_is_checked_at_all(scene: Scene) -> None:

    class Nobody:
        def check(self, *_arguments: object) -> None:
            raise AssertionError("a ballot that comes too late was checked")

    hosted = scene.hosted(Nobody())  # type: ignore[arg-type]
    hosted.act(close_election)
    assert outcome(hosted, BALLOT, scene.ballots[0])[0] == "04"
    hosted.close()


def test_what_stands_already_is_not_checked_again(scene: Scene, checkers: BallotCheckers) -> None:
    hosted = scene.hosted(checkers)
    submission = Submission(BALLOT, *scene.ballots[0])
    assert hosted.submit(submission).was_new
    hosted._checkers = None
    assert not hosted.submit(submission).was_new
    hosted.close()


def test_a_copied_value_is_found_among_ballots_of_one_batch(scene: Scene) -> None:
    """Check 15 depends on the order: it stays with the writer, whatever was found before."""
    content = scene.content(0)
    copied = msgspec.structs.replace(content, credential=scene.content(1).credential)
    checked = check_submitted_ballots(
        scene.context,
        [scene.ballots[0], SubmittedBallot(scene.signed(1, copied), scene.ballots[0].hints)],
        random_bytes=secrets.token_bytes,
    )
    assert checked.verdicts[0] == PASSED
    assert checked.verdicts[1].check == "14"  # the credential is part of the challenge
    hosted = scene.hosted(None)
    known = hosted._known
    known.add(scene.context, SubmittedBallot(scene.signed(1, copied), None), PASSED)
    assert outcome(hosted, BALLOT, scene.ballots[0])[0] == ""
    assert outcome(hosted, BALLOT, SubmittedBallot(scene.signed(1, copied), None))[0] == "15"
    hosted.close()


def test_a_verdict_holds_for_exact_bytes_hints_and_election(scene: Scene) -> None:
    known = KnownVerdicts()
    ballot, other = scene.ballots[0], scene.ballots[1]
    known.add(scene.context, ballot, PASSED)
    assert known.find(scene.context, ballot) == PASSED
    for near in (
        ballot._replace(hints=None),
        ballot._replace(hints=b""),
        ballot._replace(hints=other.hints),
        ballot._replace(body=other.body),
        SubmittedBallot(ballot.body + (ballot.hints or b"")[:1], (ballot.hints or b"")[1:]),
    ):
        assert known.find(scene.context, near) is None
    for context in (
        scene.context._replace(election="1" * 64),  # type: ignore[arg-type]
        scene.context._replace(key=type(scene.context.key)(scene.context.group.generator)),
    ):
        assert known.find(context, ballot) is None


def test_old_verdicts_are_forgotten(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from voting.election import ballot_verdicts

    monkeypatch.setattr(ballot_verdicts, "MAX_KEPT", 3)
    known = KnownVerdicts()
    for ballot in scene.ballots[:5]:
        known.add(scene.context, ballot, PASSED)
    assert [known.find(scene.context, ballot) is not None for ballot in scene.ballots[:5]] == [False] * 2 + [True] * 3


def test_a_forged_verdict_of_a_worker_names_no_other_ballot(scene: Scene) -> None:
    """Positions that were not asked for mean that the worker is out of order."""
    code = (
        "import sys,time; from voting.site.ballot_messages import *;"
        "from voting.election.ballot_verdicts import PASSED;"
        "write_all(1, pack(Answer({}, []))); write_all(1, pack(Answer({7: PASSED}, []))); time.sleep(20)"
    )
    worker = WorkerProcess([sys.executable, "-c", code])
    with pytest.raises(WorkerEnded):
        worker.ask(Task(b"", None, [(scene.ballots[0].body, None)], decide=True))
    worker.end(0)


# -- processes that die ------------------------------------------------------------------------------------------------


class Recorded:
    """Starts real workers, and remembers them."""

    def __init__(self, command: list[str] | None = None) -> None:
        self.processes: list[WorkerProcess] = []
        self._command = command

    def __call__(self) -> WorkerProcess:
        self.processes.append(WorkerProcess(self._command) if self._command else start_worker())
        return self.processes[-1]


def state(pid: int) -> str:
    """The state of a process as the system names it; "" if it is no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def wait_until(is_so: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)


def test_a_killed_worker_costs_its_batch_alone(scene: Scene) -> None:
    start = Recorded()
    checkers = BallotCheckers(1, start_worker=start)
    checkers.start()
    wait_until(lambda: start.processes)
    first = start.processes[0].pid
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: state(first) == "T")
    with ThreadPoolExecutor(VOTERS) as pool:
        answers = [pool.submit(checkers.check, scene.context, ballot, "x") for ballot in scene.ballots]
        wait_until(lambda: len(checkers._quick) == VOTERS - 1)  # one is with the worker
        os.kill(first, signal.SIGKILL)
        assert [answer.result(30) for answer in answers] == [PASSED] * VOTERS
    assert len(start.processes) == 2
    checkers.close()
    assert [state(process.pid) for process in start.processes] == ["", ""]


def killing_worker() -> list[str]:
    """A worker that ends when it meets certain hints."""
    return [
        sys.executable,
        "-c",
        "import os\n"
        "from voting.site import ballot_worker\n"
        "check = ballot_worker.check_submitted_ballots\n"
        "def fatal(context, ballots, **options):\n"
        f"    if any(b.hints and {KILLER!r}.encode() in b.hints for b in ballots): os._exit(9)\n"
        "    return check(context, ballots, **options)\n"
        "ballot_worker.check_submitted_ballots = fatal\n"
        "ballot_worker.main()\n",
    ]


def test_a_ballot_that_ends_its_worker_does_not_take_others_with_it(scene: Scene) -> None:
    start = Recorded(killing_worker())
    checkers = BallotCheckers(1, start_worker=start)
    hosted = scene.hosted(checkers)
    hosted.look(lambda record: record.phase)
    deadly = scene.ballots[0]._replace(hints=b'{"commitments":["%b"]}' % KILLER.encode())
    checkers.start()
    wait_until(lambda: start.processes)
    os.kill(start.processes[0].pid, signal.SIGSTOP)
    with ThreadPoolExecutor(VOTERS) as pool:
        bad = pool.submit(outcome, hosted, BALLOT, deadly)
        good = [pool.submit(outcome, hosted, BALLOT, ballot) for ballot in scene.ballots[1:]]
        time.sleep(0.3)
        os.kill(start.processes[0].pid, signal.SIGCONT)
        assert {answer.result()[0] for answer in good} == {""}
        assert bad.result()[0] == "unavailable"
    assert len(start.processes) >= 3
    checkers.close()
    hosted.close()


def test_where_no_worker_can_be_started_the_writer_checks(scene: Scene) -> None:
    def none() -> WorkerProcess:
        raise CannotStart

    checkers = BallotCheckers(2, start_worker=none)
    hosted = scene.hosted(checkers)
    bad = SubmittedBallot(scene.signed(0, MUTATIONS["scalar"](random.Random(1), scene.content(0))), None)
    assert outcome(hosted, BALLOT, bad)[0] == "14"
    assert [outcome(hosted, BALLOT, ballot)[0] for ballot in scene.ballots] == [""] * VOTERS
    checkers.close()
    hosted.close()


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "print('hello')", "import time; time.sleep(60)"])
def test_what_is_no_worker_does_not_start(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from voting.site import ballot_process

    monkeypatch.setattr(ballot_process, "SECONDS_TO_START", 0.5)
    with pytest.raises(CannotStart):
        WorkerProcess([sys.executable, "-c", code])
    with pytest.raises(CannotStart):
        WorkerProcess(["/nowhere/python"])


def test_a_worker_inherits_nothing_and_ends_with_its_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "a secret")
    with (tmp_path / "secret.key").open("wb") as secret:
        os.set_inheritable(secret.fileno(), True)
        worker = start_worker()
        place = Path(f"/proc/{worker.pid}")
        assert b"SMTP_PASSWORD" not in (place / "environ").read_bytes()
        assert sorted(int(file.name) for file in (place / "fd").iterdir()) == [0, 1, 2]
        worker.end()
    assert state(worker.pid) == ""
    code = (
        "import os\n"
        "from voting.site.ballot_process import start_worker\n"
        "print(start_worker().pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_until(lambda: state(int(done.stdout)) in {"", "Z"})


# -- who waits ---------------------------------------------------------------------------------------------------------


class Script:
    """A worker that answers when it is told to, and shows what it was asked."""

    def __init__(self, doubtful: set[bytes] = frozenset()) -> None:  # type: ignore[assignment]
        self.doubtful = doubtful
        self.tasks: list[Task] = []
        self.turns = threading.Semaphore(0)

    def __call__(self) -> Script:
        return self

    def knows(self, context: bytes) -> bool:
        return True

    def ask(self, task: Task) -> Answer:
        self.tasks.append(task)
        assert self.turns.acquire(timeout=20)
        verdicts: dict[int, Verdict] = {}
        for position, (body, _hints) in enumerate(task.ballots):
            if body not in self.doubtful:
                verdicts[position] = PASSED
            elif task.decide:
                verdicts[position] = Verdict("14", "bad")
        return Answer(verdicts, [n for n in range(len(task.ballots)) if n not in verdicts])

    def end(self) -> None:
        pass

    def bodies(self) -> list[list[bytes]]:
        return [[body for body, _hints in task.ballots] for task in self.tasks]


class Crowd:
    """Senders in threads, whose ballots wait in the order of sending."""

    def __init__(self, scene: Scene, checkers: BallotCheckers, pool: ThreadPoolExecutor) -> None:
        self.scene, self.checkers, self.pool = scene, checkers, pool

    def send(
        self, body: bytes, sender: str = "honest", hints: bytes | None = b"h", context: Any = None
    ) -> Future[Verdict | None]:
        before = len(self.checkers._quick) + len(self.checkers._slow)
        answer = self.pool.submit(
            self.checkers.check, context or self.scene.context, SubmittedBallot(body, hints), sender
        )
        wait_until(lambda: answer.done() or len(self.checkers._quick) + len(self.checkers._slow) > before)
        return answer


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(80) as pool:
        yield pool


def stalled(scene: Scene, checkers: BallotCheckers, script: Script, pool: ThreadPoolExecutor) -> Future[Verdict | None]:
    """The one worker is busy with a first ballot."""
    first = pool.submit(checkers.check, scene.context, SubmittedBallot(b"first", b"h"), "first")
    wait_until(lambda: script.tasks)
    return first


def test_what_waits_is_checked_together_and_elections_are_not_mixed(scene: Scene, pool: ThreadPoolExecutor) -> None:
    script = Script()
    checkers = BallotCheckers(1, start_worker=script)
    crowd = Crowd(scene, checkers, pool)
    other = scene.context._replace(election="1" * 64)  # type: ignore[arg-type]
    first = stalled(scene, checkers, script, pool)
    answers = [crowd.send(b"%d" % n, context=other if n % 2 else None) for n in range(40)]
    answers += [crowd.send(b"%d" % n) for n in range(40, 60)]
    script.turns.release(10)
    assert {answer.result(20) for answer in (first, *answers)} == {PASSED}
    assert script.bodies() == [
        [b"first"],
        [b"%d" % n for n in [*range(0, 40, 2), *range(40, 52)]],
        [b"%d" % n for n in range(1, 40, 2)],
        [b"%d" % n for n in range(52, 60)],
    ]
    checkers.close()


def test_bad_ballots_wait_for_each_other_and_hold_up_nobody(scene: Scene, pool: ThreadPoolExecutor) -> None:
    """One batch tells the bad ones apart; from then on their senders are served one by one, between all others."""
    bad = {b"bad%d" % n for n in range(6)}
    script = Script(bad)
    checkers = BallotCheckers(1, start_worker=script)
    crowd = Crowd(scene, checkers, pool)
    first = stalled(scene, checkers, script, pool)
    mixed = [crowd.send(body, sender="hostile") for body in sorted(bad)[:3]]
    good = [crowd.send(b"good%d" % n) for n in range(3)]
    script.turns.release(2)  # the first, and the mixed batch
    assert {answer.result(20) for answer in (first, *good)} == {PASSED}
    assert not any(answer.done() for answer in mixed)
    wait_until(lambda: len(script.tasks) == 3)
    assert script.bodies()[2:] == [[b"bad0"]]
    mixed += [crowd.send(body, sender="hostile") for body in sorted(bad)[3:]]
    rounds = []
    for turn in range(8):  # each time the worker is free, somebody honest waits
        rounds.append(crowd.send(b"later%d" % turn))
        script.turns.release()
        wait_until(lambda count=turn: len(script.tasks) == count + 4)  # type: ignore[misc]
    script.turns.release(20)
    assert {answer.result(20) for answer in rounds} == {PASSED}
    assert {answer.result(20) for answer in mixed} == {Verdict("14", "bad")}
    turns = script.bodies()
    assert all(len(turn) == 1 for turn in turns if set(turn) & bad and turn != turns[1])
    honest_first = [index for index, turn in enumerate(turns[3:11]) if set(turn) & bad]
    assert len(honest_first) <= 2, "a bad ballot got more than every fifth turn"
    checkers.close()


def test_without_hints_a_ballot_is_checked_alone(scene: Scene, pool: ThreadPoolExecutor) -> None:
    script = Script()
    checkers = BallotCheckers(1, start_worker=script)
    crowd = Crowd(scene, checkers, pool)
    first = stalled(scene, checkers, script, pool)
    slow = [crowd.send(b"slow%d" % n, hints=None, sender=f"{n}") for n in range(2)]
    quick = [crowd.send(b"quick%d" % n, sender=f"{n}") for n in range(2)]
    script.turns.release(10)
    assert {answer.result(20) for answer in (first, *slow, *quick)} == {PASSED}
    assert script.bodies() == [[b"first"], [b"quick0", b"quick1"], [b"slow0"], [b"slow1"]]
    assert [task.decide for task in script.tasks] == [False, False, True, True]
    checkers.close()


def test_suspicion_ends(scene: Scene, pool: ThreadPoolExecutor) -> None:
    now = [0.0]
    script = Script({b"bad"})
    checkers = BallotCheckers(1, start_worker=script, clock=lambda: now[0])
    script.turns.release(100)
    assert checkers.check(scene.context, SubmittedBallot(b"bad", b"h"), "hostile") == Verdict("14", "bad")
    for moment, is_slow in ((1.0, True), (ballot_checkers.SUSPECT_SECONDS + 1, False)):
        now[0] = moment
        assert checkers.check(scene.context, SubmittedBallot(b"%f" % moment, b"h"), "hostile") == PASSED
        assert script.tasks[-1].decide is is_slow
    checkers.close()


def test_full_queues_are_told_at_once(scene: Scene, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballot_checkers, "MAX_WAITING", 3)
    monkeypatch.setattr(ballot_checkers, "MAX_SLOW", 2)
    script = Script()
    checkers = BallotCheckers(1, start_worker=script)
    crowd = Crowd(scene, checkers, pool)
    first = stalled(scene, checkers, script, pool)
    taken = [crowd.send(b"%d" % n) for n in range(3)] + [crowd.send(b"s%d" % n, hints=None) for n in range(2)]
    for hints in (b"h", None):
        with pytest.raises(BusyError):
            checkers.check(scene.context, SubmittedBallot(b"more", hints), "x")
    script.turns.release(10)
    assert {answer.result(20) for answer in (first, *taken)} == {PASSED}
    checkers.close()


def test_closing_tells_who_waits(scene: Scene, pool: ThreadPoolExecutor) -> None:
    script = Script()
    checkers = BallotCheckers(1, start_worker=script)
    crowd = Crowd(scene, checkers, pool)
    first = stalled(scene, checkers, script, pool)
    left = [crowd.send(b"%d" % n) for n in range(3)]
    closing = pool.submit(checkers.close)
    for answer in left:
        with pytest.raises(UnavailableError, match="being closed"):
            answer.result(20)
    script.turns.release()
    assert first.result(20) == PASSED
    closing.result(20)
    with pytest.raises(UnavailableError, match="being closed"):
        checkers.check(scene.context, SubmittedBallot(b"late", b"h"), "x")


def test_too_many_in_hand_are_told_before_anything_is_done(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elections, "MAX_IN_HAND", 2)
    hosted = scene.hosted(None)
    go, inside = threading.Event(), threading.Semaphore(0)

    def gate(_submission: Submission, _token: str | None) -> None:
        inside.release()
        assert go.wait(20)

    hosted.gate = gate
    with ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(hosted.submit, Submission(BALLOT, *ballot)) for ballot in scene.ballots[:2]]
        assert inside.acquire(timeout=20)
        assert inside.acquire(timeout=20)
        with pytest.raises(BusyError):
            hosted.submit(Submission(BALLOT, *scene.ballots[2]))
        go.set()
        assert all(isinstance(answer.result(), Appended) for answer in taken)
    assert hosted.submit(Submission(BALLOT, *scene.ballots[2])).was_new
    hosted.close()


def test_a_refused_ballot_sent_again_costs_no_check(scene: Scene) -> None:
    bad = SubmittedBallot(
        scene.signed(0, MUTATIONS["scalar"](random.Random(1), scene.content(0))), scene.ballots[0].hints
    )
    script = Script({bad.body})
    script.turns.release(100)
    hosted = scene.hosted(BallotCheckers(1, start_worker=script))
    for _ in range(3):
        with pytest.raises(VerificationError) as caught:
            hosted.submit(Submission(BALLOT, *bad))
        assert caught.value.check == "14"
    assert len(script.tasks) == 2  # once with others, once alone
    hosted.close()
