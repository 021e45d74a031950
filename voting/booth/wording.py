"""How public pages write numbers, voting methods and rules, in the reader's language.

It must not import flask.
"""

from __future__ import annotations

from babel.numbers import format_decimal, format_percent

from voting.protocol.methods import Choose, Condorcet, CondorcetTies, Grades, Lists, Question, Ranking, Score
from voting.protocol.text import Text
from voting.translations import language
from voting.translations import text as _

Name = Text | str
"""The election's own words in its languages, or words of the site."""


def isolated(text: Text) -> Text:
    """A text in every language between marks that keep its direction to itself (Unicode isolates)."""
    return {code: f"\u2068{shown}\u2069" for code, shown in text.items()}


# -- numbers -----------------------------------------------------------------------------------------------------------


def number(value: int) -> str:
    """A whole number with its thousands set apart."""
    return str(format_decimal(value, locale=language()))


def percent(part: int, whole: int) -> str:
    """A share with one decimal, e.g. "33.3 %"; nothing of nothing is nothing."""
    return str(format_percent(part / whole if whole else 0, format=_PERCENT.get(language()), locale=language()))


_PERCENT = {"en": "0.0%", "fr": "0.0\u202f%"}


def average(total: int, count: int) -> str:
    """A mean with two decimals."""
    return str(format_decimal(total / count if count else 0, format="0.00", locale=language()))


def in_groups(hash_: str) -> str:
    """A hash in groups of eight, for comparing by eye."""
    return " ".join(hash_[start : start + 8] for start in range(0, len(hash_), 8))


# -- methods -----------------------------------------------------------------------------------------------------------


def how_to_answer(question: Question) -> str:
    """What a voter does in this question, in one sentence."""
    match question:
        case Choose(blank=True):
            return f"{_how_many(question)} {_('A blank vote is possible.')}"
        case Choose():
            return _how_many(question)
        case Score(options=options, highest=highest, minimum=low, maximum=high):
            sentence = _("Give each option 0 to {highest} points.", highest=highest)
            if low or high < len(options) * highest:
                sentence += " " + _("In all, give from {low} to {high} points.", low=low, high=high)
            return sentence
        case Grades():
            return _("Give each option a grade.")
        case Lists():
            return _("Choose one list, and any of its candidates.")
        case Ranking() | Condorcet():
            return _("Rank all options.")
        case CondorcetTies():
            return _("Rank the options. Several may share a rank, and you may leave some out.")
    return ""


def _how_many(question: Choose) -> str:
    low, high = question.minimum, question.maximum
    if low == high == 1:
        return _("Choose one option.")
    if low == high:
        return _("Choose {count} options.", count=low)
    if low == 0:
        return _("Choose at most {count} of the options.", count=high)
    return _("Choose from {low} to {high} options.", low=low, high=high)


def how_it_is_decided(question: Question) -> str:
    """The rule that makes the result of this question, in one sentence."""
    match question:
        case Choose(seats=1):
            return _("The option with the most votes wins.")
        case Choose(seats=seats):
            return _("The {count} options with the most votes are elected.", count=seats)
        case Score():
            return _("The option with the most points wins.")
        case Grades():
            return _("The option with the best majority grade wins (majority judgment).")
        case Lists(seats=seats, rule=rule):
            rules = {"d-hondt": "D’Hondt", "sainte-lague": "Sainte-Laguë"}
            return _("{count} seats go to the lists by the rule of {rule}.", count=seats, rule=rules.get(rule, rule))
        case Ranking(points=points):
            listed = ", ".join(map(str, points))
            return _("Ranks give points ({points}); the option with the most points wins.", points=listed)
        case Condorcet(rule=rule) | CondorcetTies(rule=rule):
            return _("The option that beats each other one wins; if there is none, this rule decides: {rule}.",
                     rule=pairwise_rule(rule))  # fmt: skip
    return ""


def pairwise_rule(rule: str) -> str:
    """A rule of pairwise comparison, by name."""
    return {"schulze": _("Schulze method"), "ranked-pairs": _("Ranked pairs")}.get(rule, rule)


def method_name(question: Question) -> str:
    """The voting method, by name."""
    match question:
        case Choose(minimum=1, maximum=1):
            return _("Single choice")
        case Choose():
            return _("Multiple choice")
        case Score():
            return _("Points")
        case Grades():
            return _("Majority judgment")
        case Lists():
            return _("Lists")
        case Ranking():
            return _("Ranking with points")
        case Condorcet() | CondorcetTies():
            return _("Ranking by pairs (Condorcet)")
    return ""
