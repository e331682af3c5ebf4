"""Which pages of other origins may call: the exact origins that the operator named.

https://fetch.spec.whatwg.org/#http-cors-protocol

A mutation needs `application/json`, which a page of another origin cannot send without asking
first; so where nobody is named, no page of another origin can invite anybody.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.http.errors import ErrorCode, Header, RequestError, request_error
from gateway.http.requests import RequestHead
from gateway.http.responses import Response, empty_response

ALLOWED_METHODS = b"GET, HEAD, OPTIONS, POST"
_HEADERS = (
    "accept",
    "apollo-require-preflight",
    "apollographql-client-name",
    "apollographql-client-version",
    "authorization",
    "content-type",
    "idempotency-key",
    "request-timeout",
    "traceparent",
    "tracestate",
    "x-apollo-operation-name",
    "x-request-id",
)
_EXPOSED = (b"access-control-expose-headers", b"retry-after, x-request-id")


class Cors:
    """The cross-origin rules of the endpoint.

    Pages of `origins` may call, with the headers that GraphQL clients send and with `headers`.
    """

    def __init__(self, origins: frozenset[str], headers: Iterable[str] = ()) -> None:
        self._allowed: dict[bytes, tuple[Header, ...]] = {
            origin.encode(): ((b"access-control-allow-origin", origin.encode()), _EXPOSED)
            for origin in origins
        }
        allowed = ", ".join((*_HEADERS, *map(str.lower, headers))).encode()
        self._preflight: tuple[Header, ...] = (
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", allowed),
            (b"access-control-max-age", b"86400"),
        )

    def refusal(self, head: RequestHead) -> RequestError | None:
        """What is said to a page that hides its origin, such as a sandboxed frame."""
        if head.headers.get(b"origin") != b"null":
            return None
        return request_error(
            "Pages without an origin may not call.", ErrorCode.FORBIDDEN, status=403
        )

    def headers(self, head: RequestHead) -> tuple[Header, ...]:
        """What lets the page read the answer, if its origin is one of those named."""
        origin = head.headers.get(b"origin")
        return () if origin is None else self._allowed.get(origin, ())

    def options(self, head: RequestHead) -> Response:
        """The answer to OPTIONS, a preflight or not."""
        allowed = self.headers(head)
        headers: tuple[Header, ...] = ((b"allow", ALLOWED_METHODS),)
        if allowed and b"access-control-request-method" in head.headers:
            headers = (*headers, *self._preflight)
        return empty_response(204, (*headers, *allowed))
