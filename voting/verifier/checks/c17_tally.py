"""Check 17: the encrypted tally is the product of the counted ballots.

Claim: what the trustees decrypt is the sum of the counted ballots, and nothing else.
Rule: for each total t: (A_t, B_t) = prod over the last ballot of each credential of (alpha_t, beta_t)^weight.
Stops: ballots left out of the count, counted twice, or put in by the server.
"""

from __future__ import annotations

from voting.election.tally import verify_tally
from voting.protocol.errors import VerificationError
from voting.verifier.context import Context
from voting.verifier.findings import Cause, CheckInfo, CheckResult, finding_of, not_run

CHECK = CheckInfo("17", "Encrypted tally", needs=("04", "05", "16"))


def run(context: Context) -> CheckResult:
    """Conclude check 17."""
    tally, own = context.record.tally, context.ballots.tally
    if tally is None or own is None:
        return context.conclude(CHECK, total=0, begun=False)
    total = len(own.ciphertexts)
    if context.ballots.error:
        return not_run(context.ballots.error, Cause.ERROR, total=total)
    if context.ballots.missing:
        return not_run(
            f"{context.ballots.missing} counted ballots cannot be multiplied, because they fail 12 or 13", total=total
        )
    findings = []
    try:
        verify_tally(tally, own, subject="tally.encrypted")
    except VerificationError as error:
        findings.append(finding_of(error, _entry(context)))
    return context.conclude(CHECK, total=total, findings=findings)


def _entry(context: Context) -> int:
    return context.replay.places["tally.encrypted"][0]
