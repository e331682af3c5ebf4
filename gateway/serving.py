"""How the gateway's HTTP server is set up."""

from __future__ import annotations

import math
from typing import Any

from gateway.connections import ConnectionLimits, LimitedConfig
from gateway.settings import Settings

_GRACE_SECONDS = 5


def server_config(app: Any, settings: Settings, *, factory: bool = False) -> LimitedConfig:
    """The server for `app`, an ASGI application or the import string of one.

    Stopping waits for what is in flight for as long as an upstream call may take. Nothing is
    logged of single requests here: uvicorn's own lines hold query strings.
    """
    return LimitedConfig(
        app,
        limits=connection_limits(settings),
        factory=factory,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=math.ceil(settings.upstream_timeout_seconds) + _GRACE_SECONDS,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        max_connections=settings.max_connections,
        max_header_bytes=settings.max_header_bytes,
        header_timeout_seconds=settings.header_timeout_seconds,
        body_timeout_seconds=settings.body_timeout_seconds,
        keep_alive_seconds=settings.keep_alive_seconds,
    )
