"""Signals: SIGHUP rereads files, and is not lost when it comes early.

A starting process blocks SIGHUP until it can handle it, and so do its child processes. SIGTERM
ends the process at once as long as nothing is served.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator


def hold_early_signals() -> None:
    """Call this first in a process that is going to serve."""
    # An exception might be raised inside a library's callback, and swallowed there.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])


@contextlib.contextmanager
def on_hangup(reread: Callable[[], None]) -> Iterator[None]:
    """Calls `reread` in this event loop for each SIGHUP; only in the main thread.

    Windows has no such signal.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "SIGHUP"):
        yield
        return
    import asyncio  # noqa: PLC0415 - it takes a while, and early signals are held first

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reread)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        # Without a handler the signal would end the process, and the drain with it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
