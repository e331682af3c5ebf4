"""Security headers on everything that is served besides GraphQL."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.responses import SECURITY_HEADERS

_DEFAULTS = {
    # Without it, caches may keep a response such as 404 for any time.
    "cache-control": "no-store",
    **{name.decode(): value.decode() for name, value in SECURITY_HEADERS},
}


class SecurityHeaders:
    """Adds security headers and `no-store` to each response that does not set them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _DEFAULTS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)
