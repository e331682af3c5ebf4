"""Connections that strangers cannot wear down: HTTP/1.1 with limits on what is read, and when.

uvicorn's protocol reads heads of any size, waits for them and for bodies forever, parses any
number of pipelined requests at once, and answers malformed HTTP in the middle of another answer.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.answering import AnsweringCycle
from gateway.graphql.errors import ErrorCode, formatted
from gateway.graphql.responses import error_response

MAX_PIPELINED = 8
"""Requests that wait on a connection for the answer before them."""
_HTTP_VERSIONS = frozenset({"1.1", "1.0"})
_HEADER_PUNCTUATION_BYTES = len(b": \r\n")
MAX_CHUNKS = 4_096
"""Chunks of one body."""
MAX_OVERHEAD_BYTES = 1_048_576
"""Chunk sizes, chunk extensions and trailers of one body; or all of a body that was refused."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one client may hold; the fields are named as their settings are."""

    max_connections: int = 800
    max_header_bytes: int = 16_384
    """Request line and headers together."""
    header_timeout_seconds: float = 10.0
    """From a connection's start, or a request's first byte, to the end of the headers."""
    body_timeout_seconds: float = 10.0
    """From the end of the headers to the end of the body."""
    keep_alive_seconds: float = 75.0
    """How long a connection may idle between requests; longer than a load balancer's."""


class LimitedConfig(uvicorn.Config):
    """A server's configuration with the limits of its connections."""

    def __init__(self, app: Any, *, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(app, http=LimitedProtocol, **options)
        self.connection_limits = limits


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
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0
        self._deadline = math.inf
        self._in_head = False
        self._deaf = False
        self._head_bytes = 0
        self._hosts = 0
        self._chunks = 0
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
            self._refuse(_OVERLOADED)

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
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()

    # Reading

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._unaccounted_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not isinstance(error.__context__, _Cut):
                self._refuse(_MALFORMED)
        else:
            self._check_overhead()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read a request that offers another protocol, as some clients' first one does, as it is.

        The parser takes such a request to have no body; it gets to see it without the offer.
        """
        head = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url)]
        head += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join((*head, b"\r\n", rest)))

    def _check_overhead(self) -> None:
        if self._in_head:
            if self._unaccounted_bytes > self._max_header_bytes:
                self._refuse(_HEAD_TOO_LARGE)
        elif self._unaccounted_bytes > MAX_OVERHEAD_BYTES:
            self._refuse(_MALFORMED)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self._close_after_answers()
            raise _Cut
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._hosts = 0
        self._chunks = 0
        self._wait(self._limits.header_timeout_seconds)

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_bytes += len(url)
        if self._head_bytes > self._max_header_bytes:
            self._refuse_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + _HEADER_PUNCTUATION_BYTES
        if self._head_bytes > self._max_header_bytes:
            self._refuse_head()
        if not self._in_head:  # a trailer
            return
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def _refuse_head(self) -> NoReturn:
        self._refuse(_HEAD_TOO_LARGE)
        raise _Cut

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        if not self._is_well_formed(version):
            self._refuse(_MALFORMED)
            raise _Cut
        if self.parser.should_upgrade():
            return
        self._in_head = False
        self._unaccounted_bytes = 0
        self._wait(self._limits.body_timeout_seconds)
        self._begin_request(version)

    def _begin_request(self, version: str) -> None:
        """Give the request to the application, or let it wait for those before it."""
        parser, scope, before = self.parser, self.scope, self.cycle
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"], scope["raw_path"], scope["query_string"] = _target(self.url)
        self.cycle = AnsweringCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _is_well_formed(self, version: str) -> bool:
        """Whether the head is right in what the parser leaves to us (RFC 9112, section 3.2)."""
        return (
            version in _HTTP_VERSIONS
            and self.parser.get_method() != b"CONNECT"
            and (self._hosts == 1 or (self._hosts == 0 and version == "1.0"))
        )

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            self._refuse(_MALFORMED)
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
        self.cycle.more_body = False
        if self.cycle.response_complete:
            self._wait(self._limits.keep_alive_seconds)
        else:
            self._deadline = math.inf
            self.cycle.message_event.set()

    # Answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
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


@lru_cache(maxsize=64)
def _target(url: bytes) -> tuple[str, bytes, bytes]:
    """A request target's path, decoded and as it came, and its query string."""
    parts = httptools.parse_url(url)
    path = parts.path.decode("ascii")
    return unquote(path) if "%" in path else path, parts.path, parts.query or b""


def _refusal(status: HTTPStatus, message: str, code: ErrorCode = ErrorCode.BAD_REQUEST) -> bytes:
    retry = ((b"retry-after", b"1"),) if status is HTTPStatus.SERVICE_UNAVAILABLE else ()
    answer = error_response([formatted(message, code)], status=status, headers=retry)
    lines = [
        b"HTTP/1.1 %d %s" % (status, status.phrase.encode()),
        *(name + b": " + value for name, value in answer.headers),
        b"connection: close",
        b"",
        answer.body,
    ]
    return b"\r\n".join(lines)


_MALFORMED = _refusal(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")
_TOO_SLOW = _refusal(HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive.")
_HEAD_TOO_LARGE = _refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The URL and headers are too long."
)
_OVERLOADED = _refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections.", ErrorCode.OVERLOADED
)
