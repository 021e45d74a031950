"""Check 09: the credentials are sane.

Claim: each credential is listed once, with a weight in range, and their number and weight are as announced at the
opening.
Rule: keys are valid Ed25519 keys in rising order, none twice in the whole record; 1 <= weight <= 10^12, at most
9 * 10^12 in all; `voters` and `weight` of `election.opened` are their number and sum.
Stops: two votes with one credential. Whether each belongs to a person who may vote, the record cannot tell: compare
the number with the electoral roll.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("09", "Credentials", needs=("04", "05"))


def run(context: Context) -> CheckResult:
    """Conclude check 09."""
    total = len(context.record.credentials) + len(context.refusals(CHECK.id))
    return context.conclude(CHECK, total=total, begun=total > 0)
