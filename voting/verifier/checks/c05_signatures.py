"""Check 05: administrator, credential authority and trustees signed their entries.

Claim: each entry comes from the person who answers for it.
Rule: Ed25519 over ("urne-v1-entry", entry type, manifest hash, SHA-256 of the content), framed (N1), under the key
that the manifest names, or that the trustee announced on joining. Ballots (11) and decryption shares (18) have
checks of their own.
Stops: a board that forges entries, and entries taken over from another election.
"""

from __future__ import annotations

from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult

CHECK = CheckInfo("05", "Signatures of officials", needs=("01",))
_ELSEWHERE = ("ballot.cast", "tally.share")


def run(context: Context) -> CheckResult:
    """Conclude check 05."""
    signed = sum(count for type_, count in context.replay.types.items() if type_ not in _ELSEWHERE)
    total = signed + len(context.refusals(CHECK.id))
    return context.conclude(CHECK, total=total, begun=total > 0)
