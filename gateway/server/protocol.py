"""Client connections with limits on size and time: HTTP/1.1, one whole request after another.

At any time the connection waits for one of these:

    the client's next bytes             until `_deadline`
    the response                        while `_is_responding`, without a time limit
    the client's reading of a response  as long as it reads some within the keep-alive time
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from time import monotonic
from typing import Any, Final, Protocol, cast

from uvicorn.server import ServerState

from gateway.http.errors import internal_error
from gateway.http.responses import Response, error_response
from gateway.server.port import UNIX, Port
from gateway.server.reader import BETWEEN, BODY, HEAD, Refused, Request, RequestReader
from gateway.server.refusals import TOO_SLOW
from gateway.server.wire import CLOSE, written
from gateway.settings.limits import MAX_OVERHEAD_BYTES

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class HasPort(Protocol):
    """What the protocol needs of the server's configuration."""

    public: Port


class HttpProtocol(asyncio.Protocol):
    """One connection of a client."""

    transport: asyncio.Transport

    def __init__(
        self,
        config: HasPort,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        port: Port | None = None,
    ) -> None:
        self._port = port or config.public
        self._server_state = server_state
        self.app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        limits = self._limits = self._port.limits
        shortest = min(
            limits.header_timeout_seconds, limits.body_timeout_seconds, limits.keep_alive_seconds
        )
        # One timer that checks periodically is cheaper than timers for each request.
        self._tick_seconds = max(shortest / 4, 0.01)
        self._timer: asyncio.TimerHandle | None = None
        self._requests: deque[Request] = deque()
        """Whole requests without a response; the first is being processed."""
        self._reader = RequestReader(limits, self._requests)
        self._turn: asyncio.Future[None] | None = None
        """What the task that responds waits for between requests."""
        self.client = UNIX
        self._waiting_since = monotonic()
        self._deadline = math.inf
        self._timed_phases = 0
        self._deaf = False
        """Further bytes are ignored; the connection closes after the last response."""
        self._ignored_bytes = 0
        self._is_half_closed = self._is_refused = self._is_stopping = self._is_lost = False
        self._is_responding = False
        self._gone: asyncio.Future[None] | None = None
        self._is_reading = self._is_writable = True
        self._written_bytes = self._sent_bytes = 0
        self._sent_at = 0.0
        self.beginning: asyncio.Task[None] | None = None
        """The set-up before the connection is made, such as a TLS handshake."""

    # Opening and closing

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.beginning = None
        self._server_state.connections.add(cast("Any", self))
        peer = transport.get_extra_info("peername")
        self.client = peer[0] if isinstance(peer, tuple) else UNIX
        self._wait(self._limits.header_timeout_seconds)
        self._timer = self._loop.call_later(self._tick_seconds, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._is_lost = True
        if self._turn is not None and not self._is_responding:
            self._turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self._server_state.connections.discard(cast("Any", self))
        self._port.connections.discard(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def eof_received(self) -> bool:
        """Keep the connection for responses to a client that has only closed its sending side."""
        self._is_half_closed = True
        if self._port.tls is not None or not self._requests:
            return False
        self._close_after_responses()
        return True

    def shutdown(self) -> None:
        """Called by the server as it stops: closes unless a request is in progress."""
        self._is_stopping = True
        if not self._requests and self._reader.phase is not BODY:
            self.transport.close()

    @property
    def waits(self) -> bool:
        """Whether it waits for its client to send or to read."""
        return not self._is_responding

    @property
    def eviction_order(self) -> tuple[bool, float]:
        """Clients that do not read their responses are evicted first."""
        reads = self.beginning is not None or self.transport.get_write_buffer_size() == 0
        return reads, self._waiting_since

    def abort(self) -> None:
        if self.beginning is not None:
            self.beginning.cancel()
        else:
            self.transport.abort()

    # Time

    def _wait(self, seconds: float) -> None:
        self._waiting_since = monotonic()
        self._deadline = self._waiting_since + seconds

    def _tick(self) -> None:
        now, unread = monotonic(), self.transport.get_write_buffer_size()
        sent = self._written_bytes - unread
        if sent != self._sent_bytes or not unread:
            self._sent_bytes, self._sent_at = sent, now
        elif now - self._sent_at >= self._limits.keep_alive_seconds:
            self.transport.abort()
            return
        if now >= self._deadline:
            self._expire()
        self._timer = self._loop.call_later(self._tick_seconds, self._tick)

    def _expire(self) -> None:
        self._deadline = math.inf
        if self._deaf:
            self.transport.abort()
        elif self._reader.phase is BETWEEN:
            self.transport.close()
        else:
            self._refuse(TOO_SLOW)

    # Reading

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._ignore(data)
            return
        reader, requests = self._reader, self._requests
        try:
            reader.feed(data)
        except Refused as refused:
            self._refuse(refused.response)
        else:
            if reader.phase is not BETWEEN:
                self._wait_for_rest()
            elif requests:
                self._deadline = math.inf
        if requests:
            self._go_on()

    def _wait_for_rest(self) -> None:
        reader, limits = self._reader, self._limits
        if reader.phases != self._timed_phases:
            self._timed_phases = reader.phases
            in_head = reader.phase is HEAD
            self._wait(limits.header_timeout_seconds if in_head else limits.body_timeout_seconds)
        self._say_continue()

    def _say_continue(self) -> None:
        if self._reader.expects_continue and not self._requests and not self._deaf:
            self._reader.expects_continue = False
            self._send(_CONTINUE)

    def _ignore(self, data: bytes) -> None:
        """Discard bytes after the last request, so that the client can still read the response."""
        self._ignored_bytes += len(data)
        if self._ignored_bytes > MAX_OVERHEAD_BYTES and not self._requests:
            self.transport.abort()

    # Responding

    def _go_on(self) -> None:
        """Process the next request, unless one is in progress or the client is not reading."""
        if not self._is_responding and self._is_writable:
            self._is_responding = True
            if self._turn is not None:
                self._turn.set_result(None)
            else:
                task = self._loop.create_task(self._respond_in_order())
                self._server_state.tasks.add(task)
                task.add_done_callback(self._server_state.tasks.discard)
        elif self._is_reading:
            self._is_reading = False
            self.transport.pause_reading()

    async def _respond_in_order(self) -> None:
        """Respond to one request after another, as long as the connection lasts.

        One task waits for them all, because starting one for each takes several times as long.
        """
        requests = self._requests
        try:
            while not self._is_lost:
                if requests and self._is_writable:
                    request = requests[0]
                    try:
                        response = await self._port.response_to(request, self)
                    except Exception as error:  # noqa: BLE001 - a bug: it is masked and logged
                        response = error_response([internal_error(error)], status=500)
                    requests.popleft()
                    if not self._is_lost:
                        self._write(request, response)
                    # An idle connection keeps no personal data.
                    del request, response
                else:
                    if not requests and not self._deaf:
                        self._read_on()
                    self._is_responding = False
                    self._turn = self._loop.create_future()
                    await self._turn
        finally:
            self._is_responding, self._turn = False, None

    def _resume_reading(self) -> None:
        if not self._is_reading:
            self._is_reading = True
            self.transport.resume_reading()

    def _read_on(self) -> None:
        self._resume_reading()
        if self._reader.phase is BETWEEN:
            self._wait(self._limits.keep_alive_seconds)
        else:
            self._say_continue()

    async def until_lost(self) -> None:
        if not self._is_lost:
            self._gone = self._loop.create_future()
            await self._gone

    # Writing

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        if self._requests:
            self._go_on()

    def _send(self, data: bytes) -> None:
        self._written_bytes += len(data)
        self.transport.write(data)

    def _write(self, request: Request, response: Response) -> None:
        port = self._port
        is_last = (
            not request.keep_alive
            or CLOSE in response.own
            or port.draining.begun
            or self._is_stopping
            or (self._deaf and not self._requests)
        )
        self._send(
            written(
                response,
                before=port.lines_of(self._server_state.default_headers),
                close=is_last,
                head_only=request.method == "HEAD",
            )
        )
        if is_last:
            self._requests.clear()
            self._end()

    def _refuse(self, response: bytes | None) -> None:
        """Write the refusal of unreadable bytes, unless earlier responses are due; then close.

        Among those, it would be taken for the response to an earlier request, which may have
        invited somebody.
        """
        self._is_refused = True
        if response is not None and not self._requests:
            self._send(response)
        self._close_after_responses()

    def _close_after_responses(self) -> None:
        self._deaf = True
        self._deadline = math.inf
        if not self._requests:
            self._end()

    def _end(self) -> None:
        """Close after the last response, with a delay for a client that is still sending.

        Closing at once would reset the connection, and the response might be lost.
        """
        self._deaf = True
        has_sent_all = self._reader.phase is BETWEEN and not self._is_refused
        if has_sent_all or self._is_half_closed:
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._wait(self._limits.body_timeout_seconds)
        self._resume_reading()
