"""Long work beside the pages, and forms that act once."""

from __future__ import annotations

import threading

from voting.admin.jobs import Jobs
from voting.admin.once import MAX_MARKS, Once
from voting.protocol.errors import UnavailableError


def test_one_job_of_a_key_at_a_time() -> None:
    jobs, go, ran = Jobs(), threading.Event(), []

    def work() -> None:
        go.wait(10)
        ran.append(1)

    assert jobs.start("a", work)
    assert not jobs.start("a", work)
    assert jobs.start("b", lambda: None)
    assert jobs.is_running("a")
    go.set()
    jobs.wait("a", 10)
    assert ran == [1]
    assert not jobs.is_running("a")
    assert jobs.failure("a") is None


def test_why_a_job_failed_is_kept_until_it_runs_again() -> None:
    jobs = Jobs()

    def known() -> None:
        raise UnavailableError("the disk is full", remedy="make room")

    def unknown() -> None:
        raise ZeroDivisionError("the voter is ada@example.org")

    for work, problem in ((known, "the disk is full"), (unknown, "nobody foresaw")):
        jobs.start("a", work)
        jobs.wait("a", 10)
        failure = jobs.failure("a")
        assert failure is not None
        assert problem in failure.problem
        assert "ada" not in failure.problem
    jobs.start("a", lambda: None)
    jobs.wait("a", 10)
    assert jobs.failure("a") is None


def test_a_mark_counts_once_unless_nothing_came_of_it() -> None:
    once = Once()
    assert once.is_first("x")
    assert not once.is_first("x")
    once.forget("x")
    assert once.is_first("x")
    assert once.is_first("")
    assert once.is_first("")
    long = "y" * 1000
    assert once.is_first(long)
    assert not once.is_first(long)


def test_marks_do_not_fill_the_memory() -> None:
    once = Once()
    for number in range(MAX_MARKS + 5):
        assert once.is_first(str(number))
    assert once.is_first("0")
    assert not once.is_first(str(MAX_MARKS))
