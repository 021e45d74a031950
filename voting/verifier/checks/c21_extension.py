"""Check 21: the record extends the one seen before.

Claim: nothing that was published when an earlier checkpoint was signed has changed or gone since.
Rule: with --since FILE or --state FILE (the state of an earlier visit, a checkpoint, or a receipt), which holds a
checkpoint of size m: the board signed it, the record has at least m entries, and the Merkle root of the first m headers
is the checkpoint's.
Stops: a board that rewrites its history. The two signed checkpoints together prove it to anybody.
"""

from __future__ import annotations

from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.text import encode_base64
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding, Status

CHECK = CheckInfo("21", "Extends what was seen", needs=("01",))


def run(context: Context) -> CheckResult:
    """Conclude check 21."""
    manifest, note = context.record.manifest, context.announced.since
    if note is None:
        return CheckResult(Status.NOT_APPLICABLE, reason="no earlier checkpoint was given (--since)")
    if manifest is None:
        return context.conclude(CHECK, total=1, begun=False)
    try:
        earlier = open_checkpoint(note, parse_vkey(manifest.board), what="the earlier checkpoint")
    except (DecodeError, SignatureInvalid) as error:
        return context.conclude(CHECK, total=1, findings=[Finding(subject="earlier checkpoint", reason=str(error))])
    return context.conclude(CHECK, total=1, findings=_findings(context, earlier))


def _findings(context: Context, earlier: Checkpoint) -> list[Finding]:
    entries, root = context.replay.entries, context.replay.earlier_root
    if earlier.size > entries or root is None:
        reason = "has fewer entries than the board had signed before"
        return [Finding(subject="record", reason=reason, expected=f"at least {earlier.size}", found=str(entries))]
    if root != earlier.root:
        return [
            Finding(
                subject="record",
                reason=f"its first {earlier.size} entries are not those that the board had signed before",
                expected=encode_base64(earlier.root),
                found=encode_base64(root),
            )
        ]
    return []
