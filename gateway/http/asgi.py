"""GraphQL over HTTP as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from gateway.http.requests import RequestHead, request_head
from gateway.http.responses import Response

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Body: TypeAlias = bytes | Receive
"""A request's body: all of it, or where it comes from."""
Respond: TypeAlias = Callable[[RequestHead, Body], Awaitable[Response]]
"""Answers a request; raises ClientGone alone, and only where the body has still to come."""


class ClientGone(Exception):  # noqa: N818 - nobody is left to report an error to
    """The caller hung up before the request was complete."""


class AsgiApp:
    """What `respond` answers, sent the ASGI way; it does not look at the path."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse_websocket(receive, send)
            return
        try:
            response = await self._respond(request_head(scope), receive)
        except ClientGone:
            return
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": response.all_headers(),
            }
        )
        await send({"type": "http.response.body", "body": response.body})


async def _refuse_websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000})
