"""Opens connections to one server: names, addresses, TLS. Nothing of a request is sent here."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

from gateway.upstream.direct.connection import Connection

# RFC 8305, section 5: how long one address is waited for before the next one is tried too.
ATTEMPT_DELAY_SECONDS = 0.25


class Address(NamedTuple):
    """What `getaddrinfo` says of one way to reach a host."""

    family: int
    endpoint: tuple[str | int, ...] | tuple[int, bytes]


class Dialer:
    """Opens connections to `host`; with `tls`, its certificate must name that host."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._tls = tls

    async def dial(self) -> Connection:
        """A connection that is ready for a request; OSError if there is none."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        connected = await first_connected(
            interleaved([Address(family, endpoint) for family, _, _, _, endpoint in found])
        )
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop),
                sock=connected,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        except BaseException:
            connected.close()
            raise
        return connection


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The addresses with families in turn, the first one's first (RFC 8305, section 4)."""
    first = [one for one in addresses if one.family == addresses[0].family]
    other = [one for one in addresses if one.family != addresses[0].family]
    return [one for one in chain.from_iterable(zip_longest(first, other)) if one is not None]


async def first_connected(addresses: Sequence[Address]) -> socket.socket:
    """A socket connected to whichever address answers first; the last OSError if none does."""
    attempts: set[asyncio.Task[socket.socket]] = set()
    waiting = list(reversed(addresses))
    error: BaseException = OSError("the name has no address")
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_connect(waiting.pop())))
            done, attempts = await asyncio.wait(
                attempts,
                timeout=ATTEMPT_DELAY_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                if (failure := attempt.exception()) is None:
                    attempts |= done - {attempt}
                    return attempt.result()
                error = failure
    finally:
        for attempt in attempts:
            attempt.add_done_callback(_discard)
            attempt.cancel()
    raise error


async def _connect(address: Address) -> socket.socket:
    attempt = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        attempt.setblocking(False)
        attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(attempt, address.endpoint)
    except BaseException:
        attempt.close()
        raise
    return attempt


def _discard(attempt: asyncio.Task[socket.socket]) -> None:
    with contextlib.suppress(asyncio.CancelledError, OSError):
        attempt.result().close()
