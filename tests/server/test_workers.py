"""Workers that share connections out, each of them in one piece."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from gateway.server.workers import Acceptor, Shares, SharingLoop

OTHER_WORKER = """
import sys
from pathlib import Path
from gateway.server.workers import Shares
shares = Shares(Path(sys.argv[1]))
shares.tell(int(sys.argv[2]))
print("told", flush=True)
if sys.stdin.readline() == "leave\\n":
    shares.leave()
    print("left", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def another_worker(file: Path, *, has: int) -> Iterator[subprocess.Popen[str]]:
    """A process that has told how many connections it has."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_WORKER, str(file), str(has)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "told\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def file(tmp_path):
    (tmp_path / "shares").touch()
    return tmp_path / "shares"


@pytest.fixture
def shares(file):
    own = Shares(file)
    yield own
    own.leave()


def test_one_worker_has_never_the_most(shares):
    """There is nobody to leave a connection to."""
    shares.tell(5)

    assert not shares.is_most(5)


def test_who_has_more_than_another_worker_knows_it(file, shares):
    """As many are not more: both take what comes next, whoever is quicker."""
    with another_worker(file, has=3):
        shares.tell(9)

        assert not shares.is_most(3)
        assert shares.is_most(4)


def test_worker_that_has_left_counts_no_more(file, shares):
    """While it stops, no connection waits for it."""
    with another_worker(file, has=0) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write("leave\n")
        other.stdin.flush()
        assert other.stdout.readline() == "left\n"

        assert not shares.is_most(1)


def test_next_worker_takes_the_place_of_one_that_was_killed(file, shares):
    """What the dead one had last told is forgotten then."""
    with another_worker(file, has=0):
        pass

    with another_worker(file, has=5):
        assert not shares.is_most(4)


class Fixed:
    """A worker that has more connections than others, or has not, whatever it has."""

    def __init__(self, *, most: bool) -> None:
        self._most = most

    def tell(self, count: int) -> None: ...

    def leave(self) -> None: ...

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
async def accepting(listening: socket.socket, *, most: bool, tls: ssl.SSLContext | None = None):
    worker = Worker()
    # In one event loop each worker needs a file descriptor of its own.
    own = listening.dup()
    acceptor = Acceptor(own, lambda: worker, cast("Shares", Fixed(most=most)), tls=tls)
    try:
        yield worker, acceptor
    finally:
        acceptor.close()
        own.close()
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
    monkeypatch.setattr("gateway.server.workers._LEAVE_SECONDS", 60)

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
        if self.tried == 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_connection_waits_for_a_file_descriptor(listening, monkeypatch, caplog):
    """It is taken once there is one; the log says why it waited."""
    monkeypatch.setattr("gateway.server.workers._EXHAUSTED_SECONDS", 0.01)

    with Exhausted(fileno=listening.detach()) as exhausted:
        async with accepting(exhausted, most=False) as (worker, _):
            writer = await greeted(exhausted)

            assert len(worker.connections) == 1
            writer.close()

    assert "Too many open files" in caplog.text


async def test_connection_that_comes_to_be_during_the_stop_is_stopped_too(listening):
    """The server has told all others by then."""
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trusting = ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(served)
    authority.configure_trust(trusting)

    async with accepting(listening, most=False, tls=served) as (worker, acceptor):
        client = socket.create_connection(listening.getsockname())
        client.setblocking(False)
        await until(lambda: acceptor._beginning)
        acceptor.close()
        reader, writer = await asyncio.open_connection(
            sock=client, ssl=trusting, server_hostname="localhost"
        )
        await reader.readexactly(5)
        await until(lambda: worker.shut)

        assert worker.shut == 1
        writer.close()


async def test_stranger_to_tls_disturbs_nobody(listening, caplog):
    """What is not a handshake ends without a word, and the next client is served."""
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(served)

    async with accepting(listening, most=False, tls=served) as (worker, _):
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(OSError):
            await asyncio.wait_for(reader.read(), 20)

        assert not worker.connections
        writer.close()

    assert not caplog.records


def test_loop_serves_as_any_other(file, listening):
    """The server asks its event loop to listen; what it gets shares."""

    async def serve() -> int:
        worker = Worker()
        server = await asyncio.get_running_loop().create_server(
            lambda: worker, sock=listening, ssl=None, backlog=1
        )
        writer = await greeted(listening)
        server.close()
        await server.wait_closed()
        writer.close()
        return len(worker.connections)

    with asyncio.Runner(loop_factory=lambda: SharingLoop(file)) as runner:
        assert runner.run(serve()) == 1


async def until(met: Any) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.005)
