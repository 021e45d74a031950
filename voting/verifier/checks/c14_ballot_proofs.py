"""Check 14: each ballot's proofs hold.

Claim: the encrypted values keep the rules of every question, though nobody can read them.
Rule: for each constraint with combined ciphertext (A, B) and each allowed v: a_v = g^z_v A^-c_v and b_v = K^z_v (B
/ g^v)^-c_v; the c_v of a constraint add up to c mod q; and c = H("ballot", election id, credential, all
ciphertexts, all a_v and b_v) (B5).
Stops: votes for too many options, negative votes, and ballots copied or put together from other voters' ballots.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("14", "Ballot proofs", needs=("12", "13"))


def run(context: Context) -> CheckResult:
    """Conclude check 14."""
    return context.conclude_ballots(CHECK)
