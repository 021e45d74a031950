"""The verifications of ElectionGuard records, by the numbers and names of its design specifications 1.1 and 2.0.

What no verification is about stands at the end, so that it is seen: such a check is never passed.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from voting.verifier.findings import CheckInfo

_READING = CheckInfo(
    "0",
    "Reading of the record",
    rule="every file is there and has its form; no name twice in the JSON, no number out of range",
)
_VOTERS = CheckInfo("voters", "Only voters voted, each once")
_LAST = CheckInfo("last", "No ballot is missing at the end of a chain")
_SETUP = ("0", "1", "2")

CHECKS_1 = (
    _READING,
    CheckInfo(
        "1",
        "Parameter validation",
        ("0",),
        "the published group; numbers of guardians and quorum; the manifest hash and the base hash Q follow from them",
    ),
    CheckInfo(
        "2",
        "Guardian public-key validation",
        ("0", "1"),
        "every guardian from 1 to n, with one proven commitment for each coefficient",
    ),
    CheckInfo(
        "3",
        "Election public-key validation",
        _SETUP,
        "K is the product of the guardians' keys; the commitment hash and the extended base hash follow",
    ),
    CheckInfo(
        "4",
        "Correctness of selection encryptions",
        _SETUP,
        "each selection is in the group and holds 0 or 1",
    ),
    CheckInfo(
        "5",
        "Adherence to vote limits",
        _SETUP,
        "each ballot has the contests of its style, with the manifest's options and as many placeholders as are "
        "elected; the selections of a contest add up to that number",
    ),
    CheckInfo(
        "6",
        "Validation of confirmation codes",
        _SETUP,
        "each hash and code follows from the ballot; each ballot follows a device's start or one other ballot; no id "
        "or code twice",
    ),
    CheckInfo(
        "7",
        "Correctness of ballot aggregation",
        _SETUP,
        "the encrypted tally is the product of the cast ballots",
    ),
    CheckInfo(
        "8",
        "Correctness of partial decryptions",
        (*_SETUP, "7", "11"),
        "the share of each guardian who was present is proven",
    ),
    CheckInfo(
        "9",
        "Correctness of substitute data for missing guardians",
        (*_SETUP, "7", "8", "11"),
        "for each missing guardian a quorum of others gave proven parts, under the recovery keys that follow from the "
        "commitments",
    ),
    CheckInfo(
        "10",
        "Correctness of construction of replacement partial decryptions",
        (*_SETUP, "9", "11"),
        "a missing guardian's share is put together from the parts with Lagrange coefficients",
    ),
    CheckInfo(
        "11",
        "Validation of correct decryption of tallies",
        _SETUP,
        "B = M times all shares, M = g^t, for every option of the manifest and no other",
    ),
    CheckInfo("12", "Correctness of partial decryptions for spoiled ballots", (*_SETUP, "15"), "as 8"),
    CheckInfo("13", "Correctness of substitute data for spoiled ballots", (*_SETUP, "12", "15"), "as 9"),
    CheckInfo(
        "14", "Correctness of replacement partial decryptions for spoiled ballots", (*_SETUP, "13", "15"), "as 10"
    ),
    CheckInfo(
        "15",
        "Validation of correct decryption of spoiled ballots",
        _SETUP,
        "as 11, for every spoiled ballot and no cast one",
    ),
    CheckInfo(
        "16",
        "Correctness of spoiled ballots",
        (*_SETUP, "15"),
        "each option has 0 or 1 votes, each contest as many as it should",
    ),
    CheckInfo("17-19", "Contest data of spoiled ballots"),
    _LAST,
    _VOTERS,
)
"""Versions 0.95 to 1.1."""

CHECKS_2 = (
    _READING,
    CheckInfo(
        "1",
        "Parameter validation",
        ("0",),
        "the published group; the hashes H_P, H_M (of every byte of the manifest) and H_B follow",
    ),
    CheckInfo(
        "2",
        "Guardian public-key validation",
        ("0", "1"),
        "every guardian from 1 to n, with one proven commitment for each coefficient",
    ),
    CheckInfo("3", "Election public-key validation", _SETUP, "K is the product of the guardians' keys"),
    CheckInfo("4", "Extended base hash validation", _SETUP, "H_E follows from H_B and K"),
    CheckInfo(
        "5",
        "Well-formedness of selection encryptions",
        _SETUP,
        "each selection is in the group and holds one of 0 to R",
    ),
    CheckInfo(
        "6",
        "Adherence to vote limits",
        _SETUP,
        "each ballot has the contests of its style, with the manifest's options; their sum is one of 0 to L",
    ),
    CheckInfo(
        "7",
        "Validation of confirmation codes",
        _SETUP,
        "each hash and code follows from the ballot; no id or code twice; chains have no gap and no branch",
    ),
    CheckInfo(
        "8",
        "Correctness of ballot aggregation",
        _SETUP,
        "the encrypted tally is the product of the cast ballots, and lists them",
    ),
    CheckInfo("9", "Correctness of tally decryptions", (*_SETUP, "8", "10"), "each decryption is proven"),
    CheckInfo(
        "10",
        "Validation of correct decryption of tallies",
        _SETUP,
        "T = K^t, for every option of the manifest and no other",
    ),
    CheckInfo(
        "11",
        "Correctness of decryptions of contest data",
        (*_SETUP, "13"),
        "beta is proven, for all contest data of challenged ballots",
    ),
    CheckInfo("12", "Correctness of decryptions for challenged ballots", (*_SETUP, "13"), "as 9"),
    CheckInfo(
        "13",
        "Validation of correct decryption of challenged ballots",
        _SETUP,
        "as 10, for every challenged ballot and no cast one; no more votes than allowed",
    ),
    CheckInfo("14-19", "Pre-encrypted ballots"),
    CheckInfo(
        "data",
        "Texts of contest data",
        (*_SETUP, "11", "13"),
        "the authentication code fits, and the published text is what was decrypted",
    ),
    _LAST,
    CheckInfo("quorum", "Which guardians decrypted"),
    _VOTERS,
)
"""Version 2.0."""

VOTERS_REASON = "these records hold no list of voters: compare with the electoral roll"
