from __future__ import annotations

import asyncio

import pytest

from gateway.upstream.direct import pool as pool_module
from gateway.upstream.direct.pool import Pool
from tests.fakes.waiting import until


def now() -> float:
    return asyncio.get_running_loop().time()


class FakeConnection:
    def __init__(self) -> None:
        self.is_usable = True
        self.made_at = self.idle_since = now()

    def is_open(self) -> bool:
        return self.is_usable

    def is_quiet(self) -> bool:
        return self.is_usable

    def abort(self) -> None:
        self.is_usable = False


async def dial():
    return FakeConnection()


def small_pool(size: int = 1) -> Pool:
    return Pool(dial, size=size)


async def taken(pool: Pool, seconds: float = 5.0):
    if not await pool.place(wait_until=now() + seconds):
        return None
    return pool.kept(now()) or await pool.dial()


async def until_waiting(pool: Pool, count: int) -> None:
    await until(lambda: len(pool._turns) == count)


async def test_the_latest_connection_is_used_first():
    """Those that are not needed grow old and are closed."""
    pool = small_pool(2)
    first, second = await taken(pool), await taken(pool)
    pool.give_back(first, now())
    pool.give_back(second, now())

    assert await taken(pool) is second
    await pool.aclose()


async def test_a_spent_connection_is_not_used_again():
    """Neither when it is given back nor after it was closed while idle."""
    pool = small_pool()
    connection = await taken(pool)
    connection.is_usable = False
    pool.give_back(connection, now())
    second = await taken(pool)
    pool.give_back(second, now())
    second.is_usable = False

    third = await taken(pool)

    assert len({connection, second, third}) == 3


async def test_an_old_connection_is_not_used(monkeypatch):
    """The upstream may be closing it at this moment."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 0.0)
    pool = small_pool()
    connection = await taken(pool)
    pool.give_back(connection, now())

    assert await taken(pool) is not connection
    assert not connection.is_usable
    await pool.aclose()


async def test_idle_connections_are_closed_when_they_are_old(monkeypatch):
    """Nobody has to ask for one first."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 0.01)
    pool = small_pool(2)
    first, second = await taken(pool), await taken(pool)
    pool.give_back(first, now())
    given_back_at = first.idle_since
    await until(lambda: now() > given_back_at + 0.005)
    pool.give_back(second, now())

    await until(lambda: not first.is_usable and not second.is_usable)
    assert pool._sweep is None


async def test_calls_beyond_the_limit_wait_in_order():
    """Whoever came first is served first."""
    pool, served = small_pool(), []
    connection = await taken(pool)

    async def call(name: str) -> None:
        mine = await taken(pool)
        served.append(name)
        pool.give_back(mine, now())

    tasks = [asyncio.create_task(call(name)) for name in "abc"]
    await until_waiting(pool, 3)
    pool.give_back(connection, now())
    await asyncio.gather(*tasks)

    assert served == ["a", "b", "c"]
    await pool.aclose()


async def test_waiting_ends_in_time():
    """A call that gets no place is told so, and leaves no trace."""
    pool = small_pool()
    connection = await taken(pool)

    assert await taken(pool, 0.0) is None
    assert not pool._turns
    pool.give_back(connection, now())
    assert await taken(pool) is connection


async def test_a_cancelled_wait_passes_its_place_on():
    """A place that came at the moment of cancellation is not lost."""
    pool = small_pool()
    connection = await taken(pool)
    waiting = asyncio.create_task(taken(pool))
    await until_waiting(pool, 1)
    pool.give_back(connection, now())
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert waiting.cancelled()
    assert await taken(pool) is connection


async def test_a_wait_that_just_ended_gets_no_place():
    """The place goes to the next in the queue."""
    pool = small_pool()
    connection = await taken(pool)
    late = asyncio.create_task(taken(pool))
    next_one = asyncio.create_task(taken(pool))
    await until_waiting(pool, 2)
    next(iter(pool._turns)).set_result(False)
    pool.give_back(connection, now())

    assert await late is None
    assert await next_one is connection


async def test_a_cancelled_wait_leaves_the_queue():
    """A place that comes later goes to another."""
    pool = small_pool()
    connection = await taken(pool)
    waiting = asyncio.create_task(taken(pool))
    await until_waiting(pool, 1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    pool.give_back(connection, now())

    assert await taken(pool) is connection


async def test_closing_closes_what_is_idle_now_and_the_rest_later():
    """Calls under way may finish."""
    pool = small_pool(2)
    idle, busy = await taken(pool), await taken(pool)
    pool.give_back(idle, now())

    await pool.aclose()
    was_usable = busy.is_usable
    pool.give_back(busy, now())

    assert not idle.is_usable
    assert was_usable
    assert not busy.is_usable


async def test_a_call_without_a_connection_gives_its_place_back():
    """A failed dial does not shrink the pool."""
    pool = small_pool()
    await pool.place(wait_until=0.0)

    pool.give_back(None, now())

    assert await taken(pool, 0.0)


async def test_places_taken_at_once_count():
    """Idle connections beyond the limit are no places."""
    pool = small_pool(2)
    given = [await taken(pool), await taken(pool)]
    for connection in given:
        pool.give_back(connection, now())
    pool._free -= 1  # another call waits for its new connection

    assert pool.take(now()) is given[1]
    assert pool.take(now()) is None
    assert not await pool.place(wait_until=now())
    pool.give_back(given[1], now())
    assert pool.take(now()) is given[1]


async def test_connections_at_rest_are_closed_when_they_are_old_and_not_before(monkeypatch):
    """The next look at them is when the oldest of them will be old."""
    monkeypatch.setattr(pool_module, "KEEP_ALIVE_SECONDS", 60.0)
    pool = small_pool(2)
    first, second = await taken(pool), await taken(pool)
    start = now()
    pool.give_back(first, start - 61)
    pool.give_back(second, start)

    await until(lambda: not first.is_usable)

    assert second.is_usable
    assert pool._sweep is not None
    assert pool._sweep.when() == pytest.approx(start + 60, abs=0.01)
    await pool.aclose()
