"""SIGHUP is a word to the process, and not its end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.server.signals import Workers, on_hangup


@pytest.fixture(autouse=True)
def _handler_as_before():
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_each_hangup_is_answered():
    """What is to be read again is, as often as the signal comes."""
    told: asyncio.Queue[str] = asyncio.Queue()

    with on_hangup(lambda: told.put_nowait("reread")):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.wait_for(told.get(), 20)

    assert told.empty()


async def test_a_hangup_while_stopping_ends_nothing():
    """After the last reading the signal is ignored, and the drain goes on."""
    with on_hangup(lambda: None):
        pass

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


async def test_beside_the_main_thread_nothing_is_installed():
    """An application in another thread leaves signals to its host."""

    async def enter() -> object:
        with on_hangup(lambda: None):
            return signal.getsignal(signal.SIGHUP)

    before = signal.getsignal(signal.SIGHUP)

    assert await asyncio.to_thread(lambda: asyncio.run(enter())) is before


class Worker:
    def __init__(self, pid: int | None) -> None:
        self.pid = pid


async def test_workers_are_told_and_kept():
    """Each worker gets the signal; one that is not there yet, or no more, is passed over."""
    told = asyncio.Event()
    workers = Workers.__new__(Workers)
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    workers.processes = [Worker(pid) for pid in (None, gone.pid, os.getpid())]  # type: ignore[misc]

    with on_hangup(told.set):
        workers.handle_hup()
        await asyncio.wait_for(told.wait(), 20)

    assert len(workers.processes) == 3
