"""What clients may do to a connection, byte by byte, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from uvicorn.server import ServerState

from gateway.server.protocol import LimitedConfig, LimitedProtocol
from gateway.settings.limits import MAX_PIPELINED, ConnectionLimits

QUICK = ConnectionLimits(
    max_header_bytes=1_000,
    header_timeout_seconds=0.2,
    body_timeout_seconds=0.2,
    keep_alive_seconds=0.4,
)
PATIENT = ConnectionLimits(
    max_header_bytes=1_000,
    header_timeout_seconds=60,
    body_timeout_seconds=60,
    keep_alive_seconds=60,
)
GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass
class EchoApp:
    """Answers with what it read, when it is let; `/refuse` is answered unread."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    gone: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope, receive, send) -> None:
        body = b""
        while scope["path"] != "/refuse":
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.requests.append({**scope, "body": body})
        self.arrived.set()
        if scope["path"] == "/held":
            await self.open.wait()
        answer = scope["path"].encode() + b" " + body
        length = (b"content-length", b"%d" % len(answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": answer})


@dataclass
class Served:
    port: int
    app: EchoApp
    state: ServerState

    @contextlib.asynccontextmanager
    async def connected(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def exchange(self, *chunks: bytes, eof: bool = False) -> bytes:
        """All that the server sends until it closes the connection."""
        async with self.connected() as (reader, writer):
            with contextlib.suppress(OSError):
                for chunk in chunks:
                    writer.write(chunk)
                    await writer.drain()
                if eof:
                    writer.write_eof()
            return await everything(reader)

    async def stops_reading(self) -> None:
        """Returns once the only connection is read no more."""
        (connection,) = self.state.connections
        assert isinstance(connection, LimitedProtocol)
        while not connection._deaf:  # noqa: ASYNC110 - it has no event for tests
            await asyncio.sleep(0)

    async def answers(self) -> bool:
        """Whether an ordinary request is answered."""
        request = b"GET /ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        return (await self.exchange(request)).endswith(b"/ok ")


async def everything(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            received += chunk
    return received


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


@contextlib.asynccontextmanager
async def serving(limits: ConnectionLimits, app: EchoApp | None = None, **options: Any):
    app = app or EchoApp()
    config = LimitedConfig(
        app, limits=limits, lifespan="off", log_config=None, access_log=False, **options
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = await loop.create_server(
            lambda: LimitedProtocol(config, state, {}), sock=listening
        )
        try:
            yield Served(listening.getsockname()[1], app, state)
        finally:
            server.close()
            app.open.set()
            for connection in list(state.connections):
                connection.transport.abort()
            await asyncio.gather(*state.tasks)


@pytest.fixture
async def quick():
    """A server that waits for its clients only a moment."""
    async with serving(QUICK) as served:
        yield served


@pytest.fixture
async def patient():
    """A server that waits for its clients longer than any test."""
    async with serving(PATIENT) as served:
        yield served


def is_refusal(answer: bytes, status: int) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    (error,) = json.loads(body)["errors"]
    return (
        head.startswith(b"HTTP/1.1 %d " % status)
        and b"connection: close" in head
        and b"content-type: application/json" in head
        and error["extensions"]["code"] in ("BAD_REQUEST", "OVERLOADED")
    )


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/3.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nbad name: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\x00b\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1e2\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=[
        "no-http",
        "tls",
        "version",
        "no-version",
        "url-byte",
        "no-colon",
        "header-name",
        "nul-in-header",
        "negative-length",
        "length-not-decimal",
        "huge-length",
        "two-lengths",
        "length-and-chunked",
        "unknown-transfer-coding",
        "chunk-size",
        "chunk-overrun",
        "chunk-size-overflow",
        "connect",
        "http2-preface",
    ],
)
async def test_malformed_http_is_400(patient, request_bytes):
    """Broken requests get an answer of GraphQL's shape, and the next client is served."""
    answer = await patient.exchange(request_bytes)

    assert is_refusal(answer, 400)
    assert patient.app.requests == []
    assert await patient.answers()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 1_000,
        b"GET / HTTP/1.1\r\nx: " + b"a" * 1_000,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200,
        b"GET / HTTP/1.1\r\n" + b"a" * 1_000 + b": b",
    ],
    ids=["url", "value", "many", "name"],
)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "endless"])
async def test_long_head_is_431(patient, request_bytes, whole):
    """A head beyond the limit is refused, whether or not it ends."""
    ending = b" HTTP/1.1\r\n\r\n" if whole else b""

    answer = await patient.exchange(request_bytes + ending)

    assert is_refusal(answer, 431)
    assert patient.app.requests == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HT",
        b"GET / HTTP/1.1\r\nhost: x\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["request-line", "headers", "body", "chunk"],
)
async def test_slow_request_is_408(quick, request_bytes):
    """A request that does not arrive in time is cut off."""
    answer = await quick.exchange(request_bytes)

    assert is_refusal(answer, 408)
    assert quick.app.requests == []


