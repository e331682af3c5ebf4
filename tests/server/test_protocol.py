"""What clients may do to a connection, byte by byte, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.http.responses import Response
from gateway.server.port import Direct
from gateway.server.reader import Request
from gateway.settings.limits import MAX_PIPELINED, ConnectionLimits
from tests.fakes.connections import (
    GET,
    PATIENT,
    QUICK,
    chunked,
    everything,
    is_refusal,
    one_answer,
    post,
    serving,
)
from tests.fakes.waiting import until

DATE = (b"date", b"Wed, 25 Nov 2026 00:00:00 GMT")


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
            assert await everything(idle) == b""
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
        assert await everything(idle) == b""


async def test_slow_bodies_do_not_fill_the_house():
    """A client that sends its body slowly holds no place that another one needs."""
    limits = ConnectionLimits(max_connections=1)
    async with serving(limits) as served, served.connected() as (slow, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")

        assert await served.answers()
        assert await everything(slow) == b""


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


# Paths that are answered without ASGI


@pytest.mark.parametrize("cut", [None, 1, 20, -1], ids=["whole", "first", "head", "last"])
async def test_request_is_answered_directly(patient, cut):
    """However its bytes come, the application is not asked, and the answer is one of HTTP."""
    patient.state.default_headers = [DATE]
    request = post()
    async with patient.connected() as (reader, writer):
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
    assert patient.app.requests == []
    assert isinstance(patient.app, Direct)


@pytest.mark.parametrize(
    ("request_bytes", "seen"),
    [
        (GET.replace(b"/a", b"/graphql?x=%41"), ("GET", b"x=%41", b"")),
        (GET.replace(b"/a", b"/graph%71l"), ("GET", b"", b"")),
        (GET.replace(b"/a", b"http://x/graphql?y"), ("GET", b"y", b"")),
        (post(b"hi", target="/graphql?x"), ("POST", b"x", b"hi")),
        (
            chunked(b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n").replace(b"/c", b"/graphql"),
            ("POST", b"", b"hi"),
        ),
        (post().replace(b"POST", b"PUT"), ("PUT", b"", b"hi")),
    ],
    ids=["get", "encoded", "absolute", "query", "chunked", "put"],
)
async def test_every_request_to_its_path_is_answered_directly(patient, request_bytes, seen):
    """Whatever the method, with its query and its whole body."""
    async with patient.connected() as (_, writer):
        writer.write(request_bytes)
        await patient.app.arrived.wait()

    ((head, body),) = patient.app.asked
    assert (head.method, head.query_string, body) == seen


async def test_head_request_has_no_body_in_its_answer(patient):
    """Only its length, and the next answer follows at once."""
    async with patient.connected() as (reader, writer):
        writer.write(GET.replace(b"GET /a", b"HEAD /graphql") + GET)
        head = await reader.readuntil(b"\r\n\r\n")

        assert b"content-length: 7\r\n" in head
        assert (await one_answer(reader)).endswith(b"/a ")


async def test_idle_connection_keeps_no_body(patient):
    """Nothing of a candidate stays in memory for longer than its request."""
    async with patient.connected() as (reader, writer):
        writer.write(post())
        await one_answer(reader)
        reading = patient.connection()._reader

        (responding,) = patient.state.tasks
        values = responding.get_coro().cr_frame.f_locals.values()

        assert (reading._request, reading._parts, len(reading._requests)) == (None, [], 0)
        assert not [value for value in values if isinstance(value, Request | Response)]


async def test_head_is_as_an_application_would_see_it(patient):
    """Names in small letters, values of one name joined, the client's address."""
    await patient.exchange(post(b"hi", "A: 1", "a: 2", "connection: close"))

    ((head, body),) = patient.app.asked
    assert (head.method, head.query_string, head.client) == ("POST", b"", "127.0.0.1")
    assert head.headers == {
        b"host": b"x",
        b"content-length": b"2",
        b"a": b"1, 2",
        b"connection": b"close",
    }
    assert body == b"hi"


