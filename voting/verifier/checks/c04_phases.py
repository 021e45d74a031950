"""Check 04: every entry was allowed when it came.

Claim: the election went through its phases in order, and ballots lie between opening and closing.
Rule: each entry's type is allowed in the phase that the entries before it led to (S1, S2); it names this manifest
or election, repeats no earlier entry, and the administrator's times never go backwards. The closing counts the
ballots.
Stops: ballots before the opening or after the closing, a second tally, a second result, entries of another
election.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import Cause, CheckInfo, CheckResult, Status, not_run

CHECK = CheckInfo("04", "Order of events", needs=("01", "02", "05", "07", "08", "09", "10"))


def run(context: Context) -> CheckResult:
    """Conclude check 04."""
    replay = context.replay
    # An entry that is not readable, or not the one that its header names, never came to the rules.
    total = replay.entries - len(context.refusals("02"))
    result = context.conclude(CHECK, total=total, begun=total > 0)
    if replay.errors and result.status is not Status.FAILED:
        return not_run(str(replay.errors[0]), Cause.ERROR, passed=replay.record.entries, total=total)
    return result
