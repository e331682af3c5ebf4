"""What is particular to connections of our own; the rest is in test_client.py for all clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl

import pytest

from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.call import applicants_call, invite_call
from gateway.upstream.direct import pool as pool_module
from gateway.upstream.direct.client import DirectUpstream
from gateway.upstream.direct.dial import Dialer
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes.recorder import OK, recording
from tests.fakes.waiting import until

BODY = b"{}"


@pytest.fixture(autouse=True)
def nothing_goes_wrong(caplog):
    """The event loop logs what a protocol's callback raises."""
    yield
    logged = "".join(map(logging.Formatter().format, caplog.get_records("call")))
    assert "upstream/direct" not in logged


@contextlib.asynccontextmanager
async def direct(url: str, *, key: str = "secret", concurrency: int = 4):
    client = DirectUpstream(url, api_key=FixedApiKey(key), concurrency=concurrency)
    try:
        yield client
    finally:
        await client.aclose()


class Silent:
    """A server that reads and says nothing until told what to say."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.received = asyncio.Event()
        self.closed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(65536):
                self.received.set()
        self.closed += 1
        writer.close()


@contextlib.asynccontextmanager
async def silent():
    server = Silent()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield server, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for writer in server.writers:
            writer.transport.abort()
        # The loop closes an aborted transport's socket on its next turn.
        await asyncio.sleep(0)


async def test_the_key_in_force_is_sent():
    """The prepared head follows a key that changes."""
    key = FixedApiKey("old")
    async with recording() as recorder:
        client = DirectUpstream(recorder.url, api_key=key, concurrency=1)
        await client.send(invite_call(BODY, timeout_seconds=5))
        key._key = "new"
        await client.send(invite_call(BODY, timeout_seconds=5))
        await client.aclose()

    assert [recorder.header("apiKey", n) for n in (0, 1)] == ["old", "new"]


@pytest.mark.parametrize("key", ["a\r\nx: y", "é"])
async def test_a_key_that_is_no_header_sends_nothing(key):
    """Neither key can smuggle a header in."""
    async with recording() as recorder:
        async with direct(recorder.url, key=key) as client:
            invited = await client.send(invite_call(BODY, timeout_seconds=5))
            listed = await client.send(applicants_call(1, {}, timeout_seconds=5))
        async with direct(recorder.url) as client:
            keyed = await client.send(invite_call(BODY, timeout_seconds=5, idempotency_key=key))

    assert {invited, listed, keyed} == {NoReply(Fault.OTHER, possibly_sent=False)}
    assert recorder.requests == []


async def test_the_applicants_list_is_asked_for():
    """Path and query are escaped; the key goes along; nothing is posted."""
    async with recording() as recorder, direct(f"{recorder.url}/a b") as client:
        reply = await client.send(applicants_call(7, {"email": "a+b@c.example"}, timeout_seconds=5))

    assert reply == Reply(200, b"{}")
    assert recorder.requests[0].startswith(
        b"GET /a%20b/tracks/7/applicants?email=a%2Bb%40c.example HTTP/1.1\r\n"
    )
    assert recorder.header("apiKey") == "secret"


async def test_escapes_of_the_base_url_are_kept():
    """And so is whatever else a path may have."""
    async with recording() as recorder, direct(f"{recorder.url}/a%20b:c@d!$&'()*+,;=~") as client:
        await client.send(applicants_call(7, {}, timeout_seconds=5))

    assert recorder.requests[0].startswith(b"GET /a%20b:c@d!$&'()*+,;=~/tracks/7/")


async def test_cancelling_closes_the_connection(monkeypatch):
    """At once: a reply that comes later must not be taken for another call's."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 60.0)
    async with silent() as (server, url), direct(url) as client:
        call = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=5)))
        await server.received.wait()

        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

        assert call.cancelled()
        await until(lambda: server.closed == 1)


async def answered_in_time(server: Silent, client: DirectUpstream, seconds: float) -> None:
    """One exchange that ends well, on whatever connection there is."""
    server.received.clear()
    call = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=seconds)))
    await server.received.wait()
    server.writers[-1].write(OK)
    assert await call == Reply(200, b"{}")


async def test_a_deadline_closes_the_connection():
    """The call ends in time and says that bytes have left."""
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)
        connection = client._pool._idle[0]
        later = connection._timer
        exchange = await client.send(invite_call(BODY, timeout_seconds=0.3))

        assert exchange == NoReply(Fault.DEADLINE, possibly_sent=True)
        assert later.cancelled()
        await until(lambda: server.closed == 1)


