"""Check 12: each ciphertext is in the group.

Claim: alpha and beta of every encrypted value are members of the subgroup of order q.
Rule: 1 <= x < p and x^q = 1 mod p.
Stops: elements of small order, which would carry information past the proofs or spoil the tally.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("12", "Ciphertexts", needs=("04", "10"))


def run(context: Context) -> CheckResult:
    """Conclude check 12."""
    return context.conclude_ballots(CHECK)
