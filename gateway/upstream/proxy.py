"""The proxy that the environment names on the way to a server."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def proxy_for(url: str) -> str | None:
    """The proxy's URL, or None if the server is reached directly.

    Raises ValueError, without the URL, which may hold a password, if it cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    if "://" not in proxy:
        # As other programs read it.
        proxy = f"http://{proxy}"
    if not _is_usable(proxy):
        raise ValueError(
            "the environment's proxy for it must be http://HOST:PORT or https://HOST:PORT, the"
            " special characters of a password written as %XX"
        )
    return proxy


def _is_usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
