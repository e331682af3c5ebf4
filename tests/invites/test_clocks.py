"""Two clocks, of which one cannot be set."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.invites.clocks import ClockWatch, Moment, _boot, moment
from tests.fakes.invites import Clock
from tests.fakes.records import NOW

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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such file")
def test_boot_is_named_by_the_system():
    """Processes of one machine compare their ticks, also after a restart of the gateway."""
    assert moment().boot == Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def test_machine_that_names_no_boot_compares_nothing(monkeypatch, tmp_path):
    """Each process then has a name of its own."""
    monkeypatch.setattr("gateway.invites.clocks._BOOT_ID", tmp_path / "none")

    names = {_boot.__wrapped__() for _ in range(2)}

    assert len(names) == 2
    assert all(names)


@pytest.mark.parametrize("offset", [-600, 0, 600])
def test_clock_that_ran_evenly_is_believed(offset):
    """What it says now of another clock was true then."""
    clock = Clock()
    watch = ClockWatch(clock)
    clock.now += 3600

    assert watch.offsets(NOW, offset) == (offset, offset)


@pytest.mark.parametrize(("offset", "offsets"), [(-600, (-600, 0)), (0, (0, 0)), (600, (0, 600))])
def test_what_was_written_before_the_process_began_may_be_by_another_clock(offset, offsets):
    """Both the measured difference and none are possible."""
    assert ClockWatch(Clock()).offsets(NOW - 1, offset) == offsets


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_clock_that_was_set_leaves_what_was_written_before_open(jump):
    """By as much as it was set; what is written after that is sure again."""
    clock = Clock()
    watch = ClockWatch(clock)
    clock.now += 10
    clock.wall_ahead = jump
    before = watch.offsets(NOW + 5, -jump)
    clock.now += 4000
    after = watch.offsets(clock().wall, -jump)

    assert before == (min(-jump, 0) - 3600, max(-jump, 0) + 3600)
    assert after == (-jump, -jump)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such clock")
def test_seconds_that_the_machine_slept_count(monkeypatch):
    """The monotonic clock stands still meanwhile."""
    monkeypatch.setattr(
        "gateway.invites.clocks.time.clock_gettime", {time.CLOCK_BOOTTIME: 5.0}.__getitem__
    )

    assert moment().ticks == 5.0
