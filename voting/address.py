"""Protocol Q5: where tools may be pointed at: a path on this machine, or the web address of a board or an election.

    https://vote.example/e/club           an election on a site; its board is at https://vote.example/e/club/log
    http://127.0.0.1:8000                 a board served by `urne-board serve`

Imports nothing of Urne but `voting.protocol.errors`, and no network code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from voting.protocol.errors import UsageError

MAX_ADDRESS_LENGTH = 2000
_REMEDY = "give the address of the election's page, like https://vote.example/e/club"
_PAGES = ("/vote", "/test", "/trustee", "/board", "/check", "/keys", "/results", "/results.csv", "/verify", "/log")
"""Pages of an election that people may copy the address of, instead of the election's own."""


@dataclass(frozen=True, slots=True)
class Address:
    """A web address, checked: `text` has scheme, host and path, and no slash at its end."""

    text: str

    @property
    def site(self) -> Address:
        """The address of the site that an election is on: all before `/e/NAME`."""
        head, separator, name = self.text.rpartition("/e/")
        return Address(head) if separator and name and "/" not in name else self

    def __truediv__(self, part: str) -> str:
        """The address of something below this one."""
        return f"{self.text}/{part}"

    def __str__(self) -> str:
        return self.text


def is_address(text: str) -> bool:
    """Whether a text is meant as a web address, right or wrong."""
    return text.lower().startswith(("http://", "https://", "http:/", "https:/"))


def parse_address(text: str) -> Address:
    """Protocol Q5: read a web address. The address of one of an election's pages stands for the election.

    Raises:
        UsageError: if it is not of the form scheme, host, path. The text is not repeated: behind `#` it may hold a
            voter code.
    """
    if len(text) > MAX_ADDRESS_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError("is no web address", where="the address", remedy=_REMEDY)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError("is no web address", where="the address", remedy=_REMEDY) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError("is no web address", where="the address", remedy=_REMEDY)
    if "#" in text or "?" in text:
        raise UsageError(
            "goes on after # or ?, where a voter code may stand, which belongs on no command line",
            where="the address",
            remedy="leave out everything from that sign on",
        )
    if "@" in parts.netloc or "\\" in text:
        raise UsageError("names a user or holds a backslash", where="the address", remedy=_REMEDY)
    path = parts.path.rstrip("/")
    for page in _PAGES:
        path = path.removesuffix(page) if path.startswith("/e/") and path.count("/") == 3 else path
    if path == "/log":
        path = ""
    return Address(f"{parts.scheme}://{parts.netloc.lower()}{path}")


def parse_place(text: str) -> Path | Address:
    """Protocol Q5a: a path or an address, whichever a text is. Raises UsageError for a malformed address."""
    return parse_address(text) if is_address(text) else Path(text)
