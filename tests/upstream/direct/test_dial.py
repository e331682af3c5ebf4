"""Connecting to whichever address of a name answers, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator

import pytest
from aiohappyeyeballs import AddrInfoType

from gateway.upstream.direct import dial as dial_module
from gateway.upstream.direct.connection import Connection
from gateway.upstream.direct.dial import Dialer


def address(listening: socket.socket) -> AddrInfoType:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", listening.getsockname())


@contextlib.contextmanager
def accepting() -> Iterator[AddrInfoType]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield address(server)


@contextlib.contextmanager
def refusing() -> Iterator[AddrInfoType]:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield address(reserved)


@contextlib.contextmanager
def silent() -> Iterator[AddrInfoType]:
    """Its queue of connections is full: a new one gets no answer at all."""
    with contextlib.ExitStack() as sockets:
        server = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield address(server)


@pytest.fixture
def dialling(monkeypatch):
    """Dials a name that has these addresses."""

    async def dialling(*addresses: AddrInfoType) -> Connection:
        async def found(*_: object) -> tuple[AddrInfoType, ...]:
            return addresses

        monkeypatch.setattr(dial_module, "addresses_of", found)
        return await Dialer("platform.example", 80, tls=None).dial()

    return dialling


async def closed(connection: Connection) -> None:
    connection.abort()
    # The loop closes an aborted transport's socket on its next turn.
    await asyncio.sleep(0)


def port_of(connection: Connection) -> int:
    assert connection._transport is not None
    port: int = connection._transport.get_extra_info("peername")[1]
    return port


async def test_the_first_address_that_accepts_is_used(dialling):
    """One that refuses is passed over at once."""
    with refusing() as bad, accepting() as good:
        connection = await dialling(bad, good)

        assert port_of(connection) == good[4][1]
        await closed(connection)


async def test_a_silent_address_is_not_waited_for(dialling, monkeypatch):
    """The next one is tried beside it, and no socket stays open."""
    monkeypatch.setattr(dial_module, "ATTEMPT_DELAY_SECONDS", 0.01)
    with silent() as bad, accepting() as good:
        connection = await dialling(bad, good)

        assert port_of(connection) == good[4][1]
        await closed(connection)


async def test_a_refusal_by_all_is_an_error(dialling):
    """There is no connection."""
    with refusing() as one, refusing() as other, pytest.raises(OSError, match="Connect") as refusal:
        await dialling(one, other)

    assert refusal.value.errno == errno.ECONNREFUSED


async def test_small_requests_are_not_held_back(dialling):
    """Nagle's algorithm is off."""
    with accepting() as good:
        connection = await dialling(good)

        assert connection._transport is not None
        made = connection._transport.get_extra_info("socket")
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await closed(connection)


async def test_socket_that_no_transport_took_over_is_closed(dialling, monkeypatch):
    """An error before that leaves nothing open."""
    sockets: list[socket.socket] = []

    async def fail(*_: object, sock: socket.socket, **__: object) -> None:
        sockets.append(sock)
        raise OSError

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", fail)
    with accepting() as good, pytest.raises(OSError):  # noqa: PT011 - it has no text
        await dialling(good)

    assert [one.fileno() for one in sockets] == [-1]


async def test_a_failed_handshake_closes_the_socket():
    """A server that speaks no TLS leaves nothing open behind."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(OSError):  # noqa: PT011 - which one differs between event loops
        await Dialer("127.0.0.1", port, tls=ssl.create_default_context()).dial()

    server.close()
