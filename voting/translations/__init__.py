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


@cache
def catalogue(code: str) -> dict[str, str]:
    """All texts of one language: English -> translated."""
    if code == "en":
        return {}
    from babel.messages.pofile import read_po  # slow to import, and not needed in English

    with (Path(__file__).parent / f"{code}.po").open("rb") as stream:
        catalogue = read_po(stream, locale=code)
    return {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
