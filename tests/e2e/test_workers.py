"""Several workers are one gateway to those who watch it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.access.token_file import new_token, token_line
from tests.bench.processes import children_of
from tests.e2e.conftest import Pair, fetch, serve_settings
from tests.e2e.processes import Command, running

INVITES = 12
T = TypeVar("T")


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


def test_worker_dies_and_the_gateway_serves_on(tmp_path, postgres_url):
    """Also while no other one can start: then it is tried again, and the log says what is wrong."""
    tokens = tmp_path / "tokens"
    tokens.write_text(line := token_line("ats", new_token()))
    settings = serve_settings("http://127.0.0.1:1", WORKERS="2", STORE_URL=postgres_url)
    settings |= {"AUTH": "tokens", "AUTH_TOKENS_FILE": str(tokens)}

    with running(tmp_path, "serve", **settings) as gateway:
        address = gateway.address()
        one, two = until(lambda: serving(gateway, 2))
        tokens.write_text("broken")
        os.kill(int(one), signal.SIGKILL)
        until(lambda: "AUTH_TOKENS_FILE" in gateway.errors())
        alive = [fetch("GET", f"{address}/livez") for _ in range(4)]
        tokens.write_text(line)
        until(lambda: serving(gateway, 3))
        os.kill(int(two), 0)
        code = gateway.stop()

    lines = [json.loads(line) for line in gateway.errors().splitlines()]
    (death,) = [line for line in lines if f"worker {one} " in line["event"]]
    assert alive == ['{"status":"ok"}'] * 4
    assert "was killed by SIGKILL; the next one starts in" in death["event"]
    assert (death["level"], death["logger"]) == ("error", "gateway.workers")
    assert not any("exception" in line for line in lines)
    assert code == 0


def serving(gateway: Command, count: int) -> list[str]:
    """The processes of all workers that have served, once there are so many."""
    if gateway.errors().count("Application startup complete") < count:
        return []
    return re.findall(r"Started server process \[(\d+)\]", gateway.errors())


def until(met: Callable[[], T]) -> T:
    give_up_at = time.monotonic() + 60
    while not (result := met()):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return result


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
