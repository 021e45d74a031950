"""The texts of errors in the reader's language.

Errors are raised in English, by code that knows nothing of readers. Pages show them through `said`, which finds the
sentence in the catalogue (msgctxt "problem"), with the values in it: "is 3, outside 1 to 2" is an instance of
"is {a}, outside {b} to {c}". A sentence that is not in the catalogue stays English.
"""

from __future__ import annotations

import re
from functools import cache

from voting.translations import language, problem_catalogue

_FIELD = re.compile(r"\\\{[a-z_]+\\\}")


def said(message: str) -> str:
    """An error's text, its place or its remedy in the current language."""
    texts = problem_catalogue(language())
    if message in texts:
        return texts[message]
    for pattern, names, translated in _patterns(language()):
        match = pattern.match(message)
        if match:
            return translated.format(**dict(zip(names, match.groups(), strict=True)))
    return message


def sentence(text: str) -> str:
    """An error's text in the current language as a sentence of its own; nothing stays nothing."""
    words = said(text) if text else ""
    return f"{words[0].upper()}{words[1:].rstrip('.')}." if words else ""


@cache
def _patterns(code: str) -> list[tuple[re.Pattern[str], list[str], str]]:
    """All texts with fields, those with the most fixed letters first."""
    found = []
    for english, translated in problem_catalogue(code).items():
        names = re.findall(r"\{([a-z_]+)\}", english)
        if names:
            pattern = re.compile(_FIELD.sub("(.+?)", re.escape(english)) + r"\Z", re.DOTALL)
            found.append((len(re.sub(r"\{[a-z_]+\}", "", english)), pattern, names, translated))
    return [(pattern, names, translated) for _, pattern, names, translated in sorted(found, key=lambda f: -f[0])]
