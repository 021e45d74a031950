"""Names of time zones for a list to choose from. It must not import flask."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

_REGIONS = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@cache
def _usual() -> tuple[str, ...]:
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(_REGIONS)))


def zone_names(chosen: str) -> tuple[str, ...]:
    """All usual zones, and the one that is chosen now."""
    return _usual() if chosen in _usual() else (chosen, *_usual())
