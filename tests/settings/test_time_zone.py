"""The platform's time zone, by name or offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.settings.time_zone import zone_of


@pytest.mark.parametrize(
    ("name", "hours"),
    [("UTC", 0), ("utc", 0), ("Z", 0), ("+05:30", 5.5), ("-03:00", -3), ("Asia/Kolkata", 5.5)],
)
def test_zones_are_known_by_name_or_offset(name, hours):
    """What platforms and operators write."""
    offset = datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone_of(name)).utcoffset()

    assert offset == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name", ["", "IST India", "../etc/passwd", "5:30", "+99:00", "Mars/Phobos"]
)
def test_other_names_are_refused(name):
    """Before the gateway starts."""
    with pytest.raises(ValueError, match=r"time zone|offset"):
        zone_of(name)