async def test_slow_body_is_told_to_the_app_as_a_hang_up(quick):
    """Nothing waits for a body that will not come."""
    await quick.exchange(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")

    await asyncio.gather(*quick.state.tasks)
    assert quick.app.gone == 1


async def test_silent_connections_are_closed(quick):
    """A client that never sends anything, or nothing more, is not kept."""
    never = await quick.exchange()
    after_one = await quick.exchange(GET)

    assert never == b""
    assert after_one.endswith(b"/a ")


async def test_dripping_client_does_not_gain_time(quick):
    """A byte now and then does not put off the end."""
    async with quick.connected() as (reader, writer):
        dripping = asyncio.create_task(drip(writer, b"GET / HTTP/1.1\r\nx: " + b"a" * 500))

        answer = await everything(reader)
        dripping.cancel()

    assert is_refusal(answer, 408)


async def drip(writer: asyncio.StreamWriter, text: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for byte in text:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)


async def test_body_has_a_time_of_its_own():
    """A body may take longer than a head, and is given its whole time."""
    limits = replace(QUICK, body_timeout_seconds=60)
    async with serving(limits) as served, served.connected() as (reader, writer):
        writer.write(b"POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nh")
        await served.exchange(b"GET / HT")  # lasts as long as the server waits for a head
        await served.exchange(b"GET / HT")
        writer.write(b"i")

        answer = await one_answer(reader)

    assert answer.endswith(b"/b hi")


async def test_held_answer_is_waited_for(quick):
    """The limits are on what clients send: work may take longer than any of them."""
    async with quick.connected() as (reader, writer):
        writer.write(GET.replace(b"/a", b"/held"))
        await quick.app.arrived.wait()
        await quick.exchange(b"GET / HT")  # lasts as long as the server waits for a head
        quick.app.open.set()

        answer = await one_answer(reader)

    assert answer.endswith(b"/held ")


async def test_requests_share_a_connection(patient):
    """Keep-alive works, bodies and chunks included."""
    async with patient.connected() as (reader, writer):
        for request, expected in (
            (GET, b"/a "),
            (b"POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi", b"/b hi"),
            (
                (
                    b"POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                    b"1;e=x\r\nh\r\n1\r\ni\r\n0\r\ntrailer: t\r\n\r\n"
                ),
                b"/c hi",
            ),
            (GET, b"/a "),
        ):
            writer.write(request)

            assert (await one_answer(reader)).endswith(expected)
    assert (b"trailer", b"t") not in patient.app.requests[2]["headers"]


async def test_pipelined_requests_are_answered_in_order(patient):
    """What was sent without waiting is answered one by one."""
    async with patient.connected() as (reader, writer):
        writer.write(GET + GET.replace(b"/a", b"/b") + GET.replace(b"/a", b"/c"))

        answers = [await one_answer(reader) for _ in range(3)]

    assert [answer[-3:] for answer in answers] == [b"/a ", b"/b ", b"/c "]


async def test_long_pipeline_is_cut(patient):
    """Requests beyond the bound are not read; those before them are answered."""
    held = GET.replace(b"/a", b"/held")
    async with patient.connected() as (reader, writer):
        writer.write(held + GET * 1_000)
        await patient.app.arrived.wait()
        patient.app.open.set()

        received = await everything(reader)

    assert received.count(b"HTTP/1.1 200") == 1 + MAX_PIPELINED
    assert await patient.answers()


async def test_long_head_behind_a_request_is_not_waited_for(patient):
    """That a whole request came with it gives a head without end no more room."""
    received = await patient.exchange(GET + b"GET /b HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 500)

    assert received.count(b"HTTP/1.1 200") == 1
    assert [request["path"] for request in patient.app.requests] == ["/a"]


async def test_garbage_after_a_request_does_not_answer_it(patient):
    """A refusal is never taken for the answer to a request before it."""
    async with patient.connected() as (reader, writer):
        writer.write(GET.replace(b"/a", b"/held"))
        await patient.app.arrived.wait()
        writer.write(b"\x00garbage\r\n\r\n")
        await patient.stops_reading()
        patient.app.open.set()

        received = await everything(reader)

    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(b"/held ")


async def test_broken_request_after_a_whole_one_is_dropped(patient):
    """The whole one is answered and the connection closed."""
    async with patient.connected() as (reader, writer):
        writer.write(GET.replace(b"/a", b"/held"))
        await patient.app.arrived.wait()
        writer.write(b"POST /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        await patient.stops_reading()
        patient.app.open.set()

        received = await everything(reader)

    assert received.endswith(b"/held ")
    assert [request["path"] for request in patient.app.requests] == ["/held"]


async def test_half_closed_client_gets_its_answer(patient):
    """A client may close its side once it has sent all it has to say."""
    async with patient.connected() as (reader, writer):
        writer.write(GET.replace(b"/a", b"/held"))
        writer.write_eof()
        await patient.app.arrived.wait()
        patient.app.open.set()

        received = await everything(reader)

    assert received.endswith(b"/held ")


async def test_cut_body_is_told_to_the_app(patient):
    """A client that closes in the middle of a body is gone."""
    await patient.exchange(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc", eof=True)

    await asyncio.gather(*patient.state.tasks)
    assert patient.app.gone == 1


async def test_refused_body_is_read_past(patient):
    """After an early answer the rest of the body is skipped and the connection stays good."""
    async with patient.connected() as (reader, writer):
        writer.write(b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n")
        early = await one_answer(reader)
        writer.write(b"x" * 200_000 + GET)

        next_answer = await one_answer(reader)

    assert early.endswith(b"/refuse ")
    assert next_answer.endswith(b"/a ")


async def test_endless_refused_body_is_not_read(patient):
    """A sender that goes on and on after a refusal is cut off."""
    answer = await patient.exchange(
        b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 99000000\r\n\r\n",
        *[b"x" * 100_000] * 50,
    )

    assert answer.count(b"HTTP/1.1") <= 1
    assert await patient.answers()


async def test_refused_body_that_stops_is_cut(quick):
    """A sender that stops in a refused body is not waited for, nor answered twice."""
    answer = await quick.exchange(
        b"POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc"
    )

    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("tail", "status"),
    [
        (b"5;" + b"x" * 2_000_000, 400),
        (b"0\r\n" + b"a: b\r\n" * 400_000, 431),
        (b"0\r\na: " + b"b" * 2_000_000, 400),
        (b"1\r\nx\r\n" * 10_000, 400),
    ],
    ids=["chunk-extension", "trailers", "trailer", "chunks"],
)
async def test_overhead_of_chunks_is_bounded(patient, tail, status):
    """What comes along with a chunked body may not be endless either."""
    answer = await patient.exchange(
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + tail
    )

    assert answer == b"" or is_refusal(answer, status)
    assert await patient.answers()


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_upgrades_are_ignored(patient, protocol):
    """A request that offers another protocol is answered in this one, body and all."""
    request = (
        b"POST /up HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: " + protocol
    ) + b"\r\ncontent-length: 4\r\n\r\nbody"
    async with patient.connected() as (reader, writer):
        writer.write(request + GET)

        answers = [await one_answer(reader), await one_answer(reader)]

    assert answers[0].endswith(b"/up body")
    assert answers[1].endswith(b"/a ")


async def test_longest_waiting_connection_makes_room(patient):
    """At the bound, a new client takes the place of one that waits, not of one being served."""
    limits = ConnectionLimits(max_connections=2, keep_alive_seconds=60)
    async with serving(limits) as served, served.connected() as (busy, writer):
        writer.write(GET.replace(b"/a", b"/held"))
        await served.app.arrived.wait()
        async with served.connected() as (idle, _):
            assert await served.answers()
            assert await idle.read() == b""
        served.app.open.set()

        answer = await one_answer(busy)

    assert answer.endswith(b"/held ")


async def test_idle_connection_makes_room_before_a_new_one():
    """Clients that hold connections idle cannot keep out those that send."""
    limits = ConnectionLimits(max_connections=3, keep_alive_seconds=600)
    async with serving(limits) as served, served.connected() as (idle, idle_writer):
        idle_writer.write(GET)
        await one_answer(idle)
        async with served.connected() as (sending, writer):
            writer.write(GET[:10])
            async with served.connected():
                assert await served.answers()
                writer.write(GET[10:])

                assert (await one_answer(sending)).endswith(b"/a ")
        assert await idle.read() == b""


async def test_slow_bodies_do_not_fill_the_house():
    """A client that sends its body slowly holds no place that another one needs."""
    limits = ConnectionLimits(max_connections=1)
    async with serving(limits) as served, served.connected() as (slow, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")

        assert await served.answers()
        assert await slow.read() == b""


async def test_full_house_is_503():
    """Where every connection is being served, a new client is told to come back."""
    limits = ConnectionLimits(max_connections=1)
    async with serving(limits) as served, served.connected() as (busy, writer):
        writer.write(GET.replace(b"/a", b"/held"))
        await served.app.arrived.wait()

        refused = await served.exchange()
        served.app.open.set()

        assert is_refusal(refused, 503)
        assert b"retry-after: 1" in refused
        assert b'"extensions":{"code":"OVERLOADED","retryAfterSeconds":1}' in refused
        assert (await one_answer(busy)).endswith(b"/held ")


async def test_hundred_half_open_clients_leave_the_server_healthy(quick):
    """Clients that begin and stop are dropped, and others are served meanwhile."""
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(100):
            reader, writer = await stack.enter_async_context(quick.connected())
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\n")
            clients.append(reader)

        assert await quick.answers()
        answers = [await everything(reader) for reader in clients]

    assert all(is_refusal(answer, 408) for answer in answers)


async def test_expect_continue_is_honoured(patient):
    """A client that asks before sending its body is told to go on."""
    async with patient.connected() as (reader, writer):
        writer.write(
            b"POST /e HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        )

        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await one_answer(reader)).endswith(b"/e hi")


async def test_old_http_is_answered_and_closed(patient):
    """HTTP/1.0 clients are served."""
    answer = await patient.exchange(b"GET /old HTTP/1.0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"/old ")
