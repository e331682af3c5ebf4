"""The public keys of an identity provider (RFC 7517), from its URL or from a file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

import jwt

from gateway.background import aside
from gateway.upstream.proxy import proxy_for
from gateway.watched_file import WatchedFile

LOGGER = logging.getLogger("gateway.auth")
REFRESH_SECONDS = 600.0
"""How long a key that the provider has withdrawn may still be accepted."""
RETRY_SECONDS = 10.0
"""The least time between two requests to the provider, whatever tokens come in."""
FETCH_SECONDS = 5.0
_LARGEST_KEY_SET = 1024 * 1024
_CHUNK = 65_536


class KeyRing:
    """A set of keys as published; immutable."""

    def __init__(self, published: bytes | str) -> None:
        """Raises ValueError, without the content, if it is not a key set with a signing key."""
        try:
            keys = json.loads(published)["keys"]
            self._keys = tuple(key for key in keys if _signs(key))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise ValueError("is not a JSON Web Key Set") from None
        if not self._keys:
            raise ValueError("has no key for signatures")
        self._ready: dict[tuple[str | None, str], tuple[jwt.PyJWK, ...]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def knows(self, kid: str | None) -> bool:
        return kid is None or any(key.get("kid") == kid for key in self._keys)

    def keys(self, kid: str | None, algorithm: str) -> tuple[jwt.PyJWK, ...]:
        """The keys for the algorithm with that id; without an id, all for the algorithm."""
        if not self.knows(kid):
            return ()
        if (kid, algorithm) not in self._ready:
            self._ready[kid, algorithm] = tuple(self._fitting(kid, algorithm))
        return self._ready[kid, algorithm]

    def _fitting(self, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
        fitting = []
        for key in self._keys:
            if (kid is None or key.get("kid") == kid) and key.get("alg", algorithm) == algorithm:
                # Keys without an algorithm may be of another type.
                with contextlib.suppress(jwt.PyJWTError):
                    fitting.append(jwt.PyJWK(key, algorithm))
        return fitting


class KeySource(Protocol):
    """A source of the provider's keys."""

    async def ring(self, kid: str | None, /) -> KeyRing | None:
        """The keys, fetched again if none has that id; None if unavailable."""
        ...

    def reread(self) -> None: ...

    async def aclose(self) -> None: ...


class JwksFile:
    """Keys in a file, which may be replaced at any time.

    Raises OSError or ValueError if the first reading fails.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = WatchedFile(path, read_key_file, clock=clock)

    async def ring(self, _kid: str | None, /) -> KeyRing | None:
        return self._file.current()

    def reread(self) -> None:
        self._file.reread()

    async def aclose(self) -> None:
        pass


class JwksUrl:
    """Keys from the provider; `fetch` raises OSError or ValueError if it fails.

    They are kept while the provider is down. They are fetched again periodically in the
    background, and for an unknown key id.
    """

    def __init__(
        self, fetch: Callable[[], bytes], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._published = b""
        self._ring: KeyRing | None = None
        self._asked_at = self._fetched_at = -math.inf
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def ring(self, kid: str | None, /) -> KeyRing | None:
        ring = self._ring
        if ring is None or not ring.knows(kid):
            failed = not await self._fetched() or self._failed
            ring = self._ring
            # The provider may have published that key by now.
            return None if failed and ring is not None and not ring.knows(kid) else ring
        if self._clock() - self._fetched_at >= REFRESH_SECONDS:
            self._fetch_if_due()
        return ring

    def reread(self) -> None:
        self._fetched_at = self._asked_at = -math.inf

    async def aclose(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    async def _fetched(self) -> bool:
        """Fetch the keys if that is due, and wait; False if that takes too long."""
        fetching = self._fetch_if_due()
        if fetching is None:
            return True
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                await asyncio.shield(fetching)
        except TimeoutError:
            return False
        return True

    def _fetch_if_due(self) -> asyncio.Task[None] | None:
        if self._fetching is None and self._clock() - self._asked_at >= RETRY_SECONDS:
            self._asked_at = self._clock()
            self._fetching = asyncio.create_task(self._renew())
        return self._fetching

    async def _renew(self) -> None:
        try:
            published = await aside(self._fetch)
            if published != self._published:
                self._ring, self._published = KeyRing(published), published
        except (OSError, ValueError, HTTPException) as error:
            if not self._failed:
                LOGGER.warning(
                    "The identity provider's keys are not available: %s", why_no_keys(error)
                )
            self._failed = True
        else:
            self._fetched_at, self._failed = self._clock(), False
        finally:
            self._fetching = None


def read_key_file(path: Path) -> KeyRing:
    """The keys in the file; raises OSError or ValueError if there are none."""
    return KeyRing(path.read_bytes())


def fetch_keys(url: str) -> bytes:
    """The content of `url`; raises OSError, HTTPException or ValueError.

    Blocks for some seconds, longer if the server sends its headers slowly. Redirects are not
    followed: only the named server is trusted.
    """
    give_up_at = time.monotonic() + FETCH_SECONDS
    request = urllib.request.Request(url, headers={"accept": "application/json"})  # noqa: S310 - the settings allow http and https alone
    published = bytearray()
    with _opener(url).open(request, timeout=FETCH_SECONDS) as response:
        while chunk := response.read1(_CHUNK):
            published += chunk
            if len(published) > _LARGEST_KEY_SET:
                raise ValueError("the response is too long")
            if time.monotonic() > give_up_at:
                raise TimeoutError("the response took too long")
    return bytes(published)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect, so that it is reported as an error."""


def _opener(url: str) -> urllib.request.OpenerDirector:
    proxy = proxy_for(url)
    proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    return urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler(proxies))


def _signs(key: Mapping[str, Any]) -> bool:
    return key.get("use", "sig") == "sig" and key.get("kty") != "oct"


def why_no_keys(error: Exception) -> str:
    """The reason for the operator, without any text of the provider."""
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    return type(error).__name__ if isinstance(error, HTTPException) else str(error)
