"""Upstreams that misbehave, on raw sockets: one function for each way they do.

Each is an async context manager that yields a `HostileUpstream`; its `invites` counts the
requests that it has received whole, which is what a real upstream may have acted on.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import trustme

INVITED = b'{"application_id": 91, "email": "ada@example.com", "name": "Ada", "track_id": 6578}'
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024


@dataclass(slots=True)
class HostileUpstream:
    """Where it listens, and what it has seen."""

    address: str
    connections: int = 0
    invites: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has closed a connection."""
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def count(self) -> None:
        """One more request has been received whole."""
        async with self._progress:
            self.invites += 1
            self._progress.notify_all()

    async def received(self, invites: int) -> None:
        """Wait until so many requests have been received whole."""
        async with self._progress:
            await self._progress.wait_for(lambda: self.invites >= invites)


@dataclass(slots=True)
class Peer:
    """One accepted connection; nothing is read from it before it is asked for."""

    connection: socket.socket
    upstream: HostileUpstream
    received: bytearray = field(default_factory=bytearray)

    async def request(self) -> bytes:
        """One whole request, which is counted; EOFError if the client ends before that."""
        while b"\r\n\r\n" not in self.received:
            await self._read()
        head, _, _ = bytes(self.received).partition(b"\r\n\r\n")
        length = len(head) + 4 + _content_length(head)
        while len(self.received) < length:
            await self._read()
        request = bytes(self.received[:length])
        del self.received[:length]
        await self.upstream.count()
        return request

    async def readable(self) -> None:
        """Wait until bytes of a request have arrived, without reading any."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.connection, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self.connection)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.connection, data)

    async def drip(self, data: bytes) -> None:
        """Send `data` in single bytes, each in a packet of its own."""
        for place in range(len(data)):
            await self.send(data[place : place + 1])
            await asyncio.sleep(0.001)

    async def flood(self, data: bytes) -> None:
        """Send `data` over and over until the client goes."""
        while True:
            await self.send(data)
            await asyncio.sleep(0)

    async def hang(self) -> None:
        """Keep the connection open, reading nothing more, until the test is over."""
        await asyncio.Event().wait()

    def end(self) -> None:
        """Send no more, but leave the connection readable."""
        self.connection.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    async def _read(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self.connection, 65536)
        if not data:
            raise EOFError
        self.received += data


Behaviour: TypeAlias = Callable[[Peer], Awaitable[None]]
Hostile: TypeAlias = AbstractAsyncContextManager[HostileUpstream]


@contextlib.asynccontextmanager
async def behaving(behaviour: Behaviour, *, scheme: str = "http") -> AsyncIterator[HostileUpstream]:
    """An upstream that treats each of its connections to `behaviour`, then closes it."""
    treated: list[asyncio.Task[None]] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        upstream = HostileUpstream(_address(listening, scheme))
        accepting = asyncio.create_task(_accept(listening, upstream, behaviour, treated))
        try:
            yield upstream
        finally:
            tasks = (accepting, *treated)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _accept(
    listening: socket.socket,
    upstream: HostileUpstream,
    behaviour: Behaviour,
    treated: list[asyncio.Task[None]],
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listening)
        upstream.connections += 1
        treated.append(asyncio.create_task(_treat(Peer(connection, upstream), behaviour)))


async def _treat(peer: Peer, behaviour: Behaviour) -> None:
    with peer.connection, contextlib.suppress(EOFError, ConnectionError):
        await behaviour(peer)
    peer.upstream.closed.set()


def _address(listening: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


# Before any byte of a request


@contextlib.asynccontextmanager
async def refuses() -> AsyncIterator[HostileUpstream]:
    """Nobody listens on the port, and nobody else can take it."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield HostileUpstream(_address(reserved))


@contextlib.asynccontextmanager
async def stalls_in_connect() -> AsyncIterator[HostileUpstream]:
    """The queue of connections is full: a new one gets no answer at all."""
    with contextlib.ExitStack() as sockets:
        listening = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield HostileUpstream(_address(listening))


def stalls_in_tls() -> Hostile:
    """It accepts, and leaves the TLS handshake without an answer."""
    return behaving(Peer.hang, scheme="https")


def speaks_no_tls() -> Hostile:
    """It answers the TLS handshake with plain HTTP."""

    async def behave(peer: Peer) -> None:
        await peer.readable()
        await peer.send(reply(400, b"plain HTTP only"))
        await peer.hang()

    return behaving(behave, scheme="https")


@contextlib.asynccontextmanager
async def has_an_untrusted_certificate() -> AsyncIterator[HostileUpstream]:
    """It speaks TLS as an authority says that nobody trusts."""
    async with _tls_upstream("127.0.0.1") as upstream:
        yield upstream


@contextlib.asynccontextmanager
async def has_a_certificate_of_another_name() -> AsyncIterator[HostileUpstream]:
    """It speaks TLS as `authority` says, but under another name."""
    async with _tls_upstream("elsewhere.example") as upstream:
        yield upstream


@contextlib.asynccontextmanager
async def speaks_tls(name: str = "127.0.0.1") -> AsyncIterator[HostileUpstream]:
    """It accepts every invite, over TLS as `authority` says: only the others are hostile."""
    async with _tls_upstream(name) as upstream:
        yield upstream


@cache
def authority() -> trustme.CA:
    """The authority of all TLS upstreams here; a client trusts it only if it is told to."""
    return trustme.CA()


