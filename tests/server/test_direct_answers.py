"""POSTs that are answered without ASGI in between, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.server.wire import LONGEST_BODY, Direct, Routes
from tests.server.test_protocol import (
    PATIENT,
    QUICK,
    EchoApp,
    Served,
    everything,
    is_refusal,
    one_answer,
    serving,
)

DATE = (b"date", b"Wed, 25 Nov 2026 00:00:00 GMT")
GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass
class DirectApp(EchoApp):
    """Answers POSTs to four targets directly: at once, when it is let, with a fault, the last."""

    asked: list[tuple[RequestHead, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        targets = (b"/now", b"/held", b"/broken", b"/last")
        self.direct: Routes = dict.fromkeys(targets, self.respond)

    async def respond(self, head: RequestHead, body: Any) -> Response:
        self.asked.append((head, body))
        self.arrived.set()
        if body == b"broken":
            raise ValueError("ada@example.com")
        if body == b"held":
            await self.open.wait()
        own = ((b"connection", b"close"),) if body == b"last" else ()
        return Response(200, ((b"x-way", b"direct"),), b"direct " + body, own)


def post(target: str, body: bytes = b"hi", *more: str, version: str = "1.1") -> bytes:
    lines = [f"POST {target} HTTP/{version}", "host: x", f"content-length: {len(body)}", *more]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


@pytest.fixture
async def served():
    async with serving(PATIENT, DirectApp()) as one:
        yield one


@pytest.fixture
async def hasty():
    async with serving(QUICK, DirectApp()) as one:
        yield one


def app_of(served: Served) -> DirectApp:
    assert isinstance(served.app, DirectApp)
    return served.app


@pytest.mark.parametrize("cut", [None, 1, 20, -1], ids=["whole", "first", "head", "last"])
async def test_whole_request_is_answered_directly(served, cut):
    """However its bytes come, the application is not asked, and the answer is one of HTTP."""
    served.state.default_headers = [DATE]
    request = post("/now")
    async with served.connected() as (reader, writer):
        for part in (request,) if cut is None else (request[:cut], request[cut:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

        answer = await one_answer(reader)

    assert answer.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"date: Wed, 25 Nov 2026 00:00:00 GMT",
        b"x-way: direct",
        b"content-length: 9",
        b"",
        b"direct hi",
    ]
    assert served.app.requests == []
    assert isinstance(app_of(served), Direct)


async def test_idle_connection_keeps_no_body(served):
    """Nothing of a candidate stays in memory for longer than its request."""
    async with served.connected() as (reader, writer):
        writer.write(post("/now"))
        await one_answer(reader)
        (connection,) = served.state.connections

        assert connection.cycle.body == b""


async def test_head_is_as_an_application_would_see_it(served):
    """Names in small letters, values of one name joined, the client's address."""
    await served.exchange(post("/now", b"hi", "A: 1", "a: 2", "connection: close"))

    ((head, body),) = app_of(served).asked
    assert (head.method, head.query_string, head.client) == ("POST", b"", "127.0.0.1")
    assert head.headers == {
        b"host": b"x",
        b"content-length": b"2",
        b"a": b"1, 2",
        b"connection": b"close",
    }
    assert body == b"hi"


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET.replace(b"/a", b"/now"),
        post("/now?x=1"),
        post("/other"),
        post("/now", b"x" * (LONGEST_BODY + 1)),
        b"POST /now HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        post("/now", b"hi", "expect: 100-continue"),
        b"POST /now HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=["get", "query", "path", "long", "chunked", "expect", "no-length"],
)
async def test_everything_else_is_for_the_application(served, request_bytes):
    """It can refuse a body unread, and knows all other requests."""
    async with served.connected() as (_, writer):
        writer.write(request_bytes)
        await served.app.arrived.wait()

    assert len(served.app.requests) == 1
    assert app_of(served).asked == []


async def test_answers_come_in_the_order_of_requests(served):
    """Whichever way each of the pipelined requests takes."""
    async with served.connected() as (reader, writer):
        writer.write(post("/held", b"held") + GET + post("/now", b"1") + post("/now", b"2")[:-1])
        await served.app.arrived.wait()
        served.app.open.set()
        answers = [await one_answer(reader) for _ in range(3)]
        writer.write(b"2")
        answers.append(await one_answer(reader))

    assert [answer.rpartition(b"\r\n")[2] for answer in answers] == [
        b"direct held",
        b"/a ",
        b"direct 1",
        b"direct 2",
    ]


