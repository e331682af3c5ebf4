"""Several workers are one gateway to those who watch it."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.processes import children_of
from tests.e2e.conftest import Pair, fetch, serve_settings
from tests.e2e.processes import running

INVITES = 12


def test_metrics_are_those_of_all_workers(tmp_path, postgres_url):
    """Whichever worker is asked, it soon tells the sum, and all of them stop."""
    with running(tmp_path, "sandbox", "--port", "0") as sandbox:
        settings = serve_settings(sandbox.address(), WORKERS="2", STORE_URL=postgres_url)
        with running(tmp_path, "serve", **settings) as gateway:
            pair = Pair(gateway.address(), settings["UPSTREAM_URL"])
            for number in range(INVITES):
                pair.invite(f"ada{number}@example.com")
            told, give_up_at = {0}, time.monotonic() + 60
            while told != {INVITES}:
                assert time.monotonic() < give_up_at, f"some tell {told}"
                told = {invited(fetch("GET", f"{pair.gateway}/metrics")) for _ in range(6)}
            code = gateway.stop()

    assert code == 0


def test_connections_are_shared_out(tmp_path, postgres_url):
    """None of the workers is left without, and none has most of them.

    One that the machine does not let run misses some: then it is tried once more.
    """
    settings = serve_settings("http://127.0.0.1:1", WORKERS="2", STORE_URL=postgres_url)

    with running(tmp_path, "serve", **settings) as gateway:
        port = urlsplit(gateway.address()).port
        assert port is not None
        give_up_at = time.monotonic() + 60
        shares = [16, 0]
        while min(shares) < 4 or len(shares) < 2:
            assert time.monotonic() < give_up_at, shares
            with connections(port, 16):
                shares = of_each_worker(gateway.process.pid, port)


@contextmanager
def connections(port: int, count: int) -> Iterator[None]:
    """Connections that were answered, one after another, and are kept."""
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        yield


def of_each_worker(parent: int, port: int) -> list[int]:
    """How many clients each process below `parent` has, those without a socket left out."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    listening = {
        f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"
    }
    held = [
        {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
        for pid in children_of(parent)
    ]
    return [len(sockets & ends - listening) for sockets in held if sockets & listening]


def invited(metrics: str) -> int:
    success = re.search(
        r'^gateway_invites_total\{.*"InviteCandidateSuccess"\} (\d+)', metrics, re.MULTILINE
    )
    assert success is not None
    return int(success[1])
