"""Check 10: the opening names this manifest and these credentials.

Claim: what an election is was fixed before the first ballot, and is named by one hash, the election id.
Rule: `election.opened` names the manifest's hash and the body hashes of all `credentials.listed`, in order. With
--election ID, SHA-256 of its body equals ID.
Stops: credentials that are added or dropped after the opening; a record of another election.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding

CHECK = CheckInfo("10", "Opening", needs=("04", "05", "07", "08", "09"))


def run(context: Context) -> CheckResult:
    """Conclude check 10."""
    election, announced = context.record.election, context.announced.election
    findings = []
    if election is not None and announced is not None and election != announced:
        reason = "is not the election that was announced"
        findings.append(Finding(subject="election id", reason=reason, expected=announced, found=election))
    return context.conclude(CHECK, total=1, findings=findings, begun=election is not None)
