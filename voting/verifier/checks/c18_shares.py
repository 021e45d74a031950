"""Check 18: the decryption shares are right.

Claim: each share that the result uses was made with the trustee's key and for this tally.
Rule: the trustee signed it; every factor M_t is in the group; with weights d_t from a challenge over all A_t and
M_t, the proof shows log_g V_j = log_(prod A_t^d_t) (prod M_t^d_t) (D6). At least k shares are right, and all that
the result names.
Stops: a trustee who changes the result by a false share.
Warns: of a wrong share that the result does not use.
"""

from __future__ import annotations

from voting.protocol.errors import VerificationError
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding, Status, finding_of, not_run, nothing_yet

CHECK = CheckInfo("18", "Decryption shares", needs=("04", "05", "16", "17"))


def run(context: Context) -> CheckResult:
    """Conclude check 18."""
    record = context.record
    total = len(record.shares) + len(context.refusals(CHECK.id))
    if record.tally is None:
        return context.conclude(CHECK, total=total, begun=False)
    if isinstance(context.totals, VerificationError) and not context.refusals(CHECK.id):
        return not_run("needs 17: the encrypted totals cannot be read", total=total)
    threshold = record.require_manifest().threshold
    used = record.result.shares if record.result is not None else ()
    findings: list[Finding] = []
    warnings: list[Finding] = []
    right = 0
    places = dict(zip(record.shares, context.replay.places.get("tally.share", []), strict=True))
    for index, share in context.shares.items():
        if isinstance(share, VerificationError):
            (findings if index in used else warnings).append(finding_of(share, places[index]))
        else:
            right += 1
    if record.result is not None and right < threshold and not isinstance(context.totals, VerificationError):
        reason = "there are fewer right shares than are needed to decrypt"
        findings.append(Finding(subject="shares", reason=reason, expected=str(threshold), found=str(right)))
    result = context.conclude(CHECK, total=total, findings=findings, warnings=warnings)
    if result.status is Status.PASSED and record.result is None and right < threshold:
        reason = f"{right} of the {threshold} shares needed are there"
        return nothing_yet(reason)._replace(passed=right, total=total, warnings=result.warnings)
    return result._replace(passed=right) if result.status is Status.PASSED else result
