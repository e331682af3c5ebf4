"""Accepts connections from a listening socket, balanced among workers.

Workers that share a socket compete for each connection, and some may end up with none. With a
socket for each (SO_REUSEPORT), the connections queued for a worker that dies would be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import Callable, MutableSequence
from typing import Final

from gateway.server.port import Port
from gateway.server.protocol import HttpProtocol
from gateway.server.refusals import OVERLOADED

log = logging.getLogger("gateway.connections")

NOT_SERVING: Final = -1
_LEAVE_SECONDS: Final = 0.002
"""How long a connection is left to workers that have fewer; those may be busy, or hang."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_EXHAUSTED_SECONDS: Final = 1.0
_LOG_AGAIN_SECONDS: Final = 60.0


class Share:
    """The number of connections of each worker, in shared memory."""

    def __init__(self, counts: MutableSequence[int], own: int) -> None:
        self._counts = counts
        self._own = own

    def publish(self, count: int) -> None:
        self._counts[self._own] = count

    def is_most(self, count: int) -> bool:
        """Whether another worker has fewer than `count`."""
        return any(NOT_SERVING < other < count for other in self._counts)


class Acceptor:
    """Accepts connections to a port; uvicorn uses it as an asyncio server."""

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[], HttpProtocol],
        port: Port,
        share: Share | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._make_protocol = make_protocol
        self._port = port
        self._share = share
        self._beginning: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._logged_at = -_LOG_AGAIN_SECONDS
        listening.setblocking(False)
        if share is not None:
            share.publish(len(port.connections))
        self._listen()

    def close(self) -> None:
        """Accept no more connections, and cancel those still being set up."""
        if self._listening.fileno() < 0:
            return
        if self._share is not None:
            self._share.publish(NOT_SERVING)
        if self._pause is None:
            self._loop.remove_reader(self._listening)
        else:
            self._pause.cancel()
        self._listening.close()
        for task in self._beginning:
            task.cancel()

    async def wait_closed(self) -> None:
        """Part of asyncio's interface; `close` is immediate."""

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._offered)

    def _offered(self) -> None:
        if self._share is not None:
            count = len(self._port.connections)
            self._share.publish(count)
            if self._share.is_most(count):
                self._leave_alone(_LEAVE_SECONDS, self._take_and_listen)
                return
        self._take()

    def _leave_alone(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(seconds, then)

    def _take_and_listen(self) -> None:
        self._listen()
        self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError as error:
            # Any other error: another worker was quicker, or the client has gone.
            if error.errno in _EXHAUSTED:
                self._log(error)
                self._leave_alone(_EXHAUSTED_SECONDS, self._listen)
            return
        connection.setblocking(False)
        protocol = self._make_protocol()
        if self._port.enter(protocol):
            task = self._loop.create_task(self._begin(protocol, connection))
            protocol.beginning = task
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)
        else:
            self._turn_away(connection)

    def _turn_away(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if self._port.tls is None:
                connection.send(OVERLOADED)

    def _log(self, error: OSError) -> None:
        now = time.monotonic()
        if now - self._logged_at >= _LOG_AGAIN_SECONDS:
            self._logged_at = now
            log.error("no connection can be accepted: %s", error.strerror)

    async def _begin(self, protocol: HttpProtocol, connection: socket.socket) -> None:
        port = self._port
        seconds = None if port.tls is None else port.limits.header_timeout_seconds
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=port.tls, ssl_handshake_timeout=seconds
            )
        except OSError:
            # The client has gone, is too slow, or the TLS handshake failed.
            pass
        finally:
            if protocol.beginning is not None:
                connection.close()
                port.connections.discard(protocol)
