"""Protocol M: the few words that describe a voter's choices, in English and French.

One place for all methods. A language that is not here falls back to English; options keep the manifest's own texts.
It must not import any method.
"""

from __future__ import annotations

from typing import Literal

Phrase = Literal["blank", "nothing", "entry", "rank", "unranked", "list", "candidate", "no-candidate"]

_ENGLISH: dict[Phrase, str] = {
    "blank": "Blank vote",
    "nothing": "No option chosen",
    "entry": "{option}: {value}",
    "rank": "Rank {number}: {options}",
    "unranked": "Not ranked: {options}",
    "list": "List: {option}",
    "candidate": "Personal vote: {option}",
    "no-candidate": "No personal vote",
}

_FRENCH: dict[Phrase, str] = {
    "blank": "Vote blanc",
    "nothing": "Aucune option choisie",
    "entry": "{option} : {value}",
    "rank": "Rang {number} : {options}",
    "unranked": "Sans rang : {options}",
    "list": "Liste : {option}",
    "candidate": "Vote de préférence : {option}",
    "no-candidate": "Aucun vote de préférence",
}

_LANGUAGES = {"en": _ENGLISH, "fr": _FRENCH}


def phrase(name: Phrase, language: str, **parts: str | int) -> str:
    """A phrase in `language` (regional forms such as "fr-ca" use the main language), its parts filled in."""
    words = _LANGUAGES.get(language.partition("-")[0], _ENGLISH)
    return words[name].format(**parts)
