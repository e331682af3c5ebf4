"""uvicorn's configuration, for a separate process and for a shared event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import HANDLED_SIGNALS

from gateway.server.accept import Acceptor, Share
from gateway.server.listen import address_of
from gateway.server.port import Direct, Port
from gateway.server.protocol import HttpProtocol
from gateway.server.tls import renewing_context
from gateway.settings.limits import ConnectionLimits

if TYPE_CHECKING:
    from gateway.settings.model import Settings

# A call's remaining time, and a little to write the response.
_DRAIN_SECONDS = 5


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration with our protocol, and the ports that connections belong to."""

    public: Port
    operations: Port | None = None

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
        self.public = Port(app, limits)
        if certificate is not None:
            self.public.tls = renewing_context(*certificate)
        if proxies:
            self.public.proxies = ProxyHeadersMiddleware(_nothing, list(proxies))
        if isinstance(app, Direct):
            self.public.routes, self.public.draining = app.routes, app.draining
            if app.operations is not None:
                self.operations = Port(app.operations, limits, draining=app.draining)


async def _nothing(*_: object) -> None:
    """An application that does nothing: only the changed scope is used."""


class Server(uvicorn.Server):
    """uvicorn's server, which accepts connections through our `Acceptor`.

    Probes and metrics are served on the sockets in `operations`, if there are any.
    """

    def __init__(
        self,
        config: ServerConfig,
        *,
        operations: Sequence[socket.socket] = (),
        share: Share | None = None,
    ) -> None:
        super().__init__(config)
        self._config = config
        self._operations = operations
        self._share = share

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but does not raise the signal again at the end: the exit code is 0."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        config = self._config
        acceptors = [self._acceptor(one, config.public, self._share) for one in sockets or ()]
        if config.operations is not None:
            acceptors += [self._acceptor(one, config.operations) for one in self._operations]
        self.servers = cast("Any", acceptors)

    def _acceptor(
        self, listening: socket.socket, port: Port, share: Share | None = None
    ) -> Acceptor:
        make_protocol = partial(
            HttpProtocol, self._config, self.server_state, self.lifespan.state, port=port
        )
        return Acceptor(listening, make_protocol, port, share)


@contextlib.asynccontextmanager
async def running_gateway(
    app: ASGIApp, settings: Settings, listening: Sequence[socket.socket]
) -> AsyncIterator[str]:
    """Serves `app` in this event loop and yields its address, `http://host:port`."""
    address = address_of(listening[0], tls=settings.tls_cert is not None)
    server = _GuestServer(server_config(app, settings))
    serving = asyncio.create_task(server.serve(list(listening)))
    started = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        if not server.ready.is_set():
            await serving
        yield address
    finally:
        started.cancel()
        server.should_exit = True
        await serving


class _GuestServer(Server):
    """A server that does not handle signals, and sets `ready` once it serves."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def server_config(app: ASGIApp, settings: Settings) -> ServerConfig:
    """The server's configuration for these settings."""
    return ServerConfig(
        app,
        limits=settings.connection_limits(),
        certificate=(settings.tls_cert, settings.tls_key) if settings.tls_cert else None,
        proxies=settings.trusted_proxies,
        lifespan="on",
        timeout_graceful_shutdown=math.ceil(settings.request_timeout_seconds) + _DRAIN_SECONDS,
    )
