"""Real ballots in PrefLib's formats, read and counted in the clear; faults in such files are named with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.strategies.methods import TITLE, totals_of
from voting.election.preflib import PreflibData, read_preflib
from voting.protocol.errors import InputErrors
from voting.protocol.methods import Choose, ChooseSelection, CondorcetTies, CondorcetTiesSelection
from voting.protocol.methods.pairwise import PairwiseRule
from voting.protocol.text import Text


def read(folder: Path, name: str) -> PreflibData:
    return read_preflib((folder / name).read_text(encoding="utf-8"), name)


def option_texts(data: PreflibData) -> tuple[Text, ...]:
    return tuple({"en": name} for name in data.options)


def test_french_approvals(shared_data: Path) -> None:
    data = read(shared_data, "french-approval-2002-gy-les-nonains.cat")
    assert (data.kind, data.title, len(data.ballots), len(data.options)) == ("approval", "GylesNonains", 365, 16)
    question = Choose(title=TITLE, options=option_texts(data), minimum=0, maximum=16)
    totals, cast = totals_of(question, [(ballot, 1) for ballot in data.ballots])
    outcome = question.outcome(totals, cast=cast)
    assert outcome.counts == (62, 36, 26, 85, 139, 119, 33, 74, 67, 87, 21, 37, 67, 77, 64, 62)
    assert [data.options[i] for i in outcome.elected] == ["Chirac"]


@pytest.mark.parametrize("rule", ["schulze", "ranked-pairs"])
def test_debian_leader_election(shared_data: Path, rule: PairwiseRule) -> None:
    data = read(shared_data, "debian-2002-leader.soi")
    assert (data.kind, data.title, len(data.ballots)) == ("ranking", "Debian 2002 Leader", 475)
    question = CondorcetTies(title=TITLE, options=option_texts(data), rule=rule)
    totals, cast = totals_of(question, [(ballot, 1) for ballot in data.ballots])
    outcome = question.outcome(totals, cast=cast)
    beats = outcome.matrix
    assert (beats[0][1], beats[1][0]) == (260, 199)
    assert (beats[2][0], beats[0][2]) == (291, 180)
    assert (beats[0][3], beats[3][0]) == (387, 68)
    assert (beats[2][1], beats[1][2]) == (327, 140)
    assert (beats[1][3], beats[3][1]) == (407, 50)
    assert (beats[2][3], beats[3][2]) == (444, 18)
    assert outcome.condorcet_winner == 2
    assert [data.options[group[0]] for group in outcome.ranking] == [
        "Bdale Garbee",
        "Branden Robinson",
        "Raphael Hertzog",
        "None Of The Above",
    ]


HEADER = (
    "# TITLE: T\n# NUMBER ALTERNATIVES: 3\n# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 2: B\n# ALTERNATIVE NAME 3: C\n"
)


def test_ties_and_counts_are_read() -> None:
    data = read_preflib(HEADER + "2: {1, 3},2\r\n1: 2\n\n", "x.toi")
    tied = CondorcetTiesSelection((0, 1, 0))
    assert data.ballots == (tied, tied, CondorcetTiesSelection((None, 0, None)))
    assert data.options == ("A", "B", "C")


def test_the_first_category_is_the_approved_one() -> None:
    data = read_preflib(HEADER + "1: {},{1,2,3}\n1: {3,1},2\n", "x.cat")
    assert data.ballots == (ChooseSelection(()), ChooseSelection((0, 2)))


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        (HEADER + "1: 1,4\n", "x.soi", "line 6: names an alternative outside 1 to 3"),
        (HEADER + "1: 0\n", "x.soi", "line 6: names an alternative outside 1 to 3"),
        (HEADER + "1: 1,2,1\n", "x.soi", "line 6: names an alternative twice"),
        (HEADER + "1: 1\n1: 1;2\n", "x.soi", "line 7: has not the form"),
        (HEADER + "1 1,2\n", "x.soi", "line 6: has not the form"),
        (HEADER + "-1: 1,2\n", "x.soi", "line 6: has not the form"),
        (HEADER + "1: {1,2\n", "x.soi", "line 6: has not the form"),
        (HEADER + "1: 1,2,3\n", "x.cat", "line 6: has more than two categories"),
        (HEADER + "9999999: 1\n", "x.soi", "has 9999999 ballots, more than"),
        (HEADER + "# NUMBER VOTERS: 3\n2: 1\n", "x.soi", "NUMBER VOTERS: is not 2"),
        (HEADER + "# NUMBER CATEGORIES: 3\n2: 1\n", "x.cat", "NUMBER CATEGORIES: is not 2"),
        (HEADER + "# DATA TYPE: wmd\n2: 1\n", "x.soi", "DATA TYPE: is not"),
        (HEADER, "x.txt", "DATA TYPE: is not"),
        ("1: 1\n", "x.soi", "NUMBER ALTERNATIVES: is not a number"),
        ("# NUMBER ALTERNATIVES: 2\n# ALTERNATIVE NAME 1: A\n1: 1\n", "x.soi", "ALTERNATIVE NAME 2: is missing"),
    ],
)
def test_faults_are_named_with_their_line(text: str, name: str, reason: str) -> None:
    with pytest.raises(InputErrors, match=name) as raised:
        read_preflib(text, name)
    assert reason in str(raised.value)
