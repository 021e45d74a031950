"""Check 08: the joint key is what the trustees made.

Claim: only k of the trustees together can decrypt under the key that ballots are encrypted with.
Rule: K = prod over i of A_(i,0), in `election.opened` and in every confirmation; V_j = prod over i, m of
A_(i,m)^(j^m).
Stops: a server that puts a key of its own in the place of the trustees'.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("08", "Joint key", needs=("04", "05", "06", "07"))


def run(context: Context) -> CheckResult:
    """Conclude check 08."""
    types = context.replay.types
    total = types["trustee.confirmed"] + types["election.opened"] + len(context.refusals(CHECK.id))
    return context.conclude(CHECK, total=total, begun=total > 0)
