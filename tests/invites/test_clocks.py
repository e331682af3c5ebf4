"""Two clocks, of which one cannot be set."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.invites.clocks import Moment, moment

THEN = Moment(1000.0, 50.0, "boot")


@pytest.mark.parametrize(
    ("wall", "ticks", "boot", "passed"),
    [
        (1030, 80, "boot", True),
        (1029.9, 80, "boot", False),
        (1030, 79.9, "boot", False),
        (9999, 51, "boot", False),
        (900, 9999, "boot", False),
        (9999, 9999, "another", False),
    ],
)
def test_time_has_passed_on_both_clocks_or_not_at_all(wall, ticks, boot, passed):
    """Neither a wall clock that was set nor one of another machine is believed alone."""
    assert Moment(wall, ticks, boot).has_passed(30, since=THEN) is passed


def test_now_is_read_from_the_system():
    """The wall clock is UTC, and both run on one machine."""
    first = moment()
    second = moment()

    assert abs(first.wall - time.time()) < 60
    assert first.boot == second.boot != ""
    assert second.ticks >= first.ticks
    assert replace(second, boot=first.boot).has_passed(0, since=first)
