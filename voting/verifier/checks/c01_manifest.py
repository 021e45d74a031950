"""Check 01: the manifest is well formed and uses a known group.

Claim: the first entry defines the election by a manifest that keeps every rule of docs/spec/manifest.md. Its group
is one of those known by name; a record cannot bring group parameters of its own, and test groups are refused unless
allowed.
Rule: the manifest has no fault (M15); with --manifest HASH, SHA-256 of its canonical bytes equals HASH.
Stops: weak or trapped parameters; a record of another election, or with another question, than the one announced.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding

CHECK = CheckInfo("01", "Manifest")


def run(context: Context) -> CheckResult:
    """Conclude check 01."""
    manifest = context.record.manifest
    findings = []
    announced = context.announced.manifest
    if manifest is not None and announced is not None and manifest.hash != announced:
        reason = "is not the manifest that was announced"
        findings.append(Finding(entry=0, subject="manifest", reason=reason, expected=announced, found=manifest.hash))
    return context.conclude(CHECK, total=1, findings=findings, begun=manifest is not None)
