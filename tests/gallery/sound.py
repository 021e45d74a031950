"""The gallery: good records: every voting method, and every way in which an election can end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.gallery.making import AFTER_CLOSING, AFTER_OPENING, AFTER_TALLY, Output, record, sound
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import ADA, BLANK, GRACE, STAGES, Stage, sample_election
from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from voting.election.steps import cancel_election
from voting.protocol.methods import Choose


def method(name: str) -> Callable[[], Output]:
    """Four ballots, one of them replaced, that differ."""
    question: Any = SMALL_QUESTIONS[name]
    selections = all_selections(question)
    ballots = [(number % 3, [selections[number * 7 % len(selections)]]) for number in range(4)]
    return lambda: sample_election((question,), ballots)


for _name in SMALL_QUESTIONS:
    sound(f"method-{_name.replace(',', '').replace(' ', '-')}", f"An election by the method: {_name}.")(method(_name))


def election(**choices: Any) -> Callable[[], Output]:
    return lambda: sample_election(**choices)


_TWO = (SMALL_QUESTIONS["choose with blank"], SMALL_QUESTIONS["condorcet with ties"], SMALL_QUESTIONS["score"])
_ANSWERS: Sequence[tuple[int, Sequence[Any]]] = tuple(
    (number, [all_selections(question)[number + 1] for question in _TWO]) for number in range(2)
)
_FIFTY = tuple({"en": f"Option {number}"} for number in range(12))

for _what, _sentence, _attacks, _choices in (
    (
        "votes-replaced",
        "Every voter votes twice; the last ballots count.",
        (22,),
        {"ballots": ((0, [ADA]), (1, [ADA]), (0, [GRACE]), (1, [GRACE]), (0, [GRACE]))},
    ),
    ("no-ballots", "Nobody votes.", (55,), {"ballots": ()}),
    (
        "one-voter",
        "One voter, one trustee.",
        (),
        {"ballots": ((0, [ADA]),), "weights": (1,), "trustees": 1, "threshold": 1},
    ),
    ("weights-to-10-12", "Voters have weights up to 10^12.", (29,), {"weights": (10**12, 1, 10**12 - 7)}),
    (
        "tie",
        "Two options have as many votes; the result says so.",
        (40,),
        {"ballots": ((0, [ADA]), (1, [GRACE])), "weights": (2, 2, 1)},
    ),
    ("only-blank-votes", "All votes are blank.", (), {"ballots": ((0, [BLANK]), (1, [BLANK]))}),
    ("three-questions", "Three questions by different methods.", (12,), {"questions": _TWO, "ballots": _ANSWERS}),
    ("two-of-three", "Two of three trustees decrypt, the third is missing.", (), {"trustees": 3, "threshold": 2}),
    ("three-of-three", "All three trustees are needed.", (), {"trustees": 3, "threshold": 3}),
    ("four-of-five", "Four of five trustees decrypt.", (), {"trustees": 5, "threshold": 4}),
    ("one-of-three", "One of three trustees is enough.", (), {"trustees": 3, "threshold": 1}),
    ("two-of-two", "Two of two trustees.", (), {"trustees": 2, "threshold": 2}),
    (
        "twelve-options",
        "A question with twelve options.",
        (),
        {"questions": (Choose(title={"en": "Board?"}, options=_FIFTY, minimum=0, maximum=12),), "ballots": ()},
    ),
    (
        "real-group",
        "An election in the group that is meant for use.",
        (6,),
        {"group": "integer-3072", "ballots": ((0, [ADA]),), "trustees": 2, "threshold": 1},
    ),
):
    sound(_what, _sentence, *_attacks)(election(**_choices))

# -- elections that are not finished -----------------------------------------------------------------------------------

_MISSING: dict[str, set[str]] = {
    "defined": AFTER_OPENING - {"04"} | {"06", "07", "08", "09"},
    "ceremony": AFTER_OPENING - {"04"} | {"09"},
    "listed": AFTER_OPENING - {"04"},
    "open": AFTER_OPENING - {"04", "10"},
    "voting": {"16", "17", *AFTER_TALLY},
    "closed": AFTER_CLOSING - {"04"},
    "tallied": set(AFTER_TALLY),
    "shared": {"19", "20"},
}

for _stage in STAGES[:-1]:

    def _until(stage: Stage = _stage) -> Output:
        return sample_election(until=stage)

    sound(
        f"unfinished-{_stage}",
        f"A record that ends early, as any that is cut at the end of an entry would (stage: {_stage}).",
        55,
        verdict="valid so far",
        not_run=_MISSING[_stage],
    )(_until)

for _stage in ("ceremony", "voting", "shared"):

    def _cancelled(stage: Any = _stage) -> Output:
        made = sample_election(until=stage)
        made.board.append(*cancel_election(made.record, ADMINISTRATOR, "Fire in the hall.", made.now()))
        return record(made.board.entries)

    sound(
        f"cancelled-{_stage}",
        f"An election that was cancelled (stage: {_stage}).",
        55,
        verdict="valid so far",
        not_run=_MISSING[_stage],
    )(_cancelled)
