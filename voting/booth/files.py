"""The files of the booth: what voters' browsers load, byte for byte, with their hashes (docs/spec/entries.md, N19).

The administrator publishes the list when the election opens, and `urne-verify booth` compares it with what a site
serves. So the files are read once, when the site starts; the texts of other languages are made from the project's
catalogue then, too. Templates of other pages are not among them: no secret ever passes through those. Nor is the
verifier for browsers (`verifier_file`): no voter loads it, and it may be mended while an election runs.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from voting.protocol.encoding import Hash, encode, sha256
from voting.protocol.messages import BoothFile
from voting.translations import LANGUAGES, catalogue

STATIC = Path(__file__).parent / "static"
PREFIX = "booth/"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
VERIFIER_ONLY = ("verifier.html", "verifier.css", "js/verifier/", "js/verify_page/")
"""Files and folders of the verifier for browsers, which no page of an election loads."""
MIN_PACKED = 512
"""Shorter answers are not packed: it gains nothing."""
_CALL = re.compile(r"\bt\(\s*((?:\"(?:[^\"\\\n]|\\.)*\"\s*\+?\s*)+)")
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


class ServedFile(NamedTuple):
    """A file as it is served."""

    data: bytes
    media_type: str
    sha256: Hash
    packed: bytes | None
    """The same with gzip, where that is shorter."""

    @property
    def etag(self) -> str:
        return self.sha256[:32]


@cache
def served_files() -> dict[str, ServedFile]:
    """All files by path relative to `booth/`, e.g. "js/core/group.js"."""
    files = {}
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and path.suffix in MEDIA_TYPES and not path.name.startswith(".") and _is_booths(path):
            files[path.relative_to(STATIC).as_posix()] = served(path.read_bytes(), MEDIA_TYPES[path.suffix])
    for language in LANGUAGES:
        if language != "en":
            files[f"texts/{language}.json"] = served(texts(language), MEDIA_TYPES[".json"])
    return files


def booth_files() -> tuple[BoothFile, ...]:
    """The list that `election.opened` names: every file by its path on the site, in rising order."""
    return tuple(BoothFile(path=PREFIX + path, sha256=file.sha256) for path, file in sorted(served_files().items()))


def texts(language: str) -> bytes:
    """Canonical JSON of the texts that the booth's modules show: English -> translated, of one language."""
    known = catalogue(language)
    found = {text for path in _modules() if _is_booths(path) for text in texts_in(path.read_text(encoding="utf-8"))}
    return encode({text: known[text] for text in sorted(found) if text in known})


@cache
def script_texts() -> tuple[str, ...]:
    """The English texts of all modules for browsers, in order."""
    return tuple(sorted({text for path in _modules() for text in texts_in(path.read_text(encoding="utf-8"))}))


def texts_in(script: str) -> set[str]:
    """The English texts in calls `t("...")` of a script. Parts joined by + count as one text."""
    calls = (call.group(1) for call in _CALL.finditer(script))
    return {"".join(_unescaped(part) for part in _STRING.findall(parts)) for parts in calls}


def literals_in(script: str) -> set[str]:
    """The texts in double quotes of a script, whatever they are for."""
    return {_unescaped(literal) for literal in _STRING.findall(script)}


def _modules() -> list[Path]:
    return sorted((STATIC / "js").rglob("*.js"))


def _is_booths(path: Path) -> bool:
    """Whether a file of the folder is for the pages of an election."""
    return not path.relative_to(STATIC).as_posix().startswith(VERIFIER_ONLY)


def _unescaped(literal: str) -> str:
    """The characters of a JavaScript string literal."""

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        return {"n": "\n", "t": "\t"}.get(code, code)

    return _ESCAPE.sub(one, literal)


def served(data: bytes, media_type: str) -> ServedFile:
    """A file with its hash, packed once."""
    packed = gzip.compress(data, 9, mtime=0) if len(data) >= MIN_PACKED else None
    if packed is not None and len(packed) >= len(data):
        packed = None
    return ServedFile(data, media_type, sha256(data), packed)
