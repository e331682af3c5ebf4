"""SIGHUP: look at once for what has changed, and go on serving."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from uvicorn.supervisors import Multiprocess


@contextlib.contextmanager
def on_hangup(reread: Callable[[], None]) -> Iterator[None]:
    """Calls `reread` in this event loop for each SIGHUP; in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reread)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        # Without a handler the signal would end the process, and the drain with it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Workers(Multiprocess):
    """Worker processes that are told of SIGHUP and not replaced for it."""

    def handle_hup(self) -> None:
        for worker in self.processes:
            if worker.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGHUP)
