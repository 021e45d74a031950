"""Verifications 1 to 4 of ElectionGuard 2.0, and its hash function H(B0; B1) = HMAC-SHA-256(B0, B1).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gmpy2
from gmpy2 import mpz

from voting.crypto.group import Element, FixedBase, Group
from voting.verifier.foreign.electionguard.data_2 import Config, ContestDescription, Guardian, Initialized, Manifest
from voting.verifier.foreign.electionguard.groups import GROUP_2_NAME, Parameters
from voting.verifier.foreign.electionguard.guardians import check_group, check_quorum
from voting.verifier.foreign.electionguard.numbers import P_BYTES
from voting.verifier.foreign.findings import Ledger

_VERSION = b"v2.0.0".ljust(32, b"\0")


def b4(number: int) -> bytes:
    """b(number, 4); of a number that no record should have, the last 32 bits."""
    return (number & 0xFFFFFFFF).to_bytes(4, "big")


def b512(element: mpz) -> bytes:
    """b(element, 512)."""
    return int(element).to_bytes(P_BYTES, "big")


def hash_2(key: bytes, separator: int, *parts: bytes) -> bytes:
    """H(key; separator, parts)."""
    return hmac.new(key, bytes((separator,)) + b"".join(parts), hashlib.sha256).digest()


@dataclass(frozen=True)
class Election2:
    """What all later checks build on: computed from the files, not read from the hashes that they state."""

    group: Group
    manifest: Manifest
    config: Config
    initialized: Initialized
    contests: Mapping[str, ContestDescription]
    styles: Mapping[str, frozenset[str]]
    """Ballot style -> the contests that it shows."""
    key: FixedBase
    """K, with a table of powers."""
    extended_hash: bytes
    """H_E."""
    baux0: bytes
    """What the configuration puts at the beginning of each chain of confirmation codes."""

    def challenge(self, separator: int, *parts: bytes | mpz) -> mpz:
        """H(H_E; separator, K, parts) mod q; numbers are elements modulo p."""
        texts = [part if isinstance(part, bytes) else b512(part) for part in parts]
        hashed = hash_2(self.extended_hash, separator, b512(self.key.base.value), *texts)
        return mpz(int.from_bytes(hashed, "big")) % self.group.q


def check_setup(
    ledger: Ledger,
    group: Group,
    parameters: Parameters,
    manifest_bytes: bytes,
    manifest: Manifest,
    config: Config,
    initialized: Initialized,
) -> Election2 | None:
    """Verifications 1 to 4; nothing if what follows could not be computed."""
    with ledger.timing("1"):
        hashes = _check_parameters(ledger, group, parameters, manifest_bytes, manifest, config)
    if hashes is None:
        return None
    parameter_hash, base_hash = hashes
    with ledger.timing("2"):
        _check_guardians(ledger, group, config, initialized.guardians, parameter_hash)
    if ledger.has_failed("2"):
        return None
    with ledger.timing("3"):
        key = mpz(1)
        for guardian in initialized.guardians:
            key = key * guardian.coefficient_proofs[0].public_key.value % group.p
        if key == initialized.joint_public_key.value:
            ledger.hold("3")
        else:
            ledger.fail("3", "the joint public key K", "3.B: is not the product of the guardians' keys")
    with ledger.timing("4"):
        extended_hash = hash_2(base_hash, 0x12, b512(key))
        _compare(ledger, "4", "the extended base hash H_E", extended_hash, initialized.extended_base_hash.raw)
    styles = {
        style.object_id: frozenset(
            contest.object_id
            for contest in manifest.contests
            if contest.electoral_district_id in style.geopolitical_unit_ids
        )
        for style in manifest.ballot_styles
    }
    return Election2(
        group=group,
        manifest=manifest,
        config=config,
        initialized=initialized,
        contests={contest.object_id: contest for contest in manifest.contests},
        styles=styles,
        key=FixedBase(Element(group, key)),
        extended_hash=extended_hash,
        baux0=config.baux0.raw,
    )


def _compare(ledger: Ledger, check: str, subject: str, expected: bytes, found: bytes) -> None:
    if expected == found:
        ledger.hold(check)
    else:
        reason = "is not what follows from the record"
        ledger.fail(check, subject, reason, expected=f"{expected.hex()[:16]}...", found=f"{found.hex()[:16]}...")


def _check_parameters(
    ledger: Ledger, group: Group, parameters: Parameters, manifest_bytes: bytes, manifest: Manifest, config: Config
) -> tuple[bytes, bytes] | None:
    n, k = config.number_of_guardians, config.quorum
    check_group(ledger, group, GROUP_2_NAME, parameters)
    check_quorum(ledger, "election_config.json", n, k)
    if ledger.has_failed("1"):
        return None
    _check_manifest(ledger, manifest)
    q = int(group.q).to_bytes(32, "big")
    parameter_hash = hash_2(_VERSION, 0x00, b512(group.p), q, b512(group.generator.value))
    manifest_hash = hash_2(parameter_hash, 0x01, b4(len(manifest_bytes)), manifest_bytes)
    base_hash = hash_2(parameter_hash, 0x02, manifest_hash, b4(n), b4(k))
    _compare(ledger, "1", "the parameter base hash H_P", parameter_hash, config.parameter_base_hash.raw)
    _compare(ledger, "1", "the manifest hash H_M", manifest_hash, config.manifest_hash.raw)
    _compare(ledger, "1", "the election base hash H_B", base_hash, config.election_base_hash.raw)
    return None if ledger.has_failed("1") else (parameter_hash, base_hash)


def _check_manifest(ledger: Ledger, manifest: Manifest) -> None:
    groups: dict[str, Sequence[object]] = {
        "contests": [contest.object_id for contest in manifest.contests],
        "sequence orders of contests": [contest.sequence_order for contest in manifest.contests],
        "ballot styles": [style.object_id for style in manifest.ballot_styles],
    }
    for contest in manifest.contests:
        options = contest.ballot_selections
        groups[f"options of {contest.object_id}"] = [option.object_id for option in options]
        groups[f"sequence orders in {contest.object_id}"] = [option.sequence_order for option in options]
        limit = 1 if contest.option_selection_limit is None else contest.option_selection_limit
        if not (0 <= contest.votes_allowed <= MAX_LIMIT and 0 <= limit <= MAX_LIMIT):
            ledger.fail("1", contest.object_id, "its limits cannot be meant")
        if not 0 <= contest.sequence_order < 1 << 32:
            ledger.fail("1", contest.object_id, "its sequence order cannot be meant")
    for what, names in groups.items():
        if len(set(names)) == len(names):
            ledger.hold("1")
        else:
            ledger.fail("1", "manifest.json", f"two of its {what} have the same name or number")


MAX_LIMIT = 10_000
"""Most votes that a contest may allow here."""


def _check_guardians(
    ledger: Ledger, group: Group, config: Config, guardians: tuple[Guardian, ...], parameter_hash: bytes
) -> None:
    n, k = config.number_of_guardians, config.quorum
    numbers = sorted(guardian.x_coordinate for guardian in guardians)
    if numbers == list(range(1, n + 1)) and len({guardian.guardian_id for guardian in guardians}) == n:
        ledger.hold("2")
    else:
        reason = "are not numbered from 1 to the number of guardians"
        ledger.fail("2", "guardians", reason, expected=str(n), found=str(numbers)[:60])
        return
    for guardian in guardians:
        subject = f"guardian {guardian.guardian_id}"
        if len(guardian.coefficient_proofs) != k:
            ledger.fail("2", subject, "has not one proof for each coefficient", expected=str(k))
            continue
        for number, proof in enumerate(guardian.coefficient_proofs):
            key, c, v = proof.public_key.value, proof.challenge.value, proof.response.value
            commitment = (group.generator**v).value * gmpy2.powmod(key, c, group.p) % group.p
            hashed = hash_2(parameter_hash, 0x10, b4(guardian.x_coordinate), b4(number), b512(key), b512(commitment))
            if not group.is_member(key):
                ledger.fail("2", f"{subject}, coefficient {number}", "2.A: the commitment is not in the group")
            elif mpz(int.from_bytes(hashed, "big")) % group.q != c:
                ledger.fail("2", f"{subject}, coefficient {number}", "2.C: the challenge is not the hash")
            else:
                ledger.hold("2")
