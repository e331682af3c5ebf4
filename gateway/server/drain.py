"""Stopping without losing an invite: refuse new requests, and finish those in flight.

SIGTERM → `/readyz` says 503 → after `delay_seconds` new requests are refused and the server
stops → requests in flight get their responses → the lifespan ends once `idle` returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from gateway.http.errors import ErrorCode, RequestError, request_error
from gateway.http.gates import Admitted, Decision
from gateway.http.requests import RequestHead

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# How long a repeated signal is ignored: a terminal or service manager signals all processes at
# once, and the supervisor then passes the signal on to its workers.
_ECHO_SECONDS = 1.0


def stopping() -> RequestError:
    """The error for a request that comes too late."""
    return request_error(
        "The gateway is stopping. Nothing was done; send it again.",
        ErrorCode.OVERLOADED,
        status=503,
        headers=((b"connection", b"close"),),
        retry_after_seconds=1,
    )


class Draining:
    """Whether the process is stopping, and how many requests are in flight."""

    def __init__(
        self,
        *,
        delay_seconds: float = 0.0,
        supervised: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delay_seconds = delay_seconds
        self._echo_seconds = _ECHO_SECONDS if supervised else 0.0
        self._clock = clock
        self._begun_at = 0.0
        self._in_flight = 0
        self._admitted = Admitted(release=self._leave)
        self._empty = asyncio.Event()
        self.begun = False
        """Whether `/readyz` says 503."""
        self.closed = False
        """Whether new requests are refused."""

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def admit(self, _head: RequestHead, /) -> Decision:
        """The first gate: counts the requests in flight, and refuses new ones once `closed`."""
        if self.closed:
            return stopping()
        self._in_flight += 1
        return self._admitted

    def _leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._empty.set()

    async def idle(self) -> None:
        """Wait until every accepted request has ended."""
        while self._in_flight:
            self._empty.clear()
            await self._empty.wait()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin draining on the signals that stop the server, before the server sees them.

        The server's own handler is called once, after the delay; a second signal does not wait.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in _SIGNALS}

        def stop(number: int, frame: Any) -> None:
            handler = before[signal.Signals(number)]
            go_on = handler if callable(handler) else _nothing
            if not self._delay_seconds or (self.begun and not self._is_echo()):
                self._close(go_on, number, frame)
            elif not self.begun:
                self.begun, self._begun_at = True, self._clock()
                # A signal handler interrupts any code: only this method is safe to call from it.
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

    def _is_echo(self) -> bool:
        return self._clock() - self._begun_at < self._echo_seconds

    def _close(self, go_on: Callable[[int, Any], Any], number: int, frame: Any) -> None:
        if self.closed:
            # On a second signal the server would drop the requests in flight.
            return
        self.begun = self.closed = True
        go_on(number, frame)


def _nothing(*_: object) -> None:
    pass
