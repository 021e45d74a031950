"""The election's own texts on a page: in which language they are shown, each set apart from the page's own words.

Election texts may be in any language and direction, and were written by strangers: each is escaped, has its own `lang`,
and keeps its direction to itself (`<bdi>`, `dir="auto"`). It must not import the board.
"""

from __future__ import annotations

import re

from flask import g, request
from markupsafe import Markup, escape

from voting.booth.wording import Name
from voting.protocol.manifest import Manifest
from voting.protocol.text import Text
from voting.translations import language

_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")


def choose_texts(manifest: Manifest) -> str:
    """The language in which this page shows the election's texts: asked for, else the page's, else the browser's."""
    asked = request.args.get("texts", "")
    wanted = asked if asked in manifest.languages else ""
    if not wanted and language() in manifest.languages:
        wanted = language()
    wanted = wanted or request.accept_languages.best_match(manifest.languages) or manifest.language
    g.texts = wanted
    g.texts_asked = asked == wanted
    return wanted


def texts_language() -> str:
    """The language of the election's texts on this page."""
    return str(getattr(g, "texts", language()))


def kept() -> str:
    """What links to other pages of the election carry on: "?texts=ar", or nothing."""
    return f"?texts={texts_language()}" if getattr(g, "texts_asked", False) else ""


def chosen(text: Text) -> tuple[str, str]:
    """A text and its language: the page's one if it is there, else the first that is."""
    wanted = texts_language()
    if wanted in text:
        return text[wanted], wanted
    first = next(iter(text))
    return text[first], first


def words(name: Name) -> Markup:
    """A text inside a line."""
    if isinstance(name, str):
        return escape(name)
    shown, lang = chosen(name)
    return Markup('<bdi lang="{}">{}</bdi>').format(lang, shown)


def person(name: str) -> Markup:
    """A name that somebody typed, e.g. of a trustee."""
    return Markup("<bdi>{}</bdi>").format(name)


def contact(text: str) -> Markup:
    """Where help is to be had; an e-mail address can be followed."""
    if _MAIL.match(text):
        return Markup('<a href="mailto:{0}"><bdi>{0}</bdi></a>').format(text)
    return person(text)


def paragraphs(text: Text | str) -> Markup:
    """A text of several lines."""
    shown, lang = (text, "") if isinstance(text, str) else chosen(text)
    parts = [part for part in shown.split("\n\n") if part.strip()]
    lines = Markup("").join(
        Markup('<p dir="auto">{}</p>').format(Markup("<br>").join(part.strip().split("\n"))) for part in parts
    )
    attribute = Markup(' lang="{}"').format(lang) if lang else ""
    return Markup('<div class="prose"{}>{}</div>').format(attribute, lines)
