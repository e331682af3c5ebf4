"""What the stand-in can do to a connection; the rest is seen through the failures."""

from __future__ import annotations

import asyncio

from gateway.sandbox.connections import until_disconnect


async def test_disconnect_is_awaited_past_what_is_left_of_the_request():
    """Messages that come before the disconnect do not end the wait."""
    messages = iter(["http.request", "http.request", "http.disconnect", "never"])

    async def receive():
        return {"type": next(messages)}

    await until_disconnect(receive)

    assert next(messages) == "never"


async def test_wait_for_a_disconnect_is_bounded():
    """A client that stays is waited for no longer than said."""
    async with asyncio.timeout(20):
        await until_disconnect(asyncio.Event().wait, seconds=0.01)  # type: ignore[arg-type]
