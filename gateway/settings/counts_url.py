"""Which URLs name a server for shared rate limits."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_SCHEMES: Final = frozenset({"valkey", "valkeys", "redis", "rediss"})


def check_counts_url(url: str) -> str:
    """`url` if it names a server; else ValueError says which URLs do, and quotes nothing."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ValueError("must be valkey://HOST:PORT or redis://HOST:PORT, with an s for TLS")
    return url
