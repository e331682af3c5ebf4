"""File descriptors: each connection needs one, and the usual limit is too low."""

from __future__ import annotations

import resource
from typing import Final

_FOR_ALL_ELSE: Final = 128
"""For files, the store, the log, refused connections and probes."""


def allow_descriptors(*, clients: int, upstream: int) -> str | None:
    """Raise the process's limit as far as needed; the warning for the operator if that fails.

    Child processes inherit it.
    """
    needed = clients + upstream + _FOR_ALL_ELSE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == needed:
        return None
    return (
        f"{needed} file descriptors may be needed and {allowed} are allowed: raise the limit"
        " (ulimit -n, LimitNOFILE=), or lower GATEWAY_MAX_CONNECTIONS"
        " or GATEWAY_UPSTREAM_CONCURRENCY."
    )
