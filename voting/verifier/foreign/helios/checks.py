"""The checks on a Helios record, numbered (docs/foreign-records.md), in Helios's own terms.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from voting.verifier.findings import CheckInfo

RULES = {
    "H01": "the parts have their form; no key twice",
    "H02": "the one group that Helios uses, a key in it, questions with possible bounds",
    "H03": "in the group, with their hash and the proof that the private key is known",
    "H04": "the product of the trustees' keys",
    "H05": "each listed once, for this election",
    "H06": (
        "for this election (UUID and hash), by a listed voter, with as many choices and proofs as are asked "
        "for, and nothing else in them"
    ),
    "H07": "each is the hash of its vote, as the server of 2010 or a browser of today writes it",
    "H08": "each number x has x^q = 1",
    "H09": "each choice is 0 or 1, and their number is within the bounds",
    "H10": "counted; a copy is a warning, because no rule of Helios forbids it",
    "H11": "the product of each voter's last vote",
    "H12": "each factor of each trustee",
    "H13": "g^result = beta / product of the factors, and no number beyond the number of votes",
}
"""What must hold, as docs/foreign-records.md writes it."""

CHECKS = (
    CheckInfo("H01", "record", rule=RULES["H01"]),
    CheckInfo("H02", "election parameters", needs=("H01",), rule=RULES["H02"]),
    CheckInfo("H03", "trustees' public keys", needs=("H02",), rule=RULES["H03"]),
    CheckInfo("H04", "election public key", needs=("H02", "H03"), rule=RULES["H04"]),
    CheckInfo("H05", "voters", needs=("H02",), rule=RULES["H05"]),
    CheckInfo("H06", "form of votes", needs=("H02",), rule=RULES["H06"]),
    CheckInfo("H07", "smart ballot trackers", needs=("H06",), rule=RULES["H07"]),
    CheckInfo("H08", "ciphertexts in the group", needs=("H06",), rule=RULES["H08"]),
    CheckInfo("H09", "vote proofs", needs=("H06", "H08"), rule=RULES["H09"]),
    CheckInfo("H10", "no copied ciphertexts", needs=("H08",), rule=RULES["H10"]),
    CheckInfo("H11", "encrypted tally", needs=("H06", "H08"), rule=RULES["H11"]),
    CheckInfo("H12", "decryption proofs", needs=("H03", "H06", "H08"), rule=RULES["H12"]),
    CheckInfo("H13", "result", needs=("H06", "H08", "H12"), rule=RULES["H13"]),
    CheckInfo("H14", "who cast a vote"),
    CheckInfo("H15", "votes left out"),
    CheckInfo("H16", "voters' devices"),
)

NOT_SHOWN = {
    "H14": "votes carry no signature: a server could cast them for voters who did not",
    "H15": "votes are not chained: each voter must look for the tracker, in time",
    "H16": "what a device encrypted is not shown: a voter can audit ballots before casting one",
}
"""What no Helios record shows, whoever reads it."""

WEAK_CHALLENGES = "Helios hashes the commitments of a proof only, with SHA-1: the statement is not bound"
"""Bernhard, Pereira, Warinschi, ASIACRYPT 2012: such proofs can be made for false statements that one may choose."""
