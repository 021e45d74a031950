"""The voting methods and their settings in words for administrators. It must not import flask."""

from __future__ import annotations

from typing import NamedTuple

from voting.protocol.methods import METHODS
from voting.translations import text as _


class MethodWords(NamedTuple):
    """How a method is offered."""

    name: str
    """As the manifest writes it."""
    title: str
    about: str


def method_words() -> list[MethodWords]:
    """All methods, in the reader's language."""
    words = {
        "choose": (_("Choose"), _("Voters choose one or several options. The options with the most votes win.")),
        "score": (_("Points"), _("Voters give points to each option. The highest sum wins.")),
        "grades": (
            _("Grades (majority judgment)"),
            _("Voters give each option a grade in words. The option with the best middle grade wins."),
        ),
        "lists": (
            _("Lists of candidates"),
            _("Voters choose a list, and people on it. Seats go to the lists in proportion to their votes."),
        ),
        "ranking": (_("Ranking with points"), _("Voters put all options in order. Each rank gives points (Borda).")),
        "condorcet": (
            _("Ranking, compared in pairs"),
            _("Voters put all options in order. Who beats each other option one to one wins (Condorcet)."),
        ),
        "condorcet-ties": (
            _("Ranking with ties, compared in pairs"),
            _("As before, but voters may put options on the same rank or leave them out. At most 8 options."),
        ),
    }
    return [MethodWords(name, *words[name]) for name in METHODS]


def method_title(name: str) -> str:
    """A method's title."""
    return next((words.title for words in method_words() if words.name == name), name)


def number_words(method: str, name: str) -> tuple[str, str]:
    """Label and hint of one of a method's whole numbers."""
    if method == "score":
        words = {
            "highest": (_("Most points for one option"), ""),
            "min": (_("Fewest points in all"), ""),
            "max": (_("Most points in all"), _("Leave it empty for no limit.")),
        }
    else:
        words = {
            "min": (_("At least so many options"), _("0 allows a vote for nobody.")),
            "max": (_("At most so many options"), ""),
            "seats": (_("How many are elected"), ""),
        }
    return words[name]


def rule_words() -> dict[str, str]:
    """The counting rules."""
    return {
        "d-hondt": _("D’Hondt: divides by 1, 2, 3, … and favours large lists a little"),
        "sainte-lague": _("Sainte-Laguë: divides by 1, 3, 5, … and treats lists of all sizes alike"),
        "schulze": _("Schulze: the usual one"),
        "ranked-pairs": _("Ranked pairs: the strongest wins are settled first"),
    }
