"""Time zones by the names that people and portals give them."""

import re
from datetime import timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

# +3, UTC+3, GMT-03:30
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)

# No place on earth is further from UTC.
_FURTHEST = timedelta(hours=14)


def time_zone(name: str) -> tzinfo | None:
    """Find a zone by its IANA name, or make one of an offset; ``None`` where it is neither."""
    name = name.strip().replace("\u2212", "-")
    if offset := _OFFSET.fullmatch(name):
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-away if offset[1] == "-" else away) if away <= _FURTHEST else None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None
