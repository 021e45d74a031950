"""Check 13: each ballot has exactly the manifest's shape.

Claim: no part of a ballot is missing, and none is there that nobody checks.
Rule: the numbers of ciphertexts, proofs, challenges and responses are those of the shape (M); every scalar is below
q.
Stops: ballots that leave out a proof, and a second form of the same ballot.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("13", "Ballot shape", needs=("04", "10"))


def run(context: Context) -> CheckResult:
    """Conclude check 13."""
    return context.conclude_ballots(CHECK)
