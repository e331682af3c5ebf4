"""The connections of the stand-in, which it can cut; ASGI alone cannot."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Protocol, cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 32 * 1024
_EXTENSION = "sandbox.connection"
# Linger on, for zero seconds: closing sends a reset.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(Protocol):
    """The connection that a request came on."""

    def close(self) -> None:
        """Send what is written, then close."""
        ...

    def reset(self) -> None:
        """Throw away what is written and reset."""
        ...


def connection_of(scope: Scope) -> Connection:
    """The connection of a request that `SandboxProtocol` took."""
    return cast(Connection, scope["extensions"][_EXTENSION])


async def until_disconnect(receive: Receive, *, seconds: float | None = None) -> None:
    """Return when the client has gone or the server shuts down, at the latest in `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's protocol with connections that the app can cut, and bounded heads."""

    _head_bytes = 0
    _in_head = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                self.reset()

    def on_message_begin(self) -> None:
        self._head_bytes, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self.scope["extensions"] = {_EXTENSION: self}  # type: ignore[dict-item]
        super().on_headers_complete()

    def close(self) -> None:
        self.transport.close()

    def reset(self) -> None:
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
        )
        self.transport.abort()

    def shutdown(self) -> None:
        # A slow answer must not hold up the end: its client sees the connection close.
        self.close()
