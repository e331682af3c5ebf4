"""Two clocks: the wall clock, which people and daemons set, and one that nobody can."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on both clocks; `ticks` count from when the machine, named by `boot`, started."""

    wall: float
    ticks: float
    boot: str

    def has_passed(self, seconds: float, *, since: Moment) -> bool:
        """At least so many seconds lie in between, on both clocks.

        What happened on another machine, or before this one was restarted, can be compared by the
        wall clock alone, which is not enough.
        """
        return (
            self.boot == since.boot
            and self.wall - since.wall >= seconds
            and self.ticks - since.ticks >= seconds
        )


Clocks: TypeAlias = Callable[[], Moment]


def moment() -> Moment:
    """Now."""
    return Moment(time.time(), ticks(), _boot())


if sys.platform == "linux":

    def ticks() -> float:
        """Seconds since the machine started, those in which it slept included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:

    def ticks() -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        # Every process then counts for itself alone.
        return uuid.uuid4().hex