async def test_answers_come_in_the_order_of_requests(patient):
    """Whichever way each of the pipelined requests takes."""
    async with patient.connected() as (reader, writer):
        writer.write(post(b"held") + GET + post(b"1") + post(b"2")[:-1])
        await patient.app.arrived.wait()
        patient.app.open.set()
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
        post(b"hi", "connection: close"),
        post(version="1.0"),
        post(b"last"),
        GET.replace(b"1.1\r\n", b"1.1\r\nconnection: close\r\n"),
    ],
    ids=["asked-for", "old", "own", "application"],
)
async def test_last_answer_of_a_connection_says_so(patient, request_bytes):
    """Once, and then the connection is closed; what follows is not run."""
    answer = await patient.exchange(request_bytes + post(b"more"))

    assert answer.count(b"HTTP/1.1 ") == answer.count(b"connection: close\r\n") == 1
    assert b"more" not in [body for _, body in patient.app.asked]


async def test_every_answer_is_the_last_once_the_process_is_told_to_stop(patient):
    """Clients come back elsewhere before the gateway turns them away."""
    async with patient.connected() as (reader, writer):
        writer.write(post())
        before = await one_answer(reader)
        patient.app.draining.begun = True
        writer.write(post() + post())

        received = await everything(reader)

    assert b"connection: close" not in before
    assert received.count(b"HTTP/1.1 200") == received.count(b"connection: close") == 1


@pytest.mark.parametrize("request_bytes", [post(b"held"), GET.replace(b"/a", b"/held")])
async def test_server_that_stops_answers_what_has_begun(patient, request_bytes):
    """And closes the connection then."""
    async with patient.connected() as (reader, writer):
        writer.write(request_bytes)
        await patient.app.arrived.wait()
        patient.connection().shutdown()
        patient.app.open.set()

        answer = await everything(reader)

    assert answer.endswith((b"/held ", b"direct held"))
    assert b"connection: close\r\n" in answer


async def test_server_that_stops_waits_for_the_rest_of_a_body(patient):
    """Its sender is told what became of it."""
    async with patient.connected() as (reader, writer):
        writer.write(post()[:-1])
        await until(lambda: patient.state.connections and patient.connection()._timed_phases)
        patient.connection().shutdown()
        writer.write(b"i")

        answer = await everything(reader)

    assert answer.endswith(b"direct hi")
    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize("sent", [b"", post()[:20]], ids=["idle", "head"])
async def test_server_that_stops_waits_for_nothing_else(patient, sent):
    """Neither for a first byte nor for a head."""
    async with patient.connected() as (reader, writer):
        writer.write(sent)
        await until(lambda: patient.state.connections)
        await until(lambda: not sent or patient.connection()._timed_phases)
        patient.connection().shutdown()

        assert await everything(reader) == b""


async def test_request_goes_on_without_its_client(patient):
    """What has begun comes to its end; there is nobody to tell it to."""
    with socket.create_connection(("127.0.0.1", patient.port)) as client:
        client.sendall(post(b"held") + post(b"never"))
        await patient.app.arrived.wait()
        (answering,) = patient.state.tasks
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The connection is read no more as long as a second request waits.
    patient.connection().transport.abort()
    await until(lambda: not patient.state.connections)
    waited = not answering.done()
    patient.app.open.set()
    await answering

    assert waited
    assert [body for _, body in patient.app.asked] == [b"held"]
    assert await patient.answers()


@pytest.mark.parametrize(
    "request_bytes", [post(b"broken"), GET.replace(b"/a", b"/broken")], ids=["direct", "asgi"]
)
async def test_bug_is_masked(patient, caplog, request_bytes):
    """The client learns nothing of it, and the connection stays in order."""
    async with patient.connected() as (reader, writer):
        writer.write(request_bytes)
        answer = await one_answer(reader)
        writer.write(post())
        next_answer = await one_answer(reader)

    error = json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert b"ada@example.com" not in answer
    assert next_answer.endswith(b"direct hi")
    assert len(caplog.records) == 1


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
    """As it is read by uvicorn's own middleware."""
    async with serving(PATIENT, proxies=[trusted]) as served:
        async with served.connected() as (reader, writer):
            writer.write(post(b"hi", *forwarded))
            await one_answer(reader)
        ((head, _),) = served.app.asked

    assert head.client == client


async def test_proxy_at_a_unix_socket_says_who_calls(tmp_path):
    """If it is trusted; else all who come through it are one."""
    path, request = tmp_path / "socket", post(b"hi", "x-forwarded-for: 192.0.2.7")
    clients = []
    for trusted in ("unix", "127.0.0.1"):
        async with serving(PATIENT, path=path, proxies=[trusted]) as served:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(request)
            await one_answer(reader)
            writer.close()
        clients += [head.client for head, _ in served.app.asked]

    assert clients == ["192.0.2.7", "unix"]


