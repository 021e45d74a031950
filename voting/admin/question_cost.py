"""What a ballot costs a voter's device, for one question or the whole draft. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from babel.numbers import format_decimal

from voting.admin.drafts import Draft, DraftTrustee, draft_manifest
from voting.protocol.errors import InputErrors
from voting.protocol.manifest import MAX_BRANCHES, MAX_VALUES, SECONDS_PER_BRANCH_ON_PHONE, Manifest
from voting.protocol.shape import BallotShape
from voting.translations import language
from voting.translations import text as _


class Cost(NamedTuple):
    """The size of a ballot."""

    values: int
    """Ciphertexts."""
    seconds: float
    """Estimate for a phone."""
    part: float
    """Of what is allowed; more than 1 is too much."""

    @property
    def words(self) -> str:
        """The cost as a sentence."""
        return _(
            "{values} locked numbers, about {seconds} s on a phone ({part} % of what is allowed).",
            values=self.values,
            seconds=format_decimal(max(self.seconds, 0.1), "0.0", locale=language()),
            part=max(round(self.part * 100), 1),
        )


def cost_of(shape: BallotShape) -> Cost:
    """The cost of a ballot of this shape."""
    part = max(shape.values / MAX_VALUES, shape.branches / MAX_BRANCHES)
    return Cost(shape.values, shape.branches * SECONDS_PER_BRANCH_ON_PHONE, part)


def question_manifest(draft: Draft, number: int) -> Manifest:
    """A manifest with this question alone and stand-ins for what it does not need. Raises InputErrors."""
    alone = msgspec.structs.replace(
        draft,
        title=dict.fromkeys(draft.languages, _("Preview of question {number}", number=number)),
        description={},
        contact="",
        trustees=(DraftTrustee(name="1"),),
        threshold="1",
        opens="",
        closes="",
        questions=(draft.questions[number - 1],),
    )
    return draft_manifest(alone)


def question_cost(draft: Draft, number: int) -> Cost | None:
    """The cost of one question; None while it has faults."""
    try:
        return cost_of(question_manifest(draft, number).shape)
    except InputErrors:
        return None


def draft_cost(draft: Draft) -> Cost | None:
    """The cost of all questions that have no faults; None if there are none."""
    found: list[Any] = [question_cost(draft, number) for number in range(1, len(draft.questions) + 1)]
    costs = [cost for cost in found if cost is not None]
    if not costs:
        return None
    return Cost(sum(c.values for c in costs), sum(c.seconds for c in costs), sum(c.part for c in costs))
