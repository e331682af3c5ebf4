"""The upstream through httpx2: behind a proxy, or if the settings choose it.

It reports what happened as typed facts (`Exchange`) and decides nothing.

What httpx2 raises, and the fault it is reported as:

    TransportError
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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import httpx2

from gateway.upstream.bounds import (
    CONNECT_SECONDS,
    CONNECT_SHARE,
    KEEP_ALIVE_SECONDS,
    LARGEST_BODY,
    LONGEST_LIFE_SECONDS,
    POOL_SHARE,
    decoded,
)
from gateway.upstream.call import Call, CallObserver
from gateway.upstream.contract import ApiKey
from gateway.upstream.proxy import proxy_for
from gateway.upstream.trust import trusting
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

_FAULTS: Mapping[type[Exception], Fault] = {
    httpx2.ConnectError: Fault.CONNECT,
    httpx2.ConnectTimeout: Fault.CONNECT_TIMEOUT,
    httpx2.PoolTimeout: Fault.POOL_TIMEOUT,
    httpx2.WriteTimeout: Fault.WRITE_TIMEOUT,
    httpx2.ReadTimeout: Fault.READ_TIMEOUT,
    httpx2.ReadError: Fault.READ,
    httpx2.RemoteProtocolError: Fault.PROTOCOL,
}


class SendTooLateError(Exception):
    """Raised before the first byte leaves, because `may_send` said no."""


@dataclass(slots=True)
class PhaseProbe:
    """Knows whether bytes of the request may have left, and stops one that is too late.

    httpx2 awaits it at each step of a call (request extension `trace`).
    """

    may_send: Callable[[], bool] | None = None
    possibly_sent: bool = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event != "http11.send_request_headers.started" or info["request"].method == b"CONNECT":
            return
        # Not the loop's clock: uvloop reads it once a turn, and a process may be paused in one.
        if self.may_send is not None and not self.may_send():
            raise SendTooLateError
        self.possibly_sent = True


@dataclass(slots=True)
class _Known:
    """What is known of a call so far, so that no exception can lose it."""

    probe: PhaseProbe
    response: httpx2.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    body_complete: bool = False

    def facts(self, fault: Fault) -> Exchange:
        if self.response is None:
            return NoReply(fault, self.probe.possibly_sent)
        headers = self.response.headers
        return Reply(
            status=self.response.status_code,
            body=decoded(bytes(self.body), headers.get("content-encoding")),
            body_complete=self.body_complete,
            content_type=headers.get("content-type"),
            retry_after=headers.get("retry-after"),
            date=headers.get("date"),
        )


class HttpxUpstream:
    """The upstream through httpx2's transport: no redirects, no cookies, no log of its own."""

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
        self._first_used: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._base_url = base_url.rstrip("/")
        url = httpx2.URL(self._base_url)
        self._api_key = api_key
        self._api_key_header = api_key_header.encode()
        self._headers = [
            (b"host", url.netloc),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"content-type", b"application/json"),
            (b"user-agent", b"track-invite-gateway"),
        ]
        proxy = proxy_for(base_url)
        plain = url.scheme == "http" and proxy is None
        self._transport = httpx2.AsyncHTTPTransport(
            # Without TLS the trust store, which takes long to load, is not needed.
            verify=False if plain else trusting(ca_file),
            trust_env=False,
            proxy=proxy,
            limits=httpx2.Limits(
                max_connections=concurrency,
                max_keepalive_connections=concurrency,
                keepalive_expiry=KEEP_ALIVE_SECONDS,
            ),
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

    async def _send(self, call: Call) -> Exchange:
        request, seconds = self._request(call), call.timeout_seconds
        known = _Known(PhaseProbe(call.may_send))
        request.extensions = {
            "timeout": {
                # httpx2 leaves a socket open if a TLS handshake is cancelled: waiting for a slot,
                # connecting and shaking hands have to time out before the deadline does.
                "connect": min(CONNECT_SECONDS, seconds * CONNECT_SHARE),
                "pool": seconds * POOL_SHARE,
                # One deadline over the whole call stands in for a timeout on each operation.
                "read": None,
                "write": None,
            },
            "trace": known.probe,
        }
        fault = Fault.OTHER
        try:
            async with asyncio.timeout(seconds):
                await self._exchange(request, known, call.trusts_connection)
        except (TimeoutError, SendTooLateError):
            fault = Fault.DEADLINE
        except Exception as error:  # noqa: BLE001 - an unforeseen one must not lose what is known
            fault = _fault_of(error)
        return known.facts(fault)

    def reread_api_key(self) -> bool:
        return self._api_key.reread()

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _request(self, call: Call) -> httpx2.Request:
        key = self._api_key.current() if call.api_key is None else call.api_key
        headers = [*self._headers, (self._api_key_header, key.encode()), *call.headers]
        if call.idempotency_key is not None:
            headers.append((b"idempotency-key", call.idempotency_key.encode()))
        url = httpx2.URL(self._base_url + call.path)
        return httpx2.Request(call.method, url, headers=headers, content=call.body)

    async def _exchange(
        self,
        request: httpx2.Request,
        known: _Known,
        trusts: Callable[[Reply], bool] | None,
    ) -> None:
        response = await self._transport.handle_async_request(request)
        known.response = response
        stream = cast(httpx2.AsyncByteStream, response.stream)
        try:
            async for chunk in stream:
                known.body += chunk
                if len(known.body) > LARGEST_BODY:
                    del known.body[LARGEST_BODY:]
                    return
            known.body_complete = True
            reply = known.facts(Fault.OTHER)
            distrusted = trusts is not None and isinstance(reply, Reply) and not trusts(reply)
            # httpx2 keeps a connection whatever follows a response on it and however old it is,
            # and has no public way to say no.
            connection = cast(Any, stream)._httpcore_stream._stream._connection  # noqa: SLF001 - see above
            if distrusted or _has_surplus(connection) or self._is_old(connection):
                connection._h11_state.send_failed()  # noqa: SLF001 - as above
        finally:
            await stream.aclose()

    def _is_old(self, connection: Any) -> bool:
        now = asyncio.get_running_loop().time()
        return now - self._first_used.setdefault(connection, now) >= LONGEST_LIFE_SECONDS


def _has_surplus(connection: Any) -> bool:
    """Whether bytes follow the response: they would be taken for the reply to the next request."""
    surplus, _ = connection._h11_state.trailing_data  # noqa: SLF001 - as above
    return bool(surplus)


def _fault_of(error: BaseException) -> Fault:
    if isinstance(error, httpx2.ConnectError) and _is_certificate_error(error):
        return Fault.CERTIFICATE
    return _FAULTS.get(type(error), Fault.OTHER)  # type: ignore[arg-type]


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
