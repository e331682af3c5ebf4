"""Upstream keys sent by callers: several accounts behind one gateway."""

from __future__ import annotations

import hashlib

from gateway.http.errors import RequestError, request_error
from gateway.http.gates import Admitted
from gateway.http.requests import RequestHead
from gateway.settings.api_key import check_key


class ForwardedKeyGate:
    """Admits requests that have a key in `header`."""

    def __init__(self, header: str) -> None:
        self._header = header

    async def __call__(self, head: RequestHead, /) -> Admitted | RequestError:
        if forwarded_key(head, self._header) is not None:
            return _ADMITTED
        return request_error(
            f"Send your account's key for the recruiting platform in the header {self._header}."
        )


_ADMITTED = Admitted()


def forwarded_key(head: RequestHead, header: str) -> str | None:
    """The key in the header, or None if it is absent or cannot be passed on."""
    try:
        return check_key(head.header(header.lower().encode()) or "")
    except ValueError:
        return None


def scope_of(caller: str, key: str) -> str:
    """The scope of idempotency keys: this caller with this account, whose key is hashed."""
    return f"{caller} {hashlib.sha256(key.encode()).hexdigest()}"
