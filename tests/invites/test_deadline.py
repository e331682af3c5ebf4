"""Moments by which something has to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest
import uvloop

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


@pytest.mark.parametrize(
    "make_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_event_loops_keep_time_by_the_same_clock(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
):
    """So a loop's timer may be set to a deadline."""
    loop = make_loop()

    assert loop.time() == pytest.approx(monotonic(), abs=50)
    loop.close()
