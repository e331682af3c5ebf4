"""A server whose connections are tested byte by byte, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from uvicorn.server import ServerState

from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.server.accept import Acceptor
from gateway.server.config import ServerConfig
from gateway.server.drain import Draining
from gateway.server.listen import listen
from gateway.server.protocol import HttpProtocol
from gateway.settings.limits import ConnectionLimits
from tests.fakes.waiting import until

QUICK = ConnectionLimits(
    max_header_bytes=1_000,
    header_timeout_seconds=0.2,
    body_timeout_seconds=0.2,
    keep_alive_seconds=0.4,
)
PATIENT = ConnectionLimits(
    max_header_bytes=1_000,
    header_timeout_seconds=60,
    body_timeout_seconds=60,
    keep_alive_seconds=60,
)
GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass
class EchoApp:
    """Answers with what it read, when it is let: on `/graphql` directly, else as ASGI.

    A body of `held`, or the path `/held`, waits until it is let; a body of `broken` is a bug,
    one of `last` the last of its connection, and one of `big` has a long response.
    """

    asked: list[tuple[RequestHead, bytes]] = field(default_factory=list)
    """What came directly."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """What came as ASGI."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    draining: Draining = field(default_factory=Draining)
    operations: None = None

    def __post_init__(self) -> None:
        self.routes = {"/graphql": self.respond}

    async def respond(self, head: RequestHead, body: bytes) -> Response:
        self.asked.append((head, body))
        self.arrived.set()
        if body == b"broken":
            raise ValueError("ada@example.com")
        if body == b"held":
            await self.open.wait()
        own = ((b"connection", b"close"),) if body == b"last" else ()
        answer = b"x" * 1_000_000 if body == b"big" else b"direct " + body
        return Response(200, ((b"x-way", b"direct"),), answer, own)

    async def __call__(self, scope, receive, send) -> None:
        message = await receive()
        assert not message["more_body"]
        self.requests.append({**scope, "body": message["body"]})
        self.arrived.set()
        if scope["path"] == "/held":
            await self.open.wait()
        if scope["path"] == "/broken":
            raise ValueError("ada@example.com")
        answer = scope["path"].encode() + b" " + message["body"]
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})


@dataclass
class Served:
    port: int
    app: EchoApp
    state: ServerState

    @contextlib.asynccontextmanager
    async def connected(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def exchange(self, *chunks: bytes, eof: bool = False) -> bytes:
        """All that the server sends until it closes the connection."""
        async with self.connected() as (reader, writer):
            with contextlib.suppress(OSError):
                for chunk in chunks:
                    writer.write(chunk)
                    await writer.drain()
                if eof:
                    writer.write_eof()
            return await everything(reader)

    def connections(self) -> list[HttpProtocol]:
        return list(cast("set[HttpProtocol]", self.state.connections))

    def connection(self) -> HttpProtocol:
        """The only connection."""
        (connection,) = self.connections()
        return connection

    async def stops_reading(self) -> None:
        """Returns once the only connection is read no more."""
        connection = self.connection()
        await until(lambda: connection._deaf)

    async def answers(self) -> bool:
        """Whether an ordinary request is answered."""
        request = b"GET /ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        return (await self.exchange(request)).endswith(b"/ok ")


async def everything(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            received += chunk
    return received


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


@contextlib.asynccontextmanager
async def serving(
    limits: ConnectionLimits, app: EchoApp | None = None, path: Path | None = None, **options: Any
) -> AsyncIterator[Served]:
    app = app or EchoApp()
    config = ServerConfig(app, limits=limits, lifespan="off", **options)
    config.load()
    state = ServerState()
    with listen("127.0.0.1" if path is None else f"unix:{path}", 0)[0] as listening:
        acceptor = Acceptor(listening, lambda: HttpProtocol(config, state, {}), config.public)
        served = Served(listening.getsockname()[1], app, state)
        try:
            yield served
        finally:
            acceptor.close()
            app.open.set()
            for connection in served.connections():
                connection.transport.abort()
            await asyncio.gather(*state.tasks)


def post(body: bytes = b"hi", *more: str, target: str = "/graphql", version: str = "1.1") -> bytes:
    lines = [f"POST {target} HTTP/{version}", "host: x", f"content-length: {len(body)}", *more]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


def chunked(chunks: bytes, *more: str, version: str = "1.1") -> bytes:
    """A request with `chunks` as the bytes behind its head."""
    lines = [f"POST /c HTTP/{version}", "host: x", "transfer-encoding: chunked", *more]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + chunks


def is_refusal(answer: bytes, status: int) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    (error,) = json.loads(body)["errors"]
    return (
        head.startswith(b"HTTP/1.1 %d " % status)
        and b"connection: close" in head
        and b"content-type: application/json" in head
        and error["extensions"]["code"] in ("BAD_REQUEST", "OVERLOADED")
    )
