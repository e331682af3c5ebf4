"""One read from the upstream: places, attempts, deadline, keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.applications.failures import ReadFailure
from gateway.applications.models import ApplicationKey
from gateway.applications.reader import Reader
from gateway.invites.admission import Admission
from gateway.invites.deadline import within
from gateway.invites.models import InviteErrorCode
from gateway.invites.retries import RetryBudget
from gateway.upstream.applications import ApplicationDetails, ApplicationPage
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.applications import TRACK, FakeTrack, a_reader

KEY = ApplicationKey(TRACK, 7)
UNREACHABLE = NoReply(Fault.CONNECT, possibly_sent=False)


async def one(reader: Reader, *, seconds: float = 20, **options: Any) -> Any:
    return await reader.one(KEY, deadline=within(seconds), **options)


async def page(reader: Reader, *, seconds: float = 20, **options: Any) -> Any:
    return await reader.page(TRACK, {}, page=1, per_page=25, deadline=within(seconds), **options)


async def test_page_is_asked_for_as_documented():
    """The filters and the page, and nothing whose values nobody knows."""
    track = FakeTrack(3)

    found = await a_reader(track).page(
        TRACK, {"name": "ada"}, page=2, per_page=2, deadline=within(5)
    )

    assert isinstance(found, ApplicationPage)
    assert [application.application_id for application in found.applications] == ["3"]
    assert track.queries == [{"name": "ada", "page": "2", "per_page": "2"}]


@pytest.mark.parametrize(
    "exchange",
    [
        UNREACHABLE,
        NoReply(Fault.READ, possibly_sent=True),
        NoReply(Fault.PROTOCOL, possibly_sent=True),
        Reply(429),
        Reply(502),
        Reply(503, retry_after="0"),
        Reply(504),
        Reply(200, b"{", body_complete=False),
    ],
    ids=lambda exchange: str(getattr(exchange, "status", getattr(exchange, "fault", ""))),
)
async def test_what_may_pass_is_tried_again(exchange: Exchange):
    """A read changes nothing, so another attempt is always safe."""
    track = FakeTrack(9)
    track.answers += [exchange, exchange]

    found = await one(a_reader(track))

    assert isinstance(found, ApplicationDetails)
    assert track.calls == 3


async def test_attempts_are_counted():
    """After the last attempt its failure is told."""
    track = FakeTrack()
    track.answers += [UNREACHABLE] * 9

    failure = await page(a_reader(track))

    assert isinstance(failure, ReadFailure)
    assert failure.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert track.calls == 3


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 422, 500])
async def test_other_answers_are_final(status):
    """What would be answered in the same way again is asked for once."""
    track = FakeTrack()
    track.answers += [Reply(status)] * 2

    assert isinstance(await page(a_reader(track)), ReadFailure)
    assert track.calls == 1


async def test_attempts_have_a_budget():
    """Where the upstream is down, reads do not come to it three times as often."""
    track = FakeTrack()
    track.answers += [UNREACHABLE] * 99
    reader = a_reader(track, budget=RetryBudget(reserve=4))

    for _ in range(10):
        await page(reader)

    assert track.calls == 10 + 4


async def test_long_wait_is_left_to_the_caller():
    """A `Retry-After` that does not fit into the caller's time is told at once."""
    track = FakeTrack()
    track.answers.append(Reply(429, retry_after="60"))

    failure = await page(a_reader(track), seconds=10)

    assert failure.code is InviteErrorCode.RATE_LIMITED
    assert failure.retry_after_seconds == 60
    assert track.calls == 1


async def test_calls_end_by_the_deadline():
    """No call may take longer than is left, nor than one call may."""
    track = FakeTrack(9)
    reader = a_reader(track, timeout_seconds=5)

    await one(reader, seconds=2)
    await one(reader, seconds=60)
    late = await one(reader, seconds=0)

    assert 1 < track.timeouts[0] <= 2
    assert track.timeouts[1:] == [5]
    assert late.code is InviteErrorCode.UPSTREAM_UNAVAILABLE


async def test_new_key_is_taken_up_after_a_401():
    """A key that was replaced a moment ago does not fail the read."""
    track = FakeTrack(9, new_keys=1)
    track.answers += [Reply(401)]

    assert isinstance(await one(a_reader(track)), ApplicationDetails)
    assert track.calls == 2


async def test_refused_key_is_told():
    """If there is no other key, that is that."""
    track = FakeTrack(9)
    track.answers += [Reply(401), Reply(401)]

    failure = await one(a_reader(track))

    assert failure.code is InviteErrorCode.UPSTREAM_UNAUTHORIZED
    assert track.calls == 1


async def test_key_of_the_caller_is_used():
    """The gateway's own is no substitute for one that was refused."""
    track = FakeTrack(9, new_keys=1)
    track.answers += [Reply(401)]

    failure = await one(a_reader(track), api_key="theirs")

    assert failure.code is InviteErrorCode.UPSTREAM_UNAUTHORIZED
    assert track.api_keys == ["theirs"]


async def test_places_are_bounded():
    """More than there are places wait, and more than may wait are turned away."""
    track = FakeTrack(9)
    track.free.clear()
    reader = a_reader(track, admission=Admission(2, queue=1, max_wait_seconds=30))

    reads = [asyncio.create_task(one(reader)) for _ in range(4)]
    turned_away = await reads[3]
    track.free.set()
    found = await asyncio.gather(*reads[:3])

    assert turned_away.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert turned_away.retryable
    assert turned_away.retry_after_seconds == 1
    assert all(isinstance(each, ApplicationDetails) for each in found)
    assert track.most_under_way == 2


async def test_place_is_held_between_attempts():
    """While the upstream asks to wait, no others come up behind and ask."""
    track = FakeTrack(9)
    track.answers.append(Reply(429, retry_after="1"))
    reader = a_reader(track, admission=Admission(1, queue=0, max_wait_seconds=0))

    waiting = asyncio.create_task(one(reader))
    await track.reached.wait()
    turned_away = await one(reader)
    found = await waiting

    assert isinstance(turned_away, ReadFailure)
    assert isinstance(found, ApplicationDetails)
    assert track.calls == 2


async def test_place_is_given_back_when_the_caller_leaves():
    """A read that is called off makes room."""
    track = FakeTrack(9)
    track.free.clear()
    reader = a_reader(track, admission=Admission(1, queue=0, max_wait_seconds=0))

    read = asyncio.create_task(one(reader))
    await track.reached.wait()
    read.cancel()
    await asyncio.gather(read, return_exceptions=True)
    track.free.set()

    assert isinstance(await one(reader), ApplicationDetails)
