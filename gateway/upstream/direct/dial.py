"""Opens connections to one server: names, addresses, TLS. No request is sent here."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence

from aiohappyeyeballs import AddrInfoType, start_connection

from gateway.upstream.direct.connection import Connection

# RFC 8305, section 5: the delay before the next address is tried in parallel.
ATTEMPT_DELAY_SECONDS = 0.25


class Dialer:
    """Opens connections to `host`; with `tls`, its certificate must name that host."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._tls = tls

    async def dial(self) -> Connection:
        """A connection that is ready for a request; OSError if there is none."""
        loop = asyncio.get_running_loop()
        connected = await start_connection(
            await addresses_of(self._host, self._port),
            happy_eyeballs_delay=ATTEMPT_DELAY_SECONDS,
            socket_factory=_socket_for,
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


async def addresses_of(host: str, port: int) -> Sequence[AddrInfoType]:
    """The host's addresses, looked up anew each time."""
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _socket_for(address: AddrInfoType) -> socket.socket:
    family, type_, protocol, *_ = address
    made = socket.socket(family, type_, protocol)
    # A small request must not wait until the previous one is acknowledged (Nagle's algorithm).
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made
