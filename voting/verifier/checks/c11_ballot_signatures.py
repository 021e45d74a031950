"""Check 11: each ballot comes from a listed credential.

Claim: whoever cast a ballot holds the secret key of a credential on the list.
Rule: the ballot's credential is listed, and signed the ballot hash: Ed25519 as in N1, type "ballot.cast".
Stops: ballot stuffing by the board, and changes to a ballot on its way.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("11", "Ballot signatures", needs=("04", "09", "10"))


def run(context: Context) -> CheckResult:
    """Conclude check 11."""
    return context.conclude_ballots(CHECK)