@pytest.mark.parametrize(
    "request_bytes",
    [
        post("/now", b"hi", "connection: close"),
        post("/now", b"hi", version="1.0"),
        post("/last", b"last"),
    ],
    ids=["asked-for", "old", "own"],
)
async def test_last_answer_of_a_connection_says_so(served, request_bytes):
    """Once, and then the connection is closed."""
    answer = await served.exchange(request_bytes)

    assert answer.count(b"connection: close\r\n") == 1


async def test_server_that_stops_answers_what_has_begun(served):
    """And closes the connection then."""
    async with served.connected() as (reader, writer):
        writer.write(post("/held", b"held"))
        await served.app.arrived.wait()
        (connection,) = served.state.connections
        connection.shutdown()
        served.app.open.set()

        answer = await everything(reader)

    assert answer.endswith(b"direct held")
    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"POST /now HTTP/1.1\r\nhost: x\r\nhost: y\r\ncontent-length: 2\r\n\r\nhi",
        b"POST /now HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi",
        b"POST /now HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi",
        b"POST /now HTTP/1.1\r\nhost: x\r\ncontent-length: +2\r\n\r\nhi",
    ],
    ids=["two-hosts", "no-host", "two-lengths", "signed-length"],
)
async def test_what_is_unclear_is_refused(served, head):
    """Two readers could take it for two different requests."""
    assert is_refusal(await served.exchange(head), 400)
    assert app_of(served).asked == []


async def test_slow_body_is_408(hasty):
    """Nothing is asked before the whole body is there."""
    answer = await hasty.exchange(post("/now")[:-1])

    assert is_refusal(answer, 408)
    assert app_of(hasty).asked == []
    assert hasty.app.gone == 0


async def test_half_closed_client_gets_its_answer(served):
    """A client may close its side once it has sent all it has to say."""
    assert (await served.exchange(post("/now"), eof=True)).endswith(b"direct hi")


async def test_request_goes_on_without_its_client(served):
    """What has begun comes to its end; there is nobody to tell it to."""
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(post("/held", b"held"))
        await served.app.arrived.wait()
        (connection,) = served.state.connections
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    async with asyncio.timeout(5):
        while not connection.cycle.disconnected:  # noqa: ASYNC110 - it has no event for tests
            await asyncio.sleep(0)
    served.app.open.set()
    await asyncio.gather(*served.state.tasks)

    assert connection.cycle.response_complete
    assert served.state.total_requests == 0
    assert await served.answers()


async def test_bug_is_masked(served, caplog):
    """The client learns nothing of it, and the connection stays in order."""
    async with served.connected() as (reader, writer):
        writer.write(post("/broken", b"broken"))
        answer = await one_answer(reader)
        writer.write(post("/now"))
        next_answer = await one_answer(reader)

    error = json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert b"ada@example.com" not in answer
    assert next_answer.endswith(b"direct hi")
    assert len(caplog.records) == 1


async def test_slow_reader_is_waited_for(served):
    """What a client does not read is not piled up."""
    async with served.connected() as (reader, writer):
        writer.write(GET)
        await one_answer(reader)
        (connection,) = served.state.connections
        connection.flow.pause_writing()
        writer.write(post("/now"))
        async with asyncio.timeout(5):
            while not app_of(served).asked:  # noqa: ASYNC110 - it has no event for tests
                await asyncio.sleep(0)
        (answering,) = served.state.tasks
        await asyncio.sleep(0)
        waited = not answering.done() and not connection.cycle.response_complete
        connection.flow.resume_writing()

        assert (await one_answer(reader)).endswith(b"direct hi")
    assert waited


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("127.0.0.1", ("x-forwarded-for: 192.0.2.7",), "192.0.2.7"),
        ("127.0.0.1", ("x-forwarded-for: 192.0.2.7", "x-forwarded-for: 127.0.0.1"), "192.0.2.7"),
        ("127.0.0.1", ("x-forwarded-for: ",), "127.0.0.1"),
        ("127.0.0.1", (), "127.0.0.1"),
        ("192.0.2.1", ("x-forwarded-for: 192.0.2.7",), "127.0.0.1"),
    ],
    ids=["trusted", "chain", "empty", "silent", "stranger"],
)
async def test_trusted_proxy_says_who_calls(trusted, forwarded, client):
    """As for an application behind uvicorn's own reading of the header."""
    options = {"proxy_headers": True, "forwarded_allow_ips": [trusted]}
    async with serving(PATIENT, DirectApp(), **options) as served:
        async with served.connected() as (reader, writer):
            writer.write(post("/now", b"hi", *forwarded))
            await one_answer(reader)
        ((head, _),) = app_of(served).asked

    assert head.client == client
