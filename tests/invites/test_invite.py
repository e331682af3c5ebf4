"""The use case as the edge calls it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.invites.admission import Admission
from gateway.invites.failures import stumbled
from gateway.invites.inputs import InviteDraft
from gateway.invites.invite import Inviter
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteSuccess,
    Origin,
)
from gateway.invites.retries import RetryPolicy
from gateway.invites.sender import Sender
from tests.fakes.invites import LOSES_THE_REPLY, UNREACHABLE, CrashError, MemoryStore, a_replica


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def replica(store):
    return await a_replica(store)


@pytest.fixture
def seen():
    """What the hook was called with."""
    return []


@pytest.fixture
def inviter(replica, seen):
    return Inviter(
        Sender(replica.upstream, timeout_seconds=10, policy=RetryPolicy(chance=lambda: 0.0)),
        admission=Admission(1, queue=1, max_wait_seconds=30),
        keyed=replica.inviter,
        timeout_seconds=15,
        ended=lambda *what: seen.append(what),
    )


def a_draft(**changes) -> InviteDraft:
    values = {
        "candidate_name": "Ada Lovelace",
        "candidate_email": "ada@example.com",
        "track_id": "6578",
        "invite_format": InviteFormat.SEND_LINK,
        "idempotency_key": None,
        **changes,
    }
    return InviteDraft(**values)


async def test_without_a_key_nothing_is_written(store, replica, inviter):
    """Each request without a key is an invite of its own and leaves no record."""
    calls = dict(store.calls)

    results = [await inviter.invite(a_draft()) for _ in range(2)]

    assert all(isinstance(result, InviteSuccess) and not result.replayed for result in results)
    assert len(replica.upstream.posts) == 2
    assert dict(store.calls) == calls


async def test_with_a_key_one_invite(replica, inviter):
    """The key reaches the records, in the caller's scope."""
    drafts = [a_draft(idempotency_key="k")] * 2
    results = [await inviter.invite(draft, Origin("a")) for draft in drafts]
    other = await inviter.invite(drafts[0], Origin("b"))

    assert [result.replayed for result in results] == [False, True]
    assert not other.replayed
    assert len(replica.upstream.posts) == 2


async def test_invalid_input_leaves_no_record(store, replica, inviter):
    """What is not sent in any case needs no record."""
    answer = await inviter.invite(a_draft(candidate_email="nobody", idempotency_key="k"))

    assert answer.code is InviteErrorCode.INVALID_INPUT
    assert store.records == {}


async def test_key_may_be_required(replica):
    """An invite without one is then invalid input."""
    inviter = Inviter(
        Sender(replica.upstream, timeout_seconds=10),
        admission=Admission(1, queue=1, max_wait_seconds=30),
        keyed=replica.inviter,
        timeout_seconds=15,
        key_required=True,
    )

    result = await inviter.invite(a_draft())

    assert isinstance(result, InviteFailure)
    assert result.code is InviteErrorCode.INVALID_INPUT
    assert inviter.check(a_draft()) == result.issues
    assert replica.upstream.posts == []


async def test_unknown_end_is_retryable_only_with_a_key(replica, inviter):
    """Without a key, the same request again may be a second invite."""
    replica.upstream.acts += [LOSES_THE_REPLY, LOSES_THE_REPLY]
    replica.upstream.listed_from = replica.clock.now + 60

    without = await inviter.invite(a_draft())
    with_key = await inviter.invite(a_draft(idempotency_key="k"))

    assert (without.outcome, without.retryable) == (InviteOutcome.UNKNOWN, False)
    assert (with_key.outcome, with_key.retryable) == (InviteOutcome.UNKNOWN, True)


@pytest.mark.parametrize(("own", "expected"), [(None, 10), (3.0, 3), (99.0, 10)])
async def test_callers_time_shortens_the_gateways(replica, inviter, own, expected):
    """A caller may ask for less time, not for more."""
    await inviter.invite(a_draft(), Origin(timeout_seconds=own))

    assert replica.upstream.timeouts[0] == pytest.approx(expected, abs=0.5)


async def test_time_that_is_up_sends_nothing(replica, inviter):
    """A caller without time gets a failure that says that nothing was sent."""
    answer = await inviter.invite(a_draft(), Origin(timeout_seconds=0))

    assert answer.outcome is InviteOutcome.NOT_INVITED
    assert replica.upstream.posts == []


async def test_too_much_at_once_is_turned_away(replica, inviter):
    """Beyond places and queue the answer comes at once and says that nobody was invited."""
    replica.upstream.free.clear()
    first = asyncio.create_task(inviter.invite(a_draft()))
    await replica.upstream.reached.wait()
    second = asyncio.create_task(inviter.invite(a_draft()))
    await asyncio.sleep(0)

    third = await inviter.invite(a_draft())

    replica.upstream.free.set()
    assert (third.outcome, third.retryable) == (InviteOutcome.NOT_INVITED, True)
    assert third.retry_after_seconds == 1
    assert all(isinstance(result, InviteSuccess) for result in await asyncio.gather(first, second))


async def test_place_is_waited_for_no_longer_than_the_caller_has(replica, inviter):
    """Where another's invite takes its time, one without a key is turned away at its deadline."""
    replica.upstream.free.clear()
    hangs = asyncio.create_task(inviter.invite(a_draft()))
    await replica.upstream.reached.wait()

    async with asyncio.timeout(10):
        late = await inviter.invite(a_draft(), Origin(timeout_seconds=0.01))

    assert late.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert late.outcome is InviteOutcome.NOT_INVITED
    assert late.retry_after_seconds == 1
    replica.upstream.free.set()
    await hangs


async def test_unreachable_upstream_is_tried_again(replica, inviter):
    """A retry where nothing was sent needs no key."""
    replica.upstream.acts.append(UNREACHABLE)

    assert isinstance(await inviter.invite(a_draft()), InviteSuccess)


async def test_drain_waits_for_what_was_begun(store, replica, inviter):
    """After the drain, every invite with a key that was begun is settled."""
    replica.upstream.free.clear()
    task = asyncio.create_task(inviter.invite(a_draft(idempotency_key="k")))
    await replica.upstream.reached.wait()
    task.cancel()
    drained = asyncio.create_task(inviter.drain())
    await asyncio.sleep(0)
    assert not drained.done()

    replica.upstream.free.set()
    await drained

    [record] = store.records.values()
    assert record.state.value == "invited"


async def test_hook_is_called_with_every_end(replica, inviter, seen):
    """A success, a refusal of the input and a bug are all seen, with whose request it was."""
    draft, wrong, origin = a_draft(), a_draft(track_id="x"), Origin("a")
    replica.upstream.crashes.add("send")

    with pytest.raises(CrashError):
        await inviter.invite(draft, origin)
    results = [await inviter.invite(one, origin) for one in (draft, wrong)]

    crashed, *others = seen
    assert crashed[0] is draft
    assert crashed[1] == stumbled(retryable=False)
    assert crashed[1].outcome is InviteOutcome.UNKNOWN
    assert others == [(draft, results[0], origin), (wrong, results[1], origin)]