async def test_nothing_waits_for_the_deadline_of_a_closed_connection():
    """Its memory is free at once."""
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)
        connection = client._pool._idle[0]
        timer = connection._timer
        server.writers[0].close()

        await until(lambda: connection._transport is None)

        assert timer.cancelled()


async def test_connection_that_is_closing_is_not_used_again():
    """Its socket may still be open for a moment, with nothing to read."""
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)
        connection = client._pool._idle[0]
        was_quiet = connection.is_quiet()

        connection.abort()

        assert was_quiet
        assert not connection.is_quiet()


async def test_nothing_is_sent_once_the_time_is_up():
    """A connection that is there at once changes nothing about it."""
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)
        server.received.clear()
        exchange = await client.send(invite_call(BODY, timeout_seconds=-1))

        assert exchange == NoReply(Fault.DEADLINE, possibly_sent=False)
        assert not server.received.is_set()
        await answered_in_time(server, client, 60)


async def test_a_deadline_is_that_of_its_own_exchange():
    """Neither an earlier nor a later deadline before it on the connection matters."""
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)
        short = await client.send(invite_call(BODY, timeout_seconds=0.3))
        await answered_in_time(server, client, 1)
        connection = client._pool._idle[0]
        timer = connection._timer
        server.received.clear()
        long = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=60)))
        await server.received.wait()
        await until(lambda: connection._timer is not timer)
        assert connection._timer is not None
        server.writers[-1].write(OK)

        assert short == NoReply(Fault.DEADLINE, possibly_sent=True)
        assert await long == Reply(200, b"{}")


async def test_a_deadline_means_nothing_to_an_idle_connection():
    """It stays open for the next call."""
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 0.5)
        connection = client._pool._idle[0]

        await until(lambda: connection._timer is None)

        assert connection.is_open()
        await answered_in_time(server, client, 5)
        assert len(server.writers) == 1


async def test_an_answer_to_no_request_closes_the_connection(monkeypatch):
    """It is not taken for the answer to the next request."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 60.0)
    async with silent() as (server, url), direct(url) as client:
        call = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=5)))
        await server.received.wait()
        server.writers[0].write(OK)
        await call
        server.writers[0].write(OK)

        await until(lambda: server.closed == 1)
        server.received.clear()
        call = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=5)))
        await server.received.wait()
        server.writers[1].write(OK.replace(b"200", b"409"))

        assert (await call) == Reply(409, b"{}")


async def test_an_early_answer_spends_the_connection():
    """An upstream that did not read the whole request cannot tell its end from the next one."""
    body = b"x" * 16 * 1024 * 1024

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK.replace(b"200", b"413"))
        await client_done.wait()
        writer.transport.abort()

    client_done = asyncio.Event()
    listener = await asyncio.start_server(early, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with direct(url) as client:
        exchange = await client.send(invite_call(body, timeout_seconds=5))

        assert exchange == Reply(413, b"{}")
        assert not client._pool._idle
    client_done.set()
    listener.close()
    await asyncio.sleep(0.01)


async def test_calls_beyond_the_limit_are_shed_unsent():
    """Waiting for a place ends after a fifth of the time, with nothing sent."""
    async with silent() as (server, url), direct(url, concurrency=1) as client:
        first = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=5)))
        await server.received.wait()

        second = await client.send(invite_call(BODY, timeout_seconds=0.05))

        assert second == NoReply(Fault.POOL_TIMEOUT, possibly_sent=False)
        assert len(server.writers) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_call_waits_for_the_place_of_another():
    """Its request goes out when the other's reply is there, on the same connection."""
    async with silent() as (server, url), direct(url, concurrency=1) as client:
        first = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=60)))
        await server.received.wait()
        server.received.clear()
        second = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=60)))
        await until(lambda: client._pool._turns)
        server.writers[0].write(OK)

        assert await first == Reply(200, b"{}")
        await server.received.wait()
        server.writers[0].write(OK.replace(b"200", b"409"))
        assert await second == Reply(409, b"{}")
        assert len(server.writers) == 1


async def test_a_wait_for_a_place_leaves_time_to_send(monkeypatch):
    """It takes a fifth of the call's time at most."""
    async with silent() as (server, url), direct(url, concurrency=1) as client:
        first = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=60)))
        await server.received.wait()
        place, ends = client._pool.place, []

        async def noted(*, wait_until: float) -> bool:
            ends.append(wait_until - asyncio.get_running_loop().time())
            came: bool = await place(wait_until=wait_until)
            return came

        monkeypatch.setattr(client._pool, "place", noted)
        second = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=1000)))
        await until(lambda: client._pool._turns)

        assert ends == [pytest.approx(200, abs=50)]
        for call in (first, second):
            call.cancel()
        await asyncio.gather(first, second, return_exceptions=True)


