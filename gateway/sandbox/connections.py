"""The connections of the stand-in, which it can cut; ASGI alone cannot."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final, cast

from starlette.types import Receive, Scope

from gateway.server.port import TRANSPORT

# SO_LINGER with zero seconds: closing sends a reset.
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def transport_of(scope: Scope) -> asyncio.Transport:
    """The connection that a request came on."""
    return cast("asyncio.Transport", scope["extensions"][TRANSPORT])


def reset(transport: asyncio.Transport) -> None:
    """Discard unsent data and reset the connection."""
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
    )
    transport.abort()


async def until_disconnect(receive: Receive, *, seconds: float | None = None) -> None:
    """Return when the client has gone or the server shuts down, at the latest in `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
