"""Calls an ASGI application with one whole request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from gateway.http.responses import Response

# The server writes the length itself.
_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


async def response_of(
    app: ASGIApp, scope: Scope, body: bytes, until_lost: Callable[[], Awaitable[None]]
) -> Response:
    """The application's whole response; raises what it raises before the response is complete."""
    messages: list[Any] = []
    is_received = False

    async def receive() -> Message:
        nonlocal is_received
        if is_received:
            await until_lost()
            return {"type": "http.disconnect"}
        is_received = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    try:
        await app(scope, receive, send)
    except Exception:
        # Starlette sends the response first, then raises the error that its handler has logged.
        if not _is_whole(messages):
            raise
    if not _is_whole(messages):
        raise RuntimeError("the application gave no whole response")
    start, *parts = messages
    headers = [(name.lower(), value) for name, value in start.get("headers", ())]
    return Response(
        start["status"],
        (),
        b"".join(part.get("body", b"") for part in parts),
        tuple(header for header in headers if header[0] not in _FRAMING),
    )


def _is_whole(messages: list[Any]) -> bool:
    return len(messages) > 1 and not messages[-1].get("more_body", False)
