"""Time zones by name or offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str) -> tzinfo:
    """A time zone from a name like `Asia/Kolkata` or an offset like `+05:30`; else ValueError."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    if re.fullmatch(r"[+-]\d\d:\d\d", name):
        parsed = datetime.fromisoformat(f"2026-01-01T00:00:00{name}").tzinfo
        assert parsed is not None  # noqa: S101 - the form has an offset
        return parsed
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(
            "must be a time zone such as Asia/Kolkata, an offset such as +05:30, or UTC"
        ) from error
