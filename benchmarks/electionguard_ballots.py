"""Run by another Python, where electionguard 1.4.0 is installed: times that program's own check of whole ballots.

    python electionguard_ballots.py OPTIONS BALLOTS

One contest, one of so many options. Each ballot is made, and then checked as electionguard checks it before it is
accepted: all hashes, the 0/1 proof of every selection, the placeholder's too, and the proof of the sum. Printed are the
processor seconds of the checks alone, and how many selections they were (a placeholder counts as one).

Nothing of Urne is imported but the loader of `tests/third_party/electionguard_peer.py`, which makes that version start
with this Python.
"""

# mypy: ignore-errors

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

# This folder must leave the path: a module of it has the name of the package.
sys.path[0] = str(Path(__file__).parents[1] / "tests" / "third_party")

from electionguard_peer import load  # noqa: E402


def manifest_of(options: int) -> dict:
    """One contest with so many options."""
    names = [f"option-{number}" for number in range(options)]
    text = {"text": [{"value": "Question", "language": "en"}]}
    unit = {"object_id": "town", "name": "Town", "type": "municipality", "contact_information": None}
    party = {"object_id": "none", "name": {"text": []}, "abbreviation": "", "color": None, "logo_uri": None}
    return {
        "election_scope_id": "benchmark",
        "spec_version": "v0.95",
        "type": "general",
        "start_date": "2026-03-01T08:00:00+01:00",
        "end_date": "2026-03-01T18:00:00+01:00",
        "geopolitical_units": [unit],
        "parties": [party],
        "candidates": [
            {"object_id": name, "name": text, "party_id": None, "image_uri": None, "is_write_in": None}
            for name in names
        ],
        "contests": [
            {
                "object_id": "question",
                "sequence_order": 0,
                "electoral_district_id": "town",
                "vote_variation": "one_of_m",
                "number_elected": 1,
                "votes_allowed": 1,
                "name": "Question",
                "ballot_selections": [
                    {"object_id": f"for-{name}", "sequence_order": number, "candidate_id": name}
                    for number, name in enumerate(names)
                ],
                "ballot_title": text,
                "ballot_subtitle": text,
            }
        ],
        "ballot_styles": [
            {"object_id": "all", "geopolitical_unit_ids": ["town"], "party_ids": None, "image_uri": None}
        ],
        "name": text,
        "contact_information": None,
    }


def main() -> None:
    """See the module's text."""
    options, count = map(int, sys.argv[1:])
    load()
    logging.disable()
    from datetime import datetime

    from electionguard.ballot import PlaintextBallot
    from electionguard.elgamal import elgamal_keypair_random
    from electionguard.encrypt import contest_from, encrypt_ballot, selection_from
    from electionguard.group import TWO_MOD_Q, rand_q
    from electionguard.manifest import Manifest
    from electionguard.serialize import _config, from_raw
    from electionguard_tools.helpers.election_builder import ElectionBuilder

    _config.cast.remove(datetime)  # as in electionguard_peer
    builder = ElectionBuilder(1, 1, from_raw(Manifest, json.dumps(manifest_of(options))))
    builder.set_public_key(elgamal_keypair_random().public_key).set_commitment_hash(TWO_MOD_Q)
    internal, context = builder.build()
    description = next(iter(internal.get_contests_for("all")))
    ballots = []
    for number in range(count):
        contest = contest_from(description)
        for place, option in enumerate(description.ballot_selections):
            contest.ballot_selections[place] = selection_from(option, is_affirmative=place == number % options)
        plain = PlaintextBallot(f"ballot-{number}", "all", [contest])
        ballots.append(encrypt_ballot(plain, internal, context, rand_q()))
    started = time.process_time()
    answers = [
        ballot.is_valid_encryption(
            internal.manifest_hash, context.elgamal_public_key, context.crypto_extended_base_hash
        )
        for ballot in ballots
    ]
    seconds = time.process_time() - started
    selections = sum(len(contest.ballot_selections) for ballot in ballots for contest in ballot.contests)
    print(json.dumps({"selections": selections, "seconds": seconds, "valid": all(answers)}))


if __name__ == "__main__":
    main()
