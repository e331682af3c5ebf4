"""`gateway serve`: the gateway as a service, from the settings."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from gateway.invites.records import Records
from gateway.server.config import server_config
from gateway.server.listen import address_of, listen
from gateway.server.signals import Workers
from gateway.settings.access import is_loopback
from gateway.settings.model import Settings
from gateway.stores.opening import store_of, store_secret_of
from gateway.telemetry.metrics import shared_metrics

if TYPE_CHECKING:
    from gateway.settings.model import Settings

APP_FACTORY = "gateway.app:app_from_environment"


_OPEN_TO_ALL = (
    "Warning: GATEWAY_AUTH is none and the gateway listens beyond this machine:"
    " anybody who can reach it can invite candidates in your name."
)


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


def prepare_store(settings: Settings) -> None:
    """Open the store once and close it again. Raises StoreError if it cannot be used."""

    async def open_and_close() -> None:
        store = store_of(settings)
        records = Records(store, secret=store_secret_of(settings))
        await records.open()
        await records.close()

    asyncio.run(open_and_close())
