"""HTTP responses, ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from gateway.http.errors import FormattedError, Header, RequestError
from gateway.http.media_types import MediaType

SECURITY_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_COMMON: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"vary", b"accept, origin"),
    *SECURITY_HEADERS,
)
_HEADERS = {
    media_type: (
        (b"content-type", media_type.value.encode() + b"; charset=utf-8"),
        *_COMMON,
    )
    for media_type in MediaType
}


# Not frozen, for speed, and without a repr, for privacy: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False)
class Response:
    """An HTTP response with a complete body; the length is added when it is sent.

    `headers` are shared by many responses, `own` belong to this one.
    """

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""
    own: tuple[Header, ...] = ()

    def adding(self, *headers: Header) -> Response:
        return Response(self.status, self.headers, self.body, (*self.own, *headers))

    def all_headers(self) -> tuple[Header, ...]:
        """All headers, with the length if there can be a body."""
        if self.status == HTTPStatus.NO_CONTENT:
            return (*self.headers, *self.own)
        return (*self.headers, *self.own, (b"content-length", b"%d" % len(self.body)))


def empty_response(status: int, headers: tuple[Header, ...] = ()) -> Response:
    return Response(status, (*_COMMON, *headers))


def graphql_response(
    payload: dict[str, Any],
    media_type: MediaType,
    *,
    status: int = 200,
    headers: tuple[Header, ...] = (),
) -> Response:
    """A GraphQL response; `payload` may hold any text and any integer."""
    return Response(status, _HEADERS[media_type], _encode(payload), headers)


def error_response(
    errors: Sequence[FormattedError],
    media_type: MediaType = MediaType.JSON,
    *,
    status: int,
    headers: tuple[Header, ...] = (),
) -> Response:
    return graphql_response({"errors": errors}, media_type, status=status, headers=headers)


def refusal(error: RequestError, media_type: MediaType = MediaType.JSON) -> Response:
    """The response for a request error."""
    as_200 = error.well_formed and media_type is MediaType.JSON
    status = 200 if as_200 else error.status
    return error_response(error.errors, media_type, status=status, headers=error.headers)


def _encode(payload: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(payload)
    except TypeError:
        # Lone surrogates and integers beyond 64 bits, which orjson refuses.
        return json.dumps(payload, separators=(",", ":")).encode()
