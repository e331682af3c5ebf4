"""The guard that keeps tests on loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard.sitecustomize import TrafficBeyondLoopbackError

GUARD = Path(__file__).parent / "guard"


def test_connect_beyond_loopback_is_an_error():
    """A plain socket cannot leave the machine."""
    with socket.socket() as client, pytest.raises(TrafficBeyondLoopbackError):
        client.connect(("192.0.2.1", 80))


def test_looking_up_a_foreign_name_is_an_error():
    """No name server is asked either."""
    with pytest.raises(TrafficBeyondLoopbackError):
        socket.getaddrinfo("example.com", 80)


def test_loopback_is_allowed():
    """Real HTTP between the parts under test stays possible."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())

        client.close()


def test_uvloop_connect_beyond_loopback_is_an_error():
    """The event loop of production is guarded as well."""
    uvloop = pytest.importorskip("uvloop", reason="uvloop does not run on Windows")

    async def leave() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "192.0.2.1", 80)

    with pytest.raises(TrafficBeyondLoopbackError):
        uvloop.run(leave())


def test_child_processes_are_guarded():
    """A process started with the guard's folder on its path cannot leave either."""
    done = subprocess.run(
        [sys.executable, "-c", "import socket; socket.socket().connect(('192.0.2.1', 80))"],
        env={**os.environ, "PYTHONPATH": str(GUARD)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "TrafficBeyondLoopbackError" in done.stderr
