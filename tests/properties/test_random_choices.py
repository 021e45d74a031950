"""Random choices of made-up voters are valid for every method."""

from __future__ import annotations

from random import Random

import pytest

from tests.simulators.election import manifest_for
from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from voting.random_choices import random_choices


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_they_are_among_the_valid_ones_and_not_always_the_same(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    manifest = manifest_for([question])  # type: ignore[list-item]
    drawn = Random(7)
    found = [random_choices(manifest, drawn)[0] for _draw in range(60)]
    values = {question.encode_selection(selection) for selection in found}
    assert values <= {question.encode_selection(selection) for selection in all_selections(question)}
    assert len(values) > 1
