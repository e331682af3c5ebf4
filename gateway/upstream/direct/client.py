"""The direct client: without an HTTP library, it knows exactly when bytes are sent.

What happens, and the fault it is reported as:

    before the first byte (possibly_sent=False)
      name not found, refused, TLS failed    CONNECT, or CERTIFICATE if it was refused
      no connection within 5 s, or           CONNECT_TIMEOUT
        three tenths of the call's time
      no place free within a fifth of        POOL_TIMEOUT
        the call's time
      the deadline has passed, or            DEADLINE
        `may_send` says no
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
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from gateway.upstream.bounds import CONNECT_SECONDS, CONNECT_SHARE, POOL_SHARE
from gateway.upstream.call import INVITE_PATH, Call, CallObserver, fits_header, keyed_and_trusted
from gateway.upstream.direct.connection import Connection
from gateway.upstream.direct.dial import Dialer
from gateway.upstream.direct.pool import Pool
from gateway.upstream.trust import trusting
from gateway.upstream.wire import Exchange, Fault, NoReply

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.upstream.contract import ApiKey

# What RFC 3986, section 3.3, allows in a path, and `%` for existing escapes.
_KEPT_IN_PATH = "/%:@!$&'()*+,;=~"
# Access to a member through its enum takes ten times as long.
_OTHER = Fault.OTHER
_PORTS = {"http": 80, "https": 443}


class DirectUpstream:
    """Calls the upstream without a proxy."""

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
        parts = urlsplit(base_url)
        host = (parts.hostname or "").encode("idna").decode()
        self._path = quote(parts.path.rstrip("/"), safe=_KEPT_IN_PATH)
        self._api_key = api_key
        self._observe = observe
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

    async def send(self, call: Call) -> Exchange:
        ended = None if self._observe is None else self._observe(call)
        connection: Connection | Fault = _OTHER
        exchange: Exchange | None = None
        try:
            request, key, now = self._request(call), self._key, monotonic()
            if request:
                # Most calls need not wait, so they avoid a coroutine.
                connection = self._pool.take(now) or await self._connect(call, now)
            if isinstance(connection, Fault):
                exchange = NoReply(connection, possibly_sent=False)
            elif _is_late(call, now):
                exchange = NoReply(Fault.DEADLINE, possibly_sent=False)
            else:
                exchange = await connection.exchange(request, deadline=now + call.timeout_seconds)
                if not keyed_and_trusted(exchange, call, key):
                    connection.abort()
        except BaseException:
            if isinstance(connection, Connection):
                connection.abort()
            raise
        finally:
            if isinstance(connection, Connection):
                self._pool.give_back(connection, monotonic())
            if ended is not None:
                ended(exchange)
        return exchange

    def reread_api_key(self) -> bool:
        return self._api_key.reread()

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _request(self, call: Call) -> bytes:
        """The request's bytes; none if it cannot be written."""
        key = self._api_key.current() if call.api_key is None else call.api_key
        if key != self._key:
            if not fits_header(key):
                return b""
            self._key, self._invite_head = key, self._head("POST", INVITE_PATH, key)
        own = b""
        if call.idempotency_key is not None:
            if not fits_header(call.idempotency_key):
                return b""
            own = f"idempotency-key: {call.idempotency_key}\r\n".encode()
        if call.headers:
            own += b"".join(b"%b: %b\r\n" % header for header in call.headers)
        if call.body is None:
            return b"%b%b\r\n" % (self._head("GET", call.path, key), own)
        return b"%bcontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b" % (
            self._invite_head,
            len(call.body),
            own,
            call.body,
        )

    def _head(self, method: str, path: str, key: str) -> bytes:
        return f"{method} {self._path}{path}{self._headers}{key}\r\n".encode()

    async def _connect(self, call: Call, now: float) -> Connection | Fault:
        """A connection with its place in the pool, or why there is none."""
        seconds, pool = call.timeout_seconds, self._pool
        if not await pool.place(wait_until=now + seconds * POOL_SHARE):
            return Fault.POOL_TIMEOUT
        connection: Connection | Fault | None = None
        try:
            connection = pool.kept(monotonic()) or await self._dial(seconds)
            return connection
        finally:
            if not isinstance(connection, Connection):
                pool.give_back(None, now)

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
            return _OTHER


def _is_late(call: Call, begun: float) -> bool:
    """Whether the call, which began at that moment, must not be sent any more."""
    return monotonic() - begun > call.timeout_seconds or (
        call.may_send is not None and not call.may_send()
    )


def _authority(host: str, port: int | None, scheme: str) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port in (None, _PORTS[scheme]) else f"{bracketed}:{port}"
