"""A machine that sleeps between claim and send, while another takes the invite over.

Two gateways over one PostgreSQL, with the clients' real connections. The sleep is on injected
clocks, as no test can suspend its machine; a process that is stopped for real is in
`tests/crash`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from gateway.invites.models import InviteFailure, InviteOutcome, InviteSuccess
from gateway.invites.record import State
from gateway.sandbox import create_sandbox, running_sandbox
from gateway.stores.postgres import PostgresStore
from gateway.upstream.call import stats_call
from tests.crash.run import accepted
from tests.fakes.invites import QUIET_SECONDS, Clock, Replica
from tests.fakes.records import LEASE_SECONDS, a_request
from tests.fakes.scripted import core_of_gateway

EMAIL = a_request().candidate_email
# A client waits a fifth of it for a place, which has to be longer than what the other one does.
CALL_SECONDS = 100
SLEEP_SECONDS = LEASE_SECONDS + QUIET_SECONDS + 2


@dataclass
class Relay:
    """Passes bytes on to the platform, once `open` is set."""

    address: str
    open: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def relayed(address: str) -> AsyncIterator[Relay]:
    target = urlsplit(address)
    relay = Relay("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay.reached.set()
        await relay.open.wait()
        there, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(passed_on(reader, back), passed_on(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield relay


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
@pytest.mark.parametrize(
    ("wall", "ticks"),
    [(True, True), (True, False), (False, True)],
    ids=["both clocks", "wall clock alone", "boot time alone"],
)
async def test_machine_that_slept_past_its_claim_sends_nothing(postgres_url, kind, wall, ticks):
    """Whichever clock knows of the sleep when it wakes: another gateway has sent the invite.

    `CLOCK_MONOTONIC` stands still in a sleep, the wall clock may be set late after it.
    """
    awake, sleeper = Clock(), Clock()
    async with (
        running_sandbox(create_sandbox()) as platform,
        relayed(platform) as relay,
        core_of_gateway(
            platform, PostgresStore(postgres_url), kind=kind, clock=awake, call_seconds=CALL_SECONDS
        ) as one,
        core_of_gateway(
            relay.address,
            PostgresStore(postgres_url),
            kind=kind,
            clock=sleeper,
            call_seconds=CALL_SECONDS,
        ) as two,
    ):
        holding = asyncio.create_task(
            two.upstream.send(stats_call(6578, timeout_seconds=CALL_SECONDS))
        )
        await relay.reached.wait()
        late = asyncio.create_task(two.invite(seconds=CALL_SECONDS))
        await claimed(two)

        awake.now += LEASE_SECONDS + 1
        first = await one.invite()
        awake.now += QUIET_SECONDS + 1
        second = await one.invite()
        sleeper.now += SLEEP_SECONDS if ticks else 0
        sleeper.wall_ahead += SLEEP_SECONDS * (wall - ticks)
        relay.open.set()
        woken = await late
        await holding
        emails = await accepted(platform)
        [record] = await records_of(one)

    assert (first.outcome, type(second)) == (InviteOutcome.UNKNOWN, InviteSuccess)
    assert emails[EMAIL] == 1
    assert record.state is State.INVITED
    # It may know of the other's success or not: it does not claim the opposite.
    assert isinstance(woken, InviteSuccess | InviteFailure)
    if isinstance(woken, InviteSuccess):
        assert woken.invite.application_id == second.invite.application_id
        assert woken.replayed
    else:
        assert woken.outcome is InviteOutcome.UNKNOWN


async def claimed(replica: Replica) -> None:
    """Wait until the invite's record is on disk."""
    while not await records_of(replica):  # noqa: ASYNC110 - it is in the store
        await asyncio.sleep(0.01)


async def records_of(replica: Replica):
    records = replica.records
    return await records.store.of_person(records.hasher.email(EMAIL), 6578)
