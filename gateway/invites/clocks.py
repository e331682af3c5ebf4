"""Two clocks: the wall clock, which can be set, and one that cannot."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

_UNNOTICED_SECONDS: Final = 1.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Moment:
    """One moment on both clocks; `ticks` count from when the machine, named by `boot`, started."""

    wall: float
    ticks: float
    boot: str

    def has_passed(self, seconds: float, *, since: Moment) -> bool:
        """Whether at least `seconds` lie in between, on both clocks.

        False for a moment on another machine or before a reboot: only the wall clock could
        compare those, and that is not enough.
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


class ClockWatch:
    """Notices when the wall clock is set while the process runs."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        now = clocks()
        self._apart = now.wall - now.ticks
        self._even_since = now.wall
        self._jump = 0.0

    def offsets(self, written_at: float, offset: float) -> tuple[float, float]:
        """The least and the most that another clock, now `offset` ahead, was ahead at that time.

        `written_at` is the time in question on our wall clock.
        """
        self._look()
        if written_at >= self._even_since:
            return offset, offset
        return min(offset, 0.0) - self._jump, max(offset, 0.0) + self._jump

    def _look(self) -> None:
        now = self._clocks()
        apart = now.wall - now.ticks
        if abs(apart - self._apart) > _UNNOTICED_SECONDS:
            self._jump = max(self._jump, abs(apart - self._apart))
            # Times written before the clock was set back may be later than now.
            self._even_since = max(now.wall, now.ticks + self._apart)
            self._apart = apart


if sys.platform == "linux":

    def ticks() -> float:
        """Seconds since the machine started, suspended time included."""
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
        # Then no process can compare ticks with those of another.
        return uuid.uuid4().hex
