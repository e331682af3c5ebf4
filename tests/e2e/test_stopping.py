"""A real `gateway serve` is told to stop under load, and loses nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.conftest import DOCUMENT, fetch, serve_settings
from tests.e2e.processes import Command, environment, running
from tests.fakes.threads import serving

CLIENTS = 12


class SlowUpstream(ThreadingHTTPServer):
    """Invites everybody, and answers when it is let."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.emails: list[str] = []
        self.go_on = threading.Event()
        super().__init__(("127.0.0.1", 0), _Invite)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Invite(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SlowUpstream

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.emails.append(body["candidate_email"])
        self.server.go_on.wait(20)
        answer = json.dumps({"application_id": len(self.server.emails)}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[SlowUpstream]:
    with serving(SlowUpstream()) as server:
        yield server
        server.go_on.set()


def mutation(email: str) -> str:
    given = {"candidateName": "Ada", "candidateEmail": email, "trackId": 6578}
    return json.dumps({"query": DOCUMENT, "variables": {"input": given}})


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def connect(gateway: str) -> socket.socket:
    host, port = gateway.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def request(body: str) -> bytes:
    return (
        f"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_every_accepted_mutation_is_answered(tmp_path, upstream, number):
    """Invites that are under way when the signal comes are answered as they ended, each sent once."""
    settings = serve_settings(upstream.address, UPSTREAM_TIMEOUT_SECONDS="15")
    emails = [f"ada{n}@example.com" for n in range(CLIENTS)]
    with running(tmp_path, "serve", **settings) as gateway, ThreadPoolExecutor(CLIENTS) as pool:
        address = gateway.address()
        answers = [
            pool.submit(fetch, "POST", f"{address}/graphql", mutation(email)) for email in emails
        ]
        until(lambda: len(upstream.emails) == CLIENTS)
        gateway.process.send_signal(number)
        until(lambda: _refuses_connections(address))
        upstream.go_on.set()
        results = [json.loads(one.result())["data"]["inviteCandidate"] for one in answers]
        code = gateway.end()

    assert [result["type"] for result in results] == ["InviteCandidateSuccess"] * CLIENTS
    assert sorted(upstream.emails) == sorted(emails)
    assert code == 0


@pytest.mark.parametrize("delay", ["0", "1"])
def test_impatience_loses_nothing(tmp_path, upstream, delay):
    """Ctrl-C twice, or once more during the delay: what was accepted is answered all the same."""
    settings = serve_settings(
        upstream.address, UPSTREAM_TIMEOUT_SECONDS="15", DRAIN_DELAY_SECONDS=delay
    )
    with running(tmp_path, "serve", **settings) as gateway, ThreadPoolExecutor(1) as pool:
        address = gateway.address()
        answer = pool.submit(fetch, "POST", f"{address}/graphql", mutation("ada@example.com"))
        until(lambda: upstream.emails)
        for _ in range(3):
            gateway.process.send_signal(signal.SIGINT)
            time.sleep(0.6)
        until(lambda: _refuses_connections(address))
        upstream.go_on.set()
        result = json.loads(answer.result())["data"]["inviteCandidate"]
        code = gateway.end()

    assert result["type"] == "InviteCandidateSuccess"
    assert upstream.emails == ["ada@example.com"]
    assert code == 0


def test_readiness_goes_first(tmp_path, upstream):
    """During the delay `/readyz` says 503, `/livez` 200, and mutations are served."""
    upstream.go_on.set()
    settings = serve_settings(upstream.address, DRAIN_DELAY_SECONDS="30")
    with running(tmp_path, "serve", **settings) as gateway:
        address = gateway.address()
        before = json.loads(fetch("GET", f"{address}/readyz"))
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: json.loads(fetch("GET", f"{address}/readyz"))["status"] == "stopping")
        alive = json.loads(fetch("GET", f"{address}/livez"))
        answer = json.loads(fetch("POST", f"{address}/graphql", mutation("ada@example.com")))
        code = gateway.stop()

    assert before == alive == {"status": "ok"}
    assert answer["data"]["inviteCandidate"]["type"] == "InviteCandidateSuccess"
    assert code == 0


def test_kept_connection_is_closed_after_its_answer(tmp_path, upstream):
    """What follows on the connection of an invite under way is not run, and can be sent again."""
    settings = serve_settings(upstream.address, UPSTREAM_TIMEOUT_SECONDS="15")
    with running(tmp_path, "serve", **settings) as gateway:
        with connect(gateway.address()) as connection:
            connection.sendall(request(mutation("ada@example.com")))
            until(lambda: upstream.emails)
            gateway.process.send_signal(signal.SIGTERM)
            until(lambda: _refuses_connections(gateway_address(gateway)))
            connection.sendall(request(mutation("grace@example.com")))
            upstream.go_on.set()
            received = read_all(connection)
        gateway.end()

    assert received.count(b"InviteCandidateSuccess") == 1
    assert b"connection: close" in received
    assert upstream.emails == ["ada@example.com"]


def test_kept_connections_are_closed_during_the_delay(tmp_path, upstream):
    """As soon as `/readyz` says 503, so that none of them is turned away at its end."""
    upstream.go_on.set()
    settings = serve_settings(upstream.address, DRAIN_DELAY_SECONDS="30")
    with running(tmp_path, "serve", **settings) as gateway:
        address = gateway.address()
        with connect(address) as kept, connect(address) as probing:
            kept.sendall(request(mutation("ada@example.com")))
            before = kept.recv(65536)
            gateway.process.send_signal(signal.SIGTERM)
            until(lambda: json.loads(fetch("GET", f"{address}/readyz"))["status"] == "stopping")
            kept.sendall(request(mutation("grace@example.com")))
            probing.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
            received = [read_all(kept), read_all(probing)]
        gateway.stop()

    assert b"connection: close" not in before
    assert [b"connection: close" in one for one in received] == [True, True]
    assert received[0].startswith(b"HTTP/1.1 200")
    assert received[1].startswith(b"HTTP/1.1 503")


def gateway_address(gateway: Command) -> str:
    return gateway.printed.split()[-1]


def _refuses_connections(address: str) -> bool:
    try:
        connect(address).close()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("workers", ["1", "2"])
def test_log_that_nobody_reads_holds_up_nothing(tmp_path, upstream, postgres_url, workers):
    """Neither requests nor probes nor the end; what was dropped is counted."""
    upstream.go_on.set()
    settings = serve_settings(upstream.address, WORKERS=workers, STORE_URL=postgres_url)
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"],
        cwd=tmp_path,
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
    ) as process:
        os.close(writing)
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        dropped = 0
        while not dropped:
            with connect(address) as connection:
                connection.sendall(request("{}") * 9)
                assert read_some(connection).startswith(b"HTTP/1.1 400")
            found = re.search(r"lines_dropped_total (\d+)", fetch("GET", f"{address}/metrics"))
            dropped = int(found[1]) if found else 0
        alive = fetch("GET", f"{address}/livez")
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    os.close(reading)

    assert alive == '{"status":"ok"}'
    assert code == 0


def read_some(connection: socket.socket) -> bytes:
    """Nine answers, or what comes before the end."""
    received = b""
    while received.count(b"HTTP/1.1") < 9 and (data := connection.recv(65536)):
        received += data
    return received


@pytest.mark.parametrize("workers", ["1", "2"])
def test_early_signals_count(tmp_path, upstream, postgres_url, workers):
    """SIGHUP ends nothing at any moment; SIGTERM in the middle of the start is a clean end."""
    settings = serve_settings(upstream.address, WORKERS=workers, STORE_URL=postgres_url)
    with running(tmp_path, "serve", **settings) as gateway:
        until(lambda: _holds_hangups(gateway))
        pool = ThreadPoolExecutor(1)
        address = pool.submit(gateway.address)
        while not address.done():
            gateway.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        for _ in range(50):
            gateway.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        answer = fetch("GET", f"{address.result()}/livez")
        pool.shutdown()
        code = gateway.stop()
    assert answer == '{"status":"ok"}'
    assert code == 0

    for moment in (_holds_hangups, _listens, _has_begun):
        with running(tmp_path, "serve", **settings) as gateway:
            until(lambda gateway=gateway, moment=moment: moment(gateway))
            code = gateway.stop()

            assert (moment, code) == (moment, 0)
            assert "Traceback" not in gateway.errors()


def _holds_hangups(gateway: Command) -> bool:
    lines = Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines()
    blocked = next(line for line in lines if line.startswith("SigBlk"))
    return bool(int(blocked.split()[1], 16) & 1)


def _listens(gateway: Command) -> bool:
    return bool(gateway.address())


def _has_begun(gateway: Command) -> bool:
    return "Started server process" in gateway.errors()
