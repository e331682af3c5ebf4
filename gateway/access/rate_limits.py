"""How often something may happen, for each of many names; counted by each process for itself."""

from __future__ import annotations

import ipaddress
import math

from gateway.access.bearer import Caller
from gateway.http.errors import ErrorCode, RequestError, request_error
from gateway.http.gates import Admitted
from gateway.http.requests import RequestHead

MOST_NAMES = 10_000
"""Names that are counted at a time; the one that was longest away is forgotten first."""
_IPV6_NETWORK = 64


class RateLimit:
    """So many a minute, for each name: as many at once, and then one after the other."""

    def __init__(self, per_minute: int) -> None:
        # Who sets no limit is spared the time and memory that the library takes.
        from throttled import (  # noqa: PLC0415 - see above
            RateLimiterType,
            Throttled,
            rate_limiter,
            store,
        )

        self._throttle = Throttled(
            using=RateLimiterType.GCRA.value,
            quota=rate_limiter.per_min(per_minute, burst=per_minute),
            store=store.MemoryStore(options={"MAX_SIZE": MOST_NAMES}),
        )

    def seconds_to_wait(self, name: str) -> int | None:
        """None if it may happen now, and it is counted; else whole seconds until it may."""
        # The library takes an empty key for a missing one.
        found = self._throttle.limit(f"of {name}")
        return max(1, math.ceil(found.state.retry_after)) if found.limited else None


class RequestRateGate:
    """Turns a caller away who sends too many requests."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit

    async def __call__(self, head: RequestHead, /) -> Admitted | RequestError:
        seconds = self._limit.seconds_to_wait(name_of(head))
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
    """Who is counted: the caller, or where nobody says who is calling, the client's address.

    Of an IPv6 address it is the network: who has one address has all of them. An IPv4 address in
    IPv6's form, as some proxies write it, is itself.
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
