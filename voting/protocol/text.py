"""Protocol E: texts that people wrote and others read: normal form, nothing invisible, several languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from voting.protocol.errors import Problem

Text = dict[str, str]
"""A text in one or more languages: language code (BCP 47, lower case) -> text."""

MAX_TEXT_CHARACTERS = 2000
"""Longest title, option or description, in characters."""

# Characters that change the direction or the look of what stands around them (Trojan-source marks, invisible joiners).
_HIDDEN = frozenset("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u061c")


def text_problems(
    text: str, where: str, *, limit: int = MAX_TEXT_CHARACTERS, multiline: bool = False
) -> Iterator[Problem]:
    """Protocol E8: what is wrong with a text in one language: empty, too long, not NFC, or with hidden characters."""
    if not text.strip():
        yield Problem(where, "is empty", "write a text")
    if text != text.strip():
        yield Problem(where, "begins or ends with white space", "remove it")
    if len(text) > limit:
        yield Problem(where, f"has {len(text)} characters, more than {limit}", "shorten it")
    if unicodedata.normalize("NFC", text) != text:
        yield Problem(where, "is not in Unicode normal form NFC", "save the text in composed form")
    for character in text:
        if character == "\n" and multiline:
            continue
        if character in _HIDDEN or unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"}:
            yield Problem(where, f"contains the hidden character U+{ord(character):04X}", "remove it")
            return


def localized_problems(
    text: Text, where: str, languages: tuple[str, ...], *, multiline: bool = False
) -> Iterator[Problem]:
    """Protocol E11: what is wrong with a text in several languages: all of the election's, and no other."""
    for language in languages:
        if language not in text:
            yield Problem(f"{where}.{language}", "is missing", f"add the text in {language}")
    for language, words in text.items():
        if language not in languages:
            yield Problem(
                f"{where}.{language}", "is in a language the election does not have", "remove it or add the language"
            )
        yield from text_problems(words, f"{where}.{language}", multiline=multiline)


def plain(text: Text, language: str) -> str:
    """The text in `language` if it is there, else in the first language that is."""
    return text.get(language) or next(iter(text.values()))
