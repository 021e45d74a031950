"""Check 20: the outcome follows from the totals.

Claim: winners, rankings and seats are what the rules of each question give for these totals.
Rule: the outcome of each question, computed anew from its totals, equals the published one (D10), and some set of
valid ballots has these totals.
Stops: another winner than the numbers say. Ties are reported as ties; the record never draws lots.
"""

from __future__ import annotations

from voting.election.decryption import verify_outcome
from voting.protocol.errors import VerificationError
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, finding_of

CHECK = CheckInfo("20", "Outcome", needs=("04", "05", "18", "19"))


def run(context: Context) -> CheckResult:
    """Conclude check 20."""
    record = context.record
    if record.result is None or record.tally is None:
        return context.conclude(CHECK, total=0, begun=False)
    manifest = record.require_manifest()
    findings = []
    try:
        verify_outcome(manifest, record.result, record.tally.weight, subject="election.result")
    except VerificationError as error:
        findings.append(finding_of(error, context.replay.places["election.result"][0]))
    return context.conclude(CHECK, total=len(manifest.questions), findings=findings)
