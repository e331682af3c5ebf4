"""How the stand-in is served."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import pytest

from gateway.sandbox import create_sandbox, running_sandbox
from tests.sandbox.conftest import client_of


@contextlib.asynccontextmanager
async def child(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """`serve_sandbox(port)` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"from gateway.sandbox import serve_sandbox; serve_sandbox({port})",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(["tests/guard", "."])},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
async def test_alone_it_says_where_it_listens_and_stops_on_a_signal(number):
    """A signal ends it at once and cleanly, even while it owes a slow answer."""
    async with asyncio.timeout(30), child(0) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        address = next(word for word in line.split() if word.startswith("http")).rstrip(";")
        async with client_of(address) as client:
            slow = asyncio.create_task(client.invite("slow@example.com"))
            while await client.count() == 0:
                pass
            process.send_signal(number)
            _, errors = await process.communicate()
            await asyncio.wait({slow})

    assert (process.returncode, errors) == (0, b"")
    assert slow.exception() is not None


async def test_port_in_use_is_told_in_one_line():
    """A taken port ends the command with a sentence and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with asyncio.timeout(30), child(port) as process:
            _, errors = await process.communicate()

    assert process.returncode == 1
    assert errors.decode().startswith(f"Error: cannot listen on 127.0.0.1, port {port}: ")
    assert len(errors.splitlines()) == 1


async def test_port_in_use_raises_in_process():
    """A host in the same process sees the plain error of the operating system."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with running_sandbox(create_sandbox(), port=taken.getsockname()[1]):
            pass


@pytest.mark.parametrize(
    "head", [b"POST /tracks/invite?", b"POST / HTTP/1.1\r\nx: "], ids=["target", "header"]
)
async def test_endless_head_is_cut(client, head):
    """A request line or header beyond 32 KiB ends the connection, and only that."""
    _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)

    async def send_on() -> None:
        for _ in range(1000):
            writer.write(b"a" * 4096)
            await writer.drain()
            await asyncio.sleep(0)

    writer.write(head)
    with pytest.raises(ConnectionError):
        await send_on()
    writer.close()

    assert await client.count() == 0


async def test_client_that_leaves_while_sending_is_no_error(client, caplog):
    """Half a body invites nobody and logs nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)

    head = b"POST /tracks/invite HTTP/1.1\r\napikey: sandbox-key\r\n"
    writer.write(head + b"content-type: application/json\r\ncontent-length: 99\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert await client.count() == 0
    assert [line for line in caplog.records if line.levelname in ("WARNING", "ERROR")] == []
