"""Warnings about replies that cannot be the platform's own and would go unnoticed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.invites.models import Anomaly

log = logging.getLogger("gateway.invites")

EVERY_SECONDS: Final = 600.0


class Anomalies:
    """Counts each such reply, and logs a warning of each kind at most once in ten minutes."""

    def __init__(
        self,
        count: Callable[[Anomaly], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._clock = clock
        self._next: dict[Anomaly, float] = {}

    def note(self, anomaly: Anomaly, status: int | None) -> None:
        """Record one such reply and its status."""
        self._count(anomaly)
        now = self._clock()
        if now >= self._next.get(anomaly, now):
            self._next[anomaly] = now + EVERY_SECONDS
            log.warning(
                "a reply to an invite was not what the platform would say: %s, status %s",
                anomaly.value,
                status,
            )
