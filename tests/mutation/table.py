"""Which tests should notice faults in which module: the quickest first, since most faults end a run at once."""

from __future__ import annotations

_PROOFS = (
    "tests/properties/test_nonces.py",
    "tests/properties/test_shared_vectors.py",
    "tests/properties/test_proofs.py",
)
_RULES = "tests/tamper/test_rules_each_entry.py"
_REGISTER = "tests/properties/test_election_register.py"
_ELECTION = (
    "tests/tamper/test_tally_parts.py",
    "tests/integration/test_simulated_election.py",
    "tests/tamper/test_check_counts.py",
    "tests/tamper/test_verifier_tamper.py",
    "tests/integration/test_verifier.py",
)

TESTS: dict[str, tuple[str, ...]] = {
    "voting.crypto.schnorr": _PROOFS,
    "voting.crypto.chaum_pedersen": _PROOFS,
    "voting.crypto.membership": (*_PROOFS, "tests/tamper/test_ballot_tamper.py"),
    "voting.crypto.sharing": ("tests/properties/test_threshold.py", "tests/properties/test_proofs.py"),
    "voting.election.tally": _ELECTION,
    "voting.election.decryption": _ELECTION,
    "voting.election.record": (_RULES, _REGISTER, *_ELECTION),
    "voting.election.register": (_REGISTER, _RULES),
    "voting.election.rules": (_RULES, *_ELECTION),
}

CHECKS = tuple(
    f"voting.verifier.checks.{name}"
    for name in (
        "c01_manifest", "c02_chain", "c03_checkpoint", "c04_phases", "c05_signatures", "c06_commitments",
        "c07_ceremony", "c08_joint_key", "c09_credentials", "c10_opening", "c11_ballot_signatures", "c12_ciphertexts",
        "c13_ballot_shape", "c14_ballot_proofs", "c15_copies", "c16_counted", "c17_tally", "c18_shares", "c19_totals",
        "c20_outcome", "c21_extension",
    )
)  # fmt: skip
TESTS |= dict.fromkeys(
    CHECKS,
    (
        "tests/tamper/test_check_counts.py",
        "tests/tamper/test_verifier_tamper.py",
        "tests/integration/test_verifier.py",
    ),
)
TESTS["voting.verifier.checks.c03_checkpoint"] += ("tests/integration/test_witnessed_election.py",)
TESTS["voting.verifier.checks.c07_ceremony"] += ("tests/integration/test_trustee_ceremony.py",)
TESTS["voting.election.rules"] += ("tests/integration/test_trustee_ceremony.py",)
