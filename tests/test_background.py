"""Work beside the requests ends when it is told to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from gateway.background import aside, end


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


async def test_work_aside_comes_back():
    """What it returns or raises is as if it had been called."""
    assert await aside(lambda: 5) == 5
    with pytest.raises(ValueError, match="invalid literal"):
        await aside(lambda: int("x"))


async def test_work_aside_that_nobody_waits_for_hurts_nobody():
    """Who gives up waiting is not disturbed by the answer."""
    go_on, gone = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait()
        gone.set()

    begun = aside(work)
    begun.cancel()
    go_on.set()
    await asyncio.to_thread(gone.wait)
    await asyncio.sleep(0)

    assert begun.cancelled()


def test_process_ends_though_work_aside_blocks():
    """A server that never answers a thread keeps no process alive."""
    program = """
import asyncio, threading
from gateway.background import aside
async def main():
    aside(threading.Event().wait)
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
