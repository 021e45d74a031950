"""Points in time as people read and write them, for the commands of `urne`."""

from __future__ import annotations

from datetime import datetime

from voting.protocol.errors import UsageError
from voting.protocol.moment import format_moment, parse_moment


def moment_text(moment: str) -> str:
    """A point in time for people: in UTC, and as the clock of this machine shows it where that differs."""
    utc = parse_moment(moment)
    local = utc.astimezone()
    text = utc.strftime("%Y-%m-%d %H:%M UTC")
    return text if local.utcoffset() == utc.utcoffset() else f"{text} ({local.strftime('%Y-%m-%d %H:%M %Z')})"


def read_moment(text: str) -> str:
    """A typed point in time, as messages write it.

    Raises:
        UsageError: if it is no time, or does not say its time zone.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return format_moment(moment)
    except (ValueError, OverflowError):
        raise UsageError("is no time", where=text[:50], remedy="write it like 2026-12-02T18:00:00+01:00") from None
    raise UsageError("does not say its time zone", where=text[:50], remedy="add it: +01:00 at the end, or Z for UTC")
