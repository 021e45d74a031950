"""What an administrator chooses for one election besides the manifest: it is not public, and the site obeys it.

It must not import flask.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from voting.protocol.errors import UnavailableError


class ElectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one election. The usual ones ask for nothing."""

    factor: Literal["none", "mail"] = "none"
    """Whether voters must also show that they read their mail."""
    authority: Literal["server", "outside"] = "server"
    """Who makes the voters' codes. An outside authority's key is in the manifest."""
    automatic: bool = True
    """Whether voting opens and closes by itself at the announced times."""
    time_zone: str = ""
    """Zone in which times are shown; empty for the site's."""
    erase_after: str | None = None
    """When the personal data is deleted (UTC); None: never by itself."""

    @property
    def has_server_codes(self) -> bool:
        """Whether this site makes the voters' codes, so that it can send them."""
        return self.authority == "server"


def encode_settings(settings: ElectionSettings) -> str:
    """Settings as the store keeps them."""
    return msgspec.json.encode(settings).decode("utf-8")


def parse_settings(text: str) -> ElectionSettings:
    """Settings from the store. Raises UnavailableError if they are damaged."""
    try:
        return msgspec.json.decode(text, type=ElectionSettings)
    except (msgspec.DecodeError, ValueError):
        raise UnavailableError("cannot be read", where="the settings of an election in site.db") from None
