"""Check 06: the trustees' commitments are sound.

Claim: each trustee fixed their part of the key before they saw the others', and knows the secret behind it.
Rule: SHA-256 of the coefficients A_0 .. A_(k-1) is the hash of round 1; each A_m is in the group and is not 1; each
proof holds: c = H(context, A_m, g^z A_m^-c) (P3).
Stops: a last trustee who chooses the joint key, and keys made from other people's keys.
Warns: if two proofs of one trustee, those of decryption included, have the same commitment. A nonce used twice
gives the secret away to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from voting.crypto.group import Element
from voting.election.ballots import decode_element
from voting.election.ceremony import decode_proof
from voting.protocol.errors import DecodeError
from voting.protocol.messages import Proof
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult, Finding

CHECK = CheckInfo("06", "Trustees' commitments", needs=("04", "05"))


def run(context: Context) -> CheckResult:
    """Conclude check 06."""
    total = len(context.replay.commitments) + len(context.refusals(CHECK.id))
    return context.conclude(CHECK, total=total, warnings=_repeated_nonces(context), begun=total > 0)


def _repeated_nonces(context: Context) -> list[Finding]:
    seen: dict[tuple[int, bytes], str] = {}
    warnings = []
    for index, place, entry, commitment in _commitments(context):
        earlier = seen.setdefault((index, commitment.encode_unsigned()), place)
        if earlier != place:
            reason = f"{place} has the same commitment as {earlier}: a nonce used twice gives the secret away"
            warnings.append(Finding(entry=entry, subject=f"trustee {index}", reason=reason))
    return warnings


def _commitments(context: Context) -> Iterator[tuple[int, str, int | None, Element]]:
    """(trustee, what it is, entry, g^z y^-c) of every proof that a trustee has published."""
    if context.record.manifest is None:
        return
    group = context.record.group

    def commitment(statement: Element, proof: Proof) -> Element:
        c, z = decode_proof(group, proof, what="proof")
        return group.g.power(z) * statement ** (group.q - c)

    for entry, committed in context.replay.commitments:
        coefficients = committed.coefficients
        for position, (text, proof) in enumerate(zip(coefficients.elements, committed.proofs, strict=True)):
            statement = decode_element(group, text, what="element")
            yield coefficients.index, f"proof {position} of entry {entry}", entry, commitment(statement, proof)
    for index, share in sorted(context.record.shares.items()):
        public = context.record.require_ceremony().verification_key(index)
        try:
            yield index, "the proof of the decryption share", None, commitment(public, share.proof)
        except DecodeError:
            continue  # check 18 names it
