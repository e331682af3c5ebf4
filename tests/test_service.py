"""What lives as long as the process: over real stores, a real stand-in and real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.applications.models import ApplicationKey
from gateway.invites.breaker import BreakerState
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import InviteFormat, InviteOutcome, InviteSuccess
from gateway.invites.record import State
from gateway.invites.store import StoreError
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.service import Service
from gateway.upstream.wire import Reply
from tests.crash.run import fetch
from tests.fakes import hostile
from tests.fakes.applications import FakeTrack
from tests.fakes.gateway import asked
from tests.fakes.invites import Clock, FakeUpstream, MemoryStore
from tests.fakes.settings import settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INVITE = """mutation ($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) { __typename }
}"""
ADA = {"candidateName": "Ada", "candidateEmail": "ada@example.com", "trackId": 6578}


@pytest.fixture
async def sandbox() -> AsyncIterator[str]:
    async with running_sandbox(create_sandbox()) as address:
        yield address


def a_service(sandbox: str, store: str = "sqlite:///:memory:", **given: object) -> Service:
    return Service(
        settings(
            upstream_url=sandbox,
            upstream_api_key=SecretStr(API_KEY),
            store_url=SecretStr(store),
            **given,
        )
    )


def a_draft(email: str = "ada@example.com", key: str | None = "k") -> InviteDraft:
    return InviteDraft(
        candidate_name="Ada",
        candidate_email=email,
        track_id="6578",
        invite_format=InviteFormat.SEND_LINK,
        idempotency_key=key,
    )


async def invites(sandbox: str) -> int:
    _, body = await fetch(sandbox + "/sandbox/invites")
    return body.count(b'"application_id"')


async def test_second_gateway_on_one_postgres(sandbox, postgres_url):
    """Two gateways, one database, many requests with one key at once: one invite."""
    gateways = [a_service(sandbox, postgres_url) for _ in range(2)]
    for gateway in gateways:
        await gateway.start()

    results: list[Any] = await asyncio.gather(
        *(gateways[number % 2].inviter.invite(a_draft()) for number in range(20))
    )

    for gateway in gateways:
        await gateway.stop()
    assert await invites(sandbox) == 1
    invites_told = [result.invite for result in results if isinstance(result, InviteSuccess)]
    assert all(invite == invites_told[0] for invite in invites_told)
    assert [result.replayed for result in results].count(False) == 1


async def test_keys_survive_a_restart(sandbox, tmp_path):
    """What one process recorded the next one replays."""
    store = f"sqlite:///{tmp_path / 'gateway.db'}"
    results: list[Any] = []
    for _ in range(2):
        service = a_service(sandbox, store)
        await service.start()
        results.append(await service.inviter.invite(a_draft()))
        await service.stop()

    assert [result.replayed for result in results] == [False, True]
    assert await invites(sandbox) == 1


@pytest.mark.parametrize(("reads_back", "known"), [(True, True), (False, False)])
async def test_reading_back_is_a_setting(sandbox, reads_back, known):
    """A lost answer is looked up, unless the operator does not want that."""
    service = a_service(sandbox, read_back=reads_back)
    await service.start()

    result: Any = await service.inviter.invite(a_draft("dropped@example.com"))

    await service.stop()
    assert isinstance(result, InviteSuccess) is known
    assert known or result.outcome is InviteOutcome.UNKNOWN


async def test_without_a_key_nothing_is_recorded(sandbox):
    """No key, no record."""
    service = a_service(sandbox)
    await service.start()

    await service.inviter.invite(a_draft(key=None))

    assert await service.records.store.count() == {}
    await service.stop()


async def test_stop_settles_what_was_begun(sandbox, tmp_path):
    """A gateway that is stopped in the middle of an invite leaves no open record."""
    store = f"sqlite:///{tmp_path / 'gateway.db'}"
    service = a_service(sandbox, store)
    await service.start()
    invite = asyncio.create_task(service.inviter.invite(a_draft()))
    await asyncio.sleep(0)
    invite.cancel()

    await service.stop()

    again = a_service(sandbox, store)
    await again.start()
    assert await again.records.store.count() == {State.INVITED: 1}
    await again.stop()


async def test_reads_leave_room_for_looks():
    """While callers read as much as they may, a lost answer can be looked up."""
    async with hostile.never_answers() as upstream:
        service = a_service(upstream.address, read_concurrency=2, upstream_timeout_seconds=5)
        assert service.applications is not None
        reads = [service.applications.reads() for _ in range(3)]
        reading = [
            asyncio.create_task(each.one(ApplicationKey(6578, number)))
            for each in reads
            for number in range(9)
        ]
        await upstream.received(2)
        assert service.read_back is not None
        look = asyncio.create_task(service.read_back.list_track(6578))
        await upstream.received(3)

        assert upstream.invites == 3
        for task in (look, *reading):
            task.cancel()
        await asyncio.gather(look, *reading, return_exceptions=True)


async def test_reads_hold_up_no_invite():
    """Requests that read leave places to others, and their failures stop nobody's calls."""
    track = FakeTrack(9)
    track.free.clear()
    given = settings(upstream_concurrency=8, read_concurrency=99, queue_size=0)
    app = create_app(given, upstream=FakeUpstream(Clock()), applicants=track, store=MemoryStore())
    reading = [
        asyncio.create_task(asked(app, f"{{application(trackId:6578,applicationId:{n}){{name}}}}"))
        for n in range(1, 8)
    ]
    turned_away, _ = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)

    invited = await asked(app, INVITE, input=ADA)
    track.free.set()
    answers = await asyncio.gather(*reading)

    assert invited["data"]["inviteCandidate"]["__typename"] == "InviteCandidateSuccess"
    codes = [one["errors"][0]["extensions"]["code"] for one in answers if "errors" in one]
    assert codes == ["UPSTREAM_UNAVAILABLE"]
    assert turned_away
    assert track.most_under_way == 4


