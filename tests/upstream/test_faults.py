"""What the client reports of every way an upstream can misbehave, and what that one saw."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import NamedTuple

import pytest

from gateway.upstream import httpx_client as client_module
from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.call import invite_call
from gateway.upstream.client import client_for
from gateway.upstream.contract import Upstream
from gateway.upstream.direct import client as direct_module
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes import hostile
from tests.fakes.hostile import INVITED, MEGABYTE, Hostile

KINDS = ("direct", "httpx2")
OPTIONS = {"kind": KINDS[0]}
BODY = b'{"candidate_name": "Ada"}'
LONG_BODY = b"a" * 16 * MEGABYTE
# A wait that has to run out. Ample for a busy machine to connect and send within it.
SHORT_SECONDS = 1.0


@pytest.fixture(params=KINDS, autouse=True)
def kind(request, monkeypatch) -> str:
    """Every client reports the same facts."""
    monkeypatch.setitem(OPTIONS, "kind", request.param)
    return str(request.param)


class Row(NamedTuple):
    """One hostile upstream: what is reported of it and how many requests it received whole."""

    upstream: Callable[[], Hostile]
    expected: Exchange
    invites: int
    body: bytes = BODY


# Without a reply, in less than the deadline.
FAULTS = {
    "refused": Row(hostile.refuses, NoReply(Fault.CONNECT, False), 0),
    "not-tls": Row(hostile.speaks_no_tls, NoReply(Fault.CONNECT, False), 0),
    "untrusted-certificate": Row(
        hostile.has_an_untrusted_certificate, NoReply(Fault.CERTIFICATE, False), 0
    ),
    "ended-at-once": Row(hostile.ends_at_once, NoReply(Fault.PROTOCOL, True), 0),
    "reset-before-reading": Row(hostile.resets_before_reading, NoReply(Fault.READ, True), 0),
    "reset-after-reading": Row(hostile.resets_after_reading, NoReply(Fault.READ, True), 1),
    "closed": Row(hostile.closes_without_a_response, NoReply(Fault.PROTOCOL, True), 1),
    "garbage": Row(hostile.talks_garbage, NoReply(Fault.PROTOCOL, True), 1),
    "half-a-status-line": Row(hostile.sends_half_a_status_line, NoReply(Fault.PROTOCOL, True), 1),
    "endless-headers": Row(hostile.sends_endless_headers, NoReply(Fault.PROTOCOL, True), 1),
}

# Without an end: only the deadline ends them.
STALLS = {
    "silence": Row(hostile.never_answers, NoReply(Fault.DEADLINE, True), 1),
    "unread": Row(hostile.never_reads, NoReply(Fault.DEADLINE, True), 0, LONG_BODY),
    "continue-forever": Row(hostile.says_continue_forever, NoReply(Fault.DEADLINE, True), 1),
    "stalled-body": Row(
        hostile.stalls_in_the_body, Reply(200, INVITED[:-20], body_complete=False), 1
    ),
}

REPLIES = {
    "drip": Row(hostile.drips, Reply(200, INVITED), 1),
    "continue": Row(hostile.says_continue_then_answers, Reply(201, INVITED), 1),
    "truncated": Row(hostile.truncates, Reply(200, INVITED[:-20], body_complete=False), 1),
    "truncated-chunks": Row(
        hostile.truncates_chunks, Reply(200, INVITED[:20], body_complete=False), 1
    ),
    "broken-chunks": Row(hostile.breaks_chunks, Reply(200, INVITED[:20], body_complete=False), 1),
    "reset-body": Row(
        hostile.resets_in_the_body, Reply(200, INVITED[:-20], body_complete=False), 1
    ),
    "flood": Row(hostile.floods, Reply(200, b" " * MEGABYTE, body_complete=False), 1),
    "early-answer": Row(hostile.answers_before_reading, Reply(413, b'{"error": "too large"}'), 0),
    "megabytes": Row(
        lambda: hostile.answers_status(200, b"a" * 3 * MEGABYTE),
        Reply(200, b"a" * MEGABYTE, body_complete=False),
        1,
    ),
    "just-a-megabyte": Row(
        lambda: hostile.answers_status(200, b"a" * MEGABYTE), Reply(200, b"a" * MEGABYTE), 1
    ),
    "empty": Row(lambda: hostile.answers_status(200), Reply(200), 1),
    **{
        f"redirect-{status}": Row(
            lambda status=status: hostile.redirects_to_itself(status),  # type: ignore[misc]
            Reply(status),
            1,
        )
        for status in (301, 302, 303, 307, 308)
    },
}


@pytest.mark.parametrize("row", FAULTS.values(), ids=FAULTS)
async def test_fault_is_told_with_whether_bytes_may_have_left(row):
    """Each way to get no reply is reported by name, and "not sent" only where that is sure."""
    assert await exchange_with(row, seconds=20) == (row.expected, row.invites)


@pytest.mark.parametrize("row", STALLS.values(), ids=STALLS)
async def test_deadline_ends_what_has_no_end(row):
    """One deadline bounds the whole call, and what had arrived by then is not lost."""
    assert await exchange_with(row, seconds=SHORT_SECONDS) == (row.expected, row.invites)


@pytest.mark.parametrize("row", REPLIES.values(), ids=REPLIES)
async def test_status_survives_whatever_becomes_of_the_body(row):
    """Once there is a status line there is a reply; a cut body says that it is cut."""
    assert await exchange_with(row, seconds=20) == (row.expected, row.invites)


async def test_drip_without_end_is_cut_by_the_deadline():
    """Bytes that keep coming do not prolong the call."""
    async with hostile.drips_forever() as upstream:
        exchange = await invite(upstream.address, seconds=SHORT_SECONDS)

    assert isinstance(exchange, Reply)
    assert (exchange.status, exchange.body_complete) == (200, False)
    assert exchange.body.strip() == b""


async def test_switched_protocol_is_no_success():
    """A 101 that nobody asked for is reported as what it is."""
    async with hostile.switches_protocols() as upstream:
        exchange = await invite(upstream.address, seconds=SHORT_SECONDS)

    assert isinstance(exchange, NoReply) or exchange.status == 101
    assert upstream.invites == 1


async def test_connect_that_stalls_has_a_timeout_of_its_own(monkeypatch):
    """A connection that does not come about leaves time for another try, and sent nothing."""
    for module in (client_module, direct_module):
        monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    async with hostile.stalls_in_connect() as upstream:
        exchange = await invite(upstream.address, seconds=20)

    assert exchange == NoReply(Fault.CONNECT_TIMEOUT, possibly_sent=False)


async def test_tls_handshake_cut_by_a_short_deadline_leaks_nothing():
    """Nothing was sent, and no socket is left open: that would be a warning, so an error."""
    async with hostile.stalls_in_tls() as upstream:
        exchange = await invite(upstream.address, seconds=SHORT_SECONDS)
        gc.collect()

    assert isinstance(exchange, NoReply)
    assert exchange.fault in (Fault.CONNECT_TIMEOUT, Fault.DEADLINE)
    assert not exchange.possibly_sent
    assert (upstream.connections, upstream.invites) == (1, 0)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (hostile.speaks_tls, Reply(200, INVITED)),
        (
            hostile.has_a_certificate_of_another_name,
            NoReply(Fault.CERTIFICATE, possibly_sent=False),
        ),
    ],
    ids=["trusted", "other-name"],
)
async def test_certificate_has_to_be_trusted_and_name_the_host(made, expected, trust):
    """With the authority trusted, the right name is served and another one is refused."""
    async with made() as upstream:
        assert plain(await invite(upstream.address, seconds=20)) == expected


async def test_no_free_connection_in_time_sends_nothing():
    """A call that waits in vain for a connection is not sent, and is told apart."""
    async with hostile.never_answers() as upstream:
        client = make_client(upstream.address, concurrency=1)
        first = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=20)))
        await upstream.received(1)

        second = await client.send(invite_call(BODY, timeout_seconds=0.5))

        first.cancel()
        await asyncio.wait({first})
        await client.aclose()
        assert second == NoReply(Fault.POOL_TIMEOUT, possibly_sent=False)
        assert (upstream.connections, upstream.invites) == (1, 1)


async def test_close_of_a_reused_connection_may_have_invited():
    """The keep-alive race looks like "processed, then died": it is never retried."""
    async with hostile.closes_on_the_second_request() as upstream:
        first, second = await invite_twice(upstream.address)

    assert plain(first) == Reply(200, INVITED)
    assert second == NoReply(Fault.PROTOCOL, possibly_sent=True)
    assert (upstream.connections, upstream.invites) == (1, 2)


async def test_connection_closed_while_idle_is_not_used_again():
    """Each call after such a close has a connection of its own and one answer."""
    async with hostile.closes_after_each_answer() as upstream:
        client = make_client(upstream.address)
        first = await client.send(invite_call(BODY, timeout_seconds=5))
        await upstream.closed.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # turns of the event loop, for a client that is told by it
        second = await client.send(invite_call(BODY, timeout_seconds=5))
        await client.aclose()

    assert [plain(exchange) for exchange in (first, second)] == 2 * [Reply(200, INVITED)]
    assert (upstream.connections, upstream.invites) == (2, 2)


async def test_surplus_answer_is_never_taken_for_the_next_invite():
    """What follows an answer on the connection belongs to nobody."""
    async with hostile.answers_twice() as upstream:
        exchanges = await invite_twice(upstream.address)

    answers = [INVITED.replace(b"91", number) for number in (b"1", b"2")]
    assert [plain(exchange) for exchange in exchanges] == [Reply(200, body) for body in answers]
    assert (upstream.connections, upstream.invites) == (2, 2)


async def test_nothing_leaves_where_it_may_not_be_sent():
    """After a last look that says no, the upstream receives not one request."""
    async with hostile.never_answers() as upstream:
        client = make_client(upstream.address)
        exchange = await client.send(invite_call(BODY, timeout_seconds=5, may_send=lambda: False))
        await client.aclose()

        assert exchange == NoReply(Fault.DEADLINE, possibly_sent=False)
    assert upstream.invites == 0


async def test_client_works_on_after_every_fault():
    """A fault leaves no connection occupied: one slot serves fifty failing calls."""
    async with hostile.resets_after_reading() as upstream:
        client = make_client(upstream.address, concurrency=1)
        for _ in range(50):
            assert await client.send(invite_call(BODY, timeout_seconds=5)) == NoReply(
                Fault.READ, True
            )
        await client.aclose()

    assert upstream.invites == 50


async def test_cancelled_call_gives_its_connection_back():
    """A caller that stops waiting does not block the slot for the next."""
    async with hostile.never_answers() as upstream:
        client = make_client(upstream.address, concurrency=1)
        for sent in range(1, 4):
            call = asyncio.create_task(client.send(invite_call(BODY, timeout_seconds=20)))
            await upstream.received(sent)
            call.cancel()
            await asyncio.wait({call})
            assert call.cancelled()
        await client.aclose()


@pytest.fixture
def trust(tmp_path, monkeypatch):
    """The authority of the TLS upstreams is trusted, as an operator would do it."""
    bundle = tmp_path / "authority.pem"
    hostile.authority().cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


def make_client(address: str, *, concurrency: int = 4) -> Upstream:
    return client_for(
        address,
        api_key=FixedApiKey("secret"),
        api_key_header="apiKey",
        concurrency=concurrency,
        **OPTIONS,  # type: ignore[arg-type]
    )


async def invite(address: str, *, seconds: float, body: bytes = BODY) -> Exchange:
    client = make_client(address)
    try:
        return await client.send(invite_call(body, timeout_seconds=seconds))
    finally:
        await client.aclose()


async def invite_twice(address: str) -> list[Exchange]:
    client = make_client(address)
    try:
        return [await client.send(invite_call(BODY, timeout_seconds=5)) for _ in range(2)]
    finally:
        await client.aclose()


async def exchange_with(row: Row, *, seconds: float) -> tuple[Exchange, int]:
    async with row.upstream() as upstream:
        exchange = await invite(upstream.address, seconds=seconds, body=row.body)
    return plain(exchange), upstream.invites


def plain(exchange: Exchange) -> Exchange:
    """The exchange without the headers, which other tests look at."""
    if isinstance(exchange, NoReply):
        return exchange
    return Reply(exchange.status, exchange.body, exchange.body_complete)
