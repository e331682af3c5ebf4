"""`gateway serve`: the gateway as a service, from the settings."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import signal
import socket
import sys
from collections.abc import MutableSequence, Sequence
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess

import click

from gateway.operator_error import OperatorError
from gateway.server.accept import NOT_SERVING, Share
from gateway.server.config import Server, server_config
from gateway.server.descriptors import allow_descriptors
from gateway.server.listen import UNIX_PREFIX, address_of, forget, listen
from gateway.server.signals import hold_early_signals
from gateway.server.workers import CANNOT_START, Workers
from gateway.settings.access import open_to_all
from gateway.settings.loading import SettingsError
from gateway.settings.model import Settings
from gateway.stores.opening import opened_records
from gateway.telemetry.metrics import check_shared_folder, shared_metrics

LOGGER = logging.getLogger("gateway.serve")
_LOOPBACK = "127.0.0.1"


def serve_gateway(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM and return the exit code. Raises OperatorError."""
    if settings.metrics:
        check_shared_folder()
    listening = listen(settings.host, settings.port)
    operations = _listen_for_operations(settings)
    _warn(settings)
    address = address_of(listening[0], tls=settings.tls_cert is not None)
    click.echo(f"Listening on {address}")
    if operations:
        click.echo(f"Probes and metrics on {address_of(operations[0])}")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            if settings.workers > 1:
                return _serve_with_workers(settings, listening, operations)
            _serve(settings, listening, operations)
    finally:
        forget(settings.host)
    return 0


def _listen_for_operations(settings: Settings) -> list[socket.socket]:
    if settings.operations_port is None:
        return []
    host = _LOOPBACK if settings.host.startswith(UNIX_PREFIX) else settings.host
    return listen(host, settings.operations_port)


def _warn(settings: Settings) -> None:
    descriptors = allow_descriptors(
        clients=settings.max_connections,
        upstream=settings.upstream_concurrency + settings.read_concurrency,
    )
    for warning in (descriptors, open_to_all(settings.auth, settings.host)):
        if warning is not None:
            click.echo(f"Warning: {warning}", err=True)


def _serve(
    settings: Settings,
    listening: list[socket.socket],
    operations: Sequence[socket.socket],
    share: Share | None = None,
) -> None:
    # Imported late, so that the address is printed first.
    from gateway.app import served_app  # noqa: PLC0415

    config = server_config(served_app(settings), settings)
    Server(config, operations=operations, share=share).run(sockets=listening)


def _serve_with_workers(
    settings: Settings, listening: list[socket.socket], operations: list[socket.socket]
) -> int:
    gc.enable()
    from gateway.app import configure_log  # noqa: PLC0415 - as above

    configure_log(settings)
    context = multiprocessing.get_context("spawn")

    def start(number: int) -> BaseProcess:
        process = context.Process(
            target=work, args=(number, counts, settings, listening, operations)
        )
        # Blocked in the new process until it can handle it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
        return process

    def stop_listening() -> None:
        for one in (*listening, *operations):
            one.close()

    with shared_metrics() if settings.metrics else contextlib.nullcontext():
        counts = _shared_counts(context, settings.workers)
        return Workers(start, counts, stop_listening).run()


def _shared_counts(context: SpawnContext, workers: int) -> MutableSequence[int]:
    try:
        counts: MutableSequence[int] = context.RawArray("i", [NOT_SERVING] * workers)
    except OSError as error:
        raise OperatorError(
            f"workers share memory through a file, and none can be made: {error.strerror}."
            " Set TMPDIR to a folder that can be written to."
        ) from None
    return counts


def work(
    number: int,
    counts: MutableSequence[int],
    started_with: Settings,
    listening: list[socket.socket],
    operations: list[socket.socket],
) -> None:
    """One worker's process; the settings are read again, as their files may have changed."""
    hold_early_signals()
    # A terminal sends SIGINT to all processes at once; the supervisor passes it on as SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from gateway.app import configure_log  # noqa: PLC0415 - signals are held first
    from gateway.checks import checked_settings  # noqa: PLC0415 - as above

    configure_log(started_with)
    try:
        _serve(checked_settings(), listening, operations, Share(counts, number))
    except SettingsError as error:
        for fault in error.faults:
            LOGGER.error("%s", fault)  # noqa: TRY400 - the operator's to mend, no bug
        sys.exit(CANNOT_START)
    except Exception:
        LOGGER.exception("the worker cannot serve")
        sys.exit(CANNOT_START)


def prepare_store(settings: Settings) -> None:
    """Check that the store can be opened. Raises StoreError."""

    async def open_and_close() -> None:
        async with opened_records(settings):
            pass

    asyncio.run(open_and_close())
