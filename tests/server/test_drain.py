"""A process that is told to stop says so, lets nobody new in and answers those inside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading

import pytest

from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.schema import executable_schema
from gateway.http.gates import Gate
from gateway.http.requests import RequestHead
from gateway.server.drain import Draining
from tests.fakes.waiting import until

ORIGIN = "https://app.example.com"
SCHEMA = executable_schema()


def endpoint(draining: Draining, *gates: Gate) -> GraphQLEndpoint:
    return GraphQLEndpoint(
        SCHEMA,
        make_context=lambda _: None,
        cors_origins=frozenset({ORIGIN}),
        gates=(draining.admit, *gates),
    )


async def ask(endpoint: GraphQLEndpoint, method: str = "POST", **headers: str):
    """Status, headers and body of one answer."""
    named = {name.replace("_", "-").encode(): text.encode() for name, text in headers.items()}
    head = RequestHead(method, {b"content-type": b"application/json", **named})
    response = await endpoint.respond(head, b'{"query": "{__typename}"}')
    return response.status, dict(response.all_headers()), response.body


@pytest.fixture
def server_stops():
    """Stands in for the server's own handler of SIGTERM."""
    stops: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: stops.append(number))
    yield stops
    signal.signal(signal.SIGTERM, before)


async def test_signal_turns_new_requests_away(server_stops):
    """From SIGTERM on a request gets 503, in GraphQL's shape, and the connection closes."""
    draining = Draining()
    graphql = endpoint(draining)

    with draining.on_signals():
        before = await ask(graphql)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: server_stops)
        status, headers, body = await ask(graphql)

    assert before[0] == 200
    assert draining.begun
    assert status == 503
    assert headers[b"connection"] == b"close"
    assert headers[b"retry-after"] == b"1"
    assert json.loads(body)["errors"][0]["extensions"] == {
        "code": "OVERLOADED",
        "retryAfterSeconds": 1,
    }


async def test_page_of_another_origin_is_told_too():
    """A browser passes the 503 on to the page, which then knows that nothing was done."""
    draining = Draining()
    draining.closed = True
    graphql = endpoint(draining)

    preflight, _, _ = await ask(
        graphql, "OPTIONS", origin=ORIGIN, access_control_request_method="POST"
    )
    status, headers, _ = await ask(
        graphql, origin=ORIGIN, accept="application/graphql-response+json"
    )

    assert (preflight, status) == (204, 503)
    assert headers[b"access-control-allow-origin"] == ORIGIN.encode()
    assert b"retry-after" in headers[b"access-control-expose-headers"]
    assert headers[b"content-type"].startswith(b"application/graphql-response+json")


async def test_requests_are_served_during_the_delay(server_stops):
    """A load balancer has the delay to notice; nobody is turned away meanwhile."""
    draining = Draining(delay_seconds=60)
    graphql = endpoint(draining)

    with draining.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: draining.begun)
        status, _, _ = await ask(graphql)

    assert status == 200
    assert not server_stops


async def test_server_stops_after_the_delay(server_stops):
    """The server gets the signal once the delay has passed."""
    draining = Draining(delay_seconds=0.01)

    with draining.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: server_stops)

    assert server_stops == [signal.SIGTERM]
    assert draining.closed


async def test_second_signal_does_not_wait(server_stops):
    """Whoever asks twice is in a hurry."""
    draining = Draining(delay_seconds=60)

    with draining.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: draining.begun)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: server_stops)

    assert draining.closed


@pytest.mark.parametrize(("seconds", "closed"), [(0.9, False), (1.0, True)])
async def test_echo_of_a_signal_is_no_second_one(server_stops, seconds, closed):
    """A worker that is told with its group, and by its supervisor, still has the delay."""
    now = [0.0]
    draining = Draining(delay_seconds=60, supervised=True, clock=lambda: now[0])

    with draining.on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: draining.begun)
        now[0] += seconds
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)

    assert draining.closed is closed
    assert bool(server_stops) is closed


@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_server_is_told_once(server_stops, delay):
    """However often the signal comes, the server hears it once: told twice, it drops requests."""
    draining = Draining(delay_seconds=delay)

    with draining.on_signals():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
            await until(lambda: draining.begun)
        await asyncio.sleep(2 * delay)

    assert server_stops == [signal.SIGTERM]


async def test_handlers_are_put_back(server_stops):
    """Afterwards the signal is the server's again."""
    draining = Draining()

    with draining.on_signals():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    await until(lambda: server_stops)

    assert not draining.begun


async def test_idle_waits_for_those_inside():
    """The end comes once the last request has ended, also one that fails."""
    draining = Draining()
    go_on = asyncio.Event()

    async def slow(_head):
        await go_on.wait()
        raise RuntimeError

    inside = asyncio.ensure_future(ask(endpoint(draining, slow)))
    await until(lambda: draining.in_flight)
    idle = asyncio.create_task(draining.idle())
    await asyncio.sleep(0)
    waited = not idle.done()
    go_on.set()
    await idle

    assert waited
    assert draining.in_flight == 0
    assert (await inside)[0] == 500


async def test_other_threads_leave_signals_alone():
    """Only the main thread can have signals: elsewhere nothing is touched."""
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    async def use() -> None:
        with Draining().on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(use()))
    thread.start()
    await asyncio.to_thread(thread.join)

    assert seen == [before]
