"""How much a client's connection may hold, and how long it may wait."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PIPELINED = 8
"""Requests that wait on a connection for the answer before them."""
MAX_CHUNKS = 4_096
"""Chunks of one body."""
MAX_OVERHEAD_BYTES = 1_048_576
"""Chunk sizes, chunk extensions and trailers of one body; or all of a body that was refused."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one client may hold; the fields are named as their settings are."""

    max_connections: int = 800
    max_header_bytes: int = 16_384
    """Request line and headers together."""
    header_timeout_seconds: float = 10.0
    """From a connection's start, or a request's first byte, to the end of the headers."""
    body_timeout_seconds: float = 10.0
    """From the end of the headers to the end of the body."""
    keep_alive_seconds: float = 75.0
    """How long a connection may idle between requests; longer than a load balancer's."""
