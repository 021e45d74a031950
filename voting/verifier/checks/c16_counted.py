"""Check 16: those ballots count that are the last of their credential.

Claim: the tally counts one ballot of each credential that voted, the last.
Rule: `ballots` and `weight` of `tally.encrypted` are the number of credentials that cast a ballot, and their
weight. That it is these very ballots follows from check 17.
Stops: counting a ballot that was replaced, counting one twice, leaving one out.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("16", "Counted ballots", needs=("04", "05"))


def run(context: Context) -> CheckResult:
    """Conclude check 16."""
    record = context.record
    return context.conclude(CHECK, total=len(record.last_ballot), begun=record.tally is not None)
