"""The stand-in's limit on invites, counted in windows of time."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta


class RateLimit:
    """At most `most` requests in a window of `seconds`, which begins with its first request."""

    def __init__(self, most: int, *, seconds: float, now: Callable[[], datetime]) -> None:
        self._most = most
        self._window = timedelta(seconds=seconds)
        self._now = now
        self._ends_at: datetime | None = None
        self._count = 0

    def seconds_to_wait(self) -> int:
        """Counts a request; 0 if it may pass, else whole seconds until the window ends."""
        now = self._now()
        if self._ends_at is None or now >= self._ends_at:
            self._ends_at = now + self._window
            self._count = 0
        self._count += 1
        if self._count <= self._most:
            return 0
        return math.ceil((self._ends_at - now).total_seconds())
