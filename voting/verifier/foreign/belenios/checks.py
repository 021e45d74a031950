"""The checks on a Belenios archive, numbered (docs/foreign-records.md), in Belenios's own terms.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from voting.verifier.findings import CheckInfo

RULES = {
    "B01": "each header is the one form of its name, size and time; nothing stands between or behind the records",
    "B02": (
        "each record has the hash it is named by; each event names the one before it, its height, and the "
        "data record just before it"
    ),
    "B03": (
        "Setup, ballots, EndBallots, EncryptedTally, (shuffles, EndShuffles,) partial decryptions, Result; "
        "each with its number of data records"
    ),
    "B04": "version 1, a known group, questions with possible bounds, no key twice in the JSON",
    "B05": "every proof of knowledge, certificate, signature and verification key",
    "B06": "it is the product of what the trustees contribute",
    "B07": "numbers in their one form, in the group, none twice, weights that can be counted",
    "B08": "compact JSON in field order, for this election, with as many choices and proofs as the questions ask for",
    "B09": "each ballot's credential is on the list",
    "B10": "of the ballot's own hash, under its credential",
    "B11": "each number x of a ciphertext has x^q = 1, tested one by one",
    "B12": "each choice is 0 or 1, the number of choices is within the bounds, or the vote is blank",
    "B13": "the product of the last ballot of each credential, to the power of its weight; the counts beside it",
    "B14": "each is a permutation of what came before it",
    "B15": "each factor is proven; none from a trustee twice; enough of them",
    "B16": (
        "g^result = beta / F, each number in its one form and at most the total weight; ranked answers digit by digit"
    ),
    "B17": "no two ballots are the same, byte for byte: only a board can replay one",
    "B18": "with `--since OLD`: each event of the earlier copy is at its place still",
}
"""What must hold, as docs/foreign-records.md writes it."""

CHECKS = (
    CheckInfo("B01", "archive", rule=RULES["B01"]),
    CheckInfo("B02", "chain of events", needs=("B01",), rule=RULES["B02"]),
    CheckInfo("B03", "order of events", needs=("B01", "B02"), rule=RULES["B03"]),
    CheckInfo("B04", "election parameters", needs=("B01", "B02", "B03"), rule=RULES["B04"]),
    CheckInfo("B05", "trustees", needs=("B04",), rule=RULES["B05"]),
    CheckInfo("B06", "election public key", needs=("B04", "B05"), rule=RULES["B06"]),
    CheckInfo("B07", "credential list", needs=("B04",), rule=RULES["B07"]),
    CheckInfo("B08", "form of ballots", needs=("B04",), rule=RULES["B08"]),
    CheckInfo("B09", "eligible credentials", needs=("B07", "B08"), rule=RULES["B09"]),
    CheckInfo("B10", "ballot signatures", needs=("B08", "B09"), rule=RULES["B10"]),
    CheckInfo("B11", "ciphertexts in the group", needs=("B08",), rule=RULES["B11"]),
    CheckInfo("B12", "ballot proofs", needs=("B08", "B11"), rule=RULES["B12"]),
    CheckInfo("B13", "encrypted tally", needs=("B03", "B07", "B08", "B09", "B11"), rule=RULES["B13"]),
    CheckInfo("B14", "shuffles", needs=("B13",), rule=RULES["B14"]),
    CheckInfo("B15", "partial decryptions", needs=("B05", "B13", "B14"), rule=RULES["B15"]),
    CheckInfo("B16", "result", needs=("B13", "B14", "B15"), rule=RULES["B16"]),
    CheckInfo("B17", "no ballot twice", needs=("B08",), rule=RULES["B17"]),
    CheckInfo("B18", "earlier copy", needs=("B01", "B02"), rule=RULES["B18"]),
    CheckInfo("B19", "who has a credential"),
    CheckInfo("B20", "time of the ballots"),
    CheckInfo("B21", "voters' devices"),
)

NOT_SHOWN = {
    "B19": "the archive names no voters: compare the fingerprint of the credentials with the one announced",
    "B20": "events carry no time: that all ballots came during the vote is not shown",
    "B21": "what a device encrypted is not shown: each voter can look for the ballot's tracker",
}
"""What no Belenios archive shows, whoever reads it."""

NO_EARLIER_COPY = "ballots left out before this copy was made do not show: keep copies and use --since"