async def test_failing_reads_open_no_breaker():
    """That the list fails says nothing of invites."""
    track = FakeTrack()
    track.answers += [Reply(500)] * 40
    service = Service(settings(), upstream=FakeUpstream(Clock()), applicants=track)
    assert service.applications is not None
    assert service.breaker is not None

    for number in range(40):
        await service.applications.reads().one(ApplicationKey(6578, number))

    assert service.breaker.state is BreakerState.CLOSED


async def test_reading_is_a_setting(sandbox):
    """An operator may keep applications to the platform."""
    assert a_service(sandbox, applications=False).applications is None
    assert a_service(sandbox).applications is not None


async def test_breaker_is_a_setting(sandbox):
    """A pause of nothing means no breaker."""
    assert a_service(sandbox, breaker_pause_seconds=0).breaker is None
    assert a_service(sandbox).breaker is not None


async def test_ready_while_a_key_could_be_recorded(sandbox):
    """Ready after the start, not before it, not after the end."""
    service = a_service(sandbox)
    before = await service.is_ready()
    await service.start()
    during = [await service.is_ready() for _ in range(2)]
    await service.stop()

    assert (before, during, await service.is_ready()) == (False, [True, True], False)


async def test_not_ready_without_a_store(sandbox):
    """A store that cannot be written makes the gateway not ready, until it can."""
    store = MemoryStore()
    service = Service(settings(upstream_url=sandbox), store=store)
    await service.start()
    store.fail("ping")

    assert [await service.is_ready() for _ in range(3)] == [False, True, True]
    assert store.calls["ping"] == 2
    await service.stop()


async def test_probes_share_one_look(sandbox):
    """Many who ask at once, of a store that takes its time, cost it one write."""
    store = MemoryStore()
    service = Service(settings(upstream_url=sandbox), store=store)
    await service.start()

    ready = await asyncio.gather(*(service.is_ready() for _ in range(20)))

    assert ready == [True] * 20
    assert store.calls["ping"] == 1
    await service.stop()


async def test_check_of_unusual_addresses_is_loaded_beside_the_requests(sandbox, monkeypatch):
    """The first of them finds it there, and no other request waits for it."""
    loaded, loop = asyncio.Event(), asyncio.get_running_loop()
    monkeypatch.setattr("gateway.service._WARM_UP_AFTER_SECONDS", 0)
    monkeypatch.setattr(
        "gateway.service.load_long_check", lambda: loop.call_soon_threadsafe(loaded.set)
    )
    service = a_service(sandbox)

    await service.start()
    try:
        await asyncio.wait_for(loaded.wait(), 30)
    finally:
        await service.stop()


async def test_store_that_cannot_be_opened_stops_the_start(sandbox, tmp_path):
    """A clear error at the start, not at the first invite."""
    service = a_service(sandbox, f"sqlite:///{tmp_path}")

    with pytest.raises(StoreError, match="cannot open the store"):
        await service.start()
    await service.stop()
