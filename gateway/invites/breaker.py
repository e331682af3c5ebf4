"""A circuit breaker: while the upstream fails, most calls fail at once.

CLOSED ── half of at least 20 calls in 10 s failed ──► OPEN ── after the pause ──► HALF_OPEN
   ▲                                                    ▲                             │
   │                                                    └──── the probe failed ───────┤
   └───────────────────────────────────────────────────────── the probe succeeded ────┘
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Callable


class BreakerState(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"
    """One call, the probe, is in progress; all others are refused."""


# Access to a member through its enum costs more than everything done with it here.
_CLOSED, _OPEN, _HALF_OPEN = BreakerState


class Health(Enum):
    """What a call says about the upstream's health."""

    GOOD = "good"
    BAD = "bad"
    UNTOLD = "untold"


_GOOD, _BAD, _UNTOLD = Health


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    window_seconds: float = 10.0
    least_calls: int = 20
    failed_share: float = 0.5
    pause_seconds: float = 5.0


Permit = NewType("Permit", int)
"""Permission for one call; pass it to `Breaker.report` once the call has ended."""


class Breaker:
    """Decides whether a call to the upstream is worth making."""

    def __init__(
        self, *, clock: Callable[[], float], limits: BreakerLimits = BreakerLimits()
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._state = _CLOSED
        # A permit is the number of its era: calls begun in an earlier state do not count.
        self._era = Permit(0)
        self._until = 0.0
        self._calls = 0
        self._failed = 0

    @property
    def state(self) -> BreakerState:
        return self._state

    def admit(self) -> Permit | None:
        """A permit for one call, or None while the upstream is known to fail."""
        if self._state is _CLOSED:
            return self._era
        if self._state is _OPEN and self._clock() >= self._until:
            self._enter(_HALF_OPEN)
            return self._era
        return None

    @property
    def retry_after_seconds(self) -> int:
        """Whole seconds, at least 1, until a call may be permitted again."""
        return max(1, math.ceil(self._until - self._clock()))

    def report(self, permit: Permit, health: Health) -> None:
        """Record what the call showed about the upstream."""
        if permit != self._era:
            return
        if self._state is _HALF_OPEN:
            self._end_probe(health)
        elif health is not _UNTOLD:
            now = self._clock()
            if now >= self._until:
                self._calls = self._failed = 0
                self._until = now + self._limits.window_seconds
            self._calls += 1
            self._failed += health is _BAD
            if self._failed:
                self._open_if_failing()

    def _end_probe(self, health: Health) -> None:
        if health is _GOOD:
            self._enter(_CLOSED)
        else:
            self._enter(_OPEN)
            if health is _UNTOLD:
                # The next caller may probe at once.
                self._until = self._clock()

    def _open_if_failing(self) -> None:
        enough = self._calls >= self._limits.least_calls
        if enough and self._failed >= self._calls * self._limits.failed_share:
            self._enter(_OPEN)

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self._era = Permit(self._era + 1)
        self._calls = self._failed = 0
        self._until = self._clock() + self._limits.pause_seconds
