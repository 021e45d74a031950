"""The order of a Belenios archive's events: which may follow which.

`S b* E T (s+ X)? p* R`, where shuffles are needed if and only if a question is non-homomorphic.
This module must not import anything of Urne but the names of phases.
"""

from __future__ import annotations

from voting.election.phases import Phase

START = ""
_NEXT = {
    START: ("Setup",),
    "Setup": ("Ballot", "EndBallots"),
    "Ballot": ("Ballot", "EndBallots"),
    "EndBallots": ("EncryptedTally",),
    "EncryptedTally": ("PartialDecryption",),
    "Shuffle": ("Shuffle", "EndShuffles"),
    "EndShuffles": ("PartialDecryption",),
    "PartialDecryption": ("PartialDecryption", "Result"),
    "Result": (),
}
_PHASES = {
    START: Phase.EMPTY,
    "Setup": Phase.OPEN,
    "Ballot": Phase.OPEN,
    "EndBallots": Phase.CLOSED,
    "EncryptedTally": Phase.CLOSED,
    "Shuffle": Phase.CLOSED,
    "EndShuffles": Phase.CLOSED,
    "PartialDecryption": Phase.TALLIED,
    "Result": Phase.PUBLISHED,
}
DATA_RECORDS = {
    "Setup": (4, 5),
    "Ballot": (1,),
    "EndBallots": (0,),
    "EncryptedTally": (2,),
    "Shuffle": (2,),
    "EndShuffles": (0,),
    "PartialDecryption": (2,),
    "Result": (1,),
}
"""How many data records an event of each type brings."""


def may_follow(last: str, *, is_mixed: bool) -> tuple[str, ...]:
    """The types of event that may come next. `is_mixed`: there is a non-homomorphic question."""
    if last == "EncryptedTally" and is_mixed:
        return ("Shuffle",)
    return _NEXT[last]


def phase_after(last: str) -> Phase:
    """How far the election is when `last` was the last event in order."""
    return _PHASES[last]
