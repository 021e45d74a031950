"""Real ballots through the whole protocol: encryption, admission, five trustees of whom three decrypt, the result.

On the toy group, so that it takes seconds; `urne demo --ballots FILE` does the same at full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.simulators.election import ElectionSimulator, manifest_for
from voting.election.preflib import read_preflib
from voting.protocol.messages import ElectionResult
from voting.protocol.methods import AnyQuestion, Choose, CondorcetTies
from voting.protocol.methods.condorcet_ties import CondorcetTiesOutcome


def hold_election(question: AnyQuestion, ballots: Sequence[Any]) -> ElectionResult:
    simulator = ElectionSimulator(manifest_for([question], trustees=5, threshold=3))
    simulator.run_ceremony()
    voters = simulator.give_credentials([1] * len(ballots))
    simulator.open()
    for voter, selection in zip(voters, ballots, strict=True):
        simulator.vote(voter, [selection])
    simulator.close()
    simulator.tally()
    for index in (2, 3, 5):
        simulator.decrypt(index)
    simulator.result()
    assert simulator.record.result is not None
    assert simulator.record.result.shares == (2, 3, 5)
    return simulator.record.result


def test_365_french_approval_ballots_of_2002(shared_data: Path) -> None:
    name = "french-approval-2002-gy-les-nonains.cat"
    data = read_preflib((shared_data / name).read_text("utf-8"), name)
    options = tuple({"en": option} for option in data.options)
    question = Choose(title={"en": data.title}, options=options, minimum=0, maximum=len(options))
    result = hold_election(question, data.ballots)
    assert result.totals == (62, 36, 26, 85, 139, 119, 33, 74, 67, 87, 21, 37, 67, 77, 64, 62)


def test_475_ballots_of_the_debian_leader_election_of_2002(shared_data: Path) -> None:
    name = "debian-2002-leader.soi"
    data = read_preflib((shared_data / name).read_text("utf-8"), name)
    options = tuple({"en": option} for option in data.options)
    question = CondorcetTies(title={"en": data.title}, options=options)
    outcome = hold_election(question, data.ballots).outcomes[0]
    assert isinstance(outcome, CondorcetTiesOutcome)
    beats = {(0, 1): (260, 199), (2, 0): (291, 180), (0, 3): (387, 68), (2, 1): (327, 140), (1, 3): (407, 50)}
    beats[2, 3] = (444, 18)
    for (i, j), (more, fewer) in beats.items():
        assert (outcome.matrix[i][j], outcome.matrix[j][i]) == (more, fewer)
    assert data.options[2] == "Bdale Garbee"
    assert outcome.condorcet_winner == 2
    assert outcome.winners == (2,)
