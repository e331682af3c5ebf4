"""One ASGI call gives one whole response."""

from __future__ import annotations

import asyncio

import pytest

from gateway.server.application import response_of

START = {"type": "http.response.start", "status": 201, "headers": [(b"X-A", b"b")]}
LENGTH = {**START, "headers": [(b"Content-Length", b"2"), (b"x-a", b"b")]}
BODY = {"type": "http.response.body", "body": b"hi"}


def app_sending(*messages, error: Exception | None = None):
    async def app(_scope, _receive, send) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


async def never() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "messages",
    [
        (START, BODY),
        (LENGTH, BODY),
        (START, {**BODY, "body": b"h", "more_body": True}, {**BODY, "body": b"i"}),
        (START, {**BODY, "more_body": True}, {"type": "http.response.body"}),
    ],
    ids=["plain", "with-length", "in-parts", "empty-end"],
)
async def test_messages_make_a_response(messages):
    """The server writes the length by itself."""
    response = await response_of(app_sending(*messages), {}, b"", never)

    assert (response.status, response.own, response.body) == (201, ((b"x-a", b"b"),), b"hi")


async def test_body_is_received_once_and_then_the_end():
    """An application may wait for its client to go."""
    received = []

    async def app(_scope, receive, send) -> None:
        received.extend([await receive(), await receive()])
        await app_sending(START, BODY)(_scope, receive, send)

    await response_of(app, {}, b"body", lambda: asyncio.sleep(0))

    assert received == [
        {"type": "http.request", "body": b"body", "more_body": False},
        {"type": "http.disconnect"},
    ]


@pytest.mark.parametrize("messages", [(), (START,), (START, {**BODY, "more_body": True})])
async def test_half_a_response_is_none(messages):
    """Nothing of it is sent."""
    with pytest.raises(RuntimeError, match="no whole response"):
        await response_of(app_sending(*messages), {}, b"", never)


async def test_error_after_the_response_is_known_already():
    """Starlette answers, logs and raises; before the response there is only the error."""
    error = ValueError("a bug")

    response = await response_of(app_sending(START, BODY, error=error), {}, b"", never)

    assert response.body == b"hi"
    with pytest.raises(ValueError, match="a bug"):
        await response_of(app_sending(START, error=error), {}, b"", never)
