"""What the head of a request says that the parser leaves to us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import httptools

from gateway.http.errors import Header
from gateway.server.wire import LONGEST_BODY

_PUNCTUATION: Final = len(b": \r\n")


def octets_of_head(url: bytes, lines: Sequence[Header]) -> int:
    return len(url) + sum(len(name) + len(value) + _PUNCTUATION for name, value in lines)


def names_one_host(lines: Sequence[Header], headers: Mapping[bytes, bytes], version: str) -> bool:
    """Whether one host is meant, or none by a client of old (RFC 9112, section 3.2)."""
    if b"host" not in headers:
        return version == "1.0"
    return len(headers) == len(lines) or sum(name == b"host" for name, _ in lines) == 1


def client_host(
    client: tuple[str, int] | None, headers: Mapping[bytes, bytes], proxies: Any
) -> str | None:
    """Where the request comes from, by the word of a proxy if it is one of the trusted."""
    host = client[0] if client else None
    if proxies is None or b"x-forwarded-for" not in headers or host not in proxies:
        return host
    forwarded = headers[b"x-forwarded-for"].decode("latin-1")
    told: str = proxies.get_trusted_client_address(forwarded)[0]
    return told or host


def is_short(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the body's length is known, and no reason not to wait for it."""
    length = headers.get(b"content-length", b"")
    return length.isdigit() and int(length) <= LONGEST_BODY and b"expect" not in headers


@lru_cache(maxsize=64)
def target(url: bytes) -> tuple[str, bytes, bytes]:
    """A request target's path, decoded and as it came, and its query string."""
    parts = httptools.parse_url(url)
    path = parts.path.decode("ascii")
    return unquote(path) if "%" in path else path, parts.path, parts.query or b""
