"""Signals that tell a process to stop, on every system."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Final

# SIGHUP comes when a terminal is closed; Windows has none.
_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def stop_signals(stop: Callable[[], object], *, hangup: bool = True) -> Iterator[None]:
    """Calls `stop` in this event loop for each signal to stop; in the main thread alone."""
    loop = asyncio.get_running_loop()
    numbers = [
        getattr(signal, name)
        for name in _NAMES
        if hasattr(signal, name) and (hangup or name != "SIGHUP")
    ]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        _listen(loop, number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _listen(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, stop: Callable[[], object]
) -> None:
    try:
        loop.add_signal_handler(number, stop)
    except NotImplementedError:
        # The loops of Windows have no handlers of their own, but wake up for the process's.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
