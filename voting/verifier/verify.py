"""Protocol V: verify a record: replay its entries, pass over its ballots, make all checks (docs/spec/verification.md).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext

from voting.protocol.tlog.checkpoint import parse_checkpoint
from voting.protocol.tlog.note import parse_note
from voting.verifier.ballot_pass import check_all_ballots
from voting.verifier.checks import CHECKS, Check
from voting.verifier.context import Announced, Context
from voting.verifier.findings import Cause, CheckResult, Status, not_run
from voting.verifier.load import RecordSource
from voting.verifier.receipt import checkpoint_size
from voting.verifier.replay import Progress, Replay, no_progress, replay_record
from voting.verifier.report import CheckReport, Report, check_report, make_report
from voting.verifier.workers import Processes, Workers

_EARLIER = "the earlier checkpoint"

MANY_BYTES = 64 * 1024 * 1024
"""A longer record is worth several processes, which then start while it is read."""


def verify_record(
    source: RecordSource,
    *,
    announced: Announced | None = None,
    allow_toy: bool = False,
    jobs: int = 1,
    workers: Workers | None = None,
    language: str = "en",
    only_new: bool = False,
    progress: Progress = no_progress,
    clock: Callable[[], float] = time.perf_counter,
) -> Report:
    """Protocol V7: make all checks on a record. What is wrong with it is in the report and is not raised.

    Args:
        source: the record; it is read twice.
        announced: what the observer knows from elsewhere.
        allow_toy: accept a test group.
        jobs: how many processes may check ballots.
        workers: who checks them, instead of `jobs` processes of this machine.
        language: of the sentences on the result.
        only_new: nothing was wrong with the ballots that `announced.since` covers at an earlier visit (V16): they are
            compared with new ones only. After the tally all are looked at again, because check 17 needs them.
        progress: told how far the work is.
        clock: seconds, from any start.

    Raises:
        UnavailableError: if a file cannot be read any more.
        DecodeError: if the earlier checkpoint in `announced` is malformed.
    """
    started = clock()
    context = read_context(
        source,
        announced=announced,
        allow_toy=allow_toy,
        jobs=jobs,
        workers=workers,
        only_new=only_new,
        progress=progress,
    )
    return make_report(context, run_checks(context, CHECKS, clock), language, clock() - started)


def read_context(
    source: RecordSource,
    *,
    announced: Announced | None = None,
    allow_toy: bool = False,
    jobs: int = 1,
    workers: Workers | None = None,
    only_new: bool = False,
    progress: Progress = no_progress,
) -> Context:
    """Protocol V7a: read a record and pass over its ballots: all that the checks look at. As `verify_record`."""
    known = announced or Announced()
    root_at = checkpoint_size(known.since) if known.since is not None else None
    processes = Processes(jobs) if workers is None and jobs > 1 and source.total_bytes > MANY_BYTES else None
    with processes.started() if processes is not None else nullcontext():
        replay = replay_record(source, allow_toy=allow_toy, root_at=root_at, progress=progress)
        start = _first_new(replay, known) if only_new else 0
        ballots = check_all_ballots(
            source, replay, jobs=jobs, start=start, workers=workers or processes, progress=progress
        )
    return Context(known, source.checkpoint, source.vkey, replay, ballots)


def _first_new(replay: Replay, known: Announced) -> int:
    """The first entry that the earlier checkpoint does not cover; 0 if the record does not extend it."""
    if known.since is None or replay.earlier_root is None or replay.record.tally is not None:
        return 0
    earlier = parse_checkpoint(parse_note(known.since, what=_EARLIER).text, what=_EARLIER)
    return earlier.size if earlier.root == replay.earlier_root else 0


def run_checks(context: Context, checks: tuple[Check, ...], clock: Callable[[], float]) -> tuple[CheckReport, ...]:
    """Protocol V8: make the checks. One on which the program fails is "not run", and so is one that stands on it."""
    results: dict[str, CheckResult] = {}
    seconds: dict[str, float] = {}
    for check in checks:
        started = clock()
        try:
            results[check.info.id] = check.run(context)
        except Exception as error:  # a fault of this program must not pass for a verdict
            reason = f"this program failed ({type(error).__name__}); please report it"
            results[check.info.id] = not_run(reason, Cause.ERROR)
        seconds[check.info.id] = clock() - started
    return tuple(
        check_report(check.info, _with_cause(context, check, results), seconds[check.info.id], rule=check.rule)
        for check in checks
    )


def _with_cause(context: Context, check: Check, results: Mapping[str, CheckResult]) -> CheckResult:
    """Tell "the election has not come so far" from "what should be here was refused"."""
    result = results[check.info.id]
    if result.cause is not Cause.NOT_YET:
        return result
    replay = context.replay
    needs = {number for number in check.info.needs if _is_broken(results.get(number))}
    needs |= {refusal.check for refusal in replay.refusals if refusal.cause is None}
    if replay.errors:
        needs.add("04")
    if replay.broken_off is not None:
        needs.add("02")
    needs.discard(check.info.id)
    if not needs:
        return result
    return result._replace(cause=Cause.NEEDS, reason=f"needs {', '.join(sorted(needs))}")


def _is_broken(result: CheckResult | None) -> bool:
    if result is None:
        return False
    return result.status is Status.FAILED or (result.status is Status.NOT_RUN and result.cause is not Cause.NOT_YET)
