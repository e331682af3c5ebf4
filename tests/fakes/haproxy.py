"""A real HAProxy on loopback."""

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
def running_haproxy(folder: Path, rules: str) -> Iterator[None]:
    """HAProxy with `rules`, its sections but `global` and `defaults`, until the block ends.

    `command` speaks with it through the socket that it makes in `folder`.
    """
    program = shutil.which("haproxy") or "/usr/sbin/haproxy"
    if not Path(program).exists():
        pytest.skip("HAProxy is not installed")
    config = folder / "haproxy.cfg"
    config.write_text(
        f"global\n  stats socket {folder}/admin level admin\n"
        "defaults\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n" + rules
    )
    with subprocess.Popen([program, "-db", "-f", config], stderr=subprocess.PIPE, text=True) as it:
        try:
            _wait_for(folder / "admin", it)
            yield
        finally:
            it.terminate()


def command(folder: Path, text: str) -> str:
    """What HAProxy answers to a command of its administrator."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(folder / "admin"))
        admin.sendall(f"{text}\n".encode())
        return admin.makefile().read()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(path))
            return
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"HAProxy does not run: {process.stderr and process.stderr.read()}")
