"""Points in time in words: the reader's language, a zone, and UTC, with the date spelled out.

It must not import flask.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta, get_timezone_location

from voting.protocol.moment import parse_moment
from voting.translations import text as _


def in_words(moment: str | datetime, zone: str, language: str) -> str:
    """A point in time, e.g. "Monday 2 March 2026 at 09:00 Paris time (08:00 UTC)".

    Args:
        moment: as entries write it, or a time with its zone.
        zone: name of a time zone, e.g. "Europe/Paris".
        language: "en" or "fr".
    """
    point = parse_moment(moment) if isinstance(moment, str) else moment
    local, utc = point.astimezone(ZoneInfo(zone)), point.astimezone(UTC)
    date, clock = _date(local, language), format_datetime(local, "HH:mm", locale=language)
    if local.utcoffset() == timedelta(0):
        return _("{date} at {clock} UTC", date=date, clock=clock)
    place = get_timezone_location(ZoneInfo(zone), locale=language, return_city=True)
    same_day = local.date() == utc.date()
    other = format_datetime(utc, "HH:mm", locale=language)
    if not same_day:
        other = _("{date} at {clock}", date=_date(utc, language), clock=other)
    return _("{date} at {clock} {place} time ({utc} UTC)", date=date, clock=clock, place=place, utc=other)


def _date(point: datetime, language: str) -> str:
    return format_datetime(point, "EEEE d MMMM y", locale=language)


def from_now(moment: str, now: datetime, language: str) -> str:
    """How far away a point in time is, e.g. "in 3 days" or "2 hours ago"."""
    away = parse_moment(moment) - now.astimezone(UTC)
    return str(format_timedelta(away, add_direction=True, locale=language, threshold=1.2))
