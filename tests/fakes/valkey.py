"""A real server of counts on loopback: Valkey, or Redis where Debian has no Valkey."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_PATIENCE_SECONDS = 20.0


@contextmanager
def running_valkey(folder: Path, port: int, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the port that keeps nothing on disk."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("neither Valkey nor Redis is installed")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield process
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    pytest.fail("the server of counts does not run")
