"""A stub upstream that answers every POST after a delay: `PORT SECONDS`."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

from tests.bench.job import STUB_ANSWER

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def answer(text: str) -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return (head + text).encode()


def request_length(received: bytes) -> int | None:
    """The length of the first whole request in `received`; None if it is not whole yet."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return None
    found = _LENGTH.search(received, 0, head)
    length = head + 4 + (int(found[1]) if found else 0)
    return length if len(received) >= length else None


class Waiting(asyncio.Protocol):
    """One connection; requests on it come one at a time."""

    posts = 0

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._received = b""
        self._answer = answer(STUB_ANSWER)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (length := request_length(self._received)) is not None:
            post, self._received = self._received.startswith(b"POST"), self._received[length:]
            if post:
                Waiting.posts += 1
                loop = asyncio.get_running_loop()
                loop.call_later(self._delay_seconds, self._transport.write, self._answer)
            else:
                self._transport.write(answer(str(Waiting.posts)))


async def serve(port: int, delay_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Waiting(delay_seconds), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))
