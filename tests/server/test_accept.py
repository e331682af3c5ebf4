"""Connections are taken one by one, and shared out among workers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from array import array
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from uvicorn.server import ServerState

from gateway.server.accept import NOT_SERVING, Acceptor, Share
from gateway.server.config import ServerConfig
from gateway.server.protocol import HttpProtocol
from tests.fakes.connections import GET, PATIENT, EchoApp, one_answer
from tests.fakes.waiting import until


def test_one_worker_has_never_the_most():
    """There is nobody to leave a connection to."""
    share = Share(array("i", [5, NOT_SERVING]), 0)
    share.publish(5)

    assert not share.is_most(5)


def test_who_has_more_than_another_worker_knows_it():
    """As many are not more: both take what comes next, whoever is quicker."""
    counts = array("i", [0, 3])
    share = Share(counts, 0)
    share.publish(9)

    assert counts[0] == 9
    assert not share.is_most(3)
    assert share.is_most(4)


class Fixed:
    """A worker that has more connections than others, or has not, whatever it has."""

    def __init__(self, *, most: bool) -> None:
        self._most = most

    def publish(self, count: int) -> None: ...

    def is_most(self, _: int) -> bool:
        return self._most


@contextlib.asynccontextmanager
async def accepting(listening: socket.socket, *, most: bool) -> AsyncIterator[Acceptor]:
    """A worker with acceptor and connections of its own."""
    config = ServerConfig(EchoApp(), limits=PATIENT, lifespan="off")
    state = ServerState()
    # In one event loop each worker needs a file descriptor of its own.
    acceptor = Acceptor(
        listening.dup(),
        lambda: HttpProtocol(config, state, {}),
        config.public,
        cast("Share", Fixed(most=most)),
    )
    try:
        yield acceptor
    finally:
        acceptor.close()
        for connection in list(config.public.connections):
            connection.abort()


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as created:
        yield created


async def answered(listening: socket.socket) -> asyncio.StreamWriter:
    """A connection that a worker has taken."""
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    writer.write(GET)
    async with asyncio.timeout(20):
        assert (await one_answer(reader)).endswith(b"/a ")
    return writer


@pytest.mark.parametrize("first_has_most", [True, False])
async def test_connections_go_to_those_with_fewer(listening, monkeypatch, first_has_most):
    """A worker with more leaves them alone, whoever is told of them first."""
    monkeypatch.setattr("gateway.server.accept._LEAVE_SECONDS", 60)

    async with (
        accepting(listening, most=first_has_most) as one,
        accepting(listening, most=not first_has_most) as two,
    ):
        writers = [await answered(listening) for _ in range(4)]

        more, fewer = (one, two) if first_has_most else (two, one)
        assert (len(more._port.connections), len(fewer._port.connections)) == (0, 4)
        for writer in writers:
            writer.close()


async def test_connection_that_the_others_leave_is_taken(listening):
    """One that hangs or is busy keeps nobody waiting for long."""
    async with accepting(listening, most=True) as worker:
        writers = [await answered(listening) for _ in range(4)]

        assert len(worker._port.connections) == 4
        for writer in writers:
            writer.close()


class Exhausted(socket.socket):
    """There are no file descriptors left at first."""

    tried = 0

    def dup(self) -> Any:
        return self

    def accept(self) -> Any:
        self.tried += 1
        if self.tried < 5:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_connection_waits_for_a_file_descriptor(listening, monkeypatch, caplog):
    """It is taken once there is one; the log says why it waited, not again and again."""
    monkeypatch.setattr("gateway.server.accept._EXHAUSTED_SECONDS", 0.01)

    with Exhausted(fileno=listening.detach()) as exhausted:
        async with accepting(exhausted, most=False):
            (await answered(exhausted)).close()

    assert caplog.messages == ["no connection can be accepted: Too many open files"]


@pytest.fixture
async def connecting(monkeypatch):
    """What is done before a connection that was accepted is one."""
    loop = asyncio.get_running_loop()
    connect = loop.connect_accepted_socket
    steps: list[Any] = []

    async def connect_after_steps(*given: Any, **options: Any) -> Any:
        for step in steps:
            await step()
        return await connect(*given, **options)

    monkeypatch.setattr(loop, "connect_accepted_socket", connect_after_steps)
    return steps


async def test_connection_that_has_not_begun_ends_with_the_server(listening, connecting):
    """Such as a TLS handshake; nobody has asked for anything."""
    begins = asyncio.Event()

    async def hang() -> None:
        begins.set()
        await asyncio.Event().wait()

    connecting.append(hang)
    async with accepting(listening, most=False) as worker:
        with socket.create_connection(listening.getsockname(), 20) as client:
            await begins.wait()
            counted = len(worker._port.connections)
            worker.close()
            await until(lambda: not worker._port.connections)

            assert counted == 1
            assert await asyncio.to_thread(client.recv, 1) == b""


async def test_client_that_has_gone_again_is_no_error(listening, connecting):
    """It is counted no more, and the next one is served."""

    async def go() -> None:
        connecting.clear()
        raise ConnectionResetError

    connecting.append(go)
    async with accepting(listening, most=False) as worker:
        with socket.create_connection(listening.getsockname(), 20) as first:
            assert await asyncio.to_thread(first.recv, 1) == b""
        writer = await answered(listening)

        assert len(worker._port.connections) == 1
        writer.close()
