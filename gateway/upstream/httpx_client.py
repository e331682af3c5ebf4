"""The platform through httpx2's connections: behind a proxy, or if the settings choose it.

Its connection layer, httpcore2, connects, shakes hands, speaks to proxies and keeps connections.
Replies are read by the direct client's own `ReplyReader`, from the same bytes.

What httpcore2 raises, and the fault it is reported as:

    ConnectError              CONNECT, or CERTIFICATE if the certificate was refused
    ConnectTimeout            CONNECT_TIMEOUT
    PoolTimeout               POOL_TIMEOUT
    WriteTimeout              WRITE_TIMEOUT
    ReadTimeout               READ_TIMEOUT
    ReadError                 READ
    RemoteProtocolError       PROTOCOL
    anything else             OTHER
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpcore2
import httpx2

from gateway.upstream.bounds import (
    CONNECT_SECONDS,
    CONNECT_SHARE,
    KEEP_ALIVE_SECONDS,
    LONGEST_LIFE_SECONDS,
    POOL_SHARE,
)
from gateway.upstream.call import Call, CallObserver, fits_header, keyed_and_trusted
from gateway.upstream.contract import ApiKey
from gateway.upstream.proxy import proxy_for
from gateway.upstream.reply_reader import ReplyReader
from gateway.upstream.trust import trusting
from gateway.upstream.wire import Exchange, Fault, NoReply

_FAULTS: Mapping[type[BaseException], Fault] = {
    httpcore2.ConnectError: Fault.CONNECT,
    httpcore2.ConnectTimeout: Fault.CONNECT_TIMEOUT,
    httpcore2.PoolTimeout: Fault.POOL_TIMEOUT,
    httpcore2.WriteTimeout: Fault.WRITE_TIMEOUT,
    httpcore2.ReadTimeout: Fault.READ_TIMEOUT,
    httpcore2.ReadError: Fault.READ,
    httpcore2.RemoteProtocolError: Fault.PROTOCOL,
}


class SendTooLateError(Exception):
    """`may_send` returned False, so nothing was sent."""


@dataclass(slots=True)
class PhaseProbe:
    """Records whether the request's bytes may have been sent, and stops one that is too late.

    httpcore2 awaits it at each step of a call (request extension `trace`).
    """

    may_send: Callable[[], bool] | None = None
    possibly_sent: bool = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event != "http11.send_request_headers.started" or info["request"].method == b"CONNECT":
            return
        # Not the loop's clock: uvloop reads it once per iteration, and a process may pause in one.
        if self.may_send is not None and not self.may_send():
            raise SendTooLateError
        self.possibly_sent = True


@dataclass(slots=True)
class _Known:
    """The facts about a call so far, kept apart so that no exception can lose them."""

    probe: PhaseProbe
    api_key: str
    connection: _Connection | None = None
    """The connection last written to."""

    def facts(self, fault: Fault) -> Exchange:
        if self.connection is None or not self.probe.possibly_sent:
            return NoReply(fault, self.probe.possibly_sent)
        return self.connection.reader.facts(fault)


_CALL: ContextVar[_Known] = ContextVar("upstream_call")


class _Connection(httpcore2.AsyncNetworkStream):
    """A connection of httpcore2's that also passes each reply's bytes to a `ReplyReader`."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self.reader = ReplyReader()
        self.is_spent = False
        """It must not be used again: httpcore2 closes it after this reply."""
        self._stream = stream
        self._made_at = time.monotonic()

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._made_at >= LONGEST_LIFE_SECONDS

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's
        data = await self._stream.read(max_bytes, timeout)
        if data:
            self.reader.feed(data)
        else:
            self.reader.end_of_connection()
        if self.reader.broken:
            raise httpcore2.RemoteProtocolError
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's
        known = _CALL.get()
        if known.connection is not self:
            known.connection = self
            self.reader.begin()
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's
    ) -> _Connection:
        return _Connection(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        # A connection with something to read between two calls is closed by httpcore2.
        if info == "is_readable" and self.is_spent:
            return True
        return self._stream.get_extra_info(info)

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Network(httpcore2.AnyIOBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> _Connection:
        return _Connection(
            await super().connect_tcp(host, port, timeout, local_address, socket_options)
        )


class HttpxUpstream:
    """The platform through httpx2: no redirects, no cookies, no logging by the library."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: ApiKey,
        api_key_header: str = "apiKey",
        concurrency: int,
        ca_file: Path | None = None,
        observe: CallObserver | None = None,
    ) -> None:
        self._observe = observe
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._api_key_header = api_key_header.encode()
        url = httpx2.URL(self._base_url)
        self._headers = [
            (b"host", url.netloc),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"track-invite-gateway"),
        ]
        self._pool = _pool(
            proxy_for(base_url),
            is_tls=url.scheme == "https",
            ca_file=ca_file,
            max_connections=concurrency,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_Network(),
        )

    async def send(self, call: Call) -> Exchange:
        if self._observe is None:
            return await self._send(call)
        ended, exchange = self._observe(call), None
        try:
            exchange = await self._send(call)
        finally:
            ended(exchange)
        return exchange

    def reread_api_key(self) -> bool:
        return self._api_key.reread()

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _send(self, call: Call) -> Exchange:
        key = self._api_key.current() if call.api_key is None else call.api_key
        if not fits_header(key) or not fits_header(call.idempotency_key or ""):
            return NoReply(Fault.OTHER, possibly_sent=False)
        known = _Known(PhaseProbe(call.may_send), key)
        request = self._request(call, known)
        before = _CALL.set(known)
        fault = Fault.OTHER
        try:
            async with asyncio.timeout(call.timeout_seconds):
                return await self._exchange(request, call, known)
        except (TimeoutError, SendTooLateError):
            fault = Fault.DEADLINE
        except Exception as error:  # noqa: BLE001 - an unforeseen one must not lose what is known
            fault = _fault_of(error)
        finally:
            _CALL.reset(before)
        exchange = known.facts(fault)
        # The result is not needed: without a complete reply, the connection is closed in any case.
        keyed_and_trusted(exchange, call, key)
        return exchange

    def _request(self, call: Call, known: _Known) -> httpcore2.Request:
        headers = [*self._headers, (self._api_key_header, known.api_key.encode()), *call.headers]
        if call.idempotency_key is not None:
            headers.append((b"idempotency-key", call.idempotency_key.encode()))
        if call.body is not None:
            headers.append((b"content-type", b"application/json"))
            headers.append((b"content-length", b"%d" % len(call.body)))
        seconds = call.timeout_seconds
        timeouts = {
            # httpcore2 leaves a socket open if a TLS handshake is cancelled: waiting for a slot,
            # connecting and shaking hands have to time out before the deadline does.
            "connect": min(CONNECT_SECONDS, seconds * CONNECT_SHARE),
            "pool": seconds * POOL_SHARE,
            # One deadline for the whole call replaces timeouts for each operation.
            "read": None,
            "write": None,
        }
        return httpcore2.Request(
            call.method,
            _core_url(httpx2.URL(self._base_url + call.path)),
            headers=headers,
            content=call.body,
            extensions={"timeout": timeouts, "trace": known.probe},
        )

    async def _exchange(self, request: httpcore2.Request, call: Call, known: _Known) -> Exchange:
        response = await self._pool.handle_async_request(request)
        try:
            async for _ in response.aiter_stream():
                pass
            exchange, connection = known.facts(Fault.OTHER), cast("_Connection", known.connection)
            is_trusted = keyed_and_trusted(exchange, call, known.api_key)
            may_be_kept = is_trusted and connection.reader.reusable
            connection.is_spent = connection.is_old or not may_be_kept
            return exchange
        finally:
            await response.aclose()


def _pool(
    proxy: str | None, *, is_tls: bool, ca_file: Path | None, **options: Any
) -> httpcore2.AsyncConnectionPool:
    # The trust store takes long to load, and is not needed without TLS.
    trust = trusting(ca_file) if is_tls else None
    if proxy is None:
        return httpcore2.AsyncConnectionPool(ssl_context=trust, **options)
    named = httpx2.Proxy(proxy)
    return httpcore2.AsyncHTTPProxy(
        _core_url(named.url),
        proxy_auth=named.raw_auth,
        proxy_ssl_context=trusting(ca_file) if named.url.scheme == "https" else None,
        ssl_context=trust,
        **options,
    )


def _core_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _fault_of(error: BaseException) -> Fault:
    if isinstance(error, httpcore2.ConnectError) and _is_certificate_error(error):
        return Fault.CERTIFICATE
    return _FAULTS.get(type(error), Fault.OTHER)


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
