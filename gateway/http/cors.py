"""Which pages of other origins may call: the exact origins that the operator named.

https://fetch.spec.whatwg.org/#http-cors-protocol

A mutation needs `application/json`, which a page of another origin cannot send without asking
first; so where no origin is named, no page of another origin can invite anybody.
"""

from __future__ import annotations

import re

from gateway.http.errors import ErrorCode, Header, RequestError, request_error
from gateway.http.requests import RequestHead
from gateway.http.responses import Response, empty_response

ALLOWED_METHODS = b"GET, HEAD, OPTIONS, POST"
_EXPOSED = (b"access-control-expose-headers", b"retry-after, x-request-id")
_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-max-age", b"86400"),
)
_MAX_HEADER_NAMES = 100
_LOOPBACK = re.compile(rb"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


class Cors:
    """The cross-origin rules of the endpoint: pages of `origins` may call, with any header.

    The origin is the boundary: whoever writes its pages decides what they send, and libraries
    for tracing add headers that nobody can list beforehand. With `credentials` they may send
    cookies too, which the gateway itself does not read. With `loopback` the pages of this
    machine may call as well, whatever their port.
    """

    def __init__(
        self, origins: frozenset[str], *, credentials: bool = False, loopback: bool = False
    ) -> None:
        self._loopback = loopback
        extra = (_EXPOSED, _CREDENTIALS) if credentials else (_EXPOSED,)
        self._allowed: dict[bytes, tuple[Header, ...]] = {
            origin.encode(): ((b"access-control-allow-origin", origin.encode()), *extra)
            for origin in origins
        }

    def refusal(self, head: RequestHead) -> RequestError | None:
        """The refusal of a page that hides its origin, such as a sandboxed frame.

        Pages of the gateway's own origin hide it too where their policy is `no-referrer`; then
        the browser, which no page can make lie about it, says where the request comes from.
        """
        headers = head.headers
        if headers.get(b"origin") != b"null" or headers.get(b"sec-fetch-site") == b"same-origin":
            return None
        return request_error(
            "Pages without an origin may not call.", ErrorCode.FORBIDDEN, status=403
        )

    def headers(self, head: RequestHead) -> tuple[Header, ...]:
        """What lets the page read the response, if its origin is one of those named."""
        origin = head.headers.get(b"origin")
        if origin is None:
            return ()
        if self._loopback and origin not in self._allowed and _LOOPBACK.fullmatch(origin):
            return ((b"access-control-allow-origin", origin), _EXPOSED)
        return self._allowed.get(origin, ())

    def options(self, head: RequestHead) -> Response:
        """The response to OPTIONS, a preflight or not."""
        allowed = self.headers(head)
        headers: tuple[Header, ...] = ((b"allow", ALLOWED_METHODS),)
        if allowed and b"access-control-request-method" in head.headers:
            names = _header_names(head.headers.get(b"access-control-request-headers", b""))
            headers = (*headers, (b"access-control-allow-headers", names), *_PREFLIGHT)
        return empty_response(204, (*headers, *allowed))


def _header_names(asked: bytes) -> bytes:
    """Those of the names that a header can have, as many as a page can reasonably send."""
    names = [name.strip() for name in asked.split(b",", _MAX_HEADER_NAMES)[:_MAX_HEADER_NAMES]]
    return b", ".join(name for name in names if _TOKEN.fullmatch(name))
