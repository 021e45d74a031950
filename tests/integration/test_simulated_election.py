"""A whole election in memory, through all rules."""

from __future__ import annotations

from tests.simulators.election import ElectionSimulator, manifest_for
from voting.protocol.methods import Choose, ChooseSelection


def test_three_voters_of_different_weight_and_one_revote() -> None:
    question = Choose(
        title={"en": "Chair?"}, options=({"en": "Ada"}, {"en": "Grace"}), minimum=0, maximum=1, blank=True, seats=1
    )
    simulator = ElectionSimulator(manifest_for([question]))
    simulator.run_ceremony()
    voters = simulator.give_credentials([1, 2, 5])
    simulator.open()
    ada, grace = ChooseSelection(chosen=(0,), blank=False), ChooseSelection(chosen=(1,), blank=False)
    simulator.vote(voters[0], [ada])
    simulator.vote(voters[1], [ada])
    simulator.vote(voters[2], [ada])
    simulator.vote(voters[2], [grace])
    simulator.finish()
    assert simulator.record.result is not None
    assert simulator.record.result.totals == (3, 5, 0)
    assert simulator.record.phase == "published"
