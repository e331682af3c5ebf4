"""What the client puts on the wire, and what it keeps off it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.upstream import httpx_client as httpx_module
from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.bounds import LARGEST_BODY
from gateway.upstream.call import Call, CallEnded, Route, applicants_call, invite_call
from gateway.upstream.client import client_for
from gateway.upstream.contract import Upstream
from gateway.upstream.direct import pool as pool_module
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes import hostile
from tests.fakes.recorder import OK, recording

BODY = b'{"candidate_name":"Ada"}'
KINDS = ("direct", "httpx2")
OPTIONS: dict[str, Any] = {
    "api_key": FixedApiKey("secret"),
    "api_key_header": "apiKey",
    "concurrency": 4,
}


@pytest.fixture(params=KINDS, autouse=True)
def kind(request, monkeypatch) -> str:
    """Every client keeps the same promises."""
    monkeypatch.setitem(OPTIONS, "kind", request.param)
    return str(request.param)


@contextlib.asynccontextmanager
async def calling(url: str, **options) -> AsyncIterator[Upstream]:
    client = client_for(url, **{**OPTIONS, **options})
    try:
        yield client
    finally:
        await client.aclose()


async def answered(answer: bytes, **options) -> Reply:
    """The client's view of one answer."""
    async with recording(answer) as recorder, calling(recorder.url) as client:
        exchange = await client.send(invite_call(BODY, timeout_seconds=5, **options))
    assert isinstance(exchange, Reply)
    return exchange


async def test_request_is_what_the_upstream_documents():
    """Path below the base URL, key in its header, JSON as it was given."""
    async with recording() as recorder, calling(f"{recorder.url}/api/v2/") as client:
        await client.send(invite_call(BODY, timeout_seconds=5))

    head, _, body = recorder.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v2/tracks/invite HTTP/1.1\r\n")
    assert recorder.header("apiKey") == "secret"
    assert recorder.header("content-type") == "application/json"
    assert recorder.header("accept") == "application/json"
    assert recorder.header("accept-encoding") == "identity"
    assert recorder.header("user-agent") == "track-invite-gateway"
    assert recorder.header("content-length") == str(len(BODY))
    assert recorder.header("host") == recorder.url.removeprefix("http://")
    assert recorder.header("idempotency-key") is None
    assert body == BODY


async def test_idempotency_key_is_sent_along():
    """It does no harm, and a platform that learns of it can use it."""
    async with recording() as recorder, calling(recorder.url) as client:
        await client.send(invite_call(BODY, timeout_seconds=5, idempotency_key="k 1"))

    assert recorder.header("idempotency-key") == "k 1"


async def test_key_and_its_header_are_settable():
    """The key of this moment goes into the header that the settings name."""
    async with (
        recording() as recorder,
        calling(recorder.url, api_key=FixedApiKey("other"), api_key_header="X-Key") as client,
    ):
        await client.send(invite_call(BODY, timeout_seconds=5))

    assert recorder.header("X-Key") == "other"
    assert recorder.header("apiKey") is None


@pytest.mark.parametrize("key", ["a\r\nx: y", "\u00e9"])
async def test_a_key_that_is_no_header_sends_nothing(key):
    """Neither key can smuggle a header in."""
    async with recording() as recorder, calling(recorder.url) as client:
        exchanges = [
            await client.send(invite_call(BODY, timeout_seconds=5, api_key=key)),
            await client.send(invite_call(BODY, timeout_seconds=5, idempotency_key=key)),
            await client.send(applicants_call(1, {}, timeout_seconds=5, api_key=key)),
        ]

    assert exchanges == [NoReply(Fault.OTHER, possibly_sent=False)] * 3
    assert recorder.requests == []


async def test_connections_are_kept():
    """One call after another shares a connection."""
    async with recording() as recorder, calling(recorder.url) as client:
        for _ in range(3):
            await client.send(invite_call(BODY, timeout_seconds=5))

    assert (recorder.connections, len(recorder.requests)) == (1, 3)


