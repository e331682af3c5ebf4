"""How the stand-in counts invites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.sandbox.rate_limit import RateLimit


def test_a_window_begins_with_its_first_request():
    """Those beyond the limit are told its end; they neither extend it nor use up the next."""
    start = datetime(2025, 7, 4, 23, 12, tzinfo=UTC)
    at = [0.0, 0.5, 0.6, 2.0, 2.9, 3.0, 5.9, 5.9, 6.0]
    moments = iter(start + timedelta(seconds=seconds) for seconds in at)
    limit = RateLimit(2, seconds=3, now=lambda: next(moments))

    waits = [limit.seconds_to_wait() for _ in at]

    assert waits == [0, 0, 3, 1, 1, 0, 0, 1, 0]
