"""How uvicorn is set up: for a process of its own, and beside others in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.server.listen import address_of
from gateway.server.protocol import HttpProtocol, Port
from gateway.server.tls import renewing_context
from gateway.server.wire import Direct
from gateway.settings.limits import ConnectionLimits
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


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration with our protocol, and what its connections share.

    With `shares`, the workers share out connections by what that file tells.
    """

    public: Port
    shares: Path | None = None

    def __init__(
        self,
        app: Any,
        *,
        limits: ConnectionLimits,
        certificate: tuple[Path, Path | None] | None = None,
        proxies: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(
            app,
            http=HttpProtocol,
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            **options,
        )
        self._limits = limits
        self._certificate = certificate
        self._proxies = list(proxies)

    def load(self) -> None:
        super().load()
        app = self.loaded_app
        self.public = Port(app, self._limits)
        if self._certificate is not None:
            self.public.tls = renewing_context(*self._certificate)
        if self._proxies:
            self.public.proxies = ProxyHeadersMiddleware(_nothing, self._proxies)
        if isinstance(app, Direct):
            self.public.routes, self.public.draining = app.routes, app.draining

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        if self.shares is None:
            return super().get_loop_factory()
        from gateway.server.workers import SharingLoop  # noqa: PLC0415 - one worker needs it not

        return partial(SharingLoop, self.shares)


async def _nothing(*_: object) -> None:
    """The application behind which only the scope is of interest."""


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
) -> ServerConfig:
    """How the server runs for these settings."""
    certificate = (settings.tls_cert, settings.tls_key) if settings.tls_cert else None
    return ServerConfig(
        app,
        limits=settings.connection_limits(),
        certificate=certificate,
        proxies=settings.trusted_proxies,
        factory=factory,
        workers=settings.workers,
        lifespan="on",
        timeout_graceful_shutdown=math.ceil(settings.request_timeout_seconds) + _DRAIN_SECONDS,
    )
