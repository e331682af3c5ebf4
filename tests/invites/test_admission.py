"""A bounded number at work, a bounded queue, a bounded wait."""

from __future__ import annotations

import asyncio

import pytest

from gateway.invites.admission import Admission, OverloadedError


async def start_waiting(admission: Admission) -> asyncio.Task[None]:
    before = admission.waiting
    task = asyncio.create_task(admission.enter())
    while admission.waiting == before:  # noqa: ASYNC110 - one turn of the loop is enough
        await asyncio.sleep(0)
    return task


async def test_free_places_are_taken_at_once():
    """Up to the limit nobody waits."""
    admission = Admission(2, queue=0, max_wait_seconds=60)

    await admission.enter()
    await admission.enter()

    assert (admission.in_use, admission.waiting) == (2, 0)


async def test_full_queue_is_turned_away_at_once():
    """Beyond limit and queue nobody waits; the answer says when to come back."""
    admission = Admission(1, queue=1, max_wait_seconds=60, retry_after_seconds=3)
    await admission.enter()
    waiting = await start_waiting(admission)

    with pytest.raises(OverloadedError) as caught:
        await admission.enter()

    assert caught.value.retry_after_seconds == 3
    waiting.cancel()


async def test_first_come_first_served():
    """A place that comes free goes to the one who has waited longest."""
    admission = Admission(1, queue=9, max_wait_seconds=60)
    await admission.enter()
    first = await start_waiting(admission)
    second = await start_waiting(admission)

    admission.leave()
    await first

    assert not second.done()
    assert not admission.try_enter()
    second.cancel()


@pytest.mark.parametrize("own_wait", [None, 0.001], ids=["the limit's", "the caller's"])
async def test_wait_is_bounded(own_wait):
    """Whoever waited as long as is allowed is turned away and leaves the queue."""
    admission = Admission(1, queue=1, max_wait_seconds=0.001 if own_wait is None else 60)
    await admission.enter()

    with pytest.raises(OverloadedError):
        await admission.enter(max_wait_seconds=own_wait)

    assert admission.waiting == 0


async def test_no_time_left_means_no_wait():
    """A caller whose deadline has passed is turned away, and leaves the queue."""
    admission = Admission(1, queue=1, max_wait_seconds=60)
    await admission.enter()

    with pytest.raises(OverloadedError):
        await admission.enter(max_wait_seconds=-1)

    assert admission.waiting == 0


async def test_place_is_waited_for_as_long_as_the_caller_has():
    """The wait for a block's place is bounded as that of `enter`."""
    admission = Admission(1, queue=1, max_wait_seconds=60)
    await admission.enter()

    with pytest.raises(OverloadedError):
        async with asyncio.timeout(5), admission.place(max_wait_seconds=0.001):
            pass


async def test_places_come_back():
    """After everybody has left, all places are free."""
    admission = Admission(2, queue=50, max_wait_seconds=60)

    async def work() -> None:
        async with admission.place():
            assert admission.in_use <= 2
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(50)))

    assert (admission.in_use, admission.waiting) == (0, 0)


async def test_cancelled_waiter_leaves_the_queue():
    """Who stops waiting neither blocks the queue nor takes a place."""
    admission = Admission(1, queue=1, max_wait_seconds=60)
    await admission.enter()
    waiting = await start_waiting(admission)

    waiting.cancel()
    await asyncio.wait([waiting])

    admission.leave()
    assert (admission.in_use, admission.waiting) == (0, 0)


async def test_place_given_to_a_cancelled_waiter_is_not_lost():
    """A place that came free in the moment its waiter was cancelled goes on to the next."""
    admission = Admission(1, queue=2, max_wait_seconds=60)
    await admission.enter()
    first = await start_waiting(admission)
    second = await start_waiting(admission)

    admission.leave()
    first.cancel()

    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert admission.in_use == 1


async def test_waiter_cancelled_before_a_place_comes_free_is_passed_over():
    """A waiter that is gone but not yet out of the queue does not swallow a place."""
    admission = Admission(1, queue=2, max_wait_seconds=60)
    await admission.enter()
    first = await start_waiting(admission)
    second = await start_waiting(admission)

    first.cancel()
    admission.leave()

    await second
    assert admission.in_use == 1
