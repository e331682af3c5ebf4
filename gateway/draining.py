"""Stopping without losing an invite: say so, let in nobody new, wait for those inside.

SIGTERM → `/readyz` says 503 → after `delay_seconds` new requests are turned away and the server
stops → what is in flight is answered → the lifespan ends once `idle` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from gateway.graphql.endpoint import App, Receive, Scope, Send
from gateway.graphql.errors import ErrorCode, request_error

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOPPING = request_error(
    "The gateway is stopping. Nothing was done; send it again.",
    ErrorCode.OVERLOADED,
    status=503,
    headers=((b"retry-after", b"1"), (b"connection", b"close")),
)


class Draining:
    """Whether the process is stopping, and how much it still has to answer."""

    def __init__(self, *, delay_seconds: float = 0.0) -> None:
        self._delay_seconds = delay_seconds
        self._in_flight = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self.begun = False
        """`/readyz` says 503."""
        self.closed = False
        """New requests are turned away."""

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def guard(self, app: App, *, closed: App) -> App:
        """`app` for as long as new requests are let in, then `closed`."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if self.closed:
                await closed(scope, receive, send)
                return
            self._in_flight += 1
            self._empty.clear()
            try:
                await app(scope, receive, send)
            finally:
                self._in_flight -= 1
                if not self._in_flight:
                    self._empty.set()

        return guarded

    async def idle(self) -> None:
        """Wait until every request that was let in has come to its end."""
        await self._empty.wait()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin with the signals that stop the server, before the server does.

        The server's own handlers are called after the delay; a second signal does not wait.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def stop(number: int, frame: Any) -> None:
            handler = before[signal.Signals(number)]
            go_on = handler if callable(handler) else _nothing
            if self.begun or not self._delay_seconds:
                self._close(go_on, number, frame)
            else:
                self.begun = True
                # A signal handler runs between any two steps: only this call is safe from there.
                loop.call_soon_threadsafe(
                    loop.call_later, self._delay_seconds, self._close, go_on, number, frame
                )

        for number in _SIGNALS:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                if signal.getsignal(number) is stop:
                    signal.signal(number, handler)

    def _close(self, go_on: Callable[[int, Any], Any], number: int, frame: Any) -> None:
        self.begun = self.closed = True
        go_on(number, frame)


def _nothing(*_: object) -> None:
    pass
