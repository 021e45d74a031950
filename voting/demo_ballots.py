"""Sample data for `urne demo`: an election of three questions and made-up ballots, the same on every run.

Nobody cast these ballots: they are drawn from a random generator with a fixed seed. Real ballots come from PrefLib
files (`voting.election.preflib`). Pure; it must not import any command.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from voting.election.preflib import PreflibData
from voting.protocol.encoding import to_base64
from voting.protocol.errors import InputErrors
from voting.protocol.manifest import VERSION, Manifest, TrusteeInfo, manifest_problems
from voting.protocol.methods import (
    AnyQuestion,
    Choose,
    ChooseSelection,
    CondorcetTies,
    CondorcetTiesSelection,
    Grades,
    GradesSelection,
)
from voting.protocol.text import Text

TRUSTEE_NAMES = ("Anna", "Bea", "Carlo", "Dora", "Emil")
TURNOUT = 0.9
REVOTES = 0.05
"""Part of the voters who vote a second time."""


class SampleElection(NamedTuple):
    """What a demonstration votes about, and the ballots, in the order in which they are cast."""

    title: Text
    questions: tuple[AnyQuestion, ...]
    voters: int
    ballots: tuple[tuple[int, tuple[Any, ...]], ...]
    """(number of the voter from 0, one selection per question)."""
    is_sample: bool
    """The ballots are made up."""


def sample_election(voters: int) -> SampleElection:
    """The sample election with this many voters: some do not vote, some vote twice."""
    drawn = random.Random(20261124)  # noqa: S311 (sample data, not a secret)
    casting = [voter for voter in range(voters) if drawn.random() < TURNOUT] or [0]
    casting += [voter for voter in casting if drawn.random() < REVOTES]
    ballots = tuple((voter, _selections(drawn)) for voter in casting)
    title = {"en": "General meeting of a walking club (sample data)", "fr": "Assemblée d’un club de marche (exemple)"}
    return SampleElection(title, _questions(), voters, ballots, True)


def preflib_election(data: PreflibData, voters: int | None) -> SampleElection:
    """An election about the question of a PrefLib file, with its ballots, or the first `voters` of them."""
    title = {"en": " ".join(unicodedata.normalize("NFC", data.title).split())}
    options = tuple({"en": " ".join(unicodedata.normalize("NFC", name).split())} for name in data.options)
    question: AnyQuestion
    if data.kind == "approval":
        question = Choose(title=title, options=options, minimum=0, maximum=len(options))
    else:
        question = CondorcetTies(title=title, options=options, rule="schulze")
    chosen = data.ballots[:voters]
    ballots = tuple((voter, (selection,)) for voter, selection in enumerate(chosen))
    return SampleElection(title, (question,), len(chosen), ballots, False)


def demo_manifest_maker(
    sample: SampleElection, group: str, trustees: int, threshold: int, *, contact: str = ""
) -> Callable[[bytes, bytes, str, str], Manifest]:
    """What makes the manifest of a demonstration from the keys and the nonce.

    Raises:
        InputErrors: when it is called, if there is something wrong with the questions.
    """

    def make(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
        manifest = Manifest(
            administrator=to_base64(administrator),
            authority=to_base64(authority),
            board=vkey,
            contact=contact,
            description=None,
            group=group,
            languages=tuple(sample.title),
            nonce=nonce,
            questions=sample.questions,
            schedule=None,
            threshold=threshold,
            title=sample.title,
            trustees=tuple(TrusteeInfo(name) for name in trustee_names(trustees)),
            version=VERSION,
        )
        problems = list(manifest_problems(manifest))
        if problems:
            raise InputErrors("the election of this demonstration", problems)
        return manifest

    return make


def trustee_names(count: int) -> tuple[str, ...]:
    """Names for the trustees of a demonstration."""
    more = (f"Trustee {number}" for number in range(len(TRUSTEE_NAMES) + 1, count + 1))
    return (*TRUSTEE_NAMES, *more)[:count]


def _questions() -> tuple[AnyQuestion, ...]:
    return (
        Choose(
            title={"en": "Who shall chair the club?", "fr": "Qui présidera le club ?"},
            options=_both(("Ines", "Ines"), ("Jonas", "Jonas"), ("Kofi", "Kofi")),
            blank=True,
        ),
        Grades(
            title={"en": "How do you judge these walks for spring?", "fr": "Que pensez-vous de ces marches ?"},
            options=_both(
                ("Along the coast", "Le long de la côte"),
                ("Over the pass", "Par le col"),
                ("Through the vineyards", "À travers les vignes"),
                ("Around the lake", "Autour du lac"),
            ),
            grades=_both(
                ("Excellent", "Excellent"),
                ("Good", "Bien"),
                ("Fair", "Passable"),
                ("Poor", "Insuffisant"),
                ("Reject", "À rejeter"),
            ),
        ),
        CondorcetTies(
            title={"en": "What shall the savings pay for? Rank the proposals.", "fr": "À quoi servira l’épargne ?"},
            options=_both(
                ("A hut", "Un refuge"),
                ("New maps", "De nouvelles cartes"),
                ("Signposts", "Des panneaux"),
                ("A feast", "Une fête"),
            ),
        ),
    )


def _both(*pairs: tuple[str, str]) -> tuple[Text, ...]:
    return tuple({"en": english, "fr": french} for english, french in pairs)


def _selections(drawn: random.Random) -> tuple[Any, ...]:
    """One voter's choices: each option has its friends, and some voters leave options without a rank."""
    chair = drawn.choices((0, 1, 2, None), weights=(42, 33, 19, 6))[0]
    choice = ChooseSelection((), blank=True) if chair is None else ChooseSelection((chair,))
    likings = ((5, 4, 2, 1, 1), (3, 3, 3, 2, 2), (2, 5, 4, 2, 1), (1, 3, 5, 3, 2))
    grades = GradesSelection(tuple(drawn.choices(range(5), weights=weights)[0] for weights in likings))
    scores = [drawn.gauss(centre, 1.0) for centre in (0.3, 0.2, 0.6, 0.0)]
    levels = [round(1.5 - score) for score in scores]
    lowest = min(levels)
    ranks = [min(level - lowest, 3) for level in levels]
    ranked = CondorcetTiesSelection(tuple(None if rank == 3 else rank for rank in ranks))
    return choice, grades, ranked
