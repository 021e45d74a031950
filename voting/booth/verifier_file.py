"""The verifier for browsers as one HTML file that needs nothing else (docs/spec/verification.md, "In a browser").

The verifier's page consists of ES modules like the booth. A browser that opens a file from the disk loads no modules,
so this module joins them, in the order of their imports, each as it stands, into one script. The bytes depend on this
project's files alone: everybody who has the same version makes the same file, and compares its SHA-256.

The file is no part of the booth's list (N19): no voter needs it, and it may be mended while an election runs.
It must not import Flask.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import PurePosixPath

from voting.booth.files import STATIC, ServedFile, literals_in, served, texts_in
from voting.protocol.errors import DecodeError
from voting.translations import LANGUAGES, catalogue, problem_catalogue
from voting.verifier.checks import CHECKS

FILE_NAME = "urne-verifier.html"
ENTRY = "verify_page/entry.js"
TEMPLATE = "verifier.html"
STYLES = ("urne.css", "verifier.css")
POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; worker-src blob:; "
    "connect-src http: https:; img-src data:; base-uri 'none'; form-action 'none'"
)
"""Nothing runs but this one script, also in its workers; it may ask any board for its record."""

_IMPORT = re.compile(r"^import\s+(\{[^}]*\}|\*\s+as\s+\w+)\s+from\s+\"([^\"]+)\";[ \t]*$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) ([A-Za-z_$][\w$]*))", re.MULTILINE)
_LEFT = re.compile(r"^(?:import|export)\b.*$|\bimport\s*\(\s*[\"'`]|\bimport\.meta\b", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RENAMED = re.compile(r"\b(\w+) as (\w+)\b")
_MARK = re.compile(r"@(policy|style|icon|texts|script)@")
_ENDS_SCRIPT = re.compile(r"</script|<!--|]]>", re.IGNORECASE)


@cache
def verifier_file() -> ServedFile:
    """The file, as it is served and written."""
    return served(_page().encode("utf-8"), "text/html; charset=utf-8")


@cache
def verifier_policy() -> str:
    """What the page may do (Content-Security-Policy)."""
    return POLICY.format(script=_digest(script()), style=_digest(_style()))


@cache
def script() -> str:
    """All modules in one script that needs no loading: each one a function that returns what the module exports.

    Raises:
        DecodeError: if a module is written in a way that cannot be joined.
    """
    sources: dict[str, str] = {}
    _collect(ENTRY, sources, ())
    parts = ["", '"use strict";', "(() => {", "const modules = {};"]
    for path, source in sources.items():
        parts += ["", f"// ==== {path} ====", f'modules["{path}"] = (() => {{', source.rstrip("\n"), "})();"]
    whole = "\n".join([*parts, "})();", ""])
    if _ENDS_SCRIPT.search(whole):
        raise DecodeError("holds what would end the script in a page", where=ENTRY)
    return whole


def _collect(path: str, sources: dict[str, str], above: tuple[str, ...]) -> None:
    """Put a module behind those that it imports."""
    if path in sources:
        return
    if path in above:
        raise DecodeError("imports itself, by way of others", where=path)
    try:
        text = (STATIC / "js" / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DecodeError("is not there", where=path) from None
    for match in _IMPORT.finditer(text):
        _collect(_target(path, match.group(2)), sources, (*above, path))
    sources[path] = _joined(path, text)


def _joined(path: str, text: str) -> str:
    """A module's text with its imports and exports written as plain declarations."""

    def declared(match: re.Match[str]) -> str:
        names, target = match.group(1), f'modules["{_target(path, match.group(2))}"]'
        if names.startswith("*"):
            return f"const {names.split()[-1]} = {target};"
        renamed = _RENAMED.sub(r"\1: \2", names)
        return f"const {renamed} = {target};"

    exports = sorted(_EXPORT.findall(text))
    text = _EXPORT.sub("", _IMPORT.sub(declared, text))
    left = _LEFT.search(_COMMENT.sub("", text))
    if left:
        raise DecodeError(f"has an import or export that cannot be joined: {left.group(0)}", where=path)
    return f"{text.rstrip()}\nreturn Object.freeze({{ {', '.join(exports)} }});"


def _target(path: str, address: str) -> str:
    """The path of an imported module."""
    if not address.startswith("."):
        raise DecodeError(f"imports {address}, which is no relative path", where=path)
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / address).parts:
        if part == "..":
            if not parts:
                raise DecodeError(f"imports {address}, which is outside", where=path)
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


# -- the page ----------------------------------------------------------------------------------------------------------


def _page() -> str:
    icon = base64.b64encode((STATIC / "urne.svg").read_bytes()).decode("ascii")
    values = {
        "policy": verifier_policy(),
        "style": _style(),
        "icon": f"data:image/svg+xml;base64,{icon}",
        "texts": _texts(),
        "script": script(),
    }
    template = (STATIC / TEMPLATE).read_text(encoding="utf-8")
    return _MARK.sub(lambda match: values[match.group(1)], template)


def _style() -> str:
    return "\n" + "\n".join((STATIC / name).read_text(encoding="utf-8").strip() for name in STYLES) + "\n"


def _texts() -> str:
    """JSON of the texts in other languages: those of the script, of the checks, and of what can be found wrong.

    Why a check did not run is a plain literal of the script: any of these that the catalogue knows is brought along.
    """
    wanted = {*texts_in(script()), *literals_in(script())}
    wanted |= {text for check in CHECKS for text in (check.info.title, check.rule)}
    found = {}
    for code in LANGUAGES:
        if code != "en":
            known = catalogue(code)
            found[code] = {
                "problems": problem_catalogue(code),
                "texts": {text: known[text] for text in wanted if text in known},
            }
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
