"""Faults of a draft at the fields of one form: each beside its field, and all of them in a summary on top.

Pure; it must not import flask.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from voting.protocol.errors import Problem
from voting.translations.problems import said

_LAST = re.compile(r"(\.[^.\[\]]+|\[\d+\])\Z")


class SummaryLine(NamedTuple):
    """One fault in the summary."""

    anchor: str
    """Id of the field; empty if the fault belongs to the whole form."""
    text: str


def field_id(place: str) -> str:
    """The id of the field with this name: `questions[1].title.en` -> `questions-1-title-en`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", place).strip("-")


class FieldProblems:
    """The faults that one form shows."""

    def __init__(
        self, problems: Iterable[Problem], fields: Sequence[str], labels: dict[str, str] | None = None
    ) -> None:
        """Args: `fields` are the names of all fields of the form; `labels` how the summary names some of them."""
        known = set(fields)
        self._at: dict[str, list[str]] = {}
        self.summary: list[SummaryLine] = []
        for problem in problems:
            place = _nearest(problem.where, known)
            text = _sentence(problem)
            self._at.setdefault(place, []).append(text)
            label = (labels or {}).get(place, "")
            self.summary.append(SummaryLine(field_id(place), f"{label}: {text}" if label else text))

    def at(self, place: str) -> str:
        """What is wrong with a field; empty if nothing is."""
        return " ".join(self._at.get(place, []))

    def id(self, place: str) -> str:
        """The id of a field."""
        return field_id(place)

    def __bool__(self) -> bool:
        return bool(self.summary)


def _nearest(where: str, known: set[str]) -> str:
    """The field that holds a place: itself, or what it is a part of."""
    place = where
    while place and place not in known:
        shorter = _LAST.sub("", place)
        if shorter == place:
            return ""
        place = shorter
    return place


def _sentence(problem: Problem) -> str:
    text = said(problem.problem)
    remedy = said(problem.remedy) if problem.remedy else ""
    return f"{text} ({remedy})" if remedy else text