@pytest.mark.parametrize(("seconds", "connections"), [(0.0, 2), (60.0, 1)])
async def test_a_connection_that_has_rested_is_not_used_again(monkeypatch, seconds, connections):
    """It is closed and a new one dialled: the server may be closing it at this moment."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", seconds)
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)
        await answered_in_time(server, client, 60)

        assert len(server.writers) == connections
        await until(lambda: server.closed >= connections - 1)


async def test_idle_connections_are_closed(monkeypatch):
    """No call has to come first."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 0.05)
    async with silent() as (server, url), direct(url) as client:
        await answered_in_time(server, client, 60)

        await until(lambda: server.closed == 1)


@pytest.mark.parametrize(("seconds", "limit"), [(10, 3.0), (1000, 5.0)])
async def test_connecting_leaves_time_to_send(monkeypatch, seconds, limit):
    """It takes three tenths of the call's time at most, and five seconds."""
    limits: list[float] = []
    timeout = asyncio.timeout

    def noted(delay: float) -> asyncio.Timeout:
        limits.append(delay)
        return timeout(delay)

    async def fail() -> None:
        monkeypatch.undo()
        raise OSError

    async with direct("http://127.0.0.1:1") as client:
        monkeypatch.setattr(client._pool, "_dial", fail)
        monkeypatch.setattr(asyncio, "timeout", noted)
        await client.send(invite_call(BODY, timeout_seconds=seconds))

    assert limits == [limit]


async def test_no_connection_in_time_is_unsent():
    """A handshake that stalls ends at its own limit, before the call's deadline."""
    async with silent() as (_, url), direct(url.replace("http:", "https:")) as client:
        exchange = await client.send(invite_call(BODY, timeout_seconds=0.1))

    assert exchange == NoReply(Fault.CONNECT_TIMEOUT, possibly_sent=False)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (socket.gaierror(-2, "unknown"), Fault.CONNECT),
        (ssl.SSLError("no protocols"), Fault.CONNECT),
        (ssl.SSLCertVerificationError("expired"), Fault.CERTIFICATE),
        (RuntimeError("unforeseen"), Fault.OTHER),
    ],
    ids=["name", "tls", "certificate", "other"],
)
async def test_a_failed_dial_is_unsent(monkeypatch, error, fault):
    """Whatever goes wrong before the first byte proves that nothing was sent."""

    async def fail() -> None:
        raise error

    async with direct("http://127.0.0.1:1", concurrency=1) as client:
        monkeypatch.setattr(client._pool, "_dial", fail)
        exchange = await client.send(invite_call(BODY, timeout_seconds=5))

        again = await client.send(invite_call(BODY, timeout_seconds=5))

    assert exchange == NoReply(fault, possibly_sent=False)
    # The only place came back.
    assert again == exchange


async def test_a_refused_connection_is_unsent():
    """Nothing listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with direct(f"http://127.0.0.1:{free.getsockname()[1]}") as client:
            exchange = await client.send(invite_call(BODY, timeout_seconds=5))

    assert exchange == NoReply(Fault.CONNECT, possibly_sent=False)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://upstream.example/api", "upstream.example"),
        ("https://upstream.example:443/api", "upstream.example"),
        ("https://upstream.example:8443", "upstream.example:8443"),
        ("http://[::1]:80/", "[::1]"),
        ("http://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_host_header_is_that_of_the_base_url(url, host):
    """The scheme's own port is left out, names are in their ASCII form."""
    client = DirectUpstream(url, api_key=FixedApiKey("k"), concurrency=1)

    assert f"\r\nhost: {host}\r\n" in client._headers


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://127.0.0.1/", 80), ("https://127.0.0.1", 443), ("http://127.0.0.1:81", 81)],
)
def test_port_is_that_of_the_base_url(monkeypatch, url, port):
    """Or the scheme's own."""
    dialled: list[int] = []

    class Noted(Dialer):
        def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None) -> None:
            super().__init__(host, port, tls=tls)
            dialled.append(port)

    monkeypatch.setattr("gateway.upstream.direct.client.Dialer", Noted)
    DirectUpstream(url, api_key=FixedApiKey("k"), concurrency=1)

    assert dialled == [port]
