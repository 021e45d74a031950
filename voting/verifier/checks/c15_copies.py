"""Check 15: no ciphertext was copied.

Claim: no alpha occurs twice in one ballot, nor in ballots of two credentials.
Rule: an alpha stands once in a ballot, and under one credential only (B14). A voter may repeat a ciphertext of their
own earlier ballot.
Stops: learning somebody's vote by casting it again and looking at the totals (Cortier, Smyth 2011).
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("15", "Copied ciphertexts", needs=("04", "10"))


def run(context: Context) -> CheckResult:
    """Conclude check 15."""
    return context.conclude_ballots(CHECK)
