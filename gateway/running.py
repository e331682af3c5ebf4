"""Runs the gateway: alone as a service, or beside the stand-in in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gateway.access_settings import is_loopback
from gateway.certificates import renewing_context
from gateway.connections import LimitedConfig
from gateway.hangup import Workers
from gateway.settings import Settings
from gateway.telemetry.metrics import shared_metrics

APP_FACTORY = "gateway.app:app_from_environment"


# What the upstream may still take, and a little to write the answer.
_DRAIN_SECONDS = 5


_OPEN_TO_ALL = (
    "Warning: GATEWAY_AUTH is none and the gateway listens beyond this machine:"
    " anybody who can reach it can invite candidates in your name."
)


class ListenError(Exception):
    """An address cannot be listened on; the message says why, to a person."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on host and port, 0 for any. Raises ListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # The library repeats the address in brackets.
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise ListenError(f"cannot listen on {host}, port {port}: {reason}") from None


def serve_gateway(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises ListenError."""
    listening = listen(settings.host, settings.port)
    if settings.auth == "none" and not is_loopback(settings.host):
        print(_OPEN_TO_ALL, file=sys.stderr, flush=True)  # noqa: T201 - as the line below
    factory = APP_FACTORY if settings.workers > 1 else partial(_app, settings)
    config = server_config(factory, settings, factory=True)
    # The line is printed, not logged: it is the command's answer to the one who typed it.
    print(f"Listening on {address_of(listening, settings)}", flush=True)  # noqa: T201
    # Until the app answers to it, SIGHUP would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # uvicorn repeats the signal that has stopped it; by then all is done, and well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with contextlib.suppress(KeyboardInterrupt):
        if settings.workers > 1:
            gc.enable()
            with shared_metrics(), tempfile.NamedTemporaryFile(prefix="gateway-") as shares:
                config.shares = Path(shares.name)
                Workers(config, sockets=[listening]).run()
        else:
            uvicorn.Server(config).run(sockets=[listening])


def _app(settings: Settings) -> ASGIApp:
    from gateway.app import served_app  # noqa: PLC0415 - the address is told before it is loaded

    return served_app(settings)


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


def address_of(listening: socket.socket, settings: Settings | None = None) -> str:
    """The address as one writes it into a browser."""
    host, port = listening.getsockname()[:2]
    scheme = "https" if settings is not None and settings.tls_cert else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class _Config(LimitedConfig):
    """With `shares`, the workers share out connections by what that file tells."""

    shares: Path | None = None

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        if self.shares is None:
            return super().get_loop_factory()
        from gateway.accepting import SharingLoop  # noqa: PLC0415 - one worker needs it not

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
