"""Check 19: the totals are what the trustees decrypted.

Claim: each published number is the plaintext of the encrypted total.
Rule: g^total_t * prod over the k shares used of M_(j,t)^lambda_j = B_t, with the Lagrange coefficients lambda_j at
0, and 0 <= total_t <= the most that the counted weight can give.
Stops: an announced result that the ballots do not have.
"""

from __future__ import annotations

from voting.election.decryption import total_bounds, verify_totals
from voting.protocol.errors import VerificationError
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, finding_of, not_run

CHECK = CheckInfo("19", "Decrypted totals", needs=("04", "05", "17", "18"))


def run(context: Context) -> CheckResult:
    """Conclude check 19."""
    record = context.record
    result, tally, totals = record.result, record.tally, context.totals
    if result is None or tally is None:
        return context.conclude(CHECK, total=len(context.refusals(CHECK.id)), begun=False)
    bounds = total_bounds(record.require_manifest().shape, tally.weight)
    if isinstance(totals, VerificationError):
        return not_run("needs 17: the encrypted totals cannot be read", total=len(bounds))
    factors = {}
    for index in result.shares:
        share = context.shares[index]
        if isinstance(share, VerificationError):
            return not_run(f"needs 18: the share of trustee {index} is wrong", total=len(bounds))
        factors[index] = share
    findings = []
    entry = context.replay.places["election.result"][0]
    try:
        verify_totals(result, totals, factors, bounds, subject="election.result")
    except VerificationError as error:
        findings.append(finding_of(error, entry))
    return context.conclude(CHECK, total=len(bounds), findings=findings)