@pytest.fixture
def life(kind, monkeypatch):
    """Sets how long a connection may be used."""

    def life(seconds: float) -> None:
        module = {"direct": pool_module, "httpx2": httpx_module}[kind]
        monkeypatch.setattr(module, "LONGEST_LIFE_SECONDS", seconds)

    return life


@pytest.mark.parametrize(("seconds", "connections"), [(60, 1), (0, 3)])
async def test_connections_have_a_greatest_age(life, seconds, connections):
    """Busy ones too are replaced, so that calls follow the name to another address."""
    life(seconds)
    async with recording() as recorder, calling(recorder.url) as client:
        for _ in range(3):
            assert await client.send(invite_call(BODY, timeout_seconds=5)) == Reply(200, b"{}")

    assert (recorder.connections, len(recorder.requests)) == (connections, 3)


@pytest.mark.parametrize(("seconds", "connections"), [(60.0, 1), (0.0, 2)])
async def test_connections_that_have_rested_are_not_used_again(
    kind, monkeypatch, seconds, connections
):
    """The upstream may be closing them at this moment."""
    module = {"direct": pool_module, "httpx2": httpx_module}[kind]
    monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", seconds)
    async with recording() as recorder, calling(recorder.url) as client:
        for _ in range(2):
            await client.send(invite_call(BODY, timeout_seconds=5))

    assert recorder.connections == connections


@pytest.mark.parametrize(("trusted", "connections"), [(True, 1), (False, 2)])
async def test_an_untrusted_connection_is_closed(trusted: bool, connections: int):  # noqa: FBT001
    """A reply that is not believed ends its connection; the reply itself is handed on."""
    asked: list[Reply] = []

    def trusts(reply: Reply) -> bool:
        asked.append(reply)
        return trusted

    async with recording() as recorder, calling(recorder.url) as client:
        first = await client.send(invite_call(BODY, timeout_seconds=5, trusts_connection=trusts))
        await client.send(invite_call(BODY, timeout_seconds=5))

    assert first == asked[0] == Reply(200, b"{}")
    assert (recorder.connections, len(recorder.requests)) == (connections, 2)


async def test_calls_are_observed():
    """An observer hears of each call before and after, and may add headers to it."""
    seen: list[object] = []

    def observe(call: Call) -> CallEnded:
        seen.append(call.route)
        call.headers += ((b"traceparent", b"00-1"),)
        return seen.append

    async with recording() as recorder, calling(recorder.url, observe=observe) as client:
        invited = await client.send(invite_call(BODY, timeout_seconds=5))
        await client.send(applicants_call(1, {}, timeout_seconds=5))

    reply = Reply(200, b"{}")
    assert invited == reply
    assert seen == [Route.INVITE, reply, Route.APPLICANTS, reply]
    assert [recorder.header("traceparent", n) for n in (0, 1)] == ["00-1", "00-1"]


async def test_a_cancelled_call_is_observed_to_its_end():
    """Whoever measures it learns that it is over."""
    ends: list[object] = []
    async with (
        hostile.never_answers() as upstream,
        calling(upstream.address, observe=lambda _: ends.append) as client,
    ):
        call = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=20)))
        await upstream.received(1)
        call.cancel()
        await asyncio.wait({call})

    assert ends == [None]


@pytest.mark.parametrize("answer", [OK, OK[:-1]], ids=["whole", "cut"])
async def test_reply_knows_the_key_that_it_was_asked_with(answer):
    """So that nothing that holds it is passed on."""
    async with recording(answer) as recorder, calling(recorder.url, concurrency=1) as client:
        calls = [
            invite_call(BODY, timeout_seconds=0.5),
            invite_call(BODY, timeout_seconds=0.5, api_key="theirs"),
            applicants_call(1, {}, timeout_seconds=0.5),
        ]
        replies = [await client.send(call) for call in calls]

    assert [one.api_key for one in replies if isinstance(one, Reply)] == [
        "secret",
        "theirs",
        "secret",
    ]


