"""Bars beside the tables of a result, as plain geometry: the template draws them as SVG, 100 units wide.

Pure. It must not import flask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 100.0
SHADES = 10
"""How many shades the style sheet has for grades, from the best to the worst."""


class Segment(NamedTuple):
    """A piece of a bar. `style` is the class that colours it."""

    start: float
    length: float
    style: str


def bar(value: int, highest: int, style: str = "fill") -> tuple[Segment, ...]:
    """One bar; `highest` fills the whole width. What is not 0 can be seen."""
    if value <= 0 or highest <= 0:
        return ()
    return (Segment(0.0, round(max(value / highest * WIDTH, 0.5), 2), style),)


def profile(counts: Sequence[int]) -> tuple[Segment, ...]:
    """All votes as one bar, the first count at the start, each with the shade of its place in the scale."""
    votes = sum(counts)
    segments = []
    seen = 0
    for place, count in enumerate(counts):
        if count:
            start, end = round(seen / votes * WIDTH, 2), round((seen + count) / votes * WIDTH, 2)
            segments.append(Segment(start, round(end - start, 2), shade(place, len(counts))))
        seen += count
    return tuple(segments)


def shade(place: int, scale: int) -> str:
    """The class of a grade's colour: `shade-0` for the best, `shade-9` for the worst."""
    return f"shade-{place * (SHADES - 1) // max(scale - 1, 1)}"
