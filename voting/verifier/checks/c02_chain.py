"""Check 02: every entry is canonical, and the entries form one unbroken chain.

Claim: nothing was edited, dropped, swapped or put in between.
Rule: header i is canonical JSON with seq = i and prev = SHA-256 of header i-1 (64 zeros for the first); its body is
canonical JSON of its type with SHA-256(body) and length as the header says. The files have one line per entry.
Stops: changes of published entries, gaps, and texts that two programs could read differently.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("02", "Chain of entries")


def run(context: Context) -> CheckResult:
    """Conclude check 02."""
    replay = context.replay
    findings = list(replay.link_faults)
    total = replay.entries
    if replay.broken_off is not None:
        findings.append(replay.broken_off)
        total += 1
    return context.conclude(CHECK, total=total, findings=findings, begun=total > 0)
