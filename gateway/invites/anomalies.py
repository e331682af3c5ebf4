"""Warns of replies that the platform would not give, which nobody would notice otherwise."""

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
    """Notes each such reply, and warns of each kind at most once in ten minutes."""

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
        """There was one, with this status."""
        self._count(anomaly)
        now = self._clock()
        if now >= self._next.get(anomaly, now):
            self._next[anomaly] = now + EVERY_SECONDS
            log.warning(
                "a reply to an invite was not what the platform would say: %s, status %s",
                anomaly.value,
                status,
            )