async def test_cookies_are_not_kept():
    """One candidate's call tells the upstream nothing of another's."""
    answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\n{}"
    async with recording(answer) as recorder, calling(recorder.url) as client:
        await client.send(invite_call(BODY, timeout_seconds=5))
        await client.send(invite_call(BODY, timeout_seconds=5))

    assert recorder.header("cookie") is None


async def test_redirects_are_not_followed():
    """An invite goes where the settings say or nowhere."""
    async with recording() as other:
        location = f"location: {other.url}/tracks/invite".encode()
        reply = await answered(
            b"HTTP/1.1 307 Away\r\n" + location + b"\r\ncontent-length: 0\r\n\r\n"
        )

    assert reply.status == 307
    assert other.requests == []


async def test_facts_of_a_reply():
    """Headers come as their own text."""
    reply = await answered(
        b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ndate: Mon, 23 Nov 2026 12:00:00 GMT\r\n"
        b"content-type: text/plain; charset=latin-1\r\ncontent-length: 3\r\n\r\nno!"
    )

    assert reply == Reply(
        429, b"no!", True, "text/plain; charset=latin-1", "7", "Mon, 23 Nov 2026 12:00:00 GMT"
    )


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_answers_are_read(encoding):
    """Some servers compress what they were asked not to."""
    body = json.dumps({"application_id": 1}).encode()
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)

    reply = await answered(
        f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(packed)}\r\n\r\n".encode()
        + packed
    )

    assert reply.body == body


@pytest.mark.parametrize("body", [b"not gzip", b""])
async def test_a_lie_about_compression_is_survived(body):
    """The bytes are handed on as they came."""
    reply = await answered(
        f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )

    assert reply.body == body


async def test_a_compressed_flood_is_bounded():
    """A small answer cannot fill the memory."""
    packed = gzip.compress(b"x" * (20 * LARGEST_BODY))

    reply = await answered(
        f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(packed)}\r\n\r\n".encode()
        + packed
    )

    assert len(reply.body) == LARGEST_BODY


async def test_at_most_one_mebibyte_is_read():
    """The rest is not waited for, and the status stands."""
    size = 8 * LARGEST_BODY

    reply = await answered(
        f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n".encode() + b"x" * size
    )

    assert (reply.status, len(reply.body), reply.body_complete) == (200, LARGEST_BODY, False)


async def test_nothing_is_sent_where_it_may_not_be():
    """A request that waited too long is stopped before its first byte."""
    async with recording() as recorder, calling(recorder.url) as client:
        exchange = await client.send(invite_call(BODY, timeout_seconds=5, may_send=lambda: False))
        await client.send(invite_call(BODY, timeout_seconds=5, may_send=lambda: True))

    assert exchange == NoReply(Fault.DEADLINE, possibly_sent=False)
    assert len(recorder.requests) == 1


async def test_request_that_the_library_refuses_may_have_been_sent(kind):
    """It refuses after it has said that bytes may leave, and nothing proves that none did."""
    if kind != "httpx2":
        pytest.skip("the direct client writes the request itself")
    call = invite_call(BODY, timeout_seconds=5)
    call.headers = ((b"no name", b""),)
    async with recording() as recorder, calling(recorder.url) as client:
        exchange = await client.send(call)

    assert exchange == NoReply(Fault.OTHER, possibly_sent=True)


async def test_nothing_of_a_call_stays_in_its_task():
    """A task may live on for long, and the reply may be large."""
    async with recording() as recorder, calling(recorder.url) as client:
        await client.send(invite_call(BODY, timeout_seconds=5))

    assert httpx_module._CALL.get(None) is None


