"""Finds the proxy for a server in the environment's variables."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str) -> str | None:
    """The proxy's URL, or None if the server is reached directly.

    `HTTP_PROXY` or `HTTPS_PROXY`, by the server's scheme, or else `ALL_PROXY`, unless the server
    is on this machine or named in `NO_PROXY`.

    Raises ValueError, without the URL, which may hold a password, if it cannot be used.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    if _is_this_machine(host) or _is_set_apart(host, port, proxies.get("no", "")):
        return None
    if "://" not in proxy:
        # Other programs read it that way.
        proxy = f"http://{proxy}"
    if not _is_usable(proxy):
        raise ValueError(
            "the environment's proxy for it must be http://HOST:PORT or https://HOST:PORT, the"
            " special characters of a password written as %XX"
        )
    return proxy


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_set_apart(host: str, port: int | None, no_proxy: str) -> bool:
    return any(_names(entry.strip().lower(), host, port) for entry in no_proxy.split(","))


def _names(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of `NO_PROXY` names the server.

    It may be `*`, a domain (which includes its subdomains), an address or a network. A domain or
    an address may have a port.
    """
    if entry == "*":
        return True
    with contextlib.suppress(ValueError):
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    try:
        parts = urlsplit(f"//{entry}")
        named_port = parts.port
    except ValueError:
        return False
    name = (parts.hostname or "").removeprefix("*").removeprefix(".")
    if not name or named_port not in (None, port):
        return False
    return host == name or host.endswith(f".{name}")


def _is_usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
