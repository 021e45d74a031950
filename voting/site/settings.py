"""What a site's operator chooses: options of `urne serve`, and the optional file `settings.toml` in the data directory.

It must not import flask. The file may hold the password of a mail account: it is refused if others may read it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from voting.files import read_text
from voting.protocol.errors import InputErrors, Problem, UnavailableError, UsageError

SETTINGS = "settings.toml"
ELECTIONS = "elections"
MAIL = "mail"
REHEARSALS = "rehearsals"


class MailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the site sends mail. `repr` does not show the password."""

    host: str
    sender: str
    """The address that messages come from."""
    port: int = 587
    security: str = "starttls"
    """"starttls", "tls" or "none"."""
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"<MailSettings {self.host}:{self.port}>"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mail: MailSettings | None = None
    time_zone: str = "UTC"
    contact: str = ""


class Settings(NamedTuple):
    """Everything that the pages and services of one site need to know."""

    data: Path
    """The data directory."""
    address: str
    """Where people reach the site, e.g. "https://vote.example.org", without a slash at the end."""
    allow_toy: bool = False
    time_zone: str = "UTC"
    """Zone of times shown where nothing better is known."""
    contact: str = ""
    """Who runs the site."""
    mail: MailSettings | None = None
    """None: messages are written as files."""
    behind_proxy: bool = False
    """Whether a proxy in front says who the client is."""
    workers: int = 0
    """Processes that check ballots; 0: the thread that writes a board checks them."""

    @property
    def is_secure(self) -> bool:
        """Whether people reach the site over https."""
        return self.address.startswith("https://")

    @property
    def elections(self) -> Path:
        return self.data / ELECTIONS

    @property
    def mail_folder(self) -> Path:
        return self.data / MAIL

    @property
    def rehearsals(self) -> Path:
        return self.data / REHEARSALS

    def link(self, path: str) -> str:
        """The whole address of a path that begins with a slash."""
        return self.address + path


def read_settings(
    data: Path, address: str, *, allow_toy: bool = False, behind_proxy: bool = False, workers: int = 0
) -> Settings:
    """The settings of the site in `data`.

    Raises:
        UsageError: if the address or the file is at fault; every fault of the file at once.
        UnavailableError: if the file cannot be read, or others than its owner may.
    """
    require_address(address)
    path = data / SETTINGS
    found = _read(path) if path.exists() else _File()
    problems = list(_problems(found))
    if problems:
        raise InputErrors(str(path), problems)
    return Settings(
        data=data,
        address=address.rstrip("/"),
        allow_toy=allow_toy,
        time_zone=found.time_zone,
        contact=found.contact,
        mail=found.mail,
        behind_proxy=behind_proxy,
        workers=workers,
    )


def _read(path: Path) -> _File:
    if path.stat().st_mode & 0o077:
        raise UnavailableError("may be read by others", where=str(path), remedy=f"chmod 600 {path}")
    try:
        return msgspec.convert(tomllib.loads(read_text(path)), _File, strict=True)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is no TOML ({error})", where=str(path)) from None
    except msgspec.ValidationError as error:
        raise UsageError(f"has a setting that cannot be used ({error})", where=str(path)) from None


def _problems(found: _File) -> list[Problem]:
    problems = []
    if not is_zone(found.time_zone):
        problems.append(Problem("time_zone", "is no time zone that is known here", 'write one like "Europe/Paris"'))
    mail = found.mail
    if mail is not None:
        if mail.security not in {"starttls", "tls", "none"}:
            problems.append(Problem("mail.security", "is not known", 'write "starttls", "tls" or "none"'))
        if not 0 < mail.port < 65536:
            problems.append(Problem("mail.port", "is no port number", "587 is usual"))
        if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", mail.sender):
            problems.append(Problem("mail.sender", "is no mail address", "write the address that messages come from"))
    return problems


def is_zone(name: str) -> bool:
    """Whether this is the name of a time zone, e.g. "Europe/Paris"."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def require_address(address: str) -> None:
    """Raises UsageError if this is not the address of a site."""
    try:
        parts = urlsplit(address)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.path in {"", "/"}
        fine = fine and not parts.query and not parts.fragment and not parts.username and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(
            "is not the address of a site", where=address, remedy='write one like "https://vote.example.org"'
        )
