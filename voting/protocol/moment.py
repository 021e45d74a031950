"""Protocol E: points in time, as text: UTC with milliseconds, e.g. `2026-11-24T08:00:00.000Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from voting.protocol.errors import DecodeError

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z\Z")


def format_moment(moment: datetime) -> str:
    """UTC with milliseconds; `moment` must know its time zone."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def parse_moment(text: str, *, what: str = "time") -> datetime:
    """Protocol E10: read the one accepted form. Raises DecodeError for any other, and for times that do not exist."""
    if not _MOMENT.match(text):
        raise DecodeError("is not a UTC time such as 2026-11-24T08:00:00.000Z", where=what)
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise DecodeError("is no existing time", where=what) from None
