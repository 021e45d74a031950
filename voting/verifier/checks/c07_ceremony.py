"""Check 07: the trustees' ceremony was finished.

Claim: every trustee joined, committed, dealt and confirmed, in this order, and every complaint was settled in
public.
Rule: T11 to T17. A complaint is settled if the published share fits: g^f_i(j) = prod over m of A_(i,m)^(j^m). If it
does not, the ceremony is begun anew without the dealer. The election opens only on a finished ceremony.
Stops: an election under a key that some trustees cannot use, or that some of them never agreed to.
"""

from __future__ import annotations

from voting.election.phases import Phase
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding, Status, nothing_yet

CHECK = CheckInfo("07", "Trustees' ceremony", needs=("04", "05", "06", "08"))


def run(context: Context) -> CheckResult:
    """Conclude check 07."""
    steps = sum(count for type_, count in context.replay.types.items() if type_.startswith("trustee."))
    total = steps + len(context.refusals(CHECK.id))
    ceremony = context.record.ceremony
    warnings = []
    if ceremony is not None and ceremony.failed is not None:
        reason = "dealt a wrong share: the ceremony must be begun anew without them"
        warnings.append(Finding(subject=f"trustee {ceremony.failed}", reason=reason))
    result = context.conclude(CHECK, total=total, warnings=warnings, begun=total > 0)
    if result.status is Status.PASSED and context.record.opened is None and ceremony and not ceremony.complete:
        cancelled = context.record.phase is Phase.CANCELLED
        reason = "the election was cancelled" if cancelled else "the ceremony is not finished"
        return nothing_yet(reason)._replace(passed=total, total=total, warnings=result.warnings)
    return result
