"""Workers share new connections out: whoever has fewest takes the next one.

Left to themselves all of them run for it, and of 16 connections one worker may come to have none.
They listen on one socket all the same: with one of its own each (SO_REUSEPORT), a worker that
stops would reset the connections that wait for it, of which a request may have been sent already.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import mmap
import socket
import ssl
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, cast

import uvloop

log = logging.getLogger("gateway.connections")

MOST_WORKERS: Final = 512
_LEAVE_SECONDS: Final = 0.002
"""How long a connection is left to workers with fewer; they may be busy, or hang."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_EXHAUSTED_SECONDS: Final = 1.0
_BYTES: Final = 4
_UNUSED: Final = 0


class Shares:
    """How many connections each worker has, as it last said, in a file that all have in memory.

    The place of a worker that was killed is free for the next one.
    """

    def __init__(self, path: Path) -> None:
        # A lock of this kind ends with its process, or when the process closes the file.
        self._file = path.open("r+b")
        self._file.truncate(MOST_WORKERS * _BYTES)
        self._places = memoryview(mmap.mmap(self._file.fileno(), 0)).cast("I")
        self._own = next((n for n in range(MOST_WORKERS) if self._is_free(n)), None)

    def tell(self, count: int) -> None:
        """Say how many this worker has."""
        if self._own is not None:
            self._places[self._own] = count + 1

    def is_most(self, count: int) -> bool:
        """Whether `count` is more than another worker has."""
        return any(place - 1 < count for place in self._places if place != _UNUSED)

    def leave(self) -> None:
        """Be a worker no more; nothing can be told or asked after that."""
        if self._own is not None:
            self._places[self._own] = _UNUSED
        self._file.close()

    def _is_free(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, _BYTES, place * _BYTES)
        except OSError:
            return False
        return True


class Acceptor:
    """Takes connections from a socket that listens; in asyncio's words, a server."""

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        shares: Shares,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._make_protocol = make_protocol
        self._shares = shares
        self._tls = tls
        self._beginning: set[asyncio.Task[None]] = set()
        self._connections: Collection[object] = ()
        self._pause: asyncio.TimerHandle | None = None
        self._is_closed = False
        listening.setblocking(False)
        shares.tell(0)
        self._listen()

    def close(self) -> None:
        """Take no more connections."""
        self._is_closed = True
        self._shares.leave()
        if self._pause is None:
            self._loop.remove_reader(self._listening)
        else:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        """Nothing is left to be waited for."""

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._offered)

    def _offered(self) -> None:
        count = len(self._connections) + len(self._beginning)
        self._shares.tell(count)
        if self._shares.is_most(count):
            self._leave_alone(_LEAVE_SECONDS, self._take_and_listen)
        else:
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
            # Else another worker was quicker, or the client has gone.
            if error.errno in _EXHAUSTED:
                log.error("no connection can be accepted: %s", error.strerror)  # noqa: TRY400 - no bug
                self._leave_alone(_EXHAUSTED_SECONDS, self._listen)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._begin(connection))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begin(self, connection: socket.socket) -> None:
        try:
            _, protocol = await self._loop.connect_accepted_socket(
                self._make_protocol, connection, ssl=self._tls
            )
        except OSError:
            # The client has gone, or does not speak TLS as we do.
            return
        # The protocols have one set of all that are open. Those that uvicorn holds at the end
        # it shuts down itself.
        protocol = cast("Any", protocol)
        self._connections = protocol.connections
        if self._is_closed:
            protocol.shutdown()


class SharingLoop(uvloop.Loop):
    """An event loop whose servers share connections out with those of other processes."""

    def __init__(self, shares: Path) -> None:
        super().__init__()
        self._shares = shares

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        *,
        sock: socket.socket,
        ssl: ssl.SSLContext | None,
        backlog: int,  # noqa: ARG002 - the socket listens already
    ) -> Acceptor:
        return Acceptor(sock, protocol_factory, Shares(self._shares), tls=ssl)
