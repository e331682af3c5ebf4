"""A process is told to stop in the same way on every system."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.stop_signals import stop_signals


async def test_each_signal_stops():
    """Also the one that comes when a terminal is closed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        stop = asyncio.Event()
        with stop_signals(stop.set):
            os.kill(os.getpid(), number)
            await asyncio.wait_for(stop.wait(), 10)


async def test_what_was_there_before_is_there_again():
    """Nobody's handler is lost."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    with stop_signals(lambda: None):
        assert signal.getsignal(signal.SIGTERM) != before[1]

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_a_closed_terminal_may_end_the_process():
    """Where nothing is to be brought to an end, SIGHUP is left as it is."""
    before = signal.getsignal(signal.SIGHUP)

    with stop_signals(lambda: None, hangup=False):
        assert signal.getsignal(signal.SIGHUP) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_loops_without_handlers_of_their_own(monkeypatch, number):
    """As those of Windows are."""

    def not_there(*_: object) -> None:
        raise NotImplementedError

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "add_signal_handler", not_there)
    monkeypatch.setattr(loop, "remove_signal_handler", not_there)
    stop = asyncio.Event()

    with stop_signals(stop.set):
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 10)