async def test_a_proxy_that_refuses_sends_nothing(monkeypatch):
    """What a proxy is asked is not the invite."""
    async with recording(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        async with calling("https://upstream.example") as client:
            exchange = await client.send(invite_call(BODY, timeout_seconds=5))

    assert proxy.requests[0].startswith(b"CONNECT upstream.example:443 ")
    assert exchange == NoReply(Fault.OTHER, possibly_sent=False)


@contextlib.asynccontextmanager
async def tunnelling(port: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that leads every CONNECT to a port of this machine; its address and what it heard."""
    heads: list[bytes] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        behind, beyond = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pass_on(reader, beyond), pass_on(behind, writer))
        await beyond.wait_closed()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
        await ended.wait()


async def test_a_proxy_carries_tls_through(monkeypatch, tmp_path):
    """The platform's certificate is checked behind it, and only the platform sees the invite."""
    ca_file = tmp_path / "ca.pem"
    hostile.authority().cert_pem.write_to_path(ca_file)
    monkeypatch.delenv("no_proxy", raising=False)
    async with hostile.speaks_tls("platform.example") as platform:
        port = int(platform.address.rpartition(":")[2])
        async with tunnelling(port) as (proxy, heads):
            monkeypatch.setenv("https_proxy", f"http://me:p%40ss@{proxy}")
            async with calling("https://platform.example/api", ca_file=ca_file) as client:
                exchange = await client.send(invite_call(BODY, timeout_seconds=20))

    assert isinstance(exchange, Reply)
    assert (exchange.status, exchange.body, exchange.body_complete) == (200, hostile.INVITED, True)
    assert platform.invites == 1
    assert heads[0].startswith(b"CONNECT platform.example:443 HTTP/1.1\r\n")
    assert b"Basic " + base64.b64encode(b"me:p@ss") in heads[0]
    assert b"secret" not in heads[0]


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_proxy_may_have_a_certificate_of_the_own_authority(
    monkeypatch,
    tmp_path,
    trusted: bool,  # noqa: FBT001
):
    """It is checked as the platform's is."""
    ca_file = tmp_path / "ca.pem"
    hostile.authority().cert_pem.write_to_path(ca_file)
    monkeypatch.delenv("no_proxy", raising=False)
    async with hostile.speaks_tls("127.0.0.1") as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        async with calling(
            "http://platform.example", ca_file=ca_file if trusted else None
        ) as client:
            exchange = await client.send(invite_call(BODY, timeout_seconds=20))

    if trusted:
        assert isinstance(exchange, Reply)
    else:
        assert exchange == NoReply(Fault.CERTIFICATE, possibly_sent=False)


async def test_a_proxy_carries_the_invite(monkeypatch):
    """The environment's proxy is used for an upstream elsewhere."""
    async with recording() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        async with calling("http://upstream.example/api") as client:
            exchange = await client.send(invite_call(BODY, timeout_seconds=5))

    assert proxy.requests[0].startswith(b"POST http://upstream.example/api/tracks/invite ")
    assert exchange == Reply(200, b"{}")


async def test_a_proxy_is_not_asked_for_this_machine(monkeypatch):
    """A stand-in on loopback is reached directly."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with recording() as recorder, calling(recorder.url) as client:
        exchange = await client.send(invite_call(BODY, timeout_seconds=5))

    assert exchange == Reply(200, b"{}")


async def test_reread_asks_the_source_of_the_key():
    """The core decides when, the key's source knows where."""

    class Changing(FixedApiKey):
        def reread(self) -> bool:
            self._key = "new"
            return True

    async with recording() as recorder, calling(recorder.url, api_key=Changing("old")) as client:
        changed = client.reread_api_key()
        await client.send(invite_call(BODY, timeout_seconds=5))

    assert changed
    assert recorder.header("apiKey") == "new"


async def test_nothing_is_logged(caplog):
    """Not even at debug level does the key or a candidate reach a log."""
    caplog.set_level("DEBUG")
    async with recording() as recorder, calling(recorder.url) as client:
        await client.send(invite_call(BODY, timeout_seconds=5))

    assert "secret" not in caplog.text
    assert "Ada" not in caplog.text
