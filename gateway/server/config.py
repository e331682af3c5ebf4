"""How uvicorn is set up: for a process of its own, and beside others in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gateway.server.listen import address_of
from gateway.server.protocol import LimitedConfig
from gateway.server.tls import renewing_context
from gateway.settings.model import Settings

# What the upstream may still take, and a little to write the answer.
_DRAIN_SECONDS = 5


@contextlib.asynccontextmanager
async def running_gateway(
    app: ASGIApp, settings: Settings, listening: socket.socket
) -> AsyncIterator[str]:
    """Serves `app` in this event loop and yields its address, `http://host:port`."""
    server = _GuestServer(server_config(app, settings))
    serving = asyncio.create_task(server.serve([listening]))
    started = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        if not server.ready.is_set():
            await serving
        yield address_of(listening, settings)
    finally:
        started.cancel()
        server.should_exit = True
        await serving


class _Config(LimitedConfig):
    """With `shares`, the workers share out connections by what that file tells."""

    shares: Path | None = None

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        if self.shares is None:
            return super().get_loop_factory()
        from gateway.server.workers import SharingLoop  # noqa: PLC0415 - one worker needs it not

        return partial(SharingLoop, self.shares)


class _GuestServer(uvicorn.Server):
    """A server that leaves signals to its host and says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def server_config(
    app: ASGIApp | Callable[[], ASGIApp] | str, settings: Settings, *, factory: bool = False
) -> _Config:
    """How the server runs in both cases: no log of its own, no name of its own in answers."""
    return _Config(
        app,
        limits=settings.connection_limits(),
        factory=factory,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        ssl_context_factory=renewing_context if settings.tls_cert else None,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=math.ceil(settings.request_timeout_seconds) + _DRAIN_SECONDS,
    )
