"""Responses as bytes."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from gateway.http.errors import Header
from gateway.http.responses import Response

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}
_WITHOUT_BODY: Final = frozenset({204, 304})

CLOSE: Final = (b"connection", b"close")


def written(response: Response, *, before: bytes, close: bool, head_only: bool = False) -> bytes:
    """The response's bytes; `before` are header lines that all responses have."""
    own = _lines(response.own)
    if close and CLOSE not in response.own:
        own += b"connection: close\r\n"
    if response.status not in _WITHOUT_BODY:
        own += b"content-length: %d\r\n" % len(response.body)
    return b"".join(
        (
            _STATUS_LINES[response.status],
            before,
            lines_of(response.headers),
            own,
            b"\r\n",
            b"" if head_only else response.body,
        )
    )


@lru_cache(maxsize=64)
def lines_of(headers: tuple[Header, ...]) -> bytes:
    """The headers' bytes, cached because many responses have the same ones."""
    return _lines(headers)


def _lines(headers: tuple[Header, ...]) -> bytes:
    lines = b""
    for name, value in headers:
        # A line break within a header would inject another header, or another response.
        if not _CONTROL.search(value):
            lines += b"%b: %b\r\n" % (name, value)
    return lines
