"""One HTTP/1.1 connection to the upstream, which carries one exchange at a time."""

from __future__ import annotations

import asyncio
import select
from time import monotonic
from typing import cast

from gateway.upstream.reply_reader import ReplyReader
from gateway.upstream.wire import Exchange, Fault

# Event loops round their timers, so one may fire a little early.
_CLOCK_GRAIN_SECONDS = 0.001
# A complete reply has no fault; this one is not looked at.
_NONE = Fault.OTHER


class Connection(asyncio.Protocol):
    """Sends one request at a time and reports what came back.

    It stays open only after a complete reply that allows it, with no bytes after it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.made_at = self.idle_since = monotonic()
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._exchange: asyncio.Future[Exchange] | None = None
        self._unread = select.poll()
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def is_open(self) -> bool:
        """Whether another request can be sent, as far as the event loop knows."""
        return self._transport is not None and not self._transport.is_closing()

    def is_quiet(self) -> bool:
        """Whether it is open and the socket has nothing to read.

        That includes an end of the connection that the loop has not seen yet.
        """
        transport = self._transport
        return transport is not None and not transport.is_closing() and not self._unread.poll(0)

    def exchange(self, request: bytes, *, deadline: float) -> asyncio.Future[Exchange]:
        """Send the request; from here on its bytes may have been sent.

        `deadline` is on the monotonic clock. A caller that stops waiting must call `abort`.
        """
        self._reader.begin()
        exchange: asyncio.Future[Exchange] = self._loop.create_future()
        self._exchange = exchange
        self._end_by(deadline)
        cast("asyncio.Transport", self._transport).write(request)
        return exchange

    def abort(self) -> None:
        """Close at once, whatever is in progress."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._unread.register(transport.get_extra_info("socket"), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._exchange is None:
            # Bytes without a request would be taken for the reply to the next one.
            self.abort()
            return
        reader, transport = self._reader, self._transport
        reader.feed(data)
        if reader.complete:
            # The reply may have come before all of the request was sent.
            if transport and (not reader.reusable or transport.get_write_buffer_size()):
                transport.abort()
            self._end(_NONE)
        elif reader.broken:
            self._give_up(Fault.PROTOCOL)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if error is None:
            self._reader.end_of_connection()
        self._give_up(Fault.PROTOCOL if error is None else Fault.READ)

    def _end_by(self, deadline: float) -> None:
        """Give the exchange up at the deadline.

        A running timer of an earlier exchange is kept, and set again when it fires: most
        exchanges then need no new timer.
        """
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._exchange is None:
            return
        if self._deadline - monotonic() > _CLOCK_GRAIN_SECONDS:
            self._end_by(self._deadline)
        else:
            self._give_up(Fault.DEADLINE)

    def _give_up(self, fault: Fault) -> None:
        self.abort()
        self._end(fault)

    def _end(self, fault: Fault) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None and not exchange.done():
            exchange.set_result(self._reader.facts(fault))
