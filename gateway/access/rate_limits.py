"""Rate limits, for each of many names."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.access.bearer import Caller
from gateway.http.errors import ErrorCode, RequestError, request_error
from gateway.http.gates import Admitted
from gateway.http.requests import RequestHead
from gateway.settings.counts_url import check_counts_url
from gateway.settings.model import Settings
from gateway.watched_file import WatchedFile

if TYPE_CHECKING:
    from gateway.access.shared_counts import SharedCounts

MOST_NAMES = 10_000
"""Names that are counted at a time; the least recently seen one is forgotten first."""
_IPV6_NETWORK = 64


class RateLimits:
    """Makes the limits of a process; with a `url` they are shared by all gateways."""

    def __init__(self, url: Callable[[], str] | None = None) -> None:
        self.shared: SharedCounts | None = None
        """Where they count together; it knows whether it can be reached."""
        if url is not None:
            # The client of Valkey and Redis is an extra.
            from gateway.access.shared_counts import SharedCounts  # noqa: PLC0415 - see above

            self.shared = SharedCounts(url)

    def limit(self, what: str, per_minute: int) -> RateLimit:
        """The limit named `what`; calls with the same name share it."""
        return RateLimit(per_minute, what=what, shared=self.shared)

    async def aclose(self) -> None:
        if self.shared is not None:
            await self.shared.aclose()


def rate_limits_of(settings: Settings) -> RateLimits:
    """Raises OSError or ValueError if the file named by the settings is now unusable."""
    if settings.rate_limit_url_file is not None:
        return RateLimits(WatchedFile(settings.rate_limit_url_file, read_rate_limit_url).current)
    url = settings.rate_limit_url
    return RateLimits(None if url is None else url.get_secret_value)


def read_rate_limit_url(path: Path) -> str:
    """The URL in the file; raises OSError or ValueError, without the URL, if there is none."""
    return check_counts_url(path.read_text("utf-8", errors="replace").strip())


class RateLimit:
    """A number per minute for each name: that many at once, then refilled evenly."""

    def __init__(
        self, per_minute: int, *, what: str = "", shared: SharedCounts | None = None
    ) -> None:
        # Without a limit, the library costs no time or memory.
        from throttled import (  # noqa: PLC0415 - see above
            RateLimiterType,
            Throttled,
            rate_limiter,
            store,
        )

        self._what = what
        self._shared = shared
        self._quota = rate_limiter.per_min(per_minute, burst=per_minute)
        self._throttle = Throttled(
            using=RateLimiterType.GCRA.value,
            quota=self._quota,
            store=store.MemoryStore(options={"MAX_SIZE": MOST_NAMES}),
        )

    async def seconds_to_wait(self, name: str) -> int | None:
        """None if allowed now, and then it is counted; else whole seconds to wait."""
        # The library treats an empty key as missing.
        key, seconds = f"of {name}", None
        if self._shared is not None:
            seconds = await self._shared.seconds_to_wait(self._what, key, self._quota)
        if seconds is None:
            found = self._throttle.limit(key)
            seconds = math.ceil(found.state.retry_after) or 1 if found.limited else 0
        return seconds or None


class RequestRateGate:
    """Refuses callers that send too many requests."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit

    async def __call__(self, head: RequestHead, /) -> Admitted | RequestError:
        seconds = await self._limit.seconds_to_wait(name_of(head))
        if seconds is None:
            return _ADMITTED
        return request_error(
            "These are too many requests. Nothing was done; try again later.",
            ErrorCode.RATE_LIMITED,
            status=429,
            retry_after_seconds=seconds,
        )


_ADMITTED = Admitted()


def name_of(head: RequestHead) -> str:
    """Who is counted: the caller or, if callers are not identified, the client's address.

    For IPv6 it is the network, as one client has all its addresses. An IPv4 address in IPv6
    form, as some proxies write it, counts as IPv4.
    """
    if isinstance(head.caller, Caller):
        return f"caller {head.caller.name}"
    client = head.client or ""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client.partition("%")[0])
    except ValueError:
        return client
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
