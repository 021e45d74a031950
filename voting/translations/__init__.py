"""The catalogue of texts that people see: English in the code, other languages in `<language>.po` beside this file.

    from voting.translations import text as _
    _("Waiting for {name}.", name=trustee.name)

Error texts are English everywhere; what a command prints, asks and explains goes through here.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr")
_current: ContextVar[str] = ContextVar("language", default="en")
"""Each request of a server has its own language; a command has one."""


def text(message: str, /, **values: object) -> str:
    """`message` in the current language, with `{name}` fields filled in from `values`."""
    translated = catalogue(_current.get()).get(message) or message
    return translated.format(**values) if values else translated


def set_language(code: str | None) -> None:
    """Choose the language: `fr`, `fr_FR.UTF-8`, ...; None takes the environment's. Unknown ones mean English."""
    wanted = code or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "en"
    short = wanted[:2].lower()
    _current.set(short if short in LANGUAGES else "en")


def language() -> str:
    """The current language's code."""
    return _current.get()


def catalogue(code: str) -> dict[str, str]:
    """The texts of one language that code names literally: English -> translated."""
    return _texts(code, None)


def problem_catalogue(code: str) -> dict[str, str]:
    """The texts of errors in one language (msgctxt "problem"): see `voting.translations.problems`."""
    return _texts(code, "problem")


@cache
def _texts(code: str, context: str | None) -> dict[str, str]:
    if code == "en":
        return {}
    from babel.messages.pofile import read_po  # slow to import, and not needed in English

    with (Path(__file__).parent / f"{code}.po").open("rb") as stream:
        messages = read_po(stream, locale=code)
    return {
        str(message.id): str(message.string)
        for message in messages
        if message.id and message.string and message.context == context
    }
