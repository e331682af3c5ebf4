"""Servers pinned to a CPU, and what /proc tells of their process trees."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _environment() -> dict[str, str]:
    """Our own, without what would have each start of Python compile its modules anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class ServerFailedError(Exception):
    """A server did not start or ended by itself; the text holds the end of its output."""


class Server:
    """A child process in a session of its own, pinned to the CPUs `cpu`."""

    def __init__(
        self,
        command: tuple[str, ...],
        *,
        port: int,
        cpu: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.port = port
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            ("taskset", "-c", cpu, *command),
            env={**_environment(), **(environment or {})},
            cwd=folder,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_listening(self) -> None:
        """Returns when a connection to the port is accepted."""
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at:
            if self._process.poll() is not None:
                raise ServerFailedError(f"ended early:\n{self.output()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.005)
        raise ServerFailedError(f"does not listen after {START_SECONDS:.0f} s:\n{self.output()}")

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read()[-3000:].decode("utf-8", "replace")

    def cpu_seconds(self) -> float:
        """User and system time of the process and its living descendants."""
        return sum(cpu_seconds_in(_proc(pid, "stat")) for pid in self._tree())

    def memory_mib(self) -> list[float]:
        """Resident memory of each process of the tree."""
        pages = [int(_proc(pid, "statm").split()[1]) for pid in self._tree()]
        return [count * _PAGE / 2**20 for count in pages]

    def stop(self) -> None:
        """Ends the process and all of its session."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()

    def _tree(self) -> list[int]:
        tree = [self._process.pid]
        for pid in tree:
            tree += children_of(pid)
        return tree


def cpu_seconds_in(stat: str) -> float:
    """User and system time in the text of /proc/PID/stat, whose name may hold anything."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS if len(fields) > 12 else 0.0


def children_of(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return children


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return "0 0 0" if name == "statm" else ""
