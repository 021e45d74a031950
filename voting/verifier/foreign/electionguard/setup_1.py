"""Verifications 1 to 3 of ElectionGuard 1.x: parameters, guardians' public keys, the election's public key.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gmpy2
from gmpy2 import mpz

from voting.crypto.group import Group
from voting.verifier.foreign.electionguard.data_1 import ContestDescription, Context, Guardian, Manifest
from voting.verifier.foreign.electionguard.groups import Parameters
from voting.verifier.foreign.electionguard.guardians import check_group, check_quorum
from voting.verifier.foreign.electionguard.hash_1 import Hash1, has_bar, manifest_hash
from voting.verifier.foreign.findings import Ledger


@dataclass(frozen=True)
class Election1:
    """What all later checks build on: computed from the manifest and the guardians, not read from the context."""

    group: Group
    h: Hash1
    manifest: Manifest
    context: Context
    guardians: tuple[Guardian, ...]
    """In the order of their sequence numbers."""
    contests: Mapping[str, ContestDescription]
    styles: Mapping[str, frozenset[str]]
    """Ballot style -> the contests that it shows."""
    key: mpz
    """K."""
    extended_hash: mpz
    """The extended base hash."""


def check_setup(
    ledger: Ledger,
    group: Group,
    parameters: Parameters,
    manifest: Manifest,
    context: Context,
    guardians: Sequence[Guardian],
) -> Election1 | None:
    """Verifications 1 to 3; nothing if what follows could not be computed."""
    h = Hash1(group)
    with ledger.timing("1"):
        sound = _check_parameters(ledger, group, parameters, manifest, context, h)
    if not sound:
        return None
    with ledger.timing("2"):
        ordered = tuple(sorted(guardians, key=lambda guardian: guardian.sequence_order))
        sound = _check_guardians(ledger, group, context, ordered, h)
    if not sound:
        return None
    with ledger.timing("3"):
        key = mpz(1)
        for guardian in ordered:
            key = key * guardian.election_public_key.value % group.p
        commitments = [commitment for guardian in ordered for commitment in guardian.election_commitments]
        commitment_hash = h(commitments)
        n, k = context.number_of_guardians, context.quorum
        base_hash = h(group.p, group.q, group.generator.value, n, k, manifest_hash(h, manifest))
        extended_hash = h(base_hash, commitment_hash)
        _compare(ledger, "3", "the election's public key K", key, context.elgamal_public_key.value)
        _compare(ledger, "3", "the commitment hash", commitment_hash, context.commitment_hash.value)
        _compare(ledger, "3", "the extended base hash", extended_hash, context.crypto_extended_base_hash.value)
    units = {style.object_id: frozenset(style.geopolitical_unit_ids or ()) for style in manifest.ballot_styles}
    styles = {
        style: frozenset(c.object_id for c in manifest.contests if c.electoral_district_id in districts)
        for style, districts in units.items()
    }
    contests = {contest.object_id: contest for contest in manifest.contests}
    return Election1(group, h, manifest, context, ordered, contests, styles, key, extended_hash)


def _compare(ledger: Ledger, check: str, subject: str, expected: mpz, found: mpz) -> None:
    if expected == found:
        ledger.hold(check)
    else:
        ledger.fail(
            check, subject, "is not what follows from the record", expected=_short(expected), found=_short(found)
        )


def _short(number: mpz) -> str:
    return f"{number:X}"[:16] + "..."


def _check_parameters(
    ledger: Ledger, group: Group, parameters: Parameters, manifest: Manifest, context: Context, h: Hash1
) -> bool:
    n, k = context.number_of_guardians, context.quorum
    check_group(ledger, group, group.name, parameters)
    check_quorum(ledger, "context.json", n, k)
    if ledger.has_failed("1"):
        return False
    _check_manifest(ledger, manifest)
    computed = manifest_hash(h, manifest)
    _compare(ledger, "1", "the manifest hash", computed, context.manifest_hash.value)
    base_hash = h(group.p, group.q, group.generator.value, n, k, computed)
    _compare(ledger, "1", "the base hash Q", base_hash, context.crypto_base_hash.value)
    if has_bar(manifest):
        reason = "a label contains '|', which the hash does not escape: another manifest may have the same hash"
        ledger.warn("1", "manifest.json", reason)
    ledger.warn("1", "manifest.json", "the manifest hash does not cover the names of the candidates: compare them")
    return not ledger.has_failed("1")


def _check_manifest(ledger: Ledger, manifest: Manifest) -> None:
    """Names that are used as keys must be used once."""
    groups: dict[str, Sequence[object]] = {
        "contests": [contest.object_id for contest in manifest.contests],
        "sequence orders of contests": [contest.sequence_order for contest in manifest.contests],
        "ballot styles": [style.object_id for style in manifest.ballot_styles],
        "options": [s.object_id for contest in manifest.contests for s in contest.ballot_selections],
    }
    for contest in manifest.contests:
        groups[f"sequence orders in {contest.object_id}"] = [s.sequence_order for s in contest.ballot_selections]
        if not 0 <= contest.number_elected <= len(contest.ballot_selections):
            ledger.fail("1", contest.object_id, f"cannot elect {contest.number_elected} of its options")
    for what, names in groups.items():
        if len(set(names)) == len(names):
            ledger.hold("1")
        else:
            ledger.fail("1", "manifest.json", f"two of its {what} have the same name or number")


def _check_guardians(ledger: Ledger, group: Group, context: Context, guardians: Sequence[Guardian], h: Hash1) -> bool:
    n, k = context.number_of_guardians, context.quorum
    orders = [guardian.sequence_order for guardian in guardians]
    if orders == list(range(1, n + 1)) and len({guardian.guardian_id for guardian in guardians}) == n:
        ledger.hold("2")
    else:
        ledger.fail(
            "2",
            "guardians",
            "are not numbered from 1 to the number of guardians",
            expected=str(n),
            found=str(orders)[:60],
        )
        return False
    for guardian in guardians:
        subject = f"guardian {guardian.guardian_id}"
        commitments = [commitment.value for commitment in guardian.election_commitments]
        if len(commitments) != k or len(guardian.election_proofs) != k:
            ledger.fail("2", subject, "has not one commitment and one proof for each coefficient", expected=str(k))
            continue
        if guardian.election_public_key.value != commitments[0]:
            ledger.fail("2", subject, "the public key is not the first commitment")
            continue
        for number, (key, proof) in enumerate(zip(commitments, guardian.election_proofs, strict=True)):
            reason = _proof_fault(
                group,
                h,
                key,
                proof.public_key.value,
                proof.commitment.value,
                proof.challenge.value,
                proof.response.value,
            )
            if reason:
                ledger.fail("2", f"{subject}, coefficient {number}", reason)
            else:
                ledger.hold("2")
    return not ledger.has_failed("2")


def _proof_fault(group: Group, h: Hash1, key: mpz, named: mpz, commitment: mpz, challenge: mpz, response: mpz) -> str:
    """What is wrong with a Schnorr proof; empty if nothing is."""
    if named != key:
        return "the proof is for another commitment"
    if not group.is_member(key) or not group.is_member(commitment):
        return "a number is not in the group"
    if challenge != h(key, commitment):
        return "2.A: the challenge is not the hash of the commitments"
    if (group.generator**response).value != commitment * gmpy2.powmod(key, challenge, group.p) % group.p:
        return "2.B: the equation of the proof does not hold"
    return ""