@contextlib.asynccontextmanager
async def _tls_upstream(name: str) -> AsyncIterator[HostileUpstream]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert(name).configure_cert(context)
    upstream = HostileUpstream("")

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_content_length(head))
            await upstream.count()
            writer.write(reply(200, INVITED))
            await reader.read()
        writer.close()

    server = await asyncio.start_server(treat, "127.0.0.1", 0, ssl=context)
    upstream.address = _address(server.sockets[0], "https")
    async with server:
        yield upstream


# After bytes may have left, without a status line


def ends_at_once() -> Hostile:
    """It accepts and sends an end of stream before any request is there."""

    async def behave(peer: Peer) -> None:
        peer.end()
        await peer.hang()

    return behaving(behave)


def resets_before_reading() -> Hostile:
    """It resets the connection when a request arrives, having read nothing of it."""

    async def behave(peer: Peer) -> None:
        await peer.readable()
        peer.reset()

    return behaving(behave)


def resets_after_reading() -> Hostile:
    """It reads the whole request and resets the connection."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    return behaving(behave)


def closes_without_a_response() -> Hostile:
    """It reads the whole request and closes the connection."""

    async def behave(peer: Peer) -> None:
        await peer.request()

    return behaving(behave)


def closes_on_the_second_request() -> Hostile:
    """It answers once, keeps the connection, reads a second request and closes."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(200, INVITED))
        await peer.request()

    return behaving(behave)


def closes_after_each_answer() -> Hostile:
    """It answers as if it kept the connection, and closes it."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(200, INVITED))

    return behaving(behave)


def never_answers() -> Hostile:
    """It reads the whole request and is silent."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.hang()

    return behaving(behave)


def never_reads() -> Hostile:
    """It accepts and reads nothing, so that a long request fills all buffers."""
    return behaving(Peer.hang)


def talks_garbage() -> Hostile:
    """It answers with something that is not HTTP."""
    return answers(b"220 mail.example ESMTP ready\r\n" * 10)


def sends_half_a_status_line() -> Hostile:
    """It closes in the middle of the status line."""
    return answers(b"HTTP/1.1 20")


def sends_endless_headers() -> Hostile:
    """Its head never ends."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        await peer.flood(b"x-more: " + b"a" * 1000 + b"\r\n")

    return behaving(behave)


def says_continue_forever() -> Hostile:
    """It sends one interim response after the other and never a final one."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        while True:
            await peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n")

    return behaving(behave)


# After a status line


def answers(response: bytes) -> Hostile:
    """It reads the whole request, sends `response` as it is, and closes."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(response)
        # Closing with unread bytes would be a reset that could overtake the response.
        peer.end()
        await peer.readable()

    return behaving(behave)


def says_continue_then_answers() -> Hostile:
    """Interim responses come before a good final one."""
    return answers(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 3 + reply(201, INVITED))


def switches_protocols() -> Hostile:
    """It answers 101, to a request that asked for no other protocol."""
    return answers(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")


def redirects_to_itself(status: int) -> Hostile:
    """It answers with a redirect to the same path on itself."""
    return answers(reply(status, b"", "location: /tracks/invite"))


def answers_status(status: int, body: bytes = b"", *headers: str) -> Hostile:
    """It answers with this status and body."""
    return answers(reply(status, body, *headers))


def cuts(beginning: bytes) -> Hostile:
    """It says success and closes after the beginning of the body."""
    return answers(reply(200, beginning + b"x" * 99)[:-99])


def truncates() -> Hostile:
    """It says success and closes in the middle of the body."""
    return answers(reply(200, INVITED)[:-20])


def truncates_chunks() -> Hostile:
    """It says success and closes between two chunks."""
    return answers(CHUNKED + _chunk(INVITED[:20]))


def breaks_chunks() -> Hostile:
    """It says success and sends a chunk whose length is no number."""
    return answers(CHUNKED + _chunk(INVITED[:20]) + b"zz\r\n")


def resets_in_the_body() -> Hostile:
    """It says success, and resets once half of the body has gone."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(200, INVITED)[:-20])
        # Linux hands out what has arrived before it reports the reset.
        peer.reset()

    return behaving(behave)


def stalls_in_the_body() -> Hostile:
    """It says success, sends half of the body and is silent."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(200, INVITED)[:-20])
        await peer.hang()

    return behaving(behave)


def drips() -> Hostile:
    """It sends a good answer byte by byte."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.drip(reply(200, INVITED))

    return behaving(behave)


def drips_forever() -> Hostile:
    """It says success and sends a body byte by byte, without end."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        while True:
            await peer.drip(_chunk(b" "))

    return behaving(behave)


def floods() -> Hostile:
    """It says success and sends megabytes of body without end."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        await peer.flood(_chunk(b" " * 65536))

    return behaving(behave)


def answers_before_reading() -> Hostile:
    """It refuses a request that it has not read."""

    async def behave(peer: Peer) -> None:
        await peer.readable()
        await peer.send(reply(413, b'{"error": "too large"}', "connection: close"))
        await peer.hang()

    return behaving(behave)


def answers_twice() -> Hostile:
    """It sends two answers to each request at once, on a connection that it keeps."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            number = str(peer.upstream.invites).encode()
            await peer.send(2 * reply(200, INVITED.replace(b"91", number)))

    return behaving(behave)


def is_out_of_step() -> Hostile:
    """It answers every request on a connection that it keeps as if it were the first one."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(reply(200, INVITED))

    return behaving(behave)


def reply(status: int, body: bytes, *headers: str) -> bytes:
    """A well-formed HTTP/1.1 response that keeps the connection."""
    lines = [f"HTTP/1.1 {status} Status", f"content-length: {len(body)}", *headers]
    if not any(line.startswith("content-type:") for line in headers):
        lines.append("content-type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
