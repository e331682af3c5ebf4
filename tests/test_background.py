"""Work beside the requests ends when it is told to."""

from __future__ import annotations

import asyncio

from gateway.background import end


async def test_task_that_loses_a_cancellation_ends_all_the_same(monkeypatch):
    """Code that takes the first cancellation for its own time-out is cancelled once more."""
    monkeypatch.setattr("gateway.background._PATIENCE_SECONDS", 0.01)
    lost = 0

    async def work() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost == 2:
                    raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)

    await end(task)

    assert task.cancelled()


async def test_failed_task_is_over():
    """What ended by itself, however that was, is left at that."""

    async def fail() -> None:
        raise RuntimeError

    task = asyncio.create_task(fail())
    await asyncio.wait([task])

    await end(task)

    assert isinstance(task.exception(), RuntimeError)
