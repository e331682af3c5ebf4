"""Connections are taken one by one, and shared out among workers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from array import array
from typing import Any, cast

import pytest

from gateway.server.accept import NOT_SERVING, Acceptor, Share
from tests.fakes.connections import until


def test_one_worker_has_never_the_most():
    """There is nobody to leave a connection to."""
    share = Share(array("i", [5, NOT_SERVING]), 0)
    share.tell(5)

    assert not share.is_most(5)


def test_who_has_more_than_another_worker_knows_it():
    """As many are not more: both take what comes next, whoever is quicker."""
    counts = array("i", [0, 3])
    share = Share(counts, 0)
    share.tell(9)

    assert counts[0] == 9
    assert not share.is_most(3)
    assert share.is_most(4)


class Fixed:
    """A worker that has more connections than others, or has not, whatever it has."""

    def __init__(self, *, most: bool) -> None:
        self._most = most

    def tell(self, count: int) -> None: ...

    def is_most(self, _: int) -> bool:
        return self._most


class Worker(asyncio.Protocol):
    """The connections of one worker."""

    def __init__(self) -> None:
        self.connections: set[Any] = set()
        self.shut = 0

    def connection_made(self, transport: Any) -> None:
        self.connections.add(transport)
        transport.write(b"hello")

    def shutdown(self) -> None:
        self.shut += 1


@contextlib.asynccontextmanager
async def accepting(listening: socket.socket, *, most: bool):
    worker = Worker()
    # In one event loop each worker needs a file descriptor of its own.
    own = listening.dup()
    share = cast("Share", Fixed(most=most))
    acceptor = Acceptor(own, lambda: worker, worker.connections, share)
    try:
        yield worker, acceptor
    finally:
        acceptor.close()
        for transport in worker.connections:
            transport.abort()


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as created:
        yield created


async def greeted(listening: socket.socket) -> asyncio.StreamWriter:
    """A connection that a worker has taken."""
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    async with asyncio.timeout(20):
        assert await reader.readexactly(5) == b"hello"
    return writer


@pytest.mark.parametrize("first_has_most", [True, False])
async def test_connections_go_to_those_with_fewer(listening, monkeypatch, first_has_most):
    """A worker with more leaves them alone, whoever is told of them first."""
    monkeypatch.setattr("gateway.server.accept._LEAVE_SECONDS", 60)

    async with (
        accepting(listening, most=first_has_most) as (one, _),
        accepting(listening, most=not first_has_most) as (two, _),
    ):
        writers = [await greeted(listening) for _ in range(4)]

        more, fewer = (one, two) if first_has_most else (two, one)
        assert (len(more.connections), len(fewer.connections)) == (0, 4)
        for writer in writers:
            writer.close()


async def test_connection_that_the_others_leave_is_taken(listening):
    """One that hangs or is busy keeps nobody waiting for long."""
    async with accepting(listening, most=True) as (worker, _):
        writers = [await greeted(listening) for _ in range(4)]

        assert len(worker.connections) == 4
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
        async with accepting(exhausted, most=False) as (worker, _):
            writer = await greeted(exhausted)

            assert len(worker.connections) == 1
            writer.close()

    assert caplog.messages == ["no connection can be accepted: Too many open files"]


@pytest.fixture
async def connecting(monkeypatch):
    """What is done before a connection that was accepted is one."""
    loop = asyncio.get_running_loop()
    connect = loop.connect_accepted_socket
    steps: list[Any] = []

    async def connect_after_steps(*given: Any) -> Any:
        for step in steps:
            await step()
        return await connect(*given)

    monkeypatch.setattr(loop, "connect_accepted_socket", connect_after_steps)
    return steps


async def test_connection_that_comes_to_be_during_the_stop_is_stopped_too(listening, connecting):
    """The server has told all others by then."""
    async with accepting(listening, most=False) as (worker, acceptor):

        async def close() -> None:
            acceptor.close()

        connecting.append(close)
        with socket.create_connection(listening.getsockname()):
            await until(lambda: worker.shut)


async def test_client_that_has_gone_again_is_no_error(listening, connecting):
    """The next one is served."""

    async def go() -> None:
        connecting.clear()
        raise ConnectionResetError

    connecting.append(go)
    async with accepting(listening, most=False) as (worker, _):
        with socket.create_connection(listening.getsockname(), 20) as first:
            assert await asyncio.to_thread(first.recv, 1) == b""
        writer = await greeted(listening)

        assert len(worker.connections) == 1
        writer.close()