# Bodies that are too long

ANNOUNCED = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        post(b"x" * (PATIENT.max_body_bytes + 1)),
        ANNOUNCED + b"\r\n",
        ANNOUNCED + b"expect: 100-continue\r\n\r\n",
        chunked(b"8000\r\n%b\r\n" % (b"x" * 32_768) * 5).replace(b"/c", b"/graphql"),
    ],
    ids=["sent", "announced", "expected", "chunked"],
)
async def test_long_body_is_handed_over_cut(patient, sent):
    """Whoever answers can refuse it; nothing is read after it, and no 100 is sent before."""
    answer = await patient.exchange(sent + GET)

    ((_, body),) = patient.app.asked
    assert not body or len(body) > PATIENT.max_body_bytes
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    assert patient.app.requests == []


async def test_sender_of_a_long_body_can_read_the_answer(patient):
    """What it still sends is read past, and it is not reset."""
    async with patient.connected() as (reader, writer):
        writer.write(ANNOUNCED + b"\r\n")
        for _ in range(9):
            writer.write(b"x" * 100_000)
            await writer.drain()

        assert (await everything(reader)).endswith(b"direct ")


async def test_endless_body_is_not_read(patient):
    """A sender that goes on and on after a refusal is cut off."""
    async with patient.connected() as (_, writer):
        writer.write(ANNOUNCED + b"\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                writer.write(b"x" * 100_000)
                await writer.drain()
        await until(lambda: not patient.state.connections)

    assert await patient.answers()


async def test_sender_of_a_long_body_that_stops_is_cut(quick):
    """It is not waited for, nor answered twice."""
    with socket.create_connection(("127.0.0.1", quick.port)) as client:
        client.sendall(ANNOUNCED + b"\r\nabc")
        await until(lambda: quick.app.asked)
        await until(lambda: not quick.state.connections)

        assert client.recv(65536).count(b"HTTP/1.1") == 1


# Clients that do not read


@contextlib.contextmanager
def holding_little(port: int, octets: int = 2_048) -> Iterator[socket.socket]:
    """A client's connection that holds little that is not read."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
        client.connect(("127.0.0.1", port))
        yield client


async def test_client_that_reads_nothing_is_cut(quick):
    """It holds its connection no longer than an idle one does."""
    with holding_little(quick.port) as client:
        client.sendall(post(b"big") * 8)
        await until(lambda: quick.app.asked)
        await until(lambda: not quick.state.connections)

    # One more may be written while the first ones wait; the rest is not even begun.
    assert len(quick.app.asked) < 8
    assert await quick.answers()


async def test_client_that_reads_slowly_is_not_cut(quick):
    """As long as it reads something within the time."""
    with holding_little(quick.port, 65_536) as client:
        client.sendall(post(b"big") + post(b"big", "connection: close"))
        received = await asyncio.to_thread(read_slowly, client)

    assert received.count(b"HTTP/1.1 200") == 2
    assert len(received) > 2_000_000


def read_slowly(client: socket.socket) -> bytes:
    """Everything, in more time than a client may read nothing."""
    received = b""
    while chunk := client.recv(50_000):
        received += chunk
        time.sleep(QUICK.keep_alive_seconds / 20)
    return received


async def test_closing_connection_that_is_not_read_is_cut(quick):
    """Its last answer is not waited for either."""
    with holding_little(quick.port) as client:
        client.sendall(post(b"big", "connection: close") * 8)
        await until(lambda: quick.app.asked)
        await until(lambda: not quick.state.connections)


async def test_client_that_does_not_read_makes_room_first():
    """Before one that is idle for longer."""
    limits = ConnectionLimits(max_connections=2, keep_alive_seconds=600)
    async with serving(limits) as served, served.connected() as (idle, idle_writer):
        idle_writer.write(GET)
        await one_answer(idle)
        with holding_little(served.port) as deaf:
            deaf.sendall(post(b"big") * 8)
            await until(lambda: served.app.asked)
            await until(lambda: any(not one._is_writable for one in served.connections()))

            assert await served.answers()
            assert len(served.state.connections) == 1
        idle_writer.write(GET)
        assert (await one_answer(idle)).endswith(b"/a ")
