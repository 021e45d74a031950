"""One writer for each election of a site: many threads, refusals, a failing disk, and reading meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bulletin_board.errors import FatalError
from bulletin_board.log import Board, Submission
from tests.simulators.hosted import HostedSimulator
from voting.election.ballots import BALLOT
from voting.election.phases import Phase
from voting.election.steps import give_notice
from voting.protocol.encoding import sha256
from voting.protocol.errors import UnavailableError, UrneError, UsageError, VerificationError
from voting.protocol.messages import BoothFile
from voting.protocol.methods.choose import Choose, ChooseSelection
from voting.site.elections import Elections

QUESTION = Choose(title={"en": "Who?"}, options=({"en": "Ada"}, {"en": "Bob"}), blank=True)

HASH = sha256(b"")


@pytest.fixture
def club(tmp_path: Path) -> Iterator[HostedSimulator]:
    simulator = HostedSimulator(tmp_path, [QUESTION])
    yield simulator
    simulator.close()


@pytest.fixture
def voting(club: HostedSimulator) -> HostedSimulator:
    club.run_ceremony()
    club.give_codes([1, 1, 1])
    return club


def test_whole_election(club: HostedSimulator) -> None:
    club.run_ceremony()
    ada, bob, _cleo = club.give_codes([1, 2, 1])
    club.open([BoothFile("booth/vote.html", HASH)])
    club.vote(ada, [ChooseSelection((0,))])
    club.vote(bob, [ChooseSelection((0,))])
    club.vote(ada, [ChooseSelection((1,))])
    club.finish()
    result = club.hosted.look(lambda record: record.result)
    assert result is not None
    assert result.totals == (2, 1, 0)


def test_many_threads_and_a_reader(voting: HostedSimulator) -> None:
    voting.open()
    seen = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(voting.hosted.look(lambda record: len(record.notices)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(8) as pool:
        texts = [f"notice {number}" for number in range(60)]
        done = list(
            pool.map(
                lambda text: voting.hosted.act(lambda record, key, time: give_notice(record, key, text, time)), texts
            )
        )
    stop.set()
    watcher.join()
    assert seen == sorted(seen)
    seqs = sorted(appended[0].seq for appended in done)
    assert seqs == list(range(seqs[0], seqs[0] + 60))
    assert voting.hosted.look(lambda record: {notice.text for notice in record.notices}) == set(texts)


def test_same_ballot_from_many_threads_stands_once(club: HostedSimulator) -> None:
    club.run_ceremony()
    (code,) = club.give_codes([1])
    club.open()
    ballot = club.encrypt(code, [ChooseSelection((0,))])
    submission = Submission(BALLOT, ballot.body, ballot.hints)
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda _: club.hosted.submit(submission), range(16)))
    assert len({place.seq for place in places}) == 1
    assert sum(place.was_new for place in places) == 1
    assert club.hosted.look(lambda record: len(record.ballots)) == 1


def test_refusal_reaches_only_its_sender(club: HostedSimulator) -> None:
    club.run_ceremony()
    (code,) = club.give_codes([1])
    club.open()
    good = club.encrypt(code, [ChooseSelection((0,))])
    with ThreadPoolExecutor(4) as pool:
        bad = pool.submit(club.hosted.submit, Submission(BALLOT, good.body.replace(b'"proofs":[{', b'"proofs":[{}, {')))
        fine = pool.submit(club.hosted.submit, Submission(BALLOT, good.body, good.hints))
        with pytest.raises(UrneError):
            bad.result()
        assert fine.result().was_new


def test_failing_disk_is_told_and_the_board_opened_again(
    voting: HostedSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = voting.hosted.look(lambda record: record.entries)
    original = Board.append_many

    def fail(self: Board, submissions: object) -> object:
        raise FatalError("writing failed (test)")

    monkeypatch.setattr(Board, "append_many", fail)
    with pytest.raises(FatalError):
        voting.open()
    monkeypatch.setattr(Board, "append_many", original)
    voting.open()
    assert voting.hosted.look(lambda record: (record.phase, record.entries)) == (Phase.OPEN, entries + 1)


def test_gate_stands_before_the_rules(voting: HostedSimulator) -> None:
    def gate(submission: Submission, token: str | None) -> None:
        if submission.type == BALLOT and token != "right":
            raise UsageError("needs a token")

    voting.hosted.gate = gate
    with pytest.raises(UsageError, match="token"):
        voting.hosted.submit(Submission(BALLOT, b"{}"))
    with pytest.raises(UrneError, match="may not come"):
        voting.hosted.submit(Submission(BALLOT, b"{}"), "right")


def test_names(club: HostedSimulator) -> None:
    assert club.elections.names() == ["club"]
    for name in ("", "..", "Club", "a/b", "a" * 41, "-a", "none"):
        with pytest.raises(UsageError):
            club.elections.get(name)


def test_board_that_another_process_holds(club: HostedSimulator) -> None:
    club.hosted.look(lambda record: record.entries)
    other = Elections(club.elections.folder, allow_toy=True).get("club")
    with pytest.raises(UnavailableError):
        other.look(lambda record: record.entries)


@pytest.mark.parametrize(
    "files",
    [
        [BoothFile("../secret", HASH)],
        [BoothFile("/booth/a", HASH)],
        [BoothFile("booth//a", HASH)],
        [BoothFile("booth/.a", HASH)],
        [BoothFile("booth/a?x", HASH)],
        [BoothFile("a", HASH), BoothFile("a", HASH)],
        [BoothFile("a" * 201, HASH)],
        [BoothFile(f"f{number}", HASH) for number in range(1001)],
    ],
)
def test_booth_files_must_be_plain(voting: HostedSimulator, files: list[BoothFile]) -> None:
    with pytest.raises(VerificationError) as caught:
        voting.open(files)
    assert caught.value.check == "10"
