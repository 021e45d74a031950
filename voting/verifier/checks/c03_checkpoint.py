"""Check 03: the board signed exactly these entries.

Claim: the record is what the board published, all of it, and others can compare it by one short text.
Rule: `checkpoint` carries a signature by the board's key that the manifest names, which `vkey` repeats; its size is
the number of headers; its root is MTH(headers), the Merkle tree hash of RFC 6962 over the headers' bytes. As many
of the manifest's witnesses have signed it as the manifest demands, and every witness named with --witness.
Stops: records that the board never published; together with other observers, a board that shows different people
different elections.
"""

from __future__ import annotations

from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.note import NoteKey, parse_note, parse_vkey, verify_cosignatures
from voting.protocol.tlog.text import encode_base64
from voting.protocol.tlog.witnesses import WitnessPolicy, verify_quorum
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding

CHECK = CheckInfo("03", "Signed checkpoint", needs=("01",))


def run(context: Context) -> CheckResult:
    """Conclude check 03."""
    manifest = context.record.manifest
    total = 1 + len(context.announced.witnesses) + bool(manifest is not None and manifest.quorum)
    if manifest is None:
        return context.conclude(CHECK, total=total, begun=False)
    key = parse_vkey(manifest.board, what="the manifest's board key")
    findings = _checkpoint_findings(context, key)
    if context.vkey != manifest.board:
        reason = "is not the board's key that the manifest names"
        findings.append(Finding(subject="vkey", reason=reason, expected=manifest.board, found=context.vkey))
    if not findings:
        findings += [*_quorum_findings(context, manifest.witness_policy(), key), *_witness_findings(context, key)]
    return context.conclude(CHECK, total=total, findings=findings)


def _checkpoint_findings(context: Context, key: NoteKey) -> list[Finding]:
    try:
        checkpoint = open_checkpoint(context.checkpoint, key)
    except (DecodeError, SignatureInvalid) as error:
        return [Finding(subject="checkpoint", reason=str(error))]
    if checkpoint.size != context.replay.entries:
        return [
            Finding(
                subject="checkpoint",
                reason="signs another number of entries than the record has",
                expected=str(context.replay.entries),
                found=str(checkpoint.size),
            )
        ]
    if checkpoint.root != context.replay.root:
        return [
            Finding(
                subject="checkpoint",
                reason="its root is not that of the record's headers",
                expected=encode_base64(context.replay.root),
                found=encode_base64(checkpoint.root),
            )
        ]
    return []


def _quorum_findings(context: Context, policy: WitnessPolicy, board: NoteKey) -> list[Finding]:
    """What is wrong with the signatures of the witnesses that the manifest names."""
    try:
        verify_quorum(context.checkpoint, policy, board=board)
    except SignatureInvalid as error:
        return [Finding(subject="checkpoint", reason=error.problem)]
    return []


def _witness_findings(context: Context, board: NoteKey) -> list[Finding]:
    note = parse_note(context.checkpoint, what="the checkpoint")
    findings = []
    for witness in context.announced.witnesses:
        subject = f"witness {witness.name}"
        try:
            if not verify_cosignatures(note, [witness], board=board):
                findings.append(Finding(subject=subject, reason="has not signed the checkpoint"))
        except SignatureInvalid as error:
            findings.append(Finding(subject=subject, reason=str(error)))
    return findings
