"""Moments by which something has to be done."""

from __future__ import annotations

import pytest

from gateway.invites.deadline import within


async def test_time_runs_out():
    """What is left is counted from now, and may be negative."""
    assert within(100).seconds_left == pytest.approx(100, abs=50)
    assert within(-100).seconds_left == pytest.approx(-100, abs=50)


async def test_a_deadline_is_put_off_or_shortened():
    """By so many seconds, or to so many seconds from now unless it comes earlier anyway."""
    assert within(100).later(1000).seconds_left == pytest.approx(1100, abs=50)
    assert within(1000).at_most(100).seconds_left == pytest.approx(100, abs=50)
    assert within(100).at_most(1000).seconds_left == pytest.approx(100, abs=50)
