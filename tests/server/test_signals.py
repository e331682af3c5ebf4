"""SIGHUP is a word to the process, and not its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from gateway.server.signals import on_hangup


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


def test_a_hangup_that_comes_early_waits():
    """Until it can be answered; one more is not needed then."""
    program = """
import asyncio, os, signal
from gateway.server.signals import hold_early_signals, on_hangup

hold_early_signals()
os.kill(os.getpid(), signal.SIGHUP)
print("lives on")

async def main():
    told = asyncio.Event()
    with on_hangup(told.set):
        await asyncio.wait_for(told.wait(), 20)
    print("told")

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert done.stdout.split(b"\n")[:2] == [b"lives on", b"told"]


def test_an_early_sigterm_is_a_clean_end():
    """As long as nothing is served."""
    program = """
import os, signal
from gateway.server.signals import hold_early_signals

class Swallowing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

hold_early_signals()
Swallowing()
print("never", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert done.stdout == b""
