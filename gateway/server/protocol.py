"""Connections that strangers cannot wear down: HTTP/1.1 with limits on what is read, and when.

uvicorn's protocol reads heads of any size, waits for them and for bodies forever, parses any
number of pipelined requests at once, and answers malformed HTTP in the middle of another answer.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import httptools
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.http.errors import Header, internal_error
from gateway.http.requests import RequestHead, joined
from gateway.http.responses import Response, error_response
from gateway.server.heads import client_host, is_short, names_one_host, octets_of_head, target
from gateway.server.refusals import HEAD_TOO_LARGE, MALFORMED, OVERLOADED, TOO_SLOW
from gateway.server.wire import CLOSE, Direct, Routes, WholeRequest, lines_of, written
from gateway.settings.limits import MAX_CHUNKS, MAX_OVERHEAD_BYTES, MAX_PIPELINED, ConnectionLimits

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

_HTTP_VERSIONS = frozenset({"1.1", "1.0"})


class LimitedConfig(uvicorn.Config):
    """A server's configuration with the limits of its connections."""

    def __init__(self, app: Any, *, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(app, http=LimitedProtocol, **options)
        self.connection_limits = limits
        self.direct: Routes = {}
        # The addresses whose word is taken for where a request comes from.
        self.proxies: Any = None
        self._headers: list[Header] = []
        self._lines = b""

    def load(self) -> None:
        super().load()
        app = self.loaded_app
        if isinstance(app, ProxyHeadersMiddleware):
            self.proxies, app = app.trusted_hosts, app.app
        if isinstance(app, Direct):
            self.direct = app.direct

    def lines_of(self, headers: list[Header]) -> bytes:
        """The headers that all answers have; the server makes a new list of them every second."""
        if headers is not self._headers:
            self._headers, self._lines = headers, lines_of(tuple(headers))
        return self._lines


class _Cut(Exception):  # noqa: N818 - stops the parser; nobody is told
    """No more is read from this connection."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, config: LimitedConfig, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        limits = self._limits = config.connection_limits
        self._max_header_bytes = limits.max_header_bytes
        shortest = min(
            limits.header_timeout_seconds, limits.body_timeout_seconds, limits.keep_alive_seconds
        )
        # One timer that looks now and then costs a request less than timers of its own would.
        self._tick_seconds = max(shortest / 4, 0.01)
        self._direct = config.direct
        self._proxies = config.proxies
        self._lines_of = config.lines_of
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0
        self._deadline = math.inf
        # How long the client may take for what comes next, once all that came is read.
        self._allowed: float | None = None
        self._in_head = False
        self._deaf = False
        # As long as this is within the limit the head is too, and nobody needs to measure it.
        self._head_bytes_at_most = 0
        self._bytes_at_hand = 0
        self._chunks = 0
        self._trailer_bytes = 0
        self._unaccounted_bytes = 0
        self._running: RequestResponseCycle | None = None

    # Life of the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self._limits.header_timeout_seconds)
        self._timer = self.loop.call_later(self._tick_seconds, self._tick)
        if len(self.connections) > self._limits.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Let a client that has sent its requests and closed its side read the answers."""
        if self.scheme == "https" or not self._answers_due():
            return None
        self._close_after_answers()
        return True

    @property
    def waits_since(self) -> float | None:
        """Since when this connection waits for its client, if it owes it no answer."""
        return None if self._answers_due() else self._waiting_since

    def _make_room(self) -> None:
        """Close the connection that has waited longest, or this one if none waits."""
        waiting = [
            (other.waits_since, other)
            for other in self.connections
            if isinstance(other, LimitedProtocol)
            and other is not self
            and other.waits_since is not None
            and not other.transport.is_closing()
        ]
        if waiting:
            min(waiting, key=lambda pair: pair[0])[1].transport.close()
        else:
            self._refuse(OVERLOADED)

    # Time

    def _wait(self, seconds: float) -> None:
        self._waiting_since = self.loop.time()
        self._deadline = self._waiting_since + seconds

    def _tick(self) -> None:
        if self.loop.time() >= self._deadline:
            self._expire()
        if not self.transport.is_closing():
            self._timer = self.loop.call_later(self._tick_seconds, self._tick)

    def _expire(self) -> None:
        if self._in_head or self._body_is_due():
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()

    # Reading

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._bytes_at_hand = len(data)
        self._unaccounted_bytes += self._bytes_at_hand
        if self._in_head:
            self._head_bytes_at_most += self._bytes_at_hand
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _Cut):
                self._refuse(HEAD_TOO_LARGE if self._is_head_too_large() else MALFORMED)
        else:
            if self._allowed is not None:
                self._wait(self._allowed)
                self._allowed = None
            if self._unaccounted_bytes > self._max_header_bytes or self._in_head:
                self._check_overhead()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read a request that offers another protocol, as some clients' first one does, as it is.

        The parser takes such a request to have no body; it gets to see it without the offer.
        """
        head = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)]
        head += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join((*head, b"\r\n", rest)))

    def _is_head_too_large(self) -> bool:
        """Whether what has come of a head that has not ended is too much already."""
        return self._in_head and (
            self._unaccounted_bytes > self._max_header_bytes or self._measures_too_large()
        )

    def _measures_too_large(self) -> bool:
        most = self._max_header_bytes
        return self._head_bytes_at_most > most and octets_of_head(self.url, self.headers) > most

    def _check_overhead(self) -> None:
        if self._is_head_too_large():
            self._refuse(HEAD_TOO_LARGE)
        elif self._unaccounted_bytes > MAX_OVERHEAD_BYTES:
            self._refuse(MALFORMED)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self._close_after_answers()
            raise _Cut
        self.url = b""
        self.headers = []
        self._in_head = True
        self._head_bytes_at_most = self._bytes_at_hand
        self._chunks = self._trailer_bytes = 0
        self._allowed = self._limits.header_timeout_seconds

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self.headers.append((name.lower(), value))
            return
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > self._max_header_bytes:
            self._refuse(HEAD_TOO_LARGE)
            raise _Cut

    def on_headers_complete(self) -> None:
        parser = self.parser
        version, method = parser.get_http_version(), parser.get_method()
        if self._measures_too_large():
            self._refuse(HEAD_TOO_LARGE)
            raise _Cut
        headers = joined(self.headers)
        if (
            version not in _HTTP_VERSIONS
            or method == b"CONNECT"
            or not names_one_host(self.headers, headers, version)
        ):
            self._refuse(MALFORMED)
            raise _Cut
        if parser.should_upgrade():
            return
        self._in_head = False
        self._unaccounted_bytes = 0
        self._allowed = self._limits.body_timeout_seconds
        keep_alive = version != "1.0" and parser.should_keep_alive()
        respond = self._direct.get(self.url) if method == b"POST" else None
        if respond is not None and is_short(headers):
            head = RequestHead(
                "POST", headers, b"", client_host(self.client, headers, self._proxies)
            )
            self._begin(WholeRequest(respond, head, keep_alive=keep_alive))
        else:
            scope = self._scope(method, version)
            expects = headers.get(b"expect", b"").lower() == b"100-continue"
            self._begin(self._asgi_cycle(scope, expects=expects, keep_alive=keep_alive))

    def _scope(self, method: bytes, version: str) -> HTTPScope:
        path, raw_path, query_string = target(self.url)
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": method.decode("ascii"),
            "root_path": "",
            "path": path,
            "raw_path": raw_path,
            "query_string": query_string,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _asgi_cycle(
        self, scope: HTTPScope, *, expects: bool, keep_alive: bool
    ) -> RequestResponseCycle:
        return RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=expects,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    def _begin(self, cycle: RequestResponseCycle) -> None:
        """Have the request answered, after those before it."""
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            self._refuse(MALFORMED)
            raise _Cut

    def on_body(self, body: bytes) -> None:
        # A body that was refused is read past for a while, so that its sender gets the answer.
        if not self.cycle.response_complete:
            self._unaccounted_bytes = max(0, self._unaccounted_bytes - len(body))
            self.cycle.body += body
            if len(self.cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._unaccounted_bytes = 0
        self._allowed = None
        cycle = self.cycle
        cycle.more_body = False
        if cycle.response_complete:
            self._wait(self._limits.keep_alive_seconds)
            return
        self._deadline = math.inf
        if not isinstance(cycle, WholeRequest):
            cycle.message_event.set()
        elif cycle is self._running:
            self._answer(cycle)

    # Answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if not isinstance(cycle, WholeRequest):
            super()._start_asgi_task(cycle, app)
        elif not cycle.more_body:
            self._answer(cycle)

    def _answer(self, cycle: WholeRequest) -> None:
        cycle.task = self.loop.create_task(self._respond(cycle))
        self.tasks.add(cycle.task)

    async def _respond(self, cycle: WholeRequest) -> None:
        try:
            try:
                response = await cycle.respond(cycle.head, bytes(cycle.body))
            except Exception as error:  # noqa: BLE001 - a bug: it is masked, and told in the log
                response = error_response([internal_error(error)], status=500)
            if self.flow.write_paused:
                await self.flow.drain()
            cycle.response_started = cycle.response_complete = True
            if not cycle.disconnected:
                self._write(response, keep_alive=cycle.keep_alive)
                self.on_response_complete()
        finally:
            # As a callback of the task this would take another turn of the event loop.
            self.tasks.discard(cycle.task)
            # An idle connection keeps its last request, but nothing of a candidate.
            cycle.body.clear()

    def _write(self, response: Response, *, keep_alive: bool) -> None:
        keep_alive = keep_alive and CLOSE not in response.own
        before = self._lines_of(self.server_state.default_headers)
        self.transport.write(written(response, before=before, keep_alive=keep_alive))
        if not keep_alive:
            self.transport.close()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif not self._in_head and not self.cycle.more_body:
            self._wait(self._limits.keep_alive_seconds)

    def _body_is_due(self) -> bool:
        return self.cycle is not None and self.cycle.more_body

    def _answers_due(self) -> list[RequestResponseCycle]:
        """The requests that have arrived whole and are not answered, newest first."""
        cycles = [cycle for cycle, _ in self.pipeline]
        if self._running is not None:
            cycles.append(self._running)
        return [c for c in cycles if not c.more_body and not c.response_complete]

    def _close_after_answers(self) -> None:
        """Read nothing more; close once every whole request is answered."""
        self._deaf = True
        self._deadline = math.inf
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        due = self._answers_due()
        if due:
            due[0].keep_alive = False
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, answer: bytes) -> None:
        """Answer what came last and cannot be read, unless answers before it are still due.

        Written among those, it would be taken for the answer to a request that may have invited
        somebody.
        """
        if not self._answers_due() and not self._has_begun_answer():
            self.transport.write(answer)
        self._close_after_answers()

    def _has_begun_answer(self) -> bool:
        running = self._running
        return running is not None and running.more_body and running.response_started
