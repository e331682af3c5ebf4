"""Counts in a Valkey or Redis server, for all workers and replicas together."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

from throttled import RateLimiterType
from throttled.asyncio import Throttled
from throttled.asyncio.store import RedisStore
from throttled.exceptions import BaseThrottledError
from throttled.rate_limiter import Quota

LOGGER = logging.getLogger("gateway.rate_limits")
ANSWER_SECONDS: Final = 0.25
"""How long a request may be held up by the server; a count takes less than a millisecond."""
PAUSE_SECONDS: Final = 1.0
"""How long a server that did not answer is left alone."""
_PREFIX: Final = "track-invite-gateway"


class SharedCounts:
    """The shared counts, if the server is reachable; changes of that are logged."""

    def __init__(
        self, url: Callable[[], str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._clock = clock
        self._connected_to = ""
        self._store: RedisStore | None = None
        self._throttles: dict[str, Throttled] = {}
        self._leave_alone_until = 0.0
        self.reached = True

    async def seconds_to_wait(self, what: str, name: str, quota: Quota) -> int | None:
        """Whole seconds to wait, 0 if allowed now; None if the server does not reply."""
        if self._clock() < self._leave_alone_until:
            return None
        # The server does not learn callers' names and addresses.
        key = hashlib.sha256(name.encode()).hexdigest()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                throttle = await self._throttle(what, quota)
                found = await throttle.limit(key)
        except (BaseThrottledError, OSError, TimeoutError, ValueError) as error:
            self._note(reached=False, why=type(error.__cause__ or error).__name__)
            self._leave_alone_until = self._clock() + PAUSE_SECONDS
            return None
        self._note(reached=True)
        return math.ceil(found.state.retry_after) or 1 if found.limited else 0

    async def aclose(self) -> None:
        store, self._store = self._store, None
        self._throttles.clear()
        if store is not None:
            client: Any = store._backend.get_client()  # noqa: SLF001 - no public way to close
            await client.connection_pool.disconnect()

    async def _throttle(self, what: str, quota: Quota) -> Throttled:
        url = self._url()
        if self._store is None or url != self._connected_to:
            await self.aclose()
            self._store, self._connected_to = RedisStore(_redis_url(url)), url
        if what not in self._throttles:
            self._throttles[what] = Throttled(
                using=RateLimiterType.GCRA.value,
                quota=quota,
                store=self._store,
                key_prefix=f"{_PREFIX}:{what}",
            )
        return self._throttles[what]

    def _note(self, *, reached: bool, why: str = "") -> None:
        if reached is self.reached:
            return
        self.reached = reached
        if reached:
            LOGGER.warning("rate limits count for all gateways together again")
        else:
            LOGGER.warning(
                "rate limits count in each process alone: the server of GATEWAY_RATE_LIMIT_URL"
                " does not answer (%s)",
                why,
            )


def _redis_url(url: str) -> str:
    """The URL with Redis' scheme, the only one that the library knows."""
    return url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
