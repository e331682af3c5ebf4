"""The upstream over connections of our own: each knows exactly when bytes leave.

What happens, and the fault it is reported as:

    before the first byte (possibly_sent=False)
      name not found, refused, TLS failed    CONNECT, or CERTIFICATE if it was refused
      no connection within 5 s, or           CONNECT_TIMEOUT
        three tenths of the call's time
      no place free within a fifth of        POOL_TIMEOUT
        the call's time
      `send_by` or the deadline has passed   DEADLINE
      anything else                          OTHER
    from the first byte on (possibly_sent=True)
      reset                                  READ
      closed without a reply, not HTTP,      PROTOCOL
        too long a head
      the deadline has passed                DEADLINE
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from gateway.upstream.bounds import CONNECT_SECONDS, CONNECT_SHARE, POOL_SHARE
from gateway.upstream.direct.connection import Connection
from gateway.upstream.direct.dial import Dialer
from gateway.upstream.direct.pool import Pool, PoolTimeoutError
from gateway.upstream.propagation import TRACE_HEADERS
from gateway.upstream.trust import trusting
from gateway.upstream.wire import (
    INVITE_PATH,
    Exchange,
    Fault,
    NoReply,
    applicant_path,
    applicants_path,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.upstream.contract import ApiKey

# What RFC 3986, section 3.3, allows in a path, and escapes that are there already.
_KEPT_IN_PATH = "/%:@!$&'()*+,;=~"
_PORTS = {"http": 80, "https": 443}


class DirectUpstream:
    """The upstream without a proxy in between."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: ApiKey,
        api_key_header: str = "apiKey",
        concurrency: int,
        ca_file: Path | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        host = (parts.hostname or "").encode("idna").decode()
        self._path = quote(parts.path.rstrip("/"), safe=_KEPT_IN_PATH)
        self._api_key = api_key
        self._headers = (
            f" HTTP/1.1\r\nhost: {_authority(host, parts.port, parts.scheme)}\r\n"
            "accept: application/json\r\naccept-encoding: identity\r\n"
            f"user-agent: track-invite-gateway\r\n{api_key_header}: "
        )
        self._key = ""
        self._invite_head = b""
        tls = trusting(ca_file) if parts.scheme == "https" else None
        dialer = Dialer(host, parts.port or _PORTS[parts.scheme], tls=tls)
        self._pool = Pool(dialer.dial, size=concurrency)

    async def invite(
        self,
        body: bytes,
        *,
        timeout_seconds: float,
        idempotency_key: str | None = None,
        send_by: float | None = None,
        api_key: str | None = None,
    ) -> Exchange:
        key = self._api_key.current() if api_key is None else api_key
        if key != self._key:
            if not _fits_header(key):
                return NoReply(Fault.OTHER, possibly_sent=False)
            self._key, self._invite_head = key, self._post_head(key)
        own = b""
        if idempotency_key is not None:
            if not _fits_header(idempotency_key):
                return NoReply(Fault.OTHER, possibly_sent=False)
            own = f"idempotency-key: {idempotency_key}\r\n".encode()
        if carried := TRACE_HEADERS.get():
            own += _lines(carried)
        request = b"%bcontent-length: %d\r\n%b\r\n%b" % (self._invite_head, len(body), own, body)
        return await self._call(request, timeout_seconds, send_by)

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
        key = self._api_key.current() if api_key is None else api_key
        if not _fits_header(key):
            return NoReply(Fault.OTHER, possibly_sent=False)
        request = b"%b\r\n%b\r\n" % (
            f"GET {self._path}{target}{self._headers}{key}".encode(),
            _lines(TRACE_HEADERS.get()),
        )
        return await self._call(request, timeout_seconds, None)

    def reread_api_key(self) -> bool:
        return self._api_key.reread()

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _post_head(self, key: str) -> bytes:
        head = f"POST {self._path}{INVITE_PATH}{self._headers}{key}\r\n"
        return f"{head}content-type: application/json\r\n".encode()

    async def _call(
        self, request: bytes, timeout_seconds: float, send_by: float | None
    ) -> Exchange:
        loop = asyncio.get_running_loop()
        now = loop.time()
        deadline = now + timeout_seconds
        if not self._pool.try_place():
            try:
                await self._pool.place(wait_until=now + timeout_seconds * POOL_SHARE)
            except PoolTimeoutError:
                return NoReply(Fault.POOL_TIMEOUT, possibly_sent=False)
        connection = self._pool.kept()
        try:
            if connection is None:
                dialled = await self._dial(timeout_seconds)
                if isinstance(dialled, Fault):
                    return NoReply(dialled, possibly_sent=False)
                connection = dialled
            if loop.time() > deadline or _is_past(send_by):
                return NoReply(Fault.DEADLINE, possibly_sent=False)
            return await connection.exchange(request, deadline=deadline)
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        finally:
            self._pool.give_back(connection)

    async def _dial(self, timeout_seconds: float) -> Connection | Fault:
        try:
            async with asyncio.timeout(min(CONNECT_SECONDS, timeout_seconds * CONNECT_SHARE)):
                return await self._pool.dial()
        except TimeoutError:
            return Fault.CONNECT_TIMEOUT
        except ssl.SSLCertVerificationError:
            return Fault.CERTIFICATE
        except OSError:
            return Fault.CONNECT
        except Exception:  # noqa: BLE001 - nothing was sent, whatever it was
            return Fault.OTHER


def _is_past(send_by: float | None) -> bool:
    # uvloop reads its clock once a turn, and a process may be paused in the middle of one.
    return send_by is not None and time.monotonic() > send_by


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _authority(host: str, port: int | None, scheme: str) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port in (None, _PORTS[scheme]) else f"{bracketed}:{port}"
