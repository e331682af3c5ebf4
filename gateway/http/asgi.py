"""GraphQL over HTTP as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import Receive, Scope, Send

from gateway.http.requests import RequestHead, request_head
from gateway.http.responses import Response

Respond: TypeAlias = Callable[[RequestHead, bytes], Awaitable[Response]]
"""Answers a request; the bytes are its whole body, or more than is allowed of one."""


class AsgiApp:
    """Sends the response of `respond` over ASGI; ignores the path."""

    def __init__(self, respond: Respond, *, max_body_bytes: int) -> None:
        self._respond = respond
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse_websocket(receive, send)
            return
        body = await _whole_body(receive, self._max_body_bytes)
        if body is None:
            return
        response = await self._respond(request_head(scope), body)
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": response.all_headers(),
            }
        )
        await send({"type": "http.response.body", "body": response.body})


async def _whole_body(receive: Receive, limit: int) -> bytes | None:
    """The body, cut once it exceeds the limit; None if the client has disconnected."""
    body, more = b"", True
    while more and len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _refuse_websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000})
