"""Operations that wait together are begun together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.stores.batches import BATCH, Batches, Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def begun():
    """The batches that were begun, none of which has ended by itself."""
    return []


@pytest.fixture
def batches(begun):
    return Batches(begun.append, at_once=1)


def works(begun: Sequence[Sequence[Waiting[int]]]) -> list[list[int]]:
    return [[waiting.work for waiting in batch] for batch in begun]


async def passes(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_comes_together_is_one_batch(batches, begun):
    """In the order in which it came."""
    for work in range(5):
        batches.add(work)
    await passes()

    assert works(begun) == [[0, 1, 2, 3, 4]]


async def test_what_comes_in_the_next_pass_joins(batches, begun):
    """As long as each pass of the event loop brings more, and no longer."""
    batches.add(0)
    await asyncio.sleep(0)
    batches.add(1)
    await asyncio.sleep(0)
    batches.add(2)
    await passes()
    batches.add(3)
    await passes()

    assert works(begun) == [[0, 1, 2]]


async def test_batch_in_progress_is_waited_for(batches, begun):
    """What comes meanwhile is the next batch, begun as soon as that one ends."""
    batches.add(0)
    await passes()
    batches.add(1)
    batches.add(2)
    await passes()
    before = works(begun)
    batches.ended()
    await passes()

    assert before == [[0]]
    assert works(begun) == [[0], [1, 2]]


async def test_several_may_be_in_progress(begun):
    """As many as were asked for."""
    batches = Batches[int](begun.append, at_once=2)
    for work in range(3):
        batches.add(work)
        await passes()

    assert works(begun) == [[0], [1]]


async def test_batch_has_a_largest_size(batches, begun):
    """The rest waits for the next."""
    for work in range(BATCH + 1):
        batches.add(work)
    await passes()
    batches.ended()
    await passes()

    assert [len(batch) for batch in begun] == [BATCH, 1]


async def test_all_are_begun_at_the_end(batches, begun):
    """Whatever is in progress then, and nothing twice."""
    for work in range(BATCH + 1):
        batches.add(work)
    batches.begin_all()
    await passes()

    assert [work for batch in works(begun) for work in batch] == [*range(BATCH + 1)]


async def test_who_is_gone_gets_no_answer(batches, begun):
    """An operation whose caller was cancelled disturbs no other."""
    gone, there, failed = (batches.add(work) for work in range(3))
    await passes()
    gone.cancel()
    for waiting in begun[0][:2]:
        waiting.complete(waiting.work)
    begun[0][2].fail(ZeroDivisionError())
    begun[0][0].fail(ZeroDivisionError())

    assert gone.cancelled()
    assert await there == 1
    with pytest.raises(ZeroDivisionError):
        await failed
