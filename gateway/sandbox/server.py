"""Serves the stand-in, in a given event loop or as a process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator

from starlette.types import ASGIApp
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.server import ServerState

from gateway.sandbox.app import API_KEY, create_sandbox
from gateway.sandbox.bodies import LARGEST_BODY
from gateway.sandbox.platform import Platform
from gateway.server.accept import Acceptor
from gateway.server.config import ServerConfig
from gateway.server.protocol import HttpProtocol
from gateway.settings.limits import ConnectionLimits
from gateway.stop_signals import stop_signals

HOST = "127.0.0.1"
_LIMITS = ConnectionLimits(max_header_bytes=32 * 1024, max_body_bytes=LARGEST_BODY)


@contextlib.asynccontextmanager
async def running_sandbox(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serves the stand-in on loopback, in this event loop, and yields `http://host:port`.

    Port 0 picks a free one. Raises OSError if the port cannot be listened on. On exit, requests
    in progress are cut off.
    """
    config, state = ServerConfig(app, limits=_LIMITS, lifespan="off"), ServerState()
    with socket.create_server((HOST, port)) as listening:
        acceptor = Acceptor(listening, lambda: HttpProtocol(config, state, {}), config.public)
        try:
            yield f"http://{HOST}:{listening.getsockname()[1]}"
        finally:
            acceptor.close()
            for connection in list(config.public.connections):
                # A slow response must not delay the exit: its client sees the connection close.
                connection.abort()
            await asyncio.gather(*state.tasks)


def serve_sandbox(port: int, platform: Platform | None = None) -> None:
    """Serves the stand-in until Ctrl-C or SIGTERM; exits with a message if the port is taken."""
    try:
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(_serve_until_stopped(port, platform))
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        sys.exit(f"Error: cannot listen on {HOST}, port {port}: {reason}")


async def _serve_until_stopped(port: int, platform: Platform | None) -> None:
    stop = asyncio.Event()
    sandbox = running_sandbox(create_sandbox(platform), port=port)
    with stop_signals(stop.set, hangup=False):
        async with sandbox as address:
            print(f"The stand-in listens on {address}; its API key is {API_KEY}.", flush=True)  # noqa: T201 - the command's output
            print(f"What it has accepted: {address}/sandbox/invites", flush=True)  # noqa: T201
            await stop.wait()
