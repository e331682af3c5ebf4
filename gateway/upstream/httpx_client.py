"""The only way to the upstream, and the only module that imports httpx2.

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
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx2

from gateway.upstream.bounds import (
    CONNECT_SECONDS,
    CONNECT_SHARE,
    KEEP_ALIVE_SECONDS,
    LARGEST_BODY,
    POOL_SHARE,
    decoded,
)
from gateway.upstream.contract import ApiKey
from gateway.upstream.propagation import TRACE_HEADERS
from gateway.upstream.proxy import proxy_for
from gateway.upstream.trust import trusting
from gateway.upstream.wire import (
    INVITE_PATH,
    Exchange,
    Fault,
    NoReply,
    Reply,
    applicant_path,
    applicants_path,
)

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
    """Raised before the first byte leaves, because `send_by` has passed."""


@dataclass(slots=True)
class PhaseProbe:
    """Knows whether bytes of the request may have left, and stops one that is too late.

    httpx2 awaits it at each step of a call (request extension `trace`).
    """

    send_by: float | None = None
    possibly_sent: bool = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event != "http11.send_request_headers.started" or info["request"].method == b"CONNECT":
            return
        # Not the loop's clock: uvloop reads it once a turn, and a process may be paused in one.
        if self.send_by is not None and time.monotonic() > self.send_by:
            raise SendTooLateError
        self.possibly_sent = True


@dataclass(slots=True)
class _Call:
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
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._invite_url = httpx2.URL(self._base_url + INVITE_PATH)
        self._api_key = api_key
        self._api_key_header = api_key_header.encode()
        self._headers = [
            (b"host", self._invite_url.netloc),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"content-type", b"application/json"),
            (b"user-agent", b"track-invite-gateway"),
        ]
        proxy = proxy_for(base_url)
        plain = self._invite_url.scheme == "http" and proxy is None
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

    async def invite(
        self,
        body: bytes,
        *,
        timeout_seconds: float,
        idempotency_key: str | None = None,
        send_by: float | None = None,
        api_key: str | None = None,
    ) -> Exchange:
        headers = (
            [] if idempotency_key is None else [(b"idempotency-key", idempotency_key.encode())]
        )
        request = self._request("POST", self._invite_url, headers, body, api_key=api_key)
        return await self._call(request, PhaseProbe(send_by), timeout_seconds)

    async def applicants(
        self,
        track_id: int,
        query: Mapping[str, str],
        *,
        timeout_seconds: float,
        api_key: str | None = None,
    ) -> Exchange:
        target = f"{applicants_path(track_id)}?{urlencode(query)}"
        return await self._get(target, timeout_seconds, api_key)

    async def applicant(
        self,
        track_id: int,
        application_id: int,
        *,
        timeout_seconds: float,
        api_key: str | None = None,
    ) -> Exchange:
        return await self._get(applicant_path(track_id, application_id), timeout_seconds, api_key)

    async def _get(self, target: str, timeout_seconds: float, api_key: str | None) -> Exchange:
        request = self._request("GET", httpx2.URL(self._base_url + target), api_key=api_key)
        return await self._call(request, PhaseProbe(), timeout_seconds)

    async def _call(
        self, request: httpx2.Request, probe: PhaseProbe, timeout_seconds: float
    ) -> Exchange:
        call = _Call(probe)
        request.extensions = {
            "timeout": {
                # httpx2 leaves a socket open if a TLS handshake is cancelled: waiting for a slot,
                # connecting and shaking hands have to time out before the deadline does.
                "connect": min(CONNECT_SECONDS, timeout_seconds * CONNECT_SHARE),
                "pool": timeout_seconds * POOL_SHARE,
                # One deadline over the whole call stands in for a timeout on each operation.
                "read": None,
                "write": None,
            },
            "trace": probe,
        }
        fault = Fault.OTHER
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._exchange(request, call)
        except (TimeoutError, SendTooLateError):
            fault = Fault.DEADLINE
        except Exception as error:  # noqa: BLE001 - an unforeseen one must not lose what is known
            fault = _fault_of(error)
        return call.facts(fault)

    def reread_api_key(self) -> bool:
        return self._api_key.reread()

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _request(
        self,
        method: str,
        url: httpx2.URL,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes | None = None,
        *,
        api_key: str | None = None,
    ) -> httpx2.Request:
        own = self._api_key.current() if api_key is None else api_key
        key = (self._api_key_header, own.encode())
        sent = [*self._headers, key, *headers, *TRACE_HEADERS.get()]
        return httpx2.Request(method, url, headers=sent, content=body)

    async def _exchange(self, request: httpx2.Request, call: _Call) -> None:
        response = await self._transport.handle_async_request(request)
        call.response = response
        stream = cast(httpx2.AsyncByteStream, response.stream)
        try:
            async for chunk in stream:
                call.body += chunk
                if len(call.body) > LARGEST_BODY:
                    del call.body[LARGEST_BODY:]
                    return
            call.body_complete = True
            _forbid_reuse_after_surplus(stream)
        finally:
            await stream.aclose()


def _forbid_reuse_after_surplus(stream: Any) -> None:
    """Lets the connection close if bytes follow the response on it.

    Kept, they would be taken for the reply to the next request: another candidate's invite.
    """
    # httpx2 shows these bytes nowhere else, and keeps the connection whatever they are.
    state = stream._httpcore_stream._stream._connection._h11_state  # noqa: SLF001 - no public way
    surplus, _ = state.trailing_data
    if surplus:
        state.send_failed()


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
